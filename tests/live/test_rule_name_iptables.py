# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rule is named, by its text and place: iptables, over nftables and legacy, IPv4 and IPv6."""
import lab_checks
import pytest
from lab import BACKEND6, RANGE, RANGE6
from lab_services import udp_server
from rule_play import RuleCase, params, play
from rule_sets import Rules

BOTH = ("iptables-nft", "iptables-legacy")
UDP = {"check": lab_checks.datagram, "port": 5300, "seen": "silent", "code": None,
       "outcome": "pass", "well": "answered",
       "setup": lambda lab: udp_server(lab, "echo", 5300, name="names") and None}
REJECTED = {"seen": "refused", "verdict": "firewall-reject", "code": "CONNECT_REFUSED"}
LATE = {"seen": "response-timeout", "code": "RECV_RESPONSE_TIMEOUT"}
MINE = f"-s {RANGE} -p tcp -m tcp --dport 8202"
TO_ME = f"-d {RANGE} -p tcp -m tcp --sport 8202"


def iptables(id, rules, tools=BOTH, **kwargs):
    """A case for each of TOOLS; what RULES begin with is a table, filter if it is not said."""
    text = rules if rules.lstrip().startswith("*") else "*filter\n" + rules
    return [RuleCase(f"{id}-{tool.removeprefix('iptables-')}", (Rules(tool, text),), **kwargs)
            for tool in tools]


def ip6tables(id, rules, **kwargs):
    return iptables(id, rules, ("ip6tables-nft", "ip6tables-legacy"), target=BACKEND6, **kwargs)


def ping(lab, port, **kwargs):
    return lab_checks.ping(lab, **kwargs)


PLACES = [
    *iptables("input", f"""
        -A INPUT -s 100.126.0.0/16 -p tcp -m tcp --dport 8202 -j DROP
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8203 -j DROP
        -A INPUT -s {RANGE} -p udp -m udp --dport 8202 -j DROP
        -A INPUT {MINE} -j DROP <<<
        -A INPUT {MINE} -j DROP
        -A INPUT -s {RANGE} -j DROP"""),
    *iptables("certain-at-once", f"""
        -A INPUT -i lo {MINE} -j DROP
        -A INPUT {MINE} -j DROP <<<
        -A INPUT {MINE} -j DROP""", timeout=2),
    *iptables("policy", f"""
        :INPUT DROP <<<
        -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
        -A INPUT -s 100.126.0.0/16 -j ACCEPT
        -A INPUT -s 100.126.0.0/16 -j DROP"""),
    *iptables("raw-prerouting", f"""
        *raw
        -A PREROUTING -s {RANGE} -p tcp -m tcp --dport 8203 -j DROP
        -A PREROUTING {MINE} -j DROP <<<
        *mangle
        -A PREROUTING {MINE} -j ACCEPT
        *filter
        -A INPUT -i lo {MINE} -j DROP""", hook="PREROUTING"),
    *iptables("mangle-prerouting", f"""
        *raw
        -A PREROUTING -i eth1 {MINE} -j DROP
        *mangle
        -A PREROUTING -i eth1 {MINE} -j DROP
        -A PREROUTING -i eth0 {MINE} -j DROP <<<
        -A PREROUTING {MINE} -j DROP
        *filter
        -A INPUT -i lo {MINE} -j DROP""", hook="PREROUTING"),
    *iptables("mangle-input", f"""
        *mangle
        -A INPUT -s {RANGE} -p tcp -m tcp --sport 8202 -j DROP
        -A INPUT {MINE} -j DROP <<<
        *filter
        -A INPUT -d 192.168.0.11/32 {MINE} -j DROP"""),
    *iptables("security-input", f"""
        *mangle
        -A INPUT -i lo {MINE} -j DROP
        *filter
        -A INPUT {MINE} -j ACCEPT
        -A INPUT {MINE} -j DROP
        *security
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8203 -j DROP
        -A INPUT {MINE} -j DROP <<<"""),
    *iptables("output", f"""
        *mangle
        -A OUTPUT -d {RANGE} -p tcp -m tcp --sport 8203 -j DROP
        *filter
        -A OUTPUT -d {RANGE} -p tcp -m tcp --dport 8202 -j DROP
        -A OUTPUT {TO_ME} -j DROP <<<
        -A OUTPUT {TO_ME} -j DROP""", hook="OUTPUT"),
    *iptables("output-policy", """
        :OUTPUT DROP <<<
        -A OUTPUT -p tcp -m tcp --sport 80 -j ACCEPT
        -A OUTPUT -d 100.126.0.0/16 -j ACCEPT""", hook="OUTPUT"),
    *iptables("mangle-postrouting", f"""
        *mangle
        -A POSTROUTING -o lo {TO_ME} -j DROP
        -A POSTROUTING -o eth0 {TO_ME} -j DROP <<<
        -A POSTROUTING {TO_ME} -j DROP""", hook="POSTROUTING"),
    *ip6tables("ipv6", f"""
        -A INPUT -s fd00:100:126::/64 -p tcp -m tcp --dport 8202 -j DROP
        -A INPUT -s {RANGE6} -p tcp -m tcp --dport 8202 -j DROP <<<
        -A INPUT -p tcp -m tcp --dport 8202 -j DROP"""),
    *ip6tables("ipv6-policy", """
        :INPUT DROP <<<
        -A INPUT -p ipv6-icmp -j ACCEPT
        -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"""),
    *ip6tables("ipv6-output", f"""
        -A OUTPUT -d {RANGE6} -p tcp -m tcp --sport 8203 -j DROP
        -A OUTPUT -d {RANGE6} -p tcp -m tcp --sport 8202 -j DROP <<<""", hook="OUTPUT"),
]

CHAINS = [
    *iptables("jump", f"""
        :WEB -
        :OTHER -
        -A INPUT -s 100.126.0.0/16 -j WEB
        -A INPUT -p tcp -m tcp --dport 8203 -j OTHER
        -A INPUT -p tcp -m tcp --dport 8202 -j WEB
        -A INPUT {MINE} -j DROP
        -A OTHER {MINE} -j DROP
        -A WEB -s 100.126.0.0/16 -j DROP
        -A WEB -p tcp -m tcp --dport 22 -j RETURN
        -A WEB -s {RANGE} -j DROP <<<
        -A WEB -j DROP"""),
    *iptables("goto-and-return", f"""
        :ONE -
        :TWO -
        :THREE -
        -A INPUT -j ONE
        -A INPUT {MINE} -j DROP
        -A ONE -p tcp -m tcp --dport 8202 -g TWO
        -A ONE {MINE} -j DROP
        -A TWO {MINE} -j THREE
        -A TWO {MINE} -j DROP <<<
        -A THREE -p tcp -m tcp --dport 8202 -j RETURN
        -A THREE {MINE} -j DROP"""),
    *iptables("policy-behind-goto", f"""
        :INPUT DROP <<<
        :WEB -
        -A INPUT {MINE} -g WEB
        -A INPUT {MINE} -j ACCEPT
        -A WEB -p tcp -m tcp --dport 8203 -j DROP"""),
    *iptables("negated", f"""
        -A INPUT ! -s {RANGE} -p tcp -m tcp --dport 8202 -j DROP
        -A INPUT -s {RANGE} -p tcp -m tcp ! --dport 80 -j DROP <<<
        -A INPUT {MINE} -j DROP"""),
    *iptables("multiport", f"""
        -A INPUT -s {RANGE} -p tcp -m multiport --dports 22,80,8203 -j DROP
        -A INPUT -s {RANGE} -p tcp -m multiport --dports 22,8200:8202 -j DROP <<<
        -A INPUT -s {RANGE} -p tcp -m multiport --dports 8000:9000 -j DROP"""),
    *iptables("ipset", f"""
        -A INPUT -p tcp -m set --match-set good src -m tcp --dport 8202 -j DROP
        -A INPUT -p tcp -m set --match-set bad src -m tcp --dport 8202 -j DROP <<<
        -A INPUT {MINE} -j DROP""",
              before=["ipset create good hash:net", "ipset add good 100.126.0.0/16",
                      "ipset create bad hash:net", f"ipset add bad {RANGE}"]),
    *iptables("ipset-ports", f"""
        -A INPUT -m set --match-set doors src,dst -j DROP
        -A INPUT -m set ! --match-set doors src,dst -m set --match-set ports dst -j DROP <<<
        -A INPUT {MINE} -j DROP""",
              before=["ipset create doors hash:net,port",
                      "ipset add doors 100.126.0.0/16,tcp:8202",
                      "ipset create ports bitmap:port range 8000-9000", "ipset add ports 8202"]),
    *iptables("comment", f"""
        -A INPUT -s 100.126.0.0/16 -p tcp -m comment --comment "no web today" -j DROP
        -A INPUT -s {RANGE} -p tcp -m comment --comment "no web today" -j DROP <<<
        -A INPUT -s {RANGE} -p tcp -m comment --comment "no web today, either" -j DROP"""),
]

MATCHES = [
    *iptables("state-new", f"""
        -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A INPUT {MINE} -m conntrack --ctstate INVALID -j DROP
        -A INPUT {MINE} -m conntrack --ctstate NEW -j DROP <<<
        -A INPUT {MINE} -m conntrack --ctstate NEW -j DROP"""),
    *iptables("state-established", f"""
        -A INPUT -m conntrack --ctstate NEW -j ACCEPT
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8203 -m conntrack --ctstate ESTABLISHED -j DROP
        -A INPUT {MINE} -m conntrack --ctstate RELATED,ESTABLISHED -j DROP <<<
        -A INPUT {MINE} -j DROP""", **LATE),
    *iptables("request-by-its-text", f"""
        -A INPUT {MINE} -m string --string "GET /other" --algo bm -j DROP
        -A INPUT {MINE} -m string --string "GET /health" --algo bm -j DROP <<<
        -A INPUT {MINE} -m length --length 100:65535 -j DROP""", **LATE),
    *iptables("answer-by-its-size", f"""
        -A OUTPUT {TO_ME} -m length --length 20000:65535 -j DROP
        -A OUTPUT {TO_ME} -m length --length 100:65535 -j DROP <<<
        -A OUTPUT {TO_ME} -m length --length 101:65535 -j DROP""", hook="OUTPUT", **LATE),
    *iptables("reject", f"""
        -A INPUT -s 100.126.0.0/16 -p tcp -j REJECT --reject-with icmp-port-unreachable
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8203 -j REJECT --reject-with icmp-port-unreachable
        -A INPUT {MINE} -j REJECT --reject-with icmp-port-unreachable <<<
        -A INPUT {MINE} -j REJECT --reject-with icmp-port-unreachable""", **REJECTED),
    *iptables("reject-reset", f"""
        -A INPUT -p tcp -m tcp --dport 8203 -j REJECT --reject-with tcp-reset
        -A INPUT -p tcp -m tcp --dport 8202 -j REJECT --reject-with tcp-reset <<<
        -A INPUT -p tcp -j REJECT --reject-with icmp-port-unreachable""", **REJECTED),
    *iptables("reject-admin-prohibited", f"""
        -A INPUT -i lo -j REJECT --reject-with icmp-admin-prohibited
        -A INPUT -s {RANGE} -j REJECT --reject-with icmp-admin-prohibited <<<
        -A INPUT -j REJECT --reject-with icmp-admin-prohibited""",
              **dict(REJECTED, seen="refused/unreachable")),
    *iptables("queue-without-a-program", f"""
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8203 -j NFQUEUE --queue-num 3
        -A INPUT {MINE} -j NFQUEUE --queue-num 4 <<<
        -A INPUT {MINE} -j NFQUEUE --queue-num 3"""),
    # what no walk over the rules can tell
    *iptables("not-to-be-understood", f"""
        -A INPUT {MINE} -m ttl --ttl-gt 64 -j DROP
        -A INPUT {MINE} -m u32 --u32 "0xc=0x7e000000" -j DROP
        -A INPUT {MINE} -m u32 --u32 "0xc&0xffff0000=0x647d0000" -j DROP <<<
        -A INPUT {MINE} -m statistic --mode random --probability 0.50000000000 -j DROP"""),
    *iptables("of-several-that-may", f"""
        -A INPUT {MINE} -m mark --mark 0x7 -j DROP
        -A INPUT {MINE} -m ttl --ttl-lt 65 -j DROP <<<
        -A INPUT {MINE} -m pkttype --pkt-type unicast -j DROP"""),
    *iptables("seen-before", f"""
        -A INPUT {MINE} -m recent --rcheck --name strangers --mask 255.255.255.255 --rsource -j DROP
        -A INPUT {MINE} -m recent --set --name guests --mask 255.255.255.255 --rsource -j DROP <<<
        -A INPUT {MINE} -j DROP"""),
    *iptables("address-type", f"""
        -A INPUT {MINE} -m addrtype --dst-type BROADCAST -j DROP
        -A INPUT {MINE} -m addrtype --dst-type LOCAL -j DROP <<<
        -A INPUT {MINE} -m addrtype --src-type UNICAST -j DROP"""),
    *iptables("udp", f"""
        -A INPUT -s {RANGE} -p udp -m udp --dport 5301 -j DROP
        -A INPUT -s {RANGE} -p udp -m udp --dport 5300 -j DROP <<<
        -A INPUT -s {RANGE} -p udp -j DROP""", **UDP),
    *iptables("ping", f"""
        -A INPUT -s {RANGE} -p icmp -m icmp --icmp-type 0 -j DROP
        -A INPUT -s {RANGE} -p icmp -m icmp --icmp-type 8 -j DROP <<<
        -A INPUT -p icmp -j DROP""", check=ping, port=0, seen="lost", well="answered"),
]


@pytest.mark.parametrize("case", **params(PLACES))
def test_place(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(CHAINS))
def test_chain(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(MATCHES))
def test_match(case, make_lab, trace):
    play(case, make_lab, trace)
