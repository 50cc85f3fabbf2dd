# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packet filters of the backend: drops and rejects, by every tool an admin may have used."""
import time

import lab_checks
import lab_services
import pytest
from harness import FAILED, Case, Expect, params, run_case

PORT = 8202
RANGE = "100.125.0.0/16"
TOOL = {"iptables-legacy": "iptables-legacy", "iptables-nft": "iptables", "nft": "nft"}


def nft(hook, rule, priority=0, family="inet", type="filter"):
    return [f"nft add table {family} guard",
            f"nft 'add chain {family} guard c {{ type {type} hook {hook} priority {priority}; }}'",
            f"nft add rule {family} guard c {rule}"]


def drop(backend, hook, table=None, chain=None, code="CONNECT_TIMEOUT"):
    where = {"layer": "netfilter", "backend": backend, "hook": hook}
    if table:
        where["table"] = table
    return Expect("firewall-drop", code, where=where, why=("drop",), fix=(TOOL[backend],),
                  confidence=("certain", "likely"))


DROPS = [
    Case("legacy-input", "timeout", drop("iptables-legacy", "INPUT", "filter"),
         fixes=True,
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
    Case("legacy-input-whole-range", "timeout", drop("iptables-legacy", "INPUT", "filter"),
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -j DROP"], host_wide=True),
    Case("legacy-policy", "timeout", drop("iptables-legacy", "INPUT", "filter"),
         fixes=True,
         fault=["iptables-legacy -A INPUT -s 10.0.0.0/8 -j ACCEPT",
                "iptables-legacy -P INPUT DROP"],
         host_wide=True),
    Case("legacy-raw-prerouting", "timeout", drop("iptables-legacy", "PREROUTING", "raw"),
         fault=[f"iptables-legacy -t raw -A PREROUTING -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
    Case("legacy-only-data", "response-timeout",
         drop("iptables-legacy", "INPUT", "filter", code="RECV_RESPONSE_TIMEOUT"),
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT}"
                " -m length --length 90:65535 -j DROP"]),
    Case("iptables-nft-input", "timeout", drop("iptables-nft", "INPUT", "filter"),
         fixes=True,
         fault=[f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
    Case("iptables-nft-raw-prerouting", "timeout", drop("iptables-nft", "PREROUTING", "raw"),
         fault=[f"iptables-nft -t raw -A PREROUTING -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
    Case("iptables-nft-policy", "timeout", drop("iptables-nft", "INPUT", "filter"),
         fault=["iptables-nft -P INPUT DROP"], host_wide=True),
    Case("nft-input", "timeout", drop("nft", "INPUT", "guard"),
         fixes=True,
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} drop")),
    Case("nft-prerouting", "timeout", drop("nft", "PREROUTING", "guard"),
         fault=nft("prerouting", f"ip saddr {RANGE} tcp dport {PORT} drop", -300)),
    Case("nft-ip-family", "timeout", drop("nft", "INPUT", "guard"),
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} drop", family="ip")),
    Case("nft-only-data", "response-timeout", drop("nft", "INPUT", code="RECV_RESPONSE_TIMEOUT"),
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} meta length \\> 90 drop")),
    # silence is healthy to the load balancer: the verdict tells what it cannot see
    Case("udp-legacy", "silent",
         Expect("firewall-drop", None, outcome="pass", where={"backend": "iptables-legacy"}),
         check=lab_checks.datagram, port=5300,
         setup=lambda lab: lab_services.udp_server(lab, "silent", 5300) and None,
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p udp --dport 5300 -j DROP"]),
]


@pytest.mark.parametrize("case", **params(DROPS))
def test_drop(case, make_lab, trace):
    run_case(case, make_lab, trace)


def reject(backend, hook="INPUT"):
    return Expect("firewall-reject", "CONNECT_REFUSED", fix=(TOOL[backend],), why=("reject",),
                  where={"layer": "netfilter", "backend": backend, "hook": hook})


REJECTS = [
    Case("legacy-icmp", "refused", reject("iptables-legacy"),
         fixes=True,
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT} -j REJECT"]),
    Case("legacy-reset", "refused", reject("iptables-legacy"),
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT}"
                " -j REJECT --reject-with tcp-reset"]),
    Case("iptables-nft-icmp", "refused", reject("iptables-nft"),
         fault=[f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport {PORT} -j REJECT"]),
    Case("iptables-nft-reset", "refused", reject("iptables-nft"),
         fixes=True,
         fault=[f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport {PORT}"
                " -j REJECT --reject-with tcp-reset"]),
    Case("nft-icmp", "refused", reject("nft"),
         fixes=True,
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} reject")),
    Case("nft-reset", "refused", reject("nft"),
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} reject with tcp reset")),
]


@pytest.mark.parametrize("case", **params(REJECTS))
def test_reject(case, make_lab, trace):
    run_case(case, make_lab, trace)


LOOK_ALIKES = [
    Case("closed-port-beside-reset-rule", "refused",
         Expect("no-listener", "CONNECT_REFUSED"), port=7080,
         fault=[f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT}"
                " -j REJECT --reject-with tcp-reset"]),
    Case("rule-for-others", "http", Expect("healthy", protocol="http", status=202),
         fault=["iptables-legacy -A INPUT -s 100.126.0.0/16 -j DROP",
                *nft("input", f"ip saddr 10.0.0.0/8 tcp dport {PORT} drop")]),
    Case("rule-that-counts-only", "http", Expect("healthy", protocol="http", status=202),
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} counter")),
]


@pytest.mark.parametrize("case", **params(LOOK_ALIKES))
def test_look_alike(case, make_lab, trace):
    run_case(case, make_lab, trace)


def reply_dropped(backend, hook):
    return Expect("reply-dropped", "CONNECT_TIMEOUT", fix=(TOOL[backend],),
                  where={"layer": "netfilter", "backend": backend, "hook": hook})


REPLIES = [
    Case("legacy-output", "timeout", reply_dropped("iptables-legacy", "OUTPUT"),
         fixes=True,
         fault=[f"iptables-legacy -A OUTPUT -d {RANGE} -p tcp --sport {PORT} -j DROP"]),
    Case("iptables-nft-output", "timeout", reply_dropped("iptables-nft", "OUTPUT"),
         fixes=True,
         fault=[f"iptables-nft -A OUTPUT -d {RANGE} -p tcp --sport {PORT} -j DROP"]),
    Case("nft-output", "timeout", reply_dropped("nft", "OUTPUT"),
         fixes=True,
         fault=nft("output", f"ip daddr {RANGE} tcp sport {PORT} drop")),
    Case("legacy-postrouting", "timeout", reply_dropped("iptables-legacy", "POSTROUTING"),
         fault=[f"iptables-legacy -t mangle -A POSTROUTING -d {RANGE} -p tcp --sport {PORT}"
                " -j DROP"]),
    Case("nft-postrouting", "timeout", reply_dropped("nft", "POSTROUTING"),
         fault=nft("postrouting", f"ip daddr {RANGE} tcp sport {PORT} drop")),
]


@pytest.mark.parametrize("case", **params(REPLIES))
def test_reply(case, make_lab, trace):
    run_case(case, make_lab, trace)


def both(verb):
    """One command for the request, and one for its answer."""
    return dict(fix_command=(verb, " && ", "sport 8202"), advice=("drops the answer",))


def dropped_twice(backend, table, verb):
    return Expect("firewall-drop", "CONNECT_TIMEOUT", confidence=("certain", "likely"),
                  where={"backend": backend, "hook": "INPUT", "table": table}, **both(verb))


IN, OUT = f"-s {RANGE} -p tcp --dport {PORT}", f"-d {RANGE} -p tcp --sport {PORT}"
ESTABLISHED = "-m conntrack --ctstate ESTABLISHED -j ACCEPT"
# What lets the request pass is not enough: the answer, or the request itself, is dropped elsewhere.
TWICE = [
    Case("legacy-policies", "timeout", dropped_twice("iptables-legacy", "filter", "-A OUTPUT"),
         fault=["iptables-legacy -P INPUT DROP", "iptables-legacy -P OUTPUT DROP"], host_wide=True),
    Case("iptables-nft-rules", "timeout", dropped_twice("iptables-nft", "filter", "-I OUTPUT"),
         fault=[f"iptables-nft -A INPUT {IN} -j DROP", f"iptables-nft -A OUTPUT {OUT} -j REJECT"]),
    Case("nft-policies", "timeout", dropped_twice("nft", "guard", "nft add rule inet guard out"),
         fault=["nft add table inet guard",
                "nft 'add chain inet guard in { type filter hook input priority 0; policy drop; }'",
                "nft 'add chain inet guard out"
                " { type filter hook output priority 0; policy drop; }'",
                "nft add rule inet guard in tcp dport 80 accept",
                "nft add rule inet guard out tcp sport 80 accept",
                "nft add rule inet guard in icmpv6 type nd-neighbor-solicit accept",
                "nft add rule inet guard out icmpv6 type nd-neighbor-advert accept"]),
    Case("two-chains", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", fix_command=("nft", " && ", "chain-behind"),
                advice=("drops it, too",)),
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} drop")
         + ["nft 'add chain inet guard chain-behind { type filter hook input priority 5; }'",
            f"nft add rule inet guard chain-behind ip saddr {RANGE} tcp dport {PORT} drop"]),
]


@pytest.mark.parametrize("case", **params(TWICE))
def test_dropped_twice(case, make_lab, trace):
    run_case(case, make_lab, trace)


# The answer passes as one of a connection that is known, so that one command is enough.
ONCE = [
    Case("legacy-established", "timeout", drop("iptables-legacy", "INPUT", "filter"),
         fault=["iptables-legacy -P INPUT DROP", f"iptables-legacy -A OUTPUT {ESTABLISHED}",
                "iptables-legacy -P OUTPUT DROP"], host_wide=True),
    Case("nft-established", "timeout", drop("nft", "INPUT", "guard"),
         fault=nft("input", f"ip saddr {RANGE} tcp dport {PORT} drop")
         + ["nft 'add chain inet guard out { type filter hook output priority 0; policy drop; }'",
            "nft add rule inet guard out ct state established,related accept",
            "nft add rule inet guard out icmpv6 type nd-neighbor-advert accept"]),
    Case("other-port", "timeout", drop("iptables-nft", "INPUT", "filter"),
         fault=[f"iptables-nft -A INPUT {IN} -j DROP",
                f"iptables-nft -A OUTPUT -d {RANGE} -p tcp --sport 8203 -j DROP"]),
]


@pytest.mark.parametrize("case", **params(ONCE))
def test_dropped_once(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    assert " && " not in line["fix_command"], line["fix_command"]


def test_place_among_many(make_lab, trace):
    """With chains of several tables at the hook, the next probe at the latest names the one."""
    lab = make_lab()
    for command in (["iptables-legacy -t mangle -A INPUT -s 10.0.0.0/8 -j DROP",
                     f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"]
                    + nft("input", "ip saddr 10.0.0.0/8 drop", 10)):
        lab.backend.run("sh", "-c", command)
    run = trace(lab, "--timeout", 1)
    lines = []
    for _ in range(2):
        seen = lab_checks.http(lab, PORT, timeout=1)
        assert seen.result == "timeout"
        lines.append(run.probe(seen))
        assert lines[-1]["verdict"] == "firewall-drop", lines[-1]
        time.sleep(0.3)
    wrong = drop("iptables-legacy", "INPUT", "filter").compare(lines[1])
    assert not wrong, wrong
    run.stop(FAILED)
