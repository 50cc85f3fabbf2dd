# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Situations of what is no plain HTTP: TLS, services with a protocol of their own, datagrams."""
from model import Situation


def script(words, right, *steps, **settings):
    return Situation("script", dict(steps=steps, **settings), "", right, words)


FINE, SLOW, CLOSED, TLS_ALERT = ("healthy",), ("app-slow",), ("app-closed",), ("tls-alert",)
ERROR, WRAPPED = ("service-error",), ("tcp-wrappers",)
ALERT = "\x15\x03\x03\x00\x02\x02"


def tls_nginx(words, right, location, fault="", **settings):
    return Situation("nginx", dict(location=location, listen="ssl", **settings), fault, right, words)


TLS = {
    "tls-200": tls_nginx("nginx, TLS", FINE, 'return 200 "ok\\n";'),
    "tls-503": tls_nginx("nginx, TLS, 503 inside", ("http-status",), "return 503;"),
    "tls-plain": Situation("nginx", dict(location="return 200;"), "", ("protocol-mismatch",),
                           "TLS to nginx's plain port"),
    "tls-silent": script("ClientHello never answered", TLS_ALERT, ["hold"]),
    "tls-close": script("FIN after the ClientHello", TLS_ALERT, ["read", 1], ["close"]),
    "tls-reset": script("RST after the ClientHello", TLS_ALERT, ["read", 1], ["reset"]),
    "tls-refused": script("alert handshake_failure", TLS_ALERT, ["read", 1],
                          ["send", f"{ALERT}\x28"], ["close"]),
    "tls-no-name": script("alert unrecognized_name", TLS_ALERT, ["read", 1],
                          ["send", f"{ALERT}\x70"], ["close"]),
    "tls-mutual": script("client certificate demanded", TLS_ALERT, ["tls"], ["request"], ["close"],
                         verify=True),
    "tls-old": script("TLS 1.1 alone", TLS_ALERT, ["tls"], ["hold"], tls_max="1.1"),
    "tls-stall": script("handshake, then nothing", SLOW, ["tls"], ["hold"]),
    "tls-cut": script("handshake, then FIN", CLOSED, ["tls"], ["read", 1], ["close"]),
    "tls-out-drop": tls_nginx("OUTPUT drops the ServerHello", ("reply-dropped",), "return 200;",
                              "out-drop-data"),
    "tls-lost": tls_nginx("the router drops the ServerHello", ("reply-lost",), "return 200;",
                          "lost-data"),
}


def mysql_error(code, text):
    body = f"\xff{chr(code & 255)}{chr(code >> 8)}{text}"
    return f"{chr(len(body))}\0\0\0{body}"


def pg_error(code, text):
    body = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0"
    return f"E\0\0\0{chr(len(body) + 4)}{body}"


def ldap_result(code):
    return f"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01{chr(code)}\x04\0\x04\0"


PROTOCOL = {
    "redis-ok": Situation("redis", {}, "", FINE, "redis"),
    "redis-auth": Situation("redis", dict(args=["--requirepass", "x"]), "", ERROR,
                            "redis, -NOAUTH"),
    "redis-denied": Situation("redis", dict(args=["--protected-mode", "yes"]), "", ERROR,
                              "redis, -DENIED"),
    "redis-loading": script("redis, -LOADING", ERROR, ["read", 1], [
        "send", "-LOADING Redis is loading the dataset in memory\r\n"], ["hold"]),
    "redis-busy": script("redis, full", ERROR, [
        "send", "-ERR max number of clients reached\r\n"], ["close"]),
    "mysql-ok": Situation("mariadb", {}, "", FINE, "mariadb"),
    "mysql-denied": Situation("mariadb", dict(sql="FLUSH PRIVILEGES;"), "", ERROR,
                              "mariadb, host not allowed"),
    "mysql-full": script("MySQL error 1040", ERROR, [
        "send", mysql_error(1040, "Too many connections")], ["close"]),
    "mysql-blocked": script("MySQL error 1129", ERROR, [
        "send", mysql_error(1129, "Host is blocked")], ["close"]),
    "pg-ok": Situation("postgres", {}, "", FINE, "PostgreSQL"),
    "pg-denied": Situation("postgres", dict(hba="host all all 100.125.0.0/16 reject"), "", ERROR,
                           "PostgreSQL, refused by pg_hba.conf"),
    "pg-starting": script("PostgreSQL, starting", ERROR, ["startup"], [
        "send", pg_error("57P03", "the database system is starting up")], ["close"]),
    "pg-full": script("PostgreSQL, too many clients", ERROR, ["startup"], [
        "send", pg_error("53300", "sorry, too many clients already")], ["close"]),
    "smtp-ok": script("SMTP", FINE, ["send", "220 web ESMTP\r\n"], ["read", 1],
                      ["send", "250 web\r\n"], ["read", 1], ["send", "221 bye\r\n"], ["close"]),
    "smtp-421": script("SMTP 421", ERROR, ["send", "421 web too busy\r\n"], ["close"]),
    "smtp-554": script("SMTP 554", ERROR, ["send", "554 no service here\r\n"], ["read", 1],
                       ["send", "221 bye\r\n"], ["close"]),
    "smtp-550": script("SMTP, HELO refused", ERROR, ["send", "220 web ESMTP\r\n"], ["read", 1],
                       ["send", "550 go away\r\n"], ["read", 1], ["send", "221 bye\r\n"],
                       ["close"]),
    "smtp-stall": script("SMTP, HELO never answered", SLOW, ["send", "220 web ESMTP\r\n"],
                         ["hold"]),
    "ldap-ok": script("LDAP", FINE, ["read", 1], ["send", ldap_result(0)], ["hold"]),
    "ldap-busy": script("LDAP result 51", ERROR, ["read", 1], ["send", ldap_result(51)],
                        ["hold"]),
    "ftp-ok": Situation("vsftpd", dict(wrapped="NO"), "", FINE, "vsftpd"),
    "ftp-denied": Situation("vsftpd", dict(wrapped="YES"), "", WRAPPED, "vsftpd, hosts.deny"),
    "ftp-530": script("FTP 530", ERROR, ["send", "530 not now\r\n"], ["close"]),
    "ssh-ok": Situation("sshd", {}, "", FINE, "sshd"),
    "ssh-denied": Situation("sshd", dict(name="sshd-denied"), "", WRAPPED, "sshd, hosts.deny"),
    "agent-up": script("agent: up", FINE, ["send", "up\n"], ["close"]),
    "agent-down": script("agent: down", ERROR, ["send", "down\n"], ["close"]),
    "agent-failed": script("agent: failed", ERROR, ["send", "failed #disk full\n"], ["close"]),
    "no-banner": script("no banner", SLOW, ["hold"]),
    "banner-cut": script("FIN before the banner", CLOSED, ["close"]),
    "proxy-ok": Situation("nginx", dict(location="return 200;", listen="proxy_protocol"), "", FINE,
                          "nginx that demands PROXY"),
    "proxy-unwanted": Situation("nginx", dict(location="return 200;"), "", ("protocol-mismatch",),
                                "nginx without PROXY"),
    "h2c-ok": Situation("nginx", dict(location="return 200;", listen="http2"), "", FINE,
                        "nginx, HTTP/2"),
    "h2c-503": Situation("nginx", dict(location="return 503;", listen="http2"), "",
                         ("http-status",), "nginx, HTTP/2, 503"),
    "h2c-unknown": Situation("nginx", dict(location="return 200;"), "", ("protocol-mismatch",),
                             "nginx without HTTP/2"),
}


def grpc(says, words, right=("grpc-status",)):
    return Situation("grpc", dict(says=says), "", right, words)


GRPC = {
    "grpc-ok": grpc("SERVING", "gRPC, SERVING", FINE),
    "grpc-down": grpc("NOT_SERVING", "gRPC, NOT_SERVING"),
    "grpc-starting": grpc("UNKNOWN", "gRPC, UNKNOWN"),
    "grpc-no-service": grpc("not-found", "gRPC, status 5"),
    "grpc-unavailable": grpc("unavailable", "gRPC, status 14"),
    "grpc-none": grpc("unimplemented", "gRPC without the health service"),
}

NAME = "check.test"
ANSWER = [f"--address=/{NAME}/192.0.2.1"]


def dns(fault="", right=FINE, words="", args=ANSWER):
    return Situation("dnsmasq", dict(args=args), fault, right, words)


def dns_script(words, right, *steps):
    return script(words, right, *steps, udp=True)


DATAGRAM = {
    "dns-ok": dns(words="dnsmasq"),
    "dns-refused": dns(right=ERROR, words="dnsmasq, REFUSED", args=[]),
    "dns-nxdomain": dns(right=ERROR, words="dnsmasq, NXDOMAIN", args=["--local=/test/"]),
    "dns-servfail": dns_script("SERVFAIL", ERROR, ["answer", "\x81\x82\0\1" + "\0" * 6]),
    "dns-silent": dns_script("no answer", SLOW),
    "dns-garbage": dns_script("no DNS", ("protocol-mismatch", "service-error"), ["send", "hello"]),
    "dns-closed": Situation("none", {}, "", ("udp-no-listener",), "nobody listens"),
    "dns-drop": dns("drop", ("firewall-drop",)),
    "dns-reject": dns("reject-icmp", ("firewall-reject",)),
    "dns-out-drop": dns("out-drop", ("reply-dropped",)),
    "icmp-ok": Situation("none", {}, "", FINE, "echo"),
    "icmp-drop": Situation("none", {}, "drop", ("firewall-drop",)),
    "icmp-reject": Situation("none", {}, "reject-icmp", ("firewall-reject",)),
    "icmp-out-drop": Situation("none", {}, "out-drop", ("reply-dropped",)),
}

MORE = {**TLS, **PROTOCOL, **GRPC, **DATAGRAM}
