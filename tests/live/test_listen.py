# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who listens, and whether the kernel can hand the connection over."""
import contextlib

import lab_checks
import lab_services
from harness import Case, Expect, params, run_case
from lab import BACKEND

import pytest

HEALTHY_TCP = Expect("healthy", protocol="tcp")


def no_listener(*why, **kwargs):
    return Expect("no-listener", "CONNECT_REFUSED", why=why, confidence=("certain",), **kwargs)


def server(mode, port, *args, name=""):
    return lambda lab: lab_services.tcp_server(lab, mode, port, *args, name=name) and None


HEALTHY = [
    Case("tcp-reset-after-connect", "connected", HEALTHY_TCP, check=lab_checks.tcp),
    Case("tcp-reset-after-synack", "syn-ack", HEALTHY_TCP, check=lab_checks.syn),
]

REFUSED = [
    Case("http-check", "refused", no_listener("7080"), port=7080),
    Case("tcp-check", "refused", no_listener("7080"), port=7080, check=lab_checks.tcp),
    Case("bare-syn", "refused", no_listener("7080"), port=7080, check=lab_checks.syn),
    Case("loopback-only", "refused", no_listener("127.0.0.1", "shy"), port=7081,
         setup=server("answer", 7081, "--bind", "127.0.0.1", name="shy")),
    Case("another-port", "refused", no_listener("7083"), port=7082,
         setup=server("answer", 7083, name="neighbour")),
]


@pytest.mark.parametrize("case", **params(HEALTHY + REFUSED))
def test_listener(case, make_lab, trace):
    run_case(case, make_lab, trace)


@contextlib.contextmanager
def queue_full(lab):
    lab_services.tcp_server(lab, "never-accept", 7090, "--backlog", 3, name="stuck")
    with lab_services.filled_accept_queue(lab, 7090, 3):
        yield


@contextlib.contextmanager
def queue_nearly_full(lab):
    lab_services.tcp_server(lab, "never-accept", 7090, "--backlog", 3, name="stuck")
    with lab_services.filled_accept_queue(lab, 7090, 2):
        yield


FULL = Expect("accept-queue-full", "CONNECT_TIMEOUT", process="stuck", why=("stuck", "4 ", "3 "),
              where={"layer": "socket"})
QUEUES = [
    Case("full", "timeout", FULL, port=7090, setup=queue_full),
    Case("full-tcp-check", "timeout", FULL, port=7090, setup=queue_full, check=lab_checks.tcp),
    Case("room-for-one-more", "connected", Expect("healthy", protocol="tcp", note=("accept",)),
         port=7090, setup=queue_nearly_full, check=lab_checks.tcp),
    # the SYN is swallowed here as well, but for want of a route
    Case("look-alike-no-route", "timeout", Expect("no-route-back", "CONNECT_TIMEOUT"), port=7090,
         check=lab_checks.tcp,
         setup=server("never-accept", 7090, "--backlog", 3, name="stuck"),
         fault=["ip route del default"], host_wide=True),
]


@pytest.mark.parametrize("case", **params(QUEUES))
def test_accept_queue(case, make_lab, trace):
    run_case(case, make_lab, trace)


def test_queue_fills_with_checks(make_lab, trace):
    """TCP checks themselves fill the queue of a process that never accepts: healthy, then not."""
    lab = make_lab()
    lab_services.tcp_server(lab, "never-accept", 7091, "--backlog", 2, name="stuck")
    run = trace(lab, "--timeout", 1)
    checks = [lab_checks.tcp(lab, 7091, timeout=1, target=BACKEND) for _ in range(4)]
    assert [c.result for c in checks] == ["connected"] * 3 + ["timeout"]
    assert [run.probe(c)["verdict"] for c in checks] == ["healthy"] * 3 + ["accept-queue-full"]
    run.stop()
