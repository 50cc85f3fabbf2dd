# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab of the load: every address of the range is a node, and each target has its fault.

    lb (100.125.0.0/16, every address of it) ---- eth0 backend (192.168.0.10)
"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/scripts"]

import lab as lab_module  # noqa: E402
import lab_services  # noqa: E402
from lab import BACKEND, GATEWAY, RANGE  # noqa: E402

TIMEOUT = 1  # seconds, of the checks
NODES_FROM = "100.125.0.0/17"
NO_WAY_BACK = "100.125.240.0/20"  # nodes that the backend has no route to
STRANGER = "192.168.0.99"  # an address that is sent to the backend, but not its own


@dataclass(frozen=True)
class Target:
    """A port, or several that are alike: how it is probed, what ails it, what is right of it."""

    probe: str  # of lb_load
    ports: str
    truth: dict  # what the load balancer sees: the verdict that is right
    serve: str = ""  # mode of load_server
    fault: tuple = ()  # commands in the backend
    addr: str = BACKEND
    options: str = ""  # of lb_load, behind the ports

    def numbers(self):
        first, _, last = self.ports.partition("-")
        return range(int(first), int(last or first) + 1)


def rule(how, port, protocol="tcp", chain="INPUT", end="-j DROP"):
    side, own = ("-s", "--dport") if chain == "INPUT" else ("-d", "--sport")
    return (f"{how} -A {chain} {side} {RANGE} -p {protocol} {own} {port} {end}",)


HEALTHY = (
    Target("tcp", "7001-7008", {"connected": "healthy"}, "silent"),
    Target("syn", "7011-7018", {"sent": "healthy"}, "silent"),
    Target("http", "7101-7103", {"http": "healthy"}, "answer"),
    Target("http", "80", {"http": "healthy"}),  # nginx
    Target("udp", "5301-5302", {"answered": "healthy"}, "echo"),
    Target("udp", "5303", {"silent": "healthy"}, "sink"),
    Target("echo", "0", {"answered": "healthy"}),
)
FAULTS = (
    Target("http", "8503", {"http": "http-status"}),  # nginx
    Target("udp", "5304", {"refused": "udp-no-listener"}),
    Target("udp", "5305", {"silent": "firewall-drop"}, "echo",
           rule("iptables-legacy", 5305, "udp")),
    Target("tcp", "7201-7202", {"refused": "no-listener"}),
    Target("http", "7301", {"response-timeout": "app-slow"}, "silent"),
    Target("http", "7302", {"closed": "app-closed"}, "close"),
    Target("http", "7303", {"reset": "app-closed"}, "reset"),
    Target("http", "7304", {"not-http": "not-http"}, "banner"),
    Target("tcp", "7401", {"timeout": "firewall-drop"}, "silent", rule("iptables-legacy", 7401)),
    Target("tcp", "7402", {"timeout": "firewall-drop"}, "silent", rule("iptables-nft", 7402)),
    # an ICMP error that comes while connect() is running is no more than a hint to it
    Target("tcp", "7403", {"refused": "firewall-reject", "timeout": "firewall-reject"}, "silent",
           rule("iptables-nft", 7403, end="-j REJECT")),
    Target("tcp", "7404", {"refused": "firewall-reject"}, "silent",
           rule("iptables-legacy", 7404, end="-j REJECT --reject-with tcp-reset")),
    Target("tcp", "7405", {"timeout": "reply-dropped"}, "silent",
           rule("iptables-legacy", 7405, chain="OUTPUT")),
    Target("tcp", "7501", {"timeout": "accept-queue-full"}, "full"),
    Target("tcp", "7601", {"timeout": "no-route-back"}, "silent",
           (f"ip route add unreachable {NO_WAY_BACK}",), options=f",from={NO_WAY_BACK}"),
    Target("tcp", "7602", {"timeout": "not-local"}, addr=STRANGER),
)
MIXTURE = HEALTHY + FAULTS
# As a fleet's checks are: most are healthy TCP checks, SYN, SYN-ACK, RST.
FLEET = (Target("syn", "7021-7068", {"sent": "healthy"}, "silent"), *MIXTURE)
# Held until the timeout; a raw SYN needs no socket of the load balancer's.
DROPPED = (Target("syn", "7401", {"sent": "firewall-drop"}, fault=rule("iptables-legacy", 7401)),)


class LoadLab(lab_module.Lab):
    """No router: the load balancer is the backend's gateway, and has all addresses of the range."""

    def __init__(self, tools, targets=MIXTURE):
        self.tools, self.targets = tools, targets
        super().__init__()
        lab_services.Nginx(self)
        modes = [f"{t.serve},{t.ports}" for t in targets if t.serve]
        if modes:  # opened in this order
            last = [t for t in targets if t.serve][-1]
            self.spawn(self.backend, f"{tools}/load_server", *modes, port=last.numbers()[-1],
                       udp=last.probe == "udp")
        for target in targets:
            for command in target.fault:
                self.backend.run("sh", "-c", command)

    def _wire(self, second_link):
        for space in self.spaces:
            space.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                         ipv6__conf__default__disable_ipv6=1)
        # a limit of the kernel's, met because of the load, would be no fault of the target
        self.backend.sysctl(core__somaxconn=65535, ipv4__tcp_max_syn_backlog=65535,
                            ipv4__icmp_ratemask=0, ipv4__tcp_max_tw_buckets=65536)
        self.lb.sysctl(ipv4__ping_group_range="0 0")
        self.lb.ip(f"link add eth0 type veth peer name eth0 netns {self.backend.name}",
                   f"addr add {GATEWAY}/24 dev eth0", "link set eth0 up",
                   f"route add local {RANGE} dev lo")
        self.backend.ip(f"addr add {BACKEND}/24 dev eth0", "link set eth0 up",
                        f"route add default via {GATEWAY}")
        self.lb.ip(f"route add {STRANGER} via {BACKEND}")

    def truth_of(self):
        """(address, port) of a target: what is right by what was seen."""
        return {(t.addr, port): t.truth for t in self.targets for port in t.numbers()}


class Load:
    """lb_load at work, in one process or several; what it saw lies in `truth`, files of lines."""

    def __init__(self, lab, rate, count, nodes=1000, first=0, processes=1):
        self.lab, self.count, self.truth, self._running = lab, count, [], []
        share = count // processes
        for i in range(processes):
            start = first + i * share
            self.truth.append(f"{lab.tmp}/truth-{start}")
            specs = (f"{t.probe},{t.addr},{t.ports},timeout={TIMEOUT * 1000}{t.options}"
                     for t in lab.targets)
            self._running.append(subprocess.Popen(
                lab.lb.argv(f"{lab.tools}/lb_load", "--from", NODES_FROM, "--nodes", nodes,
                            "--rate", rate // processes, "--count", share, "--first", start,
                            "--truth", self.truth[-1], *specs),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))
        lab.children += self._running

    def wait(self):
        """Waits until the last probe is over; how many there were, how fast, and at what cost."""
        done = []
        for child in self._running:
            told = child.communicate()[0]
            self.lab.children.remove(child)
            if child.returncode:
                raise RuntimeError(f"lb_load: exit {child.returncode}")
            done.append(json.loads(told))
        probes = sum(d["probes"] for d in done)
        return {"probes": probes, "rate": round(sum(d["rate"] for d in done)),
                "seconds": max(d["seconds"] for d in done),
                "cpu_us": round(sum(d["cpu_us"] * d["probes"] for d in done) / max(1, probes), 2)}


class Tracer:
    """hctrace in the backend, its NDJSON in a file: a reader beside it would cost a processor."""

    def __init__(self, hctrace, lab, *options, timeout=TIMEOUT):
        self.path = f"{lab.tmp}/hctrace-{len(os.listdir(lab.tmp))}.json"
        self.errors = f"{self.path}.stderr"
        with open(self.path, "w", encoding="utf-8") as out, \
                open(self.errors, "w", encoding="utf-8") as errors:
            self.child = subprocess.Popen(
                lab.backend.argv(hctrace, "live", "--json", "--from", RANGE, "--timeout", timeout,
                                 *options),
                stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        deadline = time.monotonic() + 20
        while not os.path.getsize(self.path):
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"hctrace does not start: {self.stderr()}")
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()

    def stderr(self):
        with open(self.errors, encoding="utf-8") as f:
            return f.read()

    def cpu_s(self):
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self, which="VmRSS"):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as f:
            return 1024 * next(int(line.split()[1]) for line in f if line.startswith(f"{which}:"))

    def maps_bytes(self):
        """Memory of the BPF maps that hctrace holds, as the kernel accounts for it."""
        sizes = {}  # by map: a descriptor may be there twice
        for fd in os.listdir(f"/proc/{self.child.pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError), \
                    open(f"/proc/{self.child.pid}/fdinfo/{fd}", encoding="ascii") as f:
                info = dict(line.split(":", 1) for line in f if ":" in line)
                if "map_id" in info:
                    sizes[int(info["map_id"])] = int(info["memlock"])
        return sum(sizes.values())

    def written(self):
        return os.path.getsize(self.path)

    def wait_until_quiet(self, seconds=0.3, at_most=60):
        """Until nothing was written for so long: what can be told is told."""
        deadline, before = time.monotonic() + at_most, -1
        while self.written() != before and time.monotonic() < deadline:
            before = self.written()
            time.sleep(seconds)

    @contextlib.contextmanager
    def stopped(self):
        """It gets no processor: the ring fills up."""
        self.child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.child.send_signal(signal.SIGCONT)

    def stop(self):
        """Ends the run; its exit status."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        return self.child.wait(120)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.child.kill()
        self.child.wait()
