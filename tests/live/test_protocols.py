# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What checks speak besides HTTP/1: HAProxy, curl and DNS clients, with their own word, against real
services and, for what those do not do when told, exact bytes."""
import contextlib
import csv
import io
import os
import socket
import struct
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace

import lab_checks
import pytest
from harness import Expect, params
from lab import BACKEND, LB_NODES

sys.path.append(f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/agreement")
import services  # noqa: E402
from situations import SITUATIONS  # noqa: E402

PORT = 7400
CHK = "mode http\n  option httpchk"
BANNER = "option tcp-check\n  tcp-check connect\n  tcp-check expect rstring "
H2 = (f"{CHK}\n  http-check send meth GET uri /health ver HTTP/2.0 hdr Host web", "check-proto h2")


def ok(application, **kwargs):
    return Expect("healthy", confidence=("certain",), **kwargs), application


def error(application, *why, **kwargs):
    return Expect("service-error", "RESPONSE_MISMATCH", why=why, **kwargs), application


@dataclass(frozen=True)
class Played:
    """A situation of tests/agreement, HAProxy's check of it, and what hctrace says."""

    id: str
    situation: str
    how: object  # lines of a backend, or these and options of its server
    said: tuple  # an Expect, and the application
    up: bool = False

    def __str__(self):
        return self.id

    @property
    def expect(self):
        return self.said[0]


WRAPPED = (Expect("tcp-wrappers", "RESPONSE_FORMAT_ERROR", why=("hosts.deny",)), "ftp")
CASES = [
    Played("redis", "redis-ok", "option redis-check", ok("redis", note=("+pong",)), True),
    Played("redis-noauth", "redis-auth", "option redis-check", error("redis", "-noauth")),
    Played("redis-denied", "redis-denied", "option redis-check", error("redis", "-denied")),
    Played("redis-loading", "redis-loading", "option redis-check", error("redis", "-loading")),
    Played("mysql", "mysql-ok", "option mysql-check user check", ok("mysql"), True),
    Played("mysql-not-allowed", "mysql-denied", "option mysql-check user check",
           error("mysql", "1130")),
    Played("mysql-full", "mysql-full", "option mysql-check user check",
           error("mysql", "1040 too many connections")),
    Played("postgresql", "pg-ok", "option pgsql-check user postgres", ok("postgresql"), True),
    Played("postgresql-hba", "pg-denied", "option pgsql-check user postgres",
           error("postgresql", "fatal 28000", "pg_hba.conf")),
    Played("postgresql-starting", "pg-starting", "option pgsql-check user postgres",
           error("postgresql", "57p03")),
    Played("smtp", "smtp-ok", "option smtpchk HELO web", ok("smtp"), True),
    Played("smtp-550", "smtp-550", "option smtpchk HELO web", error("smtp", "550 go away")),
    Played("smtp-silent", "smtp-stall", "option smtpchk HELO web",
           (Expect("app-slow", "RECV_RESPONSE_TIMEOUT", why=("220",)), "smtp")),
    Played("ldap", "ldap-ok", "option ldap-check", ok("ldap"), True),
    Played("ldap-busy", "ldap-busy", "option ldap-check", error("ldap", "51", "busy")),
    Played("ftp", "ftp-ok", f"{BANNER}^220", ok("ftp"), True),
    Played("ftp-wrapped", "ftp-denied", f"{BANNER}^220", WRAPPED),
    Played("ssh", "ssh-ok", f"{BANNER}^SSH", ok("ssh"), True),
    Played("ssh-wrapped", "ssh-denied", f"{BANNER}^SSH",
           (Expect("tcp-wrappers", "RECV_RESPONSE_TIMEOUT", why=("hosts.deny",)), None)),
    Played("agent", "agent-up", ("", f"agent-check agent-inter 2s agent-port {PORT}"),
           ok("haproxy-agent"), True),
    Played("agent-down", "agent-down", ("", f"agent-check agent-inter 2s agent-port {PORT}"),
           error("haproxy-agent", "'down'")),
    # field report 02, both ways round
    Played("proxy", "proxy-ok", (f"{CHK} GET /health", "check-send-proxy"),
           (Expect("healthy", protocol="http", status=200), None), True),
    Played("proxy-unknown", "proxy-unwanted", (f"{CHK} GET /health", "check-send-proxy"),
           (Expect("protocol-mismatch", "RESPONSE_FORMAT_ERROR", confidence=("certain",),
                   why=("proxy protocol header",), advice=("check-send-proxy",)), None)),
    Played("proxy-demanded", "wants-proxy", f"{CHK} GET /health",
           (Expect("protocol-mismatch", "CONNECT_INTERRUPT", confidence=("likely",),
                   advice=("proxy_protocol", "return 444")), None)),
    # field report 08c
    Played("h2", "h2c-ok", H2, ok("http2"), True),
    Played("h2-503", "h2c-503", H2,
           (Expect("http-status", "RESPONSE_MISMATCH", why=("http/2", "503")), "http2")),
    Played("h2-unknown", "h2c-unknown", H2,
           (Expect("protocol-mismatch", "RESPONSE_FORMAT_ERROR", why=("http/2",)), "http2")),
]


def start_service(lab, name, port=PORT):
    situation = SITUATIONS[name]
    lab.backend.write_etc("hosts.deny", "vsftpd: 100.125.\nsshd-denied: 100.125.\n")
    services.STARTERS[situation.service](lab, [(SimpleNamespace(port=port), situation.settings)])


class Haproxy:
    """A load balancer with one server; its stats socket is its word."""

    def __init__(self, lab, how):
        lines, server = how if isinstance(how, tuple) else (how, "")
        check = "" if "agent" in server else "check"
        self.socket = f"{lab.tmp}/haproxy.sock"
        config = lab.file("haproxy.cfg", f"""
global
  stats socket {self.socket} level admin
defaults
  mode tcp
  timeout connect 1s
  timeout check 1s
  timeout client 1s
  timeout server 1s
backend b
  {lines}
  server s {BACKEND}:{PORT} source {LB_NODES[0]} {server} {check} inter 2s fall 1 rise 1
""")
        self.who = "check" if check else "agent"
        self.child = lab.spawn(lab.lb, "haproxy", "-db", "-f", config, log="haproxy")

    def word(self):
        """Whether the server is up, once it was checked."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
                sock.connect(self.socket)
                sock.sendall(b"show stat\n")
                text = b"".join(iter(lambda: sock.recv(65536), b"")).decode().lstrip("# ")
                for line in csv.DictReader(io.StringIO(text)):
                    status = line[f"{self.who}_status"].lstrip("* ")
                    if line["svname"] == "s" and status not in ("", "INI"):
                        return status == "L7OK" if self.who == "agent" else (
                            line["status"].startswith("UP"))
            time.sleep(0.05)
        raise AssertionError("HAProxy checked nothing")


def first_probe(run, within=12):
    line = run.wait(lambda one: one["type"] == "probe" and one["target"]["port"] == PORT, within)
    assert line, run.dump()
    return line


def compare(said, line):
    expect, application = said
    wrong = expect.compare(line)
    if line["application"] != application:
        wrong.append(f"application is {line['application']}, not {application}")
    assert not wrong, "\n".join(wrong) + f"\n{line}"


@pytest.mark.parametrize("case", **params(CASES))
def test_haproxy(case, make_lab, trace):
    lab = make_lab(nginx=False)
    start_service(lab, case.situation)
    run = trace(lab, "--port", PORT, "--timeout", 1, "--expect-codes", "200-399")
    client = Haproxy(lab, case.how)
    line = first_probe(run)
    assert client.word() == case.up, "the lab is wrong"
    client.child.terminate()
    compare(case.said, line)
    run.stop()


# ---- gRPC ----

def health_check(lab, service=b"web"):
    """grpc.health.v1's Check by curl, which has no word on trailers: they are in what it prints."""
    message = b"\x0a" + bytes([len(service)]) + service
    body = f"{lab.tmp}/grpc"
    with open(body, "wb") as f:
        f.write(b"\0" + struct.pack(">I", len(message)) + message)
    return lab.lb.run("curl", "-sv", "--http2-prior-knowledge", "-m", "3", "--interface", LB_NODES[0],
                      "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary",
                      f"@{body}", "-o", "/dev/null",
                      f"http://{BACKEND}:{PORT}/grpc.health.v1.Health/Check", check=False)


@dataclass(frozen=True)
class Asked:
    """A situation of tests/agreement, what the client sees, and what hctrace says."""

    id: str
    situation: str
    seen: object
    expect: Expect
    fault: str = ""

    def __str__(self):
        return self.id


GRPC_STATUS = Expect("grpc-status", "RESPONSE_MISMATCH", confidence=("certain",))
GRPC = [
    Asked("serving", "grpc-ok", dict(service="web", status=0, serving="SERVING"),
          Expect("healthy", confidence=("certain",))),
    Asked("not-serving", "grpc-down", dict(service="web", status=0, serving="NOT_SERVING"),
          GRPC_STATUS),
    Asked("no-such-service", "grpc-no-service", dict(service="web", status=5, serving=None),
          GRPC_STATUS),
    # it is refused before it has said which service
    Asked("no-health-service", "grpc-none", dict(service=None, status=12, serving=None),
          GRPC_STATUS),
]


@pytest.mark.parametrize("case", **params(GRPC))
def test_grpc(case, make_lab, trace):
    lab = make_lab(nginx=False)
    start_service(lab, case.situation)
    run = trace(lab, "--port", PORT, "--timeout", 3)
    health_check(lab)
    line = first_probe(run)
    compare((case.expect, "grpc"), line)
    assert line["grpc"] == dict(case.seen, service=line["grpc"]["service"])
    assert line["grpc"]["service"] in (case.seen["service"], "web")
    run.stop()


# ---- DNS ----

def question(lab, port, timeout=1, **_):
    """An A record of check.test; Seen.result is the answer's code, or that there was none."""
    name = b"\5check\4test\0"
    query = struct.pack(">HHHHHH", 0x1234, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
    sock, lb, source = lab_checks.bound(lab, BACKEND, socket.SOCK_DGRAM, 0)
    with contextlib.closing(sock):
        sock.settimeout(timeout)
        sock.connect((BACKEND, port))
        sock.send(query)
        try:
            result = str(sock.recv(2048)[3] & 15)
        except TimeoutError:
            result = "silent"
        except ConnectionRefusedError:
            result = "refused"
    return lab_checks.Seen(result, lb, source, BACKEND, port, 0)


DROP = f"iptables-legacy -A INPUT -s 100.125.0.0/16 -p udp --dport {PORT} -j DROP"
DROP_REPLY = f"iptables-legacy -A OUTPUT -d 100.125.0.0/16 -p udp --sport {PORT} -j DROP"


DNS = [
    Asked("healthy", "dns-ok", "0", Expect("healthy", confidence=("certain",))),
    Asked("refused", "dns-refused", "5",
          Expect("service-error", "RESPONSE_MISMATCH", why=("refused",))),
    Asked("nxdomain", "dns-nxdomain", "3",
          Expect("service-error", "RESPONSE_MISMATCH", why=("nxdomain",))),
    Asked("silent", "dns-silent", "silent",
          Expect("app-slow", "RECV_RESPONSE_TIMEOUT", outcome="fail", why=("dns question",))),
    Asked("dropped", "dns-ok", "silent",
          Expect("firewall-drop", "CONNECT_TIMEOUT", outcome="fail"), DROP),
    Asked("answer-dropped", "dns-ok", "silent",
          Expect("reply-dropped", "CONNECT_TIMEOUT", outcome="fail"), DROP_REPLY),
]


@pytest.mark.parametrize("case", **params(DNS))
def test_dns(case, make_lab, trace):
    lab = make_lab(nginx=False)
    start_service(lab, case.situation)
    if case.fault:
        lab.backend.run("sh", "-c", case.fault)
    run = trace(lab, "--port", PORT, "--timeout", 1)
    assert question(lab, PORT).result == case.seen, "the lab is wrong"
    compare((case.expect, "dns"), first_probe(run))
    run.stop()


# ---- look-alikes ----

# The greeting says the same, but who has ended before it came did not wait for it.
LONELY = [Asked(one, one, "connected", Expect("healthy")) for one in ("mysql-full", "smtp-421")]


@pytest.mark.parametrize("case", **params(LONELY))
def test_plain_tcp_check(case, make_lab, trace):
    lab = make_lab(nginx=False)
    start_service(lab, case.situation)
    run = trace(lab, "--port", PORT, "--timeout", 1)
    line = run.probe(lab_checks.tcp(lab, PORT))
    # a slow lab may let the greeting in first: then it is not sure
    assert line["verdict"] == case.expect.verdict or line["confidence"] != "certain", line
    run.stop()
