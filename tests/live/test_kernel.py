# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel itself: policies, connection tracking, checksums, old connections, queues."""
import contextlib
import os
import time

import bpfsys
import lab_checks
import lab_faults
import lab_services
import pytest
from harness import FAILED, Case, Expect, apply_fix, params, run_case
from lab import PYTHON, RANGE, sh
from lab_services import tcp_server, udp_server

PORT = 7100
CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


def odd_socket(mode, port=PORT):
    return lambda lab: lab.spawn(lab.backend, PYTHON, f"{lab_services.SERVERS}/odd_socket.py",
                                 mode, port, port=port, udp=mode == "small") and None


@contextlib.contextmanager
def control_group(lab):
    """A service in a control group whose BPF program drops what is for its port."""
    root = next((c for c in CGROUPS if os.path.exists(f"{c}/cgroup.procs")
                 and os.path.exists(f"{c}/cgroup.controllers")), None)
    if not root:
        pytest.skip("kernel: no control groups v2")
    group = f"{root}/{lab.tag}"
    os.mkdir(group)
    fd = os.open(group, os.O_RDONLY)
    server = None

    def move(folder):
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(os.getpid()))

    try:
        move(group)  # the service inherits it
        try:
            server = tcp_server(lab, "answer", PORT, name="app")
        finally:
            move(root)
        kind = bpfsys.BPF_CGROUP_INET_INGRESS
        with bpfsys.Attachment(kind, fd, bpfsys.dropping(kind, PORT)):
            yield
    finally:
        if server:
            lab.stop(server)
        os.close(fd)
        deadline = time.monotonic() + 5
        while os.path.exists(group) and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                os.rmdir(group)
            time.sleep(0.05)


POLICY = Expect("policy-drop", "CONNECT_TIMEOUT", why=("filter",), where={"layer": "socket"},
                show=("bpftool cgroup",))
POLICIES = [
    Case("socket-filter", "timeout", POLICY, port=PORT, setup=odd_socket("filter")),
    Case("control-group", "timeout", POLICY, port=PORT, setup=control_group),
    Case("filter-that-passes", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         setup=odd_socket("pass"), check=lab_checks.tcp),
]


@pytest.mark.parametrize("case", **params(POLICIES))
def test_policy(case, make_lab, trace):
    run_case(case, make_lab, trace)




def gives_reason(name):
    """Does this kernel say that it drops for NAME?  The first came with 5.17."""
    with contextlib.suppress(FileNotFoundError), open("/sys/kernel/btf/vmlinux", "rb") as types:
        return f"SKB_DROP_REASON_{name}".encode() in types.read()
    return False


BAD_SUM = {"why": ("checksum", "TCP_CSUM"), "fix": ("ethtool",)} if gives_reason("TCP_CSUM") else \
    {"why": ("tcp_v4_rcv", "no reason")}
OLD_TTL = {"why": ("ttl",)} if gives_reason("TCP_MINTTL") else {"why": ("tcp_v4_rcv",)}

NO_RULE = "no rule makes the client's checksum right"
DROPS = [
    Case("checksum", "timeout", Expect("kernel-drop", "CONNECT_TIMEOUT", **BAD_SUM),
         check=lab_faults.bad_checksum, no_fix=NO_RULE),
    Case("ttl", "timeout", Expect("kernel-drop", "CONNECT_TIMEOUT", **OLD_TTL), port=PORT,
         no_fix="the service itself asks for that TTL",
         setup=odd_socket("minttl")),
]


@pytest.mark.parametrize("case", **params(DROPS))
def test_drop(case, make_lab, trace):
    run_case(case, make_lab, trace)


DROP_INVALID = "iptables-nft -A INPUT -m conntrack --ctstate INVALID -j DROP"
NFT_INVALID = ["nft add table inet guard",
               "nft 'add chain inet guard c { type filter hook input priority 0; }'",
               "nft add rule inet guard c ct state invalid drop"]
UNSEEN_BEGINNING = ["iptables-legacy -t raw -A PREROUTING -p tcp --dport 8202 --syn -j NOTRACK",
                    "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0"]


def invalid(backend, *why, code="CONNECT_TIMEOUT"):
    return Expect("conntrack-invalid", code, why=("invalid", *why), confidence=("certain", "likely"),
                  where={"layer": "netfilter", "backend": backend, "hook": "INPUT"})


INVALID = [
    Case("checksum", "timeout", invalid("iptables-nft", "checksum"), fault=[DROP_INVALID],
         no_fix=NO_RULE, check=lab_faults.bad_checksum),
    Case("nft", "timeout", invalid("nft", "checksum"), fault=NFT_INVALID,
         no_fix=NO_RULE, check=lab_faults.bad_checksum),
    Case("legacy", "timeout", invalid("iptables-legacy", "checksum"), no_fix=NO_RULE,
         fault=[DROP_INVALID.replace("-nft", "-legacy")], check=lab_faults.bad_checksum),
    Case("legacy-beside-another-drop", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where={"backend": "iptables-legacy"}),
         fault=[DROP_INVALID.replace("-nft", "-legacy"),
                f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport 8202 -j DROP"]),
    Case("beginning-not-seen", "response-timeout",
         invalid("nft", "tcp_loose", code="RECV_RESPONSE_TIMEOUT"),
         fault=NFT_INVALID + UNSEEN_BEGINNING, host_wide=True),
    # with another rule that drops it cannot be told which one it was
    Case("beside-another-drop", "timeout",
         Expect("firewall-drop", "CONNECT_TIMEOUT", where={"backend": "iptables-nft"}),
         fault=[DROP_INVALID, f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport 8202 -j DROP"]),
    # without a rule that minds, an invalid packet is no worse than others
    Case("accepted", "http", Expect("healthy", protocol="http"), fault=UNSEEN_BEGINNING),
]


@pytest.mark.parametrize("case", **params(INVALID))
def test_invalid(case, make_lab, trace):
    run_case(case, make_lab, trace)


def test_conntrack_full(lab, trace):
    """The table's limit is the whole kernel's, but each namespace counts for itself."""
    lab.backend.run("nft", "add table ip t; add chain ip t c { type filter hook input priority 0;"
                    " }; add rule ip t c ct state established accept")
    limit = int(lab.backend.run("sysctl", "-n", "net.netfilter.nf_conntrack_max"))
    if limit > 600000:
        pytest.skip(f"kernel: nf_conntrack_max={limit} takes too long to fill")
    run = trace(lab, "--timeout", 1)
    assert run.probe(lab_checks.http(lab))["verdict"] == "healthy"
    lab_faults.fill_conntrack(lab.backend, limit + 100)
    seen = lab_checks.http(lab, 8202, timeout=1)
    assert seen.result == "timeout", f"the lab is wrong: {seen}"
    expect = Expect("conntrack-full", "CONNECT_TIMEOUT", why=("full", str(limit)),
                    fix_command=("nf_conntrack_max",), confidence=("likely",))
    line = run.probe(seen)
    assert not expect.compare(line), line
    try:  # the limit is the whole machine's
        apply_fix(Case("", "", expect), lab, run, line, outside=True)
    finally:
        sh("sysctl", "-qw", f"net.netfilter.nf_conntrack_max={limit}")
    run.stop(FAILED)


def flood(backlog, **sysctls):
    def setup(lab):
        lab.backend.sysctl(**sysctls)
        tcp_server(lab, "answer", PORT, "--backlog", backlog, name="app")
        lab_faults.half_open(lab, PORT, 20)
    return setup


def syn_queue_full(*why):
    return Expect("syn-queue-full", "CONNECT_TIMEOUT", why=("cookies", *why),
                  fix_command=("tcp_syncookies=1",), where={"layer": "socket"})


FLOODS = [
    Case("backlog", "timeout", syn_queue_full("app", "backlog"), port=PORT, fixes=True,
         setup=flood(4, ipv4__tcp_syncookies=0)),
    Case("max-syn-backlog", "timeout", syn_queue_full("tcp_max_syn_backlog"), port=PORT,
         setup=flood(64, ipv4__tcp_syncookies=0, ipv4__tcp_max_syn_backlog=8)),
    Case("cookies", "http", Expect("healthy", protocol="http"), port=PORT, setup=flood(4)),
]


@pytest.mark.parametrize("case", **params(FLOODS))
def test_syn_queue(case, make_lab, trace):
    run_case(case, make_lab, trace)


def old_connection(make, mode):
    """A service, and a source port on which it has an OLD connection of lab_faults.MAKE."""
    def setup(lab):
        tcp_server(lab, mode, PORT, name="app")
        lab.old_source = make(lab, PORT)
    return setup


def again(lab, port, timeout=1, **_):
    return lab_faults.connect_from(lab, lab.old_source, port, timeout)


def old_timestamp(lab, port, timeout=1, **_):
    """A SYN with a timestamp from before the old connection, but with later numbers."""
    with lab_faults.RawTcp(lab, port, source=lab.old_source) as raw:
        lab.old_seq += 1000  # each SYN is one of its own
        start, isn = time.monotonic(), lab.old_seq % 2**32
        raw.send(lab_faults.SYN, isn, timestamp=1)
        flags, _ = raw.answer(timeout) or (0, 0)
        # an ACK of the old connection is no answer; nor does the load balancer repeat this SYN
        if not flags & lab_faults.SYN:
            return raw.seen("timeout", start)
        lab.lb.run("iptables-legacy", "-F", "OUTPUT")  # what kept its resets in
        raw.send(lab_faults.RST, isn + 1)
        return raw.seen("syn-ack", start)


STALE = Expect("stale-connection", "CONNECT_TIMEOUT", why=("old connection",),
               where={"layer": "socket"})
OLD = [
    Case("established", "timeout", STALE, port=PORT, timeout=2, check=again,
         setup=old_connection(lab_faults.forgotten_connection, "silent")),
    Case("time-wait", "timeout", STALE, port=PORT, check=old_timestamp,
         setup=old_connection(lab_faults.time_wait, "close-unread")),
    # a SYN with a newer timestamp takes the place of the connection in TIME_WAIT
    Case("time-wait-reused", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         check=again, setup=old_connection(lab_faults.time_wait, "close-unread")),
]


def test_old_connection_is_ended(lab, trace):
    """The fix ends that connection alone: the same ports connect again."""
    old_connection(lab_faults.forgotten_connection, "silent")(lab)
    run = trace(lab, "--timeout", 2)
    line = run.probe(again(lab, PORT, timeout=2))
    assert line["verdict"] == "stale-connection", line
    lab.backend.run("bash", "-c", line["fix_command"])
    assert again(lab, PORT, timeout=2).result == "connected"
    run.stop(FAILED)


@pytest.mark.parametrize("case", **params(OLD))
def test_old_connection(case, make_lab, trace):
    run_case(case, make_lab, trace)


def overflow(lab, port, timeout=1, **_):
    """A handshake during which the accept queue fills up; then the ACK comes."""
    with lab_faults.RawTcp(lab, port) as raw:
        lab_faults.keep_resets_in(lab, raw.source)
        raw.send(lab_faults.SYN, 1000)
        _, isn = raw.answer(timeout)
        with lab_services.filled_accept_queue(lab, port, 2):
            start = time.monotonic()
            raw.send(lab_faults.ACK, 1001, isn + 1)
            flags, _ = raw.answer(0.5) or (0, 0)
            return raw.seen("reset" if flags & lab_faults.RST else "timeout", start)


def stuck(lab):
    lab.backend.sysctl(ipv4__tcp_abort_on_overflow=1)
    tcp_server(lab, "never-accept", PORT, "--backlog", 2, name="stuck")


OVERFLOWS = [
    # a reset, but not for want of a listener
    Case("http-check", "reset",
         Expect("accept-queue-full", "CONNECT_INTERRUPT", why=("stuck", "tcp_abort_on_overflow")),
         port=PORT, setup=stuck, check=overflow, options=("--protocol", "http")),
    Case("tcp-check", "reset", Expect("healthy", protocol="tcp", note=("accept queue",)),
         port=PORT, setup=stuck, check=overflow),
]


@pytest.mark.parametrize("case", **params(OVERFLOWS))
def test_overflow(case, make_lab, trace):
    run_case(case, make_lab, trace)


def full_buffer(lab):
    odd_socket("small", 5300)(lab)
    for _ in range(8):
        lab_checks.datagram(lab, 5300, timeout=0.01, node=2)


BUFFERS = [
    # the load balancer takes the silence for health
    Case("full", "silent",
         Expect("socket-buffer-full", None, outcome="pass", why=("receive buffer",),
                note=("silence",)), port=5300,
         setup=full_buffer, check=lab_checks.datagram),
    Case("empty", "silent", Expect("healthy", protocol="udp"), port=5300,
         setup=lambda lab: udp_server(lab, "silent", 5300) and None, check=lab_checks.datagram),
]


@pytest.mark.parametrize("case", **params(BUFFERS))
def test_buffer(case, make_lab, trace):
    run_case(case, make_lab, trace)
