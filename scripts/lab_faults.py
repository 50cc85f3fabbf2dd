# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Faults that take more than a command: raw segments, floods, full tables."""
import contextlib
import select
import socket
import struct
import time

from lab import BACKEND, LB_NODES
from lab_checks import Seen, _checksum

SYN, RST, ACK = 0x02, 0x04, 0x10
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
TCP_SEND_QUEUE, TCP_REPAIR_OFF_NO_WP = 2, -1
NFNL_CONNTRACK_NEW, NLM_F_CREATE_REQUEST = 0x100, 0x401
CONFIRMED_ASSURED_REPLIED = 0xE  # IPS_*: not evicted for newcomers


class RawTcp:
    """Segments of one connection that the load balancer's kernel knows nothing of."""

    def __init__(self, lab, port, source=None, node=0, addr=None):
        self.lb, self.port = addr or LB_NODES[node], port
        self.source = source or lab.next_port()
        with lab.lb.enter():
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        if addr:  # an address that is not its own
            self.sock.setsockopt(socket.IPPROTO_IP, 19, 1)  # IP_TRANSPARENT
        self.sock.bind((self.lb, 0))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, flags, seq, ack=0, timestamp=None, bad_checksum=False):
        options = b"" if timestamp is None else struct.pack("!BBBBII", 1, 1, 8, 10, timestamp, 0)
        head = struct.pack("!HHIIBBHHH", self.source, self.port, seq, ack,
                           (20 + len(options)) // 4 << 4, flags, 64240, 0, 0) + options
        pseudo = struct.pack("!4s4sBBH", socket.inet_aton(self.lb), socket.inet_aton(BACKEND), 0,
                             6, len(head))
        checksum = _checksum(pseudo + head) ^ (0x1111 if bad_checksum else 0)
        self.sock.sendto(head[:16] + struct.pack("!H", checksum) + head[18:], (BACKEND, 0))

    def answer(self, timeout):
        """The next segment of the backend's to this connection: (flags, seq); None: silence."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                return None
            packet = self.sock.recv(2048)
            segment = packet[(packet[0] & 15) * 4:]
            if struct.unpack("!HH", segment[:4]) == (self.port, self.source):
                return segment[13], struct.unpack("!I", segment[4:8])[0]
        return None

    def seen(self, result, start):
        return Seen(result, self.lb, self.source, BACKEND, self.port, time.monotonic() - start)


def keep_resets_in(lab, source):
    """A load balancer that says nothing more on source port SOURCE."""
    lab.lb.run("iptables-legacy", "-A", "OUTPUT", "-p", "tcp", "--sport", source, "--tcp-flags",
               "RST", "RST", "-j", "DROP")


def bad_checksum(lab, port, timeout=1, **_):
    """A SYN whose TCP checksum is wrong."""
    with RawTcp(lab, port) as raw:
        start = time.monotonic()
        raw.send(SYN, 1000, bad_checksum=True)
        return raw.seen("timeout" if raw.answer(timeout) is None else "answered", start)


def half_open(lab, port, n):
    """N connections that are begun and left, from addresses that nobody has."""
    lab.router.ip("route add blackhole 10.66.0.0/16")
    # raw sockets ignored IP_TRANSPARENT before Linux 5.17: then the addresses are its own
    lab.lb.ip(*(f"addr add 10.66.0.{i + 1}/32 dev eth0" for i in range(n)))
    for i in range(n):
        with RawTcp(lab, port, addr=f"10.66.0.{i + 1}") as raw:
            raw.send(SYN, 1000)


def forgotten_connection(lab, port):
    """An open connection of which only the backend knows; returns its source port."""
    source = lab.next_port()
    keep_resets_in(lab, source)
    with lab.lb.enter():
        sock = socket.socket()
    with contextlib.closing(sock):
        sock.bind((LB_NODES[0], source))
        sock.connect((BACKEND, port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return source


def time_wait(lab, port):
    """A connection that the backend closed first, so that it is in TIME_WAIT there; lab.old_seq is
    where the load balancer's side of it ended."""
    lab.lb.sysctl(ipv4__tcp_timestamps=2)  # counted from boot, without an offset
    source = lab.next_port()
    keep_resets_in(lab, source)
    with lab.lb.enter():
        sock = socket.socket()
    with contextlib.closing(sock):
        sock.bind((LB_NODES[0], source))
        sock.connect((BACKEND, port))
        sock.recv(16)
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)
        lab.old_seq = sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP)
    time.sleep(0.1)
    return source


def connect_from(lab, source, port, timeout):
    """A TCP check from a source port that was used before."""
    with lab.lb.enter():
        sock = socket.socket()
    start = time.monotonic()
    with contextlib.closing(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LB_NODES[0], source))
        sock.settimeout(timeout)
        try:
            sock.connect((BACKEND, port))
            result = "connected"
        except TimeoutError:
            result = "timeout"
    return Seen(result, LB_NODES[0], source, BACKEND, port, time.monotonic() - start)


def _attribute(kind, data, nested=False):
    return struct.pack("=HH", 4 + len(data), kind | 0x8000 * nested) + data + bytes(-len(data) % 4)


def _tuple(kind, source, target, sport, dport):
    ip = _attribute(1, source) + _attribute(2, target)
    proto = (_attribute(1, bytes([socket.IPPROTO_UDP])) + _attribute(2, struct.pack("!H", sport))
             + _attribute(3, struct.pack("!H", dport)))
    return _attribute(kind, _attribute(1, ip, True) + _attribute(2, proto, True), True)


def fill_conntrack(space, n):
    """N entries for the table of namespace SPACE, by netlink: no other namespace counts them."""
    target = socket.inet_aton(BACKEND)
    tail = (_attribute(3, struct.pack("!I", CONFIRMED_ASSURED_REPLIED))
            + _attribute(7, struct.pack("!I", 600)))
    with space.enter():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    with contextlib.closing(sock):
        sock.bind((0, 0))
        batch = []
        for i in range(n):
            source, port = struct.pack("!I", 0x0A000000 + (i >> 14)), 1024 + (i & 0x3FFF)
            body = (struct.pack("=BBH", socket.AF_INET, 0, 0) + _tuple(1, source, target, port, 9)
                    + _tuple(2, target, source, 9, port) + tail)
            batch.append(struct.pack("=IHHII", 16 + len(body), NFNL_CONNTRACK_NEW,
                                     NLM_F_CREATE_REQUEST, i, 0) + body)
            if len(batch) == 500 or i == n - 1:
                sock.send(b"".join(batch))
                batch = []
