# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets that no kernel sends by itself, as frames on the backend's link: tags, extension
headers, fragments, foreign MAC addresses.  The answer is met at the load balancer."""
import select
import socket
import struct
import time

from lab import BACKEND, BACKEND6, LB6_NODES, LB_NODES
from lab_checks import Seen, _checksum

ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q, ETH_P_8021AD = 0x0800, 0x86DD, 0x8100, 0x88A8
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
PAD4 = b"\x01\x04\0\0\0\0"  # PadN, so that an extension header has 8 bytes
UNKNOWN_OPTION = b"\x7e\x04\0\0\0\0"  # its first bits ask to discard the packet
SYN, RST, ACK = 0x02, 0x04, 0x10
ISN = 1000
OTHER_MAC = "02:00:00:00:00:99"


def extension(kind, following, body=PAD4):
    """The extension header KIND, ahead of a header FOLLOWING."""
    if kind == FRAGMENT:  # an atomic one, which is the whole packet
        return struct.pack("!BBHI", following, 0, 0, 7)
    if kind == ROUTING:  # of a type that needs nothing, with nowhere left to go
        return struct.pack("!BBBB4x", following, 0, 253, 0)
    if kind == AUTHENTICATION:
        return struct.pack("!BBHII12x", following, 4, 0, 0x100, 1)
    return struct.pack("!BB", following, 0) + body


def chain(kinds, upper, body=PAD4):
    """The extension headers KINDS ahead of protocol UPPER; and the number of the first."""
    following, out = upper, b""
    for kind in reversed(kinds):
        out = extension(kind, following, body) + out
        following = kind
    return following, out


class Frames:
    """A client of the load balancer's whose packets are put on the backend's link as they are."""

    def __init__(self, lab, port, v6=False, target=None, source=None, protocol=socket.IPPROTO_TCP):
        self.lab, self.v6, self.port, self.protocol = lab, v6, port, protocol
        self.lb = (LB6_NODES if v6 else LB_NODES)[0]
        self.target = target or (BACKEND6 if v6 else BACKEND)
        self.source = source or lab.next_port()
        self.family = socket.AF_INET6 if v6 else socket.AF_INET
        with lab.lb.enter():
            self.ear = socket.socket(self.family, socket.SOCK_RAW, protocol)
        self.ear.bind((self.lb, 0))
        with lab.router.enter():
            self.link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.link.bind(("web0", 0))
        self.mac = lab.backend.run("cat", "/sys/class/net/eth0/address").strip()
        self.id = self.source
        self.start = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.ear.close()
        self.link.close()

    def _addresses(self):
        return (socket.inet_pton(self.family, self.lb)
                + socket.inet_pton(self.family, self.target))

    def _sum(self, segment):
        tail = (struct.pack("!IxxxB", len(segment), self.protocol) if self.v6
                else struct.pack("!BBH", 0, self.protocol, len(segment)))
        return _checksum(self._addresses() + tail + segment + b"\0" * (len(segment) % 2))

    def segment(self, flags=SYN, seq=ISN, ack=0, options=b"", data=b""):
        head = struct.pack("!HHIIBBHHH", self.source, self.port, seq, ack,
                           (20 + len(options)) // 4 << 4, flags, 64240, 0, 0) + options + data
        return head[:16] + struct.pack("!H", self._sum(head)) + head[18:]

    def datagram(self, data):
        head = struct.pack("!HHHH", self.source, self.port, 8 + len(data), 0) + data
        return head[:6] + struct.pack("!H", self._sum(head) or 0xFFFF) + head[8:]

    def ip(self, body, at=0, more=False, following=None, headers=b""):
        """BODY in an IP packet; in a fragment that begins AT, and MORE follow."""
        following = self.protocol if following is None else following
        if not self.v6:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), self.id,
                               at // 8 | (0x2000 if more else 0), 64, self.protocol, 0)
            head += self._addresses()
            return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + body
        if at or more:
            headers += struct.pack("!BBHI", following, 0, at | more, self.id)
            following = FRAGMENT
        return (struct.pack("!IHBB", 6 << 28, len(headers) + len(body), following, 64)
                + self._addresses() + headers + body)

    def fragments(self, body, *cuts):
        """BODY in fragments that begin at 0 and at CUTS."""
        edges = [0, *cuts, len(body)]
        self.id += 1
        return [self.ip(body[a:b], a, b < len(body)) for a, b in zip(edges, edges[1:])]

    def send(self, packet, tags=(), mac=None):
        """Puts PACKET on the link, behind TAGS (type, number)."""
        macs = b"".join(bytes.fromhex(one.replace(":", ""))
                        for one in (mac or self.mac, "02:00:00:00:00:01"))
        head = b"".join(struct.pack("!HH", kind, number) for kind, number in tags)
        self.link.send(macs + head + struct.pack("!H", ETH_P_IPV6 if self.v6 else ETH_P_IP)
                       + packet)

    def answer(self, timeout):
        """The next segment of the target's to this connection: (flags, seq, ack); None: silence."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.ear], [], [], left)[0]:
                return None
            packet = self.ear.recv(65535)
            segment = packet if self.v6 else packet[(packet[0] & 15) * 4:]
            if struct.unpack("!HH", segment[:4]) == (self.port, self.source):
                if self.protocol != socket.IPPROTO_TCP:
                    return 0, 0, 0
                return segment[13], *struct.unpack("!II", segment[4:12])
        return None

    def seen(self, result):
        return Seen(result, self.lb, self.source, self.target, self.port,
                    time.monotonic() - self.start)

    def outcome(self, timeout):
        """What the client has seen within TIMEOUT seconds."""
        said = self.answer(timeout)
        if said is None:
            return self.seen("timeout" if self.protocol == socket.IPPROTO_TCP else "silent")
        if self.protocol != socket.IPPROTO_TCP:
            return self.seen("answered")
        return self.seen("refused" if said[0] & RST else "syn-ack" if said[0] & SYN else "ack")


def sender(send, **options):
    """A check of run_case(): SEND(frames) puts the packets of one probe on the link."""
    def check(lab, port, timeout=1, target=None, **_):
        own = target if target and (":" in target) == options.get("v6", False) else None
        with Frames(lab, port, target=options.get("target") or own,
                    **{k: v for k, v in options.items() if k != "target"}) as frames:
            send(frames)
            return frames.outcome(timeout)
    return check
