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


def no_route(*why, **kwargs):
    return Expect("no-route-back", "CONNECT_TIMEOUT", where={"layer": "route"},
                  why=("100.125.10.5", *why), fix=("ip route",), **kwargs)


def rp_filtered(*why, fix):
    return Expect("rp-filter", "CONNECT_TIMEOUT", why=("100.125.10.5", *why), fix=(fix,))




BACK = [
    Case("no-route", "timeout", no_route(), fault=[NO_DEFAULT], host_wide=True),
    Case("no-route-tcp-check", "timeout", no_route(), fault=[NO_DEFAULT], host_wide=True,
         check=lab_checks.tcp),
    Case("no-route-strict-rp-filter", "timeout", rp_filtered(fix="ip route"), host_wide=True,
         fault=[NO_DEFAULT, *rp_filter(1)]),
    Case("no-route-loose-rp-filter", "timeout", rp_filtered(fix="ip route"), host_wide=True,
         fault=[NO_DEFAULT, *rp_filter(2)]),
    Case("unreachable", "timeout", no_route("unreachable"), host_wide=True,
         fault=["ip route add unreachable 100.125.0.0/16"]),
    Case("blackhole", "timeout", no_route("blackhole"), host_wide=True,
         fault=["ip route add blackhole 100.125.0.0/16"]),
    Case("prohibit", "timeout", no_route("prohibit"), host_wide=True,
         fault=["ip route add prohibit 100.125.0.0/16"]),
    Case("rule-to-an-empty-table", "timeout", no_route(), host_wide=True,
         fault=["ip rule add to 100.125.0.0/16 unreachable"]),
    # a route of its own for the range: nothing is wrong
    Case("route-for-the-range", "http", Expect("healthy", protocol="http"),
         fault=[NO_DEFAULT, f"ip route add 100.125.0.0/16 via {GATEWAY}"]),
]


@pytest.mark.parametrize("case", **params(BACK))
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
    Case("asymmetric-strict", "timeout", rp_filtered("eth1", fix="rp_filter"),
         target=BACKEND_2, second_link=True, fault=rp_filter(1, "eth1")),
    Case("asymmetric-loose", "http", Expect("healthy", protocol="http"), target=BACKEND_2,
         second_link=True, fault=rp_filter(2, "eth1")),
    Case("asymmetric-and-filtered-outside", "timeout",
         Expect("wrong-interface", "CONNECT_TIMEOUT", why=("eth0", "eth1")), target=BACKEND_2,
         second_link=True, router=["iptables-nft -A FORWARD -i web0 -s 192.168.1.0/24 -j DROP"]),
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
         target="192.168.0.77", router=["ip route add 192.168.0.77/32 via 192.168.0.10"]),
    # a bridge of this host's that has the load balancer's address, as a VIP is often set up
    Case("source-is-ours-on-a-bridge", "timeout",
         Expect("martian-source", "CONNECT_TIMEOUT", why=("100.125.10.5",)),
         fault=["ip link add vip0 type bridge && ip addr add 100.125.10.5/32 dev vip0"
                " && ip link set vip0 up"]),
    Case("target-became-ours", "http", Expect("healthy", protocol="http"), port=PORT,
         target="192.168.0.77", router=["ip route add 192.168.0.77/32 via 192.168.0.10"],
         fault=["ip addr add 192.168.0.77/32 dev eth0"]),
]


@pytest.mark.parametrize("case", **params(ADDRESSES))
def test_address(case, make_lab, trace):
    run_case(case, make_lab, trace)
