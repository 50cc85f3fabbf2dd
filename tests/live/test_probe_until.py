# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace probe --until-healthy: the probes go on while the operator mends, and what mended it."""
import pytest
from harness import HEALTHY
from lab import GATEWAY, RANGE
from probe_play import probe

PORT = 8202

MENDED = [
    ("rule", [f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"],
     ["iptables-nft -F INPUT"], "firewall rules (nftables)", "dport 8202"),
    ("route", ["ip route del default"], [f"ip route add default via {GATEWAY}"], "routes",
     f"default via {GATEWAY}"),
    ("sysctl", ["ip route del default", "sysctl -qw net.ipv4.conf.all.rp_filter=1",
                "ip route add unreachable 100.125.0.0/17",
                f"ip route add default via {GATEWAY}", "ip route del unreachable 100.125.0.0/17",
                "sysctl -qw net.ipv4.icmp_echo_ignore_all=1"],
     ["sysctl -qw net.ipv4.icmp_echo_ignore_all=0"], "sysctls", "icmp_echo_ignore_all: 0"),
]


@pytest.mark.parametrize("name,breaks,mends,state,words", MENDED, ids=[m[0] for m in MENDED])
def test_until_healthy(name, breaks, mends, state, words, lab, binary):
    for command in breaks:
        lab.backend.run("sh", "-c", command)
    what = ("--protocol", "icmp") if name == "sysctl" else ("--port", PORT)
    run = probe(binary, lab, *what, "--timeout", 1, "--interval", 1, "--until-healthy")
    assert run.wait(lambda one: one["type"] == "probe" and one["outcome"] == "fail", 20), run.stderr
    for command in mends:
        lab.backend.run("sh", "-c", command)
    assert run.finish(timeout=30) == HEALTHY, run.dump()
    mended = run.of_type("recovered")
    assert len(mended) == 1 and mended[0]["failed"] >= 1, run.dump()
    changes = mended[0]["changes"]
    assert any(c["state"] == state and words in c.get("added", c.get("removed"))
               for c in changes), changes
    assert not [c for c in changes if "hctrace" in str(c)], changes


def test_healthy_at_once(lab, binary):
    run = probe(binary, lab, "--port", 80, "--until-healthy")
    assert run.finish(timeout=20) == HEALTHY
    assert run.of_type("recovered")[0]["failed"] == 0, run.dump()
