# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--passive and --xdp: what is seen with fewer points, and with one more."""
import lab_checks
import lab_services
import pytest
from lab import RANGE

# port: what the load balancer sees, and the verdict with all points, and with --passive, where
# neither payload nor the listener's queue can be seen: then it must be unknown, not a guess.
PORTS = {
    80: ("http", "healthy", "unknown"),
    8503: ("http", "http-status", "unknown"),
    7080: ("refused", "no-listener", "no-listener"),
    8202: ("timeout", "firewall-drop", "firewall-drop"),
    7100: ("response-timeout", "app-slow", "app-slow"),
    7101: ("timeout", "accept-queue-full", "unknown"),
}


@pytest.fixture
def broken(lab):
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", RANGE, "-p", "tcp", "--dport", "8202",
                    "-j", "DROP")
    lab_services.tcp_server(lab, "silent", 7100, name="quiet")
    lab_services.tcp_server(lab, "never-accept", 7101, "--backlog", 2, name="stuck")
    with lab_services.filled_accept_queue(lab, 7101, 2):
        yield lab


def verdicts(lab, run):
    checks = {port: lab_checks.Later(lab_checks.http, lab, port, timeout=1) for port in PORTS}
    seen = {port: check.result() for port, check in checks.items()}
    assert {p: s.result for p, s in seen.items()} == {p: row[0] for p, row in PORTS.items()}
    return {port: run.probe(s)["verdict"] for port, s in seen.items()}


def test_passive(broken, trace):
    before = [broken.backend.run("tc", "qdisc", "show"), broken.backend.run("ip", "link")]
    run = trace(broken, "--timeout", 1, "--passive")
    start = run.of_type("start")[0]
    missing = {m["point"] for m in start["missing"]}
    assert {"tc-ingress", "tc-egress"} <= missing
    # functions tell of netfilter without a link at its hooks
    assert "netfilter" in missing or start["tier"] == "functions", start
    assert verdicts(broken, run) == {port: row[2] for port, row in PORTS.items()}
    assert before == [broken.backend.run("tc", "qdisc", "show"), broken.backend.run("ip", "link")]
    run.stop()


def test_xdp(broken, trace):
    run = trace(broken, "--timeout", 1, "--xdp")
    assert "xdp" in {p["point"] for p in run.of_type("start")[0]["points"]}
    assert "xdp" in broken.backend.run("ip", "link", "show", "dev", "eth0")
    assert verdicts(broken, run) == {port: row[1] for port, row in PORTS.items()}
    run.stop()
    assert "xdp" not in broken.backend.run("ip", "link", "show", "dev", "eth0")
