# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The same over IPv6."""
import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab import BACKEND6, RANGE6
from lab_services import tcp_server, udp_server

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
         fault=["ip -6 route del default"],
         no_fix="no other route of this host names the router"),
    Case("ipv6-only-beside-ipv4-refused", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=("ipv6 only",)), port=7085,
         setup=lambda lab: tcp_server(lab, "answer", 7085, "--bind", "::", "--v6only") and None),
]


def ping(lab, port, **kw):
    return lab_checks.ping(lab, **kw)


NDP = ["ip6tables-{0} -A {1} -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT",
       "ip6tables-{0} -A {1} -p icmpv6 --icmpv6-type neighbour-advertisement -j ACCEPT"]
# Each command that is printed, for this family.
FIXED = [
    Case("policies", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where={"hook": "INPUT"},
                fix_command=("ip6tables-legacy -A INPUT", " && ip6tables-legacy -A OUTPUT")),
         target=BACKEND6,
         fault=[line.format("legacy", chain) for line in NDP for chain in ("INPUT", "OUTPUT")]
         + ["ip6tables-legacy -P INPUT DROP", "ip6tables-legacy -P OUTPUT DROP"]),
    Case("answer", "timeout",
         Expect("reply-dropped", "CONNECT_TIMEOUT", fix_command=("ip6tables-nft",)), target=BACKEND6,
         fault=[f"ip6tables-nft -A OUTPUT -d {RANGE6} -p tcp --sport {PORT} -j DROP"]),
    Case("raw", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", fix_command=("ip6tables-nft -t raw",)),
         target=BACKEND6,
         fault=[f"ip6tables-nft -t raw -A PREROUTING -s {RANGE6} -p tcp --dport {PORT} -j DROP"]),
    Case("echo-dropped", "lost",
         Expect("firewall-drop", "CONNECT_TIMEOUT", fix_command=("icmpv6 type echo-request",)),
         target=BACKEND6, port=0, check=ping,
         fault=["nft add table ip6 guard",
                "nft 'add chain ip6 guard c { type filter hook input priority 0; }'",
                "nft add rule ip6 guard c icmpv6 type echo-request drop"]),
    Case("echo-ignored", "lost",
         Expect("icmp-ignored", "CONNECT_TIMEOUT", fix_command=("net.ipv6.icmp.echo_ignore_all=0",)),
         target=BACKEND6, port=0, check=ping,
         fault=["sysctl -qw net.ipv6.icmp.echo_ignore_all=1"]),
    Case("datagram-rejected", "refused",
         Expect("firewall-reject", "CONNECT_REFUSED", fix_command=("-p udp --dport 5300",)),
         target=BACKEND6, port=5300, check=lab_checks.datagram,
         setup=lambda lab: udp_server(lab, "echo", 5300, "--bind", "::") and None,
         fault=[f"ip6tables-legacy -A INPUT -s {RANGE6} -p udp --dport 5300 -j REJECT"]),
    Case("blackhole", "timeout",
         Expect("no-route-back", "CONNECT_TIMEOUT", fix_command=("ip -6 route",)), target=BACKEND6,
         fault=[f"ip -6 route add blackhole {RANGE6}"]),
]


@pytest.mark.parametrize("case", **params(CASES + FIXED))
def test_ipv6(case, make_lab, trace):
    run_case(case, make_lab, trace)
