# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Caddy's active health checks: its log is its word, a failure a line, recovery one."""
import json

from client import Client
from model import DOWN, UP, Check, rows

GET = Check("health_uri", "kept", "")
STRING = Check("health_body", "kept", "health_body ok")

ROWS = [
    *rows(GET, up="200 204 big slow-in-time kept-open",
          down="404 503 stall-headers close reset silent slow garbage never-accept closed drop "
               "reject-rst out-drop out-drop-data lost lost-data no-route "
               "late-503 late-silent late-drop late-out-drop late-lost"),
    *rows(STRING, up="200", down="other-string stall-body cut-body",
          only={"an expected string": "other-string"}),
]


class Caddy(Client):
    group = "caddy"
    name = "Caddy"
    programs = ("caddy",)
    options = ("--expect-codes", "200-399")
    least = 8
    rows = ROWS

    def start(self):
        sites = "\n".join(f"""
http://127.0.0.1:{9000 + n} {{
  reverse_proxy {p.target}:{p.port} {{
    health_uri /health
    health_interval 2s
    health_timeout 1s
    {p.row.check.how}
  }}
}}""" for n, p in enumerate(self.places))
        home = f"{self.lab.tmp}/caddy"
        config = self.lab.file("Caddyfile", f"""{{
  admin off
  storage file_system {home}
  log {{
    level DEBUG
  }}
}}
{sites}
""")
        self.child = self.lab.spawn(self.lab.lb, "env", f"HOME={home}", f"XDG_CONFIG_HOME={home}",
                                    "caddy", "run", "--adapter", "caddyfile", "--config", config,
                                    port=9000, log="client")

    def words(self):
        """It begins with UP, so only what it says afterwards counts as DOWN."""
        said = {place.id: (UP, "no complaint") for place in self.places}
        by_host = {f"{p.target}:{p.port}": p.id for p in self.places}
        for line in self.log().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("logger") != "http.handlers.reverse_proxy.health_checker.active":
                continue
            host = (entry.get("host") or "").removeprefix("http://").partition("/")[0]
            if host in by_host:
                message = entry["msg"]
                said[by_host[host]] = (UP if message == "host is up" else DOWN), message
        return said
