# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace bundle --duration: it records, and hands over; redacted, nothing of the host is told."""
import json
import pathlib
import re
import signal
import subprocess
import time

import lab_checks
import pytest
from harness import ENV
from lab import BACKEND

SECRETS = (BACKEND, "203.0.113.9", "198.51.100.7", "192.168.0.77", "02:00:00:00:00:77",
           "2001:db8:77::5", "acme", "nginx", "/secret-path", "gold-customer", "hosting-group")


@pytest.fixture
def tell_tale(lab):
    """A host whose state, rules and requests tell whose it is."""
    lab.backend.ip("route add 203.0.113.0/24 via 192.168.0.1",
                   "neigh add 192.168.0.77 lladdr 02:00:00:00:00:77 dev eth0",
                   "rule add from 198.51.100.7 lookup 77", "addr add 2001:db8:77::5/64 dev eth0",
                   "link set eth0 alias gold-customer")
    lab.backend.run("iptables-legacy", "-A", "INPUT", "-s", "203.0.113.9", "-m", "comment",
                    "--comment", "office of acme", "-j", "DROP")
    lab.backend.run("nft", "-f", "-", data="""
        table ip guard {
            set office { type ipv4_addr; elements = { 203.0.113.9, 198.51.100.7 } }
            chain in {
                type filter hook input priority 10;
                ip saddr @office drop comment "acme office"
                tcp dport 8202 ip saddr 100.125.0.0/16 log prefix "acme " drop
                @nh,96,32 0xcb007109 counter
            }
        }""")
    lab.backend.write_etc("hosts.deny", "# hosting-group only\n"
                          "sshd, in.acme: .acme.example 203.0.113. EXCEPT bob@acme.example "
                          ": spawn (logger acme %h)\n")
    return lab


class Run:
    """hctrace bundle as a child in the lab's backend."""

    def __init__(self, binary, lab, *options):
        self.folder = pathlib.Path(lab.tmp) / "out"
        (self.folder / "tmp").mkdir(parents=True)
        self.log = self.folder / "stderr"
        with open(self.log, "w", encoding="utf-8") as out:
            self.child = subprocess.Popen(
                lab.backend.argv(binary, "bundle", "-o", self.folder / "b.tar.gz",
                                 *map(str, options)),
                stdin=subprocess.DEVNULL, stderr=out, env=dict(ENV, TMPDIR=str(self.folder / "tmp")))
        deadline = time.monotonic() + 20
        while not list(self.folder.glob("tmp/*/recorded")):
            assert self.child.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)
        while not list(self.folder.glob("tmp/*/recorded"))[0].stat().st_size > 40:
            time.sleep(0.01)

    def end(self, status=0):
        assert self.child.wait(timeout=60) == status, self.log.read_text()
        assert "Sanitizer" not in self.log.read_text(), self.log.read_text()
        assert not list((self.folder / "tmp").iterdir())
        if status:
            assert not list(self.folder.glob("b.tar*"))
            return {}
        subprocess.run(["tar", "xzf", self.folder / "b.tar.gz", "-C", self.folder], check=True)
        top = self.folder / "b"
        return {str(path.relative_to(top)): path.read_bytes()
                for path in top.rglob("*") if path.is_file()}


def probes(files):
    return [o for o in map(json.loads, files["report.jsonl"].splitlines()) if o["type"] == "probe"]


@pytest.mark.parametrize("redact", [False, True], ids=["whole", "redacted"])
def test_bundle(tell_tale, binary, redact):
    lab = tell_tale
    run = Run(binary, lab, "-d", "5", *(["--redact"] if redact else []))
    seen = [lab_checks.http(lab, port, path="/secret-path") for port in (80, 7080, 8202)]
    files = run.end()
    assert [p["lb"]["port"] for p in probes(files)] == [s.port for s in seen]
    assert [p["verdict"] for p in probes(files)] == ["healthy", "no-listener", "firewall-drop"]
    dropped = probes(files)[2]["where"]
    assert (dropped["table"], dropped["chain"]) == ("guard", "in"), dropped
    state = {name: data.decode() for name, data in files.items() if name.startswith("host/")}
    rules = state["host/firewall-rules-nftables.start.txt"]
    assert "tcp dport 8202 ip saddr 100.125.0.0/16" in rules
    assert {name.replace(".start.", ".end.") for name in state if ".start." in name} == {
        name for name in state if ".end." in name}
    for name in state:
        assert f"  {name} " in files["MANIFEST.txt"].decode()
    found = [(secret, name) for secret in SECRETS for name, data in files.items()
             if re.search(rf"(?<![\w.:]){re.escape(secret)}(?![\w:]|\.\d)".encode(), data)]
    if redact:
        assert found == []
        assert "cb007109" not in rules, rules
        assert re.search(r"users:\(\(\"proc-\d+\"", state["host/listeners.start.txt"])
        gateway = re.search(r"203\.0\.113|via (\S+) dev eth0", state["host/routes.start.txt"])[1]
        assert gateway and gateway.startswith("192.168.")
    else:
        assert {secret for secret, _ in found} >= {BACKEND, "203.0.113.9", "nginx", "acme"}


def test_interrupted(lab, binary):
    """Ctrl-C ends the recording, and the bundle is made of what there is."""
    run = Run(binary, lab, "-d", "1h", "--redact")
    lab_checks.http(lab)
    time.sleep(0.3)
    run.child.send_signal(signal.SIGINT)
    files = run.end()
    assert [p["verdict"] for p in probes(files)] == ["healthy"]


def test_nothing_came(lab, binary):
    """A bundle of silence is one, too."""
    files = Run(binary, lab, "-d", "1").end()
    assert b"no-probe" in files["report.txt"]
