# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Another program's XDP and tcx attachments, by the bpf() system call alone.

Both programs let everything pass; what matters is that they stay where they are.
"""
import ctypes
import os
import platform
import struct

BPF_PROG_LOAD, BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_CREATE = 5, 15, 28
BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP = 3, 6
BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_XDP = 46, 47, 37
TCX_NEXT, XDP_PASS = -1, 2
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(144, b"\0"), 144)
    result = _libc.syscall(SYS_BPF, command, buffer, 144)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


def _load(kind, result):
    """A program of two instructions: r0 = RESULT; exit."""
    code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, result, 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    return _bpf(BPF_PROG_LOAD, struct.pack("<IIQQ", kind, 2, ctypes.addressof(code),
                                           ctypes.addressof(licence)))


class Attachment:
    """A program on a device of the calling thread's network namespace, until close()."""

    def __init__(self, kind, ifindex):
        program, result = ((BPF_PROG_TYPE_XDP, XDP_PASS) if kind == BPF_XDP else
                           (BPF_PROG_TYPE_SCHED_CLS, TCX_NEXT))
        fd = _load(program, result)
        try:
            self.fd = _bpf(BPF_LINK_CREATE, struct.pack("<IIII", fd, ifindex, kind, 0))
        finally:
            os.close(fd)

    @property
    def ifindex(self):
        """Where the link is attached; 0: no more."""
        info = ctypes.create_string_buffer(64)
        _bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", self.fd, 64, ctypes.addressof(info)))
        return struct.unpack_from("<I", info, 16)[0]  # bpf_link_info.xdp/tcx.ifindex

    def close(self):
        os.close(self.fd)
