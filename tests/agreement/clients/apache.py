# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Apache's mod_proxy_hcheck: its balancer manager is its word."""
import re

from client import Client
from model import DOWN, UP, Check, rows

GET = Check("hcmethod=GET", "plain-http", "hcmethod=GET hcuri=/health")
HEAD = Check("hcmethod=HEAD", "plain-http", "hcmethod=HEAD hcuri=/health")
OPTIONS = Check("hcmethod=OPTIONS", "plain-http", "hcmethod=OPTIONS hcuri=/health")
TCP = Check("hcmethod=TCP", "tcp", "hcmethod=TCP")
MODULES = ("mpm_event authz_core proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests "
           "proxy_hcheck")

ROWS = [
    *rows(GET, up="200 204 301 chunked slow-in-time",
          down="404 503 stall-headers close reset silent slow garbage never-accept closed drop "
               "reject-rst out-drop-data lost-data"),
    *rows(HEAD, up="200", down="503 close"),
    # it asks for "*", which nginx refuses
    *rows(OPTIONS, down="200 405 silent", right={"200": "http-status"}),
    *rows(TCP, up="200 silent never-accept", down="closed drop out-drop lost"),
]


class Apache(Client):
    group = "apache"
    name = "Apache httpd"
    programs = ("apache2",)
    options = ("--expect-codes", "200-399")
    least = 9
    rows = ROWS

    def start(self):
        members = "\n".join(f"""<Proxy balancer://b{n}>
  BalancerMember http://{p.target}:{p.port} {p.row.check.how} hcinterval=2 hcpasses=1 hcfails=1 \
connectiontimeout=1 timeout=1
</Proxy>
ProxyPass /{n}/ balancer://b{n}/""" for n, p in enumerate(self.places))
        load = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so"
                         for m in MODULES.split())
        config = self.lab.file("apache.conf", f"""
ServerRoot {self.lab.tmp}
DefaultRuntimeDir {self.lab.tmp}
PidFile {self.lab.tmp}/apache.pid
ErrorLog {self.lab.tmp}/apache.error
ServerName lb
User www-data
Group www-data
Listen 127.0.0.1:8900
{load}
ProxyTimeout 1
{members}
<Location /manager>
  SetHandler balancer-manager
</Location>
""")
        self.child = self.lab.spawn(self.lab.lb, "apache2", "-DFOREGROUND", "-f", config, port=8900,
                                    log="client")

    def words(self):
        text = self.lab.lb.run("curl", "-s", "-m", 3, "http://127.0.0.1:8900/manager", check=False)
        said = {}
        # a worker's status is the cell that begins with Init, of the balancer before it
        for number, status in re.findall(r">balancer://b(\d+)</a>.*?<td>(Init [^<]*)</td>", text, re.S):
            status = status.strip()
            bad = "HcFl" in status or "Err" in status
            said[self.places[int(number)].id] = (DOWN if bad else UP), status
        return said
