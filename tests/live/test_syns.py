# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Odd beginnings: a SYN with data (TCP Fast Open), a second SYN with another number, SYNPROXY."""
import time
from dataclasses import replace

import lab_checks
import lab_faults
import pytest
from harness import Case, Expect, params, run_case
from lab_frames import ACK, ISN, RST, SYN, Frames
from lab_services import tcp_server

PORT = 7200
FAR = 5000000  # bytes from ISN: outside any window
FAST = ("--tcp-fastopen",)
# net.ipv4.tcp_fastopen: what a client may send, what a server takes, from whom, on which sockets
SENDS, SENDS_WITHOUT_COOKIE, TAKES, TAKES_WITHOUT_COOKIE, ALL_LISTENERS = 1, 4, 2, 0x200, 0x400


def fast_open(mode, client, server, *more):
    """A service with fast open as SERVER says, and a load balancer with it as CLIENT."""
    def setup(lab):
        lab.lb.sysctl(ipv4__tcp_fastopen=client)
        lab.backend.sysctl(ipv4__tcp_fastopen=server)
        tcp_server(lab, mode, PORT, *more, name="app")
    return setup


def fast(lab, port, timeout=2, **_):
    """A GET whose request goes out with the SYN, as far as the host may send it there."""
    return lab_checks.http(lab, port, timeout=timeout, more=FAST)


def fast_again(lab, port, timeout=2, **_):
    """The same for the second time: it has a cookie by then."""
    fast(lab, port, timeout)
    return fast(lab, port, timeout)


def data_came_with_syn(lab):
    """Connections that the service took from a SYN with data, as the kernel counts them."""
    counters = lab.backend.run("nstat", "-asz", "TcpExtTCPFastOpenPassive")
    return int(counters.splitlines()[-1].split()[1])


HTTP = Expect("healthy", protocol="http", status=200)
WITHOUT_COOKIE = TAKES | TAKES_WITHOUT_COOKIE | ALL_LISTENERS
BOLD = SENDS | SENDS_WITHOUT_COOKIE
FAST_OPEN = [
    Case("cookie", "http", HTTP, check=fast_again,
         setup=fast_open("answer", SENDS, TAKES | ALL_LISTENERS)),
    Case("without-cookie", "http", HTTP, check=fast,
         setup=fast_open("answer", BOLD, WITHOUT_COOKIE)),
    Case("refused-by-the-service", "http", HTTP, check=fast, setup=fast_open("answer", BOLD, 0)),
    Case("cookie-is-wanted", "http", HTTP, check=fast,
         setup=fast_open("answer", BOLD, TAKES | ALL_LISTENERS)),
    Case("status-503", "http", Expect("http-status", "RESPONSE_MISMATCH", status=503), check=fast,
         setup=fast_open("answer", BOLD, WITHOUT_COOKIE, "--reply",
                         "HTTP/1.1 503 no\\r\\nContent-Length: 0\\r\\n\\r\\n")),
    Case("silent", "response-timeout", Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="app"),
         check=fast, setup=fast_open("silent", BOLD, WITHOUT_COOKIE)),
    Case("never-accepted", "response-timeout",
         Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT"), check=fast,
         setup=fast_open("never-accept", BOLD, WITHOUT_COOKIE)),
    Case("closed", "closed", Expect("app-closed", "CONNECT_INTERRUPT"), check=fast,
         setup=fast_open("close", BOLD, WITHOUT_COOKIE)),
    # curl's connect() comes back at once, so it takes a refusal for a reset
    Case("closed-port", "reset", Expect("no-listener", "CONNECT_REFUSED"), check=fast,
         setup=lambda lab: lab.lb.sysctl(ipv4__tcp_fastopen=BOLD)),
    Case("firewall", "response-timeout", Expect("firewall-drop", "CONNECT_TIMEOUT"), check=fast,
         setup=fast_open("answer", BOLD, WITHOUT_COOKIE),
         fault=[f"iptables-legacy -A INPUT -p tcp --dport {PORT} -j DROP"]),
]
NOT_TAKEN = ("refused-by-the-service", "cookie-is-wanted", "closed-port")


@pytest.mark.parametrize("case", **params(FAST_OPEN))
def test_fast_open(case, make_lab, trace):
    lab = make_lab()
    run_case(replace(case, port=PORT), lambda **_: lab, trace)
    if case.id == "firewall":  # its command is applied by now, and data taken
        return
    assert (data_came_with_syn(lab) > 0) == (case.id not in NOT_TAKEN), "the lab is wrong"


# ---- another SYN on the same ports ----

def syn(frames, isn):
    frames.send(frames.ip(frames.segment(SYN, isn)))
    frames.start = time.monotonic()


def probes_of(run, seen):
    return [line for line in run.of_type("probe") if run.is_of(seen)(line)]


def test_second_syn_begins_a_probe(lab, trace):
    """Two checks one right after the other from the same port: two probes, each as it was."""
    tcp_server(lab, "answer", PORT, name="app")
    run = trace(lab, "--timeout", 1)
    with Frames(lab, PORT) as frames:
        for isn in ISN, 500000:
            syn(frames, isn)
            said = frames.answer(1)
            assert said and said[0] == SYN | ACK and said[2] == isn + 1, said
            time.sleep(0.1)  # the load balancer's kernel resets what it does not know
        seen = frames.seen("syn-ack")
    run.stop(0)
    assert [line["verdict"] for line in probes_of(run, seen)] == ["healthy"] * 2


def test_second_syn_after_a_drop(lab, trace):
    """The first was dropped; what came then is told by itself."""
    tcp_server(lab, "answer", PORT, name="app")
    drop = ["iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", PORT, "-j", "DROP"]
    lab.backend.run(*drop)
    run = trace(lab, "--timeout", 1)
    with Frames(lab, PORT) as frames:
        syn(frames, ISN)
        assert frames.answer(0.3) is None
        lab.backend.run("iptables-legacy", "-F", "INPUT")
        syn(frames, 500000)
        assert frames.answer(1)[0] == SYN | ACK
        seen = frames.seen("syn-ack")
    time.sleep(1.2)
    run.stop()
    assert sorted(line["verdict"] for line in probes_of(run, seen)) == ["firewall-drop", "healthy"]


def half_open(lab, port, timeout=1, isn=FAR, **_):
    """A SYN on the ports of another that was answered, but not confirmed."""
    source = lab.next_port()
    lab_faults.keep_resets_in(lab, source)
    with Frames(lab, port, source=source) as frames:
        syn(frames, ISN)
        assert frames.answer(1)[0] == SYN | ACK
        syn(frames, isn)
        said = frames.answer(0.3)
        assert said and not said[0] & SYN, said
        if said[0] & RST:
            return frames.seen("refused")
        time.sleep(timeout)
        return frames.seen("timeout")


def second_syn(isn):
    return lambda lab, port, **more: half_open(lab, port, isn=isn, **more)


HALF_OPEN = [
    Case("far", "timeout",
         Expect("stale-connection", "CONNECT_TIMEOUT", why=("half open", "dropped it"),
                fix_command=("ss -tK state syn-recv",), where={"layer": "socket"}),
         check=second_syn(FAR)),
    Case("near", "refused",
         Expect("stale-connection", "CONNECT_REFUSED", why=("half open", "reset"),
                advice=("next SYN is taken",), where={"layer": "socket"}),
         check=second_syn(ISN + 100)),
]


@pytest.mark.parametrize("case", **params(HALF_OPEN))
def test_half_open(case, lab, trace):
    """The client forgot its first SYN, whose SYN-ACK it ignores; the kernel has it still."""
    tcp_server(lab, "answer", PORT, name="app")
    run = trace(lab, "--timeout", 2)
    told = case.check(lab, PORT, timeout=2.2)
    assert told.result == case.seen, f"the lab is wrong: {told}"
    time.sleep(2.2)
    first, second = sorted(probes_of(run, told), key=lambda line: line["time"])
    assert first["verdict"] == "reply-lost", first
    wrong = case.expect.compare(second)
    assert not wrong, wrong
    assert not [e for e in second["timeline"] if e["text"] == "SYN-ACK"], second["timeline"]
    if second["fix_command"]:  # it ends the half-open connection, and the port is free
        lab.backend.run("bash", "-c", second["fix_command"])
        with Frames(lab, PORT, source=told.port) as frames:
            syn(frames, FAR)
            assert frames.answer(1)[2] == FAR + 1
    run.stop()
