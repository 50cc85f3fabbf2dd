# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A kernel without BTF: hidden from hctrace, so that it has only what --btf FILE says."""
import dataclasses
import os
import shutil
import struct
import subprocess

import pytest
import test_app
import test_datagram
import test_device
import test_firewall
import test_ipv6
import test_listen
import test_routes
from harness import CANNOT_TRACE, params, run_case

OWN = "/sys/kernel/btf/vmlinux"
HIDDEN = """#!/bin/sh
# {binary} where the kernel's own BTF is out of sight
[ -n "$HIDDEN" ] || HIDDEN=1 exec unshare -m "$0" "$@"
mount -t tmpfs none /sys/kernel/btf
exec {binary} "$@"
"""
# One of each way to see a fault; those that run by netfilter links are test_firewall's.
KNOWN = {
    test_app: ["200", "503", "never-accepts", "fin"],
    test_datagram: ["udp-closed", "echo-ignored"],
    test_device: ["tcx-ingress"],
    test_firewall: ["legacy-input", "nft-icmp", "legacy-output"],
    test_ipv6: None,
    test_listen: ["http-check", "loopback-only"],
    test_routes: ["no-route", "route-for-the-range", "asymmetric-strict", "dead"],
}


def cases_of(module, ids):
    """The cases of MODULE whose id is one of IDS (None: all)."""
    lists = [value for name, value in vars(module).items() if name.isupper()
             and isinstance(value, list)]
    found = {str(case): case for one in lists for case in one if hasattr(case, "expect")}
    missing = set(ids or ()) - set(found)
    assert not missing, f"{module.__name__} has no {missing}"
    return [found[one] for one in ids or found]


CASES = [case for module, ids in KNOWN.items() for case in cases_of(module, ids)]


@pytest.fixture
def binary(binary, tmp_path):
    path = tmp_path / "hctrace"
    path.write_text(HIDDEN.format(binary=binary))
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def types(tmp_path):
    """The kernel's BTF as a file."""
    return shutil.copy(OWN, tmp_path / "kernel.btf")


@pytest.mark.parametrize("case", **params(CASES))
def test_case(case, make_lab, trace, types):
    case = dataclasses.replace(case, options=(*case.options, "--btf", types))
    run, _, _ = run_case(case, make_lab, trace)
    missing = {one["point"]: one["reason"] for one in run.lines[0]["missing"]}
    assert "BTF" in missing["netfilter"], missing


@pytest.mark.parametrize("case", **params(cases_of(test_listen, ["full"])))
def test_queue_that_is_not_seen(case, make_lab, trace, types):
    """How full the accept queue was is not told here: then nothing is said to be known."""
    lab = make_lab()
    with case.setup(lab):
        run = trace(lab, "--timeout", 1, "--btf", types)
        line = run.probe(case.check(lab, case.port, timeout=1))
    assert line["verdict"] in ("unknown", case.expect.verdict), line
    run.stop()


def run_hidden(binary, *options):
    return subprocess.run([binary, "live", "--duration", "1", *options], text=True,
                          capture_output=True, timeout=30)


def test_without_a_file(binary):
    done = run_hidden(binary)
    assert done.returncode == CANNOT_TRACE
    assert "no BTF" in done.stderr and "--btf FILE" in done.stderr, done.stderr
    assert os.uname().release in done.stderr, done.stderr


BAD = {
    "missing": (None, "No such file"),
    "not-btf": (b"root:x:0:0\n", "neither BTF nor"),
    "empty": (b"", "neither BTF nor"),
    "cut": ("head", "neither BTF nor"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file(name, binary, tmp_path):
    content, words = BAD[name]
    path = tmp_path / "bad.btf"
    if content == "head":
        with open(OWN, "rb") as f:
            content = f.read(100000)
    if content is not None:
        path.write_bytes(content)
    done = run_hidden(binary, "--btf", str(path))
    assert done.returncode == CANNOT_TRACE
    assert words in done.stderr and str(path) in done.stderr and "pahole" in done.stderr, done.stderr


# Bytes behind a type's header, for each kind: fixed ones, and for each of its members.
BTF_HEADER, TYPE, STRUCT = "<HBBIIIII", 12, 4
BEHIND = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0),
          15: (0, 12), 17: (4, 0), 19: (0, 12)}


def other_size(data, name):
    """BTF as DATA has it, but that struct NAME is 64 bytes larger: that of another kernel."""
    data = bytearray(data)
    _, _, _, header, types, types_len, strings, _ = struct.unpack_from(BTF_HEADER, data)
    wanted = data.index(b"\0" + name.encode() + b"\0", header + strings) + 1 - header - strings
    at = header + types
    while at < header + types + types_len:
        name_at, info, size = struct.unpack_from("<III", data, at)
        kind, members = info >> 24 & 0x1f, info & 0xffff
        if kind == STRUCT and name_at == wanted:
            struct.pack_into("<I", data, at + 8, size + 64)
            return bytes(data)
        fixed, each = BEHIND.get(kind, (0, 0))
        at += TYPE + fixed + each * members
    raise AssertionError(f"no struct {name}")


@pytest.mark.skipif(not os.path.exists("/sys/kernel/slab/TCP/object_size"),
                    reason="kernel: does not tell the size of its structures")
def test_types_of_another_kernel(binary, tmp_path):
    path = tmp_path / "other.btf"
    with open(OWN, "rb") as f:
        path.write_bytes(other_size(f.read(), "tcp_sock"))
    done = run_hidden(binary, "--btf", str(path))
    assert done.returncode == CANNOT_TRACE
    assert "another kernel" in done.stderr and "struct tcp_sock" in done.stderr, done.stderr


def test_own_types_are_preferred(request, lab):
    """Where the kernel has BTF a file is not needed, and a wrong one harms nothing."""
    real = os.path.abspath(request.config.getoption("--hctrace"))
    done = subprocess.run(lab.backend.argv(real, "live", "--duration", "1", "--btf", "/etc/passwd"),
                          text=True, capture_output=True, timeout=30)
    assert done.returncode == 4, done.stderr
    assert "BTF of its own" in done.stderr, done.stderr
