# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Points that are lost and come back while a run goes on, as devices go and come."""
import json
import time

from harness import NOTHING

POINTS = {"tc-ingress", "tc-egress"}


def news(run, n):
    """The first N objects about points."""
    deadline = time.monotonic() + 5
    while len(run.of_type("points")) < n and time.monotonic() < deadline:
        time.sleep(0.05)
    found = run.of_type("points")
    assert len(found) == n, run.dump()
    return found


def names(points):
    return {one["point"] for one in points}


def test_device_goes_and_comes(lab, trace):
    """The report says the same, which stop() compares; a device more is no news."""
    lab.backend.run("ip", "link", "add", "hot0", "type", "veth", "peer", "cold0")
    lab.backend.run("ip", "link", "set", "hot0", "up")
    run = trace(lab, "--interface", "hot0")
    assert POINTS <= names(run.of_type("start")[0]["points"])
    lab.backend.run("ip", "link", "del", "hot0")
    lost = news(run, 1)[0]
    assert names(lost["missing"]) == POINTS and not lost["points"], lost
    assert all("no interface is left" in one["reason"] for one in lost["missing"]), lost
    lab.backend.run("ip", "link", "add", "hot0", "type", "veth", "peer", "cold0")
    lab.backend.run("ip", "link", "set", "hot0", "up")
    back = news(run, 2)[1]
    assert names(back["points"]) == POINTS and not back["missing"], back
    assert {json.dumps([one["host"], one["run"], one["schema"]]) for one in run.lines} == {
        json.dumps([back["host"], back["run"], 2])} and len(back["run"]) == 16
    run.stop(NOTHING)


def test_more_devices_are_no_news(lab, trace):
    run = trace(lab)
    for name in ("hot1", "hot2"):
        lab.backend.run("ip", "link", "add", name, "type", "veth", "peer", f"{name}-peer")
        lab.backend.run("ip", "link", "set", name, "up")
    lab.backend.run("ip", "link", "del", "hot1")
    time.sleep(0.5)
    assert not run.of_type("points"), run.dump()
    run.stop(NOTHING)
