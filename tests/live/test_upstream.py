# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A proxy of this host takes the check, and what is behind it does not take the connection."""
import json
import os
import shutil
import time

import lab_checks
import pytest
from harness import FAILED, HEALTHY, Case, Expect, params, run_case
from lab import BACKEND6, CONTAINER, CONTAINER6
from lab_services import PYTHON, SERVERS, answer_server, tcp_server
from test_check import check, of

PORT, INNER = 7300, 8080
DOCKER_PROXY = "/usr/sbin/docker-proxy"
UPSTREAM = f"{CONTAINER}:{INNER}"
WORDS = "could not connect"


def docker_proxy(lab, inner=INNER, port=PORT, ip=CONTAINER, host="0.0.0.0"):
    """As Docker starts it, with its report of readiness on descriptor 3."""
    if not os.path.exists(DOCKER_PROXY):
        pytest.skip("docker.io is not installed")
    lab.spawn(lab.backend, "bash", "-c", 'exec 3>/dev/null; exec "$0" "$@"', DOCKER_PROXY,
              "-proto", "tcp", "-host-ip", host, "-host-port", port,
              "-container-ip", ip, "-container-port", inner, port=port, log="docker-proxy")


def socat(lab, upstream, *options, port=PORT):
    if not shutil.which("socat"):
        pytest.skip("socat is not installed")
    lab.spawn(lab.backend, "socat", *options, f"TCP-LISTEN:{port},fork,reuseaddr",
              f"TCP:{upstream}", port=port, log="socat")


def haproxy(lab, mode, server, *more):
    config = lab.file("haproxy.cfg", f"""
defaults
    mode {mode}
    timeout connect 3s
    timeout client 10s
    timeout server 10s
listen front
    bind 0.0.0.0:{PORT}
    server one {server}
""" + "".join(f"    {line}\n" for line in more))
    lab.spawn(lab.backend, "haproxy", "-db", "-f", config, port=PORT, log="haproxy")


def inside(lab, *steps, bind="0.0.0.0"):
    """The application of the container."""
    answer_server(lab, INNER, *(steps or ("send:HTTP/1.0 200 OK\\r\\n\\r\\nok", "fin")), bind=bind,
                  space=lab.container)


def loopback_only(lab):
    inside(lab, bind="127.0.0.1")
    docker_proxy(lab)


def loopback_only_v6(lab):
    answer_server(lab, INNER, "fin", bind="::1", space=lab.container)
    docker_proxy(lab, ip=CONTAINER6, host="::")


def socat_to_container(lab):
    inside(lab, bind="127.0.0.1")
    socat(lab, UPSTREAM)


def closed(*why, **kwargs):
    return Expect("app-closed", "CONNECT_INTERRUPT", why=why, where={"layer": "application"},
                  confidence=("certain",), **kwargs)


ON_LOOPBACK = (f"{WORDS} to {UPSTREAM}: nobody listens there but on 127.0.0.1 (app, pid ",
               "in the container's namespace)")
CLOSES = [
    Case("docker-proxy-loopback", "closed/reset",
         closed(f"docker-proxy {ON_LOOPBACK[0]}", ON_LOOPBACK[1], process="docker-proxy",
                advice=("app listen on 0.0.0.0",), show=("nsenter", "ss -tlnp")),
         port=PORT, setup=loopback_only),
    Case("docker-proxy-loopback-ipv6", "closed/reset",
         closed(f"docker-proxy {WORDS} to [{CONTAINER6}]:{INNER}: nobody listens there but on ::1",
                advice=("app listen on ::",)),
         port=PORT, setup=loopback_only_v6, target=BACKEND6),
    Case("docker-proxy-nobody", "closed/reset",
         closed(f"docker-proxy {WORDS} to {UPSTREAM}: nobody listens there.",
                advice=(f"belongs on {UPSTREAM}",)), port=PORT, setup=docker_proxy),
    Case("docker-proxy-container-gone", "closed/reset",
         closed(f"{WORDS} to 172.17.0.99:{INNER}: no host answers there"), port=PORT, timeout=5,
         setup=lambda lab: docker_proxy(lab, ip="172.17.0.99")),
    Case("socat-loopback", "closed/reset",
         closed(f"socat {WORDS} to {UPSTREAM}: nobody listens there but on 127.0.0.1 (app, pid ",
                "in namespace ", process="socat"), port=PORT, setup=socat_to_container),
    # a proxy of which nothing is known but what the kernel tells
    Case("own-proxy", "closed/reset",
         closed(f"app {WORDS} to 127.0.0.1:7399: nobody listens there.", process="app"), port=PORT,
         timeout=2, setup=lambda lab: lab.spawn(
             lab.backend, PYTHON, f"{SERVERS}/odd_server.py", "forwards", PORT, port=PORT) and None),
    Case("socat-nobody", "closed/reset",
         closed(f"socat {WORDS} to 127.0.0.1:7399: nobody listens there."), port=PORT,
         setup=lambda lab: socat(lab, "127.0.0.1:7399")),
]


def dropped_inside(lab):
    inside(lab)
    lab.container.run("iptables-nft", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
    docker_proxy(lab)


OTHERS = [
    # it tries again, once a second: the check has no patience for that
    Case("haproxy-tcp", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT", why=(f"haproxy {WORDS} to {UPSTREAM}: nobody listens there",),
                advice=(UPSTREAM,)),
         port=PORT, timeout=2, setup=lambda lab: haproxy(lab, "tcp", UPSTREAM, "retries 5")),
    # nothing comes back at all
    Case("docker-proxy-no-answer", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT",
                why=("asked right after, docker-proxy was still waiting for " + UPSTREAM,),
                advice=(f"why {UPSTREAM} does not answer",)),
         port=PORT, timeout=2, setup=dropped_inside),
    Case("haproxy-http", "http",
         Expect("http-status", "RESPONSE_MISMATCH", status=503,
                why=("503", f"haproxy {WORDS} to {UPSTREAM}: nobody listens there"),
                advice=(UPSTREAM,)),
         port=PORT, timeout=5, setup=lambda lab: haproxy(lab, "http", UPSTREAM, "retries 1")),
    Case("docker-proxy-https", "tls",
         Expect("tls-alert", "SSL_HANDSHAKE_ERROR", why=(f"docker-proxy {ON_LOOPBACK[0]}",),
                advice=("listen on 0.0.0.0",)),
         port=PORT, setup=loopback_only, check=lab_checks.https),
]


def with_container(make_lab):
    """Labs with a container in which at least its main process runs."""
    def make(**kwargs):
        lab = make_lab(container=True, **kwargs)
        lab.spawn(lab.container, "sleep", "infinity")
        return lab
    return make


@pytest.mark.parametrize("case", **params(CLOSES + OTHERS))
def test_upstream(case, make_lab, trace):
    run_case(case, with_container(make_lab), trace)


def answers(lab):
    inside(lab)
    docker_proxy(lab)


def answers_late(lab):
    inside(lab, "wait:3", "send:HTTP/1.0 200 OK\\r\\n\\r\\nok", "fin")
    docker_proxy(lab)


def closes_by_itself(lab):
    inside(lab, "fin")
    docker_proxy(lab)


# The proxy reaches what is behind it: whatever that does then is not the way there.
LOOK_ALIKES = [
    Case("answers", "http", Expect("healthy", protocol="http", status=200), port=PORT,
         setup=answers),
    Case("answers-late", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="docker-proxy"), port=PORT, timeout=2,
         setup=answers_late),
    Case("closes-by-itself", "closed/reset", closed(process="docker-proxy"), port=PORT,
         setup=closes_by_itself),
    # nothing of a proxy's, in the same moment as a check that its service closes
    Case("anothers-failure", "closed/reset", closed("app", process="app"), port=PORT,
         setup=lambda lab: (tcp_server(lab, "close", PORT, "--delay", "0.3", name="app"),
                            lab.spawn(lab.backend, "bash", "-c",
                                      "while :; do (: < /dev/tcp/127.0.0.1/7399) 2>/dev/null; "
                                      "sleep 0.05; done")) and None),
]


@pytest.mark.parametrize("case", **params(LOOK_ALIKES))
def test_look_alike(case, make_lab, trace):
    _, line, _ = run_case(case, with_container(make_lab), trace)
    assert WORDS not in f"{line['why']} {line.get('note')}", json.dumps(line, indent=1)


def test_tcp_check_is_healthy(make_lab, trace):
    """A TCP check goes by the handshake: healthy, and what it does not see is noted."""
    lab = make_lab(container=True)
    loopback_only(lab)
    run = trace(lab)
    for _ in range(2):
        seen = lab_checks.tcp(lab, PORT)
        assert seen.result == "connected", seen
        run.knows(seen, "healthy")
        line = run.probe(seen)
        assert line["verdict"] == "healthy", json.dumps(line)
        time.sleep(0.2)
    assert f"docker-proxy {ON_LOOPBACK[0]}" in line["note"], json.dumps(line)
    run.stop(status=HEALTHY)


def test_service_came_back(make_lab, trace):
    """As advised, the service listens for all: the next check passes, and no note remains."""
    lab = make_lab(container=True)
    loopback_only(lab)
    run = trace(lab, "--interval", 1)
    assert run.probe(lab_checks.http(lab, PORT))["verdict"] == "app-closed"
    lab.stop(lab.children[-2])
    inside(lab)
    line = run.probe(lab_checks.http(lab, PORT))
    assert line["verdict"] == "healthy", json.dumps(line)
    run.stop(status=FAILED)


def test_check_says_it(make_lab, binary):
    """hctrace check knows the same without a probe; where the proxy is served, it has nothing to say."""
    lab = make_lab(container=True)
    loopback_only(lab)
    found, _ = check(binary, lab, "--port", PORT)
    failed = of(found, "fail", "6")
    assert len(failed) == 1, failed
    assert (f"passes connections on to {UPSTREAM}, where nobody listens but on loopback (app, pid "
            in failed[0]["what"]), failed
    answer_server(lab, INNER, "fin", bind=CONTAINER, space=lab.container)
    found, _ = check(binary, lab, "--port", PORT)
    assert not of(found, "fail", "6"), found
