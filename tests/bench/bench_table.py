# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables, as text or as Markdown, and the numbers in them."""
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what was."""

    text: str
    measured: str
    met: bool


def median(values):
    return statistics.median(values)


def with_spread(values, form="{:.0f}"):
    """The median, and from what to what the values went."""
    low, high = form.format(min(values)), form.format(max(values))
    middle = form.format(median(values))
    return middle if low == high else f"{middle} ({low}…{high})"


def changes(values, basis):
    """The changes in % from what was measured in the same repetition."""
    return [100 * (a / b - 1) for a, b in zip(values, basis)]


def change(values, basis):
    return with_spread(changes(values, basis), "{:+.1f}") + " %"


class Page:
    """Headings, sentences and tables; printed as they come."""

    def __init__(self, out, markdown):
        self._out, self._markdown = out, markdown

    def _line(self, text=""):
        print(text, file=self._out, flush=True)

    def heading(self, text):
        self._line(f"## {text}" if self._markdown else f"== {text}")
        if self._markdown:
            self._line()

    def say(self, text):
        self._line(text)
        if self._markdown:
            self._line()

    def table(self, head, rows, words=False):
        """HEAD and ROWS of texts; left-aligned are the first column, and all where it is WORDS."""
        rows = [[str(cell) for cell in row] for row in rows]
        if self._markdown:
            self._line("| " + " | ".join(head) + " |")
            self._line("| --- |" + (" --- |" if words else " ---: |") * (len(head) - 1))
            for row in rows:
                self._line("| " + " | ".join(row) + " |")
            self._line()
            return
        width = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
        for line in (head, *rows):
            self._line("  ".join(cell.ljust(w) if words or i == 0 else cell.rjust(w)
                                 for i, (cell, w) in enumerate(zip(line, width))).rstrip())
        self._line()

    def goals(self, goals):
        self.heading("Goals")
        self.table(("goal", "measured", "met"),
                   [(goal.text, goal.measured, "yes" if goal.met else "no") for goal in goals],
                   words=True)

    def pairs(self, rows):
        """What things are, a line each."""
        if self._markdown:
            self.table(("", ""), rows, words=True)
            return
        width = max(len(row[0]) for row in rows)
        for name, value in rows:
            self._line(f"{name:{width}}  {value}")
        self._line()
