# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What results of functions prove, the kernel's own and those of others' BPF programs."""
import contextlib
import os
import select
import socket
import threading
import time

import bpfsys
import lab as lab_module
import lab_checks
import pytest
from bpfsys import BPF_XDP, XDP_FLAGS_SKB_MODE, XDP_PASS, XDP_TX
from harness import FAILED, HEALTHY, Case, Expect, Hctrace, params, run_case
from lab import RANGE

PORT = 8202
LOOK = 11  # s: a little more than between two looks at what brings no news
HEALTHY_202 = Expect("healthy", protocol="http", status=202)
NAME = "firewall_of_the_site"  # longer than the kernel keeps: 15 letters


@pytest.fixture(scope="module", autouse=True)
def functions(binary):
    """All here needs them."""
    lab = lab_module.Lab()
    try:
        run = Hctrace(binary, lab)
        tier = run.wait_start()["tier"]
        run.stop()
    finally:
        lab.close()
    if tier != "functions":
        pytest.skip("kernel: refuses function probes")


# ---- other people's XDP programs ----

def program(port=PORT, flags=0, name=NAME, **kwargs):
    @contextlib.contextmanager
    def setup(lab):
        with lab.backend.enter():
            attached = bpfsys.Attachment(BPF_XDP, socket.if_nametoindex("eth0"),
                                         bpfsys.dropping(BPF_XDP, port, **kwargs), flags, name)
        with attached:
            yield
    return setup


DROPPED = Expect("xdp-drop", "CONNECT_TIMEOUT", confidence=("certain",),
                 why=("firewall_of_the (id", "eth0", "dropped the syn"), show=("bpftool prog show id",),
                 where={"layer": "device", "device": "eth0"})
ABORTED = Expect("xdp-drop", "CONNECT_TIMEOUT", confidence=("certain",),
                 why=("firewall_of_the", "failed over the syn"))
SENT_BACK = Expect("unknown", why=("firewall_of_the", "out again", "XDP_TX"))
PROGRAMS = [
    Case("in-the-driver", "timeout", DROPPED, setup=program()),
    Case("generic", "timeout", DROPPED, setup=program(flags=XDP_FLAGS_SKB_MODE)),
    Case("aborted", "timeout", ABORTED, setup=program(action=0)),
    Case("sent-back", "timeout", SENT_BACK, setup=program(action=XDP_TX)),
    Case("for-another-port", "http", HEALTHY_202, setup=program(9)),
    Case("passes", "http", HEALTHY_202, setup=program(action=XDP_PASS)),
]


@pytest.mark.parametrize("case", **params(PROGRAMS))
def test_xdp_program(case, make_lab, trace):
    run_case(case, make_lab, trace)


def test_xdp_program_passive(lab, trace):
    """Nothing is attached to a device: the program itself is what is watched."""
    with program()(lab):
        run = trace(lab, "--timeout", 1, "--passive")
        line = run.probe(lab_checks.http(lab, PORT, timeout=1))
        assert not DROPPED.compare(line), line
        run.stop(FAILED)


@pytest.mark.parametrize("news", [True, False], ids=["device-news", "no-news"])
def test_xdp_program_comes_later(news, lab, trace):
    """It is watched from the device's news on, or a look later; no longer when it is gone."""
    run = trace(lab, "--timeout", 1)
    index = {}
    with lab.backend.enter():
        index["eth0"] = socket.if_nametoindex("eth0")
        attached = bpfsys.Attachment(BPF_XDP, index["eth0"], bpfsys.dropping(BPF_XDP, PORT), 0, NAME)
    with attached:
        if news:
            lab.backend.run("ip", "link", "set", "dev", "eth0", "alias", "news")
        else:
            time.sleep(LOOK)
        for _ in range(5):
            line = run.probe(lab_checks.http(lab, PORT, timeout=1))
            if line["verdict"] == "xdp-drop" and line["confidence"] == "certain":
                break
        assert not DROPPED.compare(line), line
    seen = lab_checks.http(lab, PORT, timeout=1)
    assert not HEALTHY_202.compare(run.probe(seen))
    run.stop(FAILED)


# ---- rules of nftables, and tables of legacy iptables ----

RULES = f"""
table inet guard {{
    chain others {{
        type filter hook input priority -10;
        ip saddr {RANGE} tcp dport 8203 drop
    }}
    chain in {{
        type filter hook input priority 0;
        ip saddr {RANGE} tcp dport 8202 jump dropping
    }}
    chain dropping {{
        ip saddr 100.126.0.0/16 drop
        tcp dport {{ 8201, 8202 }} drop
        tcp dport 8202 drop
    }}
}}"""


def limits_in_use():
    """Rules that limit something, in all namespaces; None: the kernel does not count them."""
    try:
        with open("/sys/module/nft_limit/refcnt", encoding="ascii") as f:
            return int(f.read())
    except OSError:
        return None


@pytest.mark.parametrize("options", [(), ("--passive",)], ids=["tc", "passive"])
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_rule_by_function(options, end, lab, trace):
    """The rule is told, though nothing is ever added to the ruleset; nothing is left behind."""
    lab.backend.run("nft", "-f", "-", data=RULES)
    before = lab.backend.run("nft", "-a", "list", "ruleset")
    if not os.path.exists("/sys/kernel/btf/nf_tables"):
        pytest.skip("kernel: no BTF of modules")
    run = trace(lab, "--timeout", 1, *options)
    for _ in range(4):
        line = run.probe(lab_checks.http(lab, PORT, timeout=1))
        assert lab.backend.run("nft", "-a", "list", "ruleset") == before
        if line["confidence"] == "certain" and line["where"].get("rule"):
            break
    where = line["where"]
    assert line["verdict"] == "firewall-drop" and line["confidence"] == "certain", line
    assert (where["table"], where["chain"]) == ("guard", "dropping"), line
    assert "8201, 8202" in str(where), line
    if end == "kill":
        run.kill()
    else:
        run.stop(FAILED)
    for _ in range(50):
        if not limits_in_use():
            break
        time.sleep(0.1)
    assert not limits_in_use()


def test_legacy_table(lab, trace):
    """Two tables could have dropped it: the function says which."""
    lab.backend.run("iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "--dport",
                    "8203", "-j", "DROP")
    lab.backend.run("iptables-legacy", "-t", "mangle", "-A", "PREROUTING", "-s", RANGE, "-p", "tcp",
                    "-j", "DROP")
    if not os.path.exists("/sys/kernel/btf/ip_tables"):
        pytest.skip("kernel: no BTF of modules")
    run = trace(lab, "--timeout", 1)
    for _ in range(4):
        line = run.probe(lab_checks.http(lab, PORT, timeout=1))
        if line["confidence"] == "certain":
            break
    where = line["where"]
    assert line["verdict"] == "firewall-drop", line
    assert (where["backend"], where["table"]) == ("iptables-legacy", "mangle"), line
    run.stop(FAILED)


# ---- accept() ----

class SlowAccept:
    """A server in the backend that accepts a connection AFTER seconds, and answers at once."""

    def __init__(self, lab, after):
        with lab.backend.enter():
            self._listener = socket.create_server(("0.0.0.0", 8300))
        self._after = after
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                select.select([self._listener], [], [])
                time.sleep(self._after)
                peer, _ = self._listener.accept()
                with peer:
                    peer.recv(1000)
                    peer.sendall(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n")

    def close(self):
        self._listener.close()


def test_accept_time(lab, trace):
    """accept() comes when the connection has long been there: the time is its own."""
    run = trace(lab, "--timeout", 3)
    with contextlib.closing(SlowAccept(lab, 1)):
        began = time.monotonic()
        seen = lab_checks.http(lab, 8300, timeout=3)
        took = (time.monotonic() - began) * 1e6
    line = run.probe(seen)
    assert not Expect("healthy", status=200).compare(line), line
    timing = line["timing"]
    assert timing["reply_us"] < 200000 < timing["accept_us"] <= timing["first_byte_us"] < took, line
    assert any(one["point"] == "accepted" for one in line["timeline"]), line
    run.stop(HEALTHY)


def test_accepted_too_late(lab, trace):
    """accept() came behind the load balancer's patience: nothing else was wrong."""
    run = trace(lab, "--timeout", 2)
    with contextlib.closing(SlowAccept(lab, 3)):
        seen = lab_checks.http(lab, 8300, timeout=2)
        line = run.probe(seen)
    expect = Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT", confidence=("certain",))
    assert not expect.compare(line), line
    run.stop(FAILED)
