# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other programs' XDP and tcx attachments, by the bpf() system call alone."""
import ctypes
import os
import platform
import struct

BPF_PROG_LOAD, BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_CREATE = 5, 15, 28
BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP = 3, 6
BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_XDP = 46, 47, 37
TCX_NEXT, TC_ACT_SHOT, XDP_DROP, XDP_PASS = -1, 2, 1, 2
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(144, b"\0"), 144)
    result = _libc.syscall(SYS_BPF, command, buffer, 144)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


def _insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def _returns(value):
    return _insn(0xB7, imm=value) + _insn(0x95)  # r0 = VALUE; exit


def passing(kind):
    return _returns(XDP_PASS if kind == BPF_XDP else TCX_NEXT)


def dropping(kind, port):
    """Drops what goes to TCP or UDP port PORT over IPv4 (tcx), or everything (XDP)."""
    if kind == BPF_XDP:
        return _returns(XDP_DROP)
    return b"".join([
        _insn(0xBF, dst=6, src=1),  # r6 = context
        _insn(0x28, imm=12), _insn(0x55, off=4, imm=0x0800),  # not IPv4: pass
        _insn(0x28, imm=36), _insn(0x55, off=2, imm=port),  # another port: pass
        _returns(TC_ACT_SHOT), _returns(TCX_NEXT)])


def _load(kind, code):
    program_type = BPF_PROG_TYPE_XDP if kind == BPF_XDP else BPF_PROG_TYPE_SCHED_CLS
    text = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    return _bpf(BPF_PROG_LOAD, struct.pack("<IIQQ", program_type, len(code) // 8,
                                           ctypes.addressof(text), ctypes.addressof(licence)))


class Attachment:
    """A program on a device of the calling thread's network namespace, until close()."""

    def __init__(self, kind, ifindex, code=None):
        fd = _load(kind, code or passing(kind))
        try:
            self.fd = _bpf(BPF_LINK_CREATE, struct.pack("<IIII", fd, ifindex, kind, 0))
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
        _bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", self.fd, 64, ctypes.addressof(info)))
        return struct.unpack_from("<I", info, 16)[0]  # bpf_link_info.xdp/tcx.ifindex

    def close(self):
        os.close(self.fd)
