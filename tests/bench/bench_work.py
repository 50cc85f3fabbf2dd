# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Throughput, processor time and latency, with nobody watching and with each watcher."""
import time
from dataclasses import dataclass
from typing import Callable

from bench_lab import LEARNING_S, ksoftirqd_cpu
from bench_modes import MODES, Hctrace, Watcher
from bench_table import median, ratio, with_spread


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
    results = {(name, mode.name): Result([], [], [], [], []) for name in names for mode in MODES}
    routed = any(WORKS[name].routed for name in names)
    for repetition in range(repetitions):
        shift = repetition % len(MODES)  # nobody is always the first
        for mode in (*MODES[shift:], *MODES[:shift]):
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


def section(bench, page, names, repetitions, progress):
    results = measure(bench, names, repetitions, progress)
    for name in names:
        work = WORKS[name]
        page.heading(work.title)
        basis = results[name, Watcher.name]
        rows = []
        for mode in MODES:
            r = results[name, mode.name]
            alone = mode is Watcher
            if work.paced:
                rows.append((mode.name, with_spread(r.p50), "" if alone else ratio(r.p50, basis.p50),
                             with_spread(r.p99), "" if alone else ratio(r.p99, basis.p99)))
            else:
                rows.append((mode.name, with_spread(r.rate),
                             "" if alone else ratio(r.rate, basis.rate), f"{median(r.cpu):.2f}",
                             "" if alone else ratio(r.cpu, basis.cpu), f"{median(r.own):.2f}"))
        if work.paced:
            page.table(("watched by", "p50, µs", "change", "p99, µs", "change"), rows)
        else:
            page.table(("watched by", f"{work.unit} a second", "change",
                        f"CPU µs for one of the {work.unit}", "change", "watcher's own"), rows)
