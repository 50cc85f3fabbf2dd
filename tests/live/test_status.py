# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An HTTP status that the check does not expect: what helps, by real services and real clients.

What is advised is done where it can be: the check as HAProxy is told to make it passes then.
"""
import json
import os
import re
import subprocess

import lab_checks
import pytest
from answer_clients import haproxy
from harness import ENV, FAILED, HEALTHY, Case, Expect, params, run_case
from lab import LB_NODES, PYTHON
from lab_services import Nginx, answer_server
from probe_play import only_line, probe

PORT = 7110
HAPROXY = ("--lb", f"haproxy:{LB_NODES[0]}")
CLASSIC = ("--lb", "elb-classic")
OPTIONS = haproxy("option httpchk")


def status(code, *advice, why=(), **kwargs):
    return Expect("http-status", "RESPONSE_MISMATCH", protocol="http", status=code, advice=advice,
                  why=(str(code), *why), **kwargs)


def static(lab):
    """A page in a file: nginx answers GET and HEAD, and 405 to all else."""
    os.mkdir(f"{lab.tmp}/html")
    lab.file("html/index.html", "ok\n")
    Nginx(lab, ports={PORT: f"root {lab.tmp}/html;"})


def python_files(lab):
    """Python's server of files: 501 to what it does not implement, as OPTIONS."""
    lab.spawn(lab.backend, PYTHON, "-m", "http.server", PORT, "--directory", lab.tmp, port=PORT)


def returns(what):
    return lambda lab: Nginx(lab, ports={PORT: what}) and None


def answers(reply):
    answer = f"send:HTTP/1.1 {reply}" + r"\r\nContent-Length: 0\r\n\r\n"
    return lambda lab: answer_server(lab, PORT, answer) and None


def curl(*more):
    return lambda lab, port, **kwargs: lab_checks.http(lab, port, more=more, **kwargs)


NO_OPTIONS = ("does not take the method OPTIONS", "method to GET")
METHODS = [
    Case("options-405", "http", status(405, *NO_OPTIONS, "option httpchk GET /)",
                                       why=("not take the method OPTIONS",), process="nginx",
                                       show=("-X OPTIONS",)),
         port=PORT, setup=static, check=OPTIONS, options=HAPROXY),
    # without --lb: nobody else asks like this
    Case("options-405-by-default", "http",
         status(405, *NO_OPTIONS, "HAProxy: option httpchk GET /)"), port=PORT, setup=static,
         check=OPTIONS),
    Case("options-501", "http", status(501, *NO_OPTIONS, "option httpchk GET /)"),
         port=PORT, setup=python_files, check=OPTIONS, options=HAPROXY),
    Case("head-405", "http", status(405, "not take the method HEAD", "option httpchk GET /health)"),
         port=PORT, setup=returns("if ($request_method != GET) { return 405; } return 200;"),
         check=haproxy("option httpchk HEAD /health"), options=HAPROXY),
]


@pytest.mark.parametrize("case", **params(METHODS))
def test_method(case, make_lab, trace):
    """HAProxy is told what the advice says, and then its check passes."""
    _, line, _ = run_case(case, make_lab, trace)
    assert "405" not in line["fix"] and "501" not in line["fix"], line["fix"]
    if getattr(trace, "recording", False):
        return
    told = re.search(r"option httpchk GET /\w*", line["fix_advice"])[0]
    lab = make_lab()
    case.setup(lab)
    run = trace(lab, "--timeout", 2, *case.options)
    seen = haproxy(told)(lab, PORT, timeout=2)
    assert (seen.result, seen.status) == ("http", 200), seen
    assert run.probe(seen)["verdict"] == "healthy"
    run.stop(HEALTHY)


NOT_THE_METHOD = [
    Case("options-503", "http", status(503, "see its log for OPTIONS /"), port=8503, check=OPTIONS,
         options=HAPROXY),
    Case("get-405", "http", status(405, "does not take GET at /health", "path to a page"),
         port=PORT, setup=returns("return 405;"), options=HAPROXY,
         check=haproxy("option httpchk GET /health")),
    Case("get-501", "http", status(501, "see its log for GET /health"), port=PORT,
         setup=returns("return 501;"), options=HAPROXY,
         check=haproxy("option httpchk GET /health")),
    Case("options-404", "http", status(404, "path to a page that the service has"), port=PORT,
         setup=returns("return 404;"), options=HAPROXY,
         check=haproxy("option httpchk OPTIONS /gone")),
]


@pytest.mark.parametrize("case", **params(NOT_THE_METHOD))
def test_not_the_method(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    assert "method" not in line["fix"] and "expected codes" not in line["fix"], line["fix"]


def two_sites(lab):
    """A site by its name, and a default one that knows no Host."""
    Nginx(lab, ports={PORT: 'if ($host != web.example.org) { return 421; } return 200 "ok";'})


BY_NAME = "option httpchk GET /health\n  http-check send hdr Host web.example.org"
HOSTS = [
    Case("haproxy", "http", status(421, "http-check send hdr Host NAME"), port=PORT,
         setup=two_sites, options=HAPROXY, check=haproxy("option httpchk GET /health")),
    Case("elb", "http", status(421, "Host 192.168.0.10", "ELB: Domain Name"), port=PORT,
         setup=two_sites),
    Case("elb-classic", "http",
         status(421, "default site", "default_server", "always sends an address"), port=PORT,
         setup=two_sites, options=CLASSIC),
    Case("elb-classic-404", "http", status(404, "path to a page", "default_server"), port=PORT,
         setup=returns("return 404;"), options=CLASSIC),
    Case("aws-alb-400", "http", status(400, "default_server"), port=PORT,
         setup=returns("return 400;"), options=("--lb", f"aws-alb:{LB_NODES[0]}")),
    # a name is sent: that client can be told another
    Case("by-a-name", "http", status(421, "the Host other.example.org", "set the check's Host"),
         port=PORT, setup=two_sites, options=CLASSIC, check=curl("-H", "Host: other.example.org")),
]


@pytest.mark.parametrize("case", **params(HOSTS))
def test_host(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    settable = "set the check's Host" in line["fix"]
    assert settable != ("default_server" in line["fix"]), line["fix"]


def test_host_that_helps(make_lab, trace):
    """What HAProxy is told to send is a name that the service knows."""
    lab = make_lab()
    two_sites(lab)
    run = trace(lab, *HAPROXY)
    seen = haproxy(BY_NAME)(lab, PORT, timeout=2)
    assert (seen.result, seen.status) == ("http", 200), seen
    assert run.probe(seen)["verdict"] == "healthy"
    run.stop(HEALTHY)


OTHERS = [
    Case("login", "http", status(302, "needs no login"), port=PORT,
         setup=answers(r"302 Found\r\nLocation: /login?next=/health")),
    Case("slash", "http", status(301, "path to /health/"), port=PORT,
         setup=answers(r"301 Moved Permanently\r\nLocation: /health/")),
    Case("to-https", "http", status(308, "answer /health itself", "by HTTPS"), port=PORT,
         setup=answers(r"308 Permanent Redirect\r\nLocation: https://192.168.0.10/health")),
    Case("401", "http", status(401, "needs no login"), port=8401,
         options=("--expect-codes", "200")),
    Case("403", "http", status(403, "is open to 100.125.0.0/16"), port=PORT,
         setup=returns("deny all;")),
    Case("426", "http", status(426, "HTTP/1.1"), port=PORT, setup=answers("426 Upgrade Required")),
    Case("429", "http", status(429, "limits the rate", "100.125.0.0/16"), port=PORT,
         setup=answers("429 Too Many Requests")),
    Case("431", "http", status(431, "large"), port=PORT,
         setup=answers("431 Request Header Fields Too Large")),
    Case("502", "http", status(502, "upstream runs and listens"), port=PORT,
         setup=answers("502 Bad Gateway")),
    Case("504", "http", status(504, "upstream did not answer in time"), port=PORT,
         setup=answers("504 Gateway Timeout")),
]


@pytest.mark.parametrize("case", **params(OTHERS))
def test_other(case, make_lab, trace):
    _, line, _ = run_case(case, make_lab, trace)
    assert "expected codes" not in line["fix"], line["fix"]


CLASSICS = [
    Case("301", "http", Expect("healthy", protocol="http", status=301), port=8301, options=CLASSIC),
    Case("204", "http", Expect("healthy", protocol="http", status=204), port=8204, options=CLASSIC),
    # the look-alikes: an enhanced one expects 200, 202 and 401, a classic one no 401
    Case("301-elb", "http", status(301), port=8301),
    Case("401", "http", status(401, why=("200-399",)), port=8401, options=CLASSIC),
    Case("tcp", "connected", Expect("healthy", protocol="tcp"), port=8503, options=CLASSIC,
         check=lab_checks.tcp),
]


@pytest.mark.parametrize("case", **params(CLASSICS))
def test_classic(case, make_lab, trace):
    run_case(case, make_lab, trace)


def findings(binary, lab, *options):
    done = subprocess.run(lab.backend.argv(binary, "check", "--json", *options), text=True,
                          capture_output=True, timeout=60, env=ENV, stdin=subprocess.DEVNULL)
    assert not done.stderr, done.stderr
    return [one for one in map(json.loads, done.stdout.splitlines()) if one["type"] == "check"]


def test_classic_private(lab, binary):
    """By TCP from the VPC's own network, whose source the security group is to let in."""
    private = ("--lb", "elb-classic:192.168.0.0/24")
    line = only_line(probe(binary, lab, "--port", 8503, ranges=private))
    assert (line["protocol"], line["verdict"]) == ("tcp", "healthy"), line
    assert line["lb"]["addr"].startswith("192.168.0."), line
    found = findings(binary, lab, *private, "--port", "8503")
    group = next(one["what"] for one in found if one["step"] == "1")
    assert "protocol TCP, port 8503, source 192.168.0.0/24" in group, group


def test_probe_and_check_say_the_same(make_lab, binary):
    """The method that HAProxy asks with: in the advice of a probe, and in the check's step 3."""
    lab = make_lab()
    static(lab)
    line = only_line(probe(binary, lab, "--port", PORT, "--protocol", "http", ranges=HAPROXY),
                     FAILED)
    assert line["http"]["method"] == "OPTIONS" and line["http"]["status"] == 405, line
    assert "option httpchk GET /)" in line["fix_advice"], line
    notes = [one["what"] for one in findings(binary, lab, *HAPROXY, "--port", str(PORT))
             if one["step"] == "3" and one["result"] == "note"]
    assert any("OPTIONS" in what and "option httpchk GET /" in what for what in notes), notes
