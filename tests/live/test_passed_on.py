# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Requests for an address that this host does not have, where it forwards: passed on, or about to be."""
import json
from dataclasses import replace

import lab_checks
import lab_services
import pytest
from harness import HEALTHY, Case, Expect, params, run_case
from lab import BACKEND, BACKEND6, CONTAINER, CONTAINER6, GATEWAY, GATEWAY6

VIP = "203.0.113.7"
VIP6 = "fd00:203::7"
LINK, LINK6 = "192.168.0.50", "fd00:192:168::50"  # of the subnet between router and backend
PORT = 8202
TO_VIP = f"ip route add {VIP}/32 via {BACKEND}"
TO_VIP6 = f"ip route add {VIP6}/128 via {BACKEND6}"
FORWARDS = "sysctl -qw net.ipv4.ip_forward=1"
FORWARDS6 = "sysctl -qw net.ipv6.conf.all.forwarding=1"
ADD = f"ip addr add {VIP}/32 dev eth0"
ADD6 = f"ip -6 addr add {VIP6}/128 dev eth0"
# the router does not send back what came from where it sends it
EATS = ("iptables-nft -A FORWARD -i web0 -o web0 -j DROP",
        "ip6tables-nft -A FORWARD -i web0 -o web0 -j DROP")


def not_local(*why, code="CONNECT_TIMEOUT", confidence=("certain",), fix=ADD, address=VIP, **kwargs):
    return Expect("not-local", code, why=(address, *why), fix_command=(fix,),
                  advice=("that is right where the address belongs to this host",),
                  confidence=confidence, **kwargs)


def pinged(lab, _port, timeout, target):
    return lab_checks.ping(lab, timeout, target=target)


def on_its_own_link(address):
    """The router finds ADDRESS, which is of its subnet, at the backend, that had it once."""
    def setup(lab):
        mac = lab.backend.run("cat", "/sys/class/net/eth0/address").strip()
        lab.router.ip(f"neigh replace {address} lladdr {mac} dev web0 nud permanent")
    return setup


PASSED_ON = [
    Case("forwarding-off", "timeout", not_local("does not pass it on"), target=VIP,
         router=[TO_VIP], fixes=True),
    # the address of a cloud's balancer, which only a local route made this host's
    Case("router-sends-it-back", "refused",
         not_local(f"passed on to the router {GATEWAY} by eth0", "came back 31 times", "TTL ran out",
                   code="CONNECT_FAILED", where={"layer": "route", "device": "eth0"}),
         target=VIP, router=[TO_VIP], fault=[FORWARDS], fixes=True),
    Case("router-drops-it", "timeout",
         not_local(f"passed on to the router {GATEWAY} by eth0", "nothing came back",
                   confidence=("likely",), where={"layer": "route", "device": "eth0"}),
         target=VIP, router=[TO_VIP, *EATS], fault=[FORWARDS], fixes=True),
    # the last hop of the loop is the router's, which then answers
    Case("router-ends-the-loop", "refused",
         not_local(f"passed on to the router {GATEWAY} by eth0", "came back 31 times"),
         target=VIP, router=[TO_VIP], fault=[FORWARDS], fixes=True,
         setup=lambda lab: lab.lb.sysctl(ipv4__ip_default_ttl=65)),
    Case("no-hop-left", "refused",
         not_local(f"to be passed on to the router {GATEWAY} by eth0", "TTL ran out here",
                   code="CONNECT_FAILED"),
         target=VIP, router=[TO_VIP], fault=[FORWARDS],
         setup=lambda lab: lab.lb.sysctl(ipv4__ip_default_ttl=2)),
    # as with Docker, which drops what it does not forward by itself
    Case("own-firewall-drops-it-on-the-way", "timeout",
         not_local(f"to be passed on to the router {GATEWAY} by eth0", "chain FORWARD", "on the way",
                   where={"hook": "FORWARD", "chain": "FORWARD", "table": "filter"}),
         target=VIP, router=[TO_VIP], fault=[FORWARDS, "iptables-nft -P FORWARD DROP"], fixes=True),
    # as with firewalld
    Case("own-firewall-refuses-it-on-the-way", "refused",
         not_local("to be passed on to the router", "chain c", "refused it on the way",
                   code="CONNECT_REFUSED", where={"hook": "FORWARD", "chain": "c"}),
         target=VIP, router=[TO_VIP], fixes=True,
         fault=[FORWARDS, "nft add table inet f", "nft 'add chain inet f c"
                " { type filter hook forward priority 0; }'", "nft add rule inet f c"
                " reject with icmpx admin-prohibited"]),
    Case("by-the-other-interface", "refused",
         not_local("passed on to the router 192.168.1.1 by eth1", "came back", "TTL ran out",
                   code="CONNECT_FAILED"),
         target=VIP, router=[TO_VIP], fault=[FORWARDS, f"ip route add {VIP} via 192.168.1.1"],
         second_link=True, fixes=True),
    # a veth pair with both ends here: what leaves by one comes in by the other
    Case("between-own-interfaces", "refused",
         not_local("passed on by va;", "came back 62 times", "TTL ran out", code="CONNECT_FAILED"),
         target=VIP, router=[TO_VIP], fixes=True,
         fault=[FORWARDS, "ip link add va type veth peer name vb; ip link set va up; ip link set vb up",
                f"ip route add {VIP} dev va; ip neigh add {VIP} dev va nud permanent"
                " lladdr $(cat /sys/class/net/vb/address)"]),
    Case("echo", "lost",
         not_local(f"The echo request came in on eth0, but {VIP}", "came back", "TTL ran out",
                   code="CONNECT_FAILED", protocol="icmp"),
         target=VIP, router=[TO_VIP], fault=[FORWARDS], check=pinged, port=0, fixes=True),
    Case("echo-dropped-by-the-router", "lost",
         not_local("passed on to the router", "nothing came back", confidence=("likely",)),
         target=VIP, router=[TO_VIP, *EATS], fault=[FORWARDS], check=pinged, port=0, fixes=True),
    Case("datagram", "silent",
         Expect("not-local", None, outcome="pass", why=("datagram", VIP, "came back", "TTL ran out"),
                fix_command=(ADD,), note=("silence",)),
         target=VIP, router=[TO_VIP], fault=[FORWARDS], check=lab_checks.datagram, port=5353,
         no_fix="nobody listens there, as no UDP service is bound to an address that is not here"),
    Case("of-its-own-link", "refused/timeout",
         not_local("to be passed on by eth0, where nobody answers ARP", address=LINK,
                   code="CONNECT_FAILED", fix=f"ip addr add {LINK}/32 dev eth0"),
         target=LINK, setup=on_its_own_link(LINK), fault=[FORWARDS], timeout=5, fixes=True),
    Case("of-its-own-link-impatient", "timeout",
         not_local("to be passed on by eth0", "was not sent", address=LINK, confidence=("likely",),
                   fix=f"ip addr add {LINK}/32 dev eth0"),
         target=LINK, setup=on_its_own_link(LINK), fault=[FORWARDS], fixes=True),
    Case("of-its-own-link-ipv6", "refused/timeout",
         not_local("to be passed on by eth0, where nobody answers neighbour discovery", address=LINK6,
                   code="CONNECT_FAILED", fix=f"ip -6 addr add {LINK6}/128 dev eth0 nodad"),
         target=LINK6, setup=on_its_own_link(LINK6), fault=[FORWARDS6], timeout=5, fixes=True),
    Case("ipv6-forwarding-off", "timeout",
         not_local("does not pass it on", address=VIP6, fix=ADD6), target=VIP6, router=[TO_VIP6],
         fixes=True),
    # the error can come while the client's socket is busy, and then counts for nothing
    Case("ipv6-router-sends-it-back", "refused/timeout",
         not_local(f"passed on to the router {GATEWAY6} by eth0", "came back 31 times",
                   "hop limit ran out", code="CONNECT_FAILED", address=VIP6, fix=ADD6),
         target=VIP6, router=[TO_VIP6], fault=[FORWARDS6], fixes=True),
    Case("ipv6-router-drops-it", "timeout",
         not_local(f"passed on to the router {GATEWAY6} by eth0", "nothing came back",
                   confidence=("likely",), address=VIP6, fix=ADD6),
         target=VIP6, router=[TO_VIP6, *EATS], fault=[FORWARDS6], fixes=True),
]


@pytest.mark.parametrize("case", **params(PASSED_ON))
def test_passed_on(case, make_lab, trace):
    case = replace(case, opens="the address is this host's then, for everybody")
    _, line, _ = run_case(case, make_lab, trace)
    told = json.dumps(line["timeline"])
    assert "damaged" not in told and "type 11" not in line["why"], told
    if "ran out" in line["why"]:
        assert "exceeded in transit" in told and "has run out" in told, told


def to_container(*more, target=CONTAINER):
    return [f"ip route add {target} via {BACKEND6 if ':' in target else BACKEND}", *more]


def play(make_lab, trace, expect, seen_as, target, port=80, rules=(), box=(), router=(), timeout=1,
         lb_ttl=None):
    """A container of the backend's, whose address the router knows."""
    lab = make_lab(container=True)
    lab_services.Nginx(lab, space=lab.container, ports={80: 'return 200 "ok\\n";'})
    for space, commands in ((lab.backend, rules), (lab.container, box), (lab.router, router)):
        for command in commands:
            space.run("sh", "-c", command)
    if lb_ttl:
        lab.lb.sysctl(ipv4__ip_default_ttl=lb_ttl)
    run = trace(lab, "--timeout", timeout)
    seen = lab_checks.http(lab, port, timeout=timeout, target=target)
    assert seen.result == seen_as, f"the lab is wrong: {seen}"
    run.knows(seen, expect.verdict)
    line = run.probe(seen)
    wrong = expect.compare(line)
    assert not wrong, "\n".join(wrong) + f"\n{json.dumps(line, indent=1)}"
    run.stop(status=HEALTHY if line["outcome"] == "pass" else None)
    return line


@pytest.mark.parametrize("target", [CONTAINER, CONTAINER6], ids=["ipv4", "ipv6"])
def test_router_of_a_container_is_not_blamed(target, make_lab, trace):
    line = play(make_lab, trace, Expect("healthy", protocol="http", status=200), "http", target,
                router=to_container(target=target))
    assert {"point": "tc-egress", "device": "docker0", "text": "SYN"}.items() <= \
        line["timeline"][1].items(), line["timeline"]


# this host knows the way there: that nobody answers is not its fault, as far as it can see
def test_silence_behind_a_router(make_lab, trace):
    line = play(make_lab, trace, Expect("unknown", why=("passed on", "docker0", CONTAINER)),
                "timeout", CONTAINER, router=to_container(),
                box=["iptables-nft -A INPUT -p tcp --dport 80 -j DROP"])
    assert not line["fix_command"], line


def dnat(to):
    return f"iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination {to}"


# its destination has no route, which a look-up says
def test_no_route_to_where_nat_sends(make_lab, trace):
    play(make_lab, trace,
         Expect("forward-drop", "CONNECT_FAILED", why=("no route", "172.18.0.2:80"),
                confidence=("certain",), show=("ip route get 172.18.0.2",)),
         "refused", BACKEND, port=8080,
         rules=[dnat("172.18.0.2:80"), f"ip route add 100.125.0.0/16 via {GATEWAY}",
                "ip route del default"])


# there is a route: it has no hop left
def test_no_hop_left_to_where_nat_sends(make_lab, trace):
    line = play(make_lab, trace,
                Expect("forward-drop", "CONNECT_FAILED", why=("TTL ran out", f"{CONTAINER}:80"),
                       confidence=("certain",)),
                "refused", BACKEND, port=8080, rules=[dnat(f"{CONTAINER}:80")], lb_ttl=2)
    assert "no route" not in line["why"], line["why"]


# the firewall of a host that is a router for that address is what it says
def test_forward_rule_of_a_router(make_lab, trace):
    play(make_lab, trace,
         Expect("forward-drop", "CONNECT_TIMEOUT", why=("chain FORWARD",), where={"hook": "FORWARD"}),
         "timeout", CONTAINER, router=to_container(), rules=["iptables-nft -P FORWARD DROP"])


# ---- transparent proxies ----

ON = 3129
RULES = {
    "iptables-nft": f"iptables-nft -t mangle -A PREROUTING -p tcp --dport {PORT} -j TPROXY"
                    f" --tproxy-mark 1/1 --on-port {ON}",
    "iptables-legacy": f"iptables-legacy -t mangle -A PREROUTING -p tcp --dport {PORT} -j TPROXY"
                       f" --tproxy-mark 0x40/0xff --on-port {ON}",
    "nft": "nft add table ip proxy; nft 'add chain ip proxy pre"
           " { type filter hook prerouting priority mangle; }'; nft add rule ip proxy pre"
           f" tcp dport {PORT} tproxy to :{ON} meta mark set 1 accept",
    "ip6tables-nft": f"ip6tables-nft -t mangle -A PREROUTING -p tcp --dport {PORT} -j TPROXY"
                     f" --tproxy-mark 1/1 --on-port {ON}",
}
# as the kernel's documentation has it: what has a socket already goes there
DIVERT = ("iptables-nft -t mangle -N DIVERT; iptables-nft -t mangle -A DIVERT -j MARK --set-mark 1;"
          " iptables-nft -t mangle -A DIVERT -j ACCEPT;"
          " iptables-nft -t mangle -A PREROUTING -p tcp -m socket -j DIVERT")
RULE = {"iptables-nft": "ip rule add fwmark 1 lookup 100", "nft": "ip rule add fwmark 1 lookup 100",
        "iptables-legacy": "ip rule add fwmark 0x40/0xff lookup 100",
        "ip6tables-nft": "ip -6 rule add fwmark 1 lookup 100"}
ROUTE = "ip route add local default dev lo table 100"
ROUTE6 = "ip -6 route add local default dev lo table 100"


def proxy(*args):
    def setup(lab):
        lab_services.tproxy_server(lab, ON, *args)
    return setup


def nobody(*why, code="CONNECT_TIMEOUT", confidence=("certain", "likely"), backend="iptables-nft"):
    return Expect("no-listener", code, why=(f"port {ON}", "transparent proxy", *why),
                  advice=(f"start the proxy that belongs on port {ON}",), show=(f"sport = :{ON}",),
                  where={"backend": backend}, confidence=confidence)


def no_way(*why, fix, backend="iptables-nft"):
    return Expect("not-local", "CONNECT_TIMEOUT", why=(f"port {ON}", "transparent proxy", *why),
                  fix_command=(fix,), where={"backend": backend, "layer": "route"})


TPROXY = [
    Case("healthy", "http", Expect("healthy", protocol="http", status=200, process="proxy"),
         target=VIP, router=[TO_VIP], setup=proxy(), options=("--expect-codes", "200"),
         fault=[FORWARDS, RULES["iptables-nft"], RULE["iptables-nft"], ROUTE]),
    Case("down-iptables-nft", "timeout",
         nobody("rule 2 of chain PREROUTING", "where nobody listens"), target=VIP,
         router=[TO_VIP], fault=[FORWARDS, DIVERT, RULES["iptables-nft"],
                                 RULE["iptables-nft"], ROUTE]),
    Case("down-iptables-legacy", "timeout",
         nobody("chain PREROUTING, table mangle", backend="iptables-legacy"), target=VIP,
         router=[TO_VIP], fault=[FORWARDS, RULES["iptables-legacy"], RULE["iptables-legacy"],
                                 ROUTE]),
    Case("down-for-an-address-of-this-host", "timeout", nobody("where nobody listens"),
         fault=[RULES["iptables-nft"]]),
    # nftables' rule does not match without a proxy: the port itself is asked
    Case("down-nft-for-an-address-of-this-host", "refused",
         nobody("did not match", code="CONNECT_REFUSED", backend="nft"), port=8203,
         fault=[RULES["nft"].replace(str(PORT), "8203")]),
    Case("down-nft", "refused", nobody("did not match", code="CONNECT_FAILED", backend="nft"),
         target=VIP, router=[TO_VIP],
         fault=[FORWARDS, RULES["nft"], RULE["nft"], ROUTE.replace("100", "101")]),
    Case("down-ipv6", "timeout", nobody(), target=VIP6, router=[TO_VIP6],
         fault=[FORWARDS6, RULES["ip6tables-nft"], RULE["ip6tables-nft"], ROUTE6]),
    Case("listens-elsewhere", "timeout",
         Expect("no-listener", "CONNECT_TIMEOUT", why=("proxy (pid", "127.0.0.1 only"),
                advice=("--on-ip",)),
         target=VIP, router=[TO_VIP], setup=proxy("--bind", "127.0.0.1"),
         fault=[FORWARDS, RULES["iptables-nft"], RULE["iptables-nft"], ROUTE]),
    Case("listens-but-is-no-proxy", "timeout",
         Expect("no-listener", "CONNECT_TIMEOUT", why=("proxy (pid", "IP_TRANSPARENT"),
                advice=("transparent mode",)),
         target=VIP, router=[TO_VIP], setup=proxy("--plain"),
         fault=[FORWARDS, RULES["iptables-nft"], RULE["iptables-nft"], ROUTE]),
    Case("no-way", "timeout",
         no_way("rule 2 of chain PREROUTING", "fwmark 1/1 the ip rule and the local route",
                fix="ip rule add fwmark 1/1 lookup 100 && ip route add local default dev lo table 100"),
         target=VIP, router=[TO_VIP], setup=proxy(), fixes=True,
         fault=[FORWARDS, DIVERT, RULES["iptables-nft"]]),
    Case("no-way-and-no-forwarding", "timeout",
         no_way("fwmark 1/1 the ip rule", fix="ip rule add fwmark 1/1 lookup 100"),
         target=VIP, router=[TO_VIP], setup=proxy(), fixes=True, fault=[RULES["iptables-nft"]]),
    Case("no-way-legacy", "timeout",
         no_way("fwmark 0x40/0xff the ip rule", fix="ip rule add fwmark 0x40/0xff lookup 100",
                backend="iptables-legacy"),
         target=VIP, router=[TO_VIP], setup=proxy(), fixes=True,
         fault=[FORWARDS, RULES["iptables-legacy"]]),
    Case("no-way-nft", "timeout",
         no_way("fwmark 1 the ip rule", fix="ip rule add fwmark 1 lookup 100 && ", backend="nft"),
         target=VIP, router=[TO_VIP], setup=proxy(), fixes=True, fault=[FORWARDS, RULES["nft"]]),
    Case("no-rule-to-the-route", "timeout",
         no_way("table 107", fix="ip rule add fwmark 1/1 lookup 107"), target=VIP,
         router=[TO_VIP], setup=proxy(), fixes=True,
         fault=[FORWARDS, RULES["iptables-nft"], ROUTE.replace("100", "107")]),
    Case("no-route-behind-the-rule", "timeout",
         no_way("table 100", "no local route", fix="ip route replace local default dev lo table 100"),
         target=VIP, router=[TO_VIP], setup=proxy(), fixes=True,
         fault=[FORWARDS, RULES["iptables-nft"], RULE["iptables-nft"]]),
    Case("no-way-ipv6", "timeout",
         no_way(fix="ip -6 rule add fwmark 1/1 lookup 100 && ip -6 route add local default dev lo"),
         target=VIP6, router=[TO_VIP6], setup=proxy("--bind", "::"), fixes=True,
         fault=[FORWARDS6, RULES["ip6tables-nft"]]),
    # look-alikes: another rule drops it, and a proxy for other ports has no part in it
    Case("drop-beside-a-proxy", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where={"chain": "PREROUTING"}, why=("-j DROP",)),
         fault=[f"iptables-nft -t mangle -A PREROUTING -p tcp --dport {PORT} -j DROP",
                RULES["iptables-nft"].replace(str(PORT), "81")]),
    Case("loop-beside-a-proxy", "refused",
         not_local("passed on to the router", "TTL ran out", code="CONNECT_FAILED"), target=VIP,
         router=[TO_VIP], fault=[FORWARDS, RULES["iptables-nft"].replace(str(PORT), "81")],
         fixes=True),
]


@pytest.mark.parametrize("case", **params(TPROXY))
def test_tproxy(case, make_lab, trace):
    run_case(case, make_lab, trace)


# what the advice says is done, and then the check passes
@pytest.mark.parametrize("kind", ["iptables-nft", "nft"])
def test_started_proxy(kind, make_lab, trace):
    lab = make_lab()
    for command in (FORWARDS, RULES[kind], RULE[kind], ROUTE):
        lab.backend.run("sh", "-c", command)
    lab.router.run("sh", "-c", TO_VIP)
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, PORT, timeout=1, target=VIP)
    assert seen.result in ("timeout", "refused"), f"the lab is wrong: {seen}"
    run.knows(seen, "no-listener")
    assert run.probe(seen)["verdict"] == "no-listener", run.dump()
    lab_services.tproxy_server(lab, ON)
    seen = lab_checks.http(lab, PORT, timeout=3, target=VIP)
    run.knows(seen, "healthy")
    assert run.probe(seen)["outcome"] == "pass", run.dump()
    run.stop()


def test_datagram_without_a_proxy(make_lab, trace):
    lab = make_lab()
    lab.backend.run("sh", "-c", f"iptables-nft -t mangle -A PREROUTING -p udp --dport 5353 -j TPROXY"
                    f" --tproxy-mark 1/1 --on-port {ON}")
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.datagram(lab, 5353, timeout=1)
    assert seen.result == "silent", f"the lab is wrong: {seen}"
    line = run.probe(seen)
    expect = Expect("unreachable-suppressed", None, outcome="pass", why=(f"port {ON}",),
                    note=("silence",), advice=(f"start the proxy that belongs on port {ON}",))
    assert not expect.compare(line), f"{expect.compare(line)}\n{json.dumps(line, indent=1)}"
    run.stop()


# where NAT sends the request to a port of this host that nobody listens on, its rule is named
@pytest.mark.parametrize("rule", [
    f"iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports {ON}",
    f"iptables-legacy -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports {ON}",
    f"iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination {BACKEND}:{ON}",
    "nft add table ip r; nft 'add chain ip r pre { type nat hook prerouting priority dstnat; }';"
    f" nft add rule ip r pre tcp dport 8080 redirect to :{ON}",
], ids=["redirect", "redirect-legacy", "dnat", "redirect-nft"])
def test_redirected_to_a_dead_port(rule, make_lab, trace):
    lab = make_lab()
    lab.backend.run("sh", "-c", rule)
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, 8080, timeout=1)
    assert seen.result == "refused", f"the lab is wrong: {seen}"
    run.knows(seen, "no-listener")
    line = run.probe(seen)
    chain = "chain pre" if rule.startswith("nft") else "chain PREROUTING"
    expect = Expect("no-listener", "CONNECT_REFUSED", why=(f"{BACKEND}:{ON}", chain, f"{BACKEND}:8080"),
                    advice=(f"port {ON}", "destination of the NAT rule"))
    assert not expect.compare(line), f"{expect.compare(line)}\n{json.dumps(line, indent=1)}"
    lab_services.Nginx(lab, ports={ON: 'return 200 "ok\\n";'})  # what the advice asks for
    seen = lab_checks.http(lab, 8080, timeout=3)
    assert run.probe(seen)["outcome"] == "pass", run.dump()
    run.stop()
