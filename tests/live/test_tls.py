# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TLS from outside: real clients and services, what each of them says, and what hctrace does."""
import contextlib
import re
import subprocess
import time
from dataclasses import replace

import lab_checks
import pytest
from harness import FAILED, Case, Expect, params, run_case
from lab import BACKEND, PYTHON
from lab_services import SERVERS, TlsService
from probe_play import only_line, probe

PORT = 7100
OLD, NEW = ("--tls-max", "1.2"), ("--tlsv1.3",)
HANDSHAKE = "SSL_HANDSHAKE_ERROR"


def curl(*more):
    def check(lab, port, **kwargs):
        return lab_checks.http(lab, port, scheme="https", more=more, **kwargs)
    return check


def failed(*why, confidence=("certain",), **kwargs):
    return Expect("tls-alert", HANDSHAKE, protocol="https", why=why, confidence=confidence, **kwargs)


def hidden(*why, **kwargs):
    return failed("alert's size", *why, confidence=("likely",), **kwargs)


def passes(*note, **kwargs):
    return Expect("healthy", protocol="https", note=note, confidence=("likely",), **kwargs)


def case(name, seen, expect, check, timeout=2, **service):
    return Case(name, seen, expect, check=check, port=PORT, timeout=timeout,
                setup=lambda lab: TlsService(lab, PORT, **service) and None)


def trusting(*more):
    """curl that verifies: -k is taken back by naming a CA."""
    def check(lab, port, **kwargs):
        return lab_checks.http(lab, port, scheme="https", more=("--no-insecure", *more), **kwargs)
    return check


def s_client(*more, ask=b"", wait=0.3):
    """openssl s_client, which asks nothing (or ASK) and ends WAIT seconds later."""
    def check(lab, port, timeout=2, node=0, target=BACKEND):
        source, lb = lab.next_port(), lab_checks.source_of(target, node)
        start = time.monotonic()
        with subprocess.Popen(
                lab.lb.argv("openssl", "s_client", "-connect", f"{target}:{port}", "-bind",
                            f"{lb}:{source}", "-quiet", *more),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(ask)
                child.stdin.flush()
            first = child.stdout.readline().decode(errors="replace")  # of the certificate
            time.sleep(wait)
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            child.terminate()
            said = first + child.stdout.read().decode(errors="replace")
            code = child.wait(timeout)
        result = "tls" if code > 0 and "alert" in said else "http"
        return lab_checks.Seen(result, lb, source, target, port, time.monotonic() - start)
    return check


def haproxy(how, *options):
    """One check by HAProxy: its log is its word ("L7OK", "L6RSP", …)."""
    def check(lab, port, timeout=2, node=0, target=BACKEND):
        source, lb = lab.next_port(), lab_checks.source_of(target, node)
        lines = "\n  ".join(options)
        config = lab.file(f"check-{source}.cfg", f"""
global
  log stdout format raw local0
  stats socket {lab.tmp}/check-{source}.sock
defaults
  mode http
  log global
  timeout check {timeout}s
  timeout connect {timeout}s
  timeout client {timeout}s
  timeout server {timeout}s
backend b
  option log-health-checks
  {lines}
  server s {target}:{port} source {lb}:{source} check inter 60s fall 1 rise 1 {how}
""")
        start = time.monotonic()
        child = subprocess.Popen(lab.lb.argv("haproxy", "-db", "-f", config), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        word = ""
        for line in child.stdout:
            found = re.search(r"Health check for .* reason: ([^,]*)", line)
            if found:
                word = found[1]
                break
        seen = lab_checks.Seen(word or "nothing", lb, source, target, port,
                               time.monotonic() - start)
        child.terminate()
        child.communicate()
        return seen
    return check


def wget(lab, port, timeout=2, node=0, target=BACKEND):
    """wget, whose source port is the only one that the kernel may choose."""
    lb = lab_checks.source_of(target, node)
    lab.lb.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40000")
    start = time.monotonic()
    done = subprocess.run(lab.lb.argv("wget", "-q", "-t", 1, "-T", timeout, "-O", "/dev/null",
                                      f"--bind-address={lb}", f"https://{target}:{port}/"))
    return lab_checks.Seen("tls" if done.returncode == 5 else "http", lb, 40000, target, port,
                           time.monotonic() - start)


SSL = "check-ssl verify none"
HTTPCHK = "option httpchk GET /health"
OK = "Layer7 check passed"

HEALTHY = [
    case("nginx-1.2", "http", passes("encrypted"), curl(*OLD)),
    case("nginx-1.3", "http", passes("encrypted"), curl(*NEW)),
    case("s_server-1.2", "http", passes("encrypted"), curl(*OLD), kind="openssl", options=("-www",)),
    case("s_server-1.3", "http", passes("encrypted"), curl(*NEW), kind="openssl", options=("-www",)),
    case("haproxy-1.2", "http", passes("encrypted"), curl(*OLD), kind="haproxy"),
    case("haproxy-1.3", "http", passes("encrypted"), curl(*NEW), kind="haproxy"),
    # an honest pass: the 503 inside is not seen
    case("503-inside", "http", passes("encrypted"), curl(), location="return 503;"),
    case("haproxy-checks", OK, passes("encrypted"), haproxy(SSL, HTTPCHK)),
    # a PROXY header comes ahead of the ClientHello
    case("behind-proxy-header", OK, passes("encrypted"), haproxy(SSL + " check-send-proxy", HTTPCHK),
         proxy=True),
    # nothing is asked inside
    case("handshake-alone-1.2", "Layer6 check passed", passes("handshake"),
         haproxy(SSL + " ssl-max-ver TLSv1.2")),
    case("handshake-alone-1.3", "Layer6 check passed", passes("handshake"),
         haproxy(SSL + " ssl-min-ver TLSv1.3")),
    # session tickets come, and no answer: nothing was asked
    case("tickets-then-close", "http", passes("handshake"), s_client("-tls1_3")),
    case("asked-by-s_client", "http", passes("encrypted"),
         s_client("-tls1_2", ask=b"GET /health HTTP/1.0\r\n\r\n")),
    # any TLS record is health for it, an alert included
    case("ssl-hello-chk", "Layer6 check passed", passes("any TLS record"),
         haproxy("", "option ssl-hello-chk")),
]


@pytest.mark.parametrize("case", **params(HEALTHY))
def test_healthy(case, make_lab, trace):
    run_case(case, make_lab, trace)


NO_CERTIFICATE = ("client certificate",)
# by the service; its log's word is the alert that is named here
REFUSED = [
    case("mutual-nginx-1.2", "http", passes("encrypted"), curl(*OLD), verify="optional"),
    case("mutual-haproxy-1.2", "tls/reset/curl-35", failed("handshake_failure (40)", advice=NO_CERTIFICATE),
         curl(*OLD), kind="haproxy", verify="required"),
    case("mutual-haproxy-1.3", "reset/tls/closed", hidden("demanded a client certificate", advice=NO_CERTIFICATE),
         curl(*NEW), kind="haproxy", verify="required"),
    case("mutual-s_server-1.2", "tls", failed("handshake_failure (40)", advice=NO_CERTIFICATE),
         curl(*OLD), kind="openssl", options=("-www", "-Verify", "1")),
    case("mutual-s_server-1.3", "reset/tls/closed", hidden("demanded a client certificate", advice=NO_CERTIFICATE),
         curl(*NEW), kind="openssl", options=("-www", "-Verify", "1")),
    case("strict-sni", "tls", failed("unrecognized_name (112)", "ClientHello", advice=("SNI",)),
         curl(), kind="haproxy", strict=True),
    case("strict-sni-haproxy", "Layer6 invalid response",
         failed("unrecognized_name (112)", "no SNI", advice=("SNI",)), haproxy(SSL, HTTPCHK),
         kind="haproxy", strict=True),
    case("version", "tls", failed("protocol_version (70)", "TLS 1.2 at most"), curl(*OLD),
         protocols="TLSv1.3"),
    case("cipher", "tls", failed("handshake_failure (40)", advice=("cipher",)),
         curl(*OLD, "--ciphers", "AES128-SHA"), protocols="TLSv1.2", ciphers="ECDHE-RSA-AES256-GCM-SHA384"),
    case("alpn", "http", passes("encrypted"), curl("--no-alpn")),
]


@pytest.mark.parametrize("case", **params(REFUSED))
def test_refused(case, make_lab, trace):
    run_case(case, make_lab, trace)


# By the load balancer, which verifies.
DISTRUST = [
    case("expired-1.2", "curl-60", failed("The load balancer ended", "certificate_expired (45)",
                                          advice=("renew",)),
         trusting("--cacert", "{ca}", *OLD), expired=True),
    case("expired-1.3", "curl-60", failed("The load balancer ended", "certificate_expired (45)",
                                          "certificate and Finished", advice=("renew",)),
         trusting("--cacert", "{ca}", *NEW), expired=True),
    case("unknown-ca-1.2", "curl-60", failed("unknown_ca (48)", advice=("chain",)),
         trusting(*OLD)),
    case("unknown-ca-1.3", "curl-60", failed("The load balancer ended", "unknown_ca (48)"),
         trusting(*NEW)),
    # GnuTLS' client finishes the handshake, and rejects the certificate then: nothing tells it
    case("wget", "tls", passes("handshake", "rejected the certificate"), wget),
    case("haproxy-verifies-1.2", "Layer6 invalid response", failed("The load balancer ended", "(48)"),
         haproxy("check-ssl verify required ca-file /etc/ssl/certs/ca-certificates.crt "
                 "ssl-max-ver TLSv1.2", HTTPCHK)),
    case("haproxy-verifies-1.3", "Layer6 invalid response", failed("The load balancer ended", "(48)"),
         haproxy("check-ssl verify required ca-file /etc/ssl/certs/ca-certificates.crt "
                 "ssl-min-ver TLSv1.3", HTTPCHK)),
]


@pytest.mark.parametrize("case", **params(DISTRUST))
def test_distrust(case, make_lab, trace):
    run_case(case, make_lab, trace)


def hangs(confidence=("certain",)):
    return Expect("app-slow", "RECV_RESPONSE_TIMEOUT", protocol="https", confidence=confidence,
                  why=("finished the TLS handshake", "application data"), advice=("TLS works",))


def cut():
    return Expect("app-closed", "CONNECT_INTERRUPT", protocol="https", process="haproxy",
                  why=("finished the TLS handshake", "application data", "closed"))


UNANSWERED = [
    case("hangs-1.2", "response-timeout", hangs(), curl(*OLD), backend="hang"),
    case("hangs-1.3", "response-timeout", hangs(), curl(*NEW), backend="hang"),
    case("hangs-haproxy", "Layer7 timeout", hangs(), haproxy(SSL, HTTPCHK), backend="hang"),
    case("rejects-1.2", "closed", cut(), curl(*OLD), kind="haproxy", rule="http-request reject"),
    case("rejects-1.3", "closed", cut(), curl(*NEW), kind="haproxy", rule="http-request reject"),
    case("silent", "timeout", failed("sent nothing after the ClientHello", "gave up"),
         curl(), kind="silent"),
    case("closes", "tls/reset", failed("closed the connection", "ClientHello"), curl(),
         kind="closes"),
    case("never-accepts", "timeout",
         Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT", protocol="https"), curl(),
         kind="never-accepts"),
]


@pytest.mark.parametrize("case", **params(UNANSWERED))
def test_unanswered(case, make_lab, trace):
    run_case(case, make_lab, trace)


def relayed(size, **service):
    """The service behind one that sends SIZE bytes a segment."""
    def setup(lab):
        TlsService(lab, 7443, **service)
        lab.spawn(lab.backend, PYTHON, f"{SERVERS}/relay.py", PORT, 7443, size, port=PORT)
    return setup


# a record's header spans segments, in every way that it can
SPLIT = [
    Case(f"{size}-bytes", "http", passes("encrypted"), check=curl(*version), port=PORT, timeout=2,
         setup=relayed(size)) for size, version in ((3, OLD), (64, NEW), (61, OLD))
] + [
    Case("asked-nothing", "Layer6 check passed", passes("handshake"),
         check=haproxy(SSL + " ssl-max-ver TLSv1.2"), port=PORT, timeout=2, setup=relayed(97)),
] + [
    Case(f"hangs-{size}", "response-timeout", hangs(), check=curl(*version), port=PORT, timeout=2,
         setup=relayed(size, backend="hang")) for size, version in ((97, OLD), (4, OLD), (7, NEW))
]


@pytest.mark.parametrize("case", **params(SPLIT))
def test_split(case, make_lab, trace):
    run_case(case, make_lab, trace)


PROBED = [
    ("mutual-1.2", dict(kind="haproxy", verify="required", more="ssl-max-ver TLSv1.2"), "tls-alert"),
    ("mutual-1.3", dict(kind="haproxy", verify="required", more="ssl-min-ver TLSv1.3"), "tls-alert"),
    ("strict-sni", dict(kind="haproxy", strict=True), "tls-alert"),
    ("hangs", dict(backend="hang"), "app-slow"),
]


@pytest.mark.parametrize("service, verdict", [row[1:] for row in PROBED],
                         ids=[row[0] for row in PROBED])
def test_probe(service, verdict, lab, binary):
    """hctrace's own check: nothing that fails inside passes."""
    TlsService(lab, PORT, **service)
    line = only_line(probe(binary, lab, "--port", PORT, "--protocol", "https", "--timeout", 1), FAILED)
    assert line["verdict"] == verdict, line


def test_what_is_said_in_clear(make_lab, trace):
    """The names of both hellos, and the records in the timeline."""
    check = curl(*OLD, "--connect-to", f"www.example.org:{PORT}:{BACKEND}:{PORT}")

    def named(lab, port, **kwargs):
        return replace(check(lab, port, target="www.example.org", **kwargs), target=BACKEND)

    found = case("sni", "http", passes("encrypted"),
                 lambda lab, port, timeout, target: named(lab, port, timeout=timeout))
    line = run_case(found, make_lab, trace)[1]
    assert line["tls"] == {"version": "TLS 1.2", "sni": "www.example.org", "alpn": "http/1.1",
                           "alert": None, "plaintext": line["tls"]["plaintext"]}, line["tls"]
    assert line["tls"]["plaintext"].startswith("not seen"), line["tls"]
    texts = [one["text"] for one in line["timeline"]]
    assert "ClientHello for www.example.org" in texts, texts
    assert any(text.startswith("ServerHello, certificate") for text in texts), texts
    assert any(text.startswith("application data") for text in texts), texts
