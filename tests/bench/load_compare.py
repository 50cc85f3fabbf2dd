# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace's lines against what the load balancer saw: each probe one verdict, and the right one."""
import collections
import json

KEPT = 20  # examples of mistakes


def read_truth(paths):
    """{name of a probe: what the load balancer saw}, of lb_load's files."""
    truth = {}
    for path in paths:
        with open(path, encoding="ascii") as f:
            for line in f:
                _, lb, lb_port, target, port, _, seen, _ = line.split(" ")
                if seen != "not-sent":
                    truth[lb, int(lb_port), target, int(port)] = seen
    return truth


def name_of(probe):
    """The name that a probe has on both sides."""
    lb, target = probe["lb"], probe["target"]
    return lb["addr"], lb["port"], target["addr"], target["port"] or 0


class Comparison:
    """Counts; RIGHT has, by target, the verdict for each thing that may be seen of it."""

    def __init__(self, truth, right):
        self.truth, self.right_of = truth, right
        self.told = set()
        self.right = self.unknown = self.wrong = self.twice = self.extra = 0
        self.strange = collections.Counter()  # (port, seen): the lab's, not what the fault makes
        self.verdicts = collections.Counter()
        self.mistakes = collections.Counter()  # (port, seen, verdict)
        self.lost = collections.Counter()  # by point
        self.rules_named = self.rules_wrong = 0  # of the firewall; each of the lab's names its port
        self.examples = []
        self.end = {}

    def read(self, path):
        with open(path, encoding="utf-8") as f:
            for text in f:
                line = json.loads(text)
                if line["type"] == "probe":
                    self._probe(line)
                elif line["type"] == "lost":
                    self.lost[line["point"]] += line["count"]
                elif line["type"] == "end":
                    self.end = line
        return self

    def _probe(self, line):
        verdict, name = line["verdict"], name_of(line)
        if verdict == "no-probe":  # of a target that nothing came for
            return
        seen = self.truth.get(name)
        if seen is None:
            self.extra += 1
            self._example("a probe that was none", line)
        elif name in self.told:
            self.twice += 1
            self._example("told twice", line)
        else:
            self.told.add(name)
            self.verdicts[verdict] += 1
            self._judge(name[3], seen, self.right_of[name[2:]].get(seen), line)

    def _judge(self, port, seen, right, line):
        verdict = line["verdict"]
        if right is None:
            self.strange[port, seen] += 1
            self._example(f"the lab is strange: {seen}", line)
        elif verdict == right:
            self.right += 1
            self._judge_rule(port, line)
        else:
            self.unknown += verdict == "unknown"
            self.wrong += verdict != "unknown"
            self.mistakes[port, seen, verdict] += 1
            self._example(f"{seen}: should be {right}", line)

    def _judge_rule(self, port, line):
        where = line["where"] or {}
        if not where.get("text") or where["confidence"] == "guess":
            return
        self.rules_named += 1
        if f"port {port} " not in where["text"]:
            self.rules_wrong += 1
            self._example("another rule", line)

    def _example(self, why, line):
        if len(self.examples) < KEPT:
            self.examples.append((why, line))

    def missing(self, truth=None):
        """Names, of TRUTH or of all, that hctrace has no verdict for."""
        return [name for name in truth or self.truth if name not in self.told]

    def result(self):
        def flat(counter):
            return {" ".join(map(str, key)): n for key, n in counter.most_common(KEPT)}

        missing = self.missing()
        return {
            "probes": len(self.truth), "told": len(self.told), "right": self.right,
            "unknown": self.unknown, "wrong": self.wrong, "twice": self.twice,
            "extra": self.extra, "missing": len(missing), "lost": self.end.get("lost"),
            "lost_by_point": dict(self.lost), "other_requests": self.end.get("other_requests"),
            "unfinished": self.end.get("unfinished"),
            "rules_named": self.rules_named, "rules_wrong": self.rules_wrong,
            "lab_strange": flat(self.strange),
            "mistakes": flat(self.mistakes),
            "missing_by_port": flat(collections.Counter((name[3],) for name in missing)),
            "verdicts": dict(self.verdicts.most_common()),
        }
