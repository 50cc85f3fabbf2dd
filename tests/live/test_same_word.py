# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace check, live and probe say the same about the same host."""
import contextlib
import json
import subprocess
from dataclasses import dataclass
from typing import Callable, Optional, Sequence

import lab_checks
import lab_services
import pytest
from harness import ENV, FAILED, HEALTHY, params
from lab import RANGE
from probe_play import probe
from test_check import denied, full_queue, of, server


@dataclass(frozen=True)
class Same:
    """A fault, the verdict of live and probe, and what check says: the result and its step."""

    id: str
    verdict: str
    check: Optional[tuple] = None  # ("fail", "3"); None: nothing is wrong on this host
    port: int = 8202
    protocol: str = "http"
    setup: Optional[Callable] = None
    commands: Sequence[str] = ()
    words: Sequence[str] = ()  # in what check says and in why of the others
    command: bool = False  # check prints a command: the others do, too

    def __str__(self):
        return self.id


def second_address(lab):
    lab.backend.run("ip", "addr", "add", "192.168.0.11/24", "dev", "eth0")
    lab_services.tcp_server(lab, "answer", 7081, "--bind", "192.168.0.11", name="shy")


def wrapped(port, daemon):
    return denied(port, daemon, "ALL: 100.125.\n").setup


INPUT = f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport 8202 -j "
SAMES = [
    Same("healthy", "healthy"),
    Same("no-listener", "no-listener", ("fail", "3"), port=7080, words=("Nobody listens", "7080")),
    Same("loopback", "no-listener", ("fail", "3"), port=7081, words=("shy", "127.0.0.1", "only"),
         setup=server("answer", 7081, "--bind", "127.0.0.1")),
    Same("ipv6-only", "no-listener", ("fail", "3"), port=7081, words=("shy", "IPv6"),
         setup=server("answer", 7081, "--bind", "::", "--v6only")),
    Same("another-address", "no-listener", ("warn", "3"), port=7081, setup=second_address,
         words=("shy", "192.168.0.11", "obody")),
    Same("udp-closed", "udp-no-listener", ("fail", "3"), port=7080, protocol="udp", words=("7080",)),
    Same("drop", "firewall-drop", ("fail", "4"), commands=[INPUT + "DROP"], command=True,
         words=("ule 1", "INPUT", "iptables-legacy")),
    Same("reject", "firewall-reject", ("fail", "4"), commands=[INPUT + "REJECT"], command=True,
         words=("ule 1", "INPUT", "iptables-legacy")),
    Same("answers", "reply-dropped", ("fail", "4"), command=True, words=("ule 1", "OUTPUT"),
         commands=[f"iptables-nft -A OUTPUT -d {RANGE} -p tcp --sport 8202 -j DROP"]),
    Same("no-route", "no-route-back", ("fail", "5"), commands=["ip route del default"],
         words=("route back",)),
    Same("blackhole", "no-route-back", ("fail", "5"), commands=[f"ip route add blackhole {RANGE}"],
         words=("blackhole",), command=True),
    Same("queue", "accept-queue-full", ("fail", "6"), port=7090, setup=full_queue,
         words=("accept queue of stuck",), protocol="tcp"),
    Same("hosts.deny", "tcp-wrappers", ("fail", "7"), port=lab_services.XINETD_PORT, command=True,
         words=("line 1 of /etc/hosts.deny",),
         setup=wrapped(lab_services.XINETD_PORT, "http_once.sh")),
    # libwrap is asked when the handshake is done
    Same("hosts.deny-tcp", "healthy", ("warn", "7"), port=lab_services.VSFTPD_PORT, protocol="tcp",
         setup=wrapped(lab_services.VSFTPD_PORT, "vsftpd")),
    Same("echo", "icmp-ignored", ("fail", "8"), port=0, protocol="icmp", command=True,
         commands=["sysctl -qw net.ipv4.icmp_echo_ignore_all=1"], words=("icmp_echo_ignore_all",)),
    # what only an answer tells
    Same("503", "http-status", port=8503),
    Same("301", "http-status", port=8301),
    Same("closes", "app-closed", port=7081, setup=server("close", 7081)),
]
CLIENTS = {"http": lab_checks.http, "tcp": lab_checks.tcp, "udp": lab_checks.udp}


def a_check(lab, same):
    if same.protocol == "icmp":
        return lab_checks.ping(lab)
    return CLIENTS[same.protocol](lab, same.port, timeout=1)


def is_late(line):
    """Did the service end the connection ahead of a client that had no turn of the processor?"""
    ends = [e["point"] for e in line["timeline"] if e["text"] in ("FIN", "RST")]
    return ends[:1] == ["tc-egress"]


def own_check(binary, lab, same, options):
    """What hctrace probe says; a UDP check is an echo and then the datagram, which is meant."""
    run = probe(binary, lab, "--timeout", 1, *options)
    run.finish(HEALTHY if same.verdict == "healthy" else FAILED, timeout=30)
    return run.of_type("probe")[-1]


@pytest.mark.parametrize("same", **params(SAMES))
def test_same(same, make_lab, trace, binary):
    lab = make_lab()
    options = ("--protocol", same.protocol, *(("--port", same.port) if same.port else ()))
    with contextlib.ExitStack() as stack:
        ready = same.setup(lab) if same.setup else None
        if hasattr(ready, "__enter__"):
            stack.enter_context(ready)
        for command in same.commands:
            lab.backend.run("sh", "-c", command)
        done = subprocess.run(lab.backend.argv(binary, "check", "--json", *map(str, options)),
                              capture_output=True, text=True, timeout=60, env=ENV,
                              stdin=subprocess.DEVNULL)
        found = [one for one in map(json.loads, done.stdout.splitlines()) if one["type"] == "check"]
        run = trace(lab, "--timeout", 1, *options)
        live = run.probe(a_check(lab, same))
        for _ in range(5):
            if same.verdict == "healthy" and is_late(live):
                live = run.probe(a_check(lab, same))
        run.stop()
        told = [live, own_check(binary, lab, same, options)]
    for line in told:
        assert line["verdict"] == same.verdict, line
        assert not same.command or line["fix_command"], line
        for word in same.words:
            assert word in line["why"], line
    assert told[0]["step"] == told[1]["step"], told
    # of UDP it is a warning, whatever its service is like
    wrong = [one for one in found if one in of(found, "fail") + of(found, "warn")
             and "rate-limited" not in one["what"]]
    if not same.check:
        assert not wrong, wrong
        return
    assert len(wrong) == 1 and (wrong[0]["result"], wrong[0]["step"]) == same.check, wrong
    if live["outcome"] == "fail":
        assert same.check[1] in live["step"], (wrong, live)
    for word in same.words:
        assert word in f'{wrong[0]["what"]} {wrong[0]["why"]}', wrong
    assert not same.command or wrong[0]["fix_command"], wrong
