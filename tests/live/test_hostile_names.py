# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names that others choose, with all that a shell changes: no printed command runs a part of them,
and each fix works with them.

The names would write a file CANARY where a command is pasted.  Tools are stubs then, so that
nothing is changed; the fix command runs with the real ones in the backend.
"""
import json
import os
import subprocess
import sys
import tempfile

import lab_checks
import lab_services
import pytest
from harness import ENV, FAILED, Case, Expect, apply_fix
from lab import BACKEND, BACKEND_2, CONTAINER, GATEWAY, RANGE, sh

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import shell_words  # noqa: E402

CANARY = "c"
QUOTE, TICKS, ESCAPE = "'$(id>c)", "`id>c`;&|<>", "\x1b[1m$(id>c)"
LINES = "\nid>c\n\x1b[1m"
NAMES = [QUOTE, TICKS, ESCAPE]  # all of them fit a device, a chain and a process
IDS = ["quote", "ticks", "escape"]
PORT = 8202
TOOLS = ("ip iptables-legacy iptables-nft ip6tables-nft nft sysctl curl ss ps conntrack bpftool tc"
         " nstat printf echo tcpdump tracepath uptime nproc grep ls free cat").split()
MAPS = "/proc/[0-9]*/maps"  # the one pattern that a command has on purpose
KEYS = {"fix_command": "run", "show_command": "see", "undo_command": "undo"}


def commands_of(lines):
    """(label, command) of all that a run printed."""
    return {(label, line[key]) for line in lines for key, label in KEYS.items() if line.get(key)}


def paste(commands):
    """Pastes COMMANDS into shells that find stubs: none writes the canary, or asks for another."""
    with tempfile.TemporaryDirectory() as folder:
        for tool in TOOLS:
            with open(f"{folder}/{tool}", "w", encoding="ascii") as f:
                f.write("#!/bin/sh\nexit 0\n")
            os.chmod(f"{folder}/{tool}", 0o755)
        where = f"{folder}/here"
        os.mkdir(where)
        for command in commands:
            assert command.isascii() and command.isprintable(), repr(command)
            words, files = shell_words.parse(command.replace(MAPS, "/proc/1/maps"))
            assert {one[0].decode() for one in words} <= set(TOOLS), command
            for start, end in reversed(files):
                command = f"{command[:start]}/dev/null{command[end:]}"
            subprocess.run(["bash", "-c", command], cwd=where, stdin=subprocess.DEVNULL,
                           capture_output=True, env={"PATH": f"{folder}:/usr/bin:/bin"}, timeout=10)
            assert not os.listdir(where), f"{command!r} ran what is no command of ours"


def hold_output(binary, run):
    """What RUN printed, and what its report prints as text: the same commands, each one harmless."""
    commands = commands_of(run.lines)
    assert commands, run.dump()
    paste(command for _, command in commands)
    text = subprocess.run([binary, "report", "--color=never", "-v", run.recording], text=True,
                          capture_output=True, env=ENV, timeout=60).stdout
    assert text.replace("\n", "").isprintable(), repr(text)
    said = {tuple(line.split(None, 1)) for line in text.splitlines() if line.startswith("  ")
            and line.split(None, 1)[:1] in (["run"], ["see"], ["undo"])}
    assert {(label, command.rstrip()) for label, command in said} == commands


def fixed(lab, run, expect, port=PORT, check=lab_checks.http, target=BACKEND, seen="timeout"):
    """The probe of a check that EXPECT describes; its command helps."""
    case = Case("", seen, expect, check=check, port=port, target=target)
    found = check(lab, port, timeout=1, target=target)
    assert found.result in seen.split("/"), f"the lab is wrong: {found}"
    line = run.probe(found)
    wrong = expect.compare(line)
    assert not wrong, "\n".join(wrong) + f"\n{json.dumps(line, indent=1)}"
    apply_fix(case, lab, run, line)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
@pytest.mark.parametrize("tool", ["iptables-legacy", "iptables-nft"])
def test_chain_and_comment(tool, name, lab, trace, binary):
    for words in (["-N", name], ["-A", "INPUT", "-s", RANGE, "-p", "tcp", "-j", name],
                  ["-A", name, "-p", "tcp", "--dport", PORT, "-m", "comment", "--comment",
                   f'{LINES}"{name}\\', "-j", "DROP"]):
        lab.backend.run(tool, *words)
    run = trace(lab, "--timeout", 1)
    fixed(lab, run, Expect("firewall-drop", "CONNECT_TIMEOUT", where={"chain": name.replace(
        "\x1b", "?")}, fix_command=(tool, "-i ")))
    run.stop(FAILED)
    hold_output(binary, run)


def rename(lab, device, name):
    lab.backend.run("ip", "link", "set", device, "down")
    lab.backend.run("ip", "link", "set", device, "name", name)
    lab.backend.run("ip", "link", "set", name, "up")


def strict(lab, device):
    lab.backend.run("sh", "-c", 'echo 1 >"/proc/sys/net/ipv4/conf/$0/rp_filter"', device)


# the dot of a VLAN's device is no separator of a sysctl's name, and sysctl(8) reads others' signs
@pytest.mark.parametrize("name", [*NAMES, "a$(id>&2)", "eth0.5", "a.b=*?"],
                         ids=[*IDS, "command", "vlan", "sysctl"])
def test_device(name, make_lab, trace, binary):
    lab = make_lab(second_link=True)
    rename(lab, "eth1", name)
    strict(lab, name)
    run = trace(lab, "--timeout", 1)
    fixed(lab, run, Expect("rp-filter", "CONNECT_TIMEOUT", fix_command=("ip route replace",)),
          target=BACKEND_2)
    run.stop(FAILED)
    hold_output(binary, run)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_device_of_a_missing_route(name, lab, trace, binary):
    rename(lab, "eth0", name)
    run = trace(lab, "--timeout", 1)
    fixed(lab, run, Expect("no-route-back", "CONNECT_TIMEOUT", fix_command=(f"via {GATEWAY} dev",)))
    run.stop(FAILED)
    hold_output(binary, run)


def request(lab, port, path, host):
    """A request as a client may write it."""
    sock, seen = lab_checks.connect(lab, port, timeout=1)
    with sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
        try:
            while sock.recv(4096):
                pass
        except OSError:  # it may take longer than our patience
            pass
    return seen


@pytest.mark.parametrize("name", [*NAMES, "x';id>c;'", "[1-9]{a,b}"],
                         ids=[*IDS, "closed-quote", "globs"])
def test_path_and_host(name, lab, trace, binary):
    lab_services.tcp_server(lab, "answer", 7100, "--reply", "HTTP/1.1 404 no\\r\\n\\r\\n",
                            "--delay", 0)
    lab_services.tcp_server(lab, "silent", 7101)
    run = trace(lab, "--timeout", 1)
    for port, verdict in ((7100, "http-status"), (7101, "app-slow")):
        line = run.probe(request(lab, port, f"/{name}", f"h{name}"))
        assert line["verdict"] == verdict, line
        words = [word.decode() for word in shell_words.parse(line["show_command"])[0][0]]
        safe = name.replace("\x1b", "?")
        assert words == ["curl", "-gi", "-H", f"Host: h{safe}",
                         f"http://{BACKEND}:{port}/{safe}"], words
    run.stop(FAILED)
    hold_output(binary, run)


@pytest.mark.parametrize("name", [*NAMES, LINES], ids=[*IDS, "lines"])
def test_process(name, lab, trace, binary):
    lab_services.tcp_server(lab, "never-accept", 7100, name=name)
    run = trace(lab, "--timeout", 1)
    seen = lab_checks.http(lab, 7100, timeout=1)
    line = run.probe(seen)
    assert line["verdict"] == "app-not-accepting" and "\n" not in line["why"], line
    run.stop(FAILED)
    hold_output(binary, run)


def rename_namespace(lab, space, name):
    """Gives SPACE the only NAME; the lab sweeps it by the beginning."""
    path = f"/run/netns/{lab.tag}-{name}"
    open(path, "wb").close()
    sh("mount", "--bind", f"/run/netns/{space.name}", path)
    sh("umount", f"/run/netns/{space.name}")
    os.unlink(f"/run/netns/{space.name}")
    os.rename(space.etc, f"{os.path.dirname(space.etc)}/{lab.tag}-{name}")
    space.etc = f"{os.path.dirname(space.etc)}/{lab.tag}-{name}"
    space.name = f"{lab.tag}-{name}"


@pytest.mark.parametrize("name", [*NAMES, LINES], ids=[*IDS, "lines"])
def test_namespace(name, make_lab, trace, binary):
    lab = make_lab(container=True)
    rename_namespace(lab, lab.container, name)
    lab_services.Nginx(lab, space=lab.container, ports={80: 'return 200 "ok\\n";'})
    for port, inner in ((PORT, 80), (7100, 81)):
        lab.backend.run("iptables-nft", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", port,
                        "-j", "DNAT", "--to-destination", f"{CONTAINER}:{inner}")
    lab.container.run("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", 80, "-j", "DROP")
    run = trace(lab, "--timeout", 1)
    line = run.probe(lab_checks.http(lab, 7100, timeout=1))
    assert line["verdict"] == "no-listener" and "ss -tlnp" in line["show_command"], line
    fixed(lab, run, Expect("firewall-drop", "CONNECT_TIMEOUT", fix_command=("ip netns exec",)))
    run.stop(FAILED)
    hold_output(binary, run)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_check(name, make_lab, binary):
    """hctrace check, of a host with all of that."""
    lab = make_lab(second_link=True)
    rename(lab, "eth1", name)
    strict(lab, name)
    lab_services.tcp_server(lab, "answer", 7100, "--bind", "127.0.0.1", name=name)
    for tool in ("iptables-legacy", "iptables-nft"):
        lab.backend.run(tool, "-N", name)
        lab.backend.run(tool, "-A", "INPUT", "-p", "tcp", "--dport", 7100, "-j", name)
        lab.backend.run(tool, "-A", name, "-m", "comment", "--comment", LINES, "-j", "DROP")
    argv = lab.backend.argv(binary, "check", "--port", 7100)
    text = subprocess.run(argv, capture_output=True, text=True, env=ENV, timeout=60).stdout
    lines = subprocess.run([*argv, "--json"], capture_output=True, text=True, env=ENV,
                           timeout=60).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert found[-1]["type"] == "end" and text
    assert text.replace("\n", "").isprintable(), repr(text)
    paste(command for _, command in commands_of(found))
