# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""UDP and ICMP checks."""
import lab_checks
import pytest
from harness import FAILED, HEALTHY, Case, Expect, params, run_case
from lab import BACKEND
from lab_services import udp_server

PORT = 5300
RANGE = "100.125.0.0/16"


def server(mode, *args):
    return lambda lab: udp_server(lab, mode, PORT, *args, name="names") and None


CASES = [
    Case("udp-echo", "answered", Expect("healthy", protocol="udp"), port=PORT,
         check=lab_checks.datagram, setup=server("echo")),
    Case("udp-silent", "silent", Expect("healthy", protocol="udp"), port=PORT,
         check=lab_checks.datagram, setup=server("silent")),
    Case("udp-closed", "refused", Expect("udp-no-listener", "CONNECT_REFUSED", why=(str(PORT),)),
         port=PORT, check=lab_checks.datagram),
    Case("udp-loopback-only", "refused",
         Expect("udp-no-listener", "CONNECT_REFUSED", why=("127.0.0.1", "names")),
         port=PORT, check=lab_checks.datagram, setup=server("echo", "--bind", "127.0.0.1")),
    # to the load balancer silence is healthy
    Case("udp-unreachable-filtered", "silent",
         Expect("unreachable-suppressed", None, outcome="pass"), port=PORT,
         check=lab_checks.datagram,
         fault=["iptables-legacy -A OUTPUT -p icmp --icmp-type port-unreachable -j DROP"]),
    Case("echo", "answered", Expect("healthy", protocol="icmp"), port=0,
         check=lambda lab, port, **kw: lab_checks.ping(lab, **kw)),
    Case("echo-ignored", "lost",
         Expect("icmp-ignored", "CONNECT_TIMEOUT", why=("icmp_echo_ignore_all",),
                fix_command=("icmp_echo_ignore_all=0",)), port=0, fixes=True,
         check=lambda lab, port, **kw: lab_checks.ping(lab, **kw),
         fault=["sysctl -qw net.ipv4.icmp_echo_ignore_all=1"]),
    Case("echo-dropped", "lost",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where={"hook": "INPUT"}), port=0,
         check=lambda lab, port, **kw: lab_checks.ping(lab, **kw),
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p icmp -j DROP"]),
    Case("udp-rejected", "refused",
         Expect("firewall-reject", "CONNECT_REFUSED", where={"hook": "INPUT"}), port=PORT,
         check=lab_checks.datagram, setup=server("echo"),
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p udp --dport {PORT} -j REJECT"]),
]


@pytest.mark.parametrize("case", **params(CASES))
def test_datagram(case, make_lab, trace):
    run_case(case, make_lab, trace)


def test_udp_check_of_the_load_balancer(lab, trace):
    """Echo and datagram: two probes, both healthy."""
    udp_server(lab, "echo", PORT)
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.udp(lab, PORT)
    assert seen.echo and seen.result == "answered"
    assert run.probe(seen)["verdict"] == "healthy"
    run.stop(HEALTHY)
    assert sorted(p["protocol"] for p in run.of_type("probe")) == ["icmp", "udp"]


def test_rate_limited_unreachables(lab, trace):
    """The kernel sends only so many unreachables: the load balancer takes the rest for healthy."""
    run = trace(lab, "--timeout", 1)
    checks = [lab_checks.datagram(lab, PORT, timeout=0.1, target=BACKEND) for _ in range(10)]
    results = {c.result for c in checks}
    assert results == {"refused", "silent"}, f"the lab is wrong: {results}"
    verdicts = {"refused": "udp-no-listener", "silent": "unreachable-suppressed"}
    for check in checks:
        line = run.probe(check)
        assert line["verdict"] == verdicts[check.result], line
    run.stop(FAILED)
