# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Answers that leave whole and do not arrive: lost in the network, too big for the path; SYNPROXY."""
import functools
import time

import lab_checks
import pytest
from answer_clients import haproxy, scripted
from harness import FAILED, Case, Expect, params, run_case
from lab import BACKEND, BACKEND6
from lab_services import Nginx, answer_server

PORT = 7100
SMALL = r"send:HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
LONG = r"send:HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
CERTAIN, LIKELY = ("certain",), ("likely",)
WHOLE = Expect("healthy", protocol="http", status=200, confidence=CERTAIN)


def answers(*steps, **kwargs):
    return lambda lab: answer_server(lab, PORT, *steps, **kwargs) and None


def lost(*why, **kwargs):
    return Expect("reply-lost", "RECV_RESPONSE_TIMEOUT", protocol="http",
                  why=("acknowledged", *why), **{"confidence": CERTAIN, **kwargs})


TO_LB = f"-i web0 -p tcp --sport {PORT}"
ALL_BUT_SYN_ACKS = f"iptables-nft -A FORWARD {TO_LB} ! --tcp-flags SYN SYN -j DROP"
NETWORK = [
    Case("all-but-the-handshake", "response-timeout", lost("none of it"), port=PORT,
         check=scripted(), setup=answers(SMALL), router=[ALL_BUT_SYN_ACKS]),
    Case("all-but-the-handshake-and-closed", "response-timeout", lost("none of it"), port=PORT,
         check=scripted(), setup=answers(SMALL, "fin"), router=[ALL_BUT_SYN_ACKS]),
    # it can judge by the status alone, but not even that came
    Case("haproxy", "response-timeout", lost("none of it"), port=PORT, check=haproxy(),
         setup=answers(SMALL, "fin"), router=[ALL_BUT_SYN_ACKS], options=("--lb", "haproxy")),
    Case("after-so-many-bytes", "response-timeout", lost("bytes"), port=PORT, check=scripted(),
         setup=answers(LONG, "fill:1000000"),
         router=["nft add table ip cut && nft 'add chain ip cut c { type filter hook forward"
                 " priority 0; }'",
                 f"nft add rule ip cut c tcp sport {PORT} quota over 200 kbytes drop"]),
    # the look-alikes: the ACKs of the answer do come, or what is lost was sent again and arrived
    Case("answer-arrives", "http", WHOLE, port=PORT, check=scripted(),
         setup=answers(LONG, "fill:1000000")),
    Case("sent-again-and-arrived", "http", WHOLE, port=PORT, timeout=2, check=scripted(),
         setup=answers(SMALL, "fin"),
         router=["nft add table ip cut && nft 'add chain ip cut c { type filter hook forward"
                 " priority 0; }'",
                 # the first segment with data, and its first repetition
                 f"nft add rule ip cut c tcp sport {PORT} 'tcp flags & psh == psh' limit rate 1/hour"
                 " burst 2 packets drop"]),
    Case("silent-service", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT", protocol="http"), port=PORT,
         check=scripted(), setup=answers("wait:2"), router=[ALL_BUT_SYN_ACKS]),
    # an error that does not arrive is lost all the same: the load balancer sees no answer
    Case("503-lost", "response-timeout", lost(), port=PORT, check=scripted(),
         setup=answers(r"send:HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", "fin"),
         router=[ALL_BUT_SYN_ACKS]),
    Case("tcp-check", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         check=lab_checks.tcp, setup=answers(SMALL), router=[ALL_BUT_SYN_ACKS]),
]


@pytest.mark.parametrize("case", **params(NETWORK))
def test_network(case, make_lab, trace):
    run_case(case, make_lab, trace)


BIG = (r"send:HTTP/1.1 200 OK\r\nContent-Length: 6000\r\nConnection: close\r\n\r\n"
       + 6000 * "a", "fin")
NO_OFFLOAD = "ethtool -K eth0 tso off gso off >/dev/null"
NARROW = ["ip link set lb0 mtu 1300", "ethtool -K web0 gro off >/dev/null"]
# The host drops the router's word, and how that is named
DROPPED = {
    "iptables-nft": "iptables-nft -A INPUT -p icmp -j DROP",
    "iptables-legacy": "iptables-legacy -A INPUT -p icmp -j DROP",
    "nft": "nft add table ip guard && nft 'add chain ip guard in { type filter hook input priority"
           " 0; }' && nft add rule ip guard in ip protocol icmp drop",
    "ip6tables-nft": "ip6tables-nft -A INPUT -p icmpv6 --icmpv6-type packet-too-big -j DROP",
}


def path_mtu(**kwargs):
    return lost("path", "MTU", "none of it", fix=kwargs.pop("fix", ()), **kwargs)


OUTSIDE = [
    # the router says nothing: outside this host
    Case("router-says-nothing", "response-timeout", path_mtu(fix=("ICMP",)), port=PORT,
         check=scripted(), setup=answers(*BIG), fault=[NO_OFFLOAD],
         router=[*NARROW, "iptables-nft -A OUTPUT -p icmp -j DROP"]),
    Case("router-says-nothing-haproxy", "response-timeout", path_mtu(), port=PORT,
         check=haproxy(), setup=answers(*BIG), fault=[NO_OFFLOAD],
         router=[*NARROW, "iptables-nft -A OUTPUT -p icmp -j DROP"], options=("--lb", "haproxy")),
    # the router says so, and nobody drops that: the answer is cut smaller
    Case("router-is-heard", "http", WHOLE, port=PORT, check=scripted(), setup=answers(*BIG),
         fault=[NO_OFFLOAD], router=NARROW),
    # a small answer fits, whatever is dropped
    Case("small-answer", "http", WHOLE, port=PORT, check=scripted(), setup=answers(SMALL, "fin"),
         fault=[NO_OFFLOAD, DROPPED["iptables-nft"]], router=NARROW),
    # big and small ones are lost: no matter of size
    Case("lost-whatever-its-size", "response-timeout", lost("none of it"), port=PORT,
         check=scripted(), setup=answers(SMALL, "fin"),
         fault=[NO_OFFLOAD, DROPPED["iptables-nft"]],
         router=["ip link set lb0 mtu 1300", ALL_BUT_SYN_ACKS]),
]


@pytest.mark.parametrize("case", **params(OUTSIDE))
def test_path_mtu(case, make_lab, trace):
    run_case(case, make_lab, trace)


def ping(lab, target):
    """Does the backend answer an echo request from outside the range?"""
    return lab.router.run("ping", "-n", "-c", 1, "-W", 1, target, check=False).count("bytes from")


@pytest.mark.parametrize("owner", **params(list(DROPPED)))
def test_own_rule_drops_too_big(owner, make_lab, trace):
    """10c: the rule is named, what is printed repairs it, and opens nothing else."""
    v6 = owner == "ip6tables-nft"
    target = BACKEND6 if v6 else BACKEND
    lab = make_lab()
    answer_server(lab, PORT, *BIG, bind="::" if v6 else "0.0.0.0")
    for command in (NO_OFFLOAD, DROPPED[owner]):
        lab.backend.run("sh", "-c", command)
    for command in NARROW:
        lab.router.run("sh", "-c", command)
    echoes = ping(lab, target)
    run = trace(lab, "--timeout", 1, "--port", PORT)
    check = functools.partial(scripted(), lab, PORT, timeout=1, target=target)
    words = ("path", "too big" if v6 else "fragmentation needed", "firewall of this host", "INPUT"
             if owner != "nft" else "chain in")
    wrong = []
    for _ in range(2):  # the first check may only say that a rule did it: it is sought meanwhile
        seen = check()
        assert seen.result == "response-timeout", f"the lab is wrong: {seen}"
        run.knows(seen, "reply-lost")
        line = run.probe(seen)
        wrong = path_mtu(confidence=None).compare(line)
        wrong += [f"why does not say {w!r}" for w in words if w.lower() not in line["why"].lower()]
        assert not wrong, f"{wrong}\n{line}"
    assert line["fix_command"], line
    lab.backend.run("sh", "-c", line["fix_command"])
    seen = check()
    assert seen.result == "http", f"the printed fix does not help: {line['fix_command']}: {seen}"
    run.knows(seen, "healthy")
    assert not WHOLE.compare(run.probe(seen)), run.dump()
    assert ping(lab, target) == echoes, f"it opened more than that: {line['fix_command']}"
    run.stop(FAILED)


SYNPROXY_PORT = 7180


def synproxy(states, listens=True):
    """SYNPROXY in front of nginx, for connections in STATES; what is invalid is dropped."""
    def setup(lab):
        lab.backend.sysctl(netfilter__nf_conntrack_tcp_loose=0, ipv4__tcp_syncookies=1,
                           ipv4__tcp_timestamps=1)
        to_port = f"-i eth0 -p tcp --dport {SYNPROXY_PORT}"
        for rule in (f"-t raw -A PREROUTING {to_port} --syn -j CT --notrack",
                     f"-A INPUT {to_port} -m state --state {states} -j SYNPROXY --sack-perm"
                     " --timestamp --mss 1460 --wscale 7",
                     "-A INPUT -m state --state INVALID -j DROP"):
            lab.backend.run("iptables-legacy", *rule.split())
        if listens:
            Nginx(lab, ports={SYNPROXY_PORT: 'return 200 "ok\\n";'})
    return setup


BOTH, WITHOUT_INVALID = "UNTRACKED,INVALID", "UNTRACKED"
OWN_RULES = "which of SYNPROXY's rules is wrong is its author's to say"
SYNPROXIES = [
    Case("ok", "http", WHOLE, port=SYNPROXY_PORT, check=scripted(), setup=synproxy(BOTH)),
    Case("ok-haproxy", "http", WHOLE, port=SYNPROXY_PORT, check=haproxy(), setup=synproxy(BOTH),
         options=("--lb", "haproxy")),
    Case("ok-tcp-check", "connected", Expect("healthy", protocol="tcp"), check=lab_checks.tcp,
         port=SYNPROXY_PORT, setup=synproxy(BOTH)),
    # the SYN is answered, the ACK that completes the handshake falls to the last rule
    Case("without-invalid", "response-timeout",
         Expect("conntrack-invalid", "RECV_RESPONSE_TIMEOUT", why=("rule", "INVALID")),
         check=scripted(), port=SYNPROXY_PORT, setup=synproxy(WITHOUT_INVALID),
         no_fix=OWN_RULES),
    Case("without-invalid-haproxy", "response-timeout",
         Expect("conntrack-invalid", "RECV_RESPONSE_TIMEOUT", why=("rule", "INVALID")),
         check=haproxy(), port=SYNPROXY_PORT, setup=synproxy(WITHOUT_INVALID), options=("--lb", "haproxy"),
         no_fix=OWN_RULES),
    Case("without-invalid-tcp-check", "connected", Expect("healthy", protocol="tcp"),
         check=lab_checks.tcp, port=SYNPROXY_PORT, setup=synproxy(WITHOUT_INVALID)),
    # SYNPROXY answers for a service that is down: only who asks for more learns that
    Case("closed", "reset/closed",
         Expect("no-listener", "CONNECT_INTERRUPT", why=(str(SYNPROXY_PORT), "SYNPROXY")), check=scripted(),
         port=SYNPROXY_PORT, setup=synproxy(BOTH, listens=False)),
    Case("closed-half-open-check", "syn-ack", Expect("healthy", protocol="tcp"),
         check=lab_checks.syn, port=SYNPROXY_PORT, setup=synproxy(BOTH, listens=False)),
]


@pytest.mark.parametrize("case", **params(SYNPROXIES))
def test_synproxy(case, make_lab, trace):
    run_case(case, make_lab, trace)


def test_synproxy_of_a_tcp_check(lab, trace):
    """HAProxy is content with the SYN-ACK; a reset ahead of its own end looks like an HTTP check's.

    Whoever calls that failed cannot be certain of it, and says who would pass.
    """
    synproxy(BOTH, listens=False)(lab)
    run = trace(lab, "--timeout", 1, "--lb", "haproxy")
    seen = haproxy("", "tcp")(lab, SYNPROXY_PORT)
    assert seen.result == "connected", f"the lab is wrong: {seen}"
    line = run.probe(seen)
    if line["verdict"] != "healthy":
        assert (line["verdict"], line["confidence"]) == ("no-listener", "likely"), line
        assert "a check that only connects passes" in line["why"], line
    run.stop()


def test_synproxy_reset_is_told_at_once(lab, trace):
    """The reset of the host decides, not the load balancer's timeout: nothing more will come."""
    synproxy(BOTH, listens=False)(lab)
    run = trace(lab, "--timeout", 1)
    late = []
    for _ in range(2):
        seen = scripted()(lab, SYNPROXY_PORT, timeout=1)
        assert seen.result in ("reset", "closed"), f"the lab is wrong: {seen}"
        ended = time.time()
        late.append(run.probe(seen).arrival - ended)
    assert min(late) < 0.1, late
    run.stop(FAILED)


def test_lost_answer_is_told_at_once(lab, trace):
    """Within 100 ms of the load balancer's end."""
    answer_server(lab, PORT, SMALL, "fin")
    lab.router.run("sh", "-c", ALL_BUT_SYN_ACKS)
    run = trace(lab, "--timeout", 1)
    late = []
    for _ in range(2):
        seen = scripted()(lab, PORT, timeout=1)
        ended = time.time()
        line = run.probe(seen)
        assert line["verdict"] == "reply-lost", line
        late.append(line.arrival - ended)
    assert min(late) < 0.1, late
    run.stop(FAILED)


def test_synproxy_fix(lab, trace):
    """What is printed for an ACK that SYNPROXY's rule does not take helps, or is advice about it."""
    synproxy(WITHOUT_INVALID)(lab)
    run = trace(lab, "--timeout", 1, "--port", SYNPROXY_PORT)
    line = run.probe(scripted()(lab, SYNPROXY_PORT, timeout=1))
    assert line["verdict"] == "conntrack-invalid", line
    if not line["fix_command"]:
        assert "SYNPROXY" in line["fix"] and "INVALID" in line["fix"], line["fix"]
        run.stop()
        return
    lab.backend.run("sh", "-c", line["fix_command"])
    seen = scripted()(lab, SYNPROXY_PORT, timeout=1)
    assert seen.result == "http", f"the printed fix does not help: {line['fix_command']}: {seen}"
    run.stop()
