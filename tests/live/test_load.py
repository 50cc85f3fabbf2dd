# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Under load: thousands of nodes, every kind of fault at once, and each probe one right verdict.

Counts only.  How fast and at what cost: tests/bench/bench load.
"""
import os
import sys

import pytest
from harness import FAILED, Hctrace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, f"{ROOT}/tests/bench")

import load  # noqa: E402

pytestmark = pytest.mark.alone

NODES = 3000
MAX_FLOWS = 131072  # of bpf/state.h
STRANGE = 0.02  # of all: what a busy machine may make of a fault (an answer that came too late)


@pytest.fixture
def hctrace(binary):
    for tool in ("lb_load", "load_server"):
        path = f"{load.tools_of(binary)}/{tool}"
        assert os.access(path, os.X_OK), f"no {path}: run make tests-build first"
    return binary


@pytest.fixture
def rate(hctrace):
    """Probes a second that even a busy machine can follow."""
    return 500 if Hctrace.sanitized(hctrace) else 1500


def check_told(result, found):
    """What holds whatever was lost: one verdict a probe at most, and none that is wrong."""
    assert not result["stderr"], result["stderr"]
    assert result["status"] == FAILED, result
    assert not result["wrong"] and not result["twice"] and not result["extra"], found.examples
    assert not result["rules_wrong"], found.examples
    assert sum(found.strange.values()) < STRANGE * result["probes"], result["lab_strange"]
    assert found.end["probes"] + found.end["unfinished"] == result["told"], result
    assert sum(found.lost.values()) == result["lost"], result


def check_all(result, found):
    """Nothing was lost: every probe has a verdict, and the right one."""
    check_told(result, found)
    assert (result["lost"], result["missing"], result["unknown"]) == (0, 0, 0), \
        (result, found.examples)


def test_mixture(hctrace, rate):
    seconds = 4
    result, found = load.mixture(hctrace, rate, seconds, NODES, targets=load.MIXTURE)
    check_all(result, found)
    right = {verdict for target in load.MIXTURE for verdict in target.truth.values()}
    assert set(found.verdicts) >= right, f"some faults were not there: {found.verdicts}"
    assert result["rules_named"], result
    nodes = {name[0] for name in found.truth}
    assert len(nodes) > rate * seconds / len(found.right_of) / 2, len(nodes)


def test_many_in_flight(hctrace):
    """Each waits for its timeout, and all at once."""
    result, found = load.held(hctrace, 10000, rate=10000)
    assert result["all_at_once"], result
    check_all(result, found)


def test_reader_is_late(hctrace, rate):
    """What found no room in the ring is told by point, and no verdict is wrong for it."""
    result, found = load.overload(hctrace, rate, seconds=1)
    check_told(result, found)
    assert result["lost"] and result["missing_by_phase"]["while"], result
    assert result["missing"] < result["lost"], result
    assert not result["missing_by_phase"]["after"], "it does not recover"


@pytest.mark.not_sanitized
def test_more_than_there_is_room_for(hctrace):
    """The table of flows is full: each probe beyond it is counted."""
    count = MAX_FLOWS + 10000
    result, found = load.held(hctrace, count, rate=40000)
    check_told(result, found)
    assert result["told"] + result["lost"] >= count, result
