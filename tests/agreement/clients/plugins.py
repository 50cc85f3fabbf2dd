# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""monitoring-plugins (Nagios, Icinga): exit status 0 is OK, anything else is not."""
from client import Repeated
from model import DOWN, UP, Check, rows

FOLDER = "/usr/lib/nagios/plugins"
TO = ("-H", "{target}", "-p", "{port}", "-t", "1")
HTTP = Check("check_http", "plain-http", ("-I", *TO[1:], "-u", "/health"))
STRING = Check("check_http -s", "plain-http", ("-I", *TO[1:], "-u", "/health", "-s", "ok"))
HTTPS = Check("check_http -S", "tls", ("-I", *TO[1:], "-u", "/health", "-S"))
TCP = Check("check_tcp", "tcp", TO)
BANNER = Check("check_tcp -e", "protocol", (*TO, "-e", "220"))
SMTP = Check("check_smtp", "protocol", TO)
FTP = Check("check_ftp", "protocol", TO)
SSH = Check("check_ssh", "protocol", TO)
PGSQL = Check("check_pgsql", "protocol", ("-H", "{target}", "-P", "{port}", "-t", "1", "-l",
                                          "postgres", "-d", "postgres"))
MYSQL = Check("check_mysql", "protocol", ("-H", "{target}", "-P", "{port}", "-u", "check"))
PING = Check("check_ping", "icmp", ("-H", "{target}", "-w", "500,20%", "-c", "900,60%", "-p", "1",
                                    "-t", "1"))

HTTP_ROWS = [
    *rows(HTTP, up="200 204 301 big until-close slow-in-time",
          down="401 404 503 stall-headers stall-body close reset silent slow garbage "
               "never-accept closed drop reject-icmp out-drop-data lost-data lost-body no-route",
          short="200 503 stall-body close"),
    *rows(STRING, up="200", down="other-string stall-body",
          only={"an expected string": "other-string"}),
    *rows(TCP, up="200 silent never-accept close-unread",
          down="queue-full closed drop reject-rst out-drop lost dead-gateway",
          short="200 closed drop"),
]
MORE_ROWS = [
    *rows(BANNER, up="smtp-ok ftp-ok", down="ftp-denied smtp-421 no-banner banner-cut"),
    *rows(SMTP, up="smtp-ok", down="smtp-421 smtp-554 no-banner"),
    *rows(FTP, up="ftp-ok", down="ftp-denied ftp-530"),
    *rows(SSH, up="ssh-ok", down="ssh-denied no-banner banner-cut"),
    *rows(PGSQL, up="pg-ok", down="pg-denied pg-starting"),
    *rows(HTTPS, up="tls-200", down="tls-503 tls-plain tls-silent tls-refused"),
    *rows(PING, up="icmp-ok", down="icmp-drop icmp-reject icmp-out-drop"),
]


class Plugins(Repeated):
    group = "plugins-http"
    name = "monitoring-plugins"
    programs = ("check_http", "check_tcp")
    options = ("--expect-codes", "200-399")
    rows = HTTP_ROWS

    def argv(self, place):
        plugin = place.row.check.id.partition(" ")[0]
        return (f"{FOLDER}/{plugin}", *(word.format(target=place.target, port=place.port)
                                        for word in place.row.check.how))

    def word(self, place, done):
        says = {0: "OK", 1: "WARNING", 2: "CRITICAL"}.get(done.returncode, "UNKNOWN")
        return (UP if done.returncode == 0 else DOWN), says


class PluginsMore(Plugins):
    group = "plugins-more"
    programs = ("check_tcp", "check_pgsql", "check_ping")
    rows = MORE_ROWS
