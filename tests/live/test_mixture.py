# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""All at once: several targets and nodes, different faults, and users' requests in the range."""
import contextlib
import dataclasses
import socket
import threading
import time

import lab_checks
import lab_services
import pytest
from harness import FAILED
from lab import BACKEND, LB_NODES, RANGE

INTERVAL, TIMEOUT = 2, 1
KEPT = 300  # requests of a user on one connection

# target: how it is checked, what the load balancer sees, the verdict and its code
TARGETS = {
    80: (lab_checks.http, "http", "healthy", None),
    8401: (lab_checks.tcp, "connected", "healthy", None),
    8202: (lab_checks.http, "timeout", "firewall-drop", "CONNECT_TIMEOUT"),
    8503: (lab_checks.http, "http", "http-status", "RESPONSE_MISMATCH"),
    7080: (lab_checks.tcp, "refused", "no-listener", "CONNECT_REFUSED"),
    7100: (lab_checks.http, "response-timeout", "app-slow", "RECV_RESPONSE_TIMEOUT"),
}


class Checker:
    """The nodes of the load balancer, each probing each target every INTERVAL."""

    def __init__(self, lab):
        self.lab, self.seen = lab, []
        self._stop = threading.Event()
        self._running = [lab_checks.Later(self._check, node, i, port)
                         for node in range(len(LB_NODES)) for i, port in enumerate(TARGETS)]

    def _check(self, node, i, port):
        due = time.monotonic() + node * 0.6 + i * 0.09
        while not self._stop.wait(max(0, due - time.monotonic())):
            self.seen.append(TARGETS[port][0](self.lab, port, timeout=TIMEOUT, node=node))
            due += INTERVAL

    def stop(self):
        self._stop.set()
        for each in self._running:
            each.result()
        return self.seen


class Users:
    """Requests that the load balancer routes: they come from its nodes, as checks do."""

    def __init__(self, lab):
        self.lab, self.seen = lab, []

    def single(self, node):
        for i, port in enumerate((80, 8503, 8401)):
            self.seen.append(lab_checks.http(self.lab, port, f"/shop/{node}/{i}", node=node))

    def other_host(self, node):
        """The check's own path, but of the shop."""
        sock, seen = lab_checks.connect(self.lab, 80, node=node)
        with contextlib.closing(sock):
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: shop.example.org\r\n"
                         b"X-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n")
            while sock.recv(4096):
                pass
        self.seen.append(seen)

    def keep_alive(self, node):
        """Hundreds of requests on one connection, of which the first is like the check."""
        sock, seen = lab_checks.connect(self.lab, 80, node=node)
        with contextlib.closing(sock):
            for i in range(KEPT):
                path = "/health" if i == 0 else f"/shop/{i}"
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {BACKEND}\r\n\r\n".encode())
                assert b"200 OK" in sock.recv(65536)
        self.seen += [seen] * KEPT  # each is counted

    def all(self):
        running = [lab_checks.Later(what, node) for node in range(len(LB_NODES))
                   for what in (self.single, self.other_host, self.keep_alive)]
        for each in running:
            each.result()


@pytest.fixture
def shop(lab):
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", RANGE, "-p", "tcp", "--dport", "8202",
                    "-j", "DROP")
    lab_services.tcp_server(lab, "silent", 7100, name="thinker")
    return lab


def wait_until_known(run, ports):
    """Until what the checks of PORTS ask for has been learned."""
    for port in ports:
        assert run.wait(lambda line, port=port: line["type"] == "probe" and
                        line["target"]["port"] == port and line["told_by"] == "period", 20), \
            f"no period at port {port}: {run.dump()}"


@pytest.mark.parametrize("how", ["learned", "path"])
def test_mixture(shop, trace, how):
    """Every probe gets its right verdict, and no user's request is taken for a probe."""
    options = ("--path", "/health") if how == "path" else ()
    run = trace(shop, "--interval", INTERVAL, "--timeout", TIMEOUT, "--retries", 2, *options)
    checker, users = Checker(shop), Users(shop)
    if how == "path":  # that decides from the first request on
        users.all()
    wait_until_known(run, (80, 8401, 8503))
    users.all()
    time.sleep(INTERVAL)
    users.all()
    checks = checker.stop()
    for seen in checks:
        result, verdict = TARGETS[seen.target_port][1:3]
        assert seen.result == result, f"the lab is wrong: {seen}"
        run.knows(seen, verdict)
    lines = [run.probe(seen) for seen in checks]
    time.sleep(TIMEOUT + 0.3)
    run.stop(FAILED, lost=0)
    wrong = [(seen, line) for seen, line in zip(checks, lines)
             if (line["verdict"], line["code"]) != TARGETS[seen.target_port][2:]]
    assert not wrong, wrong
    taken = [line for seen in users.seen for line in run.lines if run.is_of(seen)(line)]
    assert not taken, taken
    assert len(run.of_type("probe")) == len(checks), run.dump()
    end = run.lines[-1]
    assert (end["probes"], end["other_requests"]) == (len(checks), len(users.seen)), end
    check_view(run)


def check_view(run):
    """What the load balancer shows of each target, and what was learned of its settings."""
    last = {(t["lb"]["addr"], t["target"]["port"]): t for t in run.of_type("target")}
    assert set(last) == {(node, port) for node in LB_NODES for port in TARGETS}, last
    for (_, port), target in last.items():
        verdict, code = TARGETS[port][2:]
        healthy = verdict == "healthy"
        assert target["state"] == ("healthy" if healthy else "unhealthy"), target
        assert target["code"] == code and target["flips_at"] is None, target
        assert abs(target["learned"]["interval_s"] - INTERVAL) < INTERVAL / 4, target
        if port == 7100:
            assert abs(target["learned"]["timeout_s"] - TIMEOUT) < 0.3, target


def test_failing_requests_when_asked(shop, trace):
    """--all-traffic: users' requests get a verdict each, and what they were told by."""
    run = trace(shop, "--interval", INTERVAL, "--timeout", TIMEOUT, "--all-traffic")
    sock, keep = lab_checks.connect(shop, 8503)
    with contextlib.closing(sock):
        for _ in range(2):
            sock.sendall(b"GET /shop HTTP/1.1\r\nHost: shop.example.org\r\n\r\n")
            sock.recv(65536)
    sock, behind = lab_checks.connect(shop, 8503)
    with contextlib.closing(sock):
        sock.sendall(b"GET /shop HTTP/1.1\r\nHost: web\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n")
        sock.recv(65536)
    for seen, told_by in ((keep, "requests"), (behind, "headers")):
        line = run.probe(dataclasses.replace(seen, result="http"))
        assert (line["verdict"], line["told_by"]) == ("http-status", told_by), line
        assert line["user_request"] is True, line
    run.stop(FAILED)
    assert run.lines[-1]["other_requests"] == 0


def ask(lab, request):
    """Sends REQUEST as one piece and reads the answer to its end."""
    sock, seen = lab_checks.connect(lab, 80)
    with contextlib.closing(sock):
        sock.sendall(request.encode())
        while sock.recv(4096):
            pass
    return dataclasses.replace(seen, result="http")


def test_users_by_header(shop, trace):
    """X-Forwarded-For is found wherever it begins, and nothing else is taken for it."""
    run = trace(shop, "--interval", INTERVAL, "--timeout", TIMEOUT)
    for pad in range(9):  # the kernel side looks by eights
        ask(shop, f"GET /{'a' * pad} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n"
                  f"{'x' if pad % 2 else 'X'}-Forwarded-For: 203.0.113.{pad}\r\n\r\n")
    checks = [ask(shop, f"GET /health{query} HTTP/1.1\r\nHost: {BACKEND}\r\n"
                        f"Connection: close\r\n{header}\r\n")
              for query, header in (("?x-forwarded-for:", ""), ("", "My-X-Forwarded-For: 1\r\n"),
                                    ("", "About: x-forwarded-for: 1\r\n"),
                                    ("", "Expect-Forwarded-For: 1\r\n"))]
    for seen in checks:
        line = run.probe(seen)
        assert (line["verdict"], line["http"]["status"]) == ("healthy", 200), line
    run.stop()
    assert (run.lines[-1]["probes"], run.lines[-1]["other_requests"]) == (4, 9), run.dump()


def test_datagrams(shop, trace):
    """A stream of datagrams from one port is no check; one datagram is."""
    lab_services.udp_server(shop, "echo", 5300, name="names")
    run = trace(shop, "--timeout", TIMEOUT, "--protocol", "udp")
    single = lab_checks.datagram(shop, 5300)
    with shop.lb.enter():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((LB_NODES[1], shop.next_port()))
    with contextlib.closing(sock):
        for _ in range(20):
            sock.sendto(b"user", (BACKEND, 5300))
        time.sleep(0.2)
    assert run.probe(single)["told_by"] == "shape"
    time.sleep(TIMEOUT + 0.3)
    run.stop()
    assert (run.lines[-1]["probes"], run.lines[-1]["other_requests"]) == (1, 1), run.dump()
