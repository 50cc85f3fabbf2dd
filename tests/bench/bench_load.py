# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What it holds: probes a second with mixed faults, flows in flight; each checked by its truth."""
from collections import Counter

import load
from bench_table import Goal

FLEETS = (("fleet", load.FLEET, (2000, 10000, 20000)),
          ("hard mixture", load.MIXTURE, (2000, 10000)))
SECONDS = 8
NODES = 1000
HELD = 100000
GOAL_RATE = 20000
NEARLY = 0.98  # of the rate that was asked for, the generator reaches


def describe(targets):
    """How many targets there are, and the share of them that is probed in each way and is well."""
    ports = Counter()
    for target in targets:
        ports[target.probe] += len(target.numbers())
        ports["well"] += len(target.numbers()) * ("healthy" in target.truth.values())
    well = ports.pop("well")
    whole = sum(ports.values())
    shares = ", ".join(f"{100 * n / whole:.0f} % {probe}" for probe, n in ports.most_common())
    return f"{whole} targets ({shares}), {100 * well / whole:.0f} % of them healthy"


def mixture(bench, page, _, progress):
    rows, reached, last = [], 0, None
    for name, targets, rates in FLEETS:
        for rate in rates:
            progress(f"load: {name}, {rate} probes a second")
            done, _ = load.mixture(bench.hctrace, rate, SECONDS, NODES, targets=targets)
            rows.append((f"{name}, {rate}", done["load"]["rate"], done["probes"], done["right"],
                         done["unknown"], done["wrong"], done["missing"], done["lost"],
                         f"{done['hctrace_cpu_us']:.1f}", f"{done['load']['cpu_us']:.1f}",
                         f"{done['hctrace_peak_rss'] / 2**20:.0f}"))
            if targets is load.FLEET:
                last = done
                if done["right"] == done["probes"] and not done["lost"]:
                    reached = max(reached, done["load"]["rate"])
    page.heading("Probes a second, with mixed faults")
    page.say(f"{NODES} nodes of the range, for {SECONDS} s (tests/bench/load.py). Each line of "
             "hctrace --json is compared with what the load balancer saw. Both share the machine: "
             "the generator's own CPU, with the network stack's, stands beside hctrace's.")
    for name, targets, _ in FLEETS:
        page.say(f"{name}: {describe(targets)}.")
    page.table(("probes a second", "reached", "probes", "right", "unknown", "wrong", "not told",
                "events lost", "CPU µs a probe", "generator's", "RSS MiB"), rows)
    return [Goal(f"{GOAL_RATE} probes a second, none lost, all right",
                 f"all right up to {reached} a second; at {last['load']['rate']} "
                 f"{last['lost']} events lost, {last['wrong']} wrong",
                 reached >= NEARLY * GOAL_RATE)]


def held(bench, page, _, progress):
    progress(f"flows: {HELD} in flight")
    done, _ = load.held(bench.hctrace, HELD)
    page.heading("Flows in flight")
    page.pairs((
        ("probes that wait for their timeout", done["probes"]),
        ("all at once", "yes" if done["all_at_once"] else "no"),
        ("told, right", f"{done['told']}, {done['right']}"),
        ("unknown, wrong", f"{done['unknown']}, {done['wrong']}"),
        ("events lost", done["lost"]),
        ("bytes per flow, in the kernel's maps", done["kernel_bytes_per_flow"]),
        ("bytes per probe, hctrace", done["user_bytes_per_probe"]),
        ("MiB before: maps, hctrace", f"{done['kernel_maps_before'] / 2**20:.1f}, "
                                      f"{done['hctrace_rss_before'] / 2**20:.1f}")))
    return [Goal(f"{HELD} flows in flight, bounded memory",
                 f"{done['right']} of {done['probes']} right, {done['lost']} events lost; "
                 f"{done['kernel_bytes_per_flow']} bytes a flow in the kernel, "
                 f"{done['user_bytes_per_probe']} in hctrace",
                 done["right"] == done["probes"] and not done["lost"] and done["all_at_once"])]
