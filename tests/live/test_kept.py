# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks on connections that are kept: each request is a probe, whatever users do beside it."""
import http.client
import pathlib
import socket
import threading
import time

import lab_checks
import pytest
from harness import FAILED, HEALTHY
from lab import BACKEND, LB_NODES, PYTHON
from lab_services import SERVERS

PORT, INTERVAL, TIMEOUT = 7100, 1, 0.6
OPTIONS = ("--interval", INTERVAL, "--timeout", TIMEOUT, "--retries", 2, "--port", PORT)


class Keeper:
    """The service, and how it is told what to do next."""

    def __init__(self, lab):
        self.folder = pathlib.Path(lab.tmp) / "keeper"
        self.folder.mkdir()
        lab.spawn(lab.backend, PYTHON, f"{SERVERS}/kept_server.py", PORT, self.folder, port=PORT,
                  log="keeper")

    def does(self, what, text=""):
        (self.folder / what).write_text(text, encoding="ascii")

    def recovers(self):
        for path in self.folder.iterdir():
            path.unlink()


class Client:
    """A load balancer that keeps its connection; after a failure it makes another one."""

    def __init__(self, lab, method="GET", node=0):
        self.lab, self.method, self.node = lab, method, node
        self.conn = None
        self.seen = []  # (source port, its number on the connection, result)

    def connect(self):
        self.conn = http.client.HTTPConnection(BACKEND, PORT, timeout=TIMEOUT)
        self.port, self.number = self.lab.next_port(), 0
        with self.lab.lb.enter():
            self.conn.sock = socket.create_connection((BACKEND, PORT), TIMEOUT,
                                                      (LB_NODES[self.node], self.port))

    def check(self):
        if not self.conn:
            self.connect()
        self.number += 1
        try:
            self.conn.request(self.method, "/healthz", headers={"User-Agent": "Envoy/HC"})
            answer = self.conn.getresponse()
            answer.read()
            result = answer.status
        except TimeoutError:
            result = "timeout"
        except (http.client.HTTPException, OSError):
            result = "closed"
        self.seen.append((self.port, self.number, result))
        if result in ("timeout", "closed"):
            self.conn.close()
            self.conn = None
        return result

    def checks(self, n):
        for _ in range(n):
            began = time.monotonic()
            self.check()
            time.sleep(max(0, began + INTERVAL - time.monotonic()))

    def wait_idle(self):
        """Until the service has closed the connection."""
        self.conn.sock.settimeout(3)
        assert self.conn.sock.recv(1) == b""
        self.conn.close()
        self.conn = None


@pytest.fixture
def keeper(lab):
    return Keeper(lab)


def told(run):
    return [(p["lb"]["port"], p["exchange"], p["verdict"]) for p in run.of_type("probe")]


def expected(client, verdicts):
    return [(port, number, verdicts[result]) for port, number, result in client.seen]


VERDICTS = {200: "healthy", 503: "http-status", "timeout": "app-slow", "closed": "app-closed"}


def settle(run, n):
    assert run.wait(lambda _: len(run.of_type("probe")) >= n, TIMEOUT + 1), run.dump()
    time.sleep(0.2)


def test_late_503(lab, keeper, trace):
    run = trace(lab, *OPTIONS)
    client = Client(lab)
    client.checks(4)
    keeper.does("status", "503 Service Unavailable")
    client.checks(2)
    keeper.recovers()
    client.checks(2)
    settle(run, 8)
    run.stop(FAILED)
    assert [result for _, _, result in client.seen] == [200] * 4 + [503] * 2 + [200] * 2
    assert told(run) == expected(client, VERDICTS), run.dump()
    for line in run.of_type("probe")[1:]:
        assert line.delay < 0.5 and line["timing"]["total_us"] < 1e5, line
        assert line["process"]["comm"] == "keeper" and line["http"]["path"] == "/healthz", line
    assert run.lines[-1]["other_requests"] == 0, run.lines[-1]


def test_each_is_told_at_once(lab, keeper, trace):
    """Once the check is known, a passing request is told within 100 ms."""
    run = trace(lab, *OPTIONS)
    client = Client(lab)
    client.checks(8)
    settle(run, 8)
    run.stop(HEALTHY)
    late = [line for line in run.of_type("probe")[4:] if line.delay > 0.2]
    assert not late, late


def test_hang(lab, keeper, trace):
    """The time that the load balancer waited is the request's own."""
    run = trace(lab, *OPTIONS)
    client = Client(lab)
    client.checks(4)
    keeper.does("hang")
    client.checks(1)
    keeper.recovers()
    client.checks(3)
    settle(run, 8)
    run.stop(FAILED)
    assert [result for _, _, result in client.seen] == [200] * 4 + ["timeout"] + [200] * 3
    assert told(run) == expected(client, VERDICTS), run.dump()
    line = run.of_type("probe")[4]
    assert abs(line["timing"]["total_us"] / 1e6 - TIMEOUT) < 0.1 and "read" in line["why"], line
    assert line["code"] == "RECV_RESPONSE_TIMEOUT", line


@pytest.mark.parametrize("how", ["close", "middle"])
def test_closes(lab, keeper, trace, how):
    run = trace(lab, *OPTIONS)
    client = Client(lab)
    client.checks(3)
    keeper.does(how)
    client.checks(1)
    keeper.recovers()
    client.checks(1)
    settle(run, 5)
    run.stop(FAILED)
    assert [result for _, _, result in client.seen] == [200] * 3 + ["closed", 200]
    assert told(run) == expected(client, VERDICTS), run.dump()
    assert "after the request" in run.of_type("probe")[3]["why"], run.dump()


def test_closes_when_idle(lab, keeper, trace):
    """Nobody waits for anything then: that is no failure."""
    run = trace(lab, *OPTIONS)
    client = Client(lab)
    client.checks(2)
    keeper.does("idle")
    client.check()
    client.wait_idle()
    keeper.recovers()
    client.checks(2)
    settle(run, 5)
    run.stop(HEALTHY)
    assert told(run) == expected(client, VERDICTS), run.dump()


def test_began_before(lab, keeper, trace):
    """The connection is older than hctrace."""
    client = Client(lab)
    client.checks(2)
    client.seen.clear()
    run = trace(lab, *OPTIONS)
    time.sleep(0.5)
    client.checks(3)
    keeper.does("status", "503 Service Unavailable")
    client.checks(1)
    keeper.does("hang")
    client.checks(1)
    settle(run, 5)
    run.stop(FAILED)
    assert [result for _, _, result in client.seen] == [200] * 3 + [503, "timeout"]
    assert [p["verdict"] for p in run.of_type("probe")] == \
        [VERDICTS[result] for _, _, result in client.seen], run.dump()
    assert [p["exchange"] for p in run.of_type("probe")] == [1, 2, 3, 4, 5], run.dump()


def test_post(lab, keeper, trace):
    """A steady POST is a check; what it is shows with its period."""
    run = trace(lab, *OPTIONS)
    client = Client(lab, method="POST")
    client.checks(6)
    keeper.does("status", "503 Service Unavailable")
    client.checks(1)
    settle(run, 5)
    run.stop(FAILED)
    found = told(run)
    assert found == expected(client, VERDICTS)[-len(found):] and len(found) >= 5, run.dump()
    assert run.lines[-1]["other_requests"] == 7 - len(found), run.dump()


def browse(lab, n, pause, node=0, path="/shop/{}"):
    """N requests of a user on a connection that is kept."""
    sock, _ = lab_checks.connect(lab, PORT, node=node)
    for i in range(n):
        sock.sendall(f"GET {path.format(i)} HTTP/1.1\r\nHost: {BACKEND}:{PORT}\r\n\r\n".encode())
        assert b"200 OK" in sock.recv(65536)
        time.sleep(pause)
    sock.close()


@pytest.mark.parametrize("pause", [0.01, 0.7])
def test_users_beside(lab, keeper, trace, pause):
    """Users' connections from the same node to the same port: counted, not told."""
    run = trace(lab, *OPTIONS)
    client = Client(lab)
    client.checks(4)
    requests = 60 if pause < 0.1 else 6
    users = [threading.Thread(target=browse, args=(lab, requests, pause)) for _ in range(3)]
    for user in users:
        user.start()
    client.checks(5)
    for user in users:
        user.join()
    keeper.does("status", "503 Service Unavailable")
    client.checks(1)
    settle(run, 10)
    run.stop(FAILED)
    assert told(run) == expected(client, VERDICTS), run.dump()
    assert run.lines[-1]["other_requests"] == 3 * requests, run.lines[-1]


def test_users_alone(lab, keeper, trace):
    """Nothing is said of the network while requests come through it."""
    run = trace(lab, *OPTIONS, "--path", "/healthz")
    for _ in range(4):
        browse(lab, 40, 0.02)
    run.stop()
    assert not run.of_type("probe"), run.dump()
    end = run.lines[-1]
    assert (end["verdict"], end["outcome"]) == ("unknown", "unknown"), end
    assert end["other_requests"] == 160 and "outside this host" not in end["fix"], end
    assert "GET /shop/0" in end["why"] and "--path" in end["fix"], end
