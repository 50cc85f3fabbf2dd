# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Throughput, processor time and latency, with nobody watching and with each watcher."""
import time
from dataclasses import dataclass
from typing import Callable

from bench_lab import LEARNING_S, ksoftirqd_cpu
from bench_modes import MODES, Hctrace, Tcpdump, Watcher
from bench_table import Goal, change, changes, median, with_spread


@dataclass(frozen=True)
class Work:
    """A workload, and what is told of it."""

    title: str
    unit: str
    run: Callable  # run(bench): what traffic_* or wrk told
    amount: Callable  # amount(done): units of work
    paced: bool = False  # at a given rate: latency is what counts
    routed: bool = False  # hctrace has to know the check first


WORKS = {
    "unrelated": Work(
        "Unrelated traffic: datagrams to a socket of the backend and back", "packets",
        lambda bench: bench.datagrams(400000), lambda done: done["packets"]),
    "neighbour": Work(
        "Unrelated traffic: requests of a neighbour on 16 connections that stay", "requests",
        lambda bench: bench.requests(100000), lambda done: done["requests"]),
    "many": Work(
        "Routed traffic: a connection for each request, 200 nodes", "connections",
        lambda bench: bench.many(20000), lambda done: done["connections"], routed=True),
    "few": Work(
        "Routed traffic: requests on 16 connections that stay", "requests",
        lambda bench: bench.few(100000), lambda done: done["requests"], routed=True),
    "nginx": Work(
        "Routed traffic through nginx, a connection for each request (wrk)", "connections",
        lambda bench: bench.wrk(2), lambda done: done["connections"], routed=True),
    "latency": Work(
        "Latency of a routed request through nginx, 2000 a second, a connection for each",
        "requests", lambda bench: bench.paced(3000, 2000), lambda done: done["requests"],
        paced=True, routed=True),
}


@dataclass
class Result:
    """Of one workload in one mode: a value for each repetition."""

    rate: list
    cpu: list  # microseconds of all processors for a unit
    own: list  # of it the watcher's own
    p50: list
    p99: list


def measure(bench, names, repetitions, progress):
    """(workload, mode): Result.  In each repetition, each mode in turn does all workloads."""
    modes = [MODES[name] for name in bench.modes]
    results = {(name, mode.name): Result([], [], [], [], []) for name in names for mode in modes}
    routed = any(WORKS[name].routed for name in names)
    for repetition in range(repetitions):
        shift = repetition % len(modes)  # nobody is always the first
        for mode in (*modes[shift:], *modes[:shift]):
            progress(f"{' '.join(names)} {repetition + 1}/{repetitions}: {mode.name}")
            with mode(bench) as watcher:
                if routed and issubclass(mode, Hctrace):
                    time.sleep(LEARNING_S)
                for name in names:
                    one(bench, watcher, WORKS[name], results[name, mode.name])
    return results


def one(bench, watcher, work, result):
    """One workload with one watcher."""
    watcher.check()
    own, kernel = watcher.cpu(), ksoftirqd_cpu()
    done = work.run(bench)
    own, kernel = watcher.cpu() - own, ksoftirqd_cpu() - kernel
    watcher.check()
    amount = work.amount(done)
    result.rate.append(amount / done["seconds"])
    result.cpu.append((done["cpu"] + own + kernel) / amount * 1e6)
    result.own.append(own / amount * 1e6)
    result.p50.append(done.get("p50_us", 0))
    result.p99.append(done.get("p99_us", 0))


def loss(results, name, mode):
    """What the throughput changes by in MODE (of paced work: the latency), in %, as a loss."""
    done, basis = results[name, mode.name], results[name, Watcher.name]
    if WORKS[name].paced:
        return median(changes(done.p50, basis.p50))
    return -median(changes(done.rate, basis.rate))


def goals(results, names):
    """The goals that what was measured can tell of."""
    if not all((names[0], mode.name) in results for mode in (Watcher, Hctrace, Tcpdump)):
        return []
    found = []
    for what, most, of in (("unrelated packets", 2, ("unrelated", "neighbour")),
                           ("routed traffic", 5, ("many", "few", "nginx"))):
        lost = {name: loss(results, name, Hctrace) for name in of if name in names}
        if lost:
            found.append(Goal(
                f"{what}: at most {most} % of throughput",
                ", ".join(f"{name} {value:.1f} %" for name, value in lost.items()),
                max(lost.values()) <= most))
    pairs = {name: (loss(results, name, Hctrace), loss(results, name, Tcpdump)) for name in names}
    found.append(Goal("never more than tcpdump",
                      ", ".join(f"{name} {own:.1f} to {its:.1f} %"
                                for name, (own, its) in pairs.items()),
                      all(own <= its for own, its in pairs.values())))
    return found


def section(bench, page, names, repetitions, progress):
    results = measure(bench, names, repetitions, progress)
    for name in names:
        work = WORKS[name]
        page.heading(work.title)
        basis = results[name, Watcher.name]
        rows = []
        for mode in (MODES[one] for one in bench.modes):
            r = results[name, mode.name]
            if work.paced:
                columns = ((r.p50, basis.p50), (r.p99, basis.p99))
            else:
                columns = ((r.rate, basis.rate), (r.cpu, basis.cpu))
            row = [mode.name]
            for values, alone in columns:
                row += [with_spread(values, "{:.0f}" if median(values) >= 1000 else "{:.2f}"),
                        "" if mode is Watcher else change(values, alone)]
            rows.append(row if work.paced else [*row, f"{median(r.own):.2f}"])
        if work.paced:
            page.table(("watched by", "p50, µs", "change", "p99, µs", "change"), rows)
        else:
            page.table(("watched by", f"{work.unit} a second", "change",
                        f"CPU µs for one of the {work.unit}", "change", "watcher's own"), rows)
    return goals(results, names)
