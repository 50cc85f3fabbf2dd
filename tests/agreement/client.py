# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What every client has, and the one that is a program with an exit status."""
import contextlib
import glob
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

from model import DOWN, UP


class Client:
    """A client that runs and checks all places by itself.  Times are in seconds."""

    group = ""  # what `run` calls it; a class without one is no client
    name = ""  # as in the table
    programs = ()  # what must be installed
    rows = ()
    timeout = 1
    interval = 2
    least = 7  # at least two checks of each row
    most = 20
    options = ()  # more of hctrace's

    def __init__(self, lab, places):
        self.lab, self.places = lab, places
        self.child = None

    @classmethod
    def missing(cls):
        return [p for p in cls.programs if not shutil.which(p, path=PATH)]

    def start(self):
        raise NotImplementedError

    def words(self):
        """Place id -> (UP or DOWN, the same in the client's own terms)."""
        raise NotImplementedError

    def log(self):
        """What it printed, for a client started as self.child."""
        return "".join(Path(one).read_text(encoding="utf-8", errors="replace")
                       for one in sorted(glob.glob(f"{self.lab.tmp}/client-*.log")))

    def checks(self, place, since, over):
        """About how many checks it made of PLACE in that time (wall clock)."""
        return int((over - since) / self.interval)

    def settled(self, words):
        """Whether there is no need to ask again."""
        return all(words.get(p.id, ("", ""))[0] == p.row.word for p in self.places)

    def close(self):
        if self.child:
            self.lab.stop(self.child)
            self.child = None


PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/lib/nagios/plugins"


class Repeated(Client):
    """A program that makes one check and tells by its exit status; each row's runs every INTERVAL."""

    runs = 3
    most = 25
    least = 0

    def __init__(self, lab, places):
        super().__init__(lab, places)
        self.heard = {}  # place id -> [(word, said)]
        self.begun = {}  # place id -> [when (wall clock)]
        self._stop = threading.Event()
        self._threads = []

    def argv(self, place):
        raise NotImplementedError

    def word(self, place, done):
        """UP or DOWN, and what was said, of a run that is DONE."""
        return (UP if done.returncode == 0 else DOWN), f"exit {done.returncode}"

    def check(self, place):
        done = subprocess.run(self.lab.lb.argv(*self.argv(place)), stdin=subprocess.DEVNULL,
                              text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=dict(os.environ, PATH=PATH, LC_ALL="C"))
        return self.word(place, done)

    def _repeat(self, place, delay):
        next_time = time.monotonic() + delay
        # on and on, until the last row has had its runs: hctrace would miss the checks
        while not self._stop.wait(max(0, next_time - time.monotonic())):
            self.begun.setdefault(place.id, []).append(time.time())
            word = self.check(place)
            self.heard.setdefault(place.id, []).append(word)
            next_time += self.interval

    def start(self):
        for number, place in enumerate(self.places):
            delay = self.interval * number / len(self.places)  # not all at the same moment
            thread = threading.Thread(target=self._repeat, args=(place, delay), daemon=True)
            self._threads.append(thread)
            thread.start()

    def words(self):
        """One word where all runs agree, both where they do not; none before the last run."""
        said = {}
        for place in self.places:
            heard = self.heard.get(place.id, [])
            if len(heard) >= self.runs:
                word = "/".join(sorted({word for word, _ in heard}))
                said[place.id] = word, heard[-1][1]
        return said

    def checks(self, place, since, over):
        return sum(since < when < over for when in self.begun.get(place.id, ()))

    def settled(self, words):
        return len(words) == len(self.places)  # what it said will not change

    def close(self):
        self._stop.set()
        with contextlib.suppress(RuntimeError):
            for thread in self._threads:
                thread.join(10)
