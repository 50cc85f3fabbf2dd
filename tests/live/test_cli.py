# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line, exit statuses, and the cases in which nothing can be traced."""
import json
import os
import shutil
import subprocess

import lab_checks
import pytest
from harness import CANNOT_TRACE, FAILED, HEALTHY, NOTHING, OUTPUT, USAGE

USAGE_ERRORS = {
    "unknown-option": (["live", "--frobnicate"], "frobnicate"),
    "misspelt-option": (["live", "--timeot", "3"], "--timeout"),
    "bad-cidr": (["live", "--from", "100.125.0.0/33"], "100.125.0.0/33"),
    "bad-address": (["live", "--from", "100.125.0"], "100.125.0"),
    "bad-port": (["live", "--port", "70000"], "70000"),
    "bad-protocol": (["live", "--protocol", "sctp"], "sctp"),
    "unknown-command": (["trace-it"], "trace-it"),
    "missing-value": (["live", "--timeout"], "timeout"),
    "unknown-preset": (["live", "--lb", "nobody"], "nobody"),
}


def run(*argv, **kwargs):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, **kwargs)


@pytest.mark.parametrize("argv, says", USAGE_ERRORS.values(), ids=USAGE_ERRORS)
def test_usage_error(binary, argv, says):
    done = run(binary, *argv)
    assert done.returncode == USAGE and says in done.stderr and not done.stdout, done


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_says_what_it_is(binary, option):
    done = run(binary, option)
    assert done.returncode == 0 and "hctrace" in done.stdout and not done.stderr, done


def test_explain(binary):
    done = run(binary, "explain", "firewall-drop")
    assert done.returncode == 0 and "CONNECT_TIMEOUT" in done.stdout, done
    assert run(binary, "explain", "no-such-verdict").returncode == USAGE
    everything = run(binary, "explain").stdout
    assert all(name in everything for name in ("healthy", "no-route-back", "tcp-wrappers"))


def test_without_root(binary, lab):
    shutil.copy(binary, f"{lab.tmp}/hctrace")  # where nobody may read it
    done = run(*lab.backend.argv("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                 "--bounding-set=-all", f"{lab.tmp}/hctrace", "live"))
    assert done.returncode == CANNOT_TRACE and "root" in done.stderr, done


def test_without_btf(binary, lab):
    done = run(*lab.backend.argv("unshare", "-m", "sh", "-c",
                                 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh",
                                 binary, "live"))
    assert done.returncode == CANNOT_TRACE and "BTF" in done.stderr, done


def test_no_device_but_loopback(binary, lab):
    bare = lab.namespace("bare")
    done = run(*bare.argv(binary, "live", "--duration", "1"))
    assert done.returncode == CANNOT_TRACE and "interface" in done.stderr, done


@pytest.mark.parametrize("option, says", [(("--interface", "eth7"), "eth7"),
                                          (("--netns", "no-such-namespace"), "no-such-namespace")],
                         ids=["interface", "netns"])
def test_no_such(binary, lab, option, says):
    done = run(*lab.backend.argv(binary, "live", *option, "--duration", "1"))
    assert done.returncode in (USAGE, CANNOT_TRACE) and says in done.stderr, done


def test_nothing_arrived(lab, trace):
    run_ = trace(lab, "--duration", "1")
    run_.finish(NOTHING)
    assert run_.lines[-1]["type"] == "end" and run_.lines[-1]["lost"] == 0


def test_all_healthy(lab, trace):
    run_ = trace(lab)
    run_.probe(lab_checks.http(lab))
    run_.stop(HEALTHY)


def test_one_failed(lab, trace):
    run_ = trace(lab)
    run_.probe(lab_checks.http(lab))
    run_.probe(lab_checks.http(lab, 8503))
    run_.stop(FAILED)
    end = run_.lines[-1]
    assert (end["probes"], end["passed"], end["failed"]) == (2, 1, 1), end


def test_count(lab, trace):
    run_ = trace(lab, "--count", 2)
    for _ in range(2):
        run_.probe(lab_checks.http(lab))
    run_.finish(HEALTHY, timeout=3)
    assert len(run_.of_type("probe")) == 2


def test_port_and_protocol(lab, trace):
    run_ = trace(lab, "--port", 80, "--protocol", "tcp")
    lab_checks.http(lab, 8503)
    lab_checks.ping(lab)
    seen = lab_checks.http(lab, 80)
    run_.probe(seen)
    run_.stop(HEALTHY)
    assert len(run_.of_type("probe")) == 1, run_.dump()


def test_netns(lab, trace):
    """From outside, by the name of the namespace."""
    run_ = trace(lab, "--netns", lab.backend.name, inside=False)
    line = run_.probe(lab_checks.http(lab))
    assert line["netns"]["name"] == lab.backend.name, line
    run_.stop(HEALTHY)


def test_default_range(lab, trace):
    """Without --from it is 100.125.0.0/16: IPv6 checks are not looked at."""
    run_ = trace(lab, ranges=())
    lab_checks.http(lab, target="fd00:192:168::10")
    run_.probe(lab_checks.http(lab))
    run_.stop(HEALTHY)
    assert len(run_.of_type("probe")) == 1, run_.dump()


def test_no_probe(lab, trace):
    """Nobody checks the port that we are told of: two intervals without a probe."""
    run_ = trace(lab, "--port", 7777, "--interval", 1, "--retries", 2, "--duration", 5)
    lab_checks.http(lab)  # another port's check is none
    run_.finish()
    assert "no-probe" in run_.dump(), run_.dump()


def test_start_line(lab, trace):
    run_ = trace(lab)
    start = run_.of_type("start")[0]
    assert start["version"] and start["kernel"] == os.uname().release, start
    assert any("100.125.0.0/16" in str(v) for v in start.values()), start
    run_.probe(lab_checks.http(lab))
    run_.stop(HEALTHY)
    assert [line["type"] for line in run_.lines][0] == "start"
    assert {"start", "probe", "target", "end"} <= {line["type"] for line in run_.lines}


def test_targets_by_node(lab, trace):
    """Every node of the load balancer probes by itself and is counted by itself."""
    run_ = trace(lab, "--interval", 1, "--timeout", 1, "--retries", 2)
    for node in (0, 1):
        run_.probe(lab_checks.http(lab, 80, node=node))
    for _ in range(2):
        run_.probe(lab_checks.http(lab, 8503, node=0))
    run_.stop(FAILED)
    last = {(t["lb"]["addr"], t["target"]["port"]): t for t in run_.of_type("target")}
    assert set(last) == {("100.125.10.5", 80), ("100.125.10.6", 80), ("100.125.10.5", 8503)}, last
    assert last["100.125.10.5", 8503]["state"] == "unhealthy", last
    assert last["100.125.10.5", 80]["state"] == "healthy", last


@pytest.mark.parametrize("color", ["never", "always"])
def test_text(binary, lab, color):
    """The text output says what the JSON says, with colour only when asked for."""
    child = subprocess.Popen(
        lab.backend.argv(binary, "live", "--color=" + color, "--count", 2, "--duration", 10),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = child.stdout.readline()
    lab.backend.run("true")
    for port in (80, 8503):
        lab_checks.http(lab, port)
    out, err = child.communicate(timeout=20)
    out = first + out
    assert child.returncode == FAILED, out + err
    assert "http-status" in out and "503" in out and "RESPONSE_MISMATCH" in out, out
    assert ("\033[" in out) == (color == "always"), out


def test_json_is_one_object_a_line(lab, trace):
    run_ = trace(lab)
    run_.probe(lab_checks.http(lab, 8301))
    run_.stop(FAILED)
    for line in run_.lines:
        assert json.loads(json.dumps(line)) == line and "type" in line


def ends_with_output_error(argv, stdout, says):
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == OUTPUT and done.stderr.count(says) == 1, done
    assert "nothing arrived" not in done.stderr.lower(), done


@pytest.mark.parametrize("command", [("live", "--json"), ("live",),
                                     ("probe", "--port", 80), ("probe", "--port", 80, "--json")],
                         ids=str)
def test_output_full(binary, lab, command):
    """Long before the run would end by itself."""
    extra = ("--from", "100.125.0.0/16") if command[0] == "probe" else ("-d", 60)
    with open("/dev/full", "wb") as full:
        ends_with_output_error(lab.backend.argv(binary, *map(str, command + extra)), full,
                               "cannot write to standard output: No space left on device")


@pytest.mark.parametrize("command", [("live", "--json"), ("live",)], ids=str)
def test_reader_goes_away(binary, lab, command):
    """Also while nothing comes that would have to be written."""
    reads, writes = os.pipe()
    child = subprocess.Popen(lab.backend.argv(binary, *command), stdin=subprocess.DEVNULL,
                             stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    assert os.read(reads, 1)  # it has started
    os.close(reads)
    _, err = child.communicate(timeout=10)
    assert child.returncode == OUTPUT and "Broken pipe" in err, err


def test_save_full(binary, lab):
    done = run(*lab.backend.argv(binary, "live", "--save", "/dev/full", "-d", "1"))
    assert done.returncode == OUTPUT and "/dev/full" in done.stderr, done
