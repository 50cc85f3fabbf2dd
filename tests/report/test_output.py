# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What cannot be written is said on stderr, with a status of its own: never another result."""
import errno
import os
import resource
import subprocess

import pytest

from reports import ROOT, TIMEOUT_S

OUTPUT = 5
PRINTS = {
    "help": ["--help"],
    "version": ["--version"],
    "explain": ["explain"],
    "explain-one": ["explain", "rp-filter"],
    "check": ["check"],
    "check-json": ["check", "--json"],
    "replay": ["replay", "healthy-http.case"],
    "replay-json": ["replay", "--json", "healthy-http.case"],
    "replay-nothing": ["replay", "no-probe.case"],
    "report": ["report", "no-probe.case"],
    "report-json": ["report", "--format", "json", "healthy-http.case"],
    "report-html": ["report", "--format", "html", "healthy-http.case"],
    "report-pcapng": ["report", "--format", "pcapng", "healthy-http.case"],
    "report-pcapng-short": ["report", "--format", "pcapng", "firewall-drop-dns.case"],
}


def run(reports, arguments, **kwargs):
    return subprocess.run([reports.hctrace, *map(str, arguments)], cwd=ROOT / "tests/cases",
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=TIMEOUT_S, **kwargs)


def assert_told(done, error, what="standard output"):
    assert done.returncode == OUTPUT, done
    assert done.stderr == f"hctrace: cannot write {what}: {os.strerror(error)}\n", done


@pytest.mark.parametrize("arguments", PRINTS.values(), ids=PRINTS)
def test_full(reports, arguments):
    with open("/dev/full", "wb") as full:
        assert_told(run(reports, arguments, stdout=full), errno.ENOSPC, "to standard output")


@pytest.mark.parametrize("arguments", PRINTS.values(), ids=PRINTS)
def test_nobody_reads(reports, arguments):
    reads, writes = os.pipe()
    os.close(reads)
    try:
        assert_told(run(reports, arguments, stdout=writes), errno.EPIPE, "to standard output")
    finally:
        os.close(writes)


@pytest.mark.parametrize("arguments", PRINTS.values(), ids=PRINTS)
def test_closed(reports, arguments):
    """Nor does a file that is opened later take the descriptor of stdout."""
    done = run(reports, arguments, preexec_fn=lambda: os.close(1))
    assert_told(done, errno.EBADF, "to standard output")


@pytest.mark.parametrize("form", ["text", "json", "html", "pcapng"])
def test_report_file(reports, form):
    done = run(reports, ["report", "--format", form, "-o", "/dev/full", "healthy-http.case"])
    assert_told(done, errno.ENOSPC, "/dev/full")


@pytest.mark.parametrize("form", ["text", "json", "html", "pcapng"])
def test_report_limit(reports, form, tmp_path):
    """A limit of file sizes is like a full disk; what was there before stays."""
    out = tmp_path / "out"
    out.write_text("precious")
    done = run(reports, ["report", "--format", form, "-o", out, "healthy-http.case"],
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
    assert_told(done, errno.EFBIG, out)
    assert out.read_text() == "precious" and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("command", ["report", "bundle"])
def test_no_such_folder(reports, command):
    done = run(reports, [command, "healthy-http.case", "-o", "/nonexistent/out"])
    assert_told(done, errno.ENOENT, "/nonexistent/out")


def test_bundle_full(reports):
    done = run(reports, ["bundle", "healthy-http.case", "-o", "/dev/full"])
    assert done.returncode == OUTPUT and done.stderr == (
        "hctrace: cannot write /dev/full: it is no regular file\n"), done


def test_map_full(reports, tmp_path):
    done = run(reports, ["bundle", "healthy-http.case", "--redact", "--redact-map", "/dev/full", "-o",
                         tmp_path / "out.tar.gz"])
    assert done.returncode == OUTPUT and "cannot write /dev/full" in done.stderr, done
    assert not list(tmp_path.iterdir())


def test_stops_reading(reports, tmp_path):
    """Of a report that nobody reads any more, the rest of a large recording is not made."""
    recording = tmp_path / "run"
    tool = os.path.join(os.path.dirname(reports.hctrace), "tests/tools/case_to_record")
    subprocess.run([tool, ROOT / "tests/cases/healthy-http.case", recording, "20000", "500"],
                   check=True, timeout=60)

    def seconds(stdout):
        before = os.times()
        done = run(reports, ["report", "--json", recording], stdout=stdout)
        after = os.times()
        return done, (after.children_user + after.children_system -
                      before.children_user - before.children_system)
    _, whole = seconds(subprocess.DEVNULL)
    with open("/dev/full", "wb") as full:
        done, cut = seconds(full)
    assert_told(done, errno.ENOSPC, "to standard output")
    assert cut < whole / 2 + 0.1


def test_no_output_is_wanted(reports):
    """A usage error prints nothing there, so a stdout that is full does not matter to it."""
    with open("/dev/full", "wb") as full:
        assert run(reports, ["explain", "no-such-verdict"], stdout=full).returncode == 2
