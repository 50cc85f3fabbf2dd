# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenario by kernel: which there are, what became of each, and the tables of that."""
import collections
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
LIVE_TEST = re.compile(r"test_\w+\.py::[^ |]+")
ENOUGH = 0.95  # of a kernel's scenarios must get the exact verdict
SIGNS = {"right": "right", "unknown": "unknown", "wrong": "WRONG", "skipped": "skipped"}


def listed(wanted):
    """The live tests of the set WANTED in scenarios.list."""
    lines = (HERE / "scenarios.list").read_text().splitlines()
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return [test for name, test in pairs if name == wanted]


def scenarios(wanted):
    """What to run: "catalogue", "short", "all" or live tests by name."""
    if wanted == "catalogue":
        named = LIVE_TEST.findall((TESTS / "CATALOGUE.md").read_text())
        sets = ("differs", "exit", "probe")
        return sorted({*named, *(test for name in sets for test in listed(name)),
                       "test_functions.py"})
    if wanted == "short":
        return listed("short")
    if wanted == "all":
        return ["-m", "not alone and not not_sanitized", "."]
    return wanted.split()


def plain_release(release):
    """The kernel's release alone: "6.1.0" of "6.1.0-56-cloud-amd64", whoever built it."""
    return re.match(r"[0-9.]*", release)[0].rstrip(".") or release


class Kernel:
    """A kernel of the matrix and what became of the scenarios on it."""

    def __init__(self, label, release):
        self.label, self.release = label, plain_release(release)
        self.results = {}  # live test -> (right, unknown, wrong or skipped; the reason)
        self.problem = None  # why it has no results: it was not run; or it ended too early
        self.missing = False  # it could not be fetched
        self.seconds = 0
        self.log = None

    def read(self, path):
        """Takes the lines of PATH: of a test that was run again the last counts."""
        for line in path.read_text().splitlines():
            result, test, reason = line.split("\t")
            self.results[test] = (result, reason)

    def count(self, *kinds):
        return sum(1 for result, _ in self.results.values() if result in kinds)

    @property
    def share(self):
        run = self.count("right", "unknown", "wrong")
        return self.count("right") / run if run else 0

    @property
    def is_good(self):
        return not self.problem and not self.count("wrong") and self.share >= ENOUGH


def _cell(result, reason, notes):
    if result is None:
        return "–"
    if result != "skipped":
        return SIGNS[result]
    reason = reason.removeprefix("Skipped: ").removeprefix("kernel: ")
    return f"skipped ({notes.setdefault(reason, len(notes) + 1)})"


def summary(kernels):
    """A line for each kernel, as Markdown."""
    yield "| kernel | right | unknown | wrong | skipped | exact |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for k in kernels:
        if k.problem:
            yield f"| {k.release or k.label} | {k.problem} | | | | |"
            continue
        counts = " | ".join(str(k.count(kind)) for kind in ("right", "unknown", "wrong", "skipped"))
        yield f"| {k.release} | {counts} | {100 * k.share:.0f} % |"


def table(kernels):
    """Scenario by kernel, as Markdown, and what the numbers behind "skipped" mean."""
    kernels = [k for k in kernels if k.results]
    if not kernels:
        return
    notes = {}
    yield f"| scenario | {' | '.join(k.release for k in kernels)} |"
    yield f"| --- |{' --- |' * len(kernels)}"
    for test in sorted({test for k in kernels for test in k.results}):
        cells = [_cell(*k.results.get(test, (None, "")), notes) for k in kernels]
        name = test.removeprefix("test_").replace(".py::test_", ": ").replace("|", "\\|")
        yield f"| {name} | {' | '.join(cells)} |"
    if notes:
        yield ""
    for reason, number in notes.items():
        yield f"{number}. {reason}"


def failures(kernels):
    """What is not right, for a reader who will mend it: kernel, result, live test."""
    for k in kernels:
        for test, (result, _) in sorted(k.results.items()):
            if result in ("unknown", "wrong"):
                yield f"{k.release}: {SIGNS[result]}: {test} (see {k.log})"
        if k.problem:
            yield f"{k.label}: {k.problem}"


def closing_line(kernels):
    """N passed, N failed, N skipped; an `unknown` passes where the kernel's share is enough."""
    sums = collections.Counter()
    for k in kernels:
        unknown = "passed" if k.share >= ENOUGH else "failed"
        sums["passed"] += k.count("right")
        sums[unknown] += k.count("unknown")
        sums["failed"] += k.count("wrong") + bool(k.problem and not k.missing)
        sums["skipped"] += k.count("skipped") + k.missing
    return f"{sums['passed']} passed, {sums['failed']} failed, {sums['skipped']} skipped"
