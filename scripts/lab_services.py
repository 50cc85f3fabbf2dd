# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What runs on the backend: real daemons from their own config files, and small servers."""
import contextlib
import os
import socket

from lab import PYTHON, sh

SERVERS = f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/tests/live/servers"

# port: what nginx does with any request there
NGINX_PORTS = {
    80: 'return 200 "ok\\n";',
    8202: 'return 202 "later\\n";',
    8204: "return 204;",
    8301: "return 301 https://www.example.org/health;",
    8401: 'return 401 "who?\\n";',
    8502: "proxy_pass http://127.0.0.1:9;",
    8503: 'return 503 "down for maintenance\\n";',
}


class Nginx:
    """nginx with a server for each of NGINX_PORTS, on IPv4 and IPv6."""

    def __init__(self, lab, space=None, ports=None, more=""):
        space, ports = space or lab.backend, ports or NGINX_PORTS
        servers = "\n".join(
            f"  server {{ listen {port}; listen [::]:{port} ipv6only=on; location / {{ {what} }} }}"
            for port, what in ports.items())
        folder = f"{lab.tmp}/nginx-{len(lab.children)}"
        os.mkdir(folder)
        temp = "\n".join(f"  {kind}_temp_path {folder}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = lab.file(f"{os.path.basename(folder)}.conf", f"""
daemon off;
worker_processes 1;
user root;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  default_type text/plain;
  {more}
{temp}
{servers}
}}
""")
        self.child = lab.spawn(space, "/usr/sbin/nginx", "-c", config, "-e", f"{folder}/error.log",
                               port=int(str(next(iter(ports))).split()[0]), log="nginx")


class Tls:
    """A TLS port: nginx, or openssl s_server with more OPTIONS."""

    def __init__(self, lab, port, *options, nginx=False):
        key, cert = f"{lab.tmp}/tls.key", f"{lab.tmp}/tls.crt"
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
           cert, "-subj", "/CN=web", "-days", "2")
        if nginx:
            Nginx(lab, ports={f"{port} ssl": 'return 200 "ok\\n";'},
                  more=f"ssl_certificate {cert}; ssl_certificate_key {key};")
        else:
            lab.spawn(lab.backend, "openssl", "s_server", "-accept", port, "-key", key, "-cert",
                      cert, "-www", *options, port=port)


def certificate(lab, name, expired=False):
    """A self-signed one for web.example.org; returns its file and its key's."""
    cert, key = f"{lab.tmp}/{name}.crt", f"{lab.tmp}/{name}.key"
    sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
       "-subj", "/CN=web.example.org", "-days", 2)
    if expired:
        expire(lab, cert, key)
    return cert, key


def expire(lab, cert, key):
    """Replaces a self-signed CERT by one whose time is over."""
    lab.file("index", "")
    config = lab.file("ca.cnf", f"""
[ca]
default_ca = a
[a]
database = {lab.tmp}/index
new_certs_dir = {lab.tmp}
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = e
[e]
basicConstraints = CA:true
[p]
commonName = supplied
""")
    request = f"{cert}.request"
    sh("openssl", "req", "-new", "-key", key, "-subj", "/CN=web.example.org", "-out", request)
    sh("openssl", "ca", "-batch", "-config", config, "-selfsign", "-keyfile", key, "-in", request,
       "-out", cert, "-notext", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")


class TlsService:
    """A TLS port by nginx (the default), openssl s_server or haproxy, or one that only listens.

    Of nginx: location, protocols, ciphers; backend "hang" puts an application behind it that never
    answers.  Of haproxy: verify "required", strict (only known server names).
    """

    def __init__(self, lab, port, kind="nginx", options=(), expired=False, **settings):
        if kind in ("silent", "closes", "never-accepts"):
            mode = {"silent": "silent", "closes": "close", "never-accepts": "never-accept"}[kind]
            tcp_server(lab, mode, port)
            return
        cert, key = certificate(lab, "service", expired)
        getattr(self, kind)(lab, port, cert, key, options, **settings)

    def nginx(self, lab, port, cert, key, _, location='return 200 "ok\\n";', protocols="TLSv1.2 TLSv1.3",
              ciphers="", verify="", backend="", proxy=False):
        if backend == "hang":
            tcp_server(lab, "silent", 7099)
            location = "proxy_pass http://127.0.0.1:7099;"
        more = f"ssl_certificate {cert}; ssl_certificate_key {key};"
        more += f" ssl_protocols {protocols};"
        more += f" ssl_ciphers {ciphers};" * bool(ciphers)
        more += f" ssl_client_certificate {cert}; ssl_verify_client {verify};" * bool(verify)
        Nginx(lab, ports={f"{port} ssl{' proxy_protocol' * proxy}": location}, more=more)

    def openssl(self, lab, port, cert, key, options):
        lab.spawn(lab.backend, "openssl", "s_server", "-accept", port, "-key", key, "-cert", cert,
                  *options, port=port)

    def haproxy(self, lab, port, cert, key, _, verify="none", strict=False, more="",
                rule="http-request return status 200"):
        with open(f"{lab.tmp}/both.pem", "w", encoding="ascii") as both:
            for path in (cert, key):
                with open(path, encoding="ascii") as one:
                    both.write(one.read())
        more = f" {more}" + f" ca-file {cert} verify {verify}" * (verify != "none") + " strict-sni" * strict
        config = lab.file("service.cfg", f"""
defaults
  mode http
  timeout connect 2s
  timeout server 2s
  timeout client 2s
frontend f
  bind :{port} ssl crt {lab.tmp}/both.pem{more}
  {rule}
""")
        lab.spawn(lab.backend, "haproxy", "-db", "-f", config, port=port, log="service")


XINETD_PORT = 8101  # xinetd asks libwrap itself
TCPD_PORT = 8102  # tcpd asks, under xinetd
VSFTPD_PORT = 8021


class Xinetd:
    """xinetd with the same HTTP service twice: wrapped by xinetd, and by tcpd."""

    def __init__(self, lab):
        service = f"{SERVERS}/http_once.sh"
        common = """
  type = UNLISTED
  socket_type = stream
  protocol = tcp
  wait = no
  user = root
"""
        config = lab.file("xinetd.conf", f"""
defaults
{{
  instances = 50
  cps = 1000 1
}}
service wrapped-http
{{{common}
  port = {XINETD_PORT}
  server = {service}
}}
service tcpd-http
{{{common}
  flags = NAMEINARGS NOLIBWRAP
  port = {TCPD_PORT}
  server = /usr/sbin/tcpd
  server_args = {service}
}}
""")
        self.child = lab.spawn(lab.backend, "/usr/sbin/xinetd", "-dontfork", "-f", config,
                               "-pidfile", f"{lab.tmp}/xinetd.pid", "-filelog",
                               f"{lab.tmp}/xinetd.log", port=TCPD_PORT)


class Vsftpd:
    """vsftpd that asks libwrap: it greets with 220, or with 421 when refused."""

    def __init__(self, lab):
        empty = f"{lab.tmp}/vsftpd-empty"
        os.mkdir(empty, 0o755)
        config = lab.file("vsftpd.conf", f"""
listen=YES
listen_port={VSFTPD_PORT}
background=NO
tcp_wrappers=YES
anonymous_enable=YES
secure_chroot_dir={empty}
seccomp_sandbox=NO
xferlog_enable=NO
""")
        os.chmod(config, 0o600)
        self.child = lab.spawn(lab.backend, "/usr/sbin/vsftpd", config, port=VSFTPD_PORT)


def tcp_server(lab, mode, port, *args, name="", space=None):
    return lab.spawn(space or lab.backend, PYTHON, f"{SERVERS}/tcp_server.py", mode, port,
                     "--name", name, *args, port=port, log=f"tcp-{mode}")


def answer_server(lab, port, *steps, name="app", bind="0.0.0.0", space=None):
    """A service that answers with STEPS: see servers/answer_server.py, which takes options, too."""
    return lab.spawn(space or lab.backend, PYTHON, f"{SERVERS}/answer_server.py", port, "--name",
                     name, "--bind", bind, *steps, port=port, log="answer")


def tproxy_server(lab, port, *args, name="proxy"):
    """A transparent proxy that answers by itself."""
    return lab.spawn(lab.backend, PYTHON, f"{SERVERS}/tproxy_server.py", port, "--name", name,
                     *args, port=port, log="tproxy")


def haproxy_for_device(lab, port, device):
    """HAProxy, which answers itself, for one DEVICE alone."""
    config = lab.file("for-device.cfg", f"""
defaults
  mode http
  timeout connect 2s
  timeout server 2s
  timeout client 2s
frontend f
  bind :{port} interface {device}
  http-request return status 200
""")
    return lab.spawn(lab.backend, "haproxy", "-db", "-f", config, port=port, log="haproxy")


def udp_server(lab, mode, port, *args, name="", space=None):
    return lab.spawn(space or lab.backend, PYTHON, f"{SERVERS}/udp_server.py", mode, port,
                     "--name", name, *args, port=port, udp=True, log=f"udp-{mode}")


@contextlib.contextmanager
def filled_accept_queue(lab, port, backlog):
    """Fills the queue of a listener that never accepts, with connections from the host itself."""
    held = []
    try:
        with lab.backend.enter():
            for _ in range(backlog + 1):
                sock = socket.socket()
                held.append(sock)
                sock.settimeout(0.3)
                try:
                    sock.connect(("127.0.0.1", port))
                except TimeoutError:  # earlier checks sit in the queue too: full already
                    break
        yield
    finally:
        for sock in held:
            sock.close()
