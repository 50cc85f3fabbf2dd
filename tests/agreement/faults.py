# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Faults of the host's or the router's network, each for one port (or address) alone."""
import signal

from lab import GATEWAY, LB_NODES

# A SYN and a SYN-ACK have 60 bytes at most, an acknowledgement alone 52.
DATA = "meta length > 60"
LONG = "meta length > 1300"
ECHO = "icmp type echo-request"

# fault -> (words, (namespace, chain, rule)); {to} and {of} match the check's packets and answers
RULES = {
    "drop": ("INPUT drops", ("backend", "input", "{to} drop")),
    "reject-rst": ("INPUT rejects with RST", ("backend", "input", "{to} reject with tcp reset")),
    "reject-icmp": ("INPUT rejects with ICMP", ("backend", "input", "{to} reject")),
    "drop-request": ("INPUT drops the request", ("backend", "input", f"{{to}} {DATA} drop")),
    "reject-request": ("INPUT rejects the request",
                       ("backend", "input", f"{{to}} {DATA} reject with tcp reset")),
    "out-drop": ("OUTPUT drops", ("backend", "output", "{of} drop")),
    "out-drop-data": ("OUTPUT drops the answer", ("backend", "output", f"{{of}} {DATA} drop")),
    "out-drop-long": ("OUTPUT drops long packets", ("backend", "output", f"{{of}} {LONG} drop")),
    "lost": ("the router drops all answers", ("router", "forward", "{of} drop")),
    "lost-data": ("the router drops the answer", ("router", "forward", f"{{of}} {DATA} drop")),
    "lost-long": ("the router drops long packets", ("router", "forward", f"{{of}} {LONG} drop")),
}
# fault -> (words, route of the answers)
ROUTES = {
    "no-route": ("no route back", "unreachable default"),
    "blackhole": ("blackhole route back", "blackhole default"),
    "dead-gateway": ("gateway does not answer",
                     f"default via {GATEWAY.rpartition('.')[0]}.99 dev eth0"),
}
# fault -> the client's address that the router reaches by a smaller MTU; the second one's
# "fragmentation needed", which has that address inside, is dropped by the host
SOURCES = {"mtu": LB_NODES[1], "mtu-blocked": LB_NODES[2]}
SMALL_MTU = 1300
OTHERS = {
    "drop-iptables": "iptables drops",
    "stop": "SIGSTOP",
    "mtu": "the path's MTU is smaller",
    "mtu-blocked": "the path's MTU is smaller, INPUT drops ICMP",
}


def words(name):
    if name in RULES:
        return RULES[name][0]
    return ROUTES[name][0] if name in ROUTES else OTHERS.get(name, "")


def _matches(place):
    """How nft matches what goes to the place, and what comes from it."""
    if place.row.check.kind == "icmp":
        return f"ip daddr {place.target} {ECHO}", f"ip saddr {place.target} icmp type echo-reply"
    proto = "udp" if place.row.situation.startswith("dns-") else "tcp"
    return f"{proto} dport {place.port}", f"{proto} sport {place.port}"


def lay(lab, places, fault_of, table="agree"):
    """Makes the faults of all PLACES at once; fault_of(place) names one, or none."""
    chains = {}
    for number, place in enumerate(places):
        name = fault_of(place)
        to, of = _matches(place)
        if name in RULES:
            space, chain, rule = RULES[name][1]
            chains.setdefault((space, chain), []).append(rule.format(to=to, of=of))
        elif name in ROUTES:
            route_table = 1000 + number
            lab.backend.ip(f"route add {ROUTES[name][1]} table {route_table}",
                           f"rule add ipproto tcp sport {place.port} lookup {route_table} pref {route_table}")
        elif name == "drop-iptables":
            lab.backend.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", place.port,
                            "-j", "DROP")
        elif name == "stop":
            place.service.send_signal(signal.SIGSTOP)
        elif name in SOURCES:
            lab.router.ip(f"route replace {place.source}/32 dev lb0 mtu {SMALL_MTU}")
            if name == "mtu-blocked":
                inner = "".join(f"{int(part):02x}" for part in place.source.split("."))
                chains.setdefault(("backend", "input"), []).append(
                    f"icmp type destination-unreachable @th,192,32 0x{inner} drop")
    for (space, chain), rules in chains.items():
        text = "\n".join(f"    {rule}" for rule in rules)
        getattr(lab, space).run("nft", "-f", "-", data=(
            f"table inet {table}_{chain} {{\n  chain {chain} {{\n"
            f"    type filter hook {chain} priority filter;\n{text}\n  }}\n}}\n"))
