# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Behind NAT: containers as Docker publishes them, redirected ports, answers that it spoils."""
import json

import lab_checks
import lab_services
import pytest
from fixes import settle
from harness import FAILED, HEALTHY, Expect, Hctrace
from lab import BACKEND, BACKEND6, CONTAINER, CONTAINER6

RANGE = "100.125.0.0/16"
PORT = 8080  # published; 80 and 8503 are the container's
IN_BOX = {80: 'return 200 "ok\\n";', 8503: "return 503;"}


def dnat(to, tool="iptables-nft", proto="tcp", port=PORT):
    return f"{tool} -t nat -A PREROUTING -p {proto} --dport {port} -j DNAT --to-destination {to}"


def redirect(to, tool="iptables-nft"):
    return f"{tool} -t nat -A PREROUTING -p tcp --dport {PORT} -j REDIRECT --to-ports {to}"


BOX = dnat(f"{CONTAINER}:80")


class Case:
    """What is done to the backend and the container, what the load balancer sees, what is said."""

    def __init__(self, id, seen, expect, rules, box=(), check=lab_checks.http, port=PORT,
                 target=BACKEND, timeout=1, inside=False, setup=None, options=(), text=(),
                 no_fix=None, opens=None):
        self.id, self.seen, self.expect, self.rules, self.box = id, seen, expect, rules, box
        self.check, self.port, self.target, self.timeout = check, port, target, timeout
        self.inside, self.setup, self.options, self.text = inside, setup, options, text
        self.no_fix, self.opens = no_fix, opens  # as in harness.Case

    def __str__(self):
        return self.id


def cases(*these):
    return {"argvalues": these, "ids": str}


def play(case, make_lab, trace):
    lab = make_lab(container=True)
    lab_services.Nginx(lab, space=lab.container, ports=IN_BOX)
    if case.setup:
        case.setup(lab)
    for command in case.rules:
        lab.backend.run("sh", "-c", command)
    for command in case.box:
        lab.container.run("sh", "-c", command)
    run = trace(lab, "--timeout", case.timeout, *case.options)
    seen = case.check(lab, case.port, timeout=case.timeout, target=case.target)
    assert seen.result in case.seen.split("/"), f"the lab is wrong: {seen}"
    line = run.probe(seen)
    wrong = case.expect.compare(line)
    assert not wrong, "\n".join(wrong) + f"\n{json.dumps(line, indent=1)}"
    timeline = json.dumps(line["timeline"])
    assert not [t for t in case.text if t not in timeline], timeline
    inner = [e["netns"]["name"] for e in line["timeline"] if "netns" in e]
    assert set(inner) <= {lab.container.name, None}, f"met elsewhere: {timeline}"
    assert bool(inner) == case.inside, f"one timeline over both namespaces: {timeline}"
    probes = run.of_type("probe")
    assert list(filter(Hctrace.is_of(seen), probes)) == probes, f"one probe: {run.dump()}"
    settle(case, lab, run, line, trace.tell)
    run.stop(status=HEALTHY if line["outcome"] == "pass" else FAILED)
    return line


FORWARDED = f"forwarded to {CONTAINER}:80"


@pytest.mark.parametrize("case", **cases(
    Case("iptables-nft", "http", Expect("healthy", protocol="http", status=200, process="nginx"),
         [BOX], inside=True, text=[FORWARDED, "read by nginx"]),
    Case("iptables-legacy", "http", Expect("healthy", protocol="http", process="nginx"),
         [dnat(f"{CONTAINER}:80", "iptables-legacy")], inside=True, text=[FORWARDED]),
    Case("tcp-check", "connected", Expect("healthy", protocol="tcp"), [BOX],
         check=lab_checks.tcp, inside=True, text=[FORWARDED]),
    Case("masqueraded-into-the-container", "http", Expect("healthy", protocol="http"),
         [BOX, "iptables-nft -t nat -A POSTROUTING -o docker0 -j MASQUERADE"]),
    Case("ipv6", "http", Expect("healthy", protocol="http", process="nginx"),
         [dnat(f"[{CONTAINER6}]:80", "ip6tables-nft")], target=BACKEND6, inside=True,
         text=[f"forwarded to [{CONTAINER6}]:80"]),
    Case("ping", "answered", Expect("healthy", protocol="icmp"),
         [f"iptables-nft -t nat -A PREROUTING -p icmp -j DNAT --to-destination {CONTAINER}"],
         check=lambda lab, port, timeout, target: lab_checks.ping(lab, timeout),
         text=[f"forwarded to {CONTAINER}"]),
    Case("passive", "connected", Expect("healthy", protocol="tcp"), [BOX],
         check=lab_checks.tcp, inside=True, text=[FORWARDED], options=["--passive"]),
))
def test_container_is_healthy(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **cases(
    Case("nobody-listens", "refused",
         Expect("no-listener", "CONNECT_REFUSED", where={"layer": "socket"},
                why=(f"{CONTAINER}:81", f"{BACKEND}:{PORT}", "80 (nginx)"), fix=("port 81",),
                confidence=("certain",)),
         [dnat(f"{CONTAINER}:81")], inside=True),
    Case("listens-on-localhost-only", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=("local-only", "127.0.0.1 only"),
                fix=("0.0.0.0:82",)),
         [dnat(f"{CONTAINER}:82")], inside=True,
         setup=lambda lab: lab_services.tcp_server(lab, "answer", 82, "--bind", "127.0.0.1",
                                                   name="local-only", space=lab.container)),
    # a process of the host's that holds the published port has no part in it
    Case("nobody-listens-beside-a-docker-proxy", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=(f"{CONTAINER}:81", "80 (nginx)")),
         [dnat(f"{CONTAINER}:81")], inside=True,
         setup=lambda lab: lab_services.tcp_server(lab, "answer", PORT, name="docker-proxy")),
    Case("udp-nobody-listens", "refused",
         Expect("udp-no-listener", "CONNECT_REFUSED", why=("port 53", CONTAINER)),
         [dnat(f"{CONTAINER}:53", proto="udp", port=5353)], port=5353, inside=True,
         check=lab_checks.datagram),
    Case("answers-503", "http",
         Expect("http-status", "RESPONSE_MISMATCH", status=503, process="nginx"),
         [dnat(f"{CONTAINER}:8503")], inside=True),
    Case("is-slow", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="slow-box"),
         [dnat(f"{CONTAINER}:83")], inside=True,
         setup=lambda lab: lab_services.tcp_server(lab, "silent", 83,
                                                   name="slow-box", space=lab.container)),
    Case("firewall-legacy", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", why=(f"{CONTAINER}:80",),
                where={"layer": "netfilter", "hook": "INPUT", "backend": "iptables-legacy",
                       "rule": 1},
                fix=("ip netns exec", "dport 80")),
         [BOX], box=["iptables-legacy -A INPUT -p tcp --dport 80 -j DROP"], inside=True),
    Case("firewall-nft", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", why=(f"{CONTAINER}:80",),
                where={"layer": "netfilter", "hook": "INPUT", "backend": "iptables-nft",
                       "rule": 1}),
         [BOX], box=["iptables-nft -A INPUT -p tcp --dport 80 -j DROP"], inside=True),
    Case("no-route-back", "timeout",
         Expect("no-route-back", "CONNECT_TIMEOUT", where={"layer": "route"},
                why=(f"{CONTAINER}:80", "in the container"), advice=("docker0",)),
         [BOX], box=["ip route del default"], inside=True,
         no_fix="which routes the container has is its runtime's to say"),
))
def test_container_fails(case, make_lab, trace):
    play(case, make_lab, trace)


def forward_drop(*why, fix=(), show=(), code="CONNECT_TIMEOUT", **where):
    return Expect("forward-drop", code, where=where, why=why, fix=fix, show=show,
                  confidence=("certain",))


def forward_rule(backend, **kwargs):
    return forward_drop("FORWARD", CONTAINER, fix=("dport 80", "DOCKER-USER"), layer="netfilter",
                        backend=backend, hook="FORWARD", table="filter", chain="FORWARD", **kwargs)


DROP_FORWARD = f"-A FORWARD -d {CONTAINER} -j DROP"


@pytest.mark.parametrize("case", **cases(
    Case("forwarding-off", "timeout",
         forward_drop("net.ipv4.ip_forward is 0", f"{CONTAINER}:80",
                      fix=("sysctl -w net.ipv4.ip_forward=1",), layer="route"),
         [BOX, "sysctl -qw net.ipv4.ip_forward=0"]),
    Case("forwarding-off-ipv6", "timeout",
         forward_drop("forwarding is 0", CONTAINER6, fix=("net.ipv6.conf.all.forwarding=1",)),
         [dnat(f"[{CONTAINER6}]:80", "ip6tables-nft"),
          "sysctl -qw net.ipv6.conf.all.forwarding=0"], target=BACKEND6),
    Case("rule-iptables-nft", "timeout", forward_rule("iptables-nft"),
         [BOX, f"iptables-nft {DROP_FORWARD}"]),
    Case("rule-iptables-legacy", "timeout", forward_rule("iptables-legacy"),
         [BOX, f"iptables-legacy {DROP_FORWARD}"]),
    Case("policy-as-docker-leaves-it", "timeout", forward_rule("iptables-legacy"),
         [BOX, "iptables-legacy -P FORWARD DROP"]),
    Case("rule-nft", "timeout",
         forward_drop("guard", fix=("nft insert rule inet guard c",), layer="netfilter",
                      backend="nft", hook="FORWARD", table="guard"),
         [BOX, "nft add table inet guard",
          "nft 'add chain inet guard c { type filter hook forward priority 0; }'",
          f"nft add rule inet guard c ip daddr {CONTAINER} drop"]),
    Case("no-route-to-the-container", "refused",
         forward_drop("no route", "172.18.0.2:80", show=("ip route get 172.18.0.2",),
                      code="CONNECT_FAILED", layer="route"),
         [dnat("172.18.0.2:80"), "ip route add unreachable 172.18.0.0/16"],
         no_fix="whether the route or the NAT rule is wrong is not known"),
    Case("container-is-gone", "refused",
         forward_drop("ARP", "172.17.0.9:80", fix=("docker",), code="CONNECT_FAILED",
                      layer="neighbour", device="docker0"),
         [dnat("172.17.0.9:80")], timeout=5,
         no_fix="nobody has that address: only its runtime starts a container"),
))
def test_forward_drop(case, make_lab, trace):
    line = play(case, make_lab, trace)
    assert line["step"] == "4, 5"


@pytest.mark.parametrize("case", **cases(
    # the answer comes from the container and goes no further
    Case("reply-dropped-in-forward", "timeout",
         Expect("reply-dropped", "CONNECT_TIMEOUT", fix=("sport 80",),
                where={"layer": "netfilter", "hook": "FORWARD", "chain": "FORWARD"}),
         [BOX, f"iptables-nft -A FORWARD -s {CONTAINER} -j DROP"], inside=True),
    Case("no-route-back-on-the-host", "timeout",
         Expect("no-route-back", "CONNECT_TIMEOUT", why=("this host cannot answer",)),
         [BOX, "ip route del default"], inside=True),
    # the request is dropped, but not on its way through
    Case("input-is-no-forward", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT",
                where={"hook": "INPUT", "chain": "INPUT", "backend": "iptables-nft"}),
         [f"iptables-nft -A INPUT -p tcp --dport {PORT} -j DROP", f"iptables-nft {DROP_FORWARD}"],
         setup=lambda lab: lab_services.tcp_server(lab, "answer", PORT, name="here") and None),
    Case("published-nowhere", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=(f"{BACKEND}:{PORT}",)),
         [dnat(f"{CONTAINER}:80", port=PORT + 1)]),
    # with its source rewritten it cannot be followed, but is not taken for this host's either
    Case("masqueraded-and-nobody-listens", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=("NAT",), show=("conntrack",),
                confidence=("likely",)),
         [dnat(f"{CONTAINER}:81"), "iptables-nft -t nat -A POSTROUTING -o docker0 -j MASQUERADE"]),
))
def test_look_alike(case, make_lab, trace):
    play(case, make_lab, trace)


STATELESS = ("nft add table ip spoil",
             "nft 'add chain ip spoil c { type filter hook postrouting priority 300; }'")


@pytest.mark.parametrize("case", **cases(
    Case("not-translated-back", "timeout",
         Expect("reply-rewritten", "CONNECT_TIMEOUT", confidence=("certain",), fix=("NOTRACK",),
                why=(f"source {CONTAINER}:80", f"{BACKEND}:{PORT}", "not undone")),
         [BOX, "iptables-nft -t raw -A PREROUTING -i docker0 -j NOTRACK"], inside=True,
         text=["reply leaves with source"],
         no_fix="what took the connection's entry away, or kept it out, is not proven"),
    Case("other-address", "timeout",
         Expect("reply-rewritten", "CONNECT_TIMEOUT", confidence=("certain",),
                why=("192.168.0.99:80", f"{BACKEND}:80", "spoil"),
                fix=("nft insert rule ip spoil",),
                where={"hook": "POSTROUTING", "table": "spoil", "device": "eth0"}),
         [*STATELESS, f"nft add rule ip spoil c ip daddr {RANGE} tcp sport 80"
          " ip saddr set 192.168.0.99"], port=80,
         setup=lambda lab: lab_services.Nginx(lab)),
    Case("other-port", "timeout",
         Expect("reply-rewritten", "CONNECT_TIMEOUT", why=(f"{BACKEND}:8888", f"{BACKEND}:80")),
         [*STATELESS, f"nft add rule ip spoil c ip daddr {RANGE} tcp sport 80 tcp sport set 8888"],
         port=80, setup=lambda lab: lab_services.Nginx(lab)),
    # the answer to a datagram that is not tracked is a connection of its own to SNAT
    Case("snat-of-a-datagram", "silent",
         Expect("reply-rewritten", None, outcome="pass", why=("192.168.0.99:5353",),
                where={"table": "nat", "chain": "POSTROUTING", "backend": "iptables-legacy"},
                fix=("iptables-legacy -t nat -I POSTROUTING",), note=("silence",)),
         ["iptables-legacy -t raw -A PREROUTING -p udp --dport 5353 -j NOTRACK",
          "iptables-legacy -t nat -A POSTROUTING -p udp -j SNAT --to-source 192.168.0.99"],
         port=5353, check=lab_checks.datagram,
         setup=lambda lab: lab_services.udp_server(lab, "echo", 5353)),
    # no NAT at all: a service on any address answers by the route's address
    Case("answered-from-another-address", "silent",
         Expect("reply-rewritten", None, outcome="pass", why=(f"source {BACKEND}:5353", "answered"),
                where={"layer": "application"}, fix=("192.168.0.20:5353",)),
         ["ip addr add 192.168.0.20/24 dev eth0"], target="192.168.0.20",
         no_fix="to which address the service binds is its own setting",
         port=5353, check=lab_checks.datagram,
         setup=lambda lab: lab_services.udp_server(lab, "echo", 5353)),
))
def test_reply_rewritten(case, make_lab, trace):
    play(case, make_lab, trace)


@pytest.mark.parametrize("case", **cases(
    # masquerade leaves the answers to tracked requests alone
    Case("masquerade-of-what-goes-out", "http", Expect("healthy", protocol="http"),
         [BOX, "iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE"], inside=True),
    Case("dropped-behind-the-backend", "timeout", Expect("reply-lost", "CONNECT_TIMEOUT"),
         [BOX], inside=True, timeout=2,
         setup=lambda lab: lab.router.run(
             "sh", "-c", f"iptables-nft -A FORWARD -i web0 -p tcp --sport {PORT} -j DROP")),
))
def test_not_rewritten(case, make_lab, trace):
    play(case, make_lab, trace)


def nginx_here(lab):
    lab_services.Nginx(lab)


@pytest.mark.parametrize("case", **cases(
    Case("redirect", "http", Expect("healthy", protocol="http", status=200, process="nginx"),
         [redirect(80)], setup=nginx_here, text=[f"destination is now {BACKEND}:80"]),
    Case("redirect-legacy", "http", Expect("healthy", protocol="http", process="nginx"),
         [redirect(80, "iptables-legacy")], setup=nginx_here),
    Case("redirect-503", "http",
         Expect("http-status", "RESPONSE_MISMATCH", status=503, process="nginx"),
         [redirect(8503)], setup=nginx_here),
    Case("redirect-nobody-listens", "refused",
         Expect("no-listener", "CONNECT_REFUSED", why=(f"{BACKEND}:99", f"{BACKEND}:{PORT}"),
                fix=("port 99",), confidence=("certain",)),
         [redirect(99)], setup=nginx_here),
    Case("redirect-input-drop", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", fix=("dport 80",),
                where={"hook": "INPUT", "chain": "INPUT", "backend": "iptables-nft"}),
         [redirect(80), "iptables-nft -A INPUT -p tcp --dport 80 -j DROP"], setup=nginx_here),
    Case("redirect-output-drop", "timeout",
         Expect("reply-dropped", "CONNECT_TIMEOUT", fix=("sport 80",), where={"hook": "OUTPUT"}),
         [redirect(80), "iptables-nft -A OUTPUT -p tcp --sport 80 -j DROP"], setup=nginx_here),
    Case("redirect-no-route-back", "timeout", Expect("no-route-back", "CONNECT_TIMEOUT"),
         [redirect(80), "ip route del default"], setup=nginx_here),
    Case("redirect-never-answers", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="slow-here"), [redirect(83)],
         setup=lambda lab: lab_services.tcp_server(lab, "silent", 83,
                                                   name="slow-here")),
    Case("localhost", "http", Expect("healthy", protocol="http", process="nginx"),
         [dnat("127.0.0.1:80"), "sysctl -qw net.ipv4.conf.eth0.route_localnet=1"],
         setup=nginx_here, text=["destination is now 127.0.0.1:80"]),
    Case("localhost-not-allowed", "timeout",
         Expect("kernel-drop", "CONNECT_TIMEOUT", why=("127.0.0.0/8",), fix=("route_localnet",)),
         [dnat("127.0.0.1:80")], setup=nginx_here,
         no_fix="the switch would open what listens on 127.0.0.1 to the network"),
    Case("other-local-address", "http", Expect("healthy", protocol="http", process="nginx"),
         [dnat("172.17.0.1:80")], setup=nginx_here, text=["destination is now 172.17.0.1:80"]),
))
def test_local_redirect(case, make_lab, trace):
    play(case, make_lab, trace)
