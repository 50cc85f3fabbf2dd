# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What drops ahead of IP, or behind it: XDP, tc, queueing disciplines, bridges."""
import contextlib
import errno
import os
import signal
import socket
import time

import bpfsys
import lab_checks
import pytest
from bpfsys import BPF_TCX_EGRESS, BPF_TCX_INGRESS, BPF_XDP, XDP_FLAGS_SKB_MODE
from harness import FAILED, Case, Expect, params, run_case
from lab import BACKEND, BACKEND_2, GATEWAY, PATIENCE, RANGE

PORT = 8202
HEALTHY_202 = Expect("healthy", protocol="http", status=202)


def program(kind, port=PORT, flags=0):
    """Another program, on eth0, that drops what is for (egress: from) PORT."""
    @contextlib.contextmanager
    def setup(lab):
        try:
            with lab.backend.enter():
                attached = bpfsys.Attachment(kind, socket.if_nametoindex("eth0"),
                                             bpfsys.dropping(kind, port), flags)
        except OSError as e:
            if e.errno == errno.EINVAL and kind != BPF_XDP:
                pytest.skip("kernel: no tcx before 6.6")
            raise
        with attached:
            yield
    return setup


def tc_filter(side, port=PORT):
    """A classic tc filter with the action drop; clsact stands behind tcx."""
    at = 36 if side == "ingress" else 34
    code = (f"6,40 0 0 12,21 0 3 2048,40 0 0 {at},21 0 1 {port},6 0 0 2,6 0 0 4294967295")
    return ["tc qdisc add dev eth0 clsact",
            f"tc filter add dev eth0 {side} bpf direct-action bytecode '{code}'"]


XDP_DROP = Expect("xdp-drop", "CONNECT_TIMEOUT", why=("xdp", "eth0"), advice=("let it pass",),
                  where={"layer": "device", "device": "eth0"})
TC_DROP = Expect("tc-drop", "CONNECT_TIMEOUT", why=("eth0",), show=("tc filter show dev eth0",),
                 where={"layer": "device", "device": "eth0"})
TC_EGRESS_DROP = Expect("reply-dropped", "CONNECT_TIMEOUT", why=("tc egress", "eth0"),
                        show=("tc filter show dev eth0 egress",), where={"layer": "device"})
FILTER = "whose filter it is, and what else it keeps in, is not known"
PROGRAMS = [
    Case("xdp-generic", "timeout", XDP_DROP, setup=program(BPF_XDP, flags=XDP_FLAGS_SKB_MODE)),
    Case("xdp-in-the-driver", "timeout", XDP_DROP, setup=program(BPF_XDP)),
    Case("xdp-for-another-port", "http", HEALTHY_202, setup=program(BPF_XDP, 9)),
    Case("tcx-ingress", "timeout", TC_DROP, setup=program(BPF_TCX_INGRESS)),
    Case("tcx-for-another-port", "http", HEALTHY_202, setup=program(BPF_TCX_INGRESS, 9)),
    Case("tc-filter-ingress", "timeout", TC_DROP, fault=tc_filter("ingress")),
    Case("tcx-egress", "timeout", TC_EGRESS_DROP, setup=program(BPF_TCX_EGRESS), no_fix=FILTER),
    Case("tc-filter-egress", "timeout", TC_EGRESS_DROP, fault=tc_filter("egress"), no_fix=FILTER),
]


@pytest.mark.parametrize("case", **params(PROGRAMS))
def test_program(case, make_lab, trace):
    run_case(case, make_lab, trace)


def test_queueing_discipline(lab, trace):
    """tbf drops what is bigger than its bucket: the SYN-ACK gets through, the answer does not."""
    lab.backend.run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "1mbit", "burst",
                    "100", "limit", "1000")
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, PORT, timeout=1)
    assert seen.result == "response-timeout", f"the lab is wrong: {seen}"
    expect = Expect("reply-dropped", "RECV_RESPONSE_TIMEOUT", why=("queueing discipline", "eth0"),
                    show=("tc -s qdisc",), where={"layer": "device"})
    line = run.probe(seen)
    assert not expect.compare(line), line
    run.stop(FAILED)


BRIDGE = [" && ".join([
    "ip -6 route del default", "ip addr flush dev eth0", "ip link add br0 type bridge",
    "ip link set eth0 master br0", "ip link set br0 up", f"ip addr add {BACKEND}/24 dev br0",
    f"ip route add default via {GATEWAY}",
    "ip addr add fd00:192:168::10/64 dev br0", "ip route add default via fd00:192:168::1"])]


def at_bridge(verdict, backend, hook, tool, **where):
    return Expect(verdict, "CONNECT_TIMEOUT", fix=(tool,), confidence=("certain", "likely"),
                  where={"layer": "netfilter", "backend": backend, "hook": hook, **where})


BRIDGED = [
    Case("healthy", "http", HEALTHY_202, fault=BRIDGE),
    Case("ebtables", "timeout", at_bridge("firewall-drop", "ebtables-nft", "INPUT",
                                          "ebtables -I INPUT", table="filter", chain="INPUT"),
         fault=BRIDGE + [f"ebtables-nft -A INPUT -p IPv4 --ip-source {RANGE} --ip-proto tcp"
                         f" --ip-dport {PORT} -j DROP"]),
    Case("nft", "timeout", at_bridge("firewall-drop", "nft", "PREROUTING",
                                     "nft insert rule bridge guard c", table="guard", chain="c"),
         fault=BRIDGE + [
             "nft add table bridge guard",
             "nft 'add chain bridge guard c { type filter hook prerouting priority 0; }'",
             f"nft add rule bridge guard c ip saddr {RANGE} tcp dport {PORT} drop"]),
    Case("ebtables-output", "timeout", at_bridge("reply-dropped", "ebtables-nft", "OUTPUT",
                                                 "ebtables -I OUTPUT"),
         fault=BRIDGE + [f"ebtables-nft -A OUTPUT -p IPv4 --ip-destination {RANGE} --ip-proto tcp"
                         f" --ip-sport {PORT} -j DROP"]),
    Case("ebtables-echo", "lost", at_bridge("firewall-drop", "ebtables-nft", "INPUT",
                                            "--ip-icmp-type echo-request"), port=0,
         check=lambda lab, port, **kwargs: lab_checks.ping(lab, **kwargs),
         fault=BRIDGE + [f"ebtables-nft -A INPUT -p IPv4 --ip-source {RANGE} --ip-proto icmp"
                         " -j DROP"]),
    # a rule of the host's own hooks, on a host with a bridge
    Case("ip-rule", "timeout", at_bridge("firewall-drop", "iptables-nft", "INPUT", "iptables"),
         fault=BRIDGE + [f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
]


@pytest.mark.parametrize("case", **params(BRIDGED))
def test_bridge(case, make_lab, trace):
    run_case(case, make_lab, trace)


# ---- devices that come ----

def test_more_news_than_can_be_kept(lab, trace):
    """Of hundreds of devices at once the kernel drops news; the one that matters is found anyhow."""
    run = trace(lab, "--timeout", 1)
    os.kill(run.child.pid, signal.SIGSTOP)
    lab.backend.ip(*(f"link set dev eth0 alias news{i}" for i in range(1000)))
    lab.router.ip(f"link add web1 type veth peer name eth1 netns {lab.backend.name}",
                  "addr add 192.168.1.1/24 dev web1", "link set web1 up")
    lab.backend.ip(f"addr add {BACKEND_2}/24 dev eth1", "link set eth1 up",
                   f"route add {RANGE} via 192.168.1.1")
    lab.backend.ip(*(f"link set dev eth0 alias more{i}" for i in range(100)))
    os.kill(run.child.pid, signal.SIGCONT)
    time.sleep(0.5 * PATIENCE)
    line = run.probe(lab_checks.http(lab, 80, timeout=1, target=BACKEND_2))
    assert line["outcome"] == "pass" and line["timeline"][0]["device"] == "eth1", line
    run.stop()
