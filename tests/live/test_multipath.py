# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Multipath routes back to the load balancer, of which a next hop does not answer."""
from dataclasses import replace

import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab import BACKEND6, GATEWAY, GATEWAY6, RANGE, RANGE6
from test_check import check, of

DEAD, DEAD_2 = "192.168.0.254", "192.168.0.253"
DEAD6 = "fd00:192:168::254"
ALIVE = f"ip route replace {RANGE} via {GATEWAY} dev eth0"
ALIVE6 = f"ip -6 route replace {RANGE6} via {GATEWAY6} dev eth0"
# the weights make it the dead one in 256 of 257 connections
HOPS = f"nexthop via {GATEWAY} dev eth0 weight 1 nexthop via {DEAD} dev eth0 weight 256"
HOPS6 = f"nexthop via {GATEWAY6} dev eth0 weight 1 nexthop via {DEAD6} dev eth0 weight 256"
BY_PORTS = "sysctl -qw net.ipv4.fib_multipath_hash_policy=1"
BY_PORTS6 = "sysctl -qw net.ipv6.fib_multipath_hash_policy=1"


# then the router is known to answer
PING, PING6 = f"ping -qc1 -W1 {GATEWAY}", f"ping -qc1 -W1 {GATEWAY6}"
# a host that forwards no IPv6 passes next hops over that do not answer
ROUTER6 = "sysctl -qw net.ipv6.conf.all.forwarding=1"


def group(first, second, family=""):
    return [f"ip {family} nexthop add id 1 via {first} dev eth0",
            f"ip {family} nexthop add id 2 via {second} dev eth0",
            "ip nexthop add id 10 group 1/2,255", f"ip {family} route replace default nhid 10"]


def dead(*why, advice=(), fix_command=(ALIVE,), **kwargs):
    return Expect("gateway-unreachable", "CONNECT_TIMEOUT", why=("next hop", "multipath", *why),
                  where={"layer": "neighbour"}, fix_command=fix_command, advice=advice, **kwargs)


ONE = dead(f"the next hop {DEAD} on eth0", f"{GATEWAY} on eth0", advice=(f"bring {DEAD} up",))
ONE6 = dead(f"the next hop {DEAD6} on eth0", "neighbour discovery", fix_command=(ALIVE6,))
CASES = [
    Case("next-hop", "timeout", ONE, timeout=5, host_wide=True, fixes=True,
         fault=[f"ip route replace default {HOPS}"]),
    Case("next-hop-by-ports", "timeout", ONE, timeout=5, host_wide=True, fixes=True,
         fault=[BY_PORTS, f"ip route replace default {HOPS}"]),
    # the check gives up before the kernel does: the neighbours tell
    Case("next-hop-impatient", "timeout",
         dead(f"the next hop {DEAD} on eth0", "INCOMPLETE", confidence=("likely",)), timeout=2,
         host_wide=True, fixes=True, fault=[BY_PORTS, f"ip route replace default {HOPS}"]),
    # of a group of objects the kernel passes those over that do not answer, so none may
    Case("next-hop-objects", "timeout",
         dead(f"the next hop {DEAD} on eth0", advice=("does not answer out of the route",),
              fix_command=()), timeout=5, host_wide=True, fault=group(DEAD_2, DEAD)),
    Case("next-hop-object-impatient", "timeout", ONE, timeout=0.8, host_wide=True, fixes=True,
         fault=group(GATEWAY, DEAD)),
    Case("next-hop-object-patient", "http", Expect("healthy", protocol="http"), timeout=5,
         fault=group(GATEWAY, DEAD)),
    Case("next-hop-of-a-table", "timeout",
         dead(f"the next hop {DEAD} on eth0", "rule 50 (from 192.168.0.10 lookup 100)",
              fix_command=(f"{ALIVE} table 100",)), timeout=5, host_wide=True, fixes=True,
         fault=["ip rule add from 192.168.0.10 lookup 100 priority 50",
                f"ip route add default table 100 {HOPS}"]),
    # none of them lives: the drop says which it was, and there is nothing to put in its place
    Case("all-next-hops", "timeout",
         dead(f"the next hop {DEAD} on eth0", advice=("does not answer out of the route",),
              fix_command=()), timeout=5, host_wide=True,
         fault=[f"ip route replace default nexthop via {DEAD_2} dev eth0 weight 1"
                f" nexthop via {DEAD} dev eth0 weight 256"]),
    Case("ipv6", "timeout", ONE6, timeout=5, target=BACKEND6, fixes=True,
         fault=[ROUTER6, BY_PORTS6, PING6, f"ip -6 route replace default {HOPS6}"]),
    Case("ipv6-passed-over", "http", Expect("healthy", protocol="http"), timeout=5,
         target=BACKEND6, fault=[BY_PORTS6, f"ip -6 route replace default {HOPS6}"]),
    Case("ipv6-next-hop-object", "timeout", ONE6, timeout=0.8, target=BACKEND6, fixes=True,
         fault=[PING6, *group(GATEWAY6, DEAD6, "-6")]),
    # both lead to a router that is there
    Case("next-hops-answer", "http", Expect("healthy", protocol="http"),
         fault=["ip -6 addr show dev eth0 >/dev/null",
                f"ip route replace default nexthop via {GATEWAY} dev eth0"
                " nexthop via 192.168.0.2 dev eth0"],
         router=["ip addr add 192.168.0.2/24 dev web0"]),
]


@pytest.mark.parametrize("case", **params(CASES))
def test_multipath(case, make_lab, trace):
    run_case(replace(case, opens="by chance, each connection is given another next hop"), make_lab,
             trace)


CHECKED = [  # name, state, result, next hop, fix, options, fault
    ("failed", "failed", "fail", DEAD, ALIVE, (), [PING, f"ip route replace default {HOPS}"]),
    ("incomplete", "incomplete", "warn", DEAD, ALIVE, (),
     [PING, f"ip route replace default {HOPS}"]),
    ("passed-over", "failed", "warn", DEAD, ALIVE, (),
     ["sysctl -qw net.ipv4.fib_multipath_use_neigh=1", PING, f"ip route replace default {HOPS}"]),
    ("object", "failed", "warn", DEAD, ALIVE, (), [PING, *group(GATEWAY, DEAD)]),
    ("ipv6", "failed", "fail", DEAD6, ALIVE6, ("--from", RANGE6),
     [ROUTER6, PING6, f"ip -6 route replace default {HOPS6}"]),
    ("ipv6-passed-over", "failed", "warn", DEAD6, ALIVE6, ("--from", RANGE6),
     [PING6, f"ip -6 route replace default {HOPS6}"]),
]


@pytest.mark.parametrize("case", CHECKED, ids=lambda one: one[0])
def test_check_names_it(case, binary, lab):
    _, state, result, hop, command, options, fault = case
    for line in fault:
        lab.backend.run("sh", "-c", line)
    lab.backend.run("sh", "-c", f"ip neigh replace {hop} dev eth0 nud {state}")
    found, _ = check(binary, lab, "--port", 8202, *options)
    named = of(found, result, "5")
    assert len(named) == 1, found
    assert f"to {hop} on eth0, which does not answer" in named[0]["what"], named
    assert "multipath" in named[0]["why"] and named[0]["fix_command"] == command, named
    lab.backend.run("sh", "-c", named[0]["show_command"])
    lab.backend.run("sh", "-c", named[0]["fix_command"])
    found, _ = check(binary, lab, "--port", 8202, *options)
    assert not of(found, "fail", "5") and not of(found, "warn", "5"), found


def test_silence_waits_for_what_is_under_way(lab, trace):
    """A client that waits out its timeout begins the next check then: that is no silence."""
    for line in [BY_PORTS, f"ip route replace default nexthop via {DEAD_2} dev eth0"
                 f" nexthop via {DEAD} dev eth0"]:
        lab.backend.run("sh", "-c", line)
    # a window of 1.5 s
    run = trace(lab, "--timeout", 2, "--interval", 1, "--retries", 1, "--port", 8202)
    for _ in range(2):
        seen = lab_checks.http(lab, 8202, timeout=2)
        assert seen.result == "timeout", seen
    line = run.wait(is_silence, 8)
    lines = [one["verdict"] for one in run.of_type("probe")]
    assert line and lines == ["gateway-unreachable"] * 2 + ["no-probe"], lines
    run.stop()


def is_silence(line):
    return line["type"] == "probe" and line["verdict"] == "no-probe"
