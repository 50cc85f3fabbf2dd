# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""monit: its log is its word; one process for each row, as one checks in turn."""
import re
from pathlib import Path

from client import Client
from model import DOWN, UP, Check, rows

HTTP = Check("protocol http", "plain-http", 'protocol http request "/health"')
HEAD = Check("protocol http, method head", "plain-http",
             'protocol http method head request "/health"')
TCP = Check("port", "tcp", "")
STRING = Check("protocol http, content", "plain-http",
               'protocol http request "/health" content = "ok"')

ROWS = [
    *rows(HTTP, up="200 204 301 slow-in-time stall-headers",
          down="404 503 close reset silent never-accept closed drop out-drop-data "
               "lost-data"),
    *rows(HEAD, up="200", down="503"),
    *rows(STRING, up="200", down="other-string stall-body",
          only={"an expected string": "other-string"}),
    *rows(TCP, up="200 never-accept", down="closed drop lost"),
]


class Monit(Client):
    group = "monit"
    name = "monit"
    programs = ("monit",)
    options = ("--expect-codes", "200-399")
    rows = ROWS

    def start(self):
        self.logs = []
        for number, place in enumerate(self.places):
            base = f"{self.lab.tmp}/monit-{number}"
            config = self.lab.file(f"monit-{number}.conf", f"""
set daemon 2
set pidfile {base}.pid
set idfile {base}.id
set statefile {base}.state
check host h{number} with address {place.target}
  if failed port {place.port} {place.row.check.how} with timeout 1 seconds then alert
""", 0o600)
            # its log is named after its number among the lab's children
            self.logs.append(f"{self.lab.tmp}/monit-{len(self.lab.children)}.log")
            self.lab.spawn(self.lab.lb, "monit", "-I", "-v", "-c", config, log="monit")

    def words(self):
        said = {}
        for number, place in enumerate(self.places):
            for line in Path(self.logs[number]).read_text(encoding="utf-8").splitlines():
                if re.search("failed protocol test|failed to connect|connection failed", line):
                    said[place.id] = DOWN, "failed"
                elif "succeeded" in line:
                    said[place.id] = UP, "succeeded"
        return said
