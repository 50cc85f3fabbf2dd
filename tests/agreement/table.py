# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What was played, as text and as doc/agreement.md."""
import faults
from judge import AGREE, LAB, LIKELY, ONLY, UNKNOWN, WRONG, is_fault
from situations import SITUATIONS

HEAD = """# Agreement
Real health-check clients check real services, many with faults, in a lab of network namespaces. Beside
each client's own word stands hctrace's. Written by `make agreement`; the rows are data in `tests/agreement/`.

- *agree*: the same outcome, for a cause that is right, and certain.
- *likely*: the same, but hctrace says that it is not certain, or that it does not know (`unknown`).
- *client*: only the client can know: an expected string, or its trust in a certificate.
- *wrong*: another outcome, a wrong cause, or no probe at all. The worst of a row's probes counts.
- *gap*: wrong, in what hctrace is known not to do yet (`tests/agreement/known_gaps`), and not counted below.

Not here: keepalived and ldirectord check nothing without IPVS, which the kernel that this was run on lacks
("IPVS: Can't initialize ipvs").
"""


def words_of(name):
    situation = SITUATIONS[name]
    later = ", later" if situation.late and situation.fault else ""
    return (faults.words(situation.fault) or situation.words
            or f"{situation.service}: {name}") + later


def spoken(result):
    """hctrace's word, in one phrase."""
    if not result.outcome:
        return result.verdict
    sure = "" if result.confidence == "certain" else f", {result.confidence}"
    return f"{result.outcome.upper()} {result.verdict}{sure}"


class Report:
    def __init__(self, results, problems, skipped):
        self.results = results
        self.problems = problems  # groups that could not be played
        self.skipped = skipped  # group -> (its rows, what is not installed)

    def count(self, *kinds, client=None, gap=False):
        return sum(r.result in kinds and r.is_gap == gap and client in (None, r.client)
                   for r in self.results)

    def summary(self):
        lines = ["| client | rows | faults | agree | likely | client | wrong | gap |",
                 "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
        clients = sorted({r.client for r in self.results}, key=str.lower)
        for client in [*clients, None]:
            own = [r for r in self.results if client in (None, r.client)]
            cells = (client or "**all**", len(own), sum(is_fault(r.row) for r in own),
                     self.count(AGREE, client=client), self.count(LIKELY, UNKNOWN, client=client),
                     self.count(ONLY, client=client), self.count(WRONG, client=client),
                     self.count(WRONG, client=client, gap=True))
            lines.append(f"| {' | '.join(map(str, cells))} |")
        return lines

    def share(self):
        if not self.results:
            return "no row was played"
        faulty = 100 * sum(is_fault(r.row) for r in self.results) / len(self.results)
        unsure = 100 * self.count(LIKELY, UNKNOWN) / len(self.results)
        return (f"{len(self.results)} rows, {faulty:.0f} % with faults; `likely` and `unknown` "
                f"together {unsure:.0f} %; known gaps: {self.count(WRONG, gap=True)}.")

    @staticmethod
    def line(r):
        right = " or ".join(r.row.right)
        return (f"{r.client}, {r.row.check.id}: {words_of(r.row.situation)}: client {r.word} ({r.said}), "
                f"hctrace {spoken(r)}, right is {right}")

    def notes(self):
        """What needs somebody's attention: (heading, lines)."""
        by_kind = {}
        for r in self.results:
            if r.result == LAB:
                by_kind.setdefault("The lab is wrong: the client does not say what the row expects",
                                   []).append(f"{self.line(r)}; expected {r.row.word}")
            elif r.is_gap:
                by_kind.setdefault(f"Known gap: {r.gap}", []).append(self.line(r))
            elif r.result == WRONG:
                by_kind.setdefault(f"Wrong, {r.row.check.kind}", []).append(self.line(r))
            elif r.gap and r.result != LAB:
                by_kind.setdefault("No gap any more: take the marks out of these rows",
                                   []).append(self.line(r))
        if self.problems:
            by_kind["Not played"] = self.problems
        for group, (own, lacking) in self.skipped.items():
            by_kind.setdefault("Skipped", []).append(
                f"{group}: {len(own)} rows: not installed: {' '.join(lacking)}")
        return sorted(by_kind.items())

    def text(self):
        lines = []
        for heading, own in self.notes():
            lines += [f"{heading}:", *(f"  {line}" for line in own), ""]
        return "\n".join([*lines, *self.summary(), "", self.share()])

    def markdown(self):
        lines = [HEAD, *self.summary(), "", self.share(), "", self.closing_line()]
        for heading, own in self.notes():
            lines += ["", f"## {heading}", *(f"- {line}" for line in own)]
        lines += ["", "## Row by row",
                  "| client | check | kind | service and fault | client says | hctrace says | |",
                  "| --- | --- | --- | --- | --- | --- | --- |"]
        for r in sorted(self.results, key=lambda r: (r.client.lower(), r.row.check.kind)):
            result = "gap" if r.is_gap else r.result
            cells = (r.client, r.row.check.id, r.row.check.kind, words_of(r.row.situation),
                     f"{r.word} ({r.said})", spoken(r), result)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        return "\n".join(lines) + "\n"

    def failures(self):
        return self.count(WRONG, LAB) + len(self.problems)

    def closing_line(self):
        skipped = sum(len(own) for own, _ in self.skipped.values())
        return (f"{self.count(AGREE, LIKELY, UNKNOWN, ONLY)} passed, {self.failures()} failed, "
                f"{skipped} skipped")

    def is_good(self):
        return bool(self.results) and not self.failures()
