# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The same over IPv6."""
import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab import BACKEND6, RANGE6
from lab_services import tcp_server

PORT = 8202
DROPPED = {"layer": "netfilter", "hook": "INPUT"}

CASES = [
    Case("http", "http", Expect("healthy", protocol="http", status=202), target=BACKEND6),
    Case("tcp", "connected", Expect("healthy", protocol="tcp"), target=BACKEND6,
         check=lab_checks.tcp),
    Case("echo", "answered", Expect("healthy", protocol="icmp"), target=BACKEND6, port=0,
         check=lambda lab, port, **kw: lab_checks.ping(lab, **kw)),
    Case("closed-port", "refused", Expect("no-listener", "CONNECT_REFUSED"), target=BACKEND6,
         port=7080),
    Case("closed-udp-port", "refused", Expect("udp-no-listener", "CONNECT_REFUSED"),
         target=BACKEND6, port=5300, check=lab_checks.datagram),
    Case("503", "http", Expect("http-status", "RESPONSE_MISMATCH", status=503), target=BACKEND6,
         port=8503),
    Case("drop-legacy", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT",
                where=dict(DROPPED, backend="iptables-legacy"), fix=("ip6tables",)),
         target=BACKEND6,
         fault=[f"ip6tables-legacy -A INPUT -s {RANGE6} -p tcp --dport {PORT} -j DROP"]),
    Case("drop-nft", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where=dict(DROPPED, backend="nft")),
         target=BACKEND6,
         fault=["nft add table inet guard",
                "nft 'add chain inet guard c { type filter hook input priority 0; }'",
                f"nft add rule inet guard c ip6 saddr {RANGE6} tcp dport {PORT} drop"]),
    Case("reject", "refused",
         Expect("firewall-reject", "CONNECT_REFUSED",
                where=dict(DROPPED, backend="iptables-legacy")),
         # the client's kernel may miss the first error, that to its SYN from within connect()
         target=BACKEND6, timeout=3,
         fault=[f"ip6tables-legacy -A INPUT -s {RANGE6} -p tcp --dport {PORT} -j REJECT"]),
    Case("no-route", "timeout", Expect("no-route-back", "CONNECT_TIMEOUT"), target=BACKEND6,
         fault=["ip -6 route del default"]),
    Case("ipv6-only-beside-ipv4-refused", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=("ipv6 only",)), port=7085,
         setup=lambda lab: tcp_server(lab, "answer", 7085, "--bind", "::", "--v6only") and None),
]


@pytest.mark.parametrize("case", **params(CASES))
def test_ipv6(case, make_lab, trace):
    run_case(case, make_lab, trace)
