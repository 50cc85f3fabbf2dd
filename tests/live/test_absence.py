# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Probes that do not come, and events that do not arrive."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import bpfsys
import lab_checks
import lab_services
from harness import FAILED
from lab import BACKEND, LB_NODES, RANGE
from test_robust import attach, flood, verdicts_of

# Two intervals and a half without a probe are a silence of 2.5 s.
OPTIONS = ("--interval", 1, "--retries", 2, "--timeout", 1)


def silence(run, port=None, within=8, words=("security group", "network ACL", "port right", RANGE)):
    """The line that tells of missing probes (of PORT); its advice has these WORDS."""
    line = run.wait(lambda one: one["type"] == "probe" and one["verdict"] == "no-probe" and
                    (port is None or one["target"]["port"] == port), within)
    assert line, run.dump()
    assert line["outcome"] == "fail" and line["code"] is None and line["step"] == "1, 2", line
    for word in words:
        assert word in line["fix"], line
    return line


def probe_for(run, lab, seconds, port=80):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run.knows(lab_checks.tcp(lab, port), "healthy")
        time.sleep(0.5)


def test_each_expected_port(lab, trace):
    """One of two ports is probed: the other one is missed, and only that."""
    run = trace(lab, "--port", "80,7777", *OPTIONS)
    probe_for(run, lab, 4)
    line = silence(run, 7777, within=1)
    assert "7777" in line["why"], line
    run.stop(FAILED)
    assert len([p for p in run.of_type("probe") if p["verdict"] == "no-probe"]) == 1, run.dump()


def test_falls_silent_and_comes_again(lab, trace):
    run = trace(lab, *OPTIONS)
    probe_for(run, lab, 2)
    line = silence(run, 80)
    assert "stopped" in line["why"], line
    seen = lab_checks.tcp(lab, 80)
    assert run.probe(seen)["verdict"] == "healthy"
    run.stop(FAILED)
    target = run.of_type("target")[-1]
    assert target["counts"]["no-probe"] == 1 and not target["silent"], target
    assert target["verdict"] is None, target


def test_users_requests_are_no_probes(lab, trace):
    """The check was switched off at the load balancer, and traffic goes on."""
    run = trace(lab, "--path", "/health", *OPTIONS)
    for _ in range(3):
        run.probe(lab_checks.http(lab))
        time.sleep(0.6)
    until = time.monotonic() + 5
    while time.monotonic() < until and not any(p["verdict"] == "no-probe"
                                               for p in run.of_type("probe")):
        lab_checks.http(lab, path="/shop")
        time.sleep(0.1)
    line = silence(run, 80, within=1, words=("port right", "--path", "--all-traffic"))
    assert "GET /shop" in line["why"] and "outside this host" not in line["fix"], line
    run.stop(FAILED)
    assert run.lines[-1]["other_requests"] > 5, run.lines[-1]


def test_a_cause_is_not_hidden_by_silence(lab, binary):
    """The summary leads with what failed, not with probes that stopped coming later."""
    with subprocess.Popen(lab.backend.argv(binary, "live", "--color=never", *map(str, OPTIONS)),
                          stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        time.sleep(0.2)
        for _ in range(3):
            lab_checks.http(lab, 8503)
            time.sleep(0.4)
        time.sleep(3)
        child.send_signal(signal.SIGINT)
        out = child.communicate(timeout=10)[0]
    assert "no-probe" in out, out
    lead = next(line for line in out.split("\n\n")[-3].splitlines() if "probes failed" in line)
    assert "3 of 3 probes failed, http-status" in lead, out
    assert "mostly" not in lead and "RESPONSE_MISMATCH" in lead, out
    assert "no probe came any more" in lead, out


def test_interface_goes_down(lab, trace):
    run = trace(lab, *OPTIONS)
    probe_for(run, lab, 2)
    lab.backend.run("ip", "link", "set", "eth0", "down")
    assert "eth0 went down" in silence(run)["why"]
    run.stop(FAILED)


def test_interface_drops(lab, trace):
    """Frames that no protocol takes are counted as dropped by the interface."""
    run = trace(lab, "--port", 7777, *OPTIONS)
    with lab.router.enter():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sock.bind(("web0", 0))
        with contextlib.closing(sock):
            for _ in range(9):
                sock.send(b"\xff" * 12 + b"\x88\xb5" + bytes(60))
    assert "eth0 dropped 9 received packets" in silence(run)["why"]
    run.stop()


def test_nothing_at_all(lab, trace):
    lab.router.run("ip", "link", "set", "web0", "arp", "off")
    for space, device in ((lab.backend, "eth0"), (lab.router, "web0")):
        space.run("sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
    time.sleep(0.5)
    run = trace(lab, *OPTIONS)
    assert "No interface received a single packet" in silence(run)["why"]
    run.stop()


def test_foreign_xdp_is_named(lab, trace):
    run = trace(lab, *OPTIONS)
    probe_for(run, lab, 2)
    with attach(lab, bpfsys.BPF_XDP, bpfsys.dropping(bpfsys.BPF_XDP, 0)):
        assert "On eth0 the XDP program" in silence(run, 80)["why"]
    run.stop(FAILED)


def test_count_is_exact(lab, trace):
    """Many probes end in one go: no more are told than were asked for."""
    run = trace(lab, "--count", 7)
    for _ in range(3):
        flood(lab, 7080, 30, 0.1)
    run.finish(FAILED, timeout=5)
    assert len(run.of_type("probe")) == 7 == run.lines[-1]["probes"], run.dump()


def test_lost_events_make_unknown(lab, trace):
    """A ring of one page, and a reader that is held up: what was lost is said, not guessed."""
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", RANGE, "-p", "tcp", "--dport", "7000",
                    "-j", "DROP")
    lab_services.tcp_server(lab, "silent", 7100, name="thinker")
    run = trace(lab, "--buffer", "4k", "--timeout", 2)
    before = lab_checks.http(lab)
    run.knows(before, "healthy")
    assert run.probe(before)["verdict"] == "healthy"
    slow = lab_checks.Later(lab_checks.http, lab, 7100, timeout=2)
    time.sleep(0.5)  # its request is there; that nothing leaves can no longer be seen
    os.kill(run.child.pid, signal.SIGSTOP)
    fine = [lab_checks.http(lab, timeout=2) for _ in range(3)]
    bad = [lab_checks.http(lab, 8503, timeout=2) for _ in range(3)]
    sources, _ = flood(lab, 7000, 100, 0.1)
    os.kill(run.child.pid, signal.SIGCONT)
    slow = slow.result()
    run.knows(slow, "app-slow")
    for seen in fine:
        run.knows(seen, "healthy")
    for seen in bad:
        run.knows(seen, "http-status")
    for lb, port in sources:
        run.knows(lab_checks.Seen("timeout", lb, port, BACKEND, 7000, 2), "firewall-drop")
    line = run.probe(slow, within=4)
    assert (line["verdict"], line["outcome"]) == ("unknown", "unknown"), line
    assert "lost" in line["why"], line
    verdicts_of(run, sources, 3)
    after = lab_checks.http(lab)
    run.knows(after, "healthy")
    assert run.probe(after)["verdict"] == "healthy"  # nothing was lost meanwhile
    run.stop(lost=None)  # and nothing certain was wrong
    lost = run.of_type("lost")
    assert lost and run.lines[-1]["lost"] == sum(one["count"] for one in lost) > 0, run.dump()
    assert {one["point"] for one in lost} & {"tc-ingress", "drop"}, lost
    wrong = [p for p in run.of_type("probe") if p["lb"]["addr"] in LB_NODES and
             p["verdict"] not in ("healthy", "http-status", "firewall-drop", "unknown")]
    assert not wrong, wrong
