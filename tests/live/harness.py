# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace as a child whose NDJSON is read as it comes, and what a case asserts about it."""
import contextlib
import datetime
import functools
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Callable, Optional, Sequence

import lab as lab_module
import lab_checks
from fixes import apply_fix, settle
from invariants import violations

HEALTHY, FAILED, USAGE, CANNOT_TRACE, NOTHING, OUTPUT = 0, 1, 2, 3, 4, 5
SANITIZER_EXIT = 99
RANGES = ("--from", lab_module.RANGE, "--from", lab_module.RANGE6)
ENV = dict(os.environ,
           ASAN_OPTIONS=f"detect_leaks=1:halt_on_error=1:exitcode={SANITIZER_EXIT}",
           UBSAN_OPTIONS=f"halt_on_error=1:print_stacktrace=1:exitcode={SANITIZER_EXIT}")


class UnknownVerdict(AssertionError):
    """hctrace said `unknown` where it should have known: not exact, but not wrong either."""


class Line(dict):
    """An object of the output, with the wall-clock time of its arrival."""

    def __init__(self, text):
        self.arrival = time.time()
        super().__init__(json.loads(text))

    @property
    def delay(self):
        """Seconds from the end of the probe to its line."""
        start = datetime.datetime.fromisoformat(self["time"].replace("Z", "+00:00")).timestamp()
        return self.arrival - start - self["timing"]["total_us"] / 1e6


class Hctrace:
    def __init__(self, binary, lab, *options, ranges=RANGES, command=("live", "--json"),
                 inside=True, env=None):
        argv = [binary, *command, *ranges, *map(str, options)]
        self.binary = binary
        # Every run that prints JSON is recorded, too, see same_report(); but not where time is dear.
        self.recording = None
        if command == ("live", "--json") and "-o" not in argv and lab_module.PATIENCE == 1:
            self.recording = f"{lab.tmp}/hctrace-{id(self)}.hct"
            argv += ["-o", self.recording]
        self.lines = []
        self.argv = lab.backend.argv(*argv) if inside else argv
        self._truth = {}  # (lb, its port, target, its port): the verdicts that are right
        self._news = threading.Condition()
        self._closed = False
        # Generous, as tests share the processors; test_verdicts_come_at_once is strict.
        self.max_delay = (5 if self.sanitized(binary) else 3) * lab_module.PATIENCE
        self.started = time.monotonic()
        self.stderr_path = f"{lab.tmp}/hctrace-{id(self)}.stderr"
        with open(self.stderr_path, "w", encoding="utf-8") as stderr:
            self.child = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=stderr,
                                          stdin=subprocess.DEVNULL, env=dict(ENV, **(env or {})))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    @functools.lru_cache
    def sanitized(binary):
        try:
            with open(binary, "rb") as f:
                return b"libasan.so" in f.read()
        except OSError:
            return False

    def _read(self):
        for text in self.child.stdout:
            line = Line(text)
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    @property
    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, matches, timeout, since=0):
        """The first line that MATCHES, None when none comes within TIMEOUT seconds; the first SINCE
        lines do not count."""
        deadline = time.monotonic() + timeout
        done = since
        with self._news:
            while True:
                for line in self.lines[done:]:
                    if matches(line):
                        return line
                done = len(self.lines)
                if self._closed or not self._news.wait(deadline - time.monotonic()):
                    return next(filter(matches, self.lines[done:]), None)

    def of_type(self, kind):
        return [line for line in self.lines if line["type"] == kind]

    def wait_start(self):
        line = self.wait(lambda one: one["type"] == "start", 20 * lab_module.PATIENCE)
        assert line, f"no start line; stderr: {self.stderr}"
        self.ready_s = time.monotonic() - self.started
        return line

    @staticmethod
    def is_of(seen):
        """A predicate: the probe line of the check that was SEEN."""
        def matches(line):
            if line["type"] != "probe":
                return False
            lb, target = line["lb"], line["target"]
            return (lb["addr"] == seen.lb and target["addr"] == seen.target
                    and seen.port in (0, lb["port"])  # 0: the client chose it
                    and (not seen.target_port or target["port"] == seen.target_port))
        return matches

    def probe(self, seen, within=3, since=0):
        """The probe line of the check that was SEEN, WITHIN seconds from now."""
        line = self.wait(self.is_of(seen), within * lab_module.PATIENCE, since)
        assert line, f"no verdict for {seen}; lines: {self.dump()}; stderr: {self.stderr}"
        assert line.delay < self.max_delay, f"{line.delay:.3f} s late: {line}"
        return line

    def knows(self, seen, *verdicts):
        """Of the check that was SEEN the harness knows the truth: one of VERDICTS."""
        key = seen.lb, seen.port, seen.target, seen.target_port
        self._truth[key] = (*self._truth.get(key, ()), *verdicts)  # a port may be used again

    def certain_and_wrong(self):
        """The lines that are sure of what is not so: hctrace may be in doubt, but never lie."""
        wrong = []
        for line in self.of_type("probe"):
            lb, target = line["lb"], line["target"]
            right = next(filter(None, (
                self._truth.get((lb["addr"], port, target["addr"], target["port"] or 0))
                for port in (lb["port"], 0))), None)
            if right and line["confidence"] == "certain" and line["verdict"] not in right:
                wrong.append((right, line))
        return wrong

    def dump(self):
        return "\n".join(json.dumps(one) for one in self.lines)

    def stop(self, status=None, lost=0):
        """Ends the run with SIGINT; checks its last lines, its stderr and its exit STATUS."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        code = self.finish(status)
        assert self.lines and self.lines[-1]["type"] == "end", self.dump()
        if lost is not None:
            assert self.lines[-1]["lost"] == lost, self.dump()
        return code

    def finish(self, status=None, timeout=20):
        """Waits for the end of the child and checks its exit STATUS."""
        code = self.child.wait(timeout * lab_module.PATIENCE)
        self._reader.join(5 * lab_module.PATIENCE)
        stderr = self.stderr
        assert "Sanitizer" not in stderr and "runtime error" not in stderr, stderr
        wrong = self.certain_and_wrong()
        assert not wrong, f"sure of a wrong verdict: {wrong}"
        wrong = list(violations(self.lines))
        assert not wrong, f"a verdict against its own timeline: {wrong}\n{self.dump()}"
        if status is not None:
            assert code == status, f"exit status {code}, not {status}: {stderr}\n{self.dump()}"
        if self.recording and self.lines:
            self.same_report(code)
        return code

    def report(self):
        """The objects of the recording's report, and its exit status."""
        done = subprocess.run([self.binary, "report", "--json", self.recording], text=True,
                              capture_output=True, timeout=60 * lab_module.PATIENCE, env=ENV)
        assert not done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode

    def same_report(self, code):
        """The report of what was recorded says what the run said, object by object."""
        told, status = self.report()
        known = [one for one in told if one["type"] == "recording"]
        assert len(known) == 1 and known[0]["complete"], known
        names = {state["name"] for state in known[0]["host_state"]}
        assert {"addresses", "routes", "listeners"} <= names, f"the host's state: {names}"
        told = [one for one in told if one["type"] != "recording"]
        for live, later in itertools.zip_longest(self.lines, told):
            assert live == later, ("the report differs from the run:\n"
                                   f"live   {json.dumps(live)}\nreport {json.dumps(later)}")
        assert status == code, f"the report's exit status is {status}, the run's {code}"

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            if self.child.poll() is None:
                self.child.kill()
        self.child.wait()

    def rss_kib(self):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


@dataclass(frozen=True)
class Expect:
    """What a probe's line must say.  Left out: not asserted."""

    verdict: str
    code: Optional[str] = None
    outcome: Optional[str] = None  # by default what the verdict means
    where: dict = field(default_factory=dict)
    process: Optional[str] = None  # comm
    protocol: Optional[str] = None
    status: Optional[int] = None
    why: Sequence[str] = ()
    fix: Sequence[str] = ()
    fix_command: Sequence[str] = ()  # and it is there
    advice: Sequence[str] = ()
    show: Sequence[str] = ()  # show_command
    note: Sequence[str] = ()
    confidence: Optional[Sequence[str]] = None

    def compare(self, line):
        """Differences between this and LINE, in words."""
        wrong = []

        def same(name, found, wanted):
            if found != wanted:
                wrong.append(f"{name} is {found!r}, not {wanted!r}")

        def says(name, words):
            text = (line.get(name) or "").lower()
            wrong.extend(f"{name} does not say {word!r}: {text!r}"
                         for word in words if word.lower() not in text)

        same("verdict", line["verdict"], self.verdict)
        by_verdict = {"healthy": "pass", "unknown": "unknown", "probe-aborted": "unknown"}
        same("outcome", line["outcome"], self.outcome or by_verdict.get(self.verdict, "fail"))
        same("code", line.get("code"), self.code)
        for name, wanted in self.where.items():
            same(f"where.{name}", (line.get("where") or {}).get(name), wanted)
        if self.process:
            same("process", (line.get("process") or {}).get("comm"), self.process)
        if self.protocol:
            same("protocol", line["protocol"], self.protocol)
        if self.status:
            same("status", (line.get("http") or {}).get("status"), self.status)
        if self.confidence and line["confidence"] not in self.confidence:
            wrong.append(f"confidence is {line['confidence']!r}")
        says("why", self.why or (() if line["outcome"] == "pass" else ("",)))
        says("fix", self.fix)
        says("fix_command", self.fix_command)
        says("fix_advice", self.advice)
        says("show_command", self.show)
        says("note", self.note)
        if line["outcome"] == "fail" and not (line.get("why") and line.get("fix")):
            wrong.append("a failure without why and fix")
        if not line.get("timeline"):
            wrong.append("no timeline")
        return wrong


HEALTHY_HTTP = Expect("healthy", protocol="http", status=200)


@dataclass(frozen=True)
class Case:
    """A fault, the check that meets it, what the load balancer sees, and what hctrace says."""

    id: str
    seen: str  # Seen.result; "a/b" when either may come first
    expect: Expect
    check: Callable = lab_checks.http
    port: int = 8202
    timeout: int = 1
    target: str = lab_module.BACKEND
    fault: Sequence[str] = ()  # commands in the backend
    setup: Optional[Callable] = None  # setup(lab), may be a context manager; before the fault
    router: Sequence[str] = ()  # commands in the router
    options: Sequence[str] = ()
    second_link: bool = False
    host_wide: bool = False  # the fault hits all of IPv4: the neighbour is checked over IPv6
    fixes: bool = False  # there is a fix_command; where there is one it is always run, see fixes.py
    no_fix: Optional[str] = None  # why no command makes the next check pass
    opens: Optional[str] = None  # why others, too, get through once the fix is applied

    def __str__(self):
        return self.id


def params(cases):
    return {"argvalues": cases, "ids": str}


__all__ = ["apply_fix"]  # of fixes.py, for those tests that play no Case


def run_case(case, make_lab, trace):
    """Plays CASE with a healthy neighbour beside it; returns the run, the probe and the lab."""
    lab = make_lab(second_link=case.second_link)
    recording = getattr(trace, "recording", False)
    with contextlib.ExitStack() as stack:
        ready = case.setup(lab) if case.setup else None
        if hasattr(ready, "__enter__"):
            stack.enter_context(ready)
        for command in case.fault:
            lab.backend.run("sh", "-c", command)
        for command in case.router:
            lab.router.run("sh", "-c", command)
        if recording and case.port:  # the neighbour stays out of what is recorded
            case = replace(case, options=(*case.options, "--port", case.port))
        run = trace(lab, "--timeout", case.timeout, *case.options)
        beside = lab_checks.Later(
            lab_checks.http, lab, 80, timeout=3, node=1,
            target=lab_module.BACKEND6 if case.host_wide else lab_module.BACKEND)
        # the load balancer has the same patience as hctrace is told
        seen = case.check(lab, case.port, timeout=case.timeout, target=case.target)
        assert seen.result in case.seen.split("/"), f"the lab is wrong: {seen}"
        run.knows(seen, case.expect.verdict)
        line = run.probe(seen)
        neighbour = beside.result()
        assert neighbour.status == 200, f"the lab is wrong: {neighbour}"
        run.knows(neighbour, "healthy")
        wrong = case.expect.compare(line)
        if wrong and line["verdict"] == "unknown":
            raise UnknownVerdict(f"not {case.expect.verdict}\n{json.dumps(line, indent=1)}")
        assert not wrong, "\n".join(wrong) + f"\n{json.dumps(line, indent=1)}"
        if not recording:
            wrong = HEALTHY_HTTP.compare(run.probe(neighbour))
            assert not wrong, "the healthy neighbour: " + "\n".join(wrong)
        told = None
        if not recording:
            told = len(run.lines)
            assert line["fix_command"] or not case.fixes, f"no command: {line['fix']}"
            settle(case, lab, run, line, trace.tell)
        failed = line["outcome"] == "fail"
        run.stop(status=FAILED if failed else HEALTHY if line["outcome"] == "pass" else None)
        of_check = list(filter(Hctrace.is_of(seen), run.lines[:told]))
        assert len(of_check) == 1, f"one probe, one verdict: {of_check}"
        return run, line, seen
