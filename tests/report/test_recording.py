# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reports of recordings, whole and damaged, read by programs that are not ours."""
import json
import pathlib
import shutil
import subprocess

import pytest

import wireshark
from test_schema import assert_fits

if not shutil.which("tshark"):
    pytest.skip("there is no tshark: run scripts/setup", allow_module_level=True)

CASE = "lost-burst"  # HTTP, a refusal, silence and lost events
TIMES, APART_MS = 200, 2000


@pytest.fixture(scope="module")
def recording(reports, tmp_path_factory):
    """The bytes of a recording of some minutes."""
    tool = pathlib.Path(reports.hctrace).parent / "tests/tools/case_to_record"
    if not tool.exists():
        pytest.skip("there is no case_to_record: run make tests-build")
    path = tmp_path_factory.mktemp("recording") / "run"
    case = pathlib.Path(__file__).parents[1] / f"cases/{CASE}.case"
    subprocess.run([tool, case, path, str(TIMES), str(APART_MS)], check=True, timeout=60)
    return path.read_bytes()


@pytest.fixture
def reported(reports, tmp_path):
    """The objects of a recording's JSON report, and what tshark and capinfos have of its pcapng."""
    def both(data):
        path = tmp_path / "run"
        path.write_bytes(data)
        text = reports.run("report", "--format", "json", str(path)).stdout
        objects = [json.loads(line) for line in text.splitlines()]
        out = tmp_path / "run.pcapng"
        reports.run("report", "--format", "pcapng", "-o", str(out), str(path))
        return objects, wireshark.frames(str(out)), wireshark.capinfos(str(out))[0]
    return both


def assert_agree(objects, frames, about):
    """The packets tell what the objects tell."""
    assert_fits(objects)
    assert about["Strict time order"] == "True"
    probes = [o for o in objects if o["type"] == "probe" and o["verdict"] != "no-probe"]
    told = [f.said("verdict").split(";")[0] for f in frames if f.said("verdict")]
    alone = [f.journal_field("HCTRACE_VERDICT") or "" for f in frames if f.journal]
    told += [v.split(";")[0] for v in alone if v and not v.startswith("no-probe")]
    assert sorted(told) == sorted(p["verdict"] for p in probes)
    recording = next(o for o in objects if o["type"] == "recording")
    for gap in recording["gaps"]:
        assert gap["why"] in about["Capture comment"]
        assert any(gap["why"] in f.journal["systemd_journal.message"] for f in frames if f.journal)
    assert ("stops without an end" in about["Capture comment"]) == (not recording["has_end"])
    return recording


def test_whole(recording, reported):
    found = assert_agree(*reported(recording))
    assert found["complete"]


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.95])
def test_cut_off(recording, reported, part):
    found = assert_agree(*reported(recording[:int(len(recording) * part)]))
    assert not found["complete"] and not found["has_end"]


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_damaged(recording, reported, part):
    data = bytearray(recording)
    data[int(len(data) * part)] ^= 0xff
    found = assert_agree(*reported(bytes(data)))
    assert not found["complete"] and found["gaps"]
