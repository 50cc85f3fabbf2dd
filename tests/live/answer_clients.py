# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Health-check clients whose manner is exactly known: scripted ones, HAProxy, blackbox exporter.

Each is a check as those of lab_checks are, and returns what it saw and, where it has one, the
client's own word for it.
"""
import contextlib
import re
import select
import socket
import subprocess
import time
from dataclasses import replace

import lab_checks
from lab import BACKEND, LB_NODES, PATIENCE

GET = b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n"


def status_of(data):
    """The first status that is no 1xx; 0 when its line is not complete."""
    for line in data.split(b"\r\n")[:-1]:
        found = re.match(rb"HTTP/1\.[01] (\d{3})", line)
        if found and int(found[1]) >= 200:
            return int(found[1])
    return 0


def is_whole(data, closed):
    """Is the answer in DATA complete by its own framing?"""
    head, empty, body = data.partition(b"\r\n\r\n")
    while empty and re.match(rb"HTTP/1\.[01] 1", head):
        head, empty, body = body.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if not empty:
        return False
    if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(length[1]) if length else closed


WANTS = {
    "status": lambda data, closed: status_of(data) > 0,
    "all": is_whole,
    "byte": lambda data, closed: bool(data),
}


def _receive(sock, wants, deadline):
    """Reads until WANTS is content, or DEADLINE; returns the result and the bytes."""
    data = b""
    while True:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            more = sock.recv(65536)
        except TimeoutError:
            return "response-timeout", data
        except ConnectionResetError:
            return "reset", data
        data += more
        if wants(data, not more):
            return "http" if status_of(data) else "answered", data
        if not more:
            return "cut" if data else "closed", data


def scripted(request=(GET,), wants="all", end="fin", between=0.02, half_close=False,
             keeps=0.0, fast_open=False):
    """A client that sends the segments of REQUEST, waits for what it WANTS, and ENDs so."""
    def check(lab, port, timeout=1, node=0, target=BACKEND):
        deadline = time.monotonic() + timeout
        segments = list(request)
        if fast_open:
            sock, seen = _connect_with(lab, port, segments.pop(0), timeout, node, target)
        else:
            sock, seen = lab_checks.connect(lab, port, timeout, node, target)
        if not sock:
            return seen
        with contextlib.closing(sock):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i, segment in enumerate(segments):
                if i:
                    time.sleep(between)
                sock.sendall(segment)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            result, data = _receive(sock, WANTS[wants], deadline)
            time.sleep(keeps)
            if end == "rst":
                lab_checks.reset(sock)
        return replace(seen, result=result, status=status_of(data))
    return check


def _connect_with(lab, port, data, timeout, node, target):
    """Connects by TCP Fast Open: DATA is in the SYN."""
    lb, source = LB_NODES[node], lab.next_port()
    with lab.lb.enter():
        sock = socket.socket()
    sock.bind((lb, source))
    sock.settimeout(timeout)
    sock.sendto(data, socket.MSG_FASTOPEN, (target, port))
    return sock, lab_checks.Seen("connected", lb, source, target, port, 0)


def _lines(pipe, until):
    """Lines of PIPE as they come, at most UNTIL that moment."""
    text = ""
    while (left := until - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
        more = pipe.read1(65536).decode(errors="replace")
        if not more:
            return
        *lines, text = (text + more).split("\n")
        yield from lines


HAPROXY = """
global
  log stdout format raw local0
defaults
  mode {mode}
  log global
  option log-health-checks
  timeout connect {timeout}s
  timeout server {timeout}s
  timeout client {timeout}s
  timeout check {timeout}s
listen l
  bind 127.0.0.1:9999
backend b
  {options}
  server s1 {host}:{port} source {lb}:{source}-{source} check inter 60s fall 1 rise 1
"""
# HAProxy's words for the result of a check, in the load balancer's terms
HAPROXY_WORDS = {
    "Layer7 check passed": "http", "Layer7 timeout": "response-timeout",
    "Layer7 wrong status": "http", "Layer7 invalid response": "not-http",
    "Layer4 check passed": "connected", "Layer4 timeout": "timeout",
    "Layer4 connection problem": "refused",
}


def haproxy(options="option httpchk GET /health", mode="http"):
    """One check by a real HAProxy."""
    def check(lab, port, timeout=1, node=0, target=BACKEND):
        lb, source = LB_NODES[node], lab.next_port()
        config = lab.file(f"haproxy-{source}.cfg", HAPROXY.format(
            mode=mode, timeout=timeout, options=options, host=target, port=port, lb=lb,
            source=source))
        start = time.monotonic()
        child = subprocess.Popen(lab.lb.argv("haproxy", "-db", "-f", config),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
        said = ""
        try:
            for line in _lines(child.stdout, start + (timeout + 3) * PATIENCE):
                found = re.search(r"Health check for server b/s1 (\w+), reason: ([^,]*)(.*)", line)
                said += line + "\n"
                if found:
                    break
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        assert found, f"HAProxy does not say what it saw: {said}"
        status = re.search(r"code: (\d+)", found[3])
        result = HAPROXY_WORDS.get(found[2], found[2])
        if result == "not-http" and "closed" in found[3]:
            result = "closed"
        return lab_checks.Seen(result, lb, source, target, port, time.monotonic() - start,
                               int(status[1]) if status else 0)
    return check


BLACKBOX = """
modules:
  check:
    prober: http
    timeout: {timeout}s
    http:
      preferred_ip_protocol: ip4
      follow_redirects: false
"""


def blackbox(lab, port, timeout=1, target=BACKEND, **_):
    """One check by the blackbox exporter, which chooses its source port itself."""
    config = lab.file("blackbox.yml", BLACKBOX.format(timeout=timeout))
    child = lab.spawn(lab.lb, "prometheus-blackbox-exporter", "--config.file", config,
                      "--web.listen-address", "127.0.0.1:9115", port=9115)
    try:
        start = time.monotonic()
        metrics = lab.lb.run("curl", "-q", "-s", "-G", "http://127.0.0.1:9115/probe",
                             "-d", "module=check", "-d", f"target=http://{target}:{port}/health")
    finally:
        lab.stop(child)
    seconds = time.monotonic() - start
    success = re.search(r"^probe_success (\d)", metrics, re.M)
    status = re.search(r"^probe_http_status_code (\d+)", metrics, re.M)
    assert success, metrics
    result = "http" if success[1] == "1" else \
        "response-timeout" if seconds > 0.9 * timeout else "failed"
    return lab_checks.Seen(result, LB_NODES[0], 0, target, port, seconds,
                           int(status[1]) if status else 0)
