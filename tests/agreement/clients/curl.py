# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""curl, as a script of one's own would have it: its exit status is its word."""
from client import Repeated
from model import Check, rows

GET = Check("curl -f", "plain-http", ())
HEAD = Check("curl -f -I", "plain-http", ("-I",))
H2C = Check("curl -f --http2-prior-knowledge", "protocol", ("--http2-prior-knowledge",))
PROXY = Check("curl -f --haproxy-protocol", "protocol", ("--haproxy-protocol",))
TLS = Check("curl -f -k https", "tls", ("-k",))
TRUST = Check("curl -f https", "tls", ())

ROWS = [
    *rows(GET,
          up="200 204 301 big chunked until-close drip-status early-hints slow-in-time kept-open 304 mtu",
          down="404 503 hints-503 drip-503 split-503 stall-headers stall-body stall-chunk "
               "trickle-body cut-body reset-body cut-chunk no-last-chunk close reset silent slow "
               "garbage never-accept queue-full closed drop out-drop out-drop-body lost-data "
               "lost-body lost-big stall-close mtu-blocked wants-proxy",
          short="200 early-hints drip-503 stall-body cut-body no-last-chunk silent lost-big"),
    *rows(HEAD, up="200", down="503 close"),
]
TLS_ROWS = [
    *rows(TLS, up="tls-200",
          down="tls-503 tls-plain tls-silent tls-close tls-refused tls-no-name tls-mutual tls-old "
               "tls-stall tls-cut tls-lost"),
    *rows(TRUST, down="tls-200", right={"tls-200": "tls-alert"},
          only={"trust in a certificate": "tls-200"}),
    *rows(H2C, up="h2c-ok", down="h2c-503 h2c-unknown"),
    *rows(PROXY, up="proxy-ok", down="proxy-unwanted"),
]


class Curl(Repeated):
    group = "curl"
    name = "curl"
    programs = ("curl",)
    options = ("--expect-codes", "200-399")
    rows = ROWS

    def argv(self, place):
        scheme = "https" if place.row.check.kind == "tls" else "http"
        return ("curl", "-q", "-s", "-f", "-m", 1, "-o", "/dev/null", "--interface", place.source,
                *place.row.check.how, f"{scheme}://{place.target}:{place.port}/health")


class CurlTls(Curl):
    group = "curl-tls"
    rows = TLS_ROWS
