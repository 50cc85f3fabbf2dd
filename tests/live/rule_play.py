# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Plays a rule set: the rule is named by the second probe at the latest, and the printed fix works.

Before hctrace runs, the rule is made to accept what it matches: the check must pass then, so it is
that rule and no other.
"""
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Callable, Optional, Sequence

import lab_checks
import lab_services
from fixes import beside, may_fix
from harness import FAILED, HEALTHY, Expect, Hctrace
from lab import BACKEND
from rule_sets import Culprit, Rules

PORT = 8202
INTERVAL = 1.2
BY_HOOK = {"FORWARD": "forward-drop", "OUTPUT": "reply-dropped", "POSTROUTING": "reply-dropped"}
SURE = ("certain", "likely", "guess")


@dataclass(frozen=True)
class RuleCase:
    """A rule set, the check that meets it, and what the load balancer sees."""

    id: str
    rules: Sequence[Rules]
    seen: str = "timeout"
    hook: str = "INPUT"
    verdict: Optional[str] = None  # by default what the hook implies
    code: Optional[str] = "CONNECT_TIMEOUT"
    outcome: Optional[str] = None
    check: Callable = lab_checks.http
    port: int = PORT
    target: str = BACKEND
    timeout: float = 1
    before: Sequence[str] = ()  # commands in the backend, ahead of the rules
    setup: Optional[Callable] = None  # setup(lab)
    container: bool = False
    inside: bool = False  # the rules are the container's
    control: bool = True  # another packet does not change what the rule does
    well: str = "http"  # what the load balancer sees without the rule
    healthy: str = "healthy"  # the verdict then
    options: Sequence[str] = ()
    during: Optional[Callable] = None  # during(lab): a context manager around the probes
    why: Sequence[str] = ()
    fix: Sequence[str] = ()  # what the fix says besides working
    show: Sequence[str] = ()  # what the command says that only looks
    no_fix: Optional[str] = None  # why no command makes the next check pass, see fixes.py
    opens: Optional[str] = None
    where: dict = field(default_factory=dict)

    def __str__(self):
        return self.id

    def expect(self, named):
        """What the line says, when the rule is NAMED: a guess may be wrong."""
        return Expect(self.verdict or BY_HOOK.get(self.hook, "firewall-drop"), self.code,
                      outcome=self.outcome, where=dict(self.where, hook=self.hook),
                      why=self.why if named else (), fix=self.fix if named else (),
                      show=self.show if named else ())


def params(cases):
    return {"argvalues": cases, "ids": str}


def next_interval(started):
    """Waits for the next check of a load balancer with the shortest interval there is."""
    time.sleep(max(0, started + INTERVAL - time.monotonic()))


def probe(case, lab, run):
    """A check; returns what was seen and hctrace's line."""
    seen = case.check(lab, case.port, timeout=case.timeout, target=case.target)
    return seen, run.probe(seen)


def build(case, make_lab):
    """The lab with the rules loaded, and the rule to be named."""
    lab = make_lab(nginx=not case.container, container=case.container)
    if case.container:
        lab_services.Nginx(lab, space=lab.container, ports={80: 'return 200 "ok\\n";'})
    if case.setup:
        case.setup(lab)
    for command in case.before:
        lab.backend.run("sh", "-c", command)
    space = lab.container if case.inside else lab.backend
    for rules in case.rules:
        rules.load(space)
    (marked,) = [rules for rules in case.rules if rules.place()]
    culprit = Culprit(marked, space)
    if case.control:
        with culprit.accepting():
            seen = case.check(lab, case.port, timeout=2, target=case.target)
            assert seen.result == case.well, f"the lab is wrong: it is not that rule: {seen}"
    return lab, culprit


def describe(line):
    return "\n" + json.dumps(line, indent=1)


def check_named(line, culprit, confidence=("certain",)):
    where = line.get("where") or {}
    wrong = culprit.compare(where)
    if where.get("confidence") not in confidence:
        wrong.append(f"where.confidence is {where.get('confidence')!r}, not {confidence}")
    assert not wrong, "\n".join(wrong) + describe(line)


def mend(lab, line):
    """Carries out the fix, where hctrace runs."""
    lab.backend.run("bash", "-c", line["fix_command"])


def play(case, make_lab, trace):
    """Returns the run and the lines of its probes."""
    lab, culprit = build(case, make_lab)
    with case.during(lab) if case.during else contextlib.nullcontext():
        return _play(case, lab, culprit, trace)


def _play(case, lab, culprit, trace):
    run = trace(lab, "--timeout", case.timeout, *case.options)
    lines = []
    for number in (1, 2):
        started = time.monotonic()
        seen, line = probe(case, lab, run)
        assert seen.result in case.seen.split("/"), f"the lab is wrong: {seen}"
        run.knows(seen, case.expect(False).verdict)
        where = line.get("where") or {}
        assert where.get("confidence") in SURE, describe(line)
        wrong = case.expect(where["confidence"] != "guess").compare(line)
        assert not wrong, "\n".join(wrong) + describe(line)
        lines.append(line)
        # a guess names candidates; whoever is surer than that must be right
        if number == 2 or where["confidence"] != "guess":
            check_named(line, culprit, ("certain",) if number == 2 else SURE)
        if number == 1 and case.seen == "timeout" and case.timeout > 1:
            check_named(line, culprit)
        next_interval(started)
    if may_fix(case, line, trace.tell):
        before = beside(case, lab, line)
        mend(lab, line)
        seen, line = probe(case, lab, run)
        assert seen.result == case.well, f"the fix does not work: {seen}: {lines[-1]['fix']}"
        run.knows(seen, case.healthy)
        assert line["verdict"] == case.healthy, describe(line)
        lines.append(line)
        assert before == (after := beside(case, lab, lines[-2])), \
            f"{lines[-2]['fix']} changed more than that: {before} before, {after} after"
    run.stop(FAILED if lines[0]["outcome"] == "fail" else HEALTHY)
    of_lab = [one for one in run.of_type("probe") if one["lb"]["addr"] == seen.lb
              and one["target"]["port"] in (case.port, None)]
    assert len(of_lab) == len(lines), f"one probe, one verdict: {run.dump()}"
    assert Hctrace.is_of(seen)(of_lab[-1])
    return run, lines
