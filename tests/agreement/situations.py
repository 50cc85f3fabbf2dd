# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The situations that a check can meet, by name.  Steps of a script: see odd_server.py."""
from model import Situation
from situations_more import MORE

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
OK = f"{HEAD}Content-Length: 3\r\nConnection: close\r\n\r\nok\n"
LONG = f"{HEAD}Content-Length: 500\r\nConnection: close\r\n\r\n"
CHUNKED = f"{HEAD}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
BIG = f"{HEAD}Content-Length: 300000\r\nConnection: close\r\n\r\n" + "x" * 300000
MEDIUM = f"{HEAD}Content-Length: 3000\r\nConnection: close\r\n\r\n"
DENIED = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\ndown\n"


def nginx(location, right=("http-status",), words="", **settings):
    return Situation("nginx", dict(location=location, **settings), "", right, words)


def script(words, right, *steps, **settings):
    return Situation("script", dict(steps=steps, **settings), "", right, words)


def http(words, right, *steps):
    """Reads a request first."""
    return script(words, right, ["request"], *steps)


def fault(words, right, name=None, service="nginx", **settings):
    if service == "nginx":
        settings.setdefault("location", 'return 200 "ok\\n";')
    return Situation(service, settings, name or words, (right,), words)


SLOW, CLOSED, FINE = ("app-slow",), ("app-closed",), ("healthy",)

HTTP = {
    "haproxy-503": Situation("haproxy", {}, "", ("http-status",), "HAProxy without servers: 503"),
    "200": nginx('return 200 "ok\\n";', FINE),
    "204": nginx("return 204;", FINE),
    "301": nginx("return 301 http://192.168.0.10:9/;"),
    "304": http("304 with a length, no body", FINE, [
        "send", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"], ["hold"]),
    "401": nginx('return 401 "who?\\n";'),
    "404": nginx("return 404;"),
    "502": nginx("proxy_pass http://127.0.0.1:9;"),
    "503": nginx('return 503 "down for maintenance\\n";'),
    "405": nginx("if ($request_method != GET) { return 405; } return 200;",
                 words="405 to all but GET"),
    "big": http("300 kB of body", FINE, ["send", BIG], ["close"]),
    "chunked": http("chunks", FINE, ["send", f"{CHUNKED}3\r\nok\n\r\n0\r\n\r\n"], ["close"]),
    "until-close": http("no length, ends by its FIN", FINE,
                        ["send", f"{HEAD}Connection: close\r\n\r\nok\n"], ["close"]),
    "drip-status": http("status line a byte a segment", FINE, ["drip", OK[:17], 0.01],
                        ["send", OK[17:]], ["close"]),
    "early-hints": http("103, then 200", FINE,
                        ["send", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
                        ["sleep", 0.1], ["send", OK], ["close"]),
    "slow-in-time": http("200 after 0.5 s", FINE, ["sleep", 0.5], ["send", OK], ["close"]),
    "kept-open": http("200, connection not closed", FINE,
                      ["send", f"{HEAD}Content-Length: 3\r\n\r\nok\n"],
                      ["serve", *2 * [f"{HEAD}Content-Length: 3\r\n\r\nok\n"]]),
    "hints-503": http("103, then 503", ("http-status",),
                      ["send", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
                      ["sleep", 0.1], ["send", DENIED], ["close"]),
    "drip-503": http("503, status line a byte a segment", ("http-status",),
                     ["drip", DENIED[:17], 0.01], ["send", DENIED[17:]], ["close"]),
    "split-503": http("503, status line in two segments", ("http-status",),
                      ["send", DENIED[:10]], ["sleep", 0.1], ["send", DENIED[10:]], ["close"]),
    "stall-status": http("HTTP/1. and then nothing", SLOW, ["send", "HTTP/1."], ["hold"]),
    "stall-headers": http("half the header, then nothing", SLOW, ["send", HEAD], ["hold"]),
    "stall-body": http("6 of 500 body bytes, then nothing", SLOW,
                       ["send", f"{LONG}123456"], ["hold"]),
    "stall-close": http("no length, never closed", SLOW, ["send", f"{HEAD}\r\nok\n"], ["hold"]),
    "stall-chunk": http("half a chunk, then nothing", SLOW,
                        ["send", f"{CHUNKED}100\r\nabc"], ["hold"]),
    "trickle-headers": http("the header, a byte in 0.2 s", SLOW, ["drip", HEAD, 0.2]),
    "trickle-body": http("the body, a byte in 0.2 s", SLOW, ["send", LONG],
                         ["drip", "x" * 100, 0.2]),
    "cut-headers": http("half the header, then FIN", CLOSED, ["send", HEAD], ["close"]),
    "cut-body": http("6 of 500 body bytes, then FIN", CLOSED,
                     ["send", f"{LONG}123456"], ["close"]),
    "reset-body": http("6 of 500 body bytes, then RST", CLOSED,
                       ["send", f"{LONG}123456"], ["sleep", 0.1], ["reset"]),
    "cut-chunk": http("half a chunk, then FIN", CLOSED,
                      ["send", f"{CHUNKED}100\r\nabc"], ["close"]),
    "no-last-chunk": http("chunks, but not the last, then FIN", CLOSED,
                          ["send", f"{CHUNKED}3\r\nok\n\r\n"], ["close"]),
    "close": http("FIN without an answer", CLOSED, ["close"]),
    "reset": http("RST without an answer", CLOSED, ["reset"]),
    "read-close": script("any bytes, then FIN", CLOSED, ["read", 1], ["close"]),
    "read-reset": script("any bytes, then RST", CLOSED, ["read", 1], ["reset"]),
    "close-unread": script("FIN before the request is read", CLOSED, ["close"]),
    "silent": script("accepted, read, never answered", SLOW, ["hold"]),
    "slow": http("200 after 3 s", SLOW, ["sleep", 3], ["send", OK], ["close"]),
    "garbage": http("'hello', then FIN", ("not-http",), ["send", "hello, world\r\n"], ["close"]),
    "never-accept": script("never accepted", ("app-not-accepting",), accept=False),
    "queue-full": script("accept queue full", ("accept-queue-full",), accept=False, fill=True,
                         backlog=1),
    "other-string": nginx('return 200 "sorry\\n";', ("http-status",),
                          "200 without the expected string"),
    "wrapped": Situation("xinetd", {}, "hosts-deny", ("tcp-wrappers",), "hosts.deny, by xinetd"),
    "sshd": Situation("sshd", {}, "", ("not-http", "protocol-mismatch"), "sshd"),
    "redis-port": Situation("redis", {}, "", ("not-http", "protocol-mismatch", "app-closed"),
                            "redis"),
    "wants-proxy": nginx('return 200 "ok\\n";', ("protocol-mismatch",), listen="proxy_protocol",
                         words="nginx that demands PROXY"),
    "tls-port": nginx('return 200 "ok\\n";', ("protocol-mismatch", "tls-alert"), listen="ssl",
                      words="plain HTTP to nginx's TLS port"),
}

NETWORK = {
    "closed": Situation("none", {}, "", ("no-listener",), "nobody listens"),
    "loopback": Situation("script", dict(steps=[["hold"]], bind="127.0.0.1"), "",
                          ("no-listener",), "listens on 127.0.0.1 alone"),
    "drop": fault("drop", "firewall-drop"),
    "drop-iptables": fault("drop-iptables", "firewall-drop"),
    "reject-rst": fault("reject-rst", "firewall-reject"),
    "reject-icmp": fault("reject-icmp", "firewall-reject"),
    "drop-request": fault("drop-request", "firewall-drop"),
    "reject-request": fault("reject-request", "firewall-reject"),
    "out-drop": fault("out-drop", "reply-dropped"),
    "out-drop-data": fault("out-drop-data", "reply-dropped"),
    "out-drop-body": Situation("script", dict(steps=[
        ["request"], ["send", MEDIUM], ["sleep", 0.1], ["send", "x" * 3000], ["close"]]),
        "out-drop-long", ("reply-dropped",), "OUTPUT drops the body"),
    "lost": fault("lost", "reply-lost"),
    "lost-data": fault("lost-data", "reply-lost"),
    "lost-body": Situation("script", dict(steps=[
        ["request"], ["send", MEDIUM], ["sleep", 0.1], ["send", "x" * 3000], ["close"]]),
        "lost-long", ("reply-lost",), "the router drops what is longer than 1300 bytes"),
    "lost-big": Situation("script", dict(steps=[["request"], ["send", BIG], ["close"]]),
                          "lost-long", ("reply-lost",)),
    "mtu": Situation("script", dict(steps=[["request"], ["send", f"{MEDIUM}{'ok ' * 1000}"],
                                           ["close"]]), "mtu"),
    "mtu-blocked": Situation("script", dict(steps=[
        ["request"], ["send", f"{MEDIUM}{'ok ' * 1000}"], ["close"]]), "mtu-blocked",
        ("reply-lost",)),
    "no-route": fault("no-route", "no-route-back"),
    "blackhole": fault("blackhole", "no-route-back"),
    "dead-gateway": fault("dead-gateway", "gateway-unreachable"),
}

KEEP = f"{HEAD}Content-Length: 3\r\n\r\nok\n"
KEEP_503 = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\ndown\n"


def late(words, right, then=KEEP, name=""):
    """Requests on a kept connection are answered, until the fault comes."""
    return Situation("script", dict(steps=[["serve", KEEP, then]]), name, (right,), words, True)


KEPT = {
    "late-503": late("503, later", "http-status", KEEP_503),
    "late-silent": late("no answer, later", "app-slow", ""),
    "late-drop": late("", "firewall-drop", name="drop"),
    "late-out-drop": late("", "reply-dropped", name="out-drop"),
    "late-lost": late("", "reply-lost", name="lost"),
    "late-stop": Situation("redis", {}, "stop", ("app-slow", "app-not-accepting"), late=True),
    "late-redis-drop": Situation("redis", {}, "drop", ("firewall-drop",), late=True),
    "late-redis-lost": Situation("redis", {}, "lost", ("reply-lost",), late=True),
}

SITUATIONS = {**KEPT, **HTTP, **NETWORK, **MORE}
