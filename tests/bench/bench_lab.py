# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The benchmark's lab: what is sent to the backend, and by whom."""
import contextlib
import json
import re
import subprocess
import threading

import lab_checks
import lab_services
from bench_modes import DROP_RULES, FAILING_NODE, cpu_of
from lab import BACKEND, LB_NODES, Lab, sh

NODES = "100.125.20.1/200"  # addresses that users' requests are routed from, beside the checks'
NODES_NET = "100.125.20.0/24"
USERS_HEADER = "X-Forwarded-For: 203.0.113.7"
USERS_PATH = "/shop/basket"
CHECK_PATH = "/health"
CHECK_INTERVAL = 1.0
LEARNING_S = 3.5  # until hctrace knows what the checks ask for
UDP_PORT, SMALL_PORT, NGINX_PORT = 9000, 9001, 80
GIVE_UP_S = 60


class Bench:
    """A lab with nginx, users and a load balancer that checks it; a context manager.

    Every workload is a fixed amount of work, but wrk's, and returns what it took.
    """

    def __init__(self, hctrace, build):
        self.hctrace, self.build = hctrace, build
        self._stack = contextlib.ExitStack()
        self._stop = threading.Event()
        self.refused = 0

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.lab = stack.enter_context(Lab())
            lab_services.Nginx(self.lab)
            self.lab.lb.ip(f"route add local {NODES_NET} dev lo")
            self.lab.router.ip(f"route add {NODES_NET} via {LB_NODES[0]} dev lb0")
            # wrk has one address only, and many connections that have just ended
            self.lab.lb.sysctl(ipv4__ip_local_port_range="1024 65000", ipv4__tcp_tw_reuse=1)
            self.lab.backend.run("nft", "-f", "-", data=DROP_RULES % LB_NODES[FAILING_NODE])
            checker = threading.Thread(target=self._check, daemon=True)
            checker.start()
            stack.callback(checker.join)
            stack.callback(self._stop.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self._stack.close()

    def _check(self):
        """The health check of a node that finds the backend healthy."""
        while not self._stop.wait(CHECK_INTERVAL):
            seen = lab_checks.http(self.lab, NGINX_PORT, CHECK_PATH)
            self.refused += seen.status != 200

    def packets(self):
        """Packets that passed the backend's device so far."""
        with self.lab.backend.enter(), open("/proc/thread-self/net/dev", encoding="ascii") as f:
            field = re.search(r"eth0:(.*)", f.read())[1].split()
        return int(field[0 + 1]) + int(field[8 + 1])

    def _traffic(self, program, *argv):
        before = self.packets()
        done = json.loads(self._run(f"{self.build}/tests/bench/{program}", *argv))
        done["on_wire"] = self.packets() - before
        if done.get("lost") or done.get("failed"):
            raise RuntimeError(f"{program} {' '.join(map(str, argv))}: {done}")
        return done

    def _run(self, *argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True,
                              timeout=GIVE_UP_S)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
        return done.stdout

    def _http(self, *argv, space=None, port=SMALL_PORT):
        return self._traffic("traffic_http", *argv, (space or self.lab.lb).name, BACKEND, port)

    def _users(self, *argv, **kwargs):
        return self._http("--source", NODES, "--header", USERS_HEADER, "--path", USERS_PATH, *argv,
                          **kwargs)

    # ---- workloads ----

    def datagrams(self, count):
        """Unrelated: a name server, say, asked by a neighbour."""
        return self._traffic("traffic_udp", self.lab.router.name, self.lab.backend.name, BACKEND,
                             UDP_PORT, count)

    def requests(self, count):
        """Unrelated: a neighbour's requests on connections that stay."""
        return self._http("--serve", self.lab.backend.name, "--connections", 16,
                          "--per-connection", count, "--count", count, space=self.lab.router)

    def many(self, count):
        """Routed: a connection for each request."""
        return self._users("--serve", self.lab.backend.name, "--connections", 32, "--count", count)

    def few(self, count):
        """Routed: requests on connections that stay."""
        return self._users("--serve", self.lab.backend.name, "--connections", 16,
                           "--per-connection", count, "--count", count)

    def checks(self, count):
        """Health checks, as fast as they go."""
        return self._http("--serve", self.lab.backend.name, "--source", NODES, "--path",
                          CHECK_PATH, "--connections", 16, "--count", count)

    def paced(self, count, rate):
        """Routed requests at RATE a second through nginx, a connection for each."""
        return self._users("--connections", 64, "--count", count, "--rate", rate, port=NGINX_PORT)

    def wrk(self, seconds):
        """Routed: connections through nginx, as fast as wrk makes them."""
        nginx = nginx_cpu(self.lab)
        text = self._run(*self.lab.lb.argv(
            "wrk", "-t", 1, "-c", 32, "-d", seconds, "-H", "Connection: close", "-H",
            USERS_HEADER, f"http://{BACKEND}{USERS_PATH}"))
        failed = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                           text)
        # wrk counts the end of a connection as an error of reading, where it is what was asked for
        if failed and (int(failed[1]) or int(failed[3]) or int(failed[4])):
            raise RuntimeError(f"wrk: {failed[0]}")
        requests, took = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
        return {"requests": int(requests), "connections": int(requests), "seconds": float(took),
                "cpu": nginx_cpu(self.lab) - nginx}


def nginx_cpu(lab):
    """Seconds of processor time of all processes in the backend."""
    total = 0
    for pid in lab.backend.pids():
        with contextlib.suppress(FileNotFoundError):
            with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                if f.read().strip() == "nginx":
                    total += cpu_of(pid)
    return total


def ksoftirqd_cpu():
    """Seconds that packets took beside the processes that sent them."""
    total = 0
    for pid in sh("pgrep", "-x", "ksoftirqd/[0-9]+", check=False).split():
        total += cpu_of(int(pid))
    return total
