# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The application: slow, silent, closing, answering with something else."""
import contextlib
import time

import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab_services import Tls, tcp_server

PORT = 7100
TLS_ALERT = r"\x15\x03\x03\x00\x02\x02\x32"


def server(mode, *args, name="app"):
    return lambda lab: tcp_server(lab, mode, PORT, *args, name=name) and None


def healthy(status, **kwargs):
    return Expect("healthy", protocol="http", status=status, **kwargs)


HEALTHY = [
    Case("200", "http", healthy(200, process="nginx"), port=80),
    Case("202", "http", healthy(202), port=8202),
    Case("401", "http", healthy(401), port=8401),
    Case("slow-but-in-time", "http", healthy(200), port=PORT, timeout=2,
         setup=server("answer", "--delay", "1")),
    Case("301-expected", "http", healthy(301), port=8301, options=("--expect-codes", "200-399")),
]

SLOW = Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="app", why=("app",),
              where={"layer": "application"})
LATE = [
    Case("never-accepts", "response-timeout",
         Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT", process="app", why=("accept",)),
         port=PORT, setup=server("never-accept")),
    Case("never-answers", "response-timeout", SLOW, port=PORT, setup=server("silent")),
    Case("answers-too-late", "response-timeout", SLOW, port=PORT,
         setup=server("answer", "--delay", "2")),
]

CLOSED = Expect("app-closed", "CONNECT_INTERRUPT", process="app", why=("app",))
CLOSES = [
    Case("fin", "closed", CLOSED, port=PORT, setup=server("close")),
    Case("fin-later", "closed", CLOSED, port=PORT, timeout=2,
         setup=server("close", "--delay", "0.5")),
    Case("fin-unread", "closed/reset", CLOSED, port=PORT, setup=server("close-unread")),
    # the request meets a closed socket, and is dropped there: that is not the cause
    Case("fin-before-request", "closed/reset", CLOSED, port=PORT, check=lab_checks.late_request,
         setup=server("close-unread")),
    Case("rst", "reset", CLOSED, port=PORT, setup=server("reset")),
]


def status(code, *why, **kwargs):
    return Expect("http-status", "RESPONSE_MISMATCH", protocol="http", status=code,
                  why=(str(code), *why), **kwargs)


def not_http(*why):
    return Expect("not-http", "RESPONSE_FORMAT_ERROR", why=why)


ANSWERS = [
    Case("503", "http", status(503, "/health", process="nginx"), port=8503),
    Case("502", "http", status(502), port=8502),
    Case("301", "http", status(301, "https://www.example.org/health"), port=8301),
    Case("204", "http", status(204), port=8204),
    Case("200-only", "http", status(202), port=8202, options=("--expect-codes", "200")),
    Case("ssh-banner", "not-http", not_http("ssh"), port=PORT,
         setup=server("answer", "--reply", r"SSH-2.0-OpenSSH_9.2\r\n")),
    Case("garbage", "not-http", not_http(), port=PORT,
         setup=server("answer", "--reply", r"\x00\x01\x02\x03 hello")),
    Case("tls-alert", "not-http",
         Expect("tls-alert", "RESPONSE_FORMAT_ERROR", why=("tls",)), port=PORT,
         setup=server("answer", "--reply", TLS_ALERT)),
    Case("tls-alert-https-check", "tls",
         Expect("tls-alert", "SSL_HANDSHAKE_ERROR", protocol="https", why=("decode_error (50)",)), port=PORT,
         check=lab_checks.https, setup=server("answer", "--reply", TLS_ALERT)),
]


def tls(*options, nginx=False):
    return lambda lab: Tls(lab, PORT, *options, nginx=nginx) and None


def tls_1_2(lab, port, **kwargs):
    return lab_checks.http(lab, port, scheme="https", more=("--tls-max", "1.2"), **kwargs)


TLS = [
    Case("healthy", "http", Expect("healthy", protocol="https", note=("encrypted",)), port=PORT,
         check=lab_checks.https, setup=tls()),
    # an alert in clear: protocol_version
    Case("version", "tls", Expect("tls-alert", "SSL_HANDSHAKE_ERROR", why=("alert", "70"),
                                  protocol="https", process="openssl"), port=PORT,
         check=tls_1_2, setup=tls("-tls1_3")),
    Case("https-to-plain-port", "tls",
         Expect("protocol-mismatch", "SSL_HANDSHAKE_ERROR", why=("speaks no tls",), fix=("HTTP",)),
         port=8202, check=lab_checks.https),
    # nginx says so with an HTTP status of its own
    Case("http-to-tls-port", "http",
         Expect("tls-alert", "RESPONSE_MISMATCH", why=("wants tls", "400"), fix=("HTTPS",)),
         port=PORT, setup=tls(nginx=True)),
    # openssl only closes: nothing on the wire tells that it wanted TLS
    Case("http-to-tls-port-closed", "closed",
         Expect("app-closed", "CONNECT_INTERRUPT", fix=("TLS",), process="openssl"),
         port=PORT, setup=tls()),
]


@pytest.mark.parametrize("case", **params(TLS))
def test_tls(case, make_lab, trace):
    run_case(case, make_lab, trace)


def given_up(after):
    """A check whose load balancer resets AFTER so many seconds."""
    def check(lab, port, timeout=1, **_):
        sock, seen = lab_checks.connect(lab, port, timeout)
        with contextlib.closing(sock):
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n")
            time.sleep(after)
            lab_checks.reset(sock)
        return seen
    return check


ABORTS = [
    Case("early", "connected", Expect("probe-aborted", None, why=("reset", "before an answer")),
         port=PORT, timeout=3, check=given_up(0.3), setup=server("silent")),
    Case("at-the-timeout", "connected", SLOW, port=PORT, timeout=1, check=given_up(0.97),
         setup=server("silent")),
]


@pytest.mark.parametrize("case", **params(ABORTS))
def test_aborted(case, make_lab, trace):
    run_case(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(HEALTHY))
def test_healthy(case, make_lab, trace):
    run_case(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(LATE))
def test_late(case, make_lab, trace):
    run_case(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(CLOSES))
def test_closes(case, make_lab, trace):
    run_case(case, make_lab, trace)


@pytest.mark.parametrize("case", **params(ANSWERS))
def test_answer(case, make_lab, trace):
    run_case(case, make_lab, trace)


# A TCP check does not ask the application: what fails an HTTP check leaves it healthy.
TCP_LOOK_ALIKES = [
    Case("503", "connected", Expect("healthy", protocol="tcp"), port=8503, check=lab_checks.tcp),
    Case("silent", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         check=lab_checks.tcp, setup=server("silent")),
    Case("never-accepts", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         check=lab_checks.tcp, setup=server("never-accept")),
    Case("closes", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         check=lab_checks.tcp, setup=server("close")),
]


@pytest.mark.parametrize("case", **params(TCP_LOOK_ALIKES))
def test_tcp_check(case, make_lab, trace):
    run_case(case, make_lab, trace)
