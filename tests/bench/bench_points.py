# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Nanoseconds per packet and point, by the kernel's own account, beside empty programs."""
import os
import re
import socket

import bench_bpf
from bench_modes import Escalated, Hctrace, Passive
from bench_table import Goal, median, with_spread

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROW = re.compile(r'\{ "(\w+)", HCT_POINT_(\w+), BY_(\w+)(?:, "(\w+)")?')
NAME_LETTERS = 15  # of a program's name are kept by the kernel
EMPTY_PRIORITY = 5  # of netfilter: no rung's
GOAL_NS = 40
SELDOM = 0.001  # runs per packet: not listed, but in the sum
MODES = (Hctrace, Passive, Escalated)

# name of the traffic, how it is made, how much of it
TRAFFIC = (
    ("unrelated datagrams", lambda bench: bench.datagrams(150000)),
    ("unrelated requests", lambda bench: bench.requests(40000)),
    ("routed, long connections", lambda bench: bench.few(40000)),
    ("health checks", lambda bench: bench.checks(4000)),
)


def hooks():
    """name of a program, as the kernel keeps it: its hook and whole name."""
    found = {}
    with open(f"{ROOT}/user/trace/program_table.c", encoding="utf-8") as f:
        for program, point, how, needs in ROW.findall(f.read()):
            hook = {"TC": point.lower().replace("_", "-"), "TRACEPOINT": needs,
                    "LADDER": "netfilter"}.get(how)
            if hook:
                found[program[:NAME_LETTERS]] = hook, program
    return found


def attach_empty(bench, programs, hook_of, tracepoints):
    """Empty programs at the hooks of PROGRAMS."""
    empty = bench_bpf.Empty()
    wanted = {hook_of[name][0] for name in programs if name in hook_of}
    with bench.lab.backend.enter():
        if "tc-ingress" in wanted:
            empty.tcx(socket.if_nametoindex("eth0"))
        if "netfilter" in wanted:
            empty.netfilter(EMPTY_PRIORITY)
    for hook in sorted(wanted - {"tc-ingress", "tc-egress", "netfilter"}):
        empty.tracepoint(hook, tracepoints)
    return empty


class Account:
    """What one program took in one traffic, over the repetitions."""

    def __init__(self):
        self.runs, self.own, self.empty, self.above = [], [], [], []


def measure(bench, repetitions, progress):
    """(mode, traffic, program): Account."""
    hook_of, tracepoints = hooks(), bench_bpf.Tracepoints()
    accounts, sums = {}, {}
    known = {}  # what each mode's programs are, so that the empty ones can come first, too
    with bench_bpf.Stats():
        for repetition in range(repetitions):
            for mode in MODES:
                progress(f"points {repetition + 1}/{repetitions}: {mode.name}")
                first = mode in known and repetition % 2
                empty = first and attach_empty(bench, known[mode], hook_of, tracepoints)
                with mode(bench) as watcher:
                    known[mode] = set(watcher.programs())
                    empty = empty or attach_empty(bench, known[mode], hook_of, tracepoints)
                    try:
                        for name, work in TRAFFIC:
                            one(bench, watcher, empty, hook_of, (mode.name, name), work,
                                accounts, sums)
                    finally:
                        empty.close()
    return accounts, sums


def one(bench, watcher, empty, hook_of, key, work, accounts, sums):
    """One traffic in one mode, added to the accounts."""
    own, none = watcher.programs(), empty.counts()
    packets = work(bench)["on_wire"]
    watcher.check()
    own = bench_bpf.difference(watcher.programs(), own)
    none = bench_bpf.difference(empty.counts(), none)
    total = 0
    for program, (runs, ns) in own.items():
        hook, program = hook_of.get(program, (None, program))
        if hook not in none:
            continue
        account = accounts.setdefault((*key, program), Account())
        bare = none[hook][1] / none[hook][0]
        account.runs.append(runs / packets)
        account.own.append(ns / runs)
        account.empty.append(bare)
        account.above.append(runs / packets * (ns / runs - bare))
        total += account.above[-1]
    sums.setdefault(key, []).append(total)


def cell(account):
    """Runs per packet × (ns of a run − of an empty program's) = ns per packet."""
    if not account or median(account.runs) < SELDOM:
        return "–"
    return (f"{median(account.runs):.2f} × ({median(account.own):.0f} − "
            f"{median(account.empty):.0f}) = {median(account.above):.1f}")


def table(page, mode, accounts, sums):
    traffic = [name for name, _ in TRAFFIC if (mode.name, name) in sums]
    programs = sorted({program for (of, _, program), account in accounts.items()
                       if of == mode.name and median(account.runs) >= SELDOM})
    rows = [(program, *(cell(accounts.get((mode.name, name, program))) for name in traffic))
            for program in programs]
    rows.append(("sum", *(with_spread(sums[mode.name, name], "{:.1f}") for name in traffic)))
    page.table((mode.name, *traffic), rows)


def of_both(accounts, mode, name, programs):
    """ns per packet above empty programs of PROGRAMS together."""
    found = [accounts.get((mode.name, name, program)) for program in programs]
    return f"{sum(median(a.above) for a in found if a):.1f}"


def section(bench, page, repetitions, progress):
    accounts, sums = measure(bench, repetitions, progress)
    page.heading("Nanoseconds per packet and point")
    page.say("By the kernel's account of BPF programs: runs per packet × (ns of a run − ns of an "
             "empty program at the same hook in the same run). A packet is one that passes the "
             "backend's device, in either direction. Sender and backend share the kernel here, so "
             "that tracepoints see both: on a host of its own there are half of those runs.")
    for mode in MODES:
        table(page, mode, accounts, sums)
    worst = max(median(v) for (mode, name), v in sums.items()
                if mode == Hctrace.name and name.startswith("unrelated"))
    page.heading("Arrival and departure: tc or tracepoints")
    page.table(("ns per packet above empty programs", "tc (default)", "tracepoints (--passive)"), [
        (name, of_both(accounts, Hctrace, name, ("hct_tc_ingress", "hct_tc_egress")),
         of_both(accounts, Passive, name, ("hct_receive", "hct_transmit"))) for name, _ in TRAFFIC])
    return [Goal(f"unrelated packets: at most {GOAL_NS} ns over all points above empty programs",
                 f"{worst:.1f} ns", worst <= GOAL_NS)]
