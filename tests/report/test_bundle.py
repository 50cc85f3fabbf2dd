# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Bundles of every case, opened by tar: what is in them, and that a redacted one tells nothing."""
import ipaddress
import json
import os
import pathlib
import re
import resource
import signal
import struct
import subprocess
import time
import urllib.parse
import zlib

import pytest

from reports import ROOT

FILES = {"MANIFEST.txt", "report.html", "report.txt", "report.jsonl", "report.pcapng", "recording"}
WORD = r"[A-Za-z0-9_]"
# of the object of a probe: what redaction must not change
DECIDED = ("time", "id", "outcome", "verdict", "code", "confidence", "step", "timing", "protocol")
PLACED = ("layer", "backend", "hook", "table", "chain", "rule", "handle", "device", "reason",
          "function")
COUNTED = ("probes", "passed", "failed", "unknown", "lost")
RECORD_HEADER, PIECE_HEADER = 40, 32


def inflate(data):
    """The records of a recording, all pieces one behind the other."""
    out, at, stream = b"", RECORD_HEADER, None
    while at + PIECE_HEADER <= len(data):
        flags, _, size = struct.unpack_from("<III", data, at + 4)
        if flags & 1:
            stream = zlib.decompressobj(-15)
        out += stream.decompress(data[at + PIECE_HEADER:at + PIECE_HEADER + size])
        at += PIECE_HEADER + size
    return out


class Bundle:
    def __init__(self, reports, folder, *arguments, env=None):
        self.path = folder / "bundle.tar.gz"
        environment = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", TMPDIR=str(folder / "tmp"),
                           **(env or {}))
        (folder / "tmp").mkdir(exist_ok=True)
        self.done = subprocess.run([reports.hctrace, "bundle", *map(str, arguments), "-o", self.path],
                                   cwd=ROOT / "tests/cases", env=environment, capture_output=True,
                                   timeout=60, text=True)
        assert list((folder / "tmp").iterdir()) == []
        assert not list(folder.glob("bundle.tar.gz.*"))
        self.files = {}
        if self.path.exists():
            assert self.path.stat().st_mode & 0o777 == 0o600
            subprocess.run(["tar", "xzf", self.path, "-C", folder], check=True, timeout=60)
            top = folder / "bundle"
            self.files = {str(path.relative_to(top)): path.read_bytes()
                          for path in top.rglob("*") if path.is_file()}
            self.folder = top

    def objects(self):
        return [json.loads(line) for line in self.files["report.jsonl"].splitlines()]

    def decided(self):
        """What was found out, object by object."""
        return [decided(o) for o in self.objects() if o["type"] != "recording"]


def decided(o):
    where = o.get("where") or {}
    return ([o["type"]] + [o.get(key) for key in DECIDED] + [where.get(key) for key in PLACED] +
            [o.get(key) for key in COUNTED if o["type"] == "end"])


def is_told(address, ranges):
    """May a bundle have it as it is?"""
    if any(address.version == network.version and address in network for network in ranges):
        return True
    if address.version == 6:
        return address.is_loopback or address.is_unspecified or address.is_multicast
    return address.packed[0] in (0, 127) or address.packed[0] >= 224


def decode(word):
    return urllib.parse.unquote_to_bytes(word)


class Originals:
    """What a case tells and its redacted bundle must not."""

    def __init__(self, text, ranges):
        self.addresses, self.names, self.strings = set(), set(), set()
        for line in text.splitlines():
            if line.startswith(("#", "options")):
                continue
            for key, value in re.findall(r" ([a-z-]+)=(\S+)", line):
                self.take(line, key, value, ranges)
        # words of our own reports, or of commands that they advise
        self.names -= {"app", "names", "openssl"}
        # names of chains stay, whatever else is called so
        self.names -= set(re.findall(r" (?:chain|table|base)=(\S+)", text))

    def take(self, line, key, value, ranges):
        if key in ("target", "lb", "other", "gateway", "addr", "client", "text"):
            for found in re.findall(r"\d+\.\d+\.\d+\.\d+(?:/\d+)?|[0-9a-f:]*:[0-9a-f]*:[0-9a-f:]*",
                                    decode(value).decode("latin-1")):
                self.take_address(found, ranges)
        if key in ("comm", "daemon", "netns-name") or (key == "name" and "devices" not in line
                                                       and not line.startswith("item")) or (
                key == "host" and line.startswith("run ")):
            self.names.add(decode(value).decode("latin-1"))
        if key == "payload":
            self.take_payload(decode(value))

    def take_address(self, text, ranges):
        try:
            interface = ipaddress.ip_interface(text)
        except ValueError:
            return
        if is_told(interface.ip, ranges):
            return
        if any(network.version == interface.version and interface.network.supernet_of(network)
               for network in ranges):
            return
        self.addresses.add(interface.ip)

    def take_payload(self, data):
        request = re.match(rb"([A-Z]+) (\S+)", data)
        if request and len(request[2]) > 3:
            self.strings.add(request[2])
        for header in re.findall(rb"(?im)^(?:host|user-agent|location|server|cookie|x-[a-z-]+): *"
                                 rb"([^\r\n]+)", data):
            host = re.sub(rb"^https?://|:\d+$", b"", header)
            if len(host) > 4 and not host.startswith(b"100."):
                self.strings.add(host)

    def found_in(self, name, data):
        """What of it the bytes of a file have."""
        for address in self.addresses:
            text = re.escape(str(address)).encode()
            if re.search(rb"(?<![0-9a-f.:])" + text + rb"(?![0-9a-f]|\.\d|:[0-9a-f]{1,4}:)", data):
                yield name, str(address)
            if name in ("report.pcapng", "recording") and address.packed in data:
                yield name, f"{address} as bytes"
        for original in self.names:
            pattern = f"(?<!{WORD}){re.escape(original)}(?!{WORD})".encode("latin-1")
            if name != "report.html" and re.search(pattern, data):
                yield name, original
        for string in self.strings:
            if string in data:
                yield name, string


def test_bundle(reports, case, tmp_path):
    """All files are there, and say what the reports of the case itself do."""
    bundle = Bundle(reports, tmp_path, f"{case}.case")
    assert bundle.done.returncode == 0, bundle.done.stderr
    assert set(bundle.files) == FILES
    told = [o for o in bundle.objects() if o["type"] != "recording"]
    assert told == [o for o in reports.objects(case) if o["type"] != "recording"]
    again = reports.run("report", "--json", str(bundle.folder / "recording")).stdout.splitlines()
    assert told == [o for o in map(json.loads, again) if o["type"] != "recording"]
    for name in FILES:
        assert f"  {name} " in bundle.files["MANIFEST.txt"].decode()
    for probe in told:
        if probe["type"] == "probe" and probe["outcome"] == "fail":
            assert probe["verdict"].encode() in bundle.files["report.txt"]


# What is neither HTTP/1 nor TLS is blanked, and with it what these verdicts rest on.
BLANKED = {
    "app-slow-dns", "app-slow-greeting", "firewall-drop-dns", "grpc-status", "healthy-grpc",
    "healthy-proxy", "healthy-redis", "http-status-http2", "protocol-mismatch",
    "protocol-mismatch-demanded", "protocol-mismatch-http2", "service-error", "service-error-dns",
    "service-error-postgresql", "service-error-redis", "tcp-wrappers-greeting",
}

# Of a message in several segments only the first can be read by itself, so only that is passed on.
SPLIT = {
    "app-closed-status-cut", "app-slow-early-hints", "app-slow-status-cut", "app-slow-trickle",
    "healthy-early-hints", "healthy-request-by-bytes", "healthy-status-by-bytes",
    "http-status-early-hints",
}


def test_redacted(reports, case, tmp_path):
    """Nothing of what was replaced is in any file, and the diagnosis is the same."""
    bundle = Bundle(reports, tmp_path, f"{case}.case", "--redact", "--redact-map",
                    tmp_path / "map")
    assert bundle.done.returncode == 0, bundle.done.stderr
    assert set(bundle.files) == FILES
    if case not in BLANKED | SPLIT:
        whole = [decided(o) for o in reports.objects(case) if o["type"] != "recording"]
        assert bundle.decided() == whole
    start = next(o for o in bundle.objects() if o["type"] == "start")
    ranges = [ipaddress.ip_network(text) for text in start["range"]]
    originals = Originals((ROOT / f"tests/cases/{case}.case").read_text(), ranges)
    bundle.files["recording"] = inflate(bundle.files["recording"])
    found = [hit for name, data in bundle.files.items() for hit in originals.found_in(name, data)]
    assert found == []
    lines = [line.split("\t") for line in (tmp_path / "map").read_text().splitlines()[1:]]
    addresses = [pseudonym for pseudonym, _ in lines if re.fullmatch(r"[0-9a-f.:]+", pseudonym)]
    assert len(addresses) == len(set(addresses))
    assert (tmp_path / "map").stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope="module")
def recording(reports, tmp_path_factory):
    """A recording of some minutes: HTTP, a refusal, silence and lost events."""
    tool = pathlib.Path(reports.hctrace).parent / "tests/tools/case_to_record"
    path = tmp_path_factory.mktemp("bundled") / "run"
    subprocess.run([tool, ROOT / "tests/cases/lost-burst.case", path, "200", "2000"], check=True,
                   timeout=60)
    return path.read_bytes()


@pytest.mark.parametrize("redact", [[], ["--redact"]], ids=["whole", "redacted"])
def test_damaged(reports, recording, tmp_path, redact):
    """A recording of which a part is damaged and the end is gone: so says the bundle."""
    data = bytearray(recording)
    data[len(data) // 2] ^= 1
    run = tmp_path / "run"
    run.write_bytes(data[:len(data) * 9 // 10])
    bundle = Bundle(reports, tmp_path, run, *redact)
    assert bundle.done.returncode == 0
    assert "parts of the recording are missing" in bundle.done.stderr
    manifest = bundle.files["MANIFEST.txt"].decode()
    assert re.search("records missing|unreadable", manifest) and "stops without" in manifest
    known = [o for o in bundle.objects() if o["type"] == "recording"][0]
    assert not known["complete"]
    plain = reports.run("report", "--json", str(run)).stdout.splitlines()
    assert bundle.decided() == [decided(o) for o in map(json.loads, plain)
                                if o["type"] != "recording"]


@pytest.mark.parametrize("redact", [[], ["--redact"]], ids=["whole", "redacted"])
def test_hostile(reports, recording, tmp_path, redact):
    """Bytes that changed anywhere: a bundle, or an error and nothing."""
    run = tmp_path / "run"
    for seed in range(40):
        data = bytearray(recording)
        for i in range(seed % 5 + 1):
            at = (seed * 7919 + i * 104729) % len(data)
            data[at] = (data[at] + seed + 1) % 256
        run.write_bytes(data[:len(data) - seed * 13])
        (tmp_path / str(seed)).mkdir()
        bundle = Bundle(reports, tmp_path / str(seed), run, *redact)
        assert bundle.done.returncode in (0, 2), bundle.done
        assert (bundle.done.returncode == 0) == bool(bundle.files)
        assert bundle.done.returncode == 0 or bundle.done.stderr


def test_none(reports, tmp_path):
    """What is no recording gives an error and leaves nothing."""
    for arguments in (["/nonexistent"], ["/etc/hostname"], ["broken-cut-off.case"]):
        bundle = Bundle(reports, tmp_path, *arguments, "--redact")
        assert bundle.done.returncode == 2 and bundle.done.stderr and not bundle.files
    (tmp_path / "bundle.tar.gz").mkdir()
    done = reports.run("bundle", "healthy-http.case", "-o", str(tmp_path / "bundle.tar.gz"))
    assert done.returncode != 0 and b"directory" in done.stderr


@pytest.mark.parametrize("limit", [1000, 8000, 30000])
def test_full_disk(reports, recording, tmp_path, limit):
    """No room for the bundle, or for what goes into it: an error, and nothing is left."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "run").write_bytes(recording)

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    done = subprocess.run([reports.hctrace, "bundle", tmp_path / "run", "--redact", "-o",
                           tmp_path / "out.tar.gz"], env=dict(os.environ, TMPDIR=tmp_path / "tmp"),
                          preexec_fn=no_room, capture_output=True, text=True, timeout=60)
    assert done.returncode == 5 and "cannot write" in done.stderr, done
    assert not list((tmp_path / "tmp").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "tmp"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal(reports, tmp_path, number):
    """A signal ends it, and nothing is left."""
    tool = pathlib.Path(reports.hctrace).parent / "tests/tools/case_to_record"
    subprocess.run([tool, ROOT / "tests/cases/healthy-http.case", tmp_path / "run", "20000", "500"],
                   check=True, timeout=60)
    (tmp_path / "tmp").mkdir()
    # a shell starts what it runs in the background with SIGINT ignored, tests included
    with subprocess.Popen([reports.hctrace, "bundle", tmp_path / "run", "--redact", "-o",
                           tmp_path / "out.tar.gz"], stderr=subprocess.DEVNULL,
                          preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
                          env=dict(os.environ, TMPDIR=tmp_path / "tmp")) as bundle:
        for _ in range(500):
            if list((tmp_path / "tmp").rglob("report.*")):
                break
            time.sleep(0.01)
        bundle.send_signal(number)
        assert bundle.wait(timeout=20) == -number
    assert not list((tmp_path / "tmp").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "tmp"]


def test_segments(reports, recording, tmp_path):
    """Older parts beside a recording come along, each in its file; redacted it is one."""
    data = recording
    (tmp_path / "run").write_bytes(data)
    bundle = Bundle(reports, tmp_path, tmp_path / "run")
    assert bundle.files["recording"] == data


def test_page(reports, tmp_path):
    """The page of a redacted bundle opens in a browser without a word on its console."""
    browser = pytest.importorskip("browser")
    bundle = Bundle(reports, tmp_path, "http-status.case", "--redact")
    chromium = browser.Browser(tmp_path / "chromium")
    try:
        chromium.driver.get((bundle.folder / "report.html").as_uri())
        assert not chromium.driver.get_log("browser")
        assert "100.125." in chromium.driver.find_element("tag name", "body").text
    finally:
        chromium.close()
