# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace check on a host that means harm, or has no files left: nothing runs or is guessed."""
import json
import os
import shutil
import socket
import struct
import subprocess

import lab_checks
import lab_services
import pytest
from harness import CANNOT_TRACE, FAILED
from lab import RANGE
from test_check import PORT, check, of

HOSTILE = "x;id>&2;$(id>&2)`id`'\""  # as a chain may be called; iptables takes 28 bytes
DEVICE = "a$(id>&2)"


def paste(lab, command):
    """What COMMAND runs: each tool is one that says its name and arguments, a line each."""
    stub = f"{lab.tmp}/stub"
    if not os.path.isdir(stub):
        os.mkdir(stub)
        for tool in ("ip", "nft", "iptables-nft", "iptables-legacy", "bpftool", "tc", "sysctl",
                     "ss", "nsenter", "hctrace", "cat", "id", "iptables-legacy-save", "uptime",
                     "nproc", "grep", "ls", "free"):
            with open(f"{stub}/{tool}", "w", encoding="ascii") as f:
                f.write(f"#!/bin/sh\nprintf '%s\\n' {tool} \"$@\"\n")
            os.chmod(f"{stub}/{tool}", 0o755)
    done = subprocess.run(["/bin/bash", "-c", command], env={"PATH": stub}, capture_output=True,
                          text=True, cwd=lab.tmp, timeout=10)
    assert done.returncode == 0 and not done.stderr, (command, done)
    assert "id" not in done.stdout.splitlines(), (command, done)
    return done.stdout.splitlines()


def commands_of(found, end):
    return [one[key] for one in found for key in ("fix_command", "show_command") if one[key]] + [
        end["probe"]]


def test_hostile_names(binary, lab):
    """Names that are commands run nothing, and stay what they are; the commands work."""
    lab.backend.ip(f"link set eth0 down name {DEVICE}", f"link set {DEVICE} up",
                   "route add default via 192.168.0.1")
    for command in (["-N", HOSTILE], ["-A", "INPUT", "-p", "tcp", "--dport", PORT, "-j", HOSTILE],
                    ["-A", HOSTILE, "-j", "DROP"]):
        lab.backend.run("iptables-nft", *command)
    lab.backend.run("ip", "route", "add", "blackhole", RANGE)
    lab.backend.run("tc", "qdisc", "add", "dev", DEVICE, "clsact")
    lab.backend.run("tc", "filter", "add", "dev", DEVICE, "ingress", "bpf", "bytecode",
                    "1,6 0 0 4294967295,", "flowid", "1:1")
    lab_services.tcp_server(lab, "answer", 7081, "--bind", "127.0.0.1", name="a;id>&2;'")
    options = ("--port", f"{PORT},7081", "--interface", DEVICE)
    found, end = check(binary, lab, *options, status=FAILED)
    texts = [one["what"] + (one["fix_advice"] or "") for one in found]
    assert any(HOSTILE in text for text in texts) and any(DEVICE in text for text in texts), texts
    commands = commands_of(found, end)
    words = [word for command in commands for word in paste(lab, command)]
    assert HOSTILE in words and DEVICE in words, words
    for command in commands:
        if command.startswith(("ip", "sysctl", "ss", "tc")):
            lab.backend.run("sh", "-c", command)
    found, _ = check(binary, lab, *options, status=FAILED)
    assert {one["step"] for one in of(found, "fail")} == {"3"}, found
    assert lab_checks.http(lab, PORT).status == 202


def nft_names(lab, table, chain):
    """A table of any name with a chain that drops all, as a program makes it over netlink."""
    def attr(kind, value):
        raw = value if isinstance(value, bytes) else value.encode() + b"\0"
        return struct.pack("=HH", len(raw) + 4, kind) + raw + bytes(-len(raw) % 4)

    def message(kind, payload=b"", family=2, flags=0x401):  # NLM_F_REQUEST, NLM_F_CREATE
        header = struct.pack("=BBH", family, 0, 0 if kind >> 8 else socket.htons(10))
        size = 16 + len(header + payload)
        return struct.pack("=IHHII", size, kind, flags, 1, 0) + header + payload

    hook = attr(1, struct.pack(">I", 1)) + attr(2, struct.pack(">I", 0))  # input, priority 0
    batch = (message(0x10, family=0, flags=1) + message(0xa00, attr(1, table))
             + message(0xa03, attr(1, table) + attr(3, chain) + attr(0x8004, hook)
                       + attr(5, struct.pack(">I", 0)) + attr(7, "filter"))
             + message(0x11, family=0, flags=1))
    with lab.backend.enter():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as sock:  # NETLINK_NETFILTER
            sock.bind((0, 0))
            sock.send(batch)


def test_hostile_nft_names(binary, lab):
    """nft cannot be told such names: what the command would be is advice."""
    nft_names(lab, "a;id>&2;", "x\n  FAIL  y")
    found, end = check(binary, lab, "--port", PORT, status=FAILED)
    fails = of(found, "fail", "4")
    assert len(fails) == 1 and not fails[0]["fix_command"] and fails[0]["fix_advice"], found
    assert "x?  FAIL  y of table a;id>&2;" in fails[0]["what"], fails
    for command in commands_of(found, end):
        paste(lab, command)


@pytest.mark.parametrize("files", [3, 4, 5, 6, 7, 8, 10, 12, 20, 40, 80, 120])
def test_few_files(files, binary, lab):
    """Where files run out, nothing is taken for good or for bad that was not looked at."""
    lab.backend.run("nft", "add", "table", "inet", "guard")
    lab.backend.run("nft", "add chain inet guard c { type filter hook input priority 0; }")
    lab.backend.run("nft", f"add rule inet guard c iif eth0 tcp dport {PORT} drop")
    done = subprocess.run(lab.backend.argv(
        "sh", "-c", f'ulimit -n {files}; exec "$0" "$@"', binary, "check", "--json",
        "--port", PORT), capture_output=True, text=True, timeout=60)
    if files == 3 and "error while loading shared libraries" in done.stderr:
        return
    assert not done.stderr, done
    found = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    fails, unread = of(found, "fail"), of(found, "unread")
    assert [one["step"] for one in fails] in ([], ["4"]), fails
    assert fails or any("firewall rules" in one["what"] for one in unread), found
    assert done.returncode == (FAILED if fails else CANNOT_TRACE), done
    assert any("hctrace see" in one["what"] for one in unread), found
    for one in unread:
        assert one["fix"] and "refuse" not in one["what"], one
        assert "No such" not in one["what"] and "not installed" not in one["what"], one
    assert any(one["fix_command"] == "ulimit -n 1024" and f"{files} files" in one["why"]
               for one in unread), unread


def test_live_with_few_files(binary, lab):
    done = subprocess.run(lab.backend.argv(
        "sh", "-c", 'ulimit -n 60; exec "$0" "$@"', binary, "-d", "1"),
        capture_output=True, text=True, timeout=60)
    assert done.returncode == CANNOT_TRACE and "60 files" in done.stderr, done
    assert "refused" not in done.stderr and "ulimit -n 1024" in done.stderr, done


def test_fifo_as_configuration(binary, lab):
    """Another user's process says that its configuration is a FIFO: nobody waits for it."""
    os.chmod(lab.tmp, 0o777)
    os.mkfifo(f"{lab.tmp}/fifo", 0o666)
    shutil.copy(os.path.realpath("/usr/bin/python3"), f"{lab.tmp}/xinetd")
    lab.spawn(lab.backend, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
              f"{lab.tmp}/xinetd", "-c", "import socket,time;s=socket.socket();"
              "s.bind(('0.0.0.0',8080));s.listen();time.sleep(60)", "-f", f"{lab.tmp}/fifo",
              port=8080)
    found, _ = check(binary, lab, "--port", 8080, status=CANNOT_TRACE)
    assert any("configuration of xinetd" in one["what"] for one in of(found, "unread")), found
