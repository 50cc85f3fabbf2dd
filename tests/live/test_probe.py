# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace probe: what it sends, what it leaves alone, and that nothing of it stays."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import lab_checks
import lab_services
import pytest
from harness import CANNOT_TRACE, FAILED, HEALTHY, NOTHING, USAGE
from lab import BACKEND, BACKEND6, GATEWAY, LB_NODES
from probe_play import Wire, filters, links, only_line, probe

PORT = 8202
RANGE = "100.125.0.0/16"


def wait_gone(lab, before, seconds=3):
    """The kernel takes the namespace of a killed process down a moment later."""
    deadline = time.monotonic() + seconds
    while links(lab) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert links(lab) == before


# ---- what is sent ----

@pytest.mark.parametrize("options,method,ending", [
    ((), None, "RST"),
    (("--lb", "azure", "--from", RANGE), None, "FIN"),
    (("--protocol", "http"), "GET", None),
    (("--lb", "haproxy:100.125.10.6", "--protocol", "http"), "OPTIONS", None),
    (("--lb", "alibaba", "--from", RANGE, "--protocol", "http"), "HEAD", None),
], ids=["elb", "azure", "http", "haproxy", "alibaba"])
def test_manner(options, method, ending, lab, binary):
    """Each load balancer's check is made in its own way."""
    line = only_line(probe(binary, lab, "--port", 80, *options, ranges=()))
    assert line["outcome"] == "pass", line
    assert (line["http"] or {}).get("method") == method, line
    if ending:
        last = [e["text"] for e in line["timeline"] if e["point"] == "tc-ingress"]
        assert last[-1] == ending, line


def test_path_and_host(lab, binary):
    """Either makes it an HTTP check."""
    line = only_line(probe(binary, lab, "--port", PORT, "--path", "/up", "--host",
                           "www.example.org"))
    assert line["http"]["path"] == "/up" and line["http"]["host"] == "www.example.org", line


def test_https_status(lab, binary):
    """Behind the encryption it is the client that knows the answer."""
    lab_services.Tls(lab, 7100, nginx=True)
    line = only_line(probe(binary, lab, "--port", 7100, "--protocol", "https"))
    assert "status 200" in line["note"], line
    line = only_line(probe(binary, lab, "--port", 7100, "--protocol", "https", "--expect-codes",
                           "204"), FAILED)
    assert line["verdict"] == "http-status" and line["code"] == "RESPONSE_MISMATCH", line
    assert "200" in line["why"], line


def test_count_and_interval(lab, binary):
    started = time.monotonic()
    run = probe(binary, lab, "--port", 80, "--count", 3, "--interval", "500ms")
    assert run.finish(timeout=20) == HEALTHY
    assert time.monotonic() - started > 1
    probes = run.of_type("probe")
    assert len(probes) == 3 and len({p["lb"]["port"] for p in probes}) == 3, run.dump()
    assert sum("This host would pass" in (p["note"] or "") for p in probes if "note" in p) == 1


def test_every_port(lab, binary):
    """Without a port: all that can be reached, and nothing that listens for this host alone."""
    lab_services.tcp_server(lab, "answer", 7100, "--bind", "127.0.0.1")
    run = probe(binary, lab)
    assert run.finish(timeout=20) == HEALTHY, run.dump()
    ports = {p["target"]["port"] for p in run.of_type("probe")}
    assert {80, 8202, 8503} <= ports and 7100 not in ports, ports


def test_nothing_listens(make_lab, binary):
    run = probe(binary, make_lab(nginx=False))
    assert run.finish(timeout=20) == NOTHING
    assert "nothing listens" in run.stderr and "--port" in run.stderr, run.stderr


def test_without_a_route_it_is_told_where(lab, binary):
    """The target and the interface are found without a way back, too."""
    lab.backend.run("ip", "route", "del", "default")
    line = only_line(probe(binary, lab, "--port", 80, "--timeout", 1), FAILED)
    assert line["target"]["addr"] == BACKEND and line["verdict"] == "no-route-back", line


def test_text(lab, binary):
    done = subprocess.run(lab.backend.argv(binary, "probe", "--port", "80", "--color=never"),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == HEALTHY, done.stderr
    for word in ("sent by hctrace itself into eth0", "PASS", "This host would pass", "step 1",
                 "network ACL"):
        assert word in done.stdout, done.stdout


def test_text_says_nothing_of_a_load_balancer(lab, binary):
    """Checks of our own decide nothing there, however often they fail."""
    done = subprocess.run(lab.backend.argv(binary, "probe", "--port", "7080", "--count", "4",
                                           "--interval", "200ms", "--timeout", "1",
                                           "--color=never"),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == FAILED, done.stderr
    assert done.stdout.count("  FAIL  ") == 4 and "4 of 4 probes failed" in done.stdout, done.stdout
    for word in ("DOWN", "unhealthy", "learned"):
        assert word not in done.stdout, done.stdout


@pytest.mark.parametrize("options,words", [
    (("--protocol", "tcp,http"), "one kind of check"),
    (("--protocol", "icmp", "--port", "80"), "--port"),
    (("--protocol", "udp", "--path", "/"), "--path"),
    (("--target", "nowhere"), "is not an address"),
    (("--target", "10.0.0.0/8"), "is not an address"),
    (("--host", "a b"), "is not the name of a host"),
    (("--target", BACKEND6, "--from", RANGE), "is IPv6"),
    (("--from", BACKEND), f"cannot come from {BACKEND} itself"),
    (("--interface", "nosuch0"), "nosuch0"),
    (("--interface", "lo"), "loopback"),
    (("--interface", "eth0", "--interface", "eth1"), "once"),
    (("--until-healthy", "--count", "2"), "--count"),
    (("--path", "/a b"), "%20"),
    (("--save", "x"), "means nothing"),
], ids=lambda v: " ".join(v) if isinstance(v, tuple) else None)
def test_bad_options(options, words, lab, binary):
    done = subprocess.run(lab.backend.argv(binary, "probe", *options), capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == USAGE, done.stdout + done.stderr
    assert words in done.stderr and not done.stdout, done.stderr


# ---- what it leaves ----

def test_leaves_nothing(lab, binary):
    before, attached, listeners = links(lab), filters(lab), lab.backend.run("ss", "-Htuln")
    for protocol in ("tcp", "http", "https", "udp"):
        run = probe(binary, lab, "--port", "80,7777", "--protocol", protocol)
        run.finish(timeout=30)
        assert len(run.of_type("probe")) >= 2, run.dump()
    assert links(lab) == before and filters(lab) == attached
    assert lab.backend.run("ss", "-Htuln") == listeners


@pytest.mark.parametrize("clsact", [False, True], ids=["tcx", "clsact"])
def test_kill(clsact, lab, binary):
    """kill -9 in the midst of a check; what clsact leaves, the next run sweeps."""
    options = ("--clsact",) if clsact else ()
    lab_services.tcp_server(lab, "silent", 7100)
    before, attached = links(lab), filters(lab)
    run = probe(binary, lab, "--port", 7100, "--protocol", "http", "--timeout", 20, *options)
    points = {p["point"]: p["detail"] for p in run.wait_start()["points"]}
    time.sleep(0.5)
    assert len(links(lab)) == len(before) + 1
    os.kill(run.child.pid, signal.SIGKILL)
    run.child.wait()
    wait_gone(lab, before)
    if "clsact" in points["tc-egress"]:  # asked for, or before 6.6
        only_line(probe(binary, lab, "--port", 80, *options))
    assert filters(lab) == attached
    line = only_line(probe(binary, lab, "--port", 80))
    assert line["verdict"] == "healthy", line


def test_nothing_is_answered_later(lab, binary):
    """The host does not go on with a check whose sender is gone, when the way is free again."""
    lab.backend.run("iptables-nft", "-A", "OUTPUT", "-d", RANGE, "-p", "tcp", "--sport", PORT, "-j",
                    "DROP")
    with Wire(lab) as wire:
        line = only_line(probe(binary, lab, "--port", PORT, "--timeout", 1), FAILED)
        lab.backend.run("iptables-nft", "-F")
        held = lab.backend.run("ss", "-Htan", "state", "syn-recv")
        time.sleep(3)  # its SYN-ACK would be repeated meanwhile
    assert line["verdict"] == "reply-dropped" and line["lb"]["addr"] not in held, held
    assert not wire.of(line["lb"]["addr"]), "on the wire"


def test_interrupted(lab, binary):
    """SIGINT ends a check that would wait for long, and the connection with it."""
    lab_services.tcp_server(lab, "silent", 7100)
    before = links(lab)
    run = probe(binary, lab, "--port", 7100, "--protocol", "http", "--timeout", 30)
    run.wait_start()
    time.sleep(0.5)
    started = time.monotonic()
    run.child.send_signal(signal.SIGINT)
    run.finish(timeout=10)
    assert time.monotonic() - started < 8  # far from its timeout
    assert links(lab) == before
    assert RANGE[:8] not in lab.backend.run("ss", "-Htn", "state", "established")


def test_on_link(lab, binary):
    """A range in the host's own subnet: the bottle is a neighbour, until it ends or is killed."""
    ranges = ("--lb", "elb-dedicated:192.168.0.0/24")
    with Wire(lab) as wire:
        line = only_line(probe(binary, lab, "--port", 80, ranges=ranges))
    assert line["verdict"] == "healthy", line
    # somebody could have had the address: that is asked, and nothing else
    assert all(p[12:14] == b"\x08\x06" for p in wire.of(line["lb"]["addr"])), wire.packets
    assert "PERMANENT" not in lab.backend.run("ip", "neigh")
    run = probe(binary, lab, "--port", 80, "--duration", 20, ranges=ranges)
    run.wait_start()
    assert "PERMANENT" in lab.backend.run("ip", "neigh")
    os.kill(run.child.pid, signal.SIGKILL)
    run.child.wait()
    time.sleep(0.5)
    assert "PERMANENT" not in lab.backend.run("ip", "neigh")


def test_neighbour_that_is_real(lab, binary):
    """The source is a host that this one knows: its entry serves, and stays."""
    lab_checks.http(lab, 80)
    known = lab.backend.run("ip", "neigh", "show", GATEWAY)
    assert "lladdr" in known
    line = only_line(probe(binary, lab, "--port", 80, ranges=("--lb", f"haproxy:{GATEWAY}")))
    assert line["verdict"] == "healthy" and line["lb"]["addr"] == GATEWAY, line
    assert lab.backend.run("ip", "neigh", "show", GATEWAY).split()[:5] == known.split()[:5]


def test_https_without_gnutls(lab, binary):
    """A library that is not there is no fault of the service."""
    hide = ("for f in /usr/lib/*/libgnutls.so.30 /usr/lib64/libgnutls.so.30; do"
            " [ ! -e $f ] || mount --bind /dev/null $f || exit 99; done; exec \"$@\"")
    done = subprocess.run(lab.backend.argv("unshare", "-m", "sh", "-c", hide, "sh", binary, "probe",
                                           "--port", "443", "--protocol", "https"),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == CANNOT_TRACE and "needs GnuTLS" in done.stderr, done
    assert not done.stdout, done


def test_without_privilege(lab, binary):
    shutil.copy(binary, f"{lab.tmp}/hctrace")  # where nobody may read it
    done = subprocess.run(lab.backend.argv("setpriv", "--reuid=65534", "--regid=65534",
                                           "--clear-groups", f"{lab.tmp}/hctrace", "probe",
                                           "--port", "80"),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == CANNOT_TRACE and "run it as root" in done.stderr, done
    assert not done.stdout, done


def test_address_of_another_host(lab, binary):
    """An address of the subnet that some other host has is not taken."""
    for last in range(1, 4):
        lab.router.run("ip", "addr", "add", f"192.168.0.{32 + last}/24", "dev", "web0")
    run = probe(binary, lab, "--port", 80, ranges=("--from", "192.168.0.33/32"))
    assert run.finish(timeout=30) != HEALTHY
    assert "other hosts have the addresses" in run.stderr, run.stderr


# ---- what it leaves alone ----

def test_two_at_once(lab, binary):
    """Two bottles have addresses and devices of their own, and tell of their own checks only."""
    runs = [probe(binary, lab, "--port", port, "--count", 4, "--interval", "300ms")
            for port in (80, PORT)]
    for run, port in zip(runs, (80, PORT)):
        assert run.finish(timeout=30) == HEALTHY, run.dump() + run.stderr
        assert {p["target"]["port"] for p in run.of_type("probe")} == {port}, run.dump()
        assert len(run.of_type("probe")) == 4, run.dump()
    assert len({p["lb"]["addr"] for run in runs for p in run.of_type("probe")}) == 2


def test_same_address_as_a_real_node(lab, binary):
    """Where the range is one address, its own checks go their way all the same."""
    stop, seen = threading.Event(), []

    def check():
        while not stop.is_set():
            seen.append(lab_checks.http(lab, 80, timeout=3))

    thread = threading.Thread(target=check)
    thread.start()
    try:
        with Wire(lab) as wire:
            run = probe(binary, lab, "--port", 80, "--protocol", "http", "--count", 5,
                        "--interval", "200ms", ranges=("--lb", f"haproxy:{LB_NODES[0]}"))
            code = run.finish(timeout=30)
    finally:
        stop.set()
        thread.join()
    assert code == HEALTHY, run.dump()
    assert len(run.of_type("probe")) == 5, "real checks were told as probes"
    assert len(seen) > 20 and all(s.status == 200 for s in seen), seen
    for p in run.of_type("probe"):
        assert not wire.of(LB_NODES[0], p["lb"]["port"])


def test_users_traffic_goes_on(lab, binary):
    """Many connections of the range at the same time: none is lost, none is told."""
    results = []

    def load(node):
        for _ in range(60):
            results.append(lab_checks.http(lab, PORT, timeout=5, node=node).status)

    threads = [threading.Thread(target=load, args=(node,)) for node in range(3)]
    for thread in threads:
        thread.start()
    run = probe(binary, lab, "--port", PORT, "--protocol", "http", "--count", 10, "--interval",
                "100ms")
    for thread in threads:
        thread.join()
    assert run.finish(timeout=30) == HEALTHY, run.dump()
    assert results == [202] * 180
    assert len(run.of_type("probe")) == 10 and not run.lines[-1]["other_requests"], run.dump()


def test_beside_live(lab, binary, trace):
    """hctrace live, which runs meanwhile, follows the probe like any other."""
    run = trace(lab)
    line = only_line(probe(binary, lab, "--port", 80))
    other = run.wait(lambda one: one["type"] == "probe" and one["lb"] == line["lb"], 5)
    assert other and other["verdict"] == "healthy", run.dump()
    run.stop()


@pytest.mark.parametrize("options,words", [
    (("--port", 80), "hctrace probe --port 80"),
    (("--port", f"80,{PORT}", "--protocol", "http", "--from", RANGE),
     f"hctrace probe --port 80,{PORT} --protocol http"),
    (("--port", 80, "--lb", "elb-dedicated:192.168.0.0/24"),
     "hctrace probe --lb elb-dedicated --from 192.168.0.0/24 --port 80"),
], ids=["port", "more", "subnet"])
def test_check_offers_it(options, words, lab, binary):
    """The last line of hctrace check is a command that does it."""
    argv = list(map(str, options))
    done = subprocess.run(lab.backend.argv(binary, "check", "--json", *argv), capture_output=True,
                          text=True, timeout=60)
    command = json.loads(done.stdout.splitlines()[-1])["probe"]
    assert command == words
    done = subprocess.run(lab.backend.argv(binary, "check", "--color=never", *argv),
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == f"To try it at once: {command}", done.stdout
    done = subprocess.run(lab.backend.argv(binary, *command.split()[1:]), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == HEALTHY, done.stdout + done.stderr


# ---- the demo without a lab ----

def test_demo_here(lab, binary):
    """`make demo HERE=1`: a check of each port, and an answer whatever is found."""
    demo = pathlib.Path(__file__).resolve().parents[2] / "scripts/lab_demo.py"
    argv = lab.backend.argv("/usr/bin/python3", "-B", demo, binary, "--here")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "PASS" in done.stdout, done
    assert f"> {BACKEND}:80 " in done.stdout, done.stdout


def test_demo_where_no_lab_can_be_made(make_lab, binary):
    """It says why, and does without."""
    lab = make_lab(nginx=False)
    demo = pathlib.Path(__file__).resolve().parents[2] / "scripts/lab_demo.py"
    inside = "mount -t tmpfs -o ro none /run && exec \"$@\""
    argv = lab.backend.argv("unshare", "-m", "sh", "-c", inside, "sh", "/usr/bin/python3", "-B",
                            demo, binary)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done
    assert "no lab can be made here: " in done.stdout and "/run/netns" in done.stdout, done
    failed = re.search(r"ip netns add (\S+):", done.stdout)[1]
    assert not os.path.exists(f"/etc/netns/{failed}"), "its files are left"
    assert "nothing listens on this host" in done.stderr, done
