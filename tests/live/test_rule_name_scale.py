# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rule among thousands, among several faults at once, and when the rules change."""
import contextlib
import socket
import threading
import time

import lab_checks
import pytest
from harness import FAILED
from lab import BACKEND, LB_NODES, RANGE
from rule_play import RuleCase, check_named, describe, next_interval, params, play
from rule_sets import Culprit, Rules

MINE = f"-s {RANGE} -p tcp -m tcp --dport 8202"


@contextlib.contextmanager
def others_traffic(lab):
    """Datagrams and connections, hundreds a second, that end at other rules that drop.

    They come from the router, which is no load balancer, and from two nodes of the load
    balancer's, to other ports.
    """
    done = threading.Event()
    sockets = []
    sent = 0
    for space, address in ((lab.router, "192.168.0.1"), (lab.lb, LB_NODES[1]),
                           (lab.lb, LB_NODES[2])):
        with space.enter():
            for port in (9100, 9101, 9200):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sock.bind((address, 0))
                sock.connect((BACKEND, port))
                sockets.append(sock)

    def connections():
        with lab.router.enter():
            while not done.wait(0.02):
                with socket.socket() as sock, contextlib.suppress(BlockingIOError):
                    sock.setblocking(False)
                    sock.connect((BACKEND, 8202))

    def datagrams():
        nonlocal sent
        while not done.wait(0.01):
            # the load balancer's nodes rarely: each datagram of theirs is a probe
            for sock in sockets if sent % 300 == 0 else sockets[:3]:
                with contextlib.suppress(OSError):
                    sock.send(b"anybody?")
                    sent += 1

    threads = [threading.Thread(target=work, daemon=True) for work in (connections, datagrams)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
        for sock in sockets:
            sock.close()
    assert sent > 100, "the lab is wrong: no traffic"


def many_saved(n=1996):
    """Rules that look alike, of which some are hit by the others' traffic."""
    near = [f"-A INPUT -s 100.125.{i // 250}.{i % 250}/32 -p tcp -m tcp --dport 8202 -j DROP"
            for i in range(n // 2) if i // 250 != 10]
    far = [f"-A INPUT -s {RANGE} -p tcp -m tcp --dport {20000 + i} -j DROP"
           for i in range(n - len(near))]
    return "\n".join(["*filter", *near, "-A INPUT -s 192.168.0.1/32 -p udp -j DROP", *far,
                      f"-A INPUT -s {RANGE} -p udp -m udp --dport 9100:9101 -j DROP",
                      f"-A INPUT -s {RANGE} -p udp -m udp --dport 9200 -j DROP",
                      "-A INPUT -s 192.168.0.1/32 -p tcp -m tcp --dport 8202 -j DROP",
                      f"-A INPUT {MINE} -j DROP <<<",
                      f"-A INPUT {MINE} -j DROP"])


def many_native(n=1996, counter=""):
    near = [f"ip saddr 100.125.{i // 250}.{i % 250} tcp dport 8202 {counter} drop"
            for i in range(n // 2) if i // 250 != 10]
    far = [f"ip saddr {RANGE} tcp dport {20000 + i} {counter} drop" for i in range(n - len(near))]
    rules = "\n".join([*near, "ip saddr 192.168.0.1 udp dport 9000-9999 drop", *far,
                       f"ip saddr {RANGE} udp dport 9100-9101 drop",
                       f"ip saddr {RANGE} udp dport 9200 {counter} drop",
                       f"ip saddr 192.168.0.1 tcp dport 8202 {counter} drop",
                       f"ip saddr {RANGE} tcp dport 8202 {counter} drop <<<",
                       f"ip saddr {RANGE} tcp dport 8202 drop"])
    return f"""
table inet guard {{
chain c {{
type filter hook input priority 0;
{rules}
}}
}}"""


MANY = [
    RuleCase("iptables-nft", (Rules("iptables-nft", many_saved()),), during=others_traffic),
    RuleCase("iptables-legacy", (Rules("iptables-legacy", many_saved()),), during=others_traffic),
    RuleCase("nft", (Rules("nft", many_native()),), during=others_traffic),
    RuleCase("nft-counters", (Rules("nft", many_native(counter="counter")),), timeout=2,
             during=others_traffic),
    RuleCase("passive", (Rules("iptables-legacy", many_saved()),), during=others_traffic,
             options=("--passive",), healthy="unknown"),
]


@pytest.mark.parametrize("case", **params(MANY))
def test_two_thousand_rules(case, make_lab, trace):
    play(case, make_lab, trace)


def base(rules, hook="input", priority=0, table="inet guard", policy="accept;"):
    return Rules("nft", f"""
table {table} {{
    chain c {{
        type filter hook {hook} priority {priority}; policy {policy}
{rules}
    }}
}}""")


# port, node: the rules of a backend of its own; all of them are there at the same time
FAULTS = {
    (8202, 0): ("timeout", base(f"""
        ip saddr {LB_NODES[1]} tcp dport 8202 drop
        ip saddr {LB_NODES[0]} tcp dport 8202 drop <<<""")),
    (8202, 2): ("refused", base(f"""
        ip saddr {LB_NODES[0]} tcp dport 8202 reject
        ip saddr {LB_NODES[2]} tcp dport 8202 reject <<<""", priority=10, table="inet later")),
    (80, 0): ("timeout", Rules("iptables-legacy", f"""
        *filter
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 81 -j DROP
        -A INPUT -s {LB_NODES[0]}/32 -p tcp -m tcp --dport 80 -j DROP <<<""")),
    (8401, 1): ("timeout", Rules("iptables-nft", f"""
        *filter
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8400 -j DROP
        -A INPUT -s {RANGE} -p tcp -m tcp --dport 8401 -j DROP <<<""")),
    (8503, 2): ("timeout", base(f"""
        ip daddr {RANGE} tcp sport 8502 drop
        ip daddr {RANGE} tcp sport 8503 drop <<<""", "output", table="inet out")),
}


def test_several_faults_at_once(lab, trace):
    """The rules of each know nothing of the others'; two are found by trace, one by counters."""
    culprits = {}
    for key, (_, rules) in FAULTS.items():
        rules.load(lab.backend)
        culprits[key] = Culprit(rules, lab.backend)
    run = trace(lab, "--timeout", 1)
    for number in (1, 2, 3):
        started = time.monotonic()
        checks = {key: lab_checks.Later(lab_checks.http, lab, key[0], node=key[1], timeout=1)
                  for key in FAULTS}
        seen = {key: check.result() for key, check in checks.items()}
        assert {k: s.result for k, s in seen.items()} == {k: row[0] for k, row in FAULTS.items()}
        for key, one in seen.items():
            line = run.probe(one)
            sure = line["where"].get("confidence")
            if number > 1 or sure != "guess":
                check_named(line, culprits[key], ("certain",) if number > 1 else (sure,))
        assert run.probe(lab_checks.http(lab, 80, node=1))["verdict"] == "healthy"
        next_interval(started)
    run.stop(FAILED)


def settles(lab, run, marked, seen="timeout"):
    """Two probes: none may be sure of another rule than the MARKED, and the second is sure."""
    culprit = Culprit(marked, lab.backend)
    for number in (1, 2):
        started = time.monotonic()
        check = lab_checks.http(lab, 8202, timeout=1)
        assert check.result == seen, f"the lab is wrong: {check}"
        line = run.probe(check)
        sure = (line.get("where") or {}).get("confidence")
        assert sure in ("certain", "likely", "guess"), describe(line)
        if sure == "certain" or number == 2:
            check_named(line, culprit)
        next_interval(started)
    return line


def saved(tool, *rules):
    return Rules(tool, "\n".join(["*filter", *rules]))


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_rules_change(tool, lab, trace):
    """Inserted ahead of it, moved, replaced by another that drops, and all loaded anew."""
    drop, other = f"-A INPUT {MINE} -j DROP", f"-A INPUT -s {RANGE} -p tcp -j DROP"
    aside = "-A INPUT -s 100.126.0.0/16 -j DROP"
    saved(tool, aside, drop).load(lab.backend)
    run = trace(lab, "--timeout", 1)
    settles(lab, run, saved(tool, aside, drop + " <<<"))
    lab.backend.run(tool, "-I", "INPUT", "-i", "lo", "-j", "ACCEPT")
    lo = "-A INPUT -i lo -j ACCEPT"
    settles(lab, run, saved(tool, lo, aside, drop + " <<<"))
    lab.backend.run(tool, "-D", "INPUT", 3)
    lab.backend.run(tool, "-I", "INPUT", "-s", RANGE, "-p", "tcp", "-j", "DROP")
    settles(lab, run, saved(tool, other + " <<<", lo, aside))
    saved(tool, lo, aside, lo, drop, other).load(lab.backend)  # a restore flushes what was there
    line = settles(lab, run, saved(tool, lo, aside, lo, drop + " <<<", other))
    lab.backend.run("bash", "-c", line["fix_command"])
    assert run.probe(lab_checks.http(lab, 8202))["verdict"] == "healthy"
    run.stop(FAILED)


def test_ruleset_loaded_anew(lab, trace):
    """nft -f with other rules at each probe but one: handles and numbers change every time."""
    drop, reject = f"ip saddr {RANGE} tcp dport 8202 drop", "tcp dport 8202 reject with tcp reset"
    aside = "ip saddr 100.126.0.0/16 tcp dport 8202 drop"
    run = None
    for rules, seen in (([aside, drop + " <<<"], "timeout"),
                        ([drop + " <<<", aside], "timeout"),
                        ([aside, aside, reject + " <<<", drop], "refused"),
                        ([aside, "tcp dport 8202 counter drop <<<", drop], "timeout")):
        marked = base("\n".join(rules))
        Rules("nft", "flush ruleset\n" + marked.text).load(lab.backend)
        run = run or trace(lab, "--timeout", 1)
        line = settles(lab, run, marked, seen)
    marked = base("tcp dport 80 accept", policy="drop; <<<")
    Rules("nft", "flush ruleset\n" + marked.text).load(lab.backend)
    line = settles(lab, run, marked)
    lab.backend.run("bash", "-c", line["fix_command"])
    assert run.probe(lab_checks.http(lab, 8202))["verdict"] == "healthy"
    run.stop(FAILED)
