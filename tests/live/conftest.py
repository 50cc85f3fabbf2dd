# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fixtures: a lab of its own for every case (0.1 s), and hctrace running in its backend."""
import contextlib
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, f"{ROOT}/tests", f"{ROOT}/scripts"]

import lab as lab_module  # noqa: E402
import lab_services  # noqa: E402
from harness import Hctrace, UnknownVerdict  # noqa: E402
from record_play import Record  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--hctrace", default=f"{ROOT}/build/hctrace", help="the binary to test")
    parser.addoption("--record", metavar="DIR", help="save what hctrace sees in DIR, a file a test")
    parser.addoption("--results", metavar="FILE", help="add a line for each test to FILE")
    parser.addoption("--fixes", metavar="FILE", help="add what became of each fix to FILE")
    parser.addoption("--failed", metavar="FILE", help="write the tests that failed to FILE")


def pytest_collection_modifyitems(config, items):
    """Memory limits say nothing about a sanitizer's build: those cases are not run there."""
    if Hctrace.sanitized(config.getoption("--hctrace")):
        out = [i for i in items if i.get_closest_marker("not_sanitized")]
        config.hook.pytest_deselected(items=out)
        items[:] = [i for i in items if i not in out]


@pytest.fixture(scope="session")
def binary(request):
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        pytest.skip("kernel: no BTF")
    path = os.path.abspath(request.config.getoption("--hctrace"))
    assert os.access(path, os.X_OK), f"no hctrace at {path}: run make first"
    return path


@pytest.fixture
def make_lab():
    """Builds labs, with nginx in the backend, and removes them after the test."""
    labs = []

    def make(nginx=True, **kwargs):
        labs.append(lab_module.Lab(**kwargs))
        if nginx:
            lab_services.Nginx(labs[-1])
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(make_lab):
    return make_lab()


@pytest.fixture
def trace(binary, request):
    """Starts hctrace in a lab's backend: trace(lab, *options) returns once it says "start"."""
    running = []
    folder = request.config.getoption("--record")
    name = f"{request.path.stem}.{request.node.name}".replace("test_", "")

    def start(lab, *options, **kwargs):
        if folder and not running:
            options = (*options, "--save", f"{folder}/{name}.case")
        running.append(Hctrace(binary, lab, *options, **kwargs))
        running[-1].wait_start()
        return running[-1]

    start.recording = bool(folder)
    start.tell = request.node.user_properties.append
    yield start
    for run in running:
        run.kill()


@pytest.fixture
def record(binary):
    """Starts hctrace record in a lab's backend: record(lab, *options)."""
    running = []

    def start(lab, *options, **kwargs):
        running.append(Record(binary, lab, *options, **kwargs))
        return running[-1]

    yield start
    for run in running:
        with contextlib.suppress(ProcessLookupError):
            run.child.kill()
        run.child.wait()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Tells a verdict that stayed `unknown` from what is wrong."""
    outcome = yield
    if call.excinfo and call.excinfo.errisinstance(UnknownVerdict):
        outcome.get_result().user_properties.append(("result", "unknown"))


def write_results(path, stats):
    """Adds a line for each test to PATH: right, unknown, wrong or skipped, its id, the reason."""
    with open(path, "a", encoding="utf-8") as f:
        for kind, reports in stats.items():
            for report in reports:
                result = {"passed": "right", "skipped": "skipped"}.get(kind, "wrong")
                result = dict(report.user_properties).get("result", result)
                reason = report.longrepr[2] if kind == "skipped" else ""
                print(result, report.nodeid, reason, sep="\t", file=f)


def write_fixes(path, reports):
    """Adds a line for each scenario that has a fix to PATH: what became of it, its id, and why."""
    with open(path, "a", encoding="utf-8") as f:
        for report in reports:
            for name, fix in report.user_properties:
                if name == "fix":
                    print(fix[0], report.nodeid, fix[1], sep="\t", file=f)


def pytest_sessionfinish(session):
    """Counts, with a skip for any other reason than the kernel's as a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or not reporter:
        return
    stats = {kind: reporter.stats.get(kind, [])
             for kind in ("passed", "failed", "error", "skipped")}
    idle = [r for r in stats["skipped"] if "kernel: " not in str(r.longrepr)]
    for report in idle:
        print(f"\nskipped for no reason of the kernel's: {report.nodeid}: {report.longrepr}")
    failed = len(stats["failed"]) + len(stats["error"]) + len(idle)
    if session.config.getoption("--results"):
        write_results(session.config.getoption("--results"), stats)
    if session.config.getoption("--fixes"):
        write_fixes(session.config.getoption("--fixes"), stats["passed"])
    if session.config.getoption("--failed"):
        with open(session.config.getoption("--failed"), "w", encoding="utf-8") as f:
            f.writelines(f"{r.nodeid}\n" for r in stats["failed"] + stats["error"])
    session.config.closing_line = (f"{len(stats['passed'])} passed, {failed} failed, "
                                   f"{len(stats['skipped']) - len(idle)} skipped")
    if failed:
        session.exitstatus = 1


def pytest_unconfigure(config):
    if hasattr(config, "closing_line"):
        print(config.closing_line)
