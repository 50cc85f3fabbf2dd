# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rule is named, by its text and place: native nftables.

Each rule set has neighbours that look like the rule: other ports, sources and states, and, ahead
of it or behind it, the same in a chain or table that the packet does not meet.
"""
import lab_checks
import pytest
from lab import BACKEND6, RANGE, RANGE6
from lab_services import udp_server
from rule_play import RuleCase, params, play
from rule_sets import Rules


def nft(id, text, *more, **kwargs):
    return RuleCase(id, (Rules("nft", text), *more), **kwargs)


def inet(id, rules, hook="input", chains="", sets="", priority="0", policy="accept;", family="inet",
         **kwargs):
    """One table with one base chain, its RULES line by line."""
    kwargs.setdefault("hook", hook.upper())
    return nft(id, f"""
table {family} guard {{
{sets}
{chains}
    chain c {{
        type filter hook {hook} priority {priority}; policy {policy}
{rules}
    }}
}}""", **kwargs)


def ping(lab, port, **kwargs):
    return lab_checks.ping(lab, **kwargs)


def echo(lab):
    udp_server(lab, "echo", 5300, name="names")


def nginx_6(id, rules, **kwargs):
    return inet(id, rules, target=BACKEND6, **kwargs)


UDP = {"check": lab_checks.datagram, "port": 5300, "setup": echo, "seen": "silent", "code": None,
       "outcome": "pass", "well": "answered"}
REJECTED = {"seen": "refused", "verdict": "firewall-reject", "code": "CONNECT_REFUSED"}
LATE = {"seen": "response-timeout", "code": "RECV_RESPONSE_TIMEOUT"}

PLAIN = [
    inet("source-and-port", f"""
        ip saddr 100.126.0.0/16 tcp dport 8202 drop
        ip saddr {RANGE} tcp dport 8203 drop
        ip saddr {RANGE} tcp sport 8202 drop
        ip saddr {RANGE} tcp dport 8202 drop <<<
        ip saddr {RANGE} tcp dport 8202 drop
        ip saddr {RANGE} drop"""),
    inet("certain-at-once", f"""
        ip saddr {RANGE} tcp dport 8203 counter drop
        ip saddr {RANGE} tcp dport 8202 counter drop <<<
        ip saddr {RANGE} counter drop""", timeout=4),
    inet("policy", """
        tcp dport { 22, 80 } accept
        ip saddr 100.126.0.0/16 accept
        ip saddr 100.126.0.0/16 drop""", policy="drop; <<<"),
    inet("ip", f"""
        tcp dport 8202 ip saddr 10.0.0.0/8 drop
        tcp dport 8202 ip saddr {RANGE} counter drop <<<
        tcp dport 8202 counter drop""", family="ip"),
    nginx_6("ip6", f"""
        ip6 saddr fd00:100:126::/64 tcp dport 8202 drop
        ip6 saddr {RANGE6} tcp dport 8202 drop <<<
        tcp dport 8202 drop""", family="ip6"),
    nginx_6("inet-by-ip6", f"""
        ip saddr {RANGE} tcp dport 8202 drop
        ip6 saddr {RANGE6} tcp dport 8203 drop
        ip6 saddr {RANGE6} tcp dport 8202 counter drop <<<"""),
    inet("prerouting", f"""
        tcp dport 8203 drop
        tcp dport 8200-8204 ip saddr {RANGE} drop <<<
        tcp dport 8202 drop""", hook="prerouting", priority="raw"),
    inet("output", f"""
        ip daddr {RANGE} tcp dport 8202 drop
        ip daddr 100.126.0.0/16 tcp sport 8202 drop
        ip daddr {RANGE} tcp sport 8202 drop <<<
        ip daddr {RANGE} tcp sport 8202 drop""", hook="output"),
    inet("postrouting", f"""
        oifname "eth1" tcp sport 8202 drop
        oifname "eth0" tcp sport 8202 tcp flags & (syn | ack) == syn | ack counter drop <<<
        oifname "eth0" tcp sport 8202 tcp flags & (syn | ack) == syn | ack drop""",
         hook="postrouting", priority="srcnat"),
    nft("netdev-ingress", f"""
table netdev early {{
    chain others {{
        type filter hook ingress device lo priority 0;
        ip saddr {RANGE} tcp dport 8202 drop
    }}
    chain eth {{
        type filter hook ingress device eth0 priority 0;
        ip saddr {RANGE} tcp dport 8203 drop
        ip saddr {RANGE} tcp dport 8202 drop <<<
        ip saddr {RANGE} tcp dport 8202 counter drop
    }}
}}
table inet late {{
    chain c {{
        type filter hook input priority 0;
        ip saddr 100.126.0.0/16 tcp dport 8202 drop
    }}
}}""", hook="INGRESS"),
    nft("inet-ingress", f"""
table inet early {{
    chain eth {{
        type filter hook ingress device eth0 priority 0;
        ip saddr {RANGE} udp dport 8202 drop
        ip saddr {RANGE} tcp dport 8202 drop <<<
        ip saddr {RANGE} tcp dport 8202 drop
    }}
}}""", hook="INGRESS"),
]

STRUCTURED = [
    inet("jump", f"""
        ip saddr 100.126.0.0/16 jump web
        tcp dport 8202 jump web
        tcp dport 8202 drop""", chains=f"""
    chain web {{
        ip saddr 100.126.0.0/16 drop
        ct state established accept
        ip saddr {RANGE} drop <<<
        drop
    }}"""),
    inet("jump-goto-return", f"""
        ip saddr {RANGE} jump first
        tcp dport 8202 drop""", chains=f"""
    chain third {{
        tcp dport 8203 drop
        tcp dport 8202 counter drop <<<
        counter drop
    }}
    chain second {{
        tcp dport 8203 return
        tcp dport 8202 goto third
        tcp dport 8202 drop
    }}
    chain unused {{
        tcp dport 8202 drop
    }}
    chain first {{
        tcp dport 22 return
        jump second
        tcp dport 8202 drop
    }}"""),
    # a chain that was left by goto does not come back to where it was left
    inet("policy-behind-goto", f"""
        tcp dport 80 accept
        tcp dport 8202 goto web
        tcp dport 8202 accept""", policy="drop; <<<", chains=f"""
    chain web {{
        ip saddr 100.126.0.0/16 drop
    }}"""),
    nft("second-of-two-chains", f"""
table inet a {{
    chain c {{
        type filter hook input priority -10; policy accept;
        ip saddr {RANGE} tcp dport 8202 accept
        ip saddr {RANGE} tcp dport 8202 drop
    }}
}}
table inet b {{
    chain c {{
        type filter hook input priority 10; policy accept;
        ip saddr 100.126.0.0/16 tcp dport 8202 drop
        ip saddr {RANGE} tcp dport 8202 drop <<<
    }}
}}
table inet d {{
    chain c {{
        type filter hook input priority 20;
        ip saddr 100.126.0.0/16 tcp dport 8202 drop
    }}
}}"""),
    inet("named-set", f"""
        ip saddr @good tcp dport 8202 drop
        ip saddr @bad tcp dport 8202 counter drop <<<
        ip saddr {RANGE} tcp dport 8202 drop""", sets=f"""
    set good {{
        type ipv4_addr; flags interval;
        elements = {{ 10.0.0.0/8, 100.126.0.0/16 }}
    }}
    set bad {{
        type ipv4_addr; flags interval;
        elements = {{ 10.0.0.0/8, {RANGE} }}
    }}"""),
    inet("interval-set", """
        ip saddr { 100.126.0.0-100.127.255.255 } tcp dport 8202 drop
        ip saddr { 100.124.0.0-100.125.255.255 } tcp dport != { 22, 80, 8200-8201 } drop <<<
        tcp dport { 8000-9000 } drop""", control=False),  # nft 1.0.6 cannot replace a "!= {…}"
    inet("verdict-map", """
        tcp dport vmap { 22 : accept, 8203 : drop }
        tcp dport vmap { 22 : accept, 8202 : drop, 8203 : drop } <<<
        tcp dport { 8202, 8203 } drop"""),
    inet("verdict-map-jump", f"""
        ip saddr vmap @doors
        tcp dport 8202 drop""", sets=f"""
    map doors {{
        type ipv4_addr : verdict; flags interval;
        elements = {{ 100.126.0.0/16 : jump other, {RANGE} : jump lb }}
    }}""", chains="""
    chain lb {
        tcp dport 8203 drop
        tcp dport 8202 drop <<<
    }
    chain other {
        tcp dport 8202 drop
    }"""),
    inet("concatenation", f"""
        ip saddr . tcp dport {{ {RANGE} . 8203, 100.126.0.0/16 . 8202 }} drop
        ip saddr . tcp dport {{ 10.0.0.0/8 . 22, {RANGE} . 8202 }} drop <<<
        ip saddr . tcp dport {{ {RANGE} . 8202 }} drop"""),
]

STATES = [
    inet("state-new", """
        ct state { related, invalid } tcp dport 8202 drop
        ct state new tcp dport 8202 counter drop comment "closed for now" <<<
        ct state new tcp dport 8202 drop comment "closed for now" """),
    # the handshake is done, and then nothing comes through
    inet("state-established", f"""
        ct state new accept
        ct state established tcp dport 8203 drop
        ct state established ip saddr {RANGE} tcp dport 8202 drop <<<
        ct state established tcp dport 8202 drop""", **LATE),
    inet("request-only", """
        tcp dport 8202 meta length > 9000 drop
        tcp dport 8202 meta length > 90 drop <<<
        tcp dport 8202 meta length > 89 drop""", **LATE),
    inet("reject", f"""
        tcp dport 8202 ip saddr 100.126.0.0/16 reject
        tcp dport 8202 ip saddr {RANGE} reject <<<
        tcp dport 8202 reject""", **REJECTED),
    inet("reject-reset", f"""
        tcp dport 8203 reject with tcp reset
        tcp dport 8202 reject with tcp reset <<<
        tcp dport 8202 reject with icmpx type admin-prohibited""", **REJECTED),
    inet("reject-admin-prohibited", f"""
        tcp dport 8202 ip saddr 100.126.0.0/16 reject with icmpx type admin-prohibited
        tcp dport 8202 reject with icmpx type admin-prohibited <<<
        tcp dport 8202 reject with icmpx type admin-prohibited""",
         **dict(REJECTED, seen="refused/unreachable")),
    nft("reject-in-a-chain", f"""
table inet guard {{
    chain no {{
        meta l4proto udp reject
        meta l4proto tcp reject with tcp reset <<<
        reject
    }}
    chain c {{
        type filter hook input priority 0;
        tcp dport 8203 goto no
        tcp dport 8202 goto no
        tcp dport 8202 drop
    }}
}}""", **REJECTED),
    # what no walk over the rules can tell: only nftables itself, or counters
    inet("not-to-be-understood", """
        tcp dport 8202 meta mark 7 drop
        tcp dport 8202 numgen inc mod 1 0 counter drop <<<
        tcp dport 8202 jhash ip saddr mod 1 0 drop"""),
    inet("no-counters-to-tell", """
        tcp dport 8202 meta mark 7 drop
        tcp dport 8202 meta priority 7 drop
        tcp dport 8202 fib daddr type local drop <<<
        tcp dport 8202 fib saddr type unicast drop"""),
]

OTHERS = [
    inet("udp", f"""
        udp dport 5301 drop
        tcp dport 5300 drop
        udp dport 5300 ip saddr {RANGE} drop <<<
        udp dport 5300 drop""", **UDP),
    inet("udp-reply", """
        udp dport 5300 drop
        udp sport 5300 counter drop <<<
        udp sport 5300 drop""", hook="output", **UDP),
    inet("ping", f"""
        icmp type echo-reply drop
        icmp type echo-request ip saddr 10.0.0.0/8 drop
        icmp type echo-request ip saddr {RANGE} drop <<<
        meta l4proto icmp drop""", check=ping, port=0, seen="lost", well="answered"),
]


@pytest.mark.parametrize("case", **params(PLAIN))
def test_plain(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(STRUCTURED))
def test_structured(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(STATES))
def test_state(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(OTHERS))
def test_other(case, make_lab, trace):
    play(case, make_lab, trace)
