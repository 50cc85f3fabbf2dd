# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables, as text or as Markdown, and the numbers in them."""
import statistics


def median(values):
    return statistics.median(values)


def with_spread(values, form="{:.0f}"):
    """The median, and from what to what the values went."""
    low, high = form.format(min(values)), form.format(max(values))
    middle = form.format(median(values))
    return middle if low == high else f"{middle} ({low}…{high})"


def ratio(values, basis):
    """The median of the ratios to what was measured in the same repetition, as a change in %."""
    changes = [100 * (a / b - 1) for a, b in zip(values, basis)]
    return with_spread(changes, "{:+.1f}") + " %"


class Page:
    """Headings, sentences and tables; printed as they come."""

    def __init__(self, out, markdown):
        self._out, self._markdown = out, markdown

    def _line(self, text=""):
        print(text, file=self._out, flush=True)

    def heading(self, text):
        self._line()
        self._line(f"## {text}" if self._markdown else f"== {text}")
        if self._markdown:
            self._line()

    def say(self, text):
        self._line(text)
        if self._markdown:
            self._line()

    def table(self, head, rows):
        """HEAD and ROWS of texts; the first column is left-aligned, the others are numbers."""
        rows = [[str(cell) for cell in row] for row in rows]
        if self._markdown:
            self._line("| " + " | ".join(head) + " |")
            right = "---:" if len(head) > 2 else "---"
            self._line("| --- |" + f" {right} |" * (len(head) - 1))
            for row in rows:
                self._line("| " + " | ".join(row) + " |")
            self._line()
            return
        width = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
        for line in (head, *rows):
            self._line("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                                 for i, (cell, w) in enumerate(zip(line, width))).rstrip())
        self._line()

    def pairs(self, rows):
        """What things are, a line each."""
        if self._markdown:
            self.table(("", ""), rows)
            return
        width = max(len(row[0]) for row in rows)
        for name, value in rows:
            self._line(f"{name:{width}}  {value}")
