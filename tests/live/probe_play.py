# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Plays a case of another file by `hctrace probe`, and looks at the wire meanwhile."""
import contextlib
import ipaddress
import json
import select
import socket
import subprocess
import threading
from dataclasses import replace

import lab_checks
from harness import FAILED, HEALTHY, HEALTHY_HTTP, RANGES, Hctrace
from lab import BACKEND, BACKEND6, LB_NODES

# How a check of the lab's load balancer is made by hctrace.
KINDS = {
    lab_checks.http: ("http", "--path", "/health"),
    lab_checks.https: ("https", "--path", "/health"),
    lab_checks.tcp: ("tcp",),
    lab_checks.datagram: ("udp",),
    lab_checks.udp: ("udp",),
}
PING = "<lambda>"


def cases_of(module, but=()):
    """The cases of MODULE but those that BUT names, each with the list that it is of."""
    found = []
    for name, value in sorted(vars(module).items()):
        if name.isupper() and isinstance(value, list):
            found += [(f"{name.lower()}-{case}", case) for case in value if hasattr(case, "expect")]
    unknown = set(but) - {name for name, _ in found}
    assert not unknown, f"{module.__name__} has no {unknown}"
    return [(name, case) for name, case in found if name not in but]


def kind_of(case):
    """The options for the check of CASE; None: no load balancer checks like that."""
    if getattr(case.check, "__name__", "") == PING:
        return ("icmp",)
    return KINDS.get(case.check)


class Wire:
    """Everything on the router's side of the backend's links."""

    def __init__(self, lab, devices=("web0",)):
        self.packets, self._socks = [], []
        with lab.router.enter():
            for device in devices:
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                sock.bind((device, 0))
                self._socks.append(sock)
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self._reader.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._reader.join()
        for sock in self._socks:
            sock.close()

    def _read(self):
        while not self._stop.is_set():
            for sock in select.select(self._socks, [], [], 0.05)[0]:
                self.packets.append(sock.recv(2048))

    def of(self, addr, *ports):
        """Packets from or to ADDR, and, where PORTS are given, one of these ports."""
        raw = ipaddress.ip_address(addr).packed
        head = 14 + (20 if len(raw) == 4 else 40)
        wanted = {port.to_bytes(2, "big") for port in ports}
        return [p for p in self.packets if raw in p[14:54]
                and (not wanted or wanted & {p[head:head + 2], p[head + 2:head + 4]})]


def links(lab):
    """Names of the backend's devices, and how many network namespaces there are."""
    names = lab.backend.run("ip", "-o", "link").splitlines()
    return sorted(line.split(": ")[1].split("@")[0] for line in names)


def filters(lab):
    """What is attached to the backend's devices by tc, tcx included."""
    shown = ""
    for device in links(lab):
        shown += lab.backend.run("tc", "filter", "show", "dev", device, "ingress", check=False)
        shown += lab.backend.run("tc", "filter", "show", "dev", device, "egress", check=False)
    return shown + lab.backend.run("tc", "qdisc", "show")


def probe(binary, lab, *options, ranges=RANGES):
    return Hctrace(binary, lab, *options, ranges=ranges, command=("probe", "--json"))


def flow_lines(run):
    return [one for one in run.of_type("probe")]


def line_of(run, case, kind):
    """The line that is about the check, and not about the echo before a datagram."""
    lines = flow_lines(run)
    if kind[0] == "udp":
        lines = [one for one in lines if one["protocol"] == "udp"]
    assert len(lines) == 1, f"one check, one verdict: {run.dump()}\n{run.stderr}"
    return lines[0]


def only_line(run, status=HEALTHY):
    code = run.finish(timeout=30)
    assert code == status, f"{code}: {run.dump()}{run.stderr}"
    lines = run.of_type("probe")
    assert len(lines) == 1, run.dump()
    return lines[0]


def at_address(expect, addr):
    """EXPECT with the bottle's address for that of the lab's load balancer.  No router has asked for
    the backend's address, so that none need be known: the command may be missing."""
    return replace(expect, why=tuple(w.replace(LB_NODES[0], addr) for w in expect.why),
                   fix_command=())


def run_probe_case(case, lab, binary, ranges=RANGES):
    """CASE under hctrace probe, with a real check beside it; returns the line."""
    kind = kind_of(case)
    options = ["--protocol", *kind, "--timeout", case.timeout, "--target", case.target,
               *case.options]
    if case.port and kind[0] != "icmp":
        options += ["--port", case.port]
    devices = ("web0", "web1") if getattr(case, "second_link", False) else ("web0",)
    before = links(lab)
    with Wire(lab, devices) as wire:
        beside = lab_checks.Later(
            lab_checks.http, lab, 80, timeout=3, node=1,
            target=BACKEND6 if getattr(case, "host_wide", False) else BACKEND)
        run = probe(binary, lab, *options, ranges=ranges)
        try:
            code = run.child.wait(30)
            run._reader.join(5)
        finally:
            run.kill()
        neighbour = beside.result()
    line = line_of(run, case, kind)
    wrong = at_address(case.expect, line["lb"]["addr"]).compare(line)
    assert not wrong, "\n".join(wrong) + f"\n{json.dumps(line, indent=1)}\n{run.stderr}"
    # the echo before a datagram may pass where that does not, and the other way round
    outcomes = {one["outcome"] for one in flow_lines(run)}
    assert code == (HEALTHY if outcomes == {"pass"} else FAILED), (code, outcomes)
    assert wire.of(neighbour.lb, neighbour.port), "the wire was not looked at"
    left = [p.hex() for one in flow_lines(run) for p in wire.of(one["lb"]["addr"])]
    assert not left, f"packets of the probe were on the wire: {left}"
    assert links(lab) == before, "a device was left"
    return line, neighbour


@contextlib.contextmanager
def background(lab, argv):
    with subprocess.Popen(lab.backend.argv(*argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


__all__ = ["HEALTHY_HTTP", "Wire", "background", "cases_of", "filters", "kind_of", "links",
           "only_line", "probe", "run_probe_case"]
