# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace record where room is short: full disks, limits, files in the way, the flight recorder."""
import contextlib
import http.client
import json
import os
import subprocess
import time

import lab_checks
import pytest
from harness import CANNOT_TRACE, ENV, HEALTHY, OUTPUT, USAGE
from lab import BACKEND
from record_play import Report, until


@contextlib.contextmanager
def small_disk(lab, kib):
    """A file system of KIB in the lab's folder, which the lab's own shells see."""
    folder = f"{lab.tmp}/disk"
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk(lab, record):
    """What finds no room is counted, and recording goes on when there is room again."""
    with small_disk(lab, 256) as folder:
        run = record(lab, "-o", f"{folder}/run.hct")
        run.path = f"{folder}/run.hct"
        first = lab_checks.http(lab)
        assert until(lambda: run.report().sources == [first.port])
        until(lambda: "hosts.deny" in json.dumps(run.report().recording["host_state"]))
        with contextlib.suppress(OSError), open(f"{folder}/filler", "wb", buffering=0) as f:
            while f.write(b"x" * 4096):
                pass
        for _ in range(40):  # what is written already may leave room in its last page
            lab_checks.http(lab)
            lab_checks.http(lab, 8503)
            if "cannot write to" in run.stderr:
                break
            time.sleep(0.6)
        run.wait_said("No space left on device", 5)
        os.unlink(f"{folder}/filler")
        last = lab_checks.http(lab)
        run.wait_said(f"recording to {run.path} again", 10)
        run.end(OUTPUT)
        report = run.report()
        assert report.sources[0] == first.port and report.sources[-1] == last.port
        gap, = report.recording["gaps"]
        assert gap["records"] > 0 and "No space left on device" in gap["why"], gap
        assert report.recording["has_end"] and not report.recording["complete"]
        assert "is not complete" in run.stderr
        assert not [p for p in report.probes if p["verdict"] not in
                    ("healthy", "http-status", "unknown")], report.lines


def test_file_size_limit(lab, record):
    """The shell's limit (ulimit -f) does not kill it: SIGXFSZ."""
    run = record(lab, wrap=("prlimit", "--fsize=12000"))
    deadline = time.monotonic() + 30
    while "File too large" not in run.stderr and time.monotonic() < deadline:
        lab_checks.http(lab)
        lab_checks.http(lab, 7080)
        time.sleep(0.1)
    assert "File too large" in run.stderr
    run.end(OUTPUT)
    report = run.report()
    assert report.probes and os.stat(run.path).st_size <= 12000
    assert not report.recording["has_end"] or report.recording["gaps"]


def test_no_room_at_all(lab, binary):
    with small_disk(lab, 4) as folder:
        with contextlib.suppress(OSError), open(f"{folder}/filler", "wb", buffering=0) as f:
            while f.write(b"x" * 4096):
                pass
        done = subprocess.run(lab.backend.argv(binary, "record", "-o", f"{folder}/run.hct"),
                              capture_output=True, text=True, timeout=30, env=ENV)
        assert done.returncode == OUTPUT and "No space left on device" in done.stderr, done


@pytest.mark.parametrize("path, says", [
    ("/nonexistent/run.hct", "No such file or directory"), ("/tmp", "Is a directory"),
    ("/dev/full", "no regular file"), ("/dev/stdout", "symbolic link"), ("-", "name a file")])
def test_cannot_be_written(lab, binary, path, says):
    for command in ("record", "live"):
        done = subprocess.run(lab.backend.argv(binary, command, "-o", path, "-d", "1"),
                              capture_output=True, text=True, timeout=30, env=ENV)
        assert done.returncode == USAGE and says in done.stderr and not done.stdout, done
        assert done.stderr.count("hctrace: ") == 1, done.stderr


def test_cannot_trace_leaves_the_file(binary, lab):
    """An older recording is not lost to a run that cannot even start."""
    path = lab.file("old.hct", "precious")
    bare = lab.namespace("bare")
    done = subprocess.run(bare.argv(binary, "record", "-o", path), capture_output=True, text=True,
                          timeout=30, env=ENV)
    assert done.returncode == CANNOT_TRACE, done
    with open(path, encoding="ascii") as f:
        assert f.read() == "precious"


def test_two_on_one_file(lab, record, binary):
    run = record(lab)
    done = subprocess.run(lab.backend.argv(binary, "record", "-o", run.path, "-d", "1"),
                          capture_output=True, text=True, timeout=30, env=ENV)
    assert done.returncode == USAGE and "another hctrace is recording to it" in done.stderr, done
    seen = lab_checks.http(lab)
    run.end(HEALTHY)
    assert run.report().sources == [seen.port]


def test_older_recording_is_replaced(lab, record):
    run = record(lab)
    lab_checks.http(lab)
    run.end(HEALTHY)
    run = record(lab)
    seen = lab_checks.http(lab)
    run.end(HEALTHY)
    assert run.report().sources == [seen.port]


def burst(seconds):
    """Requests of long paths from the calling thread's namespace, as fast as it goes; how many."""
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        one = http.client.HTTPConnection(BACKEND, 80, timeout=2,
                                         source_address=("100.125.10.5", 0))
        with contextlib.closing(one):
            one.request("GET", f"/{os.urandom(300).hex()}")
            assert one.getresponse().read() == b"ok\n"
        n += 1
    return n


def test_flight_recorder(lab, record):
    """--max-size keeps the last probes, and the total below it."""
    run = record(lab, "--max-size", "4M", "--all-traffic")
    sent = 0
    deadline = time.monotonic() + 60
    with lab.lb.enter():
        while not os.path.exists(f"{run.path}.7") and time.monotonic() < deadline:
            sent += burst(1)
        sent += burst(1.5)
    last = lab_checks.http(lab, node=1)
    run.end(HEALTHY)
    files = [run.path, *(f"{run.path}.{i}" for i in range(1, 8))]
    assert all(map(os.path.exists, files)), os.listdir(lab.tmp)
    assert not os.path.exists(f"{run.path}.8")
    assert sum(os.stat(f).st_size for f in files) <= 4 << 20
    report = run.report()
    assert report.sources[-1] == last.port
    assert 100 < len(report.probes) <= sent + 1
    assert report.recording["has_end"] and not report.recording["gaps"], report.recording["gaps"]
    assert report.recording["has_start"] == (len(report.probes) == sent + 1)
    assert len(report.recording["files"]) == 8
    assert BACKEND in report.state("addresses", "start")


def test_flight_recorder_keeps_the_run_before(lab, record, binary):
    """It starts a file of its own, beside which the older run can still be read."""
    run = record(lab, "--max-size", "4M")
    first = lab_checks.http(lab)
    run.end(HEALTHY)
    run = record(lab, "--max-size", "4M")
    second = lab_checks.http(lab)
    run.end(HEALTHY)
    assert run.report().sources == [second.port]
    assert Report(binary, f"{run.path}.1").sources == [first.port]
