# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a row is: a client's check of a service with a fault, and what is true of it.

To add a row, name a situation in the rows of a client (clients/); to add a situation, give its
service or script, its fault and its right verdicts (situations.py, situations_more.py); a fault of
the network is a rule in faults.py; a client is a class with a group, in a file of its own.
"""
from dataclasses import dataclass, field

UP, DOWN = "UP", "DOWN"


@dataclass(frozen=True)
class Situation:
    """A service, what is wrong with it or with the way to it, and the verdicts that are right."""

    service: str  # of services.py
    settings: dict = field(default_factory=dict)  # the service's
    fault: str = ""  # of faults.py
    right: tuple = ("healthy",)  # when the client says DOWN, any of these is the cause
    words: str = ""  # for the table
    late: bool = False  # the fault comes when the client has said UP


@dataclass(frozen=True)
class Check:
    """One kind of check that a client makes."""

    id: str
    kind: str  # plain-http tcp tls protocol kept
    how: object = None  # the client's own: a line of its configuration, arguments, …


@dataclass(frozen=True)
class Row:
    check: Check
    situation: str
    word: str  # what the client must say, or the lab is wrong
    right: tuple  # verdicts
    only: str = ""  # why only the client can know that it is DOWN
    short: bool = False  # in CI, too

    @property
    def id(self):
        return f"{self.check.id}/{self.situation}"


@dataclass
class Place:
    """Where a row is played: its address and port in the lab."""

    row: Row
    target: str
    port: int
    source: str  # the client's own address, where it can be told one
    service: object = None  # the process, where it has one of its own

    @property
    def id(self):
        return self.row.id


def rows(check, up="", down="", right=None, only=None, short=""):
    """Rows of CHECK: names of situations by the client's word.

    A situation that is UP must be `healthy`, one that is DOWN have one of the situation's own
    verdicts, unless RIGHT (situation -> verdicts) says otherwise.  ONLY (why -> situations) names
    what none but the client can know.
    """
    from situations import SITUATIONS  # here, because it imports this module

    def reason(table, name):
        return next((why for why, names in (table or {}).items() if name in names.split()), "")

    made = []
    for word, names in ((UP, up), (DOWN, down)):
        for name in names.split():
            verdicts = ("healthy",) if word == UP else SITUATIONS[name].right
            if name in (right or {}):
                verdicts = tuple(right[name].split())
            made.append(Row(check, name, word, verdicts, reason(only, name),
                            name in short.split()))
    return made
