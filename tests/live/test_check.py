# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace check: a healthy host has no fail; each fault gives its own; the printed fix ends it."""
import contextlib
import json
import shutil
import socket
import subprocess
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Callable, Optional, Sequence

import bpfsys
import lab_checks
import lab_services
import pytest
from fixes import BAD, beside
from harness import CANNOT_TRACE, ENV, FAILED, HEALTHY, USAGE, Hctrace
from lab import BACKEND, BACKEND_2, RANGE, RANGE6

PORT = 8202


def check(binary, lab, *options, inside=True, status=None):
    """The findings of a run, and its end line."""
    argv = [binary, "check", "--json", *map(str, options)]
    done = subprocess.run(lab.backend.argv(*argv) if inside else argv, capture_output=True,
                          text=True, timeout=60, env=ENV, stdin=subprocess.DEVNULL)
    assert not done.stderr, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found, end = lines[:-1], lines[-1]
    assert end["type"] == "end" and all(one["type"] == "check" for one in found), done.stdout
    for result in ("ok", "unread", "warn", "fail", "note"):
        assert end[result] == sum(one["result"] == result for one in found), end
    assert done.returncode == (FAILED if end["fail"] else
                               CANNOT_TRACE if end["unread"] else HEALTHY), done
    if status is not None:
        assert done.returncode == status, done.stdout
    for one in found:
        if one["result"] in ("warn", "fail", "unread"):
            assert one["what"] and one["fix"], one
        if one["result"] in ("warn", "fail"):
            assert one["show"] or not one["step"], one
        assert one["show"] == one["show_command"] and one["undo_command"] is None, one
        assert (one["fix"] is None) == (one["fix_command"] is one["fix_advice"] is None), one
    return found, end


def of(found, result, step=None):
    # other tests share the processors: the load average is theirs
    return [one for one in found if one["result"] == result and step in (None, one["step"])
            and "load average" not in one["what"]]


@dataclass(frozen=True)
class Fault:
    id: str
    step: str
    says: Sequence[str]
    commands: Sequence[str] = ()
    setup: Optional[Callable] = None  # setup(lab), may be a context manager
    options: Sequence = ("--port", PORT)
    result: str = "fail"
    fix: Optional[str] = None  # what the advice must say; None: there is a command, and it is run
    second_link: bool = False
    target: str = BACKEND  # that a real check is for, which fails until the fix is run; "" none can
    opens: Optional[str] = None  # see fixes.py

    def __str__(self):
        return self.id


def nft(rule, hook="input", policy="accept", family="inet"):
    add = [f"nft add table {family} guard",
           f"nft 'add chain {family} guard c "
           f"{{ type filter hook {hook} priority 0; policy {policy}; }}'"]
    return add + ([f"nft 'add rule {family} guard c {rule}'"] if rule else [])


def server(mode, port, *args):
    return lambda lab: lab_services.tcp_server(lab, mode, port, *args, name="shy") and None


@contextlib.contextmanager
def full_queue(lab):
    lab_services.tcp_server(lab, "never-accept", 7090, "--backlog", "2", name="stuck")
    with lab_services.filled_accept_queue(lab, 7090, 2):
        yield


def denied(port, daemon, deny, allow=""):
    def setup(lab):
        service = lab_services.Vsftpd if port == lab_services.VSFTPD_PORT else lab_services.Xinetd
        service(lab)
        lab.backend.write_etc("hosts.deny", deny)
        lab.backend.write_etc("hosts.allow", allow)
    file = "hosts.allow" if allow else "hosts.deny"
    return Fault(f"{file}-{daemon.split()[0]}-{port}", "7", (daemon, f"/etc/{file}"), setup=setup,
                 options=("--port", port))


FAULTS = [
    Fault("no-listener", "3", ("7080",), options=("--port", 7080), fix="Start the service"),
    Fault("loopback-only", "3", ("127.0.0.1", "shy"), options=("--port", 7081), fix="0.0.0.0",
          setup=server("answer", 7081, "--bind", "127.0.0.1")),
    Fault("ipv6-only", "3", ("IPv6", "shy"), options=("--port", 7081), fix="0.0.0.0",
          setup=server("answer", 7081, "--bind", "::", "--v6only")),
    Fault("other-device", "3", ("haproxy", "for eth1 only; checks come by eth0"), fix="interface eth1",
          options=("--port", 7081), second_link=True,
          setup=lambda lab: lab_services.haproxy_for_device(lab, 7081, "eth1") and None),
    Fault("other-device-udp", "3", ("shy", "for eth1 only; checks come by eth0"),
          fix="bound to eth1", second_link=True, options=("--port", 7081, "--protocol", "udp"),
          setup=lambda lab: lab_services.udp_server(lab, "echo", 7081, "--device", "eth1",
                                                    name="shy") and None),
    Fault("ipv4-only", "3", ("every IPv4 address", "shy"), fix="[::]:7081",
          options=("--port", 7081, "--from", RANGE6), setup=server("answer", 7081)),
    # who listens in some other namespace is not to blame
    Fault("other-namespace", "3", ("Nobody listens on port 7081.",), fix="Start the service",
          options=("--port", 7081),
          setup=lambda lab: lab_services.tcp_server(lab, "answer", 7081, name="lonely",
                                                    space=lab.namespace("jail")) and None),
    Fault("udp-no-listener", "3", ("7080",), fix="Start the service",
          options=("--port", 7080, "--protocol", "udp")),
    Fault("legacy-drop", "4", ("Rule 1", "INPUT", "iptables-legacy"),
          [f"iptables-legacy -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
    Fault("legacy-whole-range", "4", ("iptables-legacy",),
          [f"iptables-legacy -A INPUT -s {RANGE} -j DROP"]),
    Fault("legacy-policy", "4", ("policy", "INPUT", "iptables-legacy"),
          ["iptables-legacy -A INPUT -s 10.0.0.0/8 -j ACCEPT", "iptables-legacy -P INPUT DROP"]),
    Fault("legacy-raw", "4", ("raw", "PREROUTING"),
          [f"iptables-legacy -t raw -A PREROUTING -i eth+ -s 100.0.0.0/8 -j DROP"]),
    Fault("legacy-by-jump", "4", ("Rule 1", "chain WEB"),
          ["iptables-legacy -N WEB", "iptables-legacy -A INPUT -p tcp -j WEB",
           f"iptables-legacy -A WEB -p tcp -m multiport --dports 80,8000:9000 -m conntrack"
           " --ctstate NEW -j REJECT"]),
    Fault("iptables-nft-drop", "4", ("Rule 2", "INPUT", "iptables-nft"),
          ["iptables-nft -A INPUT -p tcp --dport 443 -j ACCEPT",
           f"iptables-nft -A INPUT -s {RANGE} -p tcp --dport {PORT} -j DROP"]),
    Fault("iptables-nft-policy", "4", ("policy", "iptables-nft"), ["iptables-nft -P INPUT DROP"]),
    Fault("iptables-nft-reply", "4", ("answers", "OUTPUT"),
          [f"iptables-nft -A OUTPUT -d {RANGE} -p tcp --sport {PORT} -j DROP"]),
    Fault("nft-drop", "4", ("handle", "guard"), nft(f"ip saddr {RANGE} tcp dport {PORT} drop")),
    Fault("nft-set", "4", ("handle",),
          nft(f"ip saddr {{ 10.0.0.0/8, {RANGE} }} tcp dport {{ 22, 8000-9000 }} drop")),
    Fault("nft-verdict-map", "4", ("handle",),
          nft(f"tcp dport vmap {{ 22 : accept, {PORT} : drop }}")),
    Fault("nft-range", "4", ("refuses",),
          nft(f"iifname eth0 tcp dport {PORT}-{PORT + 1} ct state new counter"
              " reject with tcp reset")),
    Fault("nft-policy", "4", ("policy", "guard"),
          nft("tcp dport { 22, 443 } accept", policy="drop")),
    Fault("nft-reply", "4", ("answers",), nft(f"ip daddr {RANGE} tcp sport {PORT} drop",
                                              hook="postrouting")),
    Fault("no-default-route", "5", ("no route back", "100.125.0.0/16"), ["ip route del default"],
          fix="over the router of eth0's subnet"),
    Fault("gateway-of-other-routes", "5", ("no route back", "100.125.0.0/16"),
          ["ip route add 10.0.0.0/8 via 192.168.0.1", "ip route del default"]),
    Fault("gateway-of-other-table", "5", ("no route back", "100.125.0.0/16"),
          ["ip route add default via 192.168.0.1 table 7", "ip route del default"]),
    Fault("blackhole", "5", ("blackhole",), [f"ip route add blackhole {RANGE}"]),
    Fault("unreachable-whole", "5", ("unreachable",), ["ip route add unreachable 100.0.0.0/8"]),
    Fault("blackhole-in-a-table", "5", ("blackhole",),
          ["ip route add blackhole default table 9", f"ip rule add to {RANGE} table 9"]),
    Fault("blackhole-rule", "5", ("routing rule", "blackhole"),
          [f"ip rule add blackhole to {RANGE}"]),
    Fault("gateway-failed", "5", ("192.168.0.254", "FAILED", "ARP"),
          ["ip route replace default via 192.168.0.254",
           "ip neigh replace 192.168.0.254 dev eth0 nud failed"], fix="Bring that router back"),
    Fault("strict-rp-filter", "5", ("eth1", "reverse-path"),
          ["sysctl -qw net.ipv4.conf.eth1.rp_filter=1"], second_link=True,
          fix="a routing table of its own"),
    Fault("strict-rp-filter-gateway", "5", ("eth1", "reverse-path"),
          ["sysctl -qw net.ipv4.conf.eth1.rp_filter=1",
           "ip route add 10.0.0.0/8 via 192.168.1.1"], second_link=True, target=BACKEND_2),
    Fault("strict-rp-filter-dot", "5", ("eth0.5", "reverse-path"),
          ["ip link add eth0.5 type veth peer name p5", "ip link set p5 up",
           "ip addr add 192.168.5.10/24 dev eth0.5", "ip link set eth0.5 up",
           "ip route add 10.0.0.0/8 via 192.168.5.1",
           "sysctl -qw net/ipv4/conf/eth0.5/rp_filter=1"], target=""),
    Fault("full-tunnel", "5", ("wg0", "reverse-path"),
          ["ip link add wg0 type veth peer name wg1", "ip addr add 10.66.0.2/32 dev wg0",
           "ip link set wg0 up",
           "ip route add default dev wg0 table 51820",
           "ip rule add not fwmark 51820 table 51820",
           "ip rule add table main suppress_prefixlength 0",
           "sysctl -qw net.ipv4.conf.all.rp_filter=1"],
          options=("--port", PORT, "--interface", "eth0")),
    Fault("own-address", "5", ("100.125.10.5",), ["ip addr add 100.125.10.5/32 dev lo"]),
    Fault("accept-queue-full", "6", ("stuck", "7090"), setup=full_queue,
          options=("--port", 7090), fix="restart"),
    denied(lab_services.VSFTPD_PORT, "vsftpd", "# keep out\nALL: 100.125.\n"),
    denied(lab_services.XINETD_PORT, "http_once.sh", "http_once.sh: 100.125.0.0/255.255.0.0\n"),
    denied(lab_services.TCPD_PORT, "http_once.sh (port 8102)", "ALL: ALL\n"),
    denied(lab_services.VSFTPD_PORT, "vsftpd", "", "vsftpd: 100.125. : deny\n"),
    Fault("echo-ignored", "8", ("ping",), ["sysctl -qw net.ipv4.icmp_echo_ignore_all=1"]),
]


def real_check(fault):
    """The real check that FAULT fails, and its port."""
    port = fault.options[fault.options.index("--port") + 1]
    if fault.id == "echo-ignored":
        return lambda lab, port, **kwargs: lab_checks.ping(lab, **kwargs), 0
    return (lab_checks.tcp if port == lab_services.VSFTPD_PORT else lab_checks.http), port


def passes(lab, real, timeout):
    return real.check(lab, real.port, timeout=timeout, target=real.target).result not in BAD


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault(fault, binary, make_lab, request):
    lab = make_lab(second_link=fault.second_link)
    with contextlib.ExitStack() as stack:
        ready = fault.setup(lab) if fault.setup else None
        if hasattr(ready, "__enter__"):
            stack.enter_context(ready)
        for command in fault.commands:
            lab.backend.run("sh", "-c", command)
        found, _ = check(binary, lab, *fault.options, status=FAILED)
        fails = of(found, "fail")
        assert len(fails) == 1 and fails[0]["step"] == fault.step, fails
        text = f'{fails[0]["what"]} {fails[0]["why"]}'
        assert all(word.lower() in text.lower() for word in fault.says), text
        if fault.fix:
            assert fault.fix in fails[0]["fix_advice"] and not fails[0]["fix_command"], fails[0]
            request.node.user_properties.append(("fix", ("advice", f"of check: {fault.fix}")))
            return
        lab.backend.run("sh", "-c", fails[0]["show_command"], check=fault.step != "5")
        real, port = real_check(fault)
        real = SimpleNamespace(check=real, port=port, target=fault.target, opens=fault.opens)
        line = dict(fails[0], outcome="fail",
                    where={"layer": "netfilter"} if fault.step == "4" else None)
        # vsftpd greets with its refusal: the handshake alone passes before, too
        assert not fault.target or port == lab_services.VSFTPD_PORT or not passes(lab, real, 0.5)
        before = fault.target and beside(real, lab, line)
        lab.backend.run("sh", "-c", fails[0]["fix_command"])
        found, _ = check(binary, lab, *fault.options, status=HEALTHY)
        assert not of(found, "fail"), found
        assert not fault.target or passes(lab, real, 2), fails[0]["fix_command"]
        assert before == (fault.target and beside(real, lab, line)), fails[0]["fix_command"]
        request.node.user_properties.append(("fix", ("applied", "")))


@pytest.mark.parametrize("options", [(), ("--port", PORT),
                                     ("--port", f"80,{PORT}", "--from", RANGE6),
                                     ("--interface", "eth0", "--protocol", "http"),
                                     ("--lb", "gcp"), ("--lb", "elb-dedicated:192.168.0.0/24")],
                         ids=["all", "port", "ipv6", "interface", "gcp", "own-subnet"])
def test_healthy(options, binary, lab):
    found, end = check(binary, lab, *options, status=HEALTHY)
    assert not of(found, "fail") and not of(found, "warn"), found
    assert {"1", "2", "3", "4", "5", "6", "7", "8", None} == {one["step"] for one in found}, found
    assert end["ok"] >= 7, found


USUAL = [  # firewalls that let checks pass
    nft("ct state vmap { established : accept, related : accept, invalid : drop }", policy="drop")
    + ["nft add rule inet guard c iif lo accept", "nft 'add rule inet guard c tcp dport { 22, 80, "
       f"{PORT} }} accept'", "nft add rule inet guard c ip protocol icmp accept"],
    ["iptables-nft -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
     "iptables-nft -A INPUT -i lo -j ACCEPT",
     f"iptables-nft -A INPUT -p tcp --dport {PORT} -j ACCEPT",
     "iptables-nft -A INPUT -m conntrack --ctstate INVALID -j DROP", "iptables-nft -P INPUT DROP"],
    ["iptables-legacy -A INPUT -s 100.126.0.0/16 -j DROP", "iptables-legacy -N ALLOWED",
     f"iptables-legacy -A ALLOWED -s {RANGE} -m comment --comment 'the \"elb\" -j DROP' -j ACCEPT",
     "iptables-legacy -A INPUT -p tcp --dport 8000:9000 -j ALLOWED",
     "iptables-legacy -P INPUT DROP"],
    nft(f"ip saddr != {{ 10.0.0.0/8, {RANGE} }} drop"),
    nft(f"ip saddr {RANGE} tcp dport {PORT} counter"),
    nft(f"ip saddr 100.125.0.0/16 tcp dport 1-{PORT - 1} drop"),
    nft("tcp flags & (syn|ack) == ack drop"),
]


@pytest.mark.parametrize("commands", USUAL, ids=["nft", "iptables-nft", "legacy", "nft-unless",
                                                 "counts-only", "other-ports", "flags"])
def test_harmless_rules(commands, binary, lab):
    for command in commands:
        lab.backend.run("sh", "-c", command)
    found, _ = check(binary, lab, "--port", PORT, status=HEALTHY)
    assert not of(found, "warn", "4") and not of(found, "fail"), found


WARNINGS = [
    Fault("part-of-the-range", "4", ("can drop",), nft(f"ip saddr 100.125.10.0/24 drop")),
    Fault("limited", "4", ("can drop",), nft(f"ip saddr {RANGE} limit rate over 5/second drop")),
    Fault("by-mark", "4", ("can drop",), ["iptables-legacy -A INPUT -m mark --mark 7 -j DROP"]),
    Fault("policy-behind-unclear", "4", ("policy",), nft("meta mark 7 accept", policy="drop")),
    Fault("one-port-of-several", "4", ("drops", "80"), options=(),
          commands=nft(f"ip saddr {RANGE} tcp dport 80 drop")),
    Fault("other-interface", "5", ("eth0", "eth1"), second_link=True,
          fix="a rule for its addresses"),
    Fault("other-interface-gateway", "5", ("eth0", "eth1"),
          ["ip route add 10.0.0.0/8 via 192.168.1.1",
           "ip addr add 192.168.1.11/24 dev eth1"], second_link=True),
    Fault("deny-unchecked-daemon", "7", ("vsftpd",), options=(),
          setup=denied(lab_services.VSFTPD_PORT, "vsftpd", "ALL: ALL\n").setup),
    Fault("unreachables", "8", ("rate-limited",), options=("--protocol", "udp"),
          setup=lambda lab: lab_services.udp_server(lab, "echo", 7053) and None),
    Fault("somaxconn", "6", ("somaxconn",), ["sysctl -qw net.core.somaxconn=16"]),
]


@pytest.mark.parametrize("fault", WARNINGS, ids=str)
def test_warning(fault, binary, make_lab):
    lab = make_lab(second_link=fault.second_link)
    if fault.setup:
        fault.setup(lab)
    for command in fault.commands:
        lab.backend.run("sh", "-c", command)
    found, _ = check(binary, lab, *fault.options)
    warned = of(found, "warn")
    assert len(warned) == 1 and warned[0]["step"] == fault.step, found
    assert all(word.lower() in warned[0]["what"].lower() for word in fault.says), warned
    assert not of(found, "fail"), found
    assert bool(warned[0]["fix_command"]) != bool(fault.fix), warned
    lab.backend.run("sh", "-c", warned[0]["show_command"])
    if fault.fix:
        assert fault.fix in warned[0]["fix_advice"], warned
        return
    lab.backend.run("sh", "-c", warned[0]["fix_command"])
    found, _ = check(binary, lab, *fault.options)
    assert not of(found, "warn") and not of(found, "fail"), found


@pytest.mark.parametrize("kind, where", [(bpfsys.BPF_XDP, "XDP"),
                                         (bpfsys.BPF_TCX_INGRESS, "tc ingress")],
                         ids=["xdp", "tcx"])
def test_programs_of_others(kind, where, binary, lab):
    with lab.backend.enter():
        index = socket.if_nametoindex("eth0")
        try:
            attachment = bpfsys.Attachment(kind, index)
        except OSError as error:
            pytest.skip(f"kernel: {error}")
    with attachment:
        warned = of(check(binary, lab, "--port", PORT)[0], "warn")
    assert len(warned) == 1 and warned[0]["step"] == "4", warned
    assert where in warned[0]["what"] and "id " in warned[0]["what"], warned
    assert not of(check(binary, lab, "--port", PORT)[0], "warn")


def test_tc_filter_of_others(binary, lab):
    lab.backend.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    lab.backend.run("tc", "filter", "add", "dev", "eth0", "ingress", "bpf", "bytecode",
                    "1,6 0 0 4294967295,", "flowid", "1:1")
    warned = of(check(binary, lab, "--port", PORT)[0], "warn")
    assert len(warned) == 1 and "tc ingress" in warned[0]["what"], warned


def test_beside_live(binary, lab, trace):
    """hctrace's own programs are no programs of others; and check leaves nothing behind."""
    run = trace(lab)
    assert not of(check(binary, lab, "--port", PORT)[0], "warn")
    run.stop()
    assert not lab.backend.run("tc", "filter", "show", "dev", "eth0", "ingress")


def test_container_port(binary, lab):
    """Nobody listens on a port that a NAT rule sends elsewhere: no fault."""
    lab.backend.run("iptables-nft", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "7099",
                    "-j", "DNAT", "--to-destination", "172.17.0.2:80")
    found, _ = check(binary, lab, "--port", 7099, status=HEALTHY)
    assert any("NAT rule" in one["what"] for one in of(found, "note", "4")), found


def test_netns(binary, lab):
    found, _ = check(binary, lab, "--netns", lab.backend.name, "--port", PORT, inside=False)
    assert any("nginx" in one["what"] for one in of(found, "ok", "3")), found


def test_without_root(binary, lab):
    shutil.copy(binary, f"{lab.tmp}/hctrace")  # where nobody may read it
    done = subprocess.run(lab.backend.argv(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
        f"{lab.tmp}/hctrace", "check", "--json", "--port", PORT),
        capture_output=True, text=True, timeout=60)
    assert done.returncode == CANNOT_TRACE, done
    found = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    assert not of(found, "fail"), found
    unread = " ".join(one["what"] for one in of(found, "unread") if "root" in one["what"])
    for words in ("firewall rules", "XDP and tc programs", "libwrap", "lets hctrace see"):
        assert words in unread, found
    assert of(found, "ok", "5"), found


def test_usage(binary, lab):
    for argv, status in ((("--interface", "eth7"), USAGE), (("--netns", "no-such"), CANNOT_TRACE),
                         (("--timeout", "3"), USAGE)):
        done = subprocess.run(lab.backend.argv(binary, "check", *argv), capture_output=True,
                              text=True)
        assert done.returncode == status and argv[-1] in done.stderr + "3", done


@pytest.mark.parametrize("color", ["never", "always"])
def test_text(binary, lab, color):
    lab.backend.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    done = subprocess.run(lab.backend.argv(binary, "check", "--color=" + color, "--port", "7080"),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == FAILED and not done.stderr, done
    for words in ("Step 3: What listens", "FAIL", "Step 8", "run  ", "fix  ", "see  ",
                  "2 things here make checks fail"):
        assert words in done.stdout, done.stdout
    assert ("\033[" in done.stdout) == (color == "always")


def test_what_is_observed(binary, lab):
    """A point is observed or it is not, and the tier is the one that a run would have."""
    found, _ = check(binary, lab)
    seen = next(one["what"] for one in found if "A live run would observe: " in one["what"])
    points = seen.partition("A live run would observe: ")[2].rstrip(".").split(", ")
    assert "drop" in points, seen
    missing = [one["what"].split(": ")[1] for one in found if "Not observed: " in one["what"]]
    assert not set(points) & set(missing), (points, missing)
    run = Hctrace(binary, lab)
    tier = run.wait_start()["tier"]
    run.stop()
    assert f"the tier in use is '{tier}'" in seen, seen
