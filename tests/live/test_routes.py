# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The way back to the load balancer: routes, reverse-path filter, gateway, interfaces."""
import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab import BACKEND_2, GATEWAY

PORT = 8202
NO_DEFAULT = "ip route del default"
DEAD_GATEWAY = "192.168.0.254"


def rp_filter(mode, *devices):
    return [f"sysctl -qw net.ipv4.conf.{d}.rp_filter={mode}" for d in ("all", *devices)]


def no_route(*why, fix_command=("ip route",)):
    return Expect("no-route-back", "CONNECT_TIMEOUT", where={"layer": "route"},
                  why=("100.125.10.5", *why), fix_command=fix_command)


def rp_filtered(*why, fix):
    return Expect("rp-filter", "CONNECT_TIMEOUT", why=("100.125.10.5", *why),
                  fix_command=(fix,))


ROUTE = f"ip route add 100.125.0.0/16 via {GATEWAY} dev eth0"


def back(name, expect, *fault, **kwargs):
    return Case(name, "timeout", expect, fault=fault, host_wide=True, fixes=True, **kwargs)


BACK = [
    back("no-route", no_route(fix_command=(ROUTE,)), NO_DEFAULT),
    back("no-route-tcp-check", no_route(fix_command=(ROUTE,)), NO_DEFAULT, check=lab_checks.tcp),
    back("no-route-strict-rp-filter", rp_filtered(fix=ROUTE), NO_DEFAULT, *rp_filter(1)),
    back("no-route-loose-rp-filter", rp_filtered(fix=ROUTE), NO_DEFAULT, *rp_filter(2)),
    # the router is known by another route, that of a table
    back("router-of-a-table", no_route(fix_command=(ROUTE,)),
         f"ip route add 10.9.0.0/16 via {GATEWAY} table 77", "ip neigh flush dev eth0",
         "ip neigh replace 192.168.0.77 dev eth0 lladdr 02:00:00:00:00:77 nud permanent",
         NO_DEFAULT),
    # answers of the target look in a table of their own first
    back("rule-from-the-target", no_route(fix_command=(f"{ROUTE} table 100",)), NO_DEFAULT,
         "ip rule add from 192.168.0.10 lookup 100 priority 50"),
    back("unreachable", no_route("unreachable", fix_command=("ip route del unreachable", ROUTE)),
         "ip route add unreachable 100.125.0.0/16"),
    back("blackhole", no_route("blackhole"), "ip route add blackhole 100.125.0.0/16"),
    back("prohibit", no_route("prohibit"), "ip route add prohibit 100.125.0.0/16"),
    # what is banned besides stays so
    back("wider-blackhole", no_route("blackhole", fix_command=(ROUTE,)),
         "ip route add blackhole 100.0.0.0/8"),
    back("narrower-blackhole",
         no_route("blackhole", fix_command=("ip route del blackhole 100.125.10.0/24",)),
         "ip route add blackhole 100.125.10.0/24"),
    back("rule-that-forbids", no_route(fix_command=("ip rule del priority 77 to 100.125.0.0/16",)),
         "ip rule add to 100.125.0.0/16 unreachable priority 77"),
]
HEALTHY_BACK = [
    # a route of its own for the range: nothing is wrong
    Case("route-for-the-range", "http", Expect("healthy", protocol="http"),
         fault=[NO_DEFAULT, f"ip route add 100.125.0.0/16 via {GATEWAY}"]),
]


@pytest.mark.parametrize("case", **params(BACK + HEALTHY_BACK))
def test_route_back(case, make_lab, trace):
    run_case(case, make_lab, trace)


DEAD = Expect("gateway-unreachable", "CONNECT_TIMEOUT", why=(DEAD_GATEWAY, "eth0"),
              where={"layer": "neighbour", "device": "eth0"})
GATEWAYS = [
    Case("dead", "timeout", DEAD, timeout=5, host_wide=True,
         fault=[f"ip route replace default via {DEAD_GATEWAY}"]),
    # the check gives up before the kernel gives up on the gateway
    Case("dead-impatient", "timeout", DEAD, timeout=2, host_wide=True,
         fault=[f"ip route replace default via {DEAD_GATEWAY}"]),
]


@pytest.mark.parametrize("case", **params(GATEWAYS))
def test_gateway(case, make_lab, trace):
    run_case(case, make_lab, trace)


# The probe comes in by eth1, the way back leaves by eth0.
SECOND = [
    Case("asymmetric-strict", "timeout", rp_filtered("eth1", fix="ip route replace 100.125.0.0/16"),
         target=BACKEND_2, second_link=True, fault=rp_filter(1, "eth1"), fixes=True),
    Case("asymmetric-loose", "http", Expect("healthy", protocol="http"), target=BACKEND_2,
         second_link=True, fault=rp_filter(2, "eth1")),
    Case("asymmetric-and-filtered-outside", "timeout",
         Expect("wrong-interface", "CONNECT_TIMEOUT", why=("eth0", "eth1")), target=BACKEND_2,
         second_link=True, fixes=True, opens="answers of that address take another way, to whomever",
         router=["iptables-nft -A FORWARD -i web0 -s 192.168.1.0/24 -j DROP"]),
]


@pytest.mark.parametrize("case", **params(SECOND))
def test_second_interface(case, make_lab, trace):
    run_case(case, make_lab, trace)


REPLY_LOST = Expect("reply-lost", "CONNECT_TIMEOUT", why=("eth0",))
OUTSIDE = [
    Case("syn-acks-dropped-by-the-network", "timeout", REPLY_LOST, timeout=2,
         router=[f"iptables-nft -A FORWARD -i web0 -p tcp --sport {PORT}"
                 " --tcp-flags SYN,ACK SYN,ACK -j DROP"]),
]


@pytest.mark.parametrize("case", **params(OUTSIDE))
def test_outside(case, make_lab, trace):
    run_case(case, make_lab, trace)


ADDRESSES = [
    Case("source-is-ours", "timeout", Expect("martian-source", "CONNECT_TIMEOUT",
                                             why=("100.125.10.5",)),
         fault=["ip addr add 100.125.10.5/32 dev lo"]),
    Case("target-is-not-ours", "timeout", Expect("not-local", "CONNECT_TIMEOUT",
                                                 why=("192.168.0.77",)),
         target="192.168.0.77", router=["ip route add 192.168.0.77/32 via 192.168.0.10"],
         fixes=True, opens="the address that was missing is everybody's"),
    # a bridge of this host's that has the load balancer's address, as a VIP is often set up
    Case("source-is-ours-on-a-bridge", "timeout",
         Expect("martian-source", "CONNECT_TIMEOUT", why=("100.125.10.5",)),
         fault=["ip link add vip0 type bridge && ip addr add 100.125.10.5/32 dev vip0"
                " && ip link set vip0 up"]),
    # no device has it: the fix is advice, as which route it is only a look tells
    Case("source-is-ours-by-a-route", "timeout",
         Expect("martian-source", "CONNECT_TIMEOUT", why=("100.125.10.5", "its type is local"),
                advice=("delete that route",), fix_command=()),
         fault=["ip route add local 100.125.10.5/32 dev lo"],
         no_fix="the route's own destination and table are not known"),
    Case("target-became-ours", "http", Expect("healthy", protocol="http"), port=PORT,
         target="192.168.0.77", router=["ip route add 192.168.0.77/32 via 192.168.0.10"],
         fault=["ip addr add 192.168.0.77/32 dev eth0"]),
]


@pytest.mark.parametrize("case", **params(ADDRESSES))
def test_address(case, make_lab, trace):
    run_case(case, make_lab, trace)
