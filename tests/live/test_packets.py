# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Odd packets: VLAN tags, foreign MAC addresses, IPv6 extension headers, fragments."""
import contextlib
import errno
import socket
import struct
import time
from dataclasses import replace

import lab_checks
import pytest
from bpfsys import BPF_TCX_EGRESS, Attachment, tagging
from harness import Case, Expect, params, run_case
from lab import BACKEND, BACKEND6, GATEWAY
from lab_frames import (AUTHENTICATION, DESTINATION, ETH_P_8021AD, ETH_P_8021Q, FRAGMENT,
                        HOP_BY_HOP, OTHER_MAC, ROUTING, UNKNOWN_OPTION, chain, sender)
from lab_services import udp_server

VLAN = 42
HEALTHY = Expect("healthy", protocol="tcp")


# ---- tags and MAC addresses ----

def tagged(*tags, **options):
    return sender(lambda frames: frames.send(frames.ip(frames.segment()), tags), **options)


def accelerated(tag, port=8202):
    """On its way to the backend the probe gets a tag beside its bytes, as hardware takes it out."""
    @contextlib.contextmanager
    def setup(lab):
        try:
            with lab.router.enter():
                attached = Attachment(BPF_TCX_EGRESS, socket.if_nametoindex("web0"),
                                      tagging(port, tag))
        except OSError as e:
            if e.errno == errno.EINVAL:
                pytest.skip("kernel: no tcx before 6.6")
            raise
        with attached:
            yield
    return setup


def vlan_link(up=True):
    """The router sends what is for the backend in a VLAN, for which that has a device."""
    def setup(lab):
        vlan = f"type vlan id {VLAN}"
        try:
            lab.router.ip(f"link add link web0 name web0.{VLAN} {vlan}")
        except RuntimeError as e:
            if "Unknown device type" in str(e):
                pytest.skip("kernel: no VLAN devices")
            raise
        lab.router.ip(f"link set web0.{VLAN} up", f"addr del {GATEWAY}/24 dev web0",
                      f"addr add {GATEWAY}/24 dev web0.{VLAN}")
        lab.backend.ip(f"link add link eth0 name eth0.{VLAN} {vlan}",
                       f"addr del {BACKEND}/24 dev eth0", f"addr add {BACKEND}/24 dev eth0.{VLAN}",
                       f"link set eth0.{VLAN} up", f"route add default via {GATEWAY}")
        mac = lab.backend.run("cat", "/sys/class/net/eth0/address").strip()
        lab.router.ip(f"neigh replace {BACKEND} lladdr {mac} dev web0.{VLAN} nud permanent")
        if not up:
            lab.backend.ip(f"link set eth0.{VLAN} down")
    return setup


def outer_device(lab):
    try:
        lab.backend.ip("link add link eth0 name eth0.100 type vlan proto 802.1ad id 100",
                       "link set eth0.100 up")
    except RuntimeError as e:
        if "Unknown device type" in str(e):
            pytest.skip("kernel: no VLAN devices")
        raise


def no_device(*why, **where):
    return Expect("kernel-drop", "CONNECT_TIMEOUT", why=("no device for that vlan", *why),
                  advice=("type vlan", "untagged"), show=("ip -d link show type vlan",),
                  where={"layer": "device", **where})


NO_VLAN = no_device("vlan 42", "eth0", device="eth0")
OTHER_ADDRESS = "192.168.0.77"
TAGS = [
    Case("no-device", "timeout", NO_VLAN, check=tagged((ETH_P_8021Q, VLAN))),
    Case("no-device-ipv6", "timeout", NO_VLAN, check=tagged((ETH_P_8021Q, VLAN), v6=True),
         target=BACKEND6),
    Case("no-device-accelerated", "timeout", NO_VLAN, setup=accelerated(VLAN)),
    Case("no-device-xdp", "timeout", NO_VLAN, check=tagged((ETH_P_8021Q, VLAN)),
         options=("--xdp",)),
    Case("no-device-datagram", "silent",
         replace(NO_VLAN, code=None, outcome="pass", note=("silence",)), port=5300,
         check=sender(lambda frames: frames.send(frames.ip(frames.datagram(b"x")),
                                                 [(ETH_P_8021Q, VLAN)]),
                      protocol=socket.IPPROTO_UDP)),
    Case("device-down", "timeout",
         Expect("kernel-drop", "CONNECT_TIMEOUT", why=("vlan 42", "is down")), host_wide=True,
         setup=vlan_link(up=False)),
    Case("device", "http", Expect("healthy", protocol="http", status=200), host_wide=True, port=80,
         setup=vlan_link()),
    Case("priority", "syn-ack", HEALTHY, check=tagged((ETH_P_8021Q, 5 << 13))),
    Case("priority-accelerated", "http", Expect("healthy", protocol="http", status=200), port=80,
         setup=accelerated(5 << 13, 80)),
    Case("twice", "timeout", no_device("vlan 100", "another tag inside"),
         check=tagged((ETH_P_8021AD, 100), (ETH_P_8021Q, VLAN))),
    Case("twice-outer-device", "timeout", no_device("vlan 42", "on eth0.100"),
         check=tagged((ETH_P_8021AD, 100), (ETH_P_8021Q, VLAN)), setup=outer_device),
    Case("other-mac", "timeout",
         Expect("kernel-drop", "CONNECT_TIMEOUT", why=("mac address", f"{BACKEND} is an address"),
                advice=("neighbour entry",), where={"device": "eth0"}),
         check=sender(lambda frames: frames.send(frames.ip(frames.segment()), mac=OTHER_MAC))),
    Case("overheard", "timeout",
         Expect("unknown", why=("overheard", f"{OTHER_ADDRESS} is no address"),
                advice=("nothing is wrong",)), target=OTHER_ADDRESS,
         check=sender(lambda frames: frames.send(frames.ip(frames.segment()), mac=OTHER_MAC))),
]


@pytest.mark.parametrize("case", **params(TAGS))
def test_tag(case, make_lab, trace):
    run_case(case, make_lab, trace)


# ---- IPv6 extension headers ----

def extended(*kinds, **options):
    def send(frames):
        following, headers = chain(kinds, frames.protocol, **options)
        frames.send(frames.ip(frames.segment(), following=following, headers=headers))
    return sender(send, v6=True)


def v6(name, seen, expect, check, **more):
    return Case(name, seen, expect, check=check, target=BACKEND6, **more)


UNTAKEN = Expect("kernel-drop", "CONNECT_TIMEOUT", why=("eth0",))
EXTENSIONS = [
    v6("hop-by-hop", "syn-ack", HEALTHY, extended(HOP_BY_HOP)),
    v6("destination-options", "syn-ack", HEALTHY, extended(DESTINATION)),
    v6("routing", "syn-ack", HEALTHY, extended(ROUTING)),
    v6("atomic-fragment", "syn-ack", HEALTHY, extended(FRAGMENT)),
    v6("five-of-them", "syn-ack", HEALTHY,
       extended(HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT, DESTINATION)),
    v6("closed-port", "refused", Expect("no-listener", "CONNECT_REFUSED"), extended(DESTINATION),
       port=8299),
    v6("unknown-option", "timeout", UNTAKEN, extended(DESTINATION, body=UNKNOWN_OPTION)),
    v6("authentication", "timeout", UNTAKEN, extended(AUTHENTICATION)),
    v6("firewall", "timeout", Expect("firewall-drop", "CONNECT_TIMEOUT",
                                     where={"backend": "nft", "hook": "INPUT"}),
       extended(HOP_BY_HOP, DESTINATION),
       fault=["nft add table ip6 guard",
              "nft 'add chain ip6 guard c { type filter hook input priority 0; }'",
              "nft add rule ip6 guard c tcp dport 8202 drop"]),
]


@pytest.mark.parametrize("case", **params(EXTENSIONS))
def test_extension(case, make_lab, trace):
    run_case(case, make_lab, trace)


# ---- fragments ----

TIMESTAMP = struct.pack("!BBBBII", 1, 1, 8, 10, 1, 0)


def in_fragments(*cuts, keep=None, v6=False, backwards=False):
    """A SYN in fragments that begin at CUTS; of them only the numbers in KEEP are sent."""
    def send(frames):
        packets = frames.fragments(frames.segment(options=TIMESTAMP), *cuts)
        packets = [p for i, p in enumerate(packets) if keep is None or i in keep]
        for packet in reversed(packets) if backwards else packets:
            frames.send(packet)
    return sender(send, v6=v6)


def fragment_lost(*why, **more):
    return Expect("fragment-lost", "CONNECT_TIMEOUT", why=("fragments", *why),
                  advice=("security group",), show=("ReasmFails",), **more)


def big_datagram(lab, port, timeout=1, node=0, target=BACKEND):
    """A datagram of more bytes than a packet has room for."""
    sock, lb, source = lab_checks.bound(lab, target, socket.SOCK_DGRAM, node)
    with sock:
        sock.settimeout(timeout)
        sock.connect((target, port))
        sock.send(b"x" * 4000)
        try:
            sock.recv(65535)
            result = "answered"
        except TimeoutError:
            result = "silent"
    return lab_checks.Seen(result, lb, source, target, port, timeout)


def big_echo(lab, _port, timeout=1, node=0, target=BACKEND):
    lb, ident = lab_checks.source_of(target, node), lab.next_port()
    start = time.monotonic()
    done = lab.lb.run("ping", "-n", "-c", 1, "-W", timeout, "-s", 3000, "-I", lb, "-e", ident,
                      target, check=False)
    return lab_checks.Seen("answered" if " 0% packet loss" in done else "lost", lb, ident, target,
                           0, time.monotonic() - start)


def answering(lab):
    udp_server(lab, "echo", 5300, "--bind", "::")


TRACKED = ["nft add table inet guard",
           "nft 'add chain inet guard c { type filter hook input priority 0; }'",
           "nft add rule inet guard c ct state established accept"]
LOSES_FRAGMENTS = ["iptables-legacy -t raw -A PREROUTING -i lb0 -f -j DROP"]
LOSES_FRAGMENTS6 = ["nft add table ip6 lossy",
                    "nft 'add chain ip6 lossy c { type filter hook prerouting priority -450; }'",
                    "nft add rule ip6 lossy c iifname lb0 frag frag-off != 0 drop"]
NO_FRAGMENTS = ["nft add table ip guard",
                "nft 'add chain ip guard c { type filter hook prerouting priority -450; }'",
                "nft add rule ip guard c 'ip frag-off & 0x1fff != 0 drop'"]
LOST_DATAGRAM = Expect("fragment-lost", None, outcome="pass", note=("silence",),
                       why=("datagram came in fragments", "1480 bytes"))
FRAGMENTS = [
    Case("two", "syn-ack", HEALTHY, check=in_fragments(24)),
    # the first has ports and sequence number, and nothing else
    Case("tiny", "syn-ack", HEALTHY, check=in_fragments(8, 16, 24)),
    Case("backwards", "syn-ack", HEALTHY, check=in_fragments(24, backwards=True)),
    Case("two-ipv6", "syn-ack", HEALTHY, check=in_fragments(24, v6=True), target=BACKEND6),
    Case("closed-port", "refused", Expect("no-listener", "CONNECT_REFUSED"), port=8299,
         check=in_fragments(24)),
    Case("last-lost", "timeout", fragment_lost("last", "24 bytes", "30 s"),
         check=in_fragments(24, keep=(0,))),
    Case("middle-lost", "timeout", fragment_lost("24 of its 32 bytes"),
         check=in_fragments(8, 16, keep=(0, 2))),
    Case("last-lost-ipv6", "timeout", fragment_lost("last", "ip6frag_time"),
         check=in_fragments(24, keep=(0,), v6=True), target=BACKEND6),
    Case("kernel-gives-up", "timeout", fragment_lost("last", "after 1 s"), timeout=2,
         check=in_fragments(24, keep=(0,)), fault=["sysctl -qw net.ipv4.ipfrag_time=1"]),
    # connection tracking puts them together itself, ahead of the rules
    Case("tracked", "syn-ack", HEALTHY, check=in_fragments(24), fault=TRACKED),
    Case("tracked-ipv6", "syn-ack", HEALTHY, check=in_fragments(24, v6=True), fault=TRACKED,
         target=BACKEND6),
    Case("tracked-last-lost", "timeout", fragment_lost("last", "24 bytes"), fault=TRACKED,
         check=in_fragments(24, keep=(0,))),
    Case("tracked-last-lost-ipv6", "timeout", fragment_lost("last", "24 bytes"), fault=TRACKED,
         check=in_fragments(24, keep=(0,), v6=True), target=BACKEND6),
    # whole, but for nobody: the fragments are not why
    Case("firewall", "timeout", Expect("firewall-drop", "CONNECT_TIMEOUT"),
         check=in_fragments(24),
         fault=["iptables-legacy -A INPUT -p tcp --dport 8202 -j DROP"]),
    Case("own-rule-drops-fragments", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", why=("guard", "later fragment"),
                advice=("no rule by port",)),
         check=in_fragments(24), fault=NO_FRAGMENTS,
         no_fix="a rule that lets later fragments pass opens more than the check's port"),
    Case("datagram", "answered", Expect("healthy", protocol="udp"), port=5300, setup=answering,
         check=big_datagram),
    Case("echo", "answered", Expect("healthy", protocol="icmp"), port=0, check=big_echo),
    Case("echo-lost", "lost", Expect("fragment-lost", "CONNECT_TIMEOUT", why=("echo request",)),
         port=0, check=big_echo, router=LOSES_FRAGMENTS),
    Case("datagram-ipv6", "answered", Expect("healthy", protocol="udp"), port=5300,
         setup=answering, check=big_datagram, target=BACKEND6),
    Case("datagram-lost", "silent", LOST_DATAGRAM, port=5300, setup=answering,
         check=big_datagram, router=LOSES_FRAGMENTS),
    Case("datagram-lost-ipv6", "silent", replace(LOST_DATAGRAM, why=("came in fragments",)),
         port=5300, setup=answering, check=big_datagram, target=BACKEND6,
         router=LOSES_FRAGMENTS6),
]


@pytest.mark.parametrize("case", **params(FRAGMENTS))
def test_fragment(case, make_lab, trace):
    run_case(case, make_lab, trace)


# ---- the same where tc is not attached: the packet is read at a tracepoint ----

PASSIVE = [
    Case("vlan", "timeout", NO_VLAN, check=tagged((ETH_P_8021Q, VLAN))),
    Case("vlan-accelerated", "timeout", NO_VLAN, setup=accelerated(VLAN)),
    Case("vlan-twice", "timeout", no_device("vlan 100", "another tag inside"),
         check=tagged((ETH_P_8021AD, 100), (ETH_P_8021Q, VLAN))),
    Case("vlan-priority", "syn-ack", HEALTHY, check=tagged((ETH_P_8021Q, 5 << 13))),
    v6("extensions", "syn-ack", HEALTHY,
       extended(HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT, DESTINATION)),
    Case("fragments", "syn-ack", HEALTHY, check=in_fragments(24)),
    Case("fragment-lost", "timeout", fragment_lost("last", "24 bytes"),
         check=in_fragments(24, keep=(0,))),
]


@pytest.mark.parametrize("case", **params(PASSIVE))
def test_passive(case, make_lab, trace):
    lab = make_lab()
    with case.setup(lab) if case.setup else contextlib.nullcontext():
        run = trace(lab, "--timeout", case.timeout, "--passive")
        seen = case.check(lab, case.port, timeout=case.timeout, target=case.target)
        assert seen.result == case.seen, f"the lab is wrong: {seen}"
        wrong = case.expect.compare(run.probe(seen))
        assert not wrong, wrong
    run.stop()
