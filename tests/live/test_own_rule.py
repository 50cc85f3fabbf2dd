# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""This host's own firewall keeps it from finding its router: it drops neighbour discovery or ARP."""
import lab_checks
import pytest
from harness import FAILED, Case, Expect, params, run_case
from lab import BACKEND, BACKEND6, GATEWAY, GATEWAY6, RANGE6
from test_check import check, of

PORT = 8202
CLOSED = 8503  # a service that the firewall does not let in


def forget(lab):
    """The router knows the backend for good, and the backend has forgotten the router."""
    mac = lab.backend.run("cat", "/sys/class/net/eth0/address").strip()
    for address in (BACKEND, BACKEND6):
        lab.router.ip(f"neigh replace {address} lladdr {mac} dev web0")


def ip6tables(tool):
    return [f"{tool} -A INPUT -i lo -j ACCEPT",
            f"{tool} -A INPUT -p tcp -m multiport --dports 80,{PORT} -j ACCEPT",
            f"{tool} -A INPUT -j DROP"]


def nft(family, hook, rule, policy="accept", *more):
    chain = f"{{ type filter hook {hook} priority 0; policy {policy}; }}"
    return [f"nft add table {family} guard", f"nft 'add chain {family} guard c {chain}'",
            *(f"nft 'add rule {family} guard c {one}'" for one in (rule, *more))]


def unresolved(blamed, *fix, dropped, **where):
    return Expect("gateway-unreachable", "CONNECT_TIMEOUT",
                  why=(f"because {blamed}", f"of this host drops {dropped}"), fix_command=fix,
                  where={"layer": "neighbour", "device": "eth0", **where})


def discovery(id, expect, *fault):
    return Case(id, "timeout", expect, target=BACKEND6, timeout=5, setup=forget, fixes=True,
                fault=(*fault, "ip -6 neigh flush dev eth0"))


def arp(id, expect, *fault):
    return Case(id, "timeout", expect, timeout=5, setup=forget, fixes=True, host_wide=True,
                fault=(*fault, "ip neigh flush dev eth0"))


ANSWER6, QUESTION6 = "ICMPv6 type 136", "ICMPv6 type 135"
NETDEV = "ingress device eth0"
CASES = [
    discovery("ip6tables-nft", unresolved(
        "rule 3 of chain INPUT, table filter (iptables-nft)",
        f"ip6tables-nft -I INPUT 3 -s {GATEWAY6} -p icmpv6 --icmpv6-type neighbour-advertisement",
        dropped=ANSWER6, backend="iptables-nft", rule=3), *ip6tables("ip6tables-nft")),
    discovery("ip6tables-legacy", unresolved(
        "rule 3 of chain INPUT, table filter (iptables-legacy)", "ip6tables-legacy -I INPUT 3 ",
        dropped=ANSWER6, backend="iptables-legacy"), *ip6tables("ip6tables-legacy")),
    discovery("nft-policy", unresolved(
        "the policy (drop) of chain c in table inet guard (nft)",
        f"nft add rule inet guard c ip6 saddr {GATEWAY6} icmpv6 type nd-neighbor-advert accept",
        dropped=ANSWER6, backend="nft"),
        *nft("inet", "input", f"tcp dport {{ 80, {PORT} }} accept", "drop")),
    discovery("nft-invalid-is-not-it", unresolved(
        "the rule with handle", "icmpv6 type nd-neighbor-advert", dropped=ANSWER6),
        *nft("ip6", "input", "ct state invalid drop", "accept",
             "ct state established,related accept", f"tcp dport {PORT} accept", "counter drop")),
    discovery("nft-ingress", unresolved(
        "the rule with handle", "nft insert rule netdev guard c handle", dropped=ANSWER6,
        backend="nft", family="netdev"),
        *nft("netdev", NETDEV, "icmpv6 type nd-neighbor-advert counter drop")),
    discovery("question", unresolved(
        "the rule with handle", "nd-neighbor-solicit", dropped=QUESTION6, hook="OUTPUT"),
        *nft("inet", "output", "icmpv6 type nd-neighbor-solicit drop")),
    arp("nft-arp", unresolved(
        "the rule with handle", f"arp operation reply arp saddr ip {GATEWAY} accept",
        dropped="ARP replies", family="arp"), *nft("arp", "input", "arp operation reply drop")),
    arp("arptables", unresolved(
        "rule 1 of chain INPUT, table filter (arptables-nft)",
        f"arptables-nft -I INPUT -s {GATEWAY} --opcode 2 -j ACCEPT", dropped="ARP replies",
        backend="arptables-nft"), "arptables-nft -A INPUT -j DROP"),
    arp("arp-ingress", unresolved(
        "the rule with handle", "nft insert rule netdev guard c handle", dropped="ARP replies"),
        *nft("netdev", NETDEV, "ether type arp drop")),
    arp("arp-question", unresolved(
        "the rule with handle", "arp operation request arp daddr ip", dropped="ARP requests"),
        *nft("arp", "output", "arp operation request drop")),
]


@pytest.mark.parametrize("case", **params(CASES))
def test_dropped(case, make_lab, trace):
    """The printed command works, and opens nothing else."""
    labs = []

    def keep(**kwargs):
        labs.append(make_lab(**kwargs))
        return labs[-1]

    run_case(case, keep, trace)
    (lab,) = labs
    if getattr(trace, "recording", False) or "ip6tables" not in case.id:
        return
    closed = lab_checks.http(lab, CLOSED, timeout=1, target=BACKEND6)
    assert closed.result == "timeout", closed
    assert lab_checks.ping(lab, timeout=1, target=BACKEND6).result == "lost"


DEAD6 = "fd00:192:168::fe"
DEAD = Expect("gateway-unreachable", "CONNECT_TIMEOUT", why=(DEAD6, "does not answer"),
              fix=("bring the gateway up",))
INNOCENT = [
    # lets discovery in, and drops the rest
    Case("discovery-is-let-in", "timeout", DEAD, target=BACKEND6, timeout=5, setup=forget,
         fault=[f"ip -6 route replace default via {DEAD6}",
                "ip6tables-nft -A INPUT -p icmpv6 -j ACCEPT", *ip6tables("ip6tables-nft")]),
    # as ufw does; the hop limit is not known, but the kernel takes no other than 255
    Case("by-hop-limit", "timeout", DEAD, target=BACKEND6, timeout=5, setup=forget,
         fault=[f"ip -6 route replace default via {DEAD6}",
                "ip6tables-nft -A INPUT -p icmpv6 --icmpv6-type neighbour-advertisement"
                " -m hl --hl-eq 255 -j ACCEPT", *ip6tables("ip6tables-nft")]),
    # drops the advertisements of another
    Case("rule-for-another", "timeout", DEAD, target=BACKEND6, timeout=5, setup=forget,
         fault=[f"ip -6 route replace default via {DEAD6}",
                "ip6tables-nft -A INPUT -s fd00:192:168::77 -p icmpv6 --icmpv6-type"
                " neighbour-advertisement -j DROP"]),
]


@pytest.mark.parametrize("case", **params(INNOCENT))
def test_innocent_firewall(case, make_lab, trace):
    """The gateway is dead, whatever the firewall drops."""
    _, line, _ = run_case(case, make_lab, trace)
    assert "because" not in line["why"] and "of this host drops" not in line["why"], line["why"]


@pytest.mark.parametrize("failed", [True, False], ids=["now", "later"])
def test_check(failed, binary, lab):
    """check finds the same, and its command ends it."""
    forget(lab)
    options = ("--from", RANGE6, "--port", PORT)
    found, _ = check(binary, lab, *options)
    assert not [one for one in of(found, "fail") + of(found, "warn") if "136" in str(one)], found
    for command in ip6tables("ip6tables-nft"):
        lab.backend.run("sh", "-c", command)
    if failed:
        lab.backend.run("ip", "-6", "neigh", "flush", "dev", "eth0")
        assert lab_checks.http(lab, PORT, timeout=4, target=BACKEND6).result == "timeout"
    found, _ = check(binary, lab, *options)
    (told,) = [one for one in of(found, "fail") + of(found, "warn") if "136" in one["why"]]
    # while the kernel is asking again, it is a warning
    assert told["step"] == ("5" if failed else "4") and failed >= (told["result"] == "fail"), told
    assert "rule 3 of chain INPUT" in told["why"], told
    lab.backend.run("bash", "-c", told["fix_command"])
    lab.backend.run("ip", "-6", "neigh", "flush", "dev", "eth0")
    assert lab_checks.http(lab, PORT, timeout=3, target=BACKEND6).result == "http"
    found, _ = check(binary, lab, *options)
    assert not [one for one in of(found, "fail") + of(found, "warn") if "136" in str(one)], found


def test_router_cannot_find_this_host(binary, lab):
    """Solicitations alone are dropped: checks will not arrive once the router has forgotten it."""
    lab.backend.run("sh", "-c", "ip6tables-nft -A INPUT -p icmpv6 --icmpv6-type"
                    " neighbour-solicitation -j DROP")
    found, _ = check(binary, lab, "--from", RANGE6, "--port", PORT)
    (told,) = [one for one in of(found, "warn") if "135" in one["why"]]
    assert "neighbour-solicitation -j ACCEPT" in told["fix_command"], told
    lab.backend.run("bash", "-c", told["fix_command"])
    found, _ = check(binary, lab, "--from", RANGE6, "--port", PORT)
    assert not [one for one in of(found, "warn") if "135" in str(one)], found


def test_silence(lab, trace):
    """The router has forgotten this host, and is not answered when it asks: no probe comes any more."""
    run = trace(lab, "--port", PORT, "--interval", 1, "--retries", 2, "--timeout", 1)
    assert run.probe(lab_checks.http(lab, PORT, target=BACKEND6))["verdict"] == "healthy"
    lab.backend.run("sh", "-c", "ip6tables-nft -A INPUT -p icmpv6 --icmpv6-type"
                    " neighbour-solicitation -j DROP")
    lab.router.run("ip", "-6", "neigh", "flush", "dev", "web0")
    assert lab_checks.http(lab, PORT, timeout=4, target=BACKEND6).result != "http"
    line = run.wait(lambda one: one.get("verdict") == "no-probe"
                    and BACKEND6 in str(one.get("target")), 6)
    assert line and "of this host drops ICMPv6 type 135" in line["why"], line
    lab.backend.run("bash", "-c", line["fix_command"])
    assert run.probe(lab_checks.http(lab, PORT, timeout=3, target=BACKEND6))["verdict"] == "healthy"
    run.stop(FAILED)
