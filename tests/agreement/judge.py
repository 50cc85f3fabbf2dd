# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The client's word beside hctrace's."""
from dataclasses import dataclass

from model import DOWN, UP
from situations import SITUATIONS

LAB, WRONG, UNKNOWN, LIKELY, ONLY, AGREE = "lab", "wrong", "unknown", "likely", "only", "agree"
WORST_FIRST = (WRONG, UNKNOWN, LIKELY, ONLY, AGREE)
NOTHING = "no probe"  # what hctrace says of a check that it did not take for one


@dataclass
class Result:
    client: str
    row: object
    word: str  # of the client
    said: str  # in the client's own terms
    result: str  # one of the above
    verdict: str = NOTHING  # of hctrace's worst probe
    outcome: str = ""
    confidence: str = ""
    probes: int = 0
    why: str = ""
    gap: str = ""  # what hctrace is known not to do yet, see known_gaps

    @property
    def id(self):
        return f"{self.client}: {self.row.id}"

    @property
    def is_gap(self):
        return bool(self.gap) and self.result == WRONG


def judge_probe(row, probe):
    """What hctrace's word of one probe is worth, the client's being as the row expects."""
    outcome, verdict = probe["outcome"], probe["verdict"]
    if outcome == "unknown":
        return UNKNOWN
    if outcome == "pass" and row.word == DOWN:
        return ONLY if row.only else WRONG
    if outcome == "fail" and row.word == UP or verdict not in row.right:
        return WRONG
    return AGREE if probe["confidence"] == "certain" else LIKELY


def judge(client, row, word, said, probes, checks):
    """The result of a ROW whose client said WORD while hctrace told PROBES: its worst one's.

    CHECKS is about how many the client made.  When hctrace tells less than half of them, it missed
    some: each is a probe, on a kept connection, too.
    """
    if word != row.word:
        return Result(client, row, word or "nothing", said, LAB, probes=len(probes))
    told = sum(probe["verdict"] != "no-probe" for probe in probes)
    if word == row.word and told * 2 < checks:
        return Result(client, row, word, said, WRONG, probes=told,
                      verdict=f"{told} of some {checks} checks" if told else NOTHING)
    judged = [(judge_probe(row, probe), probe) for probe in probes]
    result, worst = min(judged, key=lambda one: WORST_FIRST.index(one[0]))
    return Result(client, row, word, said, result, worst["verdict"], worst["outcome"],
                  worst["confidence"], len(probes), worst.get("why") or worst.get("note") or "")


def read_gaps(path):
    """Result.id -> what hctrace lacks, of a file with such headings in brackets."""
    gaps, heading = {}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            heading = line.strip("[]")
        elif line and not line.startswith("#"):
            gaps[line] = heading
    return gaps


def is_fault(row):
    """Whether something is wrong in it, though the client may not care."""
    return SITUATIONS[row.situation].right != ("healthy",)
