# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""dnsdist: its console's showServers() is its word."""
import re

from client import Client
from model import DOWN, UP, Check, rows

UDP = Check("UDP, mustResolve", "protocol", "")
TCP = Check("TCP, mustResolve", "protocol", "tcpOnly=true, ")

ROWS = [
    *rows(UDP, up="dns-ok",
          down="dns-refused dns-nxdomain dns-servfail dns-silent dns-garbage dns-closed dns-drop "
               "dns-reject dns-out-drop"),
    *rows(TCP, up="dns-ok", down="dns-refused dns-nxdomain closed loopback silent close-unread "
                                 "never-accept drop out-drop lost no-route"),
]


class Dnsdist(Client):
    group = "dnsdist"
    name = "dnsdist"
    programs = ("dnsdist", "dnsmasq")
    rows = ROWS

    def start(self):
        servers = "\n".join(
            f'newServer({{address="{p.target}:{p.port}", name="s{n}", checkName="check.test.", '
            f'checkInterval=2, checkTimeout=1000, maxCheckFailures=1, mustResolve=true, '
            f'{p.row.check.how}tcpConnectTimeout=1, tcpRecvTimeout=1, source="{p.source}"}})'
            for n, p in enumerate(self.places))
        self.config = self.lab.file("dnsdist.conf", (
            'setLocal("127.0.0.1:5300")\nsetKey("MXNeLFWHUe4363BBKrY06cAsH8NWNb+Se2eXU5+Bb74=")\n'
            f'controlSocket("127.0.0.1:5199")\nsetSecurityPollSuffix("")\n{servers}\n'))
        self.child = self.lab.spawn(self.lab.lb, "dnsdist", "--supervised", "-C", self.config,
                                    port=5199, log="client")

    def words(self):
        text = self.lab.lb.run("dnsdist", "-C", self.config, "-e", "showServers()", check=False)
        said = {}
        for number, state in re.findall(r"^\d+\s+s(\d+)\s.*?\s(up|down|UP|DOWN)\s", text, re.M):
            place = self.places[int(number)]
            said[place.id] = (UP if state.lower() == "up" else DOWN), state
        return said
