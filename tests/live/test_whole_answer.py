# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Answers that come whole, stall, trickle or end too early, for clients that want all or a status.

Each case has the client's own word beside the verdict, and stands beside its look-alikes.
"""
import time

import lab_checks
import pytest
from answer_clients import GET, blackbox, haproxy, scripted
from harness import Case, Expect, params, run_case
from lab_services import answer_server

PORT = 7100
BY_LENGTH = r"send:HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
SMALL = r"send:HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
CHUNKED = r"send:HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = r"send:HTTP/1.1 200 OK\r\n\r\nok\n"
CONTINUE = r"send:HTTP/1.1 100 Continue\r\n\r\n"
HINTS = r"send:HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
UNAVAILABLE = r"send:HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
HAPROXY = ("--lb", "haproxy")
CERTAIN, LIKELY = ("certain",), ("likely",)


def answers(*steps):
    return lambda lab: answer_server(lab, PORT, *steps) and None


def whole(status=200, **kwargs):
    kwargs.setdefault("confidence", CERTAIN)
    return Expect("healthy", protocol="http", status=status, process="app", **kwargs)


def slow(*why, **kwargs):
    kwargs.setdefault("confidence", CERTAIN)
    return Expect("app-slow", "RECV_RESPONSE_TIMEOUT", process="app", why=("app", *why),
                  where={"layer": "application"}, protocol="http", **kwargs)


def closed(*why, **kwargs):
    return Expect("app-closed", "CONNECT_INTERRUPT", process="app", why=("app", *why),
                  protocol="http", **{"confidence": CERTAIN, **kwargs})


def curl(*more):
    """curl, whose clock starts ahead of the SYN: at the timeout it is still there."""
    def check(lab, port, timeout=1, **kwargs):
        return lab_checks.http(lab, port, timeout=timeout + 0.2, more=more, **kwargs)
    return check


def case(name, seen, expect, *steps, **kwargs):
    return Case(name, seen, expect, port=PORT, setup=answers(*steps),
                **{"check": curl(), **kwargs})


head = curl("-I")

WHOLE = [
    case("length", "http", whole(), BY_LENGTH, "fill:500"),
    case("length-with-a-pause", "http", whole(), BY_LENGTH, "fill:6", "wait:0.5", "fill:494"),
    case("length-and-closed", "http", whole(), BY_LENGTH, "fill:500", "fin"),
    case("no-body", "http", whole(), r"send:HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    case("chunked", "http", whole(), CHUNKED, r"send:3\r\nok\n\r\n", r"send:0\r\n\r\n"),
    case("chunked-in-one", "http", whole(), CHUNKED + r"3\r\nok\n\r\n0\r\n\r\n"),
    case("until-close", "http", whole(), UNTIL_CLOSE, "fin"),
    case("until-close-later", "http", whole(), UNTIL_CLOSE, "wait:0.5", "fin"),
    case("head", "http", whole(), BY_LENGTH, check=head),
    case("204", "http", whole(204), r"send:HTTP/1.1 204 No Content\r\n\r\n",
         options=("--expect-codes", "200,204")),
    case("304", "http", whole(304), r"send:HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
         options=("--expect-codes", "200,304")),
    case("100-before", "http", whole(), CONTINUE, SMALL),
    case("100-and-103-before-in-one", "http", whole(), CONTINUE + HINTS[5:] + SMALL[5:]),
    case("103-before", "http", whole(), HINTS, "wait:0.3", SMALL),
    case("status-line-by-bytes", "http", whole(), r"bytes:HTTP/1.1 200 OK\r\n",
         r"send:Content-Length: 3\r\n\r\nok\n"),
    # more segments than are looked at: what is missing is not held against it
    case("all-by-bytes", "http", whole(confidence=None), f"bytes:{SMALL[5:]}"),
    case("long-head", "http", whole(), r"send:HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Filler: "
         + 3000 * "y" + r"\r\n\r\nok\n"),
    case("long-body", "http", whole(), r"send:HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
         "fill:1000000"),
    case("keeps-the-connection", "http", whole(), SMALL, check=scripted(keeps=1.5)),
]


@pytest.mark.parametrize("case", **params(WHOLE))
def test_whole(case, make_lab, trace):
    run_case(case, make_lab, trace)


STALLED = [
    case("length", "response-timeout", slow("6 of 500 body bytes", "then nothing", "200"),
         BY_LENGTH, "fill:6"),
    case("length-in-one", "response-timeout", slow("6 of 500 body bytes", "then nothing"),
         BY_LENGTH + "abcdef"),
    case("trickles", "response-timeout", slow("of 500 body bytes", "too slowly"),
         BY_LENGTH, "trickle:400:0.1"),
    case("status-line-cut", "response-timeout", slow("11 bytes", "then nothing"),
         "send:HTTP/1.1 20"),
    case("status-line-cut-by-bytes", "response-timeout", slow("11 bytes"), "bytes:HTTP/1.1 20"),
    case("head-without-its-end", "response-timeout", slow("head", "then nothing"),
         r"send:HTTP/1.1 200 OK\r\nContent-Length: 500\r\n"),
    case("chunked", "response-timeout", slow("chunk", "then nothing"), CHUNKED,
         r"send:3\r\nok\n\r\n"),
    case("chunked-without-a-chunk", "response-timeout", slow("chunk"), CHUNKED),
    case("until-close", "response-timeout", slow("closing the connection"), UNTIL_CLOSE),
    case("100-before", "response-timeout", slow(), CONTINUE),
    case("103-before-a-cut-body", "response-timeout", slow("6 of 500 body bytes"), HINTS,
         BY_LENGTH, "fill:6"),
    case("long-body", "response-timeout", slow("500000 of 1000000 body bytes", "then nothing"),
         r"send:HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "fill:500000"),
    case("get-of-what-head-passes", "response-timeout", slow("0 of 500 body bytes"), BY_LENGTH),
    # the status decides before the body does
    case("503", "response-timeout",
         Expect("http-status", "RESPONSE_MISMATCH", protocol="http", status=503, why=("503",)),
         r"send:HTTP/1.1 503 Service Unavailable\r\nContent-Length: 500\r\n\r\n", "fill:6"),
    case("503-after-100", "http",
         Expect("http-status", "RESPONSE_MISMATCH", protocol="http", status=503, why=("503",)),
         CONTINUE, UNAVAILABLE),
    case("503-after-103", "http",
         Expect("http-status", "RESPONSE_MISMATCH", protocol="http", status=503, why=("503",)),
         HINTS, UNAVAILABLE),
    # bytes that cannot become a status line are none, however few
    case("no-http", "response-timeout/not-http",
         Expect("not-http", "RESPONSE_FORMAT_ERROR", why=("HTTQ",)), "send:HTTQ/1.1 20"),
]


@pytest.mark.parametrize("case", **params(STALLED))
def test_stalled(case, make_lab, trace):
    run_case(case, make_lab, trace)


ENDED = [
    case("length-closed", "cut", closed("6 of 500 body bytes", "closed"), BY_LENGTH, "fill:6",
         "fin"),
    case("length-reset", "reset", closed("6 of 500 body bytes", "reset"), BY_LENGTH, "fill:6",
         "wait:0.05", "rst"),
    case("chunked-closed", "cut", closed("chunk"), CHUNKED, r"send:3\r\nok\n\r\n", "fin"),
    case("status-line-closed", "cut/closed/not-http/reset", closed("11 bytes"),
         "send:HTTP/1.1 20", "fin", check=scripted()),
    case("head-closed", "cut/closed", closed("head"),
         r"send:HTTP/1.1 200 OK\r\nContent-Length: 500\r\n", "fin", check=scripted()),
    case("100-closed", "cut/closed", closed(), CONTINUE, "fin", check=scripted()),
    case("long-body-closed", "cut", closed("500000 of 1000000 body bytes"),
         r"send:HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "fill:500000", "fin"),
]


@pytest.mark.parametrize("case", **params(ENDED))
def test_ended_early(case, make_lab, trace):
    run_case(case, make_lab, trace)


STATUS_RST, STATUS_FIN = scripted(wants="status", end="rst"), scripted(wants="status")
# What is sent is cut in each of these: who goes by the status alone has passed.
STATUS_ONLY = [
    case("ends-with-rst", "http", whole(confidence=LIKELY, note=("as soon as it had the status",)),
         BY_LENGTH, "fill:6", check=STATUS_RST),
    case("ends-with-fin", "http", whole(confidence=LIKELY, note=("as soon as it had the status",)),
         BY_LENGTH, "fill:6", check=STATUS_FIN),
    case("ends-with-rst-haproxy-preset", "http", whole(note=("the status",)),
         BY_LENGTH, "fill:6", check=STATUS_RST, options=HAPROXY),
    case("ends-with-fin-haproxy-preset", "http", whole(note=("the status",)),
         BY_LENGTH, "fill:6", check=STATUS_FIN, options=HAPROXY),
    case("head-not-complete", "http", whole(confidence=LIKELY),
         r"send:HTTP/1.1 200 OK\r\nContent-Length: 500\r\n", check=STATUS_RST),
    case("until-close", "http", whole(confidence=LIKELY), UNTIL_CLOSE, check=STATUS_FIN),
    # the look-alike: it waits for the body until its timeout
    case("waits-for-the-body", "response-timeout", slow("6 of 500 body bytes"), BY_LENGTH,
         "fill:6", check=scripted(end="rst")),
    # the status comes too late for it, too
    case("status-too-late", "response-timeout", slow("GET /health"), "wait:1.2", SMALL,
         check=STATUS_RST),
    case("status-cut", "response-timeout", slow("11 bytes"), "send:HTTP/1.1 20", check=STATUS_RST),
]


@pytest.mark.parametrize("case", **params(STATUS_ONLY))
def test_status_only(case, make_lab, trace):
    run_case(case, make_lab, trace)


BY_STATUS = haproxy()
BY_BODY = haproxy("option httpchk GET /health\n  http-check expect rstring ^ok")
REAL = [
    case("haproxy-whole", "http", whole(), SMALL, check=BY_STATUS, options=HAPROXY),
    case("haproxy-stalled", "http", whole(note=("the status",)), BY_LENGTH, "fill:6",
         check=BY_STATUS, options=HAPROXY),
    case("haproxy-closed", "http", whole(note=("ended the connection",)), BY_LENGTH + "abcdef",
         "fin", check=BY_STATUS, options=HAPROXY),
    case("haproxy-status-cut", "response-timeout", slow("11 bytes"), "send:HTTP/1.1 20",
         check=BY_STATUS, options=HAPROXY),
    case("haproxy-503", "http", Expect("http-status", "RESPONSE_MISMATCH", status=503),
         UNAVAILABLE, check=BY_STATUS, options=HAPROXY),
    case("haproxy-that-judges-the-body", "http", whole(), SMALL, "fin", check=BY_BODY,
         options=HAPROXY),
    # the preset says that HAProxy goes by the status; its timeout says that this one does not
    case("haproxy-that-judges-a-stalled-body", "response-timeout", slow("1 of 500 body bytes"),
         BY_LENGTH, "fill:1", check=BY_BODY, options=HAPROXY),
    case("blackbox-whole", "http", whole(), SMALL, check=blackbox),
    case("blackbox-stalled", "response-timeout", slow("6 of 500 body bytes"), BY_LENGTH, "fill:6",
         check=blackbox),
    case("blackbox-closed", "failed", closed("6 of 500 body bytes"), BY_LENGTH, "fill:6", "fin",
         check=blackbox),
]


@pytest.mark.parametrize("case", **params(REAL))
def test_real_client(case, make_lab, trace):
    run_case(case, make_lab, trace)


def with_fast_open(*steps):
    def setup(lab):
        lab.lb.sysctl(ipv4__tcp_fastopen=0x5)  # data in the SYN, without a cookie
        lab.backend.sysctl(ipv4__tcp_fastopen=0x602)  # taken for every listener
        answer_server(lab, PORT, *steps)
    return setup


LINES = (b"GET /health HTTP/1.1\r\n", b"Host: web\r\n", b"\r\n")
BYTES = tuple(bytes([byte]) for byte in GET)
REQUESTS = [
    case("in-three-segments", "http", whole(), SMALL, check=scripted(LINES)),
    case("in-three-segments-unanswered", "response-timeout", slow("GET /health"),
         "wait:2", check=scripted(LINES)),
    case("by-bytes", "http", whole(), SMALL, check=scripted(BYTES, between=0.002)),
    case("by-bytes-cut", "cut", closed("6 of 500 body bytes"), BY_LENGTH, "fill:6", "fin",
         check=scripted(BYTES, between=0.002)),
    Case("in-the-syn", "http", whole(), port=PORT, setup=with_fast_open(SMALL),
         check=scripted(fast_open=True)),
    Case("in-the-syn-stalled", "response-timeout", slow("GET /health", "6 of 500 body bytes"),
         port=PORT, setup=with_fast_open(BY_LENGTH, "fill:6"), check=scripted(fast_open=True)),
    Case("in-the-syn-unanswered", "response-timeout", slow("GET /health"), port=PORT,
         setup=with_fast_open("wait:2"), check=scripted(fast_open=True)),
    Case("begun-in-the-syn", "http", whole(), port=PORT, setup=with_fast_open(SMALL),
         check=scripted(LINES, fast_open=True)),
    # the client closes its side behind the request, and waits for the answer
    case("half-closed", "http", whole(), SMALL, "fin", check=scripted(half_close=True)),
    case("half-closed-answered-later", "http", whole(), "wait:0.4", SMALL, "fin",
         check=scripted(half_close=True)),
    case("half-closed-unanswered", "response-timeout",
         slow("GET /health", confidence=None), "wait:2",
         check=scripted(half_close=True)),
    case("half-closed-stalled", "response-timeout",
         slow("6 of 500 body bytes", confidence=None), "wait:0.05", BY_LENGTH, "fill:6", "wait:2", check=scripted(half_close=True)),
    case("half-closed-503", "http", Expect("http-status", "RESPONSE_MISMATCH", status=503),
         "wait:0.3", UNAVAILABLE, "fin", check=scripted(half_close=True)),
    # the service closes its side behind the answer, the client comes later
    case("service-half-closes", "http", whole(), SMALL, "half",
         check=scripted(keeps=0.3)),
]


@pytest.mark.parametrize("case", **params(REQUESTS))
def test_request(case, make_lab, trace):
    run_case(case, make_lab, trace)


GREETING = scripted((), wants="byte")
GREETINGS = [
    case("silent", "response-timeout",
         Expect("app-slow", "RECV_RESPONSE_TIMEOUT", protocol="tcp", confidence=LIKELY,
                why=("speak first",)), "--greet", "wait:2", check=GREETING),
    case("greets", "answered", Expect("healthy", protocol="tcp"), "--greet",
         r"send:220 ready\r\n", check=GREETING),
    case("greets-later", "answered", Expect("healthy", protocol="tcp"), "--greet", "wait:0.5",
         r"send:220 ready\r\n", check=GREETING),
    case("only-connects", "connected", Expect("healthy", protocol="tcp", confidence=CERTAIN),
         "--greet", "wait:2", check=lab_checks.tcp),
    case("haproxy-connects", "connected", Expect("healthy", protocol="tcp", confidence=CERTAIN),
         "--greet", "wait:2", check=haproxy("", "tcp"), options=HAPROXY),
]


@pytest.mark.parametrize("case", **params(GREETINGS))
def test_greeting(case, make_lab, trace):
    run_case(case, make_lab, trace)


# What each service does, what the client saw, and the verdict with all points.  With --passive no
# content is seen: then it may be unknown, but not another.
PASSIVE = {
    7100: (("--greet", "wait:2"), scripted((), wants="byte"), "response-timeout", "app-slow"),
    7101: ((SMALL,), scripted(), "http", "healthy"),
    7102: ((BY_LENGTH, "fill:6"), scripted(), "response-timeout", "app-slow"),
    7103: ((BY_LENGTH, "fill:6", "fin"), scripted(), "cut", "app-closed"),
    7104: (("wait:2",), scripted(), "response-timeout", "app-slow"),
    7105: ((CHUNKED, r"send:3\r\nok\n\r\n0\r\n\r\n"), scripted(), "http", "healthy"),
    7106: ((BY_LENGTH, "fill:6", "wait:0.05", "rst"), scripted(), "reset", "app-closed"),
    7107: (("send:HTTP/1.1 20",), scripted(), "response-timeout", "app-slow"),
    7108: ((SMALL,), lab_checks.tcp, "connected", "healthy"),
    7109: ((BY_LENGTH, "fill:6"), STATUS_RST, "http", "healthy"),
}


@pytest.mark.parametrize("options", [(), ("--passive",)], ids=["all-points", "passive"])
def test_side_by_side(options, lab, trace):
    for port, (steps, *_) in PASSIVE.items():
        answer_server(lab, port, *steps)
    run = trace(lab, "--timeout", 1, *options)
    checks = {port: lab_checks.Later(row[1], lab, port, timeout=1)
              for port, row in PASSIVE.items()}
    wrong = {}
    for port, check in checks.items():
        seen, (_, _, result, verdict) = check.result(), PASSIVE[port]
        assert seen.result == result, f"the lab is wrong: {seen}"
        line = run.probe(seen)
        if line["verdict"] not in ((verdict, "unknown") if options else (verdict,)):
            wrong[port] = f"{line['verdict']} ({line['confidence']}), not {verdict}"
    assert not wrong, f"{wrong}\n{run.dump()}"
    run.stop()


AT_ONCE = {
    7200: ((SMALL,), scripted(), "healthy"),
    7201: ((UNTIL_CLOSE, "fin"), scripted(), "healthy"),
    7202: ((BY_LENGTH, "fill:6"), STATUS_RST, "healthy"),
    7203: ((BY_LENGTH, "fill:6", "fin"), scripted(), "app-closed"),
    7204: ((UNAVAILABLE,), scripted(), "http-status"),
    7205: ((BY_LENGTH, "fill:6"), scripted(), "app-slow"),
    7206: (("--greet", "wait:2"), GREETING, "app-slow"),
    7207: ((SMALL, "fin"), scripted(keeps=0.4), "healthy"),
}


def timed(check, lab, port):
    return check(lab, port, timeout=1), time.time()


def test_verdicts_come_at_once(lab, trace):
    """Within 100 ms of the client's end, which decides: the best of two, as tests share a CPU."""
    for port, (steps, *_) in AT_ONCE.items():
        answer_server(lab, port, *steps)
    run = trace(lab, "--timeout", 1)
    late = {}
    for _ in range(2):
        checks = {port: lab_checks.Later(timed, row[1], lab, port)
                  for port, row in AT_ONCE.items()}
        for port, check in checks.items():
            seen, ended = check.result()
            line = run.probe(seen)
            assert line["verdict"] == AT_ONCE[port][2], line
            late.setdefault(port, []).append(line.arrival - ended)
    assert all(min(times) < 0.1 for times in late.values()), late
    run.stop()
