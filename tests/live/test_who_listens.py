# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Nobody listens for the probe: which socket is on its port all the same, and who was there before."""
import contextlib
import datetime
import json
import socket
import subprocess

import bpfsys
import lab_checks
import lab_services
import pytest
from harness import FAILED, HEALTHY, Case, Expect, params, run_case
from lab import BACKEND6, CONTAINER

PORT = 7081


def tcp(*args, name="shy"):
    return lambda lab: lab_services.tcp_server(lab, "answer", PORT, *args, name=name) and None


def udp(*args):
    return lambda lab: lab_services.udp_server(lab, "echo", PORT, *args, name="names") and None


def refused(*why, **kwargs):
    return Expect("no-listener", "CONNECT_REFUSED", why=why, confidence=("certain",), **kwargs)


def refused_udp(*why, **kwargs):
    return Expect("udp-no-listener", "CONNECT_REFUSED", why=why, confidence=("certain",), **kwargs)


def haproxy_of(device):
    return lambda lab: lab_services.haproxy_for_device(lab, PORT, device) and None


def two(lab):
    """One process for each device, and one that is further away."""
    lab_services.tcp_server(lab, "answer", PORT, "--device", "eth1", name="second")
    lab_services.tcp_server(lab, "answer", PORT, "--bind", "127.0.0.1", "--device", "lo", name="far")


def each_its_own(lab):
    lab_services.tcp_server(lab, "close", PORT, "--device", "eth1", name="shop-b")
    lab_services.tcp_server(lab, "answer", PORT, "--device", "eth0", name="shop-a")


BY_DEVICE = [
    Case("haproxy", "refused",
         refused("haproxy (pid ", "listens for eth1 only; the probe came by eth0.",
                 advice=("`interface eth1`", "`interface eth0`"), show=("ss -tlnp",)),
         port=PORT, setup=haproxy_of("eth1"), second_link=True),
    Case("tcp-check", "refused",
         refused("shy (pid ", "for eth1 only; the probe came by eth0.", advice=("BindToDevice=",)),
         port=PORT, check=lab_checks.tcp, setup=tcp("--device", "eth1"), second_link=True),
    Case("udp", "refused",
         refused_udp("names (pid ", "for eth1 only; the probe came by eth0.",
                     advice=("bound to eth1",), show=("ss -ulnp",)),
         port=PORT, check=lab_checks.datagram, setup=udp("--device", "eth1"), second_link=True),
    Case("ipv6", "refused", refused("shy (pid ", "for eth1 only; the probe came by eth0."),
         port=PORT, target=BACKEND6, setup=tcp("--bind", "::", "--device", "eth1"),
         second_link=True),
    Case("nearest", "refused", refused("second (pid ", "for eth1 only"), port=PORT, setup=two,
         second_link=True),
    Case("link-local", "refused", refused("shy (pid ", "fe80::", "by eth0 only"), port=PORT,
         target=BACKEND6, setup=lambda lab: tcp("--bind", link_local(lab))(lab)),
    # look-alikes: the same service, for the device that the checks come by
    Case("haproxy-right-device", "http", Expect("healthy", protocol="http", process="haproxy"),
         port=PORT, setup=haproxy_of("eth0"), second_link=True),
    Case("udp-right-device", "answered", Expect("healthy", protocol="udp", process="names"),
         port=PORT, check=lab_checks.datagram, setup=udp("--device", "eth0"), second_link=True),
    Case("each-its-own", "http", Expect("healthy", protocol="http", process="shop-a"), port=PORT,
         setup=each_its_own, second_link=True),
]


def link_local(lab):
    out = lab.backend.run("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link")
    return f"{out.split()[3].partition('/')[0]}%eth0"


@pytest.mark.parametrize("case", **params(BY_DEVICE))
def test_device(case, make_lab, trace):
    run, line, _ = run_case(case, make_lab, trace)
    assert "by now" not in line["why"] and "nothing to do" not in (line["fix"] or ""), line
    assert run.of_type("probe")


def test_advice_helps(make_lab, trace):
    """HAProxy's bind line as the advice has it: the next check passes."""
    lab = make_lab(second_link=True)
    child = lab_services.haproxy_for_device(lab, PORT, "eth1")
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, PORT)
    assert seen.result == "refused", seen
    assert "make it `interface eth0`" in run.probe(seen)["fix_advice"]
    lab.stop(child)
    lab_services.haproxy_for_device(lab, PORT, "eth0")
    seen = lab_checks.http(lab, PORT)
    assert seen.status == 200, seen
    assert run.probe(seen)["verdict"] == "healthy"
    run.stop(FAILED)


def make_vrf(lab, device="eth0"):
    try:
        lab.backend.ip("link add blue type vrf table 10", "link set blue up",
                       f"link set {device} master blue")
    except RuntimeError:
        pytest.skip("kernel: no VRF")
    lab.backend.ip("route add default via 192.168.0.1 dev eth0 table 10")


VRF = [
    Case("outside", "refused",
         refused("shy (pid ", "for no VRF", "eth0, a member of the VRF blue", "tcp_l3mdev_accept=0",
                 advice=("ip vrf exec blue", "net.ipv4.tcp_l3mdev_accept")),
         port=PORT, setup=tcp()),
    Case("udp-outside", "refused",
         refused_udp("names (pid ", "for no VRF", "udp_l3mdev_accept=0"),
         port=PORT, check=lab_checks.datagram, setup=udp()),
    Case("accepting", "http", Expect("healthy", protocol="http", process="shy"), port=PORT,
         setup=tcp(), fault=["sysctl -qw net.ipv4.tcp_l3mdev_accept=1"]),
    Case("bound-to-it", "http", Expect("healthy", protocol="http", process="shy"), port=PORT,
         setup=tcp("--device", "blue")),
    Case("another", "refused", refused("shy (pid ", "for the VRF red only", "member of the VRF blue"),
         port=PORT, setup=tcp("--device", "red")),
]


@pytest.mark.parametrize("case", **params(VRF))
def test_vrf(case, make_lab, trace, binary):
    lab = make_lab(nginx=False)
    make_vrf(lab)
    lab.backend.ip("link add red type vrf table 11", "link set red up")
    case.setup(lab)
    for command in case.fault:
        lab.backend.run("sh", "-c", command)
    run = trace(lab, "--timeout", 1)
    seen = case.check(lab, PORT, timeout=1)
    assert seen.result == case.seen, f"the lab is wrong: {seen}"
    line = run.probe(seen)
    assert not case.expect.compare(line), json.dumps(line, indent=1)
    run.stop(FAILED if line["outcome"] == "fail" else HEALTHY)
    done = subprocess.run(
        lab.backend.argv(binary, "check", "--json", "--port", PORT, "--protocol", line["protocol"]
                         if line["protocol"] == "udp" else "tcp"),
        capture_output=True, text=True, timeout=60)
    found = [one for one in map(json.loads, done.stdout.splitlines())
             if one.get("step") == "3" and str(PORT) in one["what"]]
    assert [one["result"] for one in found] == [
        "fail" if line["outcome"] == "fail" else "ok"], (found, done)


FAMILY = [
    Case("ipv6-only", "refused",
         refused("shy (pid ", "for IPv6 only.", advice=(f"0.0.0.0:{PORT}",)), port=PORT,
         setup=tcp("--bind", "::", "--v6only")),
    Case("ipv4-only", "refused", refused("shy (pid ", "for IPv4 only.", advice=(f"[::]:{PORT}",)),
         port=PORT, setup=tcp(), target=BACKEND6),
    Case("both", "http", Expect("healthy", protocol="http", process="shy"), port=PORT,
         setup=tcp("--bind", "::")),
    Case("docker-proxy", "refused",
         refused("docker-proxy (pid ", "of 127.0.0.1 only.", advice=("port mapping", "127.0.0.1")),
         port=PORT, setup=tcp("--bind", "127.0.0.1", name="docker-proxy")),
]


@pytest.mark.parametrize("case", **params(FAMILY))
def test_family_and_address(case, make_lab, trace):
    run_case(case, make_lab, trace)


@pytest.mark.parametrize("check", (lab_checks.http, lab_checks.datagram), ids=("tcp", "udp"))
def test_unrelated_namespace(check, make_lab, trace, binary):
    """The same port in another namespace of the host, which nothing leads to."""
    lab = make_lab()
    jail = lab.namespace("jail")
    if check is lab_checks.http:
        lab_services.tcp_server(lab, "answer", PORT, name="lonely", space=jail)
    else:
        lab_services.udp_server(lab, "echo", PORT, name="lonely", space=jail)
    run = trace(lab, "--timeout", 1)
    seen = check(lab, PORT)
    assert seen.result == "refused", seen
    line = run.probe(seen)
    assert line["verdict"].endswith("no-listener"), line
    for word in ("lonely", "namespace", "jail"):
        assert word not in line["why"] + line["fix"], line
    run.stop(FAILED)
    done = subprocess.run(lab.backend.argv(binary, "check", "--port", PORT), capture_output=True,
                          text=True, timeout=60)
    assert f"Nobody listens on port {PORT}." in done.stdout and "lonely" not in done.stdout, done


def clock(passed, line):
    """The time of day at which a probe PASSED, as LINE has it: a second may end meanwhile."""
    start = datetime.datetime.fromisoformat(passed["time"].replace("Z", "+00:00")).astimezone()
    words = {(start + datetime.timedelta(seconds=s)).strftime("%H:%M:%S") for s in (0, 1)}
    return next((word for word in words if word in line["why"]), "no time of day")


def test_answered_until(make_lab, trace, binary):
    """The service ends: who answered, and until when, is known from the probes."""
    lab = make_lab()
    child = lab_services.tcp_server(lab, "answer", PORT, name="shop")
    run = trace(lab, "--timeout", 1)
    for _ in range(2):
        seen = lab_checks.http(lab, PORT)
        assert seen.status == 200, seen
        passed = run.probe(seen)
    assert passed["process"]["comm"] == "shop", passed
    pid = passed["process"]["pid"]
    lab.stop(child)
    seen = lab_checks.http(lab, PORT)
    assert seen.result == "refused", seen
    line = run.probe(seen)
    assert f"shop (pid {pid}) answered it until {clock(passed, line)}." in line["why"], (passed, line)
    assert line["fix_advice"].startswith("Start shop again"), line
    # another target of the host was never answered by it
    seen = lab_checks.http(lab, PORT + 1)
    assert seen.result == "refused" and "shop" not in run.probe(seen)["why"]
    # it comes again, as another process, and ends again
    child = lab_services.tcp_server(lab, "answer", PORT, name="shop")
    passed = run.probe(lab_checks.http(lab, PORT))
    assert passed["verdict"] == "healthy"
    lab.stop(child)
    line = run.probe(lab_checks.http(lab, PORT))
    assert f"(pid {passed['process']['pid']}) answered it until {clock(passed, line)}." in line["why"], line
    run.stop(FAILED)


def test_answered_until_udp(make_lab, trace):
    lab = make_lab()
    child = lab_services.udp_server(lab, "echo", PORT, name="names")
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.datagram(lab, PORT)
    assert seen.result == "answered", seen
    passed = run.probe(seen)
    lab.stop(child)
    seen = lab_checks.datagram(lab, PORT)
    assert seen.result == "refused", seen
    line = run.probe(seen)
    assert f"names (pid {passed['process']['pid']}) answered it until {clock(passed, line)}." in line["why"]
    run.stop(FAILED)


def test_moved_to_another_port(make_lab, trace):
    lab = make_lab()
    children = [lab_services.tcp_server(lab, "answer", PORT, name="shop")]
    run = trace(lab, "--timeout", 1)
    passed = run.probe(lab_checks.http(lab, PORT))
    assert passed["process"]["comm"] == "shop"
    lab.stop(children.pop())
    lab_services.tcp_server(lab, "answer", PORT, "--bind", "127.0.0.1", name="shop")
    line = run.probe(lab_checks.http(lab, PORT))
    assert f"answered it until {clock(passed, line)}. shop (pid " in line["why"], line
    assert "of 127.0.0.1 only." in line["why"] and "0.0.0.0" in line["fix"], line
    run.stop(FAILED)


def test_former_forward(make_lab, trace):
    """A container was reached by NAT; its rule is gone, and it itself still listens."""
    lab = make_lab(container=True)
    lab_services.tcp_server(lab, "answer", 80, name="boxed", space=lab.container)
    rule = f"PREROUTING -p tcp --dport {PORT} -j DNAT --to-destination {CONTAINER}:80"
    lab.backend.run("sh", "-c", f"iptables-nft -t nat -A {rule}")
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, PORT)
    assert seen.status == 200, seen
    passed = run.probe(seen)
    assert passed["verdict"] == "healthy", passed
    lab.backend.run("sh", "-c", f"iptables-nft -t nat -D {rule}")
    seen = lab_checks.http(lab, PORT)
    assert seen.result == "refused", seen
    line = run.probe(seen)
    assert line["verdict"] == "no-listener", line
    assert (f"Until {clock(passed, line)} NAT passed it on to {CONTAINER}:80 in {lab.container.name}, "
            "where boxed (pid ") in line["why"], line
    assert "still listens; this probe was not passed on." in line["why"], line
    assert "NAT rule" in line["fix_advice"], line
    # as advised
    lab.backend.run("sh", "-c", f"iptables-nft -t nat -A {rule}")
    seen = lab_checks.http(lab, PORT)
    assert seen.status == 200 and run.probe(seen)["verdict"] == "healthy", seen
    run.stop(FAILED)


@contextlib.contextmanager
def bound(lab):
    """A socket of the test itself on PORT of the backend, which does not listen yet."""
    with lab.backend.enter():
        sock = socket.socket()
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("0.0.0.0", PORT))
        yield sock


def test_starts_late(make_lab, trace):
    """The socket listens right after the probe was refused: there is nothing to do."""
    lab = make_lab()
    run = trace(lab, "--timeout", 1)
    with bound(lab) as sock:
        seen = lab_checks.syn(lab, PORT)
        sock.listen(5)
        assert seen.result == "refused", seen
        line = run.probe(seen)
        assert "listens on that port by now." in line["why"], line
        assert "just starting" in line["fix_advice"], line
        seen = lab_checks.tcp(lab, PORT)
        assert seen.result == "connected" and run.probe(seen)["verdict"] == "healthy", seen
    run.stop(FAILED)


def test_refused_all_along(make_lab, trace):
    """A program of the SO_REUSEPORT group refuses: the socket was there before the probe."""
    lab = make_lab()
    run = trace(lab, "--timeout", 1)
    with bound(lab) as sock:
        try:
            bpfsys.reuseport_that_refuses(sock)
        except OSError as error:
            pytest.skip(f"kernel: {error}")
        sock.listen(5)
        for _ in range(2):
            seen = lab_checks.http(lab, PORT)
            assert seen.result == "refused", seen
            line = run.probe(seen)
            assert line["verdict"] == "no-listener", line
    assert "after an earlier probe had been refused" in line["why"], line
    assert "just starting" not in line["fix"] and "SO_REUSEPORT" in line["fix"], line
    run.stop(FAILED)


def test_hostile_name(make_lab, trace, binary):
    """A name full of control characters stays within its line."""
    lab = make_lab(second_link=True)
    lab_services.tcp_server(lab, "answer", PORT, "--device", "eth1", name="a\033[2J\n\tb'`$(id)")
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, PORT)
    assert seen.result == "refused", seen
    line = run.probe(seen)
    assert "for eth1 only" in line["why"] and "\033" not in line["why"] + line["fix"], line
    assert "\n" not in line["why"] + line["fix"], line
    run.stop(FAILED)
    done = subprocess.run(lab.backend.argv(binary, "check", "--port", PORT), capture_output=True,
                          text=True, timeout=60)
    assert "for eth1 only" in done.stdout and "\033[2J" not in done.stdout, done.stdout
