# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""pcapng: tshark and capinfos read every case, and the comments say what the JSON report says."""
import datetime
import re
import shutil
import subprocess
from decimal import Decimal

import pytest

import wireshark
from reports import BROKEN, ROOT

if not shutil.which("tshark") or not shutil.which("capinfos"):
    pytest.skip("there is no tshark: run scripts/setup", allow_module_level=True)

PACKET_POINTS = {"xdp", "xdp-verdict", "receive", "tc-ingress", "tc-egress", "transmit", "drop", "translation"}
GOOD, UNVERIFIED = "1", "2"  # of a checksum, as tshark has it
ERROR = "8388608"  # severity of an expert's finding
MICROSECOND = Decimal("0.000001")


def wall(text):
    """Seconds since 1970 of an ISO 8601 time."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return Decimal(int(moment.timestamp())) + Decimal(moment.microsecond) / 1000000


def one_line(text):
    return text.replace("\n", " ") if text else None


@pytest.fixture
def frames(reports, case):
    """What tshark has of CASE's report."""
    return report(reports, case)


@pytest.fixture
def infos(reports, case):
    """What capinfos has of it: about the file, and about each interface."""
    return wireshark.capinfos(str(reports.file(case, "pcapng")))


def report(reports, case):
    return wireshark.frames(str(reports.file(case, "pcapng")))


def no_probe(objects):
    """The probes that never came: those reported, and that of a run in which nothing came."""
    return [o for o in objects if o["type"] == "probe" and o["verdict"] == "no-probe" or
            o["type"] == "end" and o.get("verdict")]


def verdict_of(o):
    """An object's verdict as the comment has it."""
    code = f"; code {o['code']}" if o.get("code") else ""
    step = f"; step {o['step']}" if o["step"] else ""
    return f"{o['verdict']}; {o['outcome']}, {o['confidence']}{code}{step}"


class TestCase:
    """Of every case."""

    def test_reads(self, frames, case):
        """No complaint: neither in the file, nor of a header, nor by an expert."""
        for frame in frames:
            assert "_ws.malformed" not in frame.layers, frame.number
            assert ERROR not in wireshark.find(frame.layers, "_ws.expert.severity"), frame.number
            cut = "_ws.short" in frame.protocols or "_ws.short" in frame.layers
            assert not cut or frame.captured < frame.length, frame.number
            assert frame.captured <= frame.length

    def test_checksums(self, frames, case):
        """Valid, but where some of the packet was not captured."""
        for frame in frames:
            if frame.journal:
                continue
            assert frame.field("ip.checksum.status") in (GOOD, None)
            for protocol in ("tcp", "udp", "icmp", "icmpv6"):
                status = frame.field(f"{protocol}.checksum.status")
                cut = frame.captured < frame.length
                assert status in (None, UNVERIFIED if cut else GOOD), (frame.number, protocol)

    def test_order(self, frames, case):
        times = [frame.time for frame in frames if not frame.journal]
        assert times == sorted(times)
        for before, after in zip(frames, frames[1:]):  # a record's time is in microseconds
            assert after.time >= before.time - MICROSECOND

    def test_interfaces(self, frames, infos, case):
        """One for each point and device, with the point's contract; comments name both."""
        about, interfaces = infos
        names = [i["Name"] for i in interfaces]
        packets = [frame for frame in frames if not frame.journal]
        assert len(names) == len(set(names)) == int(about.get("Number of interfaces in file", 0))
        assert set(names) == {frame.interface for frame in packets}
        assert int(about["Number of packets"]) == len(packets)
        for frame in packets:
            point = frame.description.split(" ")[0].rstrip(":")
            assert point in PACKET_POINTS
            assert f"({point})" in frame.comments[0]
            device = re.match(r"\S+ at (\S+): ", frame.description)
            where = device[1] if device else "kernel" if point in ("drop", "translation") else ""
            assert frame.interface.startswith(f"{where} ") and point in frame.interface
            assert not device or f" {device[1]} " in frame.comments[0]

    def test_section(self, reports, infos, case):
        about, _ = infos
        start = next(o for o in reports.objects(case) if o["type"] == "start")
        assert about["Capture application"] == f"hctrace {start['version']}"
        assert about["Capture oper-sys"] == " ".join(["Linux", *filter(None, [start["kernel"]])])
        comment = about["Capture comment"]
        for missing in start["missing"]:
            assert f"{missing['point']} (" in comment
        lost = {}
        for o in reports.objects(case):
            if o["type"] == "lost":
                lost[o["point"]] = lost.get(o["point"], 0) + o["count"]
        for point, count in lost.items():
            assert f"{count} of {point}" in comment
        assert ("Lost events: none." in comment) == (not lost)
        if about["Number of packets"] != "0":
            assert about["File timestamp precision"] == "nanoseconds (9)"
            assert about["Strict time order"] == "True"

    def test_verdicts(self, reports, frames, case):
        """Each probe has its verdict, why, fix and note, once, with a packet of its own."""
        probes = [p for p in reports.probes(case) if p["verdict"] != "no-probe"]
        told = [frame for frame in frames if frame.said("verdict")]
        assert len(told) == len(probes)
        for probe in probes:
            lb = {(probe["lb"]["addr"], port) for port in (probe["lb"]["port"], None)}
            found = [frame for frame in told if lb.intersection(frame.endpoints()) and
                     frame.said("verdict") == verdict_of(probe) and
                     frame.said("why") == probe["why"] and
                     frame.said("fix") == probe["fix"] and
                     frame.said("see") == probe["show_command"] and
                     frame.said("undo") == probe["undo_command"] and
                     frame.said("note") == probe.get("note")]
            assert found, f"no packet has the verdict of probe {probe['id']}"
            told.remove(found[0])

    def test_records(self, reports, frames, case):
        """What has no packet: probes that did not come, and lost events."""
        records = [frame for frame in frames if frame.journal]
        for o in no_probe(reports.objects(case)):
            assert any(one_line(o["why"]) == frame.journal_field("HCTRACE_WHY") and
                       one_line(o["fix"]) == frame.journal_field("HCTRACE_FIX") and
                       frame.journal_field("HCTRACE_VERDICT").startswith(f"{o['verdict']}; {o['outcome']}")
                       for frame in records)
        messages = [frame.journal["systemd_journal.message"] for frame in records]
        for o in reports.objects(case):
            if o["type"] == "lost":
                assert any(m.startswith(f"{o['count']} events of {o['point']} were lost")
                           for m in messages)
        lost = [o for o in reports.objects(case) if o["type"] == "lost"]
        assert len(records) == len(no_probe(reports.objects(case))) + len(lost)

    def test_timelines(self, reports, frames, case):
        """Every entry of a probe's timeline is a packet, or a comment of one of its packets."""
        for probe in reports.probes(case):
            start = wall(probe["time"])
            for entry in probe["timeline"]:
                when = start + Decimal(entry["t_us"]) / 1000000
                # of a later fragment only its coming is known: it is no packet of the file
                if entry["point"] not in PACKET_POINTS or entry["text"].startswith("a later"):
                    wanted = f": {entry['text']} ({entry['point']})"
                    assert any(wanted in c for f in frames for c in f.comments), entry
                    continue
                near = [f for f in frames if abs(f.time - when) <= 2 * MICROSECOND]
                assert any(f"({entry['point']}): {entry['text']}" in f.comments[0]
                           and entry.get("device", "") in f.comments[0] for f in near), entry

    def test_drops(self, reports, frames, case):
        """Where a drop explains a failure, its packet says the kernel's reason and function."""
        for probe in reports.probes(case):
            where = probe["where"] or {}
            if any("later fragment dropped" in entry["text"] for entry in probe["timeline"]):
                continue
            drops = [f for f in frames if f.interface and "drop" in f.interface]
            for key in ("reason", "function"):
                if where.get(key) and where.get("reason"):
                    assert any(f.said(key) == where[key] for f in drops), key
            if where.get("table") and where.get("reason"):
                assert any(f"table {where['table']}, chain {where['chain']}" in (f.said("rule") or "")
                           for f in frames)

    def test_ids(self, frames, case):
        """The same packet at several interfaces has one id, and at one interface it is once."""
        seen = {}
        for frame in frames:
            if frame.journal:
                continue
            key = (frame.packet_id, frame.interface)
            assert key not in seen, key
            seen[key] = frame
            like = next(f for (i, _), f in seen.items() if i == frame.packet_id)
            for name in ("tcp.seq_raw", "tcp.flags", "tcp.len", "icmp.type", "udp.length"):
                assert like.field(name) == frame.field(name)


def test_http(reports):
    """Where the first bytes were captured, Wireshark has the request and the answer."""
    frames = report(reports, "healthy-http")
    uris = [v for f in frames for v in wireshark.find(f.layers, "http.request.uri")]
    codes = [v for f in frames for v in wireshark.find(f.layers, "http.response.code")]
    probes = reports.probes("healthy-http")
    assert uris == [p["http"]["path"] for p in probes]
    assert codes == [str(p["http"]["status"]) for p in probes]


def test_http_status(reports):
    frames = report(reports, "http-status")
    codes = {v for f in frames for v in wireshark.find(f.layers, "http.response.code")}
    assert codes == {str(p["http"]["status"]) for p in reports.probes("http-status")}


def test_tls(reports):
    assert any("tls" in f.layers for f in report(reports, "healthy-https"))


def test_datagram(reports):
    request, error, drop = report(reports, "udp-no-listener")
    assert request.endpoints() == [("100.125.10.5", 46902), ("192.168.0.10", 5300)]
    assert request.field("udp.length") == "20"  # 12 bytes of payload, which were not captured
    assert (request.length, request.captured) == (40, 28)
    assert (error.field("icmp.type"), error.field("icmp.code")) == ("3", "3")
    assert error.layers["icmp"]["udp"]["udp.dstport"] == "5300"  # the datagram inside
    assert drop.interface == "eth0 kernel drop" and drop.said("reason") == "NO_SOCKET"
    assert drop.packet_id == request.packet_id != error.packet_id


def test_echo(reports):
    request, reply, *_ = report(reports, "healthy-icmp")
    assert [request.field("icmp.type"), reply.field("icmp.type")] == ["8", "0"]
    assert request.field("icmp.ident") == reply.field("icmp.ident") == str(46802)
    assert request.field("icmp.seq") == "1"


def test_ipv6(reports):
    """TCP over IPv6, and the addresses."""
    frames = report(reports, "firewall-drop-ipv6")
    probe = reports.probes("firewall-drop-ipv6")[0]
    assert frames[0].endpoints() == [(probe["lb"]["addr"], probe["lb"]["port"]),
                                     (probe["target"]["addr"], probe["target"]["port"])]


def test_behind_dnat(reports):
    """Packets have the addresses that they had where they were met."""
    arrived, forwarded, dropped, back, left = report(reports, "no-listener-container")
    lb, target, inner = ("100.125.10.5", 30415), ("192.168.0.10", 8080), ("172.17.0.2", 81)
    assert arrived.endpoints() == [lb, target]
    assert forwarded.endpoints() == [lb, inner] and forwarded.interface == "docker0 translation"
    assert dropped.endpoints() == [lb, inner] and dropped.interface == "kernel drop, inside"
    assert "in box" in dropped.comments[0]
    assert back.endpoints() == [inner, lb]
    assert left.endpoints() == [target, lb]
    assert arrived.packet_id == forwarded.packet_id == dropped.packet_id
    assert back.packet_id == left.packet_id


def test_rewritten_source(reports):
    """A reply that leaves with another source has that."""
    frames = report(reports, "reply-rewritten-address")
    probe = reports.probes("reply-rewritten-address")[0]
    away = [f for f in frames if "translation" in f.interface]
    assert away and all(f.endpoints()[0][0] != probe["target"]["addr"] for f in away)


SYNTHETIC = """hctrace-case 1
options --lb elb --from 100.125.0.0/16 --from 2001:db8:1::/48
start t=1000 wall-offset=1795334400 netns=4026531840 netns-name= kernel=6.18.0
{}
tick t=8
end t=9
"""


def synthetic(reports, tmp_path, *observations):
    path = tmp_path / "made.case"
    path.write_text(SYNTHETIC.format("\n".join(f"obs {o}" for o in observations)))
    out = tmp_path / "made.pcapng"
    done = reports.run("report", "--format", "pcapng", "-o", str(out), str(path))
    assert not done.stderr, done
    return wireshark.frames(str(out))


V6 = "lb=[2001:db8:1::5]:4000 target=[2001:db8:2::10]:53"


def test_ipv6_datagram(reports, tmp_path):
    frames = synthetic(
        reports, tmp_path,
        f"t=1 flow=1001000000000 seq=0 point=tc-ingress proto=udp {V6} dev=eth0",
        f"t=1.1 flow=1001000000000 seq=1 point=tc-egress proto=udp {V6} reply=1 dev=eth0 "
        "icmp-error=1 icmp-type=1 icmp-code=4")
    assert [f.field("udp.checksum.status") for f in frames] == [GOOD, None]
    assert frames[1].field("icmpv6.checksum.status") == GOOD
    assert frames[1].layers["icmpv6"]["udp"]["udp.dstport"] == "53"


def test_ipv6_echo(reports, tmp_path):
    frames = synthetic(
        reports, tmp_path,
        f"t=1 flow=1001000000000 seq=0 point=tc-ingress proto=icmpv6 {V6} dev=eth0",
        f"t=1.1 flow=1001000000000 seq=1 point=tc-egress proto=icmpv6 {V6} reply=1 dev=eth0")
    assert [f.field("icmpv6.type") for f in frames] == ["128", "129"]
    assert [f.field("icmpv6.checksum.status") for f in frames] == [GOOD, GOOD]
    assert frames[0].field("icmpv6.echo.sequence_number") == "53"


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 65495, 65496, 4294967295])
def test_lengths(reports, tmp_path, length):
    """A payload that is longer than what was captured, or than what a header can tell."""
    payload = "x" * 100
    frame, = synthetic(
        reports, tmp_path,
        "t=1 flow=1001000000000 seq=0 point=tc-ingress proto=tcp lb=100.125.10.5:4000 "
        f"target=192.168.0.10:9 flags=AP dev=eth0 tcp-seq=1 len={length} payload={payload}")
    assert frame.length == min(40 + length, 65535)
    assert frame.captured == min(40 + length, 140)
    whole = frame.captured == frame.length
    assert frame.field("tcp.checksum.status") == (GOOD if whole else UNVERIFIED)


def test_traffic_is_not_held(reports):
    """Users' requests, of which no verdict comes, are there and say so."""
    frames = report(reports, "traffic-learned")
    left_out = next(o for o in reports.objects("traffic-learned") if o["type"] == "end")
    assert left_out["other_requests"]
    none = [f for f in frames if any(c.startswith("no verdict: ") for c in f.comments)]
    assert len(none) >= left_out["other_requests"]


def test_once_more(reports):
    """The same input gives the same bytes."""
    name = "firewall-drop-nft"
    first = reports.file(name, "pcapng").read_bytes()
    again = reports.run("report", "--format", "pcapng", f"{name}.case").stdout
    assert first[-200:] == again[-200:]  # into a pipe, the section is as short as can be


def test_into_a_pipe(reports, tmp_path):
    """What cannot be rewritten is readable, too."""
    done = reports.run("report", "--format", "pcapng", "lost-burst.case")
    path = tmp_path / "piped.pcapng"
    path.write_bytes(done.stdout)
    piped, whole = wireshark.frames(str(path)), report(reports, "lost-burst")
    assert [(f.time, f.comments) for f in piped] == [(f.time, f.comments) for f in whole]


def test_no_terminal(reports):
    """A terminal gets a sentence, not bytes."""
    command = f"{reports.hctrace} report --format pcapng {ROOT}/tests/cases/healthy-http.case"
    done = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, timeout=20)
    assert done.returncode == 2
    assert b"-o FILE.pcapng" in done.stdout and len(done.stdout) < 200


@pytest.mark.parametrize("case", BROKEN)
def test_broken(reports, tmp_path, case):
    """A damaged file gives an error, or a part that can be read; never half a file."""
    out = tmp_path / "out.pcapng"
    done = reports.run("report", "--format", "pcapng", "-o", str(out), f"{case}.case")
    assert done.returncode in (0, 1, 2, 4)
    assert out.exists() == (done.returncode != 2)
    if out.exists():
        wireshark.frames(str(out))
    else:
        assert done.stderr.startswith(b"hctrace: ")
