# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""HAProxy: its stats socket is its word (`show stat`)."""
import csv
import io
import socket

from client import Client
from model import DOWN, UP, Check, rows

CHK = "mode http\noption httpchk"
GET = Check("httpchk GET", "plain-http",
            f"{CHK}\nhttp-check send meth GET uri /health ver HTTP/1.1 hdr Host web")
HEAD = Check("httpchk HEAD", "plain-http", f"{CHK} HEAD /health")
OPTIONS = Check("httpchk OPTIONS", "plain-http", CHK)
POST = Check("httpchk POST", "plain-http", (
    f"{CHK}\nhttp-check send meth POST uri /health ver HTTP/1.1 hdr Host web body ping"))
STRING = Check("httpchk, expect string", "plain-http",
               f"{CHK} GET /health\nhttp-check expect string ok")
TCP = Check("tcp-check", "tcp", "")
BANNER = Check("tcp-check expect", "protocol",
               "option tcp-check\ntcp-check connect\ntcp-check expect rstring ^220")
REDIS = Check("redis-check", "protocol", "option redis-check")
MYSQL = Check("mysql-check", "protocol", "option mysql-check user check")
PGSQL = Check("pgsql-check", "protocol", "option pgsql-check user postgres")
SMTP = Check("smtpchk", "protocol", "option smtpchk HELO web")
LDAP = Check("ldap-check", "protocol", "option ldap-check")
AGENT = Check("agent-check", "protocol", ("", "agent-check agent-inter 2s agent-port {port}"))
PROXY = Check("httpchk, check-send-proxy", "protocol", (f"{CHK} GET /health", "check-send-proxy"))
H2 = Check("httpchk, check-proto h2", "protocol", (
    f"{CHK}\nhttp-check send meth GET uri /health ver HTTP/2.0 hdr Host web", "check-proto h2"))
HELLO = Check("ssl-hello-chk", "tls", "option ssl-hello-chk")
SSL = Check("httpchk, check-ssl verify none", "tls",
            (f"{CHK} GET /health", "check-ssl verify none"))
SSL_TCP = Check("tcp-check, check-ssl verify none", "tls", ("", "check-ssl verify none"))
TRUST = Check("httpchk, check-ssl verify required", "tls",
              (f"{CHK} GET /health",
               "check-ssl verify required ca-file /etc/ssl/certs/ca-certificates.crt"))

HTTP_ROWS = [
    *rows(GET,
          up="200 204 301 304 big chunked until-close kept-open slow-in-time",
          down="404 502 503 haproxy-503 split-503 stall-status stall-headers trickle-headers "
               "cut-headers close reset close-unread silent slow garbage never-accept queue-full "
               "wrapped sshd redis-port wants-proxy tls-port closed loopback drop drop-iptables "
               "reject-rst reject-icmp drop-request reject-request out-drop out-drop-data lost "
               "lost-data no-route blackhole dead-gateway",
          short="200 301 503 stall-headers cut-headers close silent never-accept queue-full closed "
                "drop out-drop-data lost-data reject-request"),
    *rows(HEAD, up="200", down="503 stall-headers"),
    *rows(OPTIONS, up="200", down="405 silent"),
    *rows(POST, up="200", down="405 503 close"),
    *rows(STRING, up="200 chunked mtu stall-close",
          down="other-string stall-body cut-body out-drop-body lost-body mtu-blocked",
          only={"an expected string": "other-string"}),
    *rows(TCP,
          up="200 silent never-accept close-unread sshd wrapped",
          down="queue-full closed loopback drop reject-rst reject-icmp out-drop lost no-route "
               "blackhole dead-gateway",
          short="200 never-accept closed drop lost"),
]
PROTOCOL_ROWS = [
    *rows(BANNER, up="smtp-ok ftp-ok", down="ftp-530 ftp-denied smtp-421 no-banner banner-cut"),
    *rows(REDIS, up="redis-ok", down="redis-auth redis-denied redis-loading redis-busy silent"),
    *rows(MYSQL, up="mysql-ok", down="mysql-denied mysql-full mysql-blocked no-banner"),
    *rows(PGSQL, up="pg-ok", down="pg-denied pg-starting pg-full silent"),
    *rows(SMTP, up="smtp-ok", down="smtp-421 smtp-554 smtp-550 smtp-stall no-banner"),
    *rows(LDAP, up="ldap-ok", down="ldap-busy silent"),
    *rows(AGENT, up="agent-up", down="agent-down agent-failed"),
    *rows(PROXY, up="proxy-ok", down="proxy-unwanted"),
    *rows(H2, up="h2c-ok", down="h2c-503 h2c-unknown"),
]
TLS_ROWS = [
    *rows(HELLO, up="tls-200 tls-503 tls-mutual", down="tls-plain tls-silent tls-close"),
    *rows(SSL, up="tls-200",
          down="tls-503 tls-plain tls-silent tls-close tls-reset tls-refused tls-mutual tls-old "
               "tls-stall tls-cut tls-out-drop tls-lost"),
    *rows(SSL_TCP, up="tls-200 tls-503 tls-stall", down="tls-silent tls-refused"),
    *rows(TRUST, down="tls-200", right={"tls-200": "tls-alert"},
          only={"trust in a certificate": "tls-200"}),
]


class HaproxyBase(Client):
    name = "HAProxy"
    programs = ("haproxy",)
    options = ("--expect-codes", "200-399")
    defaults = "mode tcp"

    def start(self):
        backends = "\n".join(self.backend(n, p) for n, p in enumerate(self.places))
        self.socket = f"{self.lab.tmp}/haproxy.sock"
        config = self.lab.file("haproxy.cfg", f"""
global
  stats socket {self.socket} level admin
  maxconn 1000
defaults
  {self.defaults}
  timeout connect 1s
  timeout check 1s
  timeout client 1s
  timeout server 1s
{backends}
""")
        self.child = self.lab.spawn(self.lab.lb, "haproxy", "-db", "-f", config, log="client")

    def backend(self, number, place):
        how, server = place.row.check.how, ""
        if isinstance(how, tuple):
            how, server = how
        lines = "\n  ".join(how.split("\n"))
        server = server.format(port=place.port)
        check = "" if "agent" in server else "check "
        return (f"backend b{number}\n  {lines}\n  server s {place.target}:{place.port} source "
                f"{place.source} {server} {check}inter 2s fall 1 rise 1")

    def words(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)
            sock.sendall(b"show stat\n")
            text = b"".join(iter(lambda: sock.recv(65536), b"")).decode().lstrip("# ")
        said = {}
        for line in csv.DictReader(io.StringIO(text)):
            if line["svname"] != "s":
                continue
            place = self.places[int(line["pxname"][1:])]
            who = "agent" if place.row.check is AGENT else "check"
            status, code = line[f"{who}_status"].lstrip("* "), line[f"{who}_code"]
            if status not in ("", "INI"):
                good = status == "L7OK" if who == "agent" else line["status"].startswith("UP")
                word = UP if good else DOWN
                said[place.id] = word, f"{status}{code and '/'}{code}"
        return said


class HaproxyHttp(HaproxyBase):
    group = "haproxy-http"
    rows = HTTP_ROWS


class HaproxyProtocol(HaproxyBase):
    group = "haproxy-protocol"
    rows = PROTOCOL_ROWS


class HaproxyTls(HaproxyBase):
    group = "haproxy-tls"
    rows = TLS_ROWS
