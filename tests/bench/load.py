#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Load: thousands of load-balancer nodes, mixed faults, and whether hctrace gets all of it right.

lb_load probes each target from each node in turn and writes down what it saw; load_server, nginx,
rules and routes make the faults.  What each probe must be diagnosed as follows from its target
and from what was seen.

    load.py mixture [--rate N] [--seconds N] [--nodes N] [OPTION of hctrace…]
    load.py held [--count N]      so many probes at once that wait for their timeout
    load.py overload              hctrace does not get to read for a moment
"""
import argparse
import json
import os
import sys
import time

from load_compare import Comparison, read_truth
from load_lab import DROPPED, FLEET, MIXTURE, ROOT, TIMEOUT, Load, LoadLab, Tracer

SETTLE_S = TIMEOUT + 0.5  # by then each probe's time is over
HELD_RATE = 25000
MISSED, MISSED_RATE = 6000, 4000  # some 10 MB of events: five times the ring
ONE_PROCESS_RATE = 5000  # what one lb_load does beside all else


def tools_of(hctrace):
    """Where lb_load and load_server lie: beside the hctrace that they were built with."""
    return f"{os.path.dirname(os.path.abspath(hctrace))}/tests/bench"


def mixture(hctrace, rate=20000, seconds=10, nodes=1000, options=(), targets=FLEET):
    """RATE probes a second, of every kind; all counts, and what it cost.  And the Comparison."""
    with LoadLab(tools_of(hctrace), targets) as lab, Tracer(hctrace, lab, *options) as tracer:
        before = tracer.cpu_s()
        load = Load(lab, rate, int(rate * seconds), nodes,
                    processes=1 if rate <= ONE_PROCESS_RATE else 2)
        done = load.wait()
        time.sleep(SETTLE_S)
        tracer.wait_until_quiet()
        cost = {"hctrace_cpu_us": round((tracer.cpu_s() - before) * 1e6 / max(1, done["probes"]), 2),
                "hctrace_peak_rss": tracer.rss_bytes("VmHWM")}
        status = tracer.stop()
        found = Comparison(read_truth(load.truth), lab.truth_of()).read(tracer.path)
        return {"load": done, **cost, "status": status, "stderr": tracer.stderr(),
                **found.result()}, found


def held(hctrace, count=100000, options=(), rate=HELD_RATE):
    """COUNT probes in flight at once; what each takes in the kernel's maps and in hctrace."""
    timeout = round(count / rate * 1.2) + 2  # the last has come before the first is over
    with LoadLab(tools_of(hctrace), DROPPED) as lab, \
            Tracer(hctrace, lab, *options, timeout=timeout) as tracer:
        maps, rss = tracer.maps_bytes(), tracer.rss_bytes()
        start = time.monotonic()
        load = Load(lab, rate, count, nodes=4000)
        done = load.wait()
        time.sleep(0.3)
        sizes = {"kernel_bytes_per_flow": round((tracer.maps_bytes() - maps) / count),
                 "user_bytes_per_probe": round((tracer.rss_bytes() - rss) / count)}
        in_time = time.monotonic() - start < timeout  # all were in flight at once
        time.sleep(max(0, start + done["seconds"] + timeout + 0.5 - time.monotonic()))
        tracer.wait_until_quiet()
        status = tracer.stop()
        found = Comparison(read_truth(load.truth), lab.truth_of()).read(tracer.path)
        return {"load": done, "timeout_s": timeout, "all_at_once": in_time, **sizes,
                "hctrace_rss_before": rss, "kernel_maps_before": maps, "status": status,
                "stderr": tracer.stderr(), **found.result()}, found


def overload(hctrace, rate=2000, seconds=1.5, options=(), targets=MIXTURE):
    """While hctrace is not able to read, and after that: a count for each, and the whole."""
    with LoadLab(tools_of(hctrace), targets) as lab, Tracer(hctrace, lab, *options) as tracer:
        truth, loads = {}, []

        def probe(phase, rate, count):
            loads.append(Load(lab, rate, count, first=sum(load.count for load in loads)))
            loads[-1].wait()
            truth[phase] = read_truth(loads[-1].truth)

        def settle():
            time.sleep(SETTLE_S)
            tracer.wait_until_quiet()

        with tracer.stopped():
            probe("while", MISSED_RATE, MISSED)
        settle()
        probe("after", rate, int(rate * seconds))
        settle()
        status = tracer.stop()
        found = Comparison(read_truth([path for load in loads for path in load.truth]),
                           lab.truth_of()).read(tracer.path)
        return {"missing_by_phase": {phase: len(found.missing(names))
                                     for phase, names in truth.items()},
                "status": status, "stderr": tracer.stderr(), **found.result()}, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("mixture", "held", "overload"))
    parser.add_argument("--hctrace", default=f"{ROOT}/build/hctrace")
    parser.add_argument("--rate", type=int, default=2000, help="probes a second")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--count", type=int, default=100000, help="probes to hold")
    parser.add_argument("--examples", type=int, default=0, help="show so many mistakes")
    args, options = parser.parse_known_args()
    if os.geteuid():
        sys.exit("load.py: needs root, for network namespaces and BPF")
    if args.what == "mixture":
        result, found = mixture(args.hctrace, args.rate, args.seconds, args.nodes, options)
    elif args.what == "held":
        result, found = held(args.hctrace, args.count, options)
    else:
        result, found = overload(args.hctrace, args.rate, args.seconds, options)
    for why, line in found.examples[:args.examples]:
        print(f"{why}: {json.dumps(line)}")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
