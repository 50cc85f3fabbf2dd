# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace record as a child, and the report of what it wrote."""
import json
import signal
import subprocess
import time

from harness import ENV


class Record:
    """hctrace record as a child in the lab's backend."""

    def __init__(self, binary, lab, *options, wrap=(), inside=True, stderr=None):
        self.binary, self.lab = binary, lab
        self.path = f"{lab.tmp}/run.hct"
        argv = [*wrap, binary, "record", "-o", self.path, *map(str, options)]
        self.stderr_path = f"{lab.tmp}/record.stderr"
        with open(self.stderr_path, "w", encoding="utf-8") as out:
            self.started = time.monotonic()
            self.child = subprocess.Popen(lab.backend.argv(*argv) if inside else argv,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=stderr or out, env=ENV)
        if not stderr:
            self.wait_said("recording health checks")

    @property
    def stderr(self):
        with open(self.stderr_path, encoding="utf-8") as f:
            return f.read()

    def wait_said(self, words, within=20):
        deadline = time.monotonic() + within
        while words not in self.stderr:
            assert self.child.poll() is None and time.monotonic() < deadline, self.stderr
            time.sleep(0.01)
        return time.monotonic() - self.started

    def end(self, status=None, how=signal.SIGINT):
        if self.child.poll() is None:
            self.child.send_signal(how)
        out, _ = self.child.communicate(timeout=30)
        assert not out, out
        assert "Sanitizer" not in self.stderr and "runtime error" not in self.stderr, self.stderr
        if status is not None:
            assert self.child.returncode == status, self.stderr
        return self.child.returncode

    def report(self):
        return Report(self.binary, self.path)


class Report:
    """The objects of a recording's report."""

    def __init__(self, binary, path):
        done = subprocess.run([binary, "report", "--json", path], capture_output=True, text=True,
                              timeout=60, env=ENV)
        assert "Sanitizer" not in done.stderr, done.stderr
        self.lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.status = done.returncode
        self.recording, = [one for one in self.lines if one["type"] == "recording"]
        self.probes = [one for one in self.lines if one["type"] == "probe"]
        self.sources = [one["lb"]["port"] for one in self.probes]

    def state(self, name, at):
        found, = [s for s in self.recording["host_state"] if s["name"] == name and s["at"] == at]
        return found["text"]


def until(found, within=5):
    deadline = time.monotonic() + within
    while not found() and time.monotonic() < deadline:
        time.sleep(0.05)
    return found()
