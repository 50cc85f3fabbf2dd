#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Load: thousands of load-balancer nodes, mixed faults, and whether hctrace gets all of it right.

    lb (100.125.0.0/16, every address of it) ---- eth0 backend (192.168.0.10)

lb_load probes each target from each node in turn and writes down what it saw; load_server, nginx,
rules and routes make the faults.  What each probe must be diagnosed as follows from its target
and from what was seen.  Everything here counts; nothing is timed.

    load.py [--hctrace PATH] [--tools DIR] [--rate N] [--seconds N] [OPTION of hctrace...]
"""
import argparse
import collections
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [f"{ROOT}/scripts"]

import lab as lab_module  # noqa: E402
import lab_services  # noqa: E402
from lab import BACKEND, RANGE  # noqa: E402

TIMEOUT = 1  # seconds, of the checks and of hctrace
NODES_FROM = "100.125.0.0/17"
NO_WAY_BACK = "100.125.240.0/20"  # nodes that the backend has no route to
STRANGER = "192.168.0.99"  # an address that is sent to the backend, but not its own
SERVER_OWN = "lb_server"


@dataclass(frozen=True)
class Target:
    """A port, or several that are alike: how it is probed, what ails it, what that must be called."""

    probe: str  # of lb_load
    ports: str
    truth: dict  # what the load balancer saw: the verdict that is right
    serve: str = ""  # mode of load_server
    fault: tuple = ()  # commands in the backend
    addr: str = BACKEND
    options: str = ""  # of lb_load, behind the ports

    def spec(self):
        return f"{self.probe},{self.addr},{self.ports},timeout={TIMEOUT * 1000}{self.options}"

    def numbers(self):
        first, _, last = self.ports.partition("-")
        return range(int(first), int(last or first) + 1)


def drop(how, port, protocol="tcp", chain="INPUT", end="-j DROP"):
    side, own = ("-s", "--dport") if chain == "INPUT" else ("-d", "--sport")
    return (f"{how} -A {chain} {side} {RANGE} -p {protocol} {own} {port} {end}",)


HEALTHY = (
    Target("tcp", "7001-7008", {"connected": "healthy"}, "silent"),
    Target("http", "7101-7103", {"http": "healthy"}, "answer"),
    Target("http", "80", {"http": "healthy"}),  # nginx
    Target("udp", "5301-5302", {"answered": "healthy"}, "echo"),
)
FAULTS = (
    Target("http", "8503", {"http": "http-status"}),  # nginx
    Target("udp", "5303", {"silent": "healthy"}, "sink"),
    Target("udp", "5304", {"refused": "udp-no-listener"}),
    Target("udp", "5305", {"silent": "firewall-drop"}, "echo",
           drop("iptables-legacy", 5305, "udp")),
    Target("echo", "0", {"answered": "healthy"}),
    Target("tcp", "7201-7202", {"refused": "no-listener"}),
    Target("http", "7301", {"response-timeout": "app-slow"}, "silent"),
    Target("http", "7302", {"closed": "app-closed"}, "close"),
    Target("http", "7303", {"reset": "app-closed"}, "reset"),
    Target("http", "7304", {"not-http": "not-http"}, "banner"),
    Target("tcp", "7401", {"timeout": "firewall-drop"}, "silent", drop("iptables-legacy", 7401)),
    Target("tcp", "7402", {"timeout": "firewall-drop"}, "silent", drop("iptables-nft", 7402)),
    # an ICMP error that comes while connect() is running counts as a hint only
    Target("tcp", "7403", {"refused": "firewall-reject", "timeout": "firewall-reject"}, "silent",
           drop("iptables-nft", 7403, end="-j REJECT")),
    Target("tcp", "7404", {"refused": "firewall-reject"}, "silent",
           drop("iptables-legacy", 7404, end="-j REJECT --reject-with tcp-reset")),
    Target("tcp", "7405", {"timeout": "reply-dropped"}, "silent",
           drop("iptables-legacy", 7405, chain="OUTPUT")),
    Target("tcp", "7501", {"timeout": "accept-queue-full"}, "full"),
    Target("tcp", "7601", {"timeout": "no-route-back"}, "silent",
           (f"ip route add unreachable {NO_WAY_BACK}",), options=f",from={NO_WAY_BACK}"),
    Target("tcp", "7602", {"timeout": "not-local"}, addr=STRANGER),
)
MIXTURE = HEALTHY + FAULTS
IN_FLIGHT = (Target("syn", "7401", {"sent": "firewall-drop"}, fault=drop("iptables-legacy", 7401)),)


class LoadLab(lab_module.Lab):
    """No router: the load balancer is the backend's gateway, and has all addresses of the range."""

    def __init__(self, tools, targets=MIXTURE):
        super().__init__()
        self.tools, self.targets = tools, targets
        self.lb_load = f"{tools}/lb_load"
        self._services()
        for target in targets:
            for command in target.fault:
                self.backend.run("sh", "-c", command)

    def _wire(self, second_link):
        for space in self.spaces:
            space.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                         ipv6__conf__default__disable_ipv6=1)
        # what a limit of the kernel's would add to the mixture is no fault of a target
        self.backend.sysctl(core__somaxconn=65535, ipv4__tcp_max_syn_backlog=65535,
                            ipv4__icmp_ratemask=0, ipv4__tcp_max_tw_buckets=65536)
        self.lb.sysctl(ipv4__ping_group_range="0 0")
        self.lb.ip(f"link add eth0 type veth peer name eth0 netns {self.backend.name}",
                   f"addr add {lab_module.GATEWAY}/24 dev eth0", "link set eth0 up",
                   f"route add local {RANGE} dev lo")
        self.backend.ip(f"addr add {BACKEND}/24 dev eth0", "link set eth0 up",
                        f"route add default via {lab_module.GATEWAY}")
        self.lb.ip(f"route add {STRANGER} via {BACKEND}")

    def _services(self):
        lab_services.Nginx(self)
        modes = [f"{t.serve},{t.ports}" for t in self.targets if t.serve]
        if modes:
            last = [t for t in self.targets if t.serve][-1]
            self.spawn(self.backend, f"{self.tools}/load_server", *modes,
                       port=last.numbers()[-1], udp=last.probe == "udp")

    def truth_of(self):
        """(address, port) of a target: what is right by what was seen."""
        return {(t.addr, port): t.truth for t in self.targets for port in t.numbers()}

    def load(self, truth, rate, count, nodes=1000, first=0):
        """Starts lb_load, which writes its lines to the file TRUTH."""
        return subprocess.Popen(
            self.lb.argv(self.lb_load, "--from", NODES_FROM, "--nodes", nodes, "--rate", rate,
                         "--count", count, "--first", first, "--truth", truth,
                         *(t.spec() for t in self.targets)),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


class Tracer:
    """hctrace in the backend, its NDJSON in a file: a reader beside it would cost a processor."""

    def __init__(self, hctrace, lab, *options):
        self.path = f"{lab.tmp}/hctrace-{len(os.listdir(lab.tmp))}.json"
        self.errors = f"{self.path}.stderr"
        with open(self.path, "w", encoding="utf-8") as out, \
                open(self.errors, "w", encoding="utf-8") as errors:
            self.child = subprocess.Popen(
                lab.backend.argv(hctrace, "live", "--json", "--from", RANGE, "--timeout", TIMEOUT,
                                 *options),
                stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        deadline = time.monotonic() + 20
        while not os.path.getsize(self.path):
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.child.kill()
                raise RuntimeError(f"hctrace does not start: {self.stderr()}")
            time.sleep(0.01)

    def stderr(self):
        with open(self.errors, encoding="utf-8") as f:
            return f.read()

    def cpu_s(self):
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self, which="VmRSS"):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(f"{which}:"))

    def stop(self):
        """Ends the run; its exit status."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        return self.child.wait(120)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.child.kill()
        self.child.wait()


def source(probe):
    """The name that a probe has on both sides; of an echo, its sequence number is the port."""
    lb, target = probe["lb"], probe["target"]
    return lb["addr"], lb["port"], target["addr"], target["port"] or 0


def read_truth(path):
    """{name of a probe: what the load balancer saw}"""
    truth = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            _, lb, lb_port, target, port, _, seen, _ = line.split(" ")
            if seen != "not-sent":
                truth[lb, int(lb_port), target, int(port)] = seen
    return truth


class Comparison:
    """hctrace's lines against the truth: every probe one verdict, and the right one."""

    KEEP = 20  # examples of each kind of mistake

    def __init__(self, truth, right):
        self.truth, self.right = truth, right
        self.verdicts = collections.Counter()
        self.mistakes = collections.Counter()  # (target port, seen, verdict)
        self.lost = collections.Counter()  # by point
        self.told = set()
        self.correct = self.unknown = self.wrong = self.twice = self.extra = 0
        self.strange = collections.Counter()  # (target port, seen) that its fault does not explain
        self.examples = []
        self.end = None

    def add(self, line):
        kind = line["type"]
        if kind == "probe":
            self._probe(line)
        elif kind == "lost":
            self.lost[line["point"]] += line["count"]
        elif kind == "end":
            self.end = line

    def _probe(self, line):
        verdict, name = line["verdict"], source(line)
        if verdict == "no-probe":
            return
        seen = self.truth.get(name)
        if seen is None:
            self.extra += 1
            self._example(line, "a probe that none was")
            return
        if name in self.told:
            self.twice += 1
            self._example(line, "told twice")
            return
        self.told.add(name)
        self.verdicts[verdict] += 1
        right = self.right[name[2], name[3]].get(seen)
        if right is None:
            self.strange[name[3], seen] += 1
        elif verdict == right:
            self.correct += 1
        else:
            if verdict == "unknown":
                self.unknown += 1
            else:
                self.wrong += 1
            self.mistakes[name[3], seen, verdict] += 1
            self._example(line, f"seen {seen}, should be {right}")

    def _example(self, line, why):
        if len(self.examples) < self.KEEP:
            self.examples.append((why, line))

    def untold(self):
        """Probes that hctrace has no verdict for."""
        return [name for name in self.truth if name not in self.told]

    def result(self):
        missing = self.untold()
        end = self.end or {}
        return {
            "probes": len(self.truth), "told": len(self.told), "right": self.correct,
            "unknown": self.unknown, "wrong": self.wrong, "twice": self.twice,
            "extra": self.extra, "missing": len(missing),
            "lab_strange": {" ".join(map(str, k)): n for k, n in self.strange.items()},
            "lost": end.get("lost"), "lost_by_point": dict(self.lost),
            "end": {k: end.get(k) for k in ("probes", "other_requests", "unfinished", "lost")},
            "mistakes": {" ".join(map(str, k)): n for k, n in self.mistakes.most_common(20)},
            "missing_by_port": dict(collections.Counter(n[3] for n in missing).most_common(10)),
            "verdicts": dict(self.verdicts.most_common()),
        }


def compare(lab, tracer, truth):
    found = Comparison(read_truth(truth), lab.truth_of())
    with open(tracer.path, encoding="utf-8") as f:
        for line in f:
            found.add(json.loads(line))
    return found


def run(hctrace, tools, rate=20000, seconds=10, nodes=1000, options=(), targets=MIXTURE, keep=None):
    """Traces a mixture at RATE probes a second; what was told, against what was true."""
    with LoadLab(tools, targets) as lab:
        tracer = Tracer(hctrace, lab, *options)
        try:
            before, truth = tracer.cpu_s(), f"{lab.tmp}/truth"
            load = lab.load(truth, rate, int(rate * seconds), nodes)
            done = json.loads(load.communicate()[0])
            time.sleep(TIMEOUT + 0.5)
            cpu = tracer.cpu_s() - before
            peak = tracer.rss_kib("VmHWM")
            tracer.stop()
        finally:
            tracer.kill()
        found = compare(lab, tracer, truth)
        if keep:
            os.makedirs(keep, exist_ok=True)
            for path in (tracer.path, truth):
                with open(path, "rb") as f, open(f"{keep}/{os.path.basename(path)}", "wb") as to:
                    to.write(f.read())
        return {"load": done, "hctrace_cpu_us": round(cpu * 1e6 / max(1, done["probes"]), 2),
                "hctrace_rss_kib": peak, **found.result()}, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hctrace", default=f"{ROOT}/build/hctrace")
    parser.add_argument("--tools", default=f"{ROOT}/build/tests/bench", help="lb_load and load_server")
    parser.add_argument("--rate", type=int, default=2000, help="probes a second")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--examples", type=int, default=0, help="show so many mistakes")
    parser.add_argument("--keep", metavar="DIR", help="keep the output and the truth there")
    args, options = parser.parse_known_args()
    if os.geteuid():
        sys.exit("load.py: needs root, for network namespaces and BPF")
    result, found = run(os.path.abspath(args.hctrace), os.path.abspath(args.tools), args.rate,
                        args.seconds, args.nodes, options, keep=args.keep)
    for why, line in found.examples[:args.examples]:
        print(f"{why}: {json.dumps(line)}")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
