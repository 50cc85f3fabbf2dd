# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rule is named wherever the packet meets it: on its way to a container and inside of it, at a
bridge, on hosts with several backends at once, and where addresses are rewritten."""
import pytest
from lab import BACKEND, CONTAINER, GATEWAY, RANGE
from rule_play import RuleCase, params, play
from rule_sets import Rules

PORT = 8080  # published by the container's host
MINE = f"-s {RANGE} -p tcp -m tcp --dport 8202"
TO_BOX = f"-d {CONTAINER}/32 -p tcp -m tcp --dport 80"
PUBLISH = f"iptables-nft -t nat -A PREROUTING -p tcp --dport {PORT} -j DNAT --to {CONTAINER}:80"


def forwarded(id, *rules, **kwargs):
    kwargs.setdefault("hook", "FORWARD")
    return RuleCase(id, rules, port=PORT, container=True, before=(PUBLISH,), **kwargs)


def legacy(text):
    return Rules("iptables-legacy", text)


def over_nft(text):
    return Rules("iptables-nft", text)


def nft(text):
    return Rules("nft", text)


def base(rules, hook, priority="0", policy="accept", kind="filter", table="inet guard", name="c"):
    return nft(f"""
table {table} {{
    chain {name} {{
        type {kind} hook {hook} priority {priority}; policy {policy};
        {rules}
    }}
}}""")


FORWARD = f"""
    *filter
    -A FORWARD -d {CONTAINER}/32 -p tcp -m tcp --dport {PORT} -j DROP
    -A FORWARD -i eth0 -o docker0 -p udp -j DROP
    -A FORWARD -i docker0 -o eth0 -p tcp -j ACCEPT
    -A FORWARD -s {RANGE} -i eth0 -o docker0 -p tcp -j DROP <<<
    -A FORWARD {TO_BOX} -j DROP"""
FORWARD_MANGLE = f"""
    *mangle
    -A FORWARD -d 172.17.0.3/32 -p tcp -j DROP
    -A FORWARD {TO_BOX} -j DROP <<<
    *filter
    -A FORWARD -d {CONTAINER}/32 -p tcp -m tcp --dport {PORT} -j DROP"""
REPLIES = f"""
    *filter
    -A FORWARD -s {CONTAINER}/32 -p tcp -m tcp --dport 80 -j DROP
    -A FORWARD -s {CONTAINER}/32 -p tcp -m tcp --sport 80 -j DROP <<<
    -A FORWARD -s {CONTAINER}/32 -j DROP"""
INSIDE = f"""
    *filter
    -A INPUT -p tcp -m tcp --dport {PORT} -j DROP
    -A INPUT -s {RANGE} -p tcp -m tcp --dport 80 -j DROP <<<
    -A INPUT -p tcp -m tcp --dport 80 -j DROP"""
IN_BOX = {"inside": True, "hook": "INPUT"}

FORWARDED = [
    forwarded("forward-nft", over_nft(FORWARD)),
    forwarded("forward-legacy", legacy(FORWARD)),
    forwarded("forward-mangle-nft", over_nft(FORWARD_MANGLE)),
    forwarded("forward-mangle-legacy", legacy(FORWARD_MANGLE)),
    forwarded("forward-policy", legacy("""
        *filter
        :FORWARD DROP <<<
        -A FORWARD -i docker0 -j ACCEPT
        -A FORWARD -o docker0 -p udp -j ACCEPT""")),
    forwarded("forward-native", base(f"""
        ip daddr {CONTAINER} tcp dport {PORT} drop
        iifname "docker0" ip saddr {RANGE} drop
        ip daddr {CONTAINER} tcp dport 80 counter drop <<<
        ct status dnat ct direction original drop""", "forward")),
    # the rule speaks of the port as it was before DNAT
    forwarded("forward-by-original-port", base(f"""
        meta l4proto tcp ct original proto-dst 8081 drop
        meta l4proto tcp ct direction original ct original proto-dst {PORT} drop <<<
        meta l4proto tcp ct direction original drop""", "forward")),
    forwarded("answers-nft", over_nft(REPLIES), verdict="reply-dropped"),
    forwarded("answers-legacy", legacy(REPLIES), verdict="reply-dropped"),
    forwarded("inside-nft", over_nft(INSIDE), **IN_BOX),
    forwarded("inside-legacy", legacy(INSIDE), **IN_BOX),
    forwarded("inside-native", base(f"""
        tcp dport {PORT} drop
        tcp dport 80 ip saddr 100.126.0.0/16 drop
        tcp dport 80 ip saddr {RANGE} drop <<<
        tcp dport 80 drop""", "input"), **IN_BOX),
    forwarded("inside-answers", legacy(f"""
        *filter
        -A OUTPUT -p tcp -m tcp --sport {PORT} -j DROP
        -A OUTPUT -p tcp -m tcp --sport 80 -j DROP <<<"""), inside=True, hook="OUTPUT"),
]

# one line for all: a bridge over eth0, with eth0's addresses and routes
BRIDGE = " && ".join([
    "ip -6 route del default", "ip addr flush dev eth0", "ip link add br0 type bridge",
    "ip link set eth0 master br0", "ip link set br0 up", f"ip addr add {BACKEND}/24 dev br0",
    f"ip route add default via {GATEWAY}"])
BRIDGED = [
    RuleCase("bridge-input", (base(f"""
        ip saddr {RANGE} tcp dport 8203 drop
        ip saddr {RANGE} tcp dport 8202 counter drop <<<
        ip saddr {RANGE} tcp dport 8202 drop""", "input", table="bridge guard"),
                              base("ip saddr 100.126.0.0/16 drop", "input")),
             before=(BRIDGE,)),
    RuleCase("bridge-prerouting", (base(f"""
        ether type ip6 tcp dport 8202 drop
        ether type ip tcp dport 8202 drop <<<
        tcp dport 8202 drop""", "prerouting", "-200", table="bridge guard"),),
             before=(BRIDGE,), hook="PREROUTING"),
    RuleCase("bridge-output", (base(f"""
        ip daddr {RANGE} tcp dport 8202 drop
        ip daddr {RANGE} tcp sport 8202 drop <<<
        ip daddr {RANGE} tcp sport 8202 drop""", "output", table="bridge guard"),),
             before=(BRIDGE,), hook="OUTPUT"),
    RuleCase("ebtables", (Rules("ebtables-nft", f"""
        *filter
        :INPUT ACCEPT
        -A INPUT -p IPv4 --ip-src 100.126.0.0/16 --ip-proto tcp --ip-dport 8202 -j DROP
        -A INPUT -p IPv4 --ip-src {RANGE} --ip-proto tcp --ip-dport 8202 -j DROP <<<
        -A INPUT -p IPv4 --ip-src {RANGE} -j DROP"""),), before=(BRIDGE,)),
]

SEVERAL = [
    RuleCase("legacy-beside-nft", (
        base(f"ip saddr {RANGE} tcp dport 8203 drop", "input"),
        over_nft(f"*filter\n-A INPUT -i lo {MINE} -j DROP"),
        legacy(f"""
        *filter
        -A INPUT -i lo {MINE} -j DROP
        -A INPUT {MINE} -j DROP <<<
        -A INPUT {MINE} -j DROP"""))),
    RuleCase("iptables-nft-beside-legacy", (
        legacy(f"*filter\n-A INPUT -i lo {MINE} -j DROP"),
        over_nft(f"""
        *filter
        -A INPUT -i lo {MINE} -j DROP
        -A INPUT {MINE} -j DROP <<<
        -A INPUT {MINE} -j DROP"""),
        base("ip saddr 100.126.0.0/16 tcp dport 8202 drop", "input", "10"))),
    RuleCase("native-beside-both", (
        legacy(f"*filter\n-A INPUT -i lo {MINE} -j DROP"),
        over_nft(f"*filter\n-A INPUT -i lo {MINE} -j DROP"),
        base(f"""
        iif lo ip saddr {RANGE} tcp dport 8202 drop
        ip saddr {RANGE} tcp dport 8202 drop <<<""", "input", "-5"))),
    # the same rule everywhere: who comes first has it
    RuleCase("the-same-rule-in-all", (
        legacy(f"*raw\n-A PREROUTING -i lo {MINE} -j DROP\n*mangle\n"
               f"-A PREROUTING {MINE} -j DROP <<<\n"),
        base("ip saddr 100.126.0.0/16 tcp dport 8202 drop", "input")),
             hook="PREROUTING"),
    RuleCase("reject-beside-drops", (
        base(f"ip saddr {RANGE} tcp dport 8203 drop", "input", "-10"),
        legacy(f"""
        *filter
        -A INPUT -i lo {MINE} -j REJECT --reject-with tcp-reset
        -A INPUT {MINE} -j REJECT --reject-with tcp-reset <<<
        -A INPUT {MINE} -j DROP""")), seen="refused", verdict="firewall-reject",
             code="CONNECT_REFUSED"),
    RuleCase("two-tables-with-the-same-names", (
        base(f"ip saddr {RANGE} tcp dport 8203 drop", "input", "-1", table="ip guard"),
        base(f"ip saddr {RANGE} tcp dport 8202 drop <<<", "input", "0", table="inet guard"))),
    # a chain for addresses can drop, too, but only a connection's first packet meets it
    RuleCase("nat-chain", (base(f"""
        tcp dport 8203 drop
        tcp dport 8202 drop <<<
        tcp dport 8202 redirect to :80""", "prerouting", "dstnat", kind="nat"),),
             hook="PREROUTING"),
]

REWRITTEN = [
    RuleCase("stateless", (base(f"""
        ip daddr 100.126.0.0/16 tcp sport 8202 ip saddr set 192.168.0.98
        ip daddr {RANGE} tcp sport 8203 ip saddr set 192.168.0.98
        ip daddr {RANGE} tcp sport 8202 ip saddr set 192.168.0.99 <<<""",
                           "postrouting", "300", table="ip spoil"),),
             hook="POSTROUTING", verdict="reply-rewritten", control=False, why=("192.168.0.99",)),
    RuleCase("stateless-port", (base(f"""
        tcp sport 8203 tcp sport set 8888
        tcp sport 8202 tcp sport set 8888 <<<""", "output", "0", table="ip spoil"),),
             hook="OUTPUT", verdict="reply-rewritten", control=False, why=("8888",)),
]


@pytest.mark.parametrize("case", **params(FORWARDED))
def test_forwarded(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(BRIDGED))
def test_bridged(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(SEVERAL))
def test_several_backends(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(REWRITTEN))
def test_rewritten(case, make_lab, trace):
    play(case, make_lab, trace)
