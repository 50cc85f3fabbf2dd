# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The benchmark's lab: what is sent to the backend, and by whom."""
import contextlib
import json
import os
import re
import subprocess
import threading
import time

import lab_checks
import lab_services
from bench_modes import DROP_RULES, FAILING_NODE, cpu_of
from lab import BACKEND, LB_NODES, Lab, sh

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NODES = "100.125.20.1/200"  # addresses that users' requests are routed from, beside the checks'
NODES_NET = "100.125.20.0/24"
USERS_HEADER = "X-Forwarded-For: 203.0.113.7"
USERS_PATH = "/shop/basket"
CHECK_PATH = "/health"
CHECK_INTERVAL = 1.0
LEARNING_S = 3.5  # until hctrace knows what the checks ask for
UDP_PORT, SMALL_PORT, NGINX_PORT = 9000, 9001, 80
GIVE_UP_S = 60
ATTEMPTS = 3
LOST_SHARE = 0.001  # of packets: where processes wait for a processor, the kernel drops some


class Bench:
    """A lab with nginx, users and a load balancer that checks it; a context manager.

    Every workload is a fixed amount of work, but wrk's, and returns what it took.
    """

    def __init__(self, hctrace, build, modes):
        self.hctrace, self.build, self.root, self.modes = hctrace, build, ROOT, modes
        self._stack = contextlib.ExitStack()
        self._stop, self._pause = threading.Event(), threading.Event()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.lab = stack.enter_context(Lab())
            nginx = lab_services.Nginx(self.lab)
            small = self.lab.spawn(self.lab.backend, f"{self.build}/tests/bench/traffic_serve",
                                   BACKEND, SMALL_PORT, port=SMALL_PORT)
            self._serve = {NGINX_PORT: family(nginx.child.pid), SMALL_PORT: [small.pid],
                           UDP_PORT: []}  # traffic_udp serves itself
            self.lab.lb.ip(f"route add local {NODES_NET} dev lo")
            self.lab.router.ip(f"route add {NODES_NET} via {LB_NODES[0]} dev lb0")
            # wrk has one address only, and many connections that have just ended
            self.lab.lb.sysctl(ipv4__ip_local_port_range="1024 65000", ipv4__tcp_tw_reuse=1)
            self.lab.backend.run("nft", "-f", "-", data=DROP_RULES % LB_NODES[FAILING_NODE])
            for port in (NGINX_PORT, SMALL_PORT):
                checker = threading.Thread(target=self._check, args=(port,), daemon=True)
                checker.start()
                stack.callback(checker.join)
            stack.callback(self._stop.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self._stack.close()

    def _check(self, port):
        """The health check of a node that finds the backend healthy."""
        while not self._stop.wait(CHECK_INTERVAL):
            if self._pause.is_set():
                continue
            lab_checks.http(self.lab, port, CHECK_PATH)

    @contextlib.contextmanager
    def quiet(self):
        """No health checks come."""
        self._pause.set()
        time.sleep(CHECK_INTERVAL + 0.2)  # until the last one is over
        try:
            yield
        finally:
            self._pause.clear()

    def packets(self):
        """Packets that passed the backend's device so far."""
        with self.lab.backend.enter(), open("/proc/thread-self/net/dev", encoding="ascii") as f:
            field = re.search(r"eth0:(.*)", f.read())[1].split()
        return int(field[0 + 1]) + int(field[8 + 1])

    def _run(self, port, *argv):
        """What a program printed that sends to PORT; the seconds of CPU it and who serves took."""
        before = sum(map(cpu_of, self._serve[port]))
        argv = ["setpriv", "--pdeathsig", "KILL", *map(str, argv)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
            alarm = threading.Timer(GIVE_UP_S, child.kill)
            alarm.start()
            text = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            alarm.cancel()
        if child.returncode:
            raise RuntimeError(f"{' '.join(argv)}: exit {child.returncode}")
        return text, (usage.ru_utime + usage.ru_stime +
                      sum(map(cpu_of, self._serve[port])) - before)

    def _traffic(self, port, program, *argv):
        """What a generator told.  Where other work on this machine made it lose much, again."""
        for _ in range(ATTEMPTS):
            before = self.packets()
            text, cpu = self._run(port, f"{self.build}/tests/bench/{program}", *argv)
            done = dict(json.loads(text), cpu=cpu, on_wire=self.packets() - before)
            if done.get("lost", 0) + done.get("failed", 0) <= LOST_SHARE * done["on_wire"]:
                return done
        raise RuntimeError(f"{program} {' '.join(map(str, argv))}: {done}")

    def _http(self, *argv, space=None, port=SMALL_PORT):
        return self._traffic(port, "traffic_http", *argv, (space or self.lab.lb).name, BACKEND,
                             port)

    def _users(self, *argv, **kwargs):
        return self._http("--source", NODES, "--header", USERS_HEADER, "--path", USERS_PATH, *argv,
                          **kwargs)

    # ---- workloads ----

    def datagrams(self, count):
        """Unrelated: a name server, say, asked by a neighbour."""
        return self._traffic(UDP_PORT, "traffic_udp", self.lab.router.name, self.lab.backend.name,
                             BACKEND, UDP_PORT, count)

    def requests(self, count):
        """Unrelated: a neighbour's requests on connections that stay."""
        return self._http("--connections", 16,
                          "--per-connection", count, "--count", count, space=self.lab.router)

    def many(self, count):
        """Routed: a connection for each request."""
        return self._users("--connections", 32, "--count", count)

    def few(self, count):
        """Routed: requests on connections that stay."""
        return self._users("--connections", 16,
                           "--per-connection", count, "--count", count)

    def checks(self, count):
        """Health checks, as fast as they go."""
        return self._http("--source", NODES, "--path",
                          CHECK_PATH, "--connections", 16, "--count", count)

    def paced(self, count, rate):
        """Routed requests at RATE a second through nginx, a connection for each."""
        return self._users("--connections", 64, "--count", count, "--rate", rate, port=NGINX_PORT)

    def wrk(self, seconds):
        """Routed: connections through nginx, as fast as wrk makes them."""
        text, cpu = self._run(NGINX_PORT, *self.lab.lb.argv(
            "wrk", "-t", 1, "-c", 32, "-d", seconds, "-H", "Connection: close", "-H",
            USERS_HEADER, f"http://{BACKEND}{USERS_PATH}"))
        failed = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                           text)
        # the end of a connection, which was asked for, counts as an error of reading
        if failed and (int(failed[1]) or int(failed[3]) or int(failed[4])):
            raise RuntimeError(f"wrk: {failed[0]}")
        requests, took = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
        return {"connections": int(requests), "seconds": float(took), "cpu": cpu}


def family(pid):
    """PID and its children, once there are any (nginx: its workers)."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            children = [int(child) for child in f.read().split()]
        if children:
            return [pid, *children]
        time.sleep(0.01)
    return [pid]


def ksoftirqd_cpu():
    """Seconds that packets took beside the processes that sent them."""
    total = 0
    for pid in sh("pgrep", "-x", "ksoftirqd/[0-9]+", check=False).split():
        total += cpu_of(int(pid))
    return total
