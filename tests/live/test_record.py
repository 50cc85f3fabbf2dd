# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace record: what is in the file, whatever becomes of the run, the disk and the host.

That the report of a recording says what the run said is held for every scenario, in harness.py.
"""
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import time

import lab_checks
import pytest
from harness import ENV, FAILED, HEALTHY, NOTHING, OUTPUT, Hctrace
from lab import BACKEND, RANGE
from record_play import Report, until
from test_robust import bpf_ids, bpf_of, host_state

BYTES_A_PROBE = 400


def test_record_then_report(lab, record):
    run = record(lab)
    seen = [lab_checks.http(lab, port) for port in (80, 8503, 7080)]
    run.end(FAILED)
    said = run.stderr
    assert f"recording health checks from {RANGE} to {run.path}; Ctrl-C ends." in said, said
    assert "3 probes in " in said and "1 passed, 2 failed, 0 unknown; 0 events lost" in said, said
    assert f"hctrace report {run.path}\n" in said and "PASS" not in said, said
    report = run.report()
    assert report.status == FAILED and report.sources == [s.port for s in seen]
    assert [p["verdict"] for p in report.probes] == ["healthy", "http-status", "no-listener"]
    assert report.recording["complete"] and not report.recording["gaps"], report.recording
    assert os.stat(run.path).st_mode & 0o777 == 0o600


def test_what_is_said_is_the_command_to_run(lab, binary):
    """A path that a shell would take for something else is quoted."""
    path = f"{lab.tmp}/it's a run.hct"
    done = subprocess.run(lab.backend.argv(binary, "record", "-o", path, "-d", "300ms"),
                          capture_output=True, text=True, timeout=30, env=ENV)
    assert done.returncode == NOTHING, done
    command = done.stderr.splitlines()[-1].partition(": ")[2]
    assert command.startswith("hctrace report "), done.stderr
    told = subprocess.run(command.replace("hctrace", binary, 1), shell=True, capture_output=True,
                          text=True, timeout=30, env=ENV)
    assert told.returncode == NOTHING and "no-probe" in told.stdout, told


def test_record_names_the_silence(lab, record):
    """Nothing came: the report says why, with what the host answered when it was asked."""
    lab.backend.ip("link set eth0 down")
    run = record(lab, "--interval", 1, "--retries", 1, "-d", "3")
    run.child.wait(30)
    run.end(NOTHING)
    end = run.report().lines[-1]
    assert end["verdict"] == "no-probe" and "eth0" in end["why"], end


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP"])
def test_signals_end_it_well(lab, record, how):
    run = record(lab)
    lab_checks.http(lab)
    run.end(HEALTHY, getattr(signal, how))
    assert run.report().recording["complete"]


def test_second_signal_hurries(lab, record):
    """Tools that hang do not hold up the end when the user insists."""
    slow = f"{lab.tmp}/slow"
    os.mkdir(slow)
    lab.file("slow/ip", "#!/bin/sh\nexec sleep 4\n", 0o755)
    run = record(lab, wrap=("env", f"PATH={slow}:{os.environ['PATH']}"))
    lab_checks.http(lab)
    run.child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert run.child.poll() is None
    start = time.monotonic()
    run.child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    run.end(HEALTHY)  # and for the state at the end
    assert time.monotonic() - start < 3
    report = run.report()
    assert report.recording["complete"] and len(report.probes) == 1
    assert "was told to stop" in json.dumps(report.recording["host_state"])


def test_ready_before_the_state_is_read(lab, record):
    """Slow tools delay neither the start nor the probes' events."""
    slow = f"{lab.tmp}/slow"
    os.mkdir(slow)
    lab.file("slow/ip", "#!/bin/sh\nsleep 0.3\nexec /sbin/ip \"$@\"\n", 0o755)
    run = record(lab, wrap=("env", f"PATH={slow}:{os.environ['PATH']}"))
    seen = [lab_checks.http(lab) for _ in range(5)]
    assert until(lambda: len(run.report().probes) == 5, 2.5), run.report().lines
    run.end(HEALTHY)
    report = run.report()
    assert report.sources == [s.port for s in seen] and report.lines[-1]["lost"] == 0
    assert BACKEND in report.state("addresses", "start"), report.recording
    assert BACKEND in report.state("addresses", "end")


def test_host_state_is_true(lab, record):
    """A route, a rule and a listener that the test made are found, each when it was there."""
    lab.backend.ip("route add 203.0.113.0/24 via 192.168.0.1", "neigh add 192.168.0.77 lladdr "
                   "02:00:00:00:00:77 dev eth0", "rule add from 198.51.100.7 lookup 77")
    lab.backend.run("nft", "add", "table", "ip", "made_by_test")
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", "203.0.113.9", "-j", "DROP")
    lab.backend.sysctl(ipv4__ip_default_ttl=77)
    lab.backend.write_etc("hosts.deny", "in.nothing: 203.0.113.10\n")
    run = record(lab)
    lab_checks.http(lab)
    until(lambda: "hosts.deny" in json.dumps(run.report().recording["host_state"]))
    lab.backend.ip("route del 203.0.113.0/24")
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", "203.0.113.11", "-j", "DROP")
    run.end(HEALTHY)
    report = run.report()
    assert "203.0.113.0/24 via 192.168.0.1" in report.state("routes", "start")
    assert "203.0.113.0/24" not in report.state("routes", "end")
    for name, words in {
            "neighbours": "192.168.0.77 dev eth0 lladdr 02:00:00:00:00:77",
            "routing rules": "from 198.51.100.7 lookup 77", "listeners": "nginx",
            "firewall rules (nftables)": "table ip made_by_test",
            "firewall rules (iptables-legacy)": "-A INPUT -s 203.0.113.9/32 -j DROP",
            "sysctls": "ip_default_ttl: 77", "hosts.deny": "in.nothing: 203.0.113.10"}.items():
        for at in ("start", "end"):
            assert words in report.state(name, at), report.state(name, at)
    rules = "firewall rules (iptables-legacy)"
    assert "203.0.113.11" not in report.state(rules, "start")
    assert "203.0.113.11" in report.state(rules, "end")


def test_other_namespace(lab, record):
    """--netns: the state is that namespace's, not the caller's."""
    run = record(lab, "--netns", lab.backend.name, inside=False)
    seen = lab_checks.http(lab)
    run.end(HEALTHY)
    report = run.report()
    assert report.sources == [seen.port]
    assert report.probes[0]["netns"]["name"] == lab.backend.name
    assert f"namespace {lab.backend.name} to {run.path}" in run.stderr
    assert BACKEND in report.state("addresses", "start")


def test_killed(lab, record):
    """kill -9 while probes come: all but the last second is there, and nothing stays behind."""
    before = host_state(lab)
    run = record(lab)
    seen = [lab_checks.http(lab) for _ in range(10)]
    held = bpf_of(run.child.pid)
    time.sleep(2.2)
    late = lab_checks.http(lab)
    run.child.kill()
    run.child.wait()
    report = run.report()
    assert report.sources[:10] == [s.port for s in seen]
    assert set(report.sources[10:]) <= {late.port}
    assert not report.recording["has_end"] and not report.recording["complete"]
    assert report.lines[-1]["type"] == "end"
    text = subprocess.run([run.binary, "report", run.path], capture_output=True, text=True).stdout
    assert "stops without an end" in text, text
    until(lambda: not held & bpf_ids())
    assert not held & bpf_ids() and host_state(lab) == before


def test_killed_while_the_state_is_read(lab, record):
    """The child that reads the host's state goes with its parent, and holds nothing of it."""
    slow = f"{lab.tmp}/slow"
    os.mkdir(slow)
    lab.file("slow/ip", "#!/bin/sh\nexec sleep 4\n", 0o755)
    run = record(lab, wrap=("env", f"PATH={slow}:{os.environ['PATH']}"))
    held = bpf_of(run.child.pid)
    run.child.kill()
    run.child.wait()
    assert held and until(lambda: not held & bpf_ids(), 3)
    record(lab).end(NOTHING)  # nobody else holds the file


def test_report_while_it_records(lab, record):
    run = record(lab)
    seen = lab_checks.http(lab)
    assert until(lambda: run.report().sources == [seen.port])
    assert not run.report().recording["has_end"]
    run.end(HEALTHY)
    assert run.report().recording["complete"]


def test_under_load(lab, record):
    """Many probes at once: none is missing from the recording."""
    run = record(lab, "--timeout", 2)
    later = [lab_checks.Later(lab_checks.http, lab, port, timeout=2, node=i % 3)
             for i, port in enumerate((80, 8202, 8503, 7080) * 25)]
    seen = {(s.lb, s.port): s for s in (one.result() for one in later)}
    run.end(FAILED)
    report = run.report()
    assert {(p["lb"]["addr"], p["lb"]["port"]) for p in report.probes} == set(seen)
    verdicts = {80: "healthy", 8202: "healthy", 8503: "http-status", 7080: "no-listener"}
    for probe in report.probes:
        assert probe["verdict"] == verdicts[probe["target"]["port"]], probe
    assert report.recording["complete"] and report.lines[-1]["lost"] == 0


@pytest.mark.parametrize("pause, probes", [(0, 100), (1, 10)], ids=["closely", "slowly"])
def test_size(lab, record, pause, probes):
    """A healthy probe takes at most 400 bytes, also where each is a piece of its own."""
    run = record(lab)
    until(lambda: "hosts.deny" in json.dumps(run.report().recording["host_state"]))
    time.sleep(1.2)
    before = os.stat(run.path).st_size
    for _ in range(probes):
        lab_checks.http(lab)
        time.sleep(pause)
    time.sleep(2.2)
    lab_checks.http(lab, 7080)  # writes what came before
    time.sleep(0.2)
    size = (os.stat(run.path).st_size - before) / probes
    run.end(FAILED)
    assert len(run.report().probes) == probes + 1
    assert 20 < size <= BYTES_A_PROBE, f"{size:.0f} bytes a probe"


def test_status_on_a_terminal(lab, record):
    """A line that is rewritten each second, and taken away at the end."""
    outer, inner = pty.openpty()
    run = record(lab, stderr=inner)
    os.close(inner)
    said = b""

    def read_until(words, within=10):
        nonlocal said
        deadline = time.monotonic() + within
        while words not in said and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                said += os.read(outer, 4096)
        assert words in said, said

    read_until(b"recording health checks")
    lab_checks.http(lab)
    lab_checks.http(lab, 7080)
    read_until(b"2 probes, 1 failed, 0 events lost, ")
    run.child.send_signal(signal.SIGINT)
    read_until(b"To see it: ")
    os.close(outer)
    assert run.child.wait(20) == FAILED
    assert re.search(rb"\d+ s: \d+ probes, \d+ failed, 0 events lost, [0-9.]+ KiB recorded *\r", said)
    assert b"\n" not in said[said.index(b"Ctrl-C ends.\r\n") + 14:said.index(b"2 probes in")], said


def test_live_records_as_well(lab, binary):
    """Text for the terminal, and the same run in a file; a closed pipe ends both well."""
    path = f"{lab.tmp}/run.hct"
    child = subprocess.Popen(lab.backend.argv(binary, "live", "-o", path, "--color=never"),
                             stdout=subprocess.PIPE, text=True, env=ENV)
    assert "hctrace" in child.stdout.readline()
    lab_checks.http(lab)
    while "PASS" not in child.stdout.readline():
        pass
    child.stdout.close()
    lab_checks.http(lab)
    assert child.wait(10) == OUTPUT
    report = Report(binary, path)
    assert report.recording["complete"] and len(report.probes) == 2


def test_count_is_kept(lab, trace):
    """A probe behind the last one that was asked for is in neither."""
    run = trace(lab, "--count", 1, "--timeout", 2)
    sock, _ = lab_checks.connect(lab, 80)
    with contextlib.closing(sock):
        lab_checks.http(lab)
        run.finish(HEALTHY, timeout=5)
    assert len(run.of_type("probe")) == 1


def test_harness_would_see_it(lab, trace):
    """The comparison of run and report is alive: a byte less, and it fails."""
    run = trace(lab)
    run.probe(lab_checks.http(lab))
    run.stop(HEALTHY)
    os.truncate(run.recording, os.stat(run.recording).st_size - 40)
    with pytest.raises(AssertionError):
        run.same_report(HEALTHY)
    assert isinstance(run, Hctrace)
