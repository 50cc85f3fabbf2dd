# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process that cannot work: stopped, frozen, throttled, out of descriptors, asleep."""
import contextlib
import ctypes
import json
import os
import signal
import time

import lab_checks
import lab_services
import pytest
from harness import FAILED, Case, Expect, apply_fix, params, run_case
from lab_services import PYTHON, SERVERS, tcp_server
from test_check import check, of

PORT = 7400
CGROUP = "/sys/fs/cgroup"
PTRACE_ATTACH = 16
ASKED = "asked right after"


def odd_server(lab, mode, name="app"):
    return lab.spawn(lab.backend, PYTHON, f"{SERVERS}/odd_server.py", mode, PORT, "--name", name,
                     port=PORT, log=f"odd-{mode}")


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(one) for one in f.read().split()]


def wait_state(pid, *states):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            if f.read().rpartition(")")[2].split()[0] in states:
                return
        time.sleep(0.01)
    raise RuntimeError(f"process {pid} does not get into state {states}")


@contextlib.contextmanager
def stopped(lab, mode="plain", workers=False):
    server = odd_server(lab, mode)
    pids = children_of(server.pid) if workers else [server.pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
        wait_state(pid, "T")
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def queue_of_stopped(lab):
    server = tcp_server(lab, "answer", PORT, "--backlog", 2, name="app")
    os.kill(server.pid, signal.SIGSTOP)
    wait_state(server.pid, "T")
    with lab_services.filled_accept_queue(lab, PORT, 2):
        yield


@contextlib.contextmanager
def traced(lab):
    """A debugger that holds the process."""
    server = odd_server(lab, "plain")
    tracer = os.fork()
    if tracer == 0:
        ctypes.CDLL(None).ptrace(PTRACE_ATTACH, server.pid, None, None)
        while True:
            signal.pause()
    try:
        wait_state(server.pid, "t")
        yield
    finally:
        os.kill(tracer, signal.SIGKILL)
        os.waitpid(tracer, 0)


def cgroup_folder(*needed):
    """A mounted hierarchy with the files NEEDED in its groups: a new group there."""
    for mount in (CGROUP, f"{CGROUP}/unified", f"{CGROUP}/cpu", f"{CGROUP}/freezer"):
        folder = f"{mount}/hct-{os.getpid()}"
        try:
            os.mkdir(folder)
        except OSError:
            continue
        if all(os.path.exists(f"{folder}/{one}") for one in needed):
            return folder
        os.rmdir(folder)
    return None


@contextlib.contextmanager
def in_cgroup(lab, mode, *needed, **settings):
    folder = cgroup_folder(*needed)
    if not folder:
        pytest.skip(f"kernel: no cgroups with {needed}")
    server = odd_server(lab, mode)
    home = f"{os.path.dirname(folder)}/cgroup.procs"
    try:
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(server.pid))
        for file, value in settings.items():
            with open(f"{folder}/{file.replace('__', '.')}", "w", encoding="ascii") as f:
                f.write(value)
        time.sleep(0.3)
        yield
    finally:
        for file, value in (("cgroup.freeze", "0"), ("freezer.state", "THAWED")):
            if os.path.exists(f"{folder}/{file}"):
                with open(f"{folder}/{file}", "w", encoding="ascii") as f:
                    f.write(value)
        lab.stop(server)
        with contextlib.suppress(OSError), open(home, "w", encoding="ascii") as f:
            f.write(str(server.pid))
        for _ in range(50):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
                break
            time.sleep(0.1)


def not_accepting(*why, **kwargs):
    return Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT", process="app", why=(ASKED, *why), **kwargs)


def slow(*why, **kwargs):
    return Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="app", why=why, **kwargs)


CASES = [
    Case("stopped", "response-timeout",
         not_accepting("was stopped", "state T", fix_command=("kill -CONT ",)), port=PORT,
         setup=stopped, fixes=True),
    Case("workers-stopped", "response-timeout",
         not_accepting("all its children stopped", fix_command=("kill -CONT ",)), port=PORT,
         setup=lambda lab: stopped(lab, "workers", True), fixes=True),
    Case("queue-of-stopped", "timeout",
         Expect("accept-queue-full", "CONNECT_TIMEOUT", process="app", why=("3 ", "2 ", ASKED, "was stopped"),
                fix_command=("kill -CONT ",)), port=PORT, setup=queue_of_stopped, fixes=True),
    Case("stops-with-a-request", "response-timeout",
         slow(ASKED, "was stopped", fix_command=("kill -CONT ",)), port=PORT,
         setup=lambda lab: odd_server(lab, "stops") and None, fixes=True),
    # nothing that could be printed continues it: that is for the debugger
    Case("traced", "response-timeout",
         not_accepting("by a debugger", advice=("detach",)), port=PORT, setup=traced),
    Case("no-files", "response-timeout",
         not_accepting("had 40 descriptors", "may have 40", fix_command=("prlimit --pid ", "=80:"),
                       advice=("LimitNOFILE",)), port=PORT,
         setup=lambda lab: odd_server(lab, "no-files") and None, fixes=True),
    Case("uninterruptible", "response-timeout", slow(ASKED, "state D"), port=PORT,
         setup=lambda lab: odd_server(lab, "sleeps") and None),
    Case("throttled", "response-timeout",
         slow("may use 0.02 of a CPU", "was throttled in", advice=("CPUQuota",)), port=PORT,
         timeout=3, setup=lambda lab: in_cgroup(
             lab, "computes", "cpu.cfs_quota_us", cpu__cfs_period_us="50000", cpu__cfs_quota_us="1000")),
    Case("throttled-v2", "response-timeout",
         slow("may use 0.02 of a CPU", "was throttled in", advice=("CPUQuota",)), port=PORT,
         timeout=3, setup=lambda lab: in_cgroup(lab, "computes", "cpu.max", cpu__max="1000 50000")),
    # a TCP check does not ask the process
    Case("stopped-tcp-check", "connected", Expect("healthy", protocol="tcp"), port=PORT,
         check=lab_checks.tcp, setup=stopped),
    # systemd, which holds the socket for a service that does not start
    Case("socket-unit", "response-timeout",
         Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT", process="systemd",
                why=("systemd holds that port for a socket unit", "did not start"),
                advice=("systemctl status",), show=("systemctl list-sockets",)), port=PORT,
         setup=lambda lab: tcp_server(lab, "never-accept", PORT, name="systemd") and None),
]


@pytest.mark.parametrize("case", **params(CASES))
def test_state(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    if not case.expect.fix_command:
        assert not line["fix_command"], line["fix_command"]


def frozen(id, file, setting):
    return Case(id, "response-timeout", not_accepting("was frozen", file, fix_command=("echo ", file)),
                port=PORT, setup=lambda lab: in_cgroup(lab, "plain", file,
                                                       **{file.replace(".", "__"): setting}))


FROZEN = [frozen("v2", "cgroup.freeze", "1"), frozen("v1", "freezer.state", "FROZEN")]


@pytest.mark.parametrize("case", **params(FROZEN))
def test_frozen(case, make_lab, trace):
    """What froze it is a file outside of the backend's own /sys: the fix is pasted on the host."""
    lab = make_lab()
    with case.setup(lab):
        run = trace(lab, "--timeout", 1, "--port", PORT)
        seen = lab_checks.http(lab, PORT, timeout=1)
        assert seen.result in case.seen, seen
        line = run.probe(seen)
        wrong = case.expect.compare(line)
        assert not wrong, "\n".join(wrong) + f"\n{json.dumps(line, indent=1)}"
        if not trace.recording:
            apply_fix(case, lab, run, line, outside=True)
        run.stop(status=FAILED)


# The process runs: it keeps the words that it had.
LOOK_ALIKES = [
    Case("slow", "response-timeout", slow("app", advice=("page fast",)), port=PORT,
         setup=lambda lab: tcp_server(lab, "answer", PORT, "--delay", "3", name="app") and None),
    Case("silent", "response-timeout", slow("app"), port=PORT,
         setup=lambda lab: tcp_server(lab, "silent", PORT, name="app") and None),
    Case("never-accepts", "response-timeout",
         Expect("app-not-accepting", "RECV_RESPONSE_TIMEOUT", process="app", advice=("all workers busy",)),
         port=PORT, setup=lambda lab: tcp_server(lab, "never-accept", PORT, name="app") and None),
    # it has a CPU of its own, and is merely slow
    Case("cgroup-with-room", "response-timeout", slow("app"), port=PORT, setup=lambda lab: in_cgroup(
        lab, "computes", "cpu.cfs_quota_us", cpu__cfs_period_us="100000", cpu__cfs_quota_us="100000"),
        check=lambda lab, port, timeout=1, **more: lab_checks.http(lab, port, timeout="0.3", **more),
        options=("--timeout", "0.3")),
]


@pytest.mark.parametrize("case", **params(LOOK_ALIKES))
def test_look_alike(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    assert ASKED not in line["why"].lower() and not line["fix_command"], json.dumps(line, indent=1)
    assert "throttled" not in line["why"], line["why"]


@pytest.mark.parametrize("mode, says, command", [
    ("stopped", "is stopped (state T)", "kill -CONT "),
    ("no-files", "has 40 descriptors open, and may have 40", "prlimit --pid "),
])
def test_check_says_it(mode, says, command, make_lab, binary):
    """hctrace check finds it without a probe, and its command ends it."""
    lab = make_lab()
    with stopped(lab) if mode == "stopped" else contextlib.nullcontext(odd_server(lab, mode)):
        found, _ = check(binary, lab, "--port", PORT)
        failed = of(found, "fail", "6")
        assert len(failed) == 1 and says in failed[0]["what"], failed
        assert failed[0]["fix_command"].startswith(command), failed
        lab.backend.run("bash", "-c", failed[0]["fix_command"])
        found, _ = check(binary, lab, "--port", PORT)
        assert not of(found, "fail", "6"), found
