# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Naming a rule leaves the rules as they were, and looks at packets only while it has to."""
import contextlib
import os
import re
import subprocess
import threading
import time

import lab_checks
import pytest
from harness import FAILED
from lab import RANGE
from rule_play import check_named, describe, next_interval
from rule_sets import Culprit, Rules

COUNTED = re.compile(r"(packets|bytes) \d+|\[\d+:\d+\]|^#.*\n", re.M)
NATIVE = Rules("nft", f"""
table inet guard {{
    set bad {{
        type ipv4_addr; flags interval;
        elements = {{ {RANGE} }}
    }}
    chain web {{
        tcp dport 8202 meta mark 7 drop
        tcp dport 8202 jhash ip saddr mod 1 0 reject with tcp reset <<<
        tcp dport 8202 numgen inc mod 1 0 reject with tcp reset
    }}
    chain c {{
        type filter hook input priority 0;
        ip saddr @bad tcp dport 8202 goto web
        tcp dport 80 counter
    }}
}}""")
OVER_NFT = Rules("iptables-nft", f"""
    *nat
    -A PREROUTING -p tcp -m tcp --dport 9999 -j REDIRECT --to-ports 80
    *filter
    -A INPUT -s {RANGE} -p tcp -m tcp --dport 8203 -j DROP
    -A INPUT -s {RANGE} -p tcp -m tcp --dport 8503 -j DROP <<<""")
LEGACY = Rules("iptables-legacy", f"""
    *raw
    -A PREROUTING -s 100.126.0.0/16 -j DROP
    *filter
    -A INPUT -s {RANGE} -p tcp -m tcp --dport 8301 -j DROP <<<""")
ALL = (NATIVE, OVER_NFT, LEGACY)


def dump(lab):
    """All rules of the backend with their handles, without what they counted."""
    run = lab.backend.run
    return "".join(COUNTED.sub("", run(*argv)) for argv in (
        ("nft", "-a", "list", "ruleset"), ("iptables-nft-save",), ("ip6tables-nft-save",),
        ("iptables-legacy-save",), ("ip6tables-legacy-save",)))


def tables(lab):
    return set(lab.backend.run("nft", "list", "tables").splitlines())


def rungs(run):
    """Netfilter links that hctrace holds: its ladder."""
    n = 0
    for fd in os.listdir(f"/proc/{run.child.pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{run.child.pid}/fdinfo/{fd}", encoding="ascii") as f:
            n += "link_type:\tnetfilter" in f.read()
    return n


def until(condition, within=3):
    deadline = time.monotonic() + within
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


@pytest.fixture
def filtered(lab):
    """A lab with rules of every backend, its dump, and its nftables tables."""
    for rules in ALL:
        rules.load(lab.backend)
    lab.text, lab.tables = dump(lab), tables(lab)
    return lab


def probe(lab, run, port, seen):
    started = time.monotonic()
    check = lab_checks.http(lab, port, timeout=1)
    assert check.result == seen, f"the lab is wrong: {check}"
    line = run.probe(check)
    next_interval(started)
    return line


def by_function(run):
    """Is nftables' own trace seen without a table of ours?"""
    return run.lines[0]["tier"] == "functions" and os.path.exists("/sys/kernel/btf/nf_tables")


def watched(filtered, trace, *options):
    """A run with a drop that it could not explain: its table is there."""
    run = trace(filtered, "--timeout", 1, *options)
    missing = {one["point"]: one["reason"] for one in run.lines[0]["missing"]}
    if "nft-trace" in missing:
        pytest.skip(f"kernel: {missing['nft-trace']}")
    if by_function(run):
        pytest.skip("kernel: a function tells the rule, without a table (test_functions.py)")
    assert tables(filtered) == filtered.tables
    assert probe(filtered, run, 8202, "refused")["verdict"] == "firewall-reject"
    assert until(lambda: tables(filtered) != filtered.tables), "no table: is it explained already?"
    return run


def test_attached_while_unexplained(filtered, trace):
    """The table and the ladder come with the first reject, and go with the second: it is named."""
    run = watched(filtered, trace)
    own = tables(filtered) - filtered.tables
    assert len(own) == 1, own
    family, name = own.pop().split()[1:]
    assert "owner" in filtered.backend.run("nft", "list", "table", family, name)
    line = probe(filtered, run, 8202, "refused")
    check_named(line, Culprit(NATIVE, filtered.backend))
    assert until(lambda: tables(filtered) == filtered.tables), "explained, but still watched"
    assert until(lambda: not rungs(run)), "explained, but the ladder is still there"
    # and it stays so for what is known
    for _ in range(3):
        check_named(probe(filtered, run, 8202, "refused"), Culprit(NATIVE, filtered.backend))
        assert tables(filtered) == filtered.tables and not rungs(run)
    run.stop(FAILED)
    assert dump(filtered) == filtered.text


def test_nothing_for_healthy_probes(filtered, trace):
    run = trace(filtered, "--timeout", 1)
    for port in (80, 8401, 7080):
        lab_checks.http(filtered, port)
    lab_checks.http(filtered, 8502, timeout=1)
    assert tables(filtered) == filtered.tables and not rungs(run)
    run.stop(FAILED)
    assert dump(filtered) == filtered.text


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "kill -9"])
def test_ends_in_the_midst_of_it(how, filtered, trace):
    run = watched(filtered, trace)
    if how == "kill -9":
        run.kill()
    else:
        if how == "SIGTERM":
            run.child.terminate()
        run.stop(FAILED)
    assert until(lambda: tables(filtered) == filtered.tables), "the table outlives hctrace"
    assert dump(filtered) == filtered.text


def test_after_every_kind_of_fault(filtered, trace):
    run = trace(filtered, "--timeout", 1)
    for _ in range(2):
        for port, seen, rules in ((8202, "refused", NATIVE), (8503, "timeout", OVER_NFT),
                                  (8301, "timeout", LEGACY)):
            line = probe(filtered, run, port, seen)
    check_named(line, Culprit(LEGACY, filtered.backend))
    assert until(lambda: tables(filtered) == filtered.tables)
    assert dump(filtered) == filtered.text
    run.stop(FAILED)
    assert dump(filtered) == filtered.text


@contextlib.contextmanager
def ever(lab, found):
    """Adds all tables that are ever seen meanwhile to FOUND."""
    done = threading.Event()

    def watch():
        while not done.wait(0.03):
            found.update(tables(lab))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_passive(filtered, trace):
    """Never a table of ours; told is what counters and the walk tell, and no more."""
    found = set()
    with ever(filtered, found):
        run = trace(filtered, "--timeout", 1, "--passive")
        missing = {m["point"]: m for m in run.of_type("start")[0]["missing"]}
        assert by_function(run) or "passive" in str(missing["nft-trace"]).lower(), missing
        for _ in range(2):
            lines = [probe(filtered, run, port, seen) for port, seen in
                     ((8202, "refused"), (8503, "timeout"), (8301, "timeout"))]
        run.stop(FAILED)
    assert found == filtered.tables, found
    check_named(lines[1], Culprit(OVER_NFT, filtered.backend))
    check_named(lines[2], Culprit(LEGACY, filtered.backend))
    assert dump(filtered) == filtered.text
    if by_function(run):
        check_named(lines[0], Culprit(NATIVE, filtered.backend))
        return
    # the walk does not understand hashes, and these rules count nothing
    where = lines[0]["where"]
    assert (where["backend"], where["confidence"]) == ("nft", "guess"), describe(lines[0])
    assert "reject with tcp reset" in lines[0]["why"] + lines[0]["fix"], describe(lines[0])


def test_two_at_once(filtered, trace):
    runs = [trace(filtered, "--timeout", 1) for _ in range(2)]
    for _ in range(2):
        started = time.monotonic()
        check = lab_checks.http(filtered, 8202, timeout=1)
        lines = [run.probe(check) for run in runs]
        next_interval(started)
    for line in lines:
        check_named(line, Culprit(NATIVE, filtered.backend))
    assert until(lambda: tables(filtered) == filtered.tables)
    runs[0].stop(FAILED)
    check_named(probe(filtered, runs[1], 8202, "refused"), Culprit(NATIVE, filtered.backend))
    runs[1].stop(FAILED)
    assert dump(filtered) == filtered.text


def test_ruleset_flushed_meanwhile(filtered, trace):
    """The admin's flush takes what is his; our table is gone with us, and what is new is named."""
    run = watched(filtered, trace)
    filtered.backend.run("nft", "flush", "ruleset")
    line = probe(filtered, run, 8202, "http")
    assert line["verdict"] == "healthy", describe(line)
    NATIVE.load(filtered.backend)
    for _ in range(2):
        line = probe(filtered, run, 8202, "refused")
    check_named(line, Culprit(NATIVE, filtered.backend))
    run.stop(FAILED)
    assert until(lambda: tables(filtered) == {"table inet guard"}), tables(filtered)


def test_user_s_own_trace_stays(filtered, trace):
    """An admin who traces with nft monitor sees his own packets, before and after."""
    filtered.backend.run("nft", "add", "rule", "inet", "guard", "c", "tcp", "dport", "8202", "meta",
                         "nftrace", "set", "1")
    before = dump(filtered)
    monitor = subprocess.Popen(filtered.backend.argv("nft", "monitor", "trace"),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run = trace(filtered, "--timeout", 1)
        for _ in range(2):
            line = probe(filtered, run, 8202, "refused")
        check_named(line, Culprit(NATIVE, filtered.backend))
        run.stop(FAILED)
        assert monitor.poll() is None
    finally:
        monitor.kill()
        monitor.wait()
    assert dump(filtered) == before
