# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hctrace probe: each scenario that does not lie beyond the NIC has the verdict of a real check.

The cases are those of the other files.  Each runs beside a real check, and with a look at the
wire: no packet of the probe is to be there.
"""
import contextlib

import pytest
import test_app
import test_datagram
import test_device
import test_firewall
import test_ipv6
import test_kernel
import test_listen
import test_nat
import test_routes
import test_wrappers
from harness import RANGES
from lab_services import Nginx
from probe_play import cases_of, kind_of, run_probe_case

# Beyond what a probe from inside meets, and why.
BEYOND = {
    test_device: {
        "programs-xdp-in-the-driver": "a driver runs it before the packet exists for the kernel",
        "programs-tc-filter-egress": "clsact stands behind tcx, where the answer turns round",
    },
    test_routes: {
        "second-asymmetric-and-filtered-outside": "a router's filter",
        "outside-syn-acks-dropped-by-the-network": "a router's filter",
        "back-narrower-blackhole": "its source is any of the range",
    },
    test_datagram: {}, test_app: {}, test_firewall: {}, test_ipv6: {}, test_kernel: {},
    test_listen: {}, test_wrappers: {},
}
# Its source is one that this host has, too.
OWN_SOURCE = ("addresses-source-is-ours", "addresses-source-is-ours-on-a-bridge",
              "addresses-source-is-ours-by-a-route")

CASES = [pytest.param(name, case, id=f"{module.__name__[5:]}-{name}")
         for module, beyond in BEYOND.items() for name, case in cases_of(module, beyond)
         if kind_of(case)]


@pytest.mark.parametrize("name,case", CASES)
def test_case(name, case, make_lab, binary):
    lab = make_lab(second_link=case.second_link)
    with contextlib.ExitStack() as stack:
        ready = case.setup(lab) if case.setup else None
        if hasattr(ready, "__enter__"):
            stack.enter_context(ready)
        for command in case.fault:
            lab.backend.run("sh", "-c", command)
        for command in case.router:
            lab.router.run("sh", "-c", command)
        ranges = ("--from", "100.125.10.5") if name in OWN_SOURCE else RANGES
        _, neighbour = run_probe_case(case, lab, binary, ranges)
    assert neighbour.status == 200, f"the real check beside it: {neighbour}"


NAT_BEYOND = {
    "passive": "a probe needs tc",
    "dropped-behind-the-backend": "a router's filter",
}
NAT = [pytest.param(case, id=case.id) for test in vars(test_nat).values()
       for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"
       for case in mark.kwargs["argvalues"]
       if isinstance(case, test_nat.Case) and kind_of(case) and case.id not in NAT_BEYOND]


@pytest.mark.parametrize("case", NAT)
def test_nat_case(case, make_lab, binary):
    lab = make_lab(container=True)
    Nginx(lab, space=lab.container, ports=test_nat.IN_BOX)
    if case.setup:
        case.setup(lab)
    for command in case.rules:
        lab.backend.run("sh", "-c", command)
    for command in case.box:
        lab.container.run("sh", "-c", command)
    line, _ = run_probe_case(case, lab, binary)
    timeline = str(line["timeline"])
    assert not [t for t in case.text if t not in timeline], timeline
