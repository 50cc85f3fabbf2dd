# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tshark and capinfos read in a file."""
import functools
import json
import re
import subprocess
from decimal import Decimal

VALIDATE = [word for protocol in ("ip", "tcp", "udp")
            for word in ("-o", f"{protocol}.check_checksum:TRUE")]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("Running as")]
    assert done.returncode == 0 and not complaints, f"{command}: {complaints}"
    return done.stdout


def as_list(value):
    return value if isinstance(value, list) else [value]


def find(tree, key):
    """Every value of KEY anywhere in TREE."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield from as_list(value)
            yield from find(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from find(value, key)


class Frame:
    """A row of Wireshark's list: a packet, or a record without one."""

    def __init__(self, layers):
        self.layers = layers
        self.comments = as_list(layers.get("pkt_comment", {}).get("frame.comment", []))
        frame = layers["frame"]
        self.number = int(frame["frame.number"])
        self.time = Decimal(frame["frame.time_epoch"])
        self.length = int(frame["frame.len"])
        self.captured = int(frame["frame.cap_len"])
        self.protocols = frame["frame.protocols"].split(":")
        self.packet_id = frame.get("frame.packet_id")
        tree = frame.get("frame.interface_id_tree", {})
        self.interface = tree.get("frame.interface_name")
        self.description = tree.get("frame.interface_description")
        self.journal = layers.get("systemd_journal")

    def said(self, label):
        """What its comments have behind "LABEL: "; None: nothing."""
        found = [text[len(label) + 2:] for text in self.comments if text.startswith(f"{label}: ")]
        assert len(found) <= 1, self.comments
        return found[0] if found else None

    def field(self, name):
        """Field NAME of the outermost protocol that has it; None: none has."""
        return self.layers.get(name.split(".")[0], {}).get(name)

    def journal_field(self, name):
        names, values = ([*find(self.journal, f"systemd_journal.field.{part}")]
                         for part in ("name", "value"))
        return dict(zip(names, values)).get(name)

    def endpoints(self):
        """(address, port) of source and destination; a port is None where there is none."""
        ip = "ip" if "ip" in self.layers else "ipv6"
        transport = next((p for p in ("tcp", "udp") if p in self.layers), None)
        return [(self.field(f"{ip}.{end}"),
                 int(self.field(f"{transport}.{end}port")) if transport else None)
                for end in ("src", "dst")]


@functools.cache
def frames(path):
    """All frames of the file at PATH, dissected, with every checksum looked at."""
    text = run("tshark", "-n", "-r", path, *VALIDATE, "-T", "json", "--no-duplicate-keys")
    return [Frame(one["_source"]["layers"]) for one in json.loads(text)]


@functools.cache
def capinfos(path):
    """What capinfos says: its lines as a dictionary, and its interfaces as a list of such."""
    lines = [line.split(" = " if " = " in line else ":", 1) for line in
             run("capinfos", path).splitlines() if re.search(r" = |:", line)]
    about, interfaces = {}, []
    for key, value in lines:
        key, value = key.strip(), value.strip()
        if key.startswith("Interface #"):
            interfaces.append({})
        elif interfaces:
            interfaces[-1][key] = value
        else:
            about[key] = value
    return about, interfaces
