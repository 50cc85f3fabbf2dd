# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fixtures: hctrace, its reports of every case, and the count that closes a run."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from reports import CASES, ROOT, Reports  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--hctrace", default=str(ROOT / "build/hctrace"), help="the binary to test")


def pytest_generate_tests(metafunc):
    """A test with an argument "case" runs once for each whole one of tests/cases."""
    if "case" in metafunc.fixturenames and not any(
            "case" in str(mark.args[0]).split(",")
            for mark in metafunc.definition.iter_markers("parametrize")):
        # all tests of a case on one worker: what other programs made of it is kept there
        metafunc.parametrize("case", [pytest.param(case, marks=pytest.mark.xdist_group(case))
                                      for case in CASES])


@pytest.fixture(scope="session")
def reports(request, tmp_path_factory):
    path = os.path.abspath(request.config.getoption("--hctrace"))
    assert os.access(path, os.X_OK), f"no hctrace at {path}: run make first"
    return Reports(path, tmp_path_factory.mktemp("reports"))


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or not reporter:
        return
    n = {kind: len(reporter.stats.get(kind, []))
         for kind in ("passed", "failed", "error", "skipped")}
    for report in reporter.stats.get("skipped", []):
        print(f"\nskipped: {report.nodeid}: {report.longrepr[-1]}")
    session.config.closing_line = (f"{n['passed']} passed, {n['failed'] + n['error']} failed, "
                                   f"{n['skipped']} skipped")


def pytest_unconfigure(config):
    if hasattr(config, "closing_line"):
        print(config.closing_line)
