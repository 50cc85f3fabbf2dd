# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Plays the rows of one client in one lab: services, faults, hctrace, the client; then judges.

All rows run at once, each on a port of its own (an ICMP check: on an address of its own).  The
faults are there before the client starts, so that every probe of hctrace's counts, but for those
that were not over when the client was asked for its last word.
"""
import contextlib
import datetime
import json
import signal
import subprocess
import threading
import time

import faults
import services
from judge import judge
from lab import BACKEND, LB_NODES, PATIENCE, RANGE, Lab
from model import UP, Place
from situations import SITUATIONS

FIRST_PORT = 7001
MARGIN_S = 0.3  # beyond a check's timeout, until it is surely over


def situation_of(place):
    return SITUATIONS[place.row.situation]


def make_places(lab, rows):
    places = []
    for number, row in enumerate(rows):
        target = BACKEND
        if row.check.kind == "icmp":
            target = f"192.168.0.{100 + number}"
            lab.backend.ip(f"addr add {target}/24 dev eth0")
        source = faults.SOURCES.get(SITUATIONS[row.situation].fault, LB_NODES[0])
        places.append(Place(row, target, FIRST_PORT + number, source))
    return places


class Hctrace:
    """hctrace in the backend; its lines are read as they come."""

    def __init__(self, lab, binary, options):
        self.lines = []
        self.log = f"{lab.tmp}/hctrace.stderr"
        with open(self.log, "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(
                lab.backend.argv(binary, "live", "--json", *map(str, options)),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True)  # Lab.stop() ends it by that
        lab.children.append(self.child)
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._started.wait(30 * PATIENCE):
            with open(self.log, encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"hctrace did not start: {f.read()}")

    def _read(self):
        for text in self.child.stdout:
            self.lines.append(json.loads(text))
            self._started.set()

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        self.child.wait(30 * PATIENCE)
        self._reader.join(5)
        if not self.lines or self.lines[-1]["type"] != "end":
            with open(self.log, encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"hctrace ended with {self.child.returncode}: {f.read()}")


def wait_for_words(client, places):
    """Until every client has said what its row expects, long enough for two checks; at most MOST.

    What is said earlier may be of a check before the first, as some begin with UP.
    """
    start = time.monotonic()
    while True:
        time.sleep(0.3)
        waited = time.monotonic() - start
        if client.child and client.child.poll() is not None:
            raise RuntimeError(f"{client.name} ended with {client.child.returncode}: {client.log()}")
        if waited < client.least * PATIENCE:
            continue
        words = client.words()
        if waited > client.most * PATIENCE:
            return words
        if client.settled(words):
            return words


def turn(lab, places, client):
    """Waits until the client has said UP where the fault comes late, and lets it come.

    Returns the ids of the places where it did not say so.
    """
    time.sleep(client.least * PATIENCE)
    words = client.words()
    faults.lay(lab, places, lambda place: situation_of(place).fault, "late")
    if hasattr(lab, "odd_server"):
        lab.odd_server.send_signal(signal.SIGUSR1)
    return {p.id for p in places if words.get(p.id, ("", ""))[0] != UP}


def probes_of(lines, place, since, over):
    """hctrace's objects of a place whose checks began from SINCE to OVER (wall clock)."""
    found = []
    for line in lines:
        if line["type"] != "probe":
            continue
        target = line["target"]
        began = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()
        if not since < began < over or target["addr"] != place.target:
            continue
        if place.row.check.kind == "icmp" or target["port"] == place.port:
            found.append(line)
    return found


def play(client_class, rows, binary, keep=None):
    """Plays ROWS; returns their results.  KEEP: a file for hctrace's own lines."""
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        places = make_places(lab, rows)
        services.start(lab, places, situation_of)
        late = [place for place in places if situation_of(place).late]
        faults.lay(lab, [place for place in places if place not in late],
                   lambda place: situation_of(place).fault)
        lab.lb.run("ping", "-c1", "-W1", "-I", LB_NODES[0], BACKEND, check=False)  # neighbours
        client = client_class(lab, places)
        stack.callback(client.close)
        trace = Hctrace(lab, binary, ("--from", RANGE, "--timeout", client.timeout, "--interval",
                                      client.interval, *client.options))
        began = turned = time.time()
        client.start()
        never_up = set()
        if late:
            never_up = turn(lab, late, client)
            turned = time.time()
        words = wait_for_words(client, places)
        over = time.time() - client.timeout - MARGIN_S
        client.close()
        trace.stop()
        if keep:
            with open(keep, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(line) + "\n" for line in trace.lines)
        results = []
        for place in places:
            since = turned if place in late else began
            word, said = words.get(place.id, ("", ""))
            if place.id in never_up:
                word, said = "", "not UP before the fault"
            results.append(judge(client.name, place.row, word, said, probes_of(
                trace.lines, place, since, over), max(1, client.checks(place, since, over))))
        return results
