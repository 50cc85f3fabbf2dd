# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""wget: its exit status is its word."""
from client import Repeated
from model import Check, rows

GET = Check("wget", "plain-http", ())
SPIDER = Check("wget --spider", "plain-http", ("--spider",))

ROWS = [
    *rows(GET, up="200 204 big chunked until-close slow-in-time",
          down="404 503 haproxy-503 stall-headers stall-body cut-body no-last-chunk stall-close close reset "
               "silent never-accept closed drop reject-rst out-drop-data lost-data"),
    *rows(SPIDER, up="200", down="503 silent"),
]


class Wget(Repeated):
    group = "wget"
    name = "wget"
    programs = ("wget",)
    options = ("--expect-codes", "200-399")
    rows = ROWS

    def argv(self, place):
        return ("timeout", 1, "wget", "-q", "-T", 1, "-t", 1, "-O", "/dev/null",
                *place.row.check.how, f"http://{place.target}:{place.port}/health")
