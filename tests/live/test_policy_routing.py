# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Routing rules on the way back: the one that decides is named, and what is printed goes there."""
import contextlib
import subprocess

import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab import BACKEND, BACKEND6, GATEWAY, GATEWAY6, RANGE, RANGE6
from test_check import check, of

PORT = 8202
DEAD = "192.168.0.254"
ROUTE = f"ip route add {RANGE} via {GATEWAY} dev eth0"
OWN = "ip rule add from 192.168.0.10 lookup 100 priority 50"
NAMED = "routing rule 50 (from 192.168.0.10 lookup 100)"


def refused(fix, *why, **kwargs):
    return Expect("no-route-back", "CONNECT_TIMEOUT", why=why, fix_command=(fix,), **kwargs)


def back(name, expect, *fault, **kwargs):
    kwargs = dict({"host_wide": True, "fixes": True}, **kwargs)
    return Case(name, "timeout", expect, fault=fault, **kwargs)


CASES = [
    back("table-without-a-route", refused(f"{ROUTE} table 100", NAMED, "table 100 first"),
         "ip route del default", OWN),
    back("table-refuses-all", refused(f"{ROUTE} table 100", "'unreachable' route", NAMED), OWN,
         "ip route add unreachable default table 100"),
    back("table-refuses-the-range",
         refused(f"ip route del blackhole {RANGE} table 100 && {ROUTE} table 100", NAMED), OWN,
         f"ip route add blackhole {RANGE} table 100"),
    back("table-with-a-dead-gateway",
         Expect("gateway-unreachable", "CONNECT_TIMEOUT", why=(f"the gateway {DEAD} on eth0", NAMED),
                fix_command=(f"ip route replace {RANGE} via {GATEWAY} dev eth0 table 100",)),
         OWN, f"ip route add default via {DEAD} dev eth0 table 100", timeout=5),
    # a ban by a rule: for more than the range, so another is put ahead of it
    back("rule-forbids-the-source",
         refused(f"ip rule add from 192.168.0.10 to {RANGE} table main",
                 "routing rule 77 (from 192.168.0.10 prohibit) forbids"),
         "ip rule add from 192.168.0.10 prohibit priority 77"),
    back("rule-forbids-all", refused(f"ip rule add from 192.168.0.10 to {RANGE} table main",
                                     "routing rule 77 (from all unreachable) forbids"),
         "ip rule add unreachable priority 77"),
    back("rule-forbids-more",
         refused(f"ip rule add from 192.168.0.10 to {RANGE} table main",
                 "rule 77 (from all to 100.0.0.0/8 blackhole)"),
         "ip rule add to 100.0.0.0/8 blackhole priority 77"),
    # and for the range alone: it goes
    back("rule-forbids-the-pair",
         refused(f"ip rule del priority 77 from 192.168.0.0/24 to {RANGE} prohibit",
                 f"rule 77 (from 192.168.0.0/24 to {RANGE} prohibit)"),
         f"ip rule add from 192.168.0.0/24 to {RANGE} prohibit priority 77"),
    back("rule-forbids-and-no-route",
         refused(f"ip rule del priority 77 to {RANGE} prohibit && {ROUTE}", "rule 77"),
         f"ip rule add to {RANGE} prohibit priority 77", "ip route del default"),
    back("two-rules-forbid",
         refused("ip rule add from 192.168.0.10 table 100", "rule 77"),
         f"ip rule add to {RANGE} prohibit priority 77",
         f"ip rule add from 192.168.0.10 blackhole priority 78"),
    # the first rule of all decides: a new one needs a priority
    back("first-rule-of-all",
         refused("priority 29", "rule 30 (from 192.168.0.10 prohibit)"),
         "ip rule add priority 40 lookup local", "ip rule del priority 0",
         "ip rule add from 192.168.0.10 prohibit priority 30"),
    # no rule leads to main
    back("main-is-not-read", refused("table 100 && ip rule add from 192.168.0.10 table 100"),
         "ip rule del priority 32766"),
    back("default-is-suppressed",
         refused("table 100 && ip rule add from 192.168.0.10 table 100",
                 "rule 32765 (from all lookup main suppress_prefixlength 0) takes no route"),
         "ip rule add table main suppress_prefixlength 0 priority 32765",
         "ip rule del priority 32766"),
    back("rule-forbids-the-port", refused("ip rule add from 192.168.0.10 table 100",
                                          f"rule 70 (from all ipproto 6 sport {PORT} prohibit)",
                                          confidence=("likely",)),
         f"ip rule add ipproto tcp sport {PORT} prohibit priority 70"),
    back("ipv6-rule-forbids",
         refused(f"ip -6 rule add from {BACKEND6} to {RANGE6} table main",
                 f"rule 77 (from {BACKEND6} prohibit)"),
         f"ip -6 rule add from {BACKEND6} prohibit priority 77", target=BACKEND6,
         host_wide=False),
    back("ipv6-table-refuses",
         refused(f"ip -6 route add {RANGE6} via {GATEWAY6} dev eth0 table 100", "rule 50"),
         f"ip -6 rule add from {BACKEND6} lookup 100 priority 50",
         "ip -6 route add prohibit default table 100", target=BACKEND6, host_wide=False),
]
HEALTHY = Expect("healthy", protocol="http")
BESIDE = [  # rules that do not decide
    Case("rules-of-others", "http", HEALTHY,
         fault=["ip rule add from 192.168.0.11 prohibit priority 10",
                "ip rule add iif eth0 prohibit priority 20",
                "ip rule add fwmark 5 prohibit priority 30",
                "ip rule add from 192.168.0.10 goto 60 priority 40",
                "ip rule add prohibit priority 50", "ip rule add nop priority 60"]),
    Case("table-throws", "http", HEALTHY,
         fault=[OWN, "ip route add throw default table 100"]),
]


@pytest.mark.parametrize("case", **params(CASES + BESIDE))
def test_rule(case, make_lab, trace):
    run_case(case, make_lab, trace)


TUN = """
import fcntl, os, struct
f = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(f, 0x400454ca, struct.pack('16sH', b'wg0', 0x1001))
print(flush=True)
while True: os.read(f, 2048)
"""


@contextlib.contextmanager
def full_tunnel(lab, family, *more):
    """What has no other route goes into a tunnel, as wg-quick sets it up."""
    for line in ("ip tuntap add wg0 mode tun", "ip addr add 10.66.0.2/32 dev wg0",
                 "ip -6 addr add fd00:66::2/128 dev wg0", "ip link set wg0 up"):
        lab.backend.run("sh", "-c", line)
    reader = subprocess.Popen(lab.backend.argv("/usr/bin/python3", "-c", TUN),
                              stdout=subprocess.PIPE)
    try:
        reader.stdout.readline()
        for line in ("route add default dev wg0 table 51820",
                     "rule add not fwmark 51820 table 51820",
                     "rule add table main suppress_prefixlength 0"):
            lab.backend.run("sh", "-c", f"ip {family} {line}")
        for line in more:
            lab.backend.run("sh", "-c", line)
        yield
    finally:
        reader.kill()
        reader.wait()


STRICT = "sysctl -qw net.ipv4.conf.all.rp_filter=1"
LOOSE = "sysctl -qw net.ipv4.conf.all.rp_filter=2"
# in use, although no gateway is in it, or nothing at all
TAKEN = ("ip route add 10.99.0.0/16 dev wg0 table 100", "ip rule add from 10.99.0.1 lookup 101")
TUNNELS = [  # name, faults, what live and check print
    ("strict", (STRICT,), "table 100 && ip rule add from 192.168.0.10 table 100"),
    ("strict-table-taken", (STRICT, *TAKEN),
     "table 102 && ip rule add from 192.168.0.10 table 102"),
    ("strict-own-table", (STRICT, "ip route add 192.168.0.0/24 dev eth0 table 100",
                          "ip route add default dev wg0 table 100",
                          "ip rule add from 192.168.0.10 lookup 100"),
     f"ip route replace {RANGE} via {GATEWAY} dev eth0 table 100"),
    # a route in it is more specific than the one that would be added
    ("strict-own-route", (STRICT, "ip route add 100.125.0.0/17 dev wg0 table 100",
                          "ip rule add from 192.168.0.10 lookup 100"),
     "table 101 && ip rule add from 192.168.0.10 table 101"),
    ("loose", (LOOSE,), "table 100 && ip rule add from 192.168.0.10 table 100"),
    ("ipv6", (), f"table 100 && ip -6 rule add from {BACKEND6} table 100"),
]


def tunnel_case(name, fault, command):
    v6 = name == "ipv6"
    verdict, why = "wrong-interface", ("wg0", "eth0")
    if name.startswith("strict"):
        verdict, why = "rp-filter", ("wg0 instead of eth0",)
    return Case(name, "timeout",
                Expect(verdict, "CONNECT_TIMEOUT", why=why, fix_command=(command,)),
                target=BACKEND6 if v6 else BACKEND, host_wide=not v6, fixes=True,
                setup=lambda lab: full_tunnel(lab, "-6" if v6 else "-4", *fault))


@pytest.mark.parametrize("case", **params([tunnel_case(*one) for one in TUNNELS]))
def test_full_tunnel(case, make_lab, trace):
    run_case(case, make_lab, trace)


@pytest.mark.parametrize("tunnel", TUNNELS, ids=lambda one: one[0])
def test_full_tunnel_check(tunnel, binary, lab):
    """What `hctrace check` prints makes the next check pass by itself."""
    name, fault, command = tunnel
    family, options, target = "-4", ("--port", PORT), BACKEND
    if name == "ipv6":
        family, options, target = "-6", ("--port", PORT, "--from", RANGE6), BACKEND6
    with full_tunnel(lab, family, *fault):
        found, _ = check(binary, lab, *options)
        bad = of(found, "fail", "5") + of(found, "warn", "5")
        assert len(bad) == 1 and "wg0" in bad[0]["what"], found
        assert command in bad[0]["fix_command"], bad
        assert lab_checks.http(lab, PORT, target=target).result == "timeout"
        lab.backend.run("sh", "-c", bad[0]["fix_command"])
        found, _ = check(binary, lab, *options)
        assert not of(found, "fail", "5") and not of(found, "warn", "5"), found
        assert lab_checks.http(lab, PORT, target=target).status == 202


OTHERWISE = ("table-with-a-dead-gateway", "rule-forbids-the-port")
CHECKED = [case for case in CASES if case.id not in OTHERWISE]


@pytest.mark.parametrize("case", **params(CHECKED))
def test_rule_check(case, binary, lab):
    """And what it prints against rules and tables that refuse is what live prints."""
    options = ("--port", PORT) + (("--from", RANGE6) if case.target == BACKEND6 else ())
    for line in case.fault:
        lab.backend.run("sh", "-c", line)
    # the router asks for this host's address first, and is known from there on
    assert lab_checks.http(lab, PORT, target=case.target).result == "timeout"
    found, _ = check(binary, lab, *options)
    bad = of(found, "fail", "5")
    assert len(bad) == 1 and "no route back" in bad[0]["what"], found
    assert case.expect.fix_command[0] in bad[0]["fix_command"], bad
    lab.backend.run("sh", "-c", bad[0]["fix_command"])
    found, _ = check(binary, lab, *options)
    assert not of(found, "fail", "5") and not of(found, "warn", "5"), found
    assert lab_checks.http(lab, PORT, target=case.target).status == 202
