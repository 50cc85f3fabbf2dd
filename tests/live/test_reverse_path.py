# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A firewall that filters by the reverse path: firewalld's IPv6_rpfilter, iptables' rpfilter."""
import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab import BACKEND_2, RANGE, RANGE6
from test_check import check, of

PORT = 8202
BACKEND6_2 = "fd00:192:168:1::10"
FIB = "fib saddr . mark . iif oif missing"


def firewalld(*rules):
    return ["nft add table inet firewalld",
            "nft 'add chain inet firewalld filter_PREROUTING"
            " { type filter hook prerouting priority filter + 10; policy accept; }'",
            *(f"nft 'add rule inet firewalld filter_PREROUTING {rule}'" for rule in rules)]


IPV6_RPFILTER = firewalld("icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept",
                          f"meta nfproto ipv6 {FIB} drop")
RPFILTER = ["iptables-nft -t raw -A PREROUTING -m rpfilter --validmark --invert -j DROP"]
LEGACY = [line.replace("-nft", "-legacy") for line in RPFILTER]
NIXOS = ["iptables-nft -t mangle -N nixos-fw-rpfilter",
         "iptables-nft -t mangle -A PREROUTING -j nixos-fw-rpfilter",
         "iptables-nft -t mangle -A nixos-fw-rpfilter -m rpfilter --validmark -j RETURN",
         "iptables-nft -t mangle -A nixos-fw-rpfilter -j DROP"]


def six(lab, router_is_known=True):
    """IPv6 on the second link; whether a route tells its router."""
    lab.router.ip("addr add fd00:192:168:1::1/64 dev web1 nodad")
    lab.backend.ip(f"addr add {BACKEND6_2}/64 dev eth1 nodad")
    if router_is_known:
        lab.backend.ip("route add fd00:9::/64 via fd00:192:168:1::1 dev eth1")


def filtered(*fix, advice=(), **kwargs):
    return Expect("firewall-drop", "CONNECT_TIMEOUT",
                  where={"layer": "netfilter", "hook": "PREROUTING"},
                  why=("reverse-path filtering by the firewall", "leads out of eth0",
                       "came in on eth1"), fix_command=fix, advice=advice)


WAY = f"ip route replace {RANGE} via 192.168.1.1 dev eth1 table"
CASES = [
    Case("firewalld", "timeout", filtered(
        f"ip -6 route replace {RANGE6} via fd00:192:168:1::1 dev eth1 table",
        f"ip -6 rule add from {BACKEND6_2} table",
        advice=("IPv6_rpfilter=no", "IPv6_rpfilter=loose")),
        target=BACKEND6_2, second_link=True, setup=six, fault=IPV6_RPFILTER, fixes=True),
    Case("rpfilter", "timeout", filtered(WAY, f"ip rule add from {BACKEND_2} table"),
         target=BACKEND_2, second_link=True, fault=RPFILTER, fixes=True),
    Case("rpfilter-legacy", "timeout", filtered(WAY), target=BACKEND_2, second_link=True,
         fault=LEGACY, fixes=True, timeout=2),
    Case("nft-of-anybody", "timeout", filtered(WAY), target=BACKEND_2, second_link=True,
         fault=[*(line.replace("firewalld", "own") for line in firewalld(f"{FIB} drop"))],
         fixes=True),
    Case("nixos", "timeout", filtered(WAY, advice=("checkReversePath",)), target=BACKEND_2,
         second_link=True, fault=NIXOS, fixes=True),
    # the router of eth1 is not known: no command
    Case("router-is-not-known", "timeout", filtered(advice=(
        "over the router of eth1's subnet", "IPv6_rpfilter=no")), target=BACKEND6_2,
        second_link=True, setup=lambda lab: six(lab, False), fault=IPV6_RPFILTER,
         no_fix="no route of this host names the router of that link"),
]


@pytest.mark.parametrize("case", **params(CASES))
def test_filtered(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    assert "accept" not in (line["fix_command"] or "").lower(), line["fix_command"]


ALIKE = [
    # the route back leads out where it came in
    Case("it-lets-pass", "http", Expect("healthy", protocol="http"), fault=RPFILTER),
    # another rule drops, behind it
    Case("another-rule", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where={"hook": "INPUT"},
                fix_command=("ACCEPT",)), fixes=True,
         fault=[*RPFILTER, f"iptables-nft -A INPUT -p tcp --dport {PORT} -j DROP"]),
    # the kernel's own filter
    Case("the-kernel", "timeout", Expect("rp-filter", "CONNECT_TIMEOUT", fix_command=(WAY,)),
         target=BACKEND_2, second_link=True, fixes=True,
         fault=["sysctl -qw net.ipv4.conf.eth1.rp_filter=1"]),
]


@pytest.mark.parametrize("case", **params(ALIKE))
def test_alike(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    assert "by the firewall" not in (line["why"] or ""), line["why"]


@pytest.mark.parametrize("rules", [RPFILTER, firewalld(f"{FIB} drop")], ids=["iptables", "nft"])
def test_check(rules, binary, make_lab):
    """check holds the rule against the routes back, and its command ends it."""
    lab = make_lab(second_link=True)
    lab.backend.ip("route add 10.0.0.0/8 via 192.168.1.1")
    for command in rules:
        lab.backend.run("sh", "-c", command)
    assert lab_checks.http(lab, PORT, timeout=1, target=BACKEND_2).result == "timeout"
    found, _ = check(binary, lab, "--port", PORT)
    (told,) = of(found, "fail", "4")
    assert "Reverse-path filtering by the firewall" in told["what"], told
    assert BACKEND_2 in told["what"] and "out of eth0" in told["what"], told
    lab.backend.run("bash", "-c", told["fix_command"])
    assert lab_checks.http(lab, PORT, timeout=2, target=BACKEND_2).result == "http"
    found, _ = check(binary, lab, "--port", PORT)
    assert not of(found, "fail") and not of(found, "warn"), found


def test_check_lets_pass(binary, lab):
    """One link: the filter drops no checks, and nothing is said of it."""
    for command in RPFILTER:
        lab.backend.run("sh", "-c", command)
    found, _ = check(binary, lab, "--port", PORT)
    assert not of(found, "fail") and not of(found, "warn"), found
