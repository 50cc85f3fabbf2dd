# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a load balancer does: health checks from its namespace, and what it saw of each.

Every check returns a Seen.  Its source address and port name the probe, so that a test can
find exactly that probe in hctrace's output.
"""
import contextlib
import errno
import select
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, replace

from lab import BACKEND, LB6_NODES, LB_NODES, OUTSIDER, OUTSIDER6

# curl's exit codes, in the load balancer's terms
CURL = {1: "not-http", 7: "refused", 8: "not-http", 18: "cut", 28: "timeout", 35: "tls",
        52: "closed", 55: "reset", 56: "reset"}


@dataclass(frozen=True)
class Seen:
    """The load balancer's side of one check."""

    result: str  # http connected syn-ack refused unreachable timeout response-timeout closed reset
    #              tls not-http answered silent lost cut (an answer that ended before its length)
    lb: str
    port: int  # the source port; of ping, the identifier
    target: str
    target_port: int
    seconds: float
    status: int = 0  # HTTP status
    curl: int = 0  # curl's exit code
    echo: bool = False  # UDP check: the ping was answered

    def __str__(self):
        return (f"{self.lb}:{self.port} -> {self.target}:{self.target_port} {self.result}"
                f"{f' {self.status}' if self.status else ''} after {self.seconds:.3f} s")


def source_of(target, node):
    """The load balancer's address that checks TARGET; NODE None: one outside its range."""
    if node is None:
        return OUTSIDER6 if ":" in target else OUTSIDER
    return (LB6_NODES if ":" in target else LB_NODES)[node]


def http(lab, port=80, path="/health", timeout=2, node=0, target=BACKEND, scheme="http",
         more=()):
    """A GET by curl, which gives up after TIMEOUT seconds."""
    lb, source = source_of(target, node), lab.next_port()
    host = f"[{target}]" if ":" in target else target
    start = time.monotonic()
    done = subprocess.run(
        lab.lb.argv("curl", "-g", "-q", "-s", "-o", "/dev/null", "-m", timeout, "--interface", lb,
                    "--local-port", source, "-w", "%{http_code} %{time_connect}", "-k",
                    *(str(one).format(ca=f"{lab.tmp}/service.crt") for one in more),
                    f"{scheme}://{host}:{port}{path}"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    seconds = time.monotonic() - start
    status, connected = done.stdout.split()
    code = done.returncode
    result = CURL.get(code, f"curl-{code}") if code else "http"
    if result == "timeout" and float(connected) > 0:
        result = "response-timeout"
    return Seen(result, lb, source, target, port, seconds, int(status), code)


def https(lab, port, **kwargs):
    return http(lab, port, scheme="https", **kwargs)


def _family(target):
    return socket.AF_INET6 if ":" in target else socket.AF_INET


def bound(lab, target, kind, node):
    """A socket of the load balancer's, bound to one of its addresses and a port of its own."""
    lb, source = source_of(target, node), lab.next_port()
    with lab.lb.enter():
        sock = socket.socket(_family(target), kind)
        sock.bind((lb, source))
    return sock, lb, source


def connect(lab, port, timeout=2, node=0, target=BACKEND):
    """Connects; returns the socket (None when that failed) and what was seen."""
    sock, lb, source = bound(lab, target, socket.SOCK_STREAM, node)
    start = time.monotonic()
    sock.settimeout(timeout)
    try:
        sock.connect((target, port))
        result = "connected"
    except TimeoutError:
        result = "timeout"
    except ConnectionRefusedError:
        result = "refused"
    except OSError as e:
        if e.errno not in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNRESET):
            raise
        result = "reset" if e.errno == errno.ECONNRESET else "unreachable"
    seconds = time.monotonic() - start
    if result != "connected":
        sock.close()
        sock = None
    return sock, Seen(result, lb, source, target, port, seconds)


def reset(sock):
    """Closes with a RST, the way that a load balancer ends a TCP check."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def tcp(lab, port, timeout=2, node=0, target=BACKEND):
    """SYN, SYN-ACK, ACK, RST."""
    sock, seen = connect(lab, port, timeout, node, target)
    if sock:
        reset(sock)
    return seen


def late_request(lab, port, timeout=2, pause=0.3, **kwargs):
    """An HTTP check whose request comes PAUSE seconds after the handshake."""
    sock, seen = connect(lab, port, timeout, **kwargs)
    if not sock:
        return seen
    with contextlib.closing(sock):
        time.sleep(pause)
        sock.settimeout(timeout - pause)
        try:
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n")
            result = "http" if sock.recv(4096).startswith(b"HTTP/") else "closed"
        except TimeoutError:
            result = "response-timeout"
        except (ConnectionResetError, BrokenPipeError):
            result = "reset"
    return replace(seen, result=result)


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(lab, port, timeout=2, node=0, target=BACKEND):
    """SYN, SYN-ACK, RST: a raw SYN, whose answer the kernel, knowing no such socket, resets."""
    lb, source = source_of(target, node), lab.next_port()
    with lab.lb.enter():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    with contextlib.closing(raw):
        raw.bind((lb, 0))
        head = struct.pack("!HHIIBBHHHBBH", source, port, 0x12345678, 0, 6 << 4, 0x02, 64240, 0, 0,
                           2, 4, 1460)
        pseudo = struct.pack("!4s4sBBH", socket.inet_aton(lb), socket.inet_aton(target), 0, 6,
                             len(head))
        head = head[:16] + struct.pack("!H", _checksum(pseudo + head)) + head[18:]
        start = time.monotonic()
        raw.sendto(head, (target, 0))
        result = "timeout"
        while result == "timeout" and (left := start + timeout - time.monotonic()) > 0:
            if not select.select([raw], [], [], left)[0]:
                break
            packet = raw.recv(2048)
            segment = packet[(packet[0] & 15) * 4:]
            if struct.unpack("!HH", segment[:4]) == (port, source):
                result = "refused" if segment[13] & 0x04 else "syn-ack"
    return Seen(result, lb, source, target, port, time.monotonic() - start)


def ping(lab, timeout=1, node=0, target=BACKEND):
    """One echo request by ping(8)."""
    lb, ident = source_of(target, node), lab.next_port()
    start = time.monotonic()
    done = subprocess.run(lab.lb.argv("ping", "-n", "-c", 1, "-W", timeout, "-I", lb, "-e", ident,
                                      target), stdin=subprocess.DEVNULL, capture_output=True)
    answered = done.returncode == 0
    return Seen("answered" if answered else "lost", lb, ident, target, 0,
                time.monotonic() - start, echo=answered)


def datagram(lab, port, timeout=1, node=0, target=BACKEND):
    """One datagram; an ICMP port unreachable shows as a refusal."""
    sock, lb, source = bound(lab, target, socket.SOCK_DGRAM, node)
    start = time.monotonic()
    with contextlib.closing(sock):
        sock.settimeout(timeout)
        sock.connect((target, port))
        sock.send(b"health check")
        try:
            sock.recv(2048)
            result = "answered"
        except TimeoutError:
            result = "silent"
        except ConnectionRefusedError:
            result = "refused"
    return Seen(result, lb, source, target, port, time.monotonic() - start)


def udp(lab, port, timeout=1, node=0, target=BACKEND):
    """The load balancer's UDP check: an echo, then a datagram.  Healthy unless refused."""
    echo = ping(lab, timeout, node, target)
    seen = datagram(lab, port, timeout, node, target)
    return Seen(seen.result, seen.lb, seen.port, target, port, seen.seconds, echo=echo.echo)


class Later:
    """A check that runs beside others; result() waits for what it saw."""

    def __init__(self, check, *args, **kwargs):
        self._seen = self._error = None
        self._thread = threading.Thread(target=self._run, args=(check, args, kwargs), daemon=True)
        self._thread.start()

    def _run(self, check, args, kwargs):
        try:
            self._seen = check(*args, **kwargs)
        except BaseException as e:  # handed on by result()
            self._error = e

    def result(self):
        self._thread.join()
        if self._error:
            raise self._error
        return self._seen
