# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace by itself: how soon it is ready, what it takes while nothing comes, how fast it reads."""
import os
import re
import subprocess
import tempfile
import time

from bench_modes import Hctrace, Passive, cpu_of
from bench_table import Goal, median, with_spread
from lab import sh

READY_GOAL_MS = 300
IDLE_S, IDLE_GOAL = 30, 0.1  # seconds, % of a processor
DECODE_GOAL = 2  # million events a second
CASES = ("healthy-http", "firewall-drop-nft")
CASE_TIMES = 50000
START = b'"type":"start"'


def _ready_ms(bench, *options):
    """Milliseconds from exec() to the start line, which is told when all points are attached."""
    before = time.monotonic()
    with subprocess.Popen(bench.lab.backend.argv(bench.hctrace, "--json", *options),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        line = child.stdout.readline()
        took = (time.monotonic() - before) * 1000
        cpu = cpu_of(child.pid) * 1000
        child.terminate()
        child.stdout.read()
    if START not in line:
        raise RuntimeError(f"no start line: {line}")
    return took, cpu


def ready(bench, page, repetitions, progress):
    page.heading("Ready")
    rows, goals = [], []
    for options in ((), ("--passive",)):
        progress(f"ready {' '.join(options)}")
        runs = [_ready_ms(bench, *options) for _ in range(repetitions)]
        rows.append((" ".join(("hctrace", *options)), with_spread([r[0] for r in runs]),
                     with_spread([r[1] for r in runs])))
        goals.append(Goal(f"{rows[-1][0]}: ready in {READY_GOAL_MS} ms", f"{rows[-1][1]} ms",
                          median([r[0] for r in runs]) <= READY_GOAL_MS))
    page.table(("", "ms from its start to the start line", "CPU ms until then"), rows)
    return goals


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        field = dict(line.split(":", 1) for line in f)
    return int(field["VmRSS"].split()[0]), int(field["RssAnon"].split()[0])


def idle(bench, page, _, progress):
    page.heading("Idle")
    rows, most = [], 0
    for mode in (Hctrace, Passive):
        progress(f"idle for {IDLE_S} s: {mode.name}")
        with bench.quiet(), mode(bench) as watcher:
            time.sleep(1)  # what is put off at the start
            before = watcher.cpu()
            time.sleep(IDLE_S)
            took = watcher.cpu() - before
            rss, own = memory_kib(watcher.child.pid)
        most = max(most, 100 * took / IDLE_S)
        rows.append((mode.name, f"{took * 1000:.1f}", f"{100 * took / IDLE_S:.4f} %", rss, own))
    page.table(("nothing comes", f"CPU ms in {IDLE_S} s", "of one processor", "RSS KiB",
                "of it anonymous"), rows)
    return [Goal("idle: no CPU worth measuring", f"{most:.4f} % of one processor",
                 most <= IDLE_GOAL)]


def decode(bench, page, repetitions, progress):
    page.heading("Reading a recording")
    tools, rows, worst = f"{bench.build}/tests/tools", [], 0
    with tempfile.TemporaryDirectory(prefix="hct-bench-") as folder:
        for case in CASES:
            recording = f"{folder}/{case}.hct"
            progress(f"decode {case}")
            sh(f"{tools}/case_to_record", f"{bench.root}/tests/cases/{case}.case", recording,
               CASE_TIMES, 500)
            events, rates, probes = 0, [], []
            for _ in range(repetitions):
                text = sh(f"{tools}/record_rate", recording)
                events, rate = re.match(r"(\d+) events, ([\d.]+) million", text).groups()
                rates.append(float(rate))
                probes.append(_report_seconds(bench, recording))
            rows.append((f"{case}, {CASE_TIMES} times", events,
                         f"{os.path.getsize(recording) / 2**20:.0f}", with_spread(rates, "{:.2f}"),
                         with_spread([int(events) / s / 1e6 for s in probes], "{:.2f}")))
            worst = min(worst or median(rates), median(rates))
    page.table(("recording", "events", "MiB", "decoded, million a second of CPU",
                "with diagnosis and JSON (report --json)"), rows)
    return [Goal(f"a recording: at least {DECODE_GOAL} million events a second decoded on one core",
                 f"{worst:.1f} million", worst >= DECODE_GOAL)]


def _report_seconds(bench, recording):
    """Seconds of CPU that the report of RECORDING takes."""
    with open(os.devnull, "w", encoding="ascii") as out:
        child = subprocess.Popen([bench.hctrace, "report", "--json", recording], stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode > 1:
        raise RuntimeError(f"report of {recording}: exit {child.returncode}")
    return usage.ru_utime + usage.ru_stime
