#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Composes a case file of a plausible day from the recorded cases in tests/cases.

    tests/report/make_day.py [--hours 6] [--interval 15] [-o FILE]

Every probe is the first flow of a case, moved in time and to another node and
target; faults come and go by PLAN.  The same arguments give the same file.
"""
import argparse
import pathlib
import random
import re
import sys

CASES = pathlib.Path(__file__).resolve().parent.parent / "cases"
MONO_START_NS = 1_000_000_000_000
WALL_START = 1795334400  # 2026-11-22 08:00:00 UTC
NETNS = "4026532838"
NS = 1_000_000_000

NODES = ["100.125.10.5", "100.125.10.6", "100.125.37.201"]
# target, port, how many nodes probe it, the case when all is well,
# and when it is not: from and to in parts of the run, case, share of probes, nodes
PLAN = [
    ("192.168.0.10", 80, 3, "healthy-http", [
        (0.19, 0.24, "http-status", 1.0, None),
        (0.50, 0.56, "app-slow", 0.6, {1}),
        (0.88, 1.00, "firewall-drop-nft", 1.0, None),
    ]),
    ("192.168.0.10", 8080, 2, "healthy-tcp", [
        (0.33, 0.345, "no-listener", 1.0, None),
        (0.62, 0.70, "accept-queue-full", 0.3, None),
    ]),
    ("192.168.0.11", 8101, 2, "healthy-http", [
        (0.10, 0.12, "tcp-wrappers", 1.0, None),
        (0.74, 0.76, "gateway-unreachable", 1.0, {0}),
    ]),
    ("192.168.0.10", 5353, 2, "healthy-udp", [
        (0.66, 0.69, "udp-no-listener", 1.0, None),
        (0.92, 1.00, None, 1.0, None),  # no probe comes any more
    ]),
]
LOST_AT = 0.45  # some events do not make it


def nanoseconds(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * NS + int(fraction.ljust(9, "0")[:9] or 0)


def seconds(ns):
    return f"{ns // NS}.{ns % NS:09d}"


class Snippet:
    """The first flow of a case: its observations, and the answers that its verdict needs."""

    def __init__(self, name):
        self.obs = []  # (ns after the first, words, answers)
        self.answers = []  # of ticks
        self.points = []
        started = flow = None
        self.end = 0
        for line in (CASES / f"{name}.case").read_text().splitlines():
            word, _, rest = line.partition(" ")
            if word == "point":
                self.points.append(line)
            elif word == "obs":
                at, number, words = re.match(r"t=(\S+) flow=(\S+) seq=\d+ (.*)", rest).groups()
                flow = flow or number
                started = nanoseconds(at) if started is None else started
                if number == flow:
                    self.obs.append((nanoseconds(at) - started, words, []))
                    self.end = self.obs[-1][0]
                place = self.obs[-1][2] if number == flow else self.answers
            elif word in ("tick", "end") and started is not None:
                self.end = max(self.end, nanoseconds(rest[2:]) - started)
                place = self.answers
            elif word == "answer" and started is not None:
                place.append([line])
            elif word == "item" and started is not None:
                place[-1].append(line)
        first = self.obs[0][1]
        self.lb = re.search(r" lb=([0-9.]+)", first).group(1)
        self.target, self.port = re.search(r" target=([0-9.]+):?(\d*)", first).groups()

    def move(self, words, node, target, port, number):
        """WORDS about this flow as words about another."""
        words = words.replace(self.lb, node)
        if self.target != target:
            words = words.replace(self.target, target)
        words = re.sub(r" lb=([0-9.]+):\d+", rf" lb=\1:{20000 + number % 40000}", words)
        words = re.sub(r"netns=\d+", f"netns={NETNS}", words)
        words = re.sub(r"netns-name q=\d+", f"netns-name q={NETNS}", words)
        if self.port:
            words = words.replace(f"{target}:{self.port}%0D", f"{target}:{port}%0D")
            words = re.sub(rf"( target=[0-9.]+):{self.port}\b", rf"\1:{port}", words)
            words = re.sub(rf"(q=(?:tcp|udp)/|\bport=){self.port}\b", rf"\g<1>{port}", words)
        return words


def schedule(hours, interval_s, chance):
    """(start, case, node, target, port, stretch) of every probe."""
    length = int(hours * 3600 * NS)
    pairs = sum(nodes for _, _, nodes, _, _ in PLAN)
    pair = 0
    for target, port, nodes, well, faults in PLAN:
        for node in range(nodes):
            start = NS + pair * interval_s * NS // pairs
            pair += 1
            while start < length - 3 * NS:
                case, part = well, start / length
                for begin, end, fault, share, where in faults:
                    if begin <= part < end and (where is None or node in where) and \
                            chance.random() < share:
                        case = fault
                # slower around noon, and now and then
                stretch = chance.lognormvariate(0, 0.35)
                stretch *= 1 + 2 * max(0, 1 - abs(part - 0.55) * 6)
                if chance.random() < 0.01:
                    stretch *= 5
                if case:
                    yield start, case, NODES[node], target, port, stretch if case == well else 1
                start += interval_s * NS + chance.randrange(-3_000_000, 3_000_000)


def records(plan, snippets):
    """All records as (ns, order, text, answers)."""
    for number, (start, case, node, target, port, stretch) in enumerate(plan):
        snippet = snippets[case]
        # the first in place of the flow's: it is the time of its first packet
        flow = MONO_START_NS + start

        def moved(answers):
            return ["\n".join(snippet.move(line, node, target, port, number) for line in lines)
                    for lines in answers]

        for seq, (after, words, answers) in enumerate(snippet.obs):
            at = start + int(after * stretch)
            words = snippet.move(" " + words, node, target, port, number)
            yield at, number, f"obs t={seconds(at)} flow={flow} seq={seq}{words}", moved(answers), 0
        end = start + int(snippet.end * stretch) + 1_000_000
        yield end, number, f"tick t={seconds(end)}", moved(snippet.answers), start


def write(out, hours, interval_s, seed):
    chance = random.Random(seed)
    plan = sorted(schedule(hours, interval_s, chance))
    snippets = {case: Snippet(case) for case in {probe[1] for probe in plan}}
    lines = sorted(records(plan, snippets), key=lambda record: (record[0], record[1]))
    # what a tick asks for may be about any probe in flight
    ticks = [(begin, at, answers) for at, _, _, answers, begin in lines if begin]
    length = int(hours * 3600 * NS)
    lost = False
    ports = ",".join(str(port) for _, port, _, _, _ in PLAN)

    print("hctrace-case 1", file=out)
    print(f"# Composed by tests/report/make_day.py --hours {hours} --interval {interval_s}",
          file=out)
    print(f"options --lb elb --from 100.125.0.0/16 --port {ports} --interval {interval_s}s "
          "--timeout 1000ms --retries 3 --expect-codes 200,202,401", file=out)
    print(*next(iter(snippets.values())).points, sep="\n", file=out)
    print(f"start t={seconds(MONO_START_NS)} wall-offset={WALL_START - MONO_START_NS // NS} "
          f"netns={NETNS} netns-name=web kernel=6.18.44", file=out)
    print("answer devices q=all\nitem name=eth0 up=1 rx-packets=4", file=out)
    first = 0
    for at, _, text, answers, begin in lines:
        if not lost and at > LOST_AT * length:
            print(f"lost t={seconds(at)} point=socket-state count=37", file=out)
            lost = True
        print(text, file=out)
        if begin:
            while first < len(ticks) and ticks[first][1] < at:
                first += 1
            answers = list(answers)
            for other in ticks[first:first + 24]:
                if other[0] <= at:
                    answers += [answer for answer in other[2] if answer not in answers]
            print(f"answer devices q=all\nitem name=eth0 up=1 rx-packets={at // NS}", file=out)
        for answer in answers:
            print(answer, file=out)
    for at in range(lines[-1][0] + NS, length, NS * max(1, interval_s)):
        print(f"tick t={seconds(at)}", file=out)
    print(f"end t={seconds(length)}", file=out)
    return len(plan)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--interval", type=int, default=15, help="seconds between a node's probes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=pathlib.Path)
    args = parser.parse_args()
    if args.output:
        with args.output.open("w") as out:
            n = write(out, args.hours, args.interval, args.seed)
        print(f"{n} probes", file=sys.stderr)
    else:
        write(sys.stdout, args.hours, args.interval, args.seed)


if __name__ == "__main__":
    main()
