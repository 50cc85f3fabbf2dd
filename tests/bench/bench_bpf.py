# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel's own account of BPF programs, and empty programs to compare with."""
import contextlib
import os
import re
import struct

from bpfsys import BPF_PROG_LOAD, BPF_LINK_CREATE, BPF_TCX_EGRESS, BPF_TCX_INGRESS, bpf, returns
import ctypes

from lab import sh

BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD, BPF_RAW_TRACEPOINT_OPEN = 13, 15, 17
BPF_ENABLE_STATS = 32
PROG_TYPE_SCHED_CLS, PROG_TYPE_TRACING, PROG_TYPE_NETFILTER = 3, 26, 32
TRACE_RAW_TP, ATTACH_NETFILTER = 23, 45
TCX_NEXT, NF_ACCEPT, PF_INET, NF_HOOKS = -1, 1, 2, 5
BTF = "/sys/kernel/btf/vmlinux"


class Stats:
    """Programs are timed while this is open: by a descriptor, so that a kill ends it, too."""

    def __enter__(self):
        self._fd = bpf(BPF_ENABLE_STATS, struct.pack("<I", 0))
        return self

    def __exit__(self, *exc):
        os.close(self._fd)


def _load(kind, result, attach=0, btf_id=0, name="empty"):
    code = returns(result)
    text = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    attr = struct.pack("<IIQQIIQII16sIIIIQIIQII", kind, len(code) // 8, ctypes.addressof(text),
                       ctypes.addressof(licence), 0, 0, 0, 0, 0, name.encode(), 0, attach,
                       0, 0, 0, 0, 0, 0, 0, btf_id)
    return bpf(BPF_PROG_LOAD, attr)


class Tracepoints:
    """Ids of the kernel's tracepoints in its BTF."""

    def __init__(self):
        text = sh("bpftool", "btf", "dump", "file", BTF)
        self._ids = {name: int(number) for number, name in
                     re.findall(r"^\[(\d+)\] TYPEDEF 'btf_trace_(\w+)'", text, re.M)}

    def __getitem__(self, name):
        return self._ids[name]


class Empty:
    """Programs that do nothing at the hook of the points that they are compared with."""

    def __init__(self):
        self._programs = {}  # hook: descriptor of the program
        self._links = []

    def tracepoint(self, name, tracepoints):
        fd = _load(PROG_TYPE_TRACING, 0, TRACE_RAW_TP, tracepoints[name])
        self._programs[name] = fd
        self._links.append(bpf(BPF_RAW_TRACEPOINT_OPEN, struct.pack("<QI", 0, fd)))

    def tcx(self, ifindex):
        """To be called in the network namespace of the device."""
        for hook, attach in (("tc-ingress", BPF_TCX_INGRESS), ("tc-egress", BPF_TCX_EGRESS)):
            fd = _load(PROG_TYPE_SCHED_CLS, TCX_NEXT)
            self._programs[hook] = fd
            self._links.append(bpf(BPF_LINK_CREATE, struct.pack("<IIII", fd, ifindex, attach, 0)))

    def netfilter(self, priority):
        """One at each hook of the calling thread's network namespace, IPv4."""
        fd = _load(PROG_TYPE_NETFILTER, NF_ACCEPT, ATTACH_NETFILTER)
        self._programs["netfilter"] = fd
        for hook in range(NF_HOOKS):
            self._links.append(bpf(BPF_LINK_CREATE, struct.pack(
                "<IIIIIIiI", fd, 0, ATTACH_NETFILTER, 0, PF_INET, hook, priority, 0)))

    def counts(self):
        """hook: (runs, nanoseconds)."""
        return {hook: _account(f"/proc/self/fdinfo/{fd}")[1:]
                for hook, fd in self._programs.items()}

    def close(self):
        for fd in (*self._links, *self._programs.values()):
            os.close(fd)
        self._links, self._programs = [], {}


def _account(path):
    """(id, runs, nanoseconds) of the program that this fdinfo is of, else None."""
    with contextlib.suppress(OSError), open(path, encoding="ascii") as f:
        text = f.read()
        if "prog_id:" in text and "run_time_ns:" in text:
            field = dict(re.findall(r"^(\w+):\s*(\d+)$", text, re.M))
            return int(field["prog_id"]), int(field["run_cnt"]), int(field["run_time_ns"])
    return None


_names = {}


def _name(program):
    """The name of program number PROGRAM, 15 letters at most."""
    if program not in _names:
        info = ctypes.create_string_buffer(232)
        fd = bpf(BPF_PROG_GET_FD_BY_ID, struct.pack("<I", program))
        bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", fd, len(info), ctypes.addressof(info)))
        os.close(fd)
        _names[program] = info.raw[64:80].partition(b"\0")[0].decode()
    return _names[program]


def counts_of(pid):
    """name: (runs, nanoseconds) of each program that process PID holds."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        account = _account(f"/proc/{pid}/fdinfo/{fd}")
        if account:
            found[_name(account[0])] = account[1:]
    return found


def difference(after, before):
    """What was added to each account that ran."""
    return {name: (runs - before.get(name, (0, 0))[0], ns - before.get(name, (0, 0))[1])
            for name, (runs, ns) in after.items() if runs > before.get(name, (0, 0))[0]}
