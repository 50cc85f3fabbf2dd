# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prometheus' blackbox exporter: probe_success is its word."""
import re

from client import Repeated
from model import DOWN, UP, Check, rows

MODULES = """
modules:
  http: {prober: http, timeout: 1s, http: {preferred_ip_protocol: ip4, follow_redirects: false}}
  string: {prober: http, timeout: 1s, http: {preferred_ip_protocol: ip4,
    fail_if_body_not_matches_regexp: [ok]}}
  post: {prober: http, timeout: 1s, http: {preferred_ip_protocol: ip4, method: POST, body: ping}}
  https: {prober: http, timeout: 1s, http: {preferred_ip_protocol: ip4,
    tls_config: {insecure_skip_verify: true}}}
  trust: {prober: http, timeout: 1s, http: {preferred_ip_protocol: ip4}}
  tcp: {prober: tcp, timeout: 1s, tcp: {preferred_ip_protocol: ip4}}
  tls: {prober: tcp, timeout: 1s, tcp: {preferred_ip_protocol: ip4, tls: true,
    tls_config: {insecure_skip_verify: true}}}
  smtp: {prober: tcp, timeout: 1s, tcp: {preferred_ip_protocol: ip4, query_response: [
    {expect: "^220"}, {send: "HELO web\\r"}, {expect: "^250"}, {send: "QUIT\\r"}]}}
  ssh: {prober: tcp, timeout: 1s, tcp: {preferred_ip_protocol: ip4, query_response: [
    {expect: "^SSH-2.0-"}]}}
  redis: {prober: tcp, timeout: 1s, tcp: {preferred_ip_protocol: ip4, query_response: [
    {send: "PING\\r"}, {expect: "^.PONG"}]}}
  icmp: {prober: icmp, timeout: 1s, icmp: {preferred_ip_protocol: ip4}}
  dns: {prober: dns, timeout: 1s, dns: {preferred_ip_protocol: ip4, query_name: check.test,
    query_type: A}}
  grpc: {prober: grpc, timeout: 1s, grpc: {preferred_ip_protocol: ip4}}
"""
HTTP = Check("http", "plain-http", "http://{target}:{port}/health")
STRING = Check("http, expected string", "plain-http", "http://{target}:{port}/health")
POST = Check("http POST", "plain-http", "http://{target}:{port}/health")
HTTPS = Check("https, no verification", "tls", "https://{target}:{port}/health")
TRUST = Check("https", "tls", "https://{target}:{port}/health")
TCP = Check("tcp", "tcp", "{target}:{port}")
TLS = Check("tcp, tls", "tls", "{target}:{port}")
SMTP = Check("tcp, smtp", "protocol", "{target}:{port}")
SSH = Check("tcp, ssh", "protocol", "{target}:{port}")
REDIS = Check("tcp, redis", "protocol", "{target}:{port}")
ICMP = Check("icmp", "icmp", "{target}")
DNS = Check("dns", "protocol", "{target}:{port}")
GRPC = Check("grpc", "protocol", "{target}:{port}")
MODULE = {HTTP: "http", STRING: "string", POST: "post", HTTPS: "https", TRUST: "trust", TCP: "tcp",
          TLS: "tls", SMTP: "smtp", SSH: "ssh", REDIS: "redis", ICMP: "icmp", DNS: "dns",
          GRPC: "grpc"}

HTTP_ROWS = [
    *rows(HTTP, up="200 204 big chunked until-close early-hints slow-in-time kept-open",
          down="301 304 404 503 hints-503 stall-headers stall-body stall-chunk trickle-body cut-headers "
               "cut-body reset-body no-last-chunk close reset silent slow garbage never-accept "
               "queue-full closed drop reject-icmp drop-request out-drop out-drop-data "
               "out-drop-body lost lost-data lost-body stall-close no-route dead-gateway",
          right={"304": "http-status"},
          short="200 301 stall-body cut-body reset lost-body out-drop-body"),
    *rows(STRING, up="200 chunked", down="other-string stall-body",
          only={"an expected string": "other-string"}),
    *rows(POST, up="200", down="405 503"),
    *rows(TCP, up="200 silent never-accept", down="closed drop reject-rst out-drop lost blackhole",
          short="200 closed"),
]
MORE_ROWS = [
    *rows(HTTPS, up="tls-200",
          down="tls-503 tls-plain tls-silent tls-close tls-refused tls-mutual tls-stall tls-cut"),
    *rows(TRUST, down="tls-200", right={"tls-200": "tls-alert"},
          only={"trust in a certificate": "tls-200"}),
    *rows(TLS, up="tls-200 tls-stall", down="tls-plain tls-silent tls-close"),
    *rows(SMTP, up="smtp-ok", down="smtp-421 smtp-550 smtp-stall"),
    *rows(SSH, up="ssh-ok", down="ssh-denied no-banner banner-cut"),
    *rows(REDIS, up="redis-ok", down="redis-auth redis-denied redis-loading"),
    *rows(ICMP, up="icmp-ok", down="icmp-drop icmp-reject icmp-out-drop"),
    *rows(DNS, up="dns-ok",
          down="dns-refused dns-nxdomain dns-servfail dns-silent dns-closed dns-drop dns-reject "
               "dns-out-drop"),
    *rows(GRPC, up="grpc-ok",
          down="grpc-down grpc-starting grpc-no-service grpc-unavailable grpc-none h2c-ok "
               "h2c-503 200",
          right={"h2c-ok": "grpc-status protocol-mismatch", "h2c-503": "http-status grpc-status",
                 "200": "protocol-mismatch"}),
]


class Blackbox(Repeated):
    group = "blackbox-http"
    name = "blackbox exporter"
    programs = ("prometheus-blackbox-exporter",)
    options = ("--expect-codes", "200-299")
    rows = HTTP_ROWS

    def start(self):
        config = self.lab.file("blackbox.yml", MODULES)
        self.child = self.lab.spawn(self.lab.lb, self.programs[0], f"--config.file={config}",
                                    "--web.listen-address=127.0.0.1:9115", port=9115, log="client")
        super().start()

    def close(self):
        super().close()
        if self.child:
            self.lab.stop(self.child)
            self.child = None

    def argv(self, place):
        target = place.row.check.how.format(target=place.target, port=place.port)
        return ("curl", "-q", "-s", "-m", 5, "-G", "--data-urlencode", f"target={target}", "--data-urlencode",
                f"module={MODULE[place.row.check]}", "http://127.0.0.1:9115/probe")

    def word(self, place, done):
        value = dict(re.findall(r"^(probe_[a-z_]+) (\d+)$", done.stdout, re.M))
        status = value.get("probe_http_status_code", "0")
        said = f"probe_success {value.get('probe_success')}"
        return (UP if value.get("probe_success") == "1" else DOWN,
                said + (f", status {status}" if status != "0" else ""))


class BlackboxMore(Blackbox):
    group = "blackbox-more"
    rows = MORE_ROWS
