# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""On what the figures were taken."""
import os
import platform
import re
import subprocess

from lab import sh

LOCKDOWN = "/sys/kernel/security/lockdown"
SPECTRE = "/sys/devices/system/cpu/vulnerabilities/spectre_v2"
JIT = "/proc/sys/net/core/bpf_jit_enable"


def _read(path, otherwise="?"):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return otherwise


def _processor():
    text = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    virtual = "hypervisor" in text
    return (f"{os.cpu_count()} × {model[1] if model else platform.machine()}"
            f"{', a virtual machine' if virtual else ''}")


def _version(*argv):
    """The first line with a number that a program prints when asked for its version."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "none"
    line = next((one for one in (done.stdout + done.stderr).splitlines()
                 if re.search(r"\d\.\d", one)), "?")
    return re.search(r"v?\d+[\d.]*\S*", line)[0] if line != "?" else line


def _lockdown():
    chosen = re.search(r"\[(\w+)\]", _read(LOCKDOWN, ""))
    kprobes = "none" if "# CONFIG_KPROBES is not set" in _config() else "built in"
    return f"{chosen[1] if chosen else 'not told'}; kprobes: {kprobes}"


def _config():
    return sh("zcat", "/proc/config.gz", check=False)


def section(page, hctrace, repetitions, command):
    load = os.getloadavg()[0]
    page.heading("Conditions")
    page.pairs((
        ("command", command),
        ("hctrace", _version(hctrace, "--version")),
        ("kernel", re.match(r"[0-9.]*", platform.release())[0]),
        ("processors", _processor()),
        ("lockdown", _lockdown()),
        ("BPF JIT", "on" if _read(JIT) != "0" else "off"),
        ("spectre v2", _read(SPECTRE)),
        ("load average before", f"{load:.2f}"),
        ("repetitions", repetitions),
        ("tcpdump", _version("tcpdump", "--version")),
        ("bpftrace", _version("bpftrace", "--version")),
        ("wrk", _version("wrk", "--version")),
        ("nginx", _version("/usr/sbin/nginx", "-v"))))
