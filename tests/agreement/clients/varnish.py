# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Varnish: its backend.list is its word."""
import json

from client import Client
from model import DOWN, UP, Check, rows

PROBE = Check("probe .url", "plain-http", '.url = "/health";')
HEAD = Check("probe .request HEAD", "plain-http",
             '.request = "HEAD /health HTTP/1.1" "Host: web" "Connection: close";')

ROWS = [
    *rows(PROBE, up="200 big until-close slow-in-time cut-body",
          down="204 301 404 503 drip-503 stall-status silent slow close reset garbage never-accept "
               "queue-full closed drop reject-rst out-drop out-drop-data lost lost-data no-route stall-body",
          right={"204": "http-status"}),
    *rows(HEAD, up="200", down="503 silent"),
]


class Varnish(Client):
    group = "varnish"
    name = "Varnish"
    programs = ("varnishd", "varnishadm", "gcc")
    options = ("--expect-codes", "200")
    rows = ROWS

    def start(self):
        backends = "\n".join(
            f'backend b{n} {{ .host = "{p.target}"; .port = "{p.port}"; .probe = {{ '
            f"{p.row.check.how} .timeout = 1s; .interval = 2s; .window = 1; .threshold = 1; "
            ".initial = 0; } }" for n, p in enumerate(self.places))
        used = "\n".join(f"  if (req.url == \"/{n}\") {{ set req.backend_hint = b{n}; }}"
                         for n in range(len(self.places)))
        config = self.lab.file("varnish.vcl",
                               f"vcl 4.1;\n{backends}\nsub vcl_recv {{\n{used}\n}}\n")
        self.folder = f"{self.lab.tmp}/varnish"
        self.child = self.lab.spawn(self.lab.lb, "varnishd", "-F", "-j", "none", "-n", self.folder,
                                    "-a", "127.0.0.1:6081", "-f", config, "-s", "default,10m",
                                    port=6081, log="client")

    def words(self):
        text = self.lab.lb.run("varnishadm", "-n", self.folder, "backend.list", "-j", check=False)
        said = {}
        for name, backend in (json.loads(text)[3] if text else {}).items():
            number = name.rpartition(".b")[2]
            if number.isdigit():
                message = backend["probe_message"]
                health = message[-1] if isinstance(message, list) else str(message)
                said[self.places[int(number)].id] = (UP if health == "healthy" else DOWN, health)
        return said
