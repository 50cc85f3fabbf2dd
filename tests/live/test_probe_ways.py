# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace probe: whatever way a check and its answer take, nothing of it leaves the host."""
import contextlib
import socket
import threading

import bpfsys
import lab_checks
import lab_services
import pytest
import test_device
from harness import FAILED, HEALTHY, RANGES
from lab import BACKEND, BACKEND6, CONTAINER, GATEWAY
from probe_play import Wire, links, only_line, probe

PORT = 8202
RANGE = "100.125.0.0/16"


# ---- other devices ----

def rebuild(*lines):
    """eth0's addresses move to another device, as LINES say."""
    return ["ip addr flush dev eth0", *lines, f"ip route add default via {GATEWAY}"]


DEVICES = {
    "bridge": (rebuild("ip link add br0 type bridge", "ip link set eth0 master br0",
                       "ip link set br0 up", f"ip addr add {BACKEND}/24 dev br0"), (), "eth0"),
    "bond": (rebuild("ip link set eth0 down", "ip link add bond0 type bond mode active-backup",
                     "ip link set eth0 master bond0", "ip link set bond0 up",
                     f"ip addr add {BACKEND}/24 dev bond0"), (), "eth0"),
    "vlan": (rebuild("ip link add link eth0 name eth0.7 type vlan id 7", "ip link set eth0.7 up",
                     f"ip addr add {BACKEND}/24 dev eth0.7"),
             ("ip addr flush dev web0", "ip link add link web0 name web0.7 type vlan id 7",
              "ip link set web0.7 up", f"ip addr add {GATEWAY}/24 dev web0.7"), "eth0"),
    "vlan-on-bridge": (rebuild("ip link add br0 type bridge", "ip link set eth0 master br0",
                               "ip link set br0 up",
                               "ip link add link br0 name br0.7 type vlan id 7",
                               "ip link set br0.7 up", f"ip addr add {BACKEND}/24 dev br0.7"),
                       ("ip addr flush dev web0",
                        "ip link add link web0 name web0.7 type vlan id 7",
                        "ip link set web0.7 up", f"ip addr add {GATEWAY}/24 dev web0.7"), "eth0"),
    "macvlan": (rebuild("ip link add link eth0 name mv0 type macvlan mode bridge",
                        "ip link set mv0 up", f"ip addr add {BACKEND}/24 dev mv0"), (), "mv0"),
}


@pytest.mark.parametrize("name", DEVICES)
def test_kind_of_device(name, lab, binary):
    commands, outside, port = DEVICES[name]
    for space, lines in ((lab.backend, commands), (lab.router, outside)):
        for command in lines:
            try:
                space.run("sh", "-c", command)
            except RuntimeError as e:
                if "Unknown device type" in str(e) or "not supported" in str(e):
                    pytest.skip(f"kernel: no {name} devices")
                raise
    real = lab_checks.http(lab, PORT, timeout=3)
    assert real.status == 202, f"the lab is wrong: {real}"
    with Wire(lab) as wire:
        run = probe(binary, lab, "--port", PORT, "--protocol", "http", "--timeout", 2)
        line = only_line(run)
    assert line["verdict"] == "healthy" and line["http"]["status"] == 202, line
    assert line["timeline"][0]["device"] == port, line["timeline"]
    assert run.lines[0]["bottle"] == {"addr": line["lb"]["addr"], "device": port}
    assert not wire.of(line["lb"]["addr"]), "on the wire"
    lab.backend.run("iptables-nft", "-A", "INPUT", "-s", RANGE, "-p", "tcp", "--dport", PORT, "-j",
                    "DROP")
    line = only_line(probe(binary, lab, "--port", PORT, "--timeout", 1), FAILED)
    assert line["verdict"] == "firewall-drop", line
    lab.backend.run("iptables-nft", "-F", "INPUT")
    assert lab_checks.http(lab, PORT, timeout=3).status == 202


def test_macvlan_in_a_container(lab, binary):
    """A container's own macvlan, probed in its namespace."""
    box = lab.namespace("box")
    lab.backend.ip("link add link eth0 name mv0 type macvlan mode bridge",
                   f"link set mv0 netns {box.name}")
    box.ip("addr add 192.168.0.20/24 dev mv0", "link set mv0 up",
           f"route add default via {GATEWAY}")
    lab_services.tcp_server(lab, "answer", 7100, space=box)
    with Wire(lab) as wire:
        run = probe(binary, lab, "--port", 7100, "--protocol", "http", "--netns", box.name)
        line = only_line(run)
    assert line["verdict"] == "healthy" and line["target"]["addr"] == "192.168.0.20", line
    assert not wire.of(line["lb"]["addr"])


def test_layer_3_device(lab, binary):
    """A device without a link layer: the same, without its header."""
    lab.backend.ip("tuntap add tun7 mode tun", "addr add 10.9.0.2/24 dev tun7",
                   "link set tun7 up", "route add 100.125.0.0/16 dev tun7")
    with Wire(lab) as wire:
        line = only_line(probe(binary, lab, "--port", PORT, "--protocol", "http", "--target",
                               "10.9.0.2"))
    assert line["verdict"] == "healthy" and line["timeline"][0]["device"] == "tun7", line
    assert not wire.of(line["lb"]["addr"]), "on the wire"


@pytest.mark.parametrize("snat", [False, True], ids=["dnat", "dnat-and-masquerade"])
def test_forwarded_to_another_host(snat, lab, binary):
    """What this host would hand on to another one ends where it would leave."""
    lab.backend.sysctl(ipv4__ip_forward=1)
    lab.router.run("ip", "addr", "add", "192.168.0.50/24", "dev", "web0")
    lab.backend.run("iptables-nft", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", 8080,
                    "-j", "DNAT", "--to-destination", "192.168.0.50:80")
    if snat:
        lab.backend.run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", "-j",
                        "MASQUERADE")
    with Wire(lab) as wire:
        line = only_line(probe(binary, lab, "--port", 8080, "--timeout", 2), FAILED)
    assert (line["verdict"], line["outcome"]) == ("unknown", "unknown"), line
    assert "forwards the check to another" in line["why"], line
    assert not [p for p in wire.packets if p[12:14] == b"\x08\x00" and p[23] == 6], wire.packets


@pytest.mark.parametrize("subnet,other,counter", [
    ("192.168.0.0/24", "192.168.0.50", "IcmpOutRedirects"),
    ("fd00:192:168::/64", "fd00:192:168::50", "Icmp6OutRedirects"),
], ids=["ipv4", "ipv6"])
def test_redirect_stays_inside(subnet, other, counter, lab, binary):
    """A router that tells its neighbours of shorter ways tells the bottle, which is one."""
    lab.backend.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    lab.router.run("ip", "addr", "add", f"{other}/{subnet[-2:]}", "dev", "web0")
    with Wire(lab) as wire:
        line = only_line(probe(binary, lab, "--port", 80, "--timeout", 2, "--target", other,
                               "--interface", "eth0", ranges=("--lb", f"elb-dedicated:{subnet}")),
                         FAILED)
    assert "forwards the check to another" in line["why"], line
    assert int(lab.backend.run("nstat", "-az", counter).split()[2]), "no redirect was sent"
    left = [p.hex() for p in wire.of(line["lb"]["addr"])
            if p[12:14] != b"\x08\x06"]  # whether somebody has the address is asked
    assert not left, f"on the wire: {left}"


def test_forwarded_beside_closed(lab, binary):
    """Of two ports at once only the one that is forwarded is said to be."""
    lab.backend.sysctl(ipv4__ip_forward=1)
    lab.router.run("ip", "addr", "add", "192.168.0.50/24", "dev", "web0")
    lab.backend.run("iptables-nft", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", 8080,
                    "-j", "DNAT", "--to-destination", "192.168.0.50:80")
    run = probe(binary, lab, "--port", "8080,7080", "--timeout", 2)
    assert run.finish(timeout=30) == FAILED, run.dump()
    verdicts = {one["target"]["port"]: one["verdict"] for one in run.of_type("probe")}
    assert verdicts == {8080: "unknown", 7080: "no-listener"}, run.dump()


@pytest.mark.parametrize("target", [BACKEND, BACKEND6], ids=["ipv4", "ipv6"])
def test_answer_in_fragments(target, lab, binary):
    """An answer that is larger than a frame comes back whole, and none of it leaves."""
    with lab.backend.enter():
        sock = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET,
                             socket.SOCK_DGRAM)
    sock.bind((target, PORT))
    sock.settimeout(20)

    def answer():
        _, client = sock.recvfrom(100)
        sock.sendto(bytes(4000), client)

    service = threading.Thread(target=answer)
    service.start()
    with Wire(lab) as wire:
        run = probe(binary, lab, "--protocol", "udp", "--port", PORT, "--target", target,
                    ranges=RANGES)
        assert run.finish(timeout=30) == HEALTHY, run.dump()
        service.join()
    sock.close()
    lines = {one["protocol"]: one for one in run.of_type("probe")}
    assert {one["verdict"] for one in lines.values()} == {"healthy"}, run.dump()
    addr = lines["udp"]["lb"]["addr"]
    assert not wire.of(addr), f"on the wire: {[p.hex() for p in wire.of(addr)]}"


def test_container_beside(make_lab, binary):
    """A container behind DNAT is inside: it is reached."""
    lab = make_lab(container=True)
    lab_services.Nginx(lab, space=lab.container, ports={80: 'return 200 "ok\\n";'})
    lab.backend.run("iptables-nft", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", 8080,
                    "-j", "DNAT", "--to-destination", f"{CONTAINER}:80")
    line = only_line(probe(binary, lab, "--port", 8080, "--protocol", "http"))
    assert line["verdict"] == "healthy" and "netns" in str(line["timeline"]), line


NOT_MET = {
    "xdp": (test_device.program(bpfsys.BPF_XDP), (), "XDP program in the driver"),
    "filter": (None, test_device.tc_filter("egress"), "filters at tc egress"),
    "qdisc": (None, ["tc qdisc add dev eth0 root tbf rate 1mbit burst 100 limit 1000"],
              "qdisc tbf"),
}


@pytest.mark.parametrize("name", NOT_MET)
def test_what_is_not_met_is_said(name, lab, binary):
    """What lies between the wire and where the probe comes in and turns round."""
    setup, commands, words = NOT_MET[name]
    with setup(lab) if setup else contextlib.nullcontext():
        for command in commands:
            lab.backend.run("sh", "-c", command)
        line = only_line(probe(binary, lab, "--port", PORT, "--protocol", "http"))
    assert line["verdict"] == "healthy" and words in line["note"], line


def test_answer_that_is_taken_away(lab, binary):
    """What the client did not get is no pass, and is not said to be lost outside this host."""
    run = probe(binary, lab, "--port", 80, "--count", 2, "--interval", 2, "--timeout", 2)
    assert run.wait(lambda one: one["type"] == "probe", 20)["outcome"] == "pass"
    device = next(d for d in links(lab) if d.startswith("hctb"))
    lab.backend.run("sh", "-c", f"tc qdisc add dev {device} clsact; tc filter add dev {device}"
                    " egress bpf direct-action bytecode '1,6 0 0 2'")
    assert run.finish(timeout=40) == FAILED, run.dump()
    last = run.of_type("probe")[-1]
    assert last["outcome"] != "pass" and last["verdict"] != "reply-lost", last
