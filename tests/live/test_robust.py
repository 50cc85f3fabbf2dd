# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What hctrace promises besides verdicts: no harm, no trace left, no loss, little cost."""
import contextlib
import errno
import json
import os
import select
import socket
import statistics
import time

import bpfsys
import lab_checks
import pytest
from harness import FAILED, HEALTHY, NOTHING, Expect
from lab import BACKEND, LB_NODES, RANGE, sh

RSS_LIMIT_KIB = 25 * 1024  # of it 8 MiB the ring of 4 MiB, which is mapped twice


def bpf_of(pid):
    """Ids of the BPF programs, maps and links that process PID holds."""
    ids = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as f:
            for line in f:
                name, _, value = line.partition(":")
                if name in ("prog_id", "map_id", "link_id"):
                    ids.add((name[:-3], int(value)))
    return ids


def bpf_ids():
    """Ids of all BPF programs, maps and links of the host (bpftool fails on one that just goes)."""
    return {(kind, item["id"]) for kind in ("prog", "map", "link")
            for item in json.loads(sh("bpftool", "-j", kind, "show", check=False)) if "id" in item}


def host_state(lab):
    """All that hctrace might have changed in the backend's namespace."""
    run = lab.backend.run
    return "\n".join([
        run("nft", "list", "ruleset"), run("tc", "qdisc", "show"),
        run("tc", "filter", "show", "dev", "eth0", "ingress", check=False),
        run("tc", "filter", "show", "dev", "eth0", "egress", check=False),
        run("ip", "-o", "link"), run("ip", "rule"), run("iptables-legacy-save"),
        run("sysctl", "-a", "--pattern", r"^net\.(ipv4|ipv6|core|netfilter)\.")])


@pytest.mark.parametrize("how", ["kill -9", "SIGINT", "SIGTERM"])
def test_leaves_nothing(lab, trace, how):
    before = host_state(lab)
    run = trace(lab)
    how_attached = {one["point"]: one["detail"] for one in run.lines[0]["points"]}["tc-ingress"]
    run.probe(lab_checks.http(lab))
    held = bpf_of(run.child.pid)
    assert held, "bpftool does not see hctrace's programs"
    if how == "kill -9":
        run.kill()
        if "clsact" in how_attached:  # filters without a link: the next start removes them
            trace(lab).stop(NOTHING)
    elif how == "SIGTERM":
        run.child.terminate()
        run.stop()
    else:
        run.stop(HEALTHY)
    deadline = time.monotonic() + 5  # the kernel frees programs after a grace period
    while (left := held & bpf_ids()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
    assert host_state(lab) == before
    assert lab_checks.http(lab).status == 200


def test_ready_within_a_second(lab, trace):
    """The best of three: other tests share the processors."""
    times = []
    for _ in range(3):
        run = trace(lab)
        times.append(run.ready_s)
        run.stop()
    assert min(times) < (2 if run.sanitized(run.argv[4]) else 1), times


def test_verdicts_come_at_once(lab, trace):
    run = trace(lab, "--timeout", 1)
    lines = [run.probe(lab_checks.http(lab, port, timeout=1)) for port in (80, 8503, 7080) * 5]
    assert statistics.median(line.delay for line in lines) < 0.1, [line.delay for line in lines]
    run.stop(FAILED)


def flood(lab, port, number, timeout):
    """NUMBER SYNs at once, from every node; returns the sources, and how many were answered."""
    sockets, sources = [], set()
    with lab.lb.enter():
        for i in range(number):
            sock = socket.socket()
            sock.setblocking(False)
            node, source = LB_NODES[i % len(LB_NODES)], 20000 + i // len(LB_NODES)
            sock.bind((node, source))
            with contextlib.suppress(BlockingIOError):
                sock.connect((BACKEND, port))
            sockets.append(sock)
            sources.add((node, source))
    time.sleep(timeout)
    poll = select.poll()
    for sock in sockets:
        poll.register(sock, select.POLLOUT)
    answered = sum(1 for _, event in poll.poll(0) if event & select.POLLOUT)
    for sock in sockets:
        sock.close()
    return sources, answered


def verdicts_of(run, sources, within):
    """Verdict by source of the probes from SOURCES, once all are there or after WITHIN seconds."""
    def found():
        return {(p["lb"]["addr"], p["lb"]["port"]): p["verdict"] for p in run.of_type("probe")
                if (p["lb"]["addr"], p["lb"]["port"]) in sources}
    deadline = time.monotonic() + within
    while len(found()) < len(sources) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found()


def test_thousand_probes_in_flight(lab, trace):
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", RANGE, "-p", "tcp", "--dport", "7000",
                    "-j", "DROP")
    run = trace(lab, "--timeout", 2)
    sources, answered = flood(lab, 7000, 1000, 2)
    assert answered == 0
    verdicts = verdicts_of(run, sources, 5)
    assert len(verdicts) == 1000
    assert set(verdicts.values()) == {"firewall-drop"}
    run.stop(FAILED, lost=0)
    assert len(run.of_type("probe")) == 1000


@pytest.mark.not_sanitized
def test_memory(lab, trace):
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", RANGE, "-p", "tcp", "--dport", "7000",
                    "-j", "DROP")
    run = trace(lab, "--timeout", 1)
    for _ in range(20):
        run.probe(lab_checks.http(lab))
    assert run.rss_kib() <= RSS_LIMIT_KIB
    sources, _ = flood(lab, 7000, 300, 1)
    verdicts_of(run, sources, 5)
    assert run.rss_kib() <= RSS_LIMIT_KIB
    run.stop(FAILED)


@pytest.mark.parametrize("options, lines", [((), 0), (("--all-traffic",), 200)],
                         ids=["left-out", "all-traffic"])
def test_long_connection_is_traffic(lab, trace, options, lines):
    """Users' requests on a kept connection: each is counted as one, and told only if asked for."""
    run = trace(lab, "--timeout", 1, *options)
    for _ in range(50):
        lab_checks.tcp(lab, 80, node=1)
    sock, seen = lab_checks.connect(lab, 80)
    with contextlib.closing(sock):
        for _ in range(200):
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n")
            assert b"200 OK" in sock.recv(65536)
        time.sleep(1.3)  # it is judged when its timeout is over
    run.stop(HEALTHY, lost=0)
    told = [line["told_by"] for line in run.lines if run.is_of(seen)(line)]
    assert told == ["requests"] * lines, told
    end = run.lines[-1]
    assert end["probes"] == 50 + lines and end["other_requests"] == 200 - lines, end


def test_two_at_once(lab, trace):
    one, two = trace(lab), trace(lab)
    for port, verdict in ((80, "healthy"), (8503, "http-status"), (7080, "no-listener")):
        seen = lab_checks.http(lab, port)
        assert [r.probe(seen)["verdict"] for r in (one, two)] == [verdict, verdict]
    one.stop(FAILED)
    seen = lab_checks.http(lab)
    assert two.probe(seen)["verdict"] == "healthy"
    two.stop(FAILED)


DROP_ALL = f"iptables-legacy -A INPUT -s {RANGE} -j DROP"
PROHIBIT = f"ip route add prohibit {RANGE}"


@pytest.mark.parametrize("fault, verdict", [(DROP_ALL, "firewall-drop"),
                                            (PROHIBIT, "no-route-back")], ids=["firewall", "route"])
def test_two_backends_at_once(make_lab, trace, fault, verdict):
    """The tracepoints are the kernel's: each hctrace must keep to its own namespace.

    Both backends have the same address and are probed from the same address and port.
    """
    labs = [make_lab(first_port=40000) for _ in range(2)]
    labs[0].backend.run("sh", "-c", fault)
    runs = [trace(lab, "--timeout", 1) for lab in labs]
    checks = [lab_checks.Later(lab_checks.http, lab, timeout=1) for lab in labs]
    seen = [check.result() for check in checks]
    assert [s.result for s in seen] == ["timeout", "http"]
    assert [r.probe(s)["verdict"] for r, s in zip(runs, seen)] == [verdict, "healthy"]
    for run, status in zip(runs, (FAILED, HEALTHY)):
        run.stop(status)
        assert len(run.of_type("probe")) == 1, run.dump()


KINDS = {"tcx-ingress": bpfsys.BPF_TCX_INGRESS, "tcx-egress": bpfsys.BPF_TCX_EGRESS,
         "xdp": bpfsys.BPF_XDP}


def attach(lab, kind, code=None):
    """A foreign program on the backend's eth0."""
    with lab.backend.enter():
        try:
            return bpfsys.Attachment(kind, socket.if_nametoindex("eth0"), code)
        except OSError as e:
            if e.errno == errno.EINVAL and kind != bpfsys.BPF_XDP:
                pytest.skip("kernel: no tcx before 6.6")
            raise


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_foreign_bpf_stays(lab, trace, kind):
    with attach(lab, kind) as foreign:
        before = foreign.ifindex
        run = trace(lab)
        for port, verdict in ((80, "healthy"), (8503, "http-status")):
            assert run.probe(lab_checks.http(lab, port))["verdict"] == verdict
        run.stop(FAILED)
        assert foreign.ifindex == before != 0


def test_foreign_tcx_drops(lab, trace):
    with attach(lab, bpfsys.BPF_TCX_INGRESS, bpfsys.dropping(bpfsys.BPF_TCX_INGRESS, 8202)):
        run = trace(lab, "--timeout", 1)
        seen = lab_checks.http(lab, 8202, timeout=1)
        assert seen.result == "timeout"
        line = run.probe(seen)
        assert not Expect("tc-drop", "CONNECT_TIMEOUT", show=("tc",)).compare(line), line
        assert run.probe(lab_checks.http(lab))["verdict"] == "healthy"
        run.stop(FAILED)


def test_foreign_xdp_drops(lab, trace):
    """Nothing reaches the stack: all that can be said is that an XDP program is there."""
    with attach(lab, bpfsys.BPF_XDP, bpfsys.dropping(bpfsys.BPF_XDP, 0)):
        run = trace(lab, "--interval", 1, "--retries", 2, "--timeout", 1, "--duration", 5)
        assert lab_checks.http(lab, timeout=1).result == "timeout"
        run.finish()
        assert "no-probe" in run.dump() and "xdp" in run.dump().lower(), run.dump()


def test_foreign_clsact_stays(lab, trace):
    lab.backend.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    for side in ("ingress", "egress"):
        lab.backend.run("tc", "filter", "add", "dev", "eth0", side, "protocol", "ip", "u32",
                        "match", "ip", "src", RANGE, "flowid", "1:1")

    def filters():
        return [lab.backend.run("tc", "filter", "show", "dev", "eth0", side)
                for side in ("ingress", "egress")]

    before = filters()
    assert all("flowid 1:1" in text for text in before)
    run = trace(lab)
    assert run.probe(lab_checks.http(lab))["verdict"] == "healthy"
    run.stop(HEALTHY)
    assert filters() == before


def test_service_started_later(lab, trace):
    """A daemon that comes up while hctrace runs is named as well."""
    import lab_services
    run = trace(lab)
    line = run.probe(lab_checks.http(lab, 7100))
    assert not Expect("no-listener", "CONNECT_REFUSED").compare(line), line
    lab_services.tcp_server(lab, "close", 7100, name="late")
    line = run.probe(lab_checks.http(lab, 7100))
    wrong = Expect("app-closed", "CONNECT_INTERRUPT", process="late").compare(line)
    assert not wrong, wrong
    run.stop(FAILED)


def test_unexplained_is_unknown(lab, trace):
    """A probe that is still open when hctrace ends has no verdict but unknown, and no alarm."""
    import lab_services
    lab_services.tcp_server(lab, "silent", 7100, name="quiet")
    run = trace(lab, "--timeout", 5)
    sock, seen = lab_checks.connect(lab, 7100)
    with contextlib.closing(sock):
        sock.sendall(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        time.sleep(0.3)
        run.stop()
    lines = list(filter(run.is_of(seen), run.lines))
    assert [line["outcome"] for line in lines] in ([], ["unknown"]), lines
