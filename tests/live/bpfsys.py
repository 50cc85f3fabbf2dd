# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other programs' attachments (XDP, tcx, control groups), by the bpf() system call alone."""
import contextlib
import ctypes
import os
import platform
import resource
import socket
import struct

BPF_PROG_LOAD, BPF_OBJ_GET_INFO_BY_FD, BPF_BTF_LOAD, BPF_LINK_CREATE = 5, 15, 18, 28
BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_CGROUP_SKB = 3, 6, 8
BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_XDP, BPF_CGROUP_INET_INGRESS = 46, 47, 37, 0
BPF_SK_REUSEPORT, BPF_PROG_TYPE_SK_REUSEPORT = 39, 21
PROG_TYPES = {BPF_XDP: BPF_PROG_TYPE_XDP, BPF_CGROUP_INET_INGRESS: BPF_PROG_TYPE_CGROUP_SKB,
              BPF_SK_REUSEPORT: BPF_PROG_TYPE_SK_REUSEPORT}
XDP_FLAGS_SKB_MODE = 2
TCX_NEXT, TC_ACT_SHOT, XDP_DROP, XDP_PASS, XDP_TX = -1, 2, 1, 2, 3
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]

_libc = ctypes.CDLL(None, use_errno=True)
# before 5.11 programs count against it
with contextlib.suppress(ValueError):  # not every root may: then the kernel must be a newer one
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def bpf(command, attr):
    """The system call with ATTR, padded; its result, or OSError."""
    buffer = ctypes.create_string_buffer(attr.ljust(144, b"\0"), 144)
    result = _libc.syscall(SYS_BPF, command, buffer, 144)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


def _insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def returns(value):
    """A program that does nothing."""
    return _insn(0xB7, imm=value) + _insn(0x95)  # r0 = VALUE; exit


def passing(kind):
    return returns(XDP_PASS if kind == BPF_XDP else TCX_NEXT)


def dropping(kind, port, action=XDP_DROP):
    """Drops (XDP: or another ACTION) what goes to TCP or UDP port PORT over IPv4 (XDP, with port 0: everything)."""
    if kind == BPF_XDP and not port:
        return returns(action)
    swapped = port >> 8 | (port & 0xFF) << 8
    if kind == BPF_XDP:
        return b"".join([
            _insn(0x61, dst=2, src=1), _insn(0x61, dst=3, src=1, off=4),  # r2 = data, r3 = its end
            _insn(0xBF, dst=4, src=2), _insn(0x07, dst=4, imm=38),
            _insn(0x2D, dst=4, src=3, off=6),  # shorter than the ports: pass
            _insn(0x69, dst=5, src=2, off=12), _insn(0x55, dst=5, off=4, imm=0x0008),
            _insn(0x69, dst=5, src=2, off=36), _insn(0x55, dst=5, off=2, imm=swapped),
            returns(action), returns(XDP_PASS)])
    if kind == BPF_CGROUP_INET_INGRESS:  # starts at the IP header; 0 drops, 1 passes
        return b"".join([
            _insn(0x61, dst=2, src=1, off=76), _insn(0x61, dst=3, src=1, off=80),
            _insn(0xBF, dst=4, src=2), _insn(0x07, dst=4, imm=24), _insn(0x2D, dst=4, src=3, off=4),
            _insn(0x69, dst=5, src=2, off=22), _insn(0x55, dst=5, off=2, imm=swapped),
            returns(0), returns(1)])
    return b"".join([
        _insn(0xBF, dst=6, src=1),  # r6 = context
        _insn(0x28, imm=12), _insn(0x55, off=4, imm=0x0800),  # not IPv4: pass
        _insn(0x28, imm=36 if kind == BPF_TCX_INGRESS else 34),
        _insn(0x55, off=2, imm=port),  # another port (ours, of what leaves): pass
        returns(TC_ACT_SHOT), returns(TCX_NEXT)])


def tagging(port, tag):
    """Gives what goes to PORT over IPv4 the VLAN tag TAG, beside its bytes as a VLAN device does."""
    return b"".join([
        _insn(0xBF, dst=6, src=1),  # r6 = context
        _insn(0x28, imm=12), _insn(0x55, off=6, imm=0x0800),
        _insn(0x28, imm=36), _insn(0x55, off=4, imm=port),
        _insn(0xBF, dst=1, src=6), _insn(0xB7, dst=2, imm=0x0081), _insn(0xB7, dst=3, imm=tag),
        _insn(0x85, imm=18), returns(TCX_NEXT)])  # bpf_skb_vlan_push()


def _xdp_btf(name):
    """BTF as a compiler makes it for "int NAME(struct xdp_md *)", loaded: its descriptor."""
    names = [b"", b"xdp_md", b"int", b"ctx", name.encode()]
    at = [sum(len(one) + 1 for one in names[:i]) for i in range(len(names))]
    texts = b"".join(one + b"\0" for one in names)

    def kind(number, n=0):
        return number << 24 | n

    types = struct.pack("<III", at[1], kind(4), 24)  # 1: struct xdp_md
    types += struct.pack("<III", 0, kind(2), 1)  # 2: pointer to it
    types += struct.pack("<IIII", at[2], kind(1), 4, 1 << 24 | 32)  # 3: int
    types += struct.pack("<IIIII", 0, kind(13, 1), 3, at[3], 2)  # 4: the function's type
    types += struct.pack("<III", at[4], kind(12, 1), 4)  # 5: the function
    blob = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(texts))
    blob = ctypes.create_string_buffer(blob + types + texts, len(blob + types + texts))
    return bpf(BPF_BTF_LOAD, struct.pack("<QQI", ctypes.addressof(blob), 0, len(blob)))


def _load(kind, code, name=""):
    """With a NAME: with BTF, as a compiler makes it (XDP only)."""
    program_type = PROG_TYPES.get(kind, BPF_PROG_TYPE_SCHED_CLS)
    text = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)
    attr = struct.pack("<IIQQIIQ", program_type, len(code) // 8, ctypes.addressof(text),
                       ctypes.addressof(licence), 1, len(log), ctypes.addressof(log))
    if kind == BPF_CGROUP_INET_INGRESS:
        attr = attr.ljust(68, b"\0") + struct.pack("<I", kind)  # expected_attach_type
    if name:
        btf = _xdp_btf(name)
        function = ctypes.create_string_buffer(struct.pack("<II", 0, 5), 8)
        attr = attr.ljust(48, b"\0") + name.encode()[:15].ljust(16, b"\0")
        attr = attr.ljust(72, b"\0") + struct.pack("<IIQI", btf, 8, ctypes.addressof(function), 1)
    try:
        return bpf(BPF_PROG_LOAD, attr)
    except OSError as e:
        raise OSError(e.errno, f"{e.strerror}: {log.value.decode()}") from e
    finally:
        if name:
            os.close(btf)


def reuseport_that_refuses(sock):
    """Attaches a program to SOCK's SO_REUSEPORT group that gives every connection to nobody."""
    fd = _load(BPF_SK_REUSEPORT, returns(0))  # SK_DROP
    sock.setsockopt(socket.SOL_SOCKET, 52, struct.pack("i", fd))  # SO_ATTACH_REUSEPORT_EBPF
    os.close(fd)


class Attachment:
    """A program on a device of the calling thread's network namespace, until close().

    TARGET is the device's index, or a control group's descriptor.
    """

    def __init__(self, kind, target, code=None, flags=0, name=""):
        fd = _load(kind, code or passing(kind), name)
        try:
            self.fd = bpf(BPF_LINK_CREATE, struct.pack("<IIII", fd, target, kind, flags))
        finally:
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    @property
    def ifindex(self):
        """Where the link is attached; 0: no more."""
        info = ctypes.create_string_buffer(64)
        bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", self.fd, 64, ctypes.addressof(info)))
        return struct.unpack_from("<I", info, 16)[0]  # bpf_link_info.xdp/tcx.ifindex

    def close(self):
        os.close(self.fd)
