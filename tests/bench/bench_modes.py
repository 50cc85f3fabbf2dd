# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who watches while something is measured: nobody, hctrace in its modes, tcpdump, bpftrace."""
import contextlib
import os
import re
import signal
import subprocess
import time

import lab_checks
from bench_bpf import counts_of
from lab import RANGE

READY_S = 20
FAILING_NODE = 1  # whose checks the backend's firewall drops, by DROP_RULES, in every mode
DROP_RULES = """
table inet guard {
    chain input {
        type filter hook input priority 0;
        ip saddr %s tcp dport 80 counter drop
    }
}"""


class Watcher:
    """A program that runs beside what is measured; a context manager."""

    name = "nothing"

    def __init__(self, bench):
        self.bench = bench
        self.child = None

    def argv(self):
        return None

    def ready(self):
        """True when it watches."""
        return True

    def __enter__(self):
        argv = self.argv()
        if not argv:
            return self
        self.log = f"{self.bench.lab.tmp}/watcher.log"
        with open(self.log, "w", encoding="utf-8") as out:
            # a killed benchmark leaves no watcher behind
            self.child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          start_new_session=True)
        deadline = time.monotonic() + READY_S
        while not self.ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"{' '.join(argv)}: {self.text()}")
            time.sleep(0.01)
        return self

    def __exit__(self, *exc):
        if not self.child:
            return
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def cpu(self):
        """Seconds of processor time that it has taken so far, all its threads."""
        return cpu_of(self.child.pid) if self.child else 0

    def check(self):
        """Raises when it does not do what the mode is named after."""
        if self.child and self.child.poll() is not None:
            raise RuntimeError(f"{self.name} has ended: {self.text()}")


class Again(Watcher):
    """Once more nobody: what its figures differ by is chance."""

    name = "nothing, again"


def cpu_of(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


class Hctrace(Watcher):
    name = "hctrace"
    options = ()

    def argv(self):
        return self.bench.lab.backend.argv(self.bench.hctrace, "--json", *self.options)

    def ready(self):
        return '"type":"start"' in self.text()

    def programs(self):
        return counts_of(self.child.pid)


class Passive(Hctrace):
    name = "hctrace --passive"
    options = ("--passive",)


class Escalated(Hctrace):
    """A drop is unexplained: the ladder and the nftables trace wait for the next one.

    One SYN of a health check is dropped by a rule, and not repeated: from then until that node's
    next check, a minute later at most, hctrace has attached all that it has.  That is how it is
    between the first failed check and the second.
    """

    name = "hctrace escalated"

    def __enter__(self):
        super().__enter__()
        seen = lab_checks.syn(self.bench.lab, 80, timeout=0.05, node=FAILING_NODE)
        if seen.result != "timeout":
            raise RuntimeError(f"the lab is wrong: {seen}")
        deadline = time.monotonic() + 3
        while not self.escalated() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self

    def links(self):
        """The netfilter links that it holds."""
        n = 0
        for fd in os.listdir(f"/proc/{self.child.pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError), \
                    open(f"/proc/{self.child.pid}/fdinfo/{fd}", encoding="ascii") as f:
                n += "link_type:\tnetfilter" in f.read()
        return n

    def tables(self):
        """Its tables of nftables."""
        return re.findall(r"^table inet (hctrace\w*)", self.bench.lab.backend.run(
            "nft", "list", "tables"), re.M)

    def escalated(self):
        return self.links() and self.tables()

    def check(self):
        super().check()
        if not self.escalated():
            raise RuntimeError(f"not escalated: {self.links()} links, tables {self.tables()}")


class Tcpdump(Watcher):
    name = "tcpdump"

    def argv(self):
        return self.bench.lab.backend.argv("tcpdump", "-ni", "any", "net", RANGE, "-w", "/dev/null")

    def ready(self):
        return "listening on" in self.text()


class Bpftrace(Watcher):
    name = "bpftrace"
    # tracefs and debugfs need not be mounted here: in a mount namespace of its own they are
    script = "tracepoint:skb:kfree_skb { @[args->reason] = count(); }"

    def argv(self):
        return ["unshare", "-m", "sh", "-c",
                "mount -t debugfs none /sys/kernel/debug 2>/dev/null; "
                "mount -t tracefs none /sys/kernel/tracing 2>/dev/null; "
                'exec bpftrace -e "$0"', self.script]

    def ready(self):
        return bool(counts_of(self.child.pid))

    def __enter__(self):
        super().__enter__()
        time.sleep(0.2)  # from loading to attaching
        return self


MODES = {"nothing": Watcher, "hctrace": Hctrace, "passive": Passive, "escalated": Escalated,
         "tcpdump": Tcpdump, "bpftrace": Bpftrace, "again": Again}
