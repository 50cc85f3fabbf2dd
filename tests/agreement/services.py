# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts what the backend runs: one process for all places where that goes, else one for each."""
import json
import os
import shutil

import lab_services
from lab import PYTHON, sh

HERE = os.path.dirname(os.path.abspath(__file__))
READY_PORT = 9999


def certificate(lab, name="web"):
    """Key and self-signed certificate of the lab, made once."""
    key, cert = f"{lab.tmp}/{name}.key", f"{lab.tmp}/{name}.crt"
    if not os.path.exists(cert):
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
           cert, "-subj", f"/CN={name}", "-days", "2", "-addext",
           "subjectAltName=IP:192.168.0.10,DNS:web")
        os.chmod(key, 0o644)
    return dict(key=key, cert=cert)


def nginx(lab, places):
    cert, ports = certificate(lab), {}
    for place, settings in places:
        listen = f"{place.port} {settings.get('listen', '')}".strip()
        ports[listen] = settings["location"]
    lab_services.Nginx(lab, ports=ports, more=(
        f"ssl_certificate {cert['cert']}; ssl_certificate_key {cert['key']};"))


def script(lab, places):
    services = []
    for place, settings in places:
        services.append(dict(settings, port=place.port, **certificate(lab)))
    path = lab.file("services.json", json.dumps(services))
    lab.odd_server = lab.spawn(lab.backend, PYTHON, f"{HERE}/odd_server.py", path, READY_PORT,
                               port=READY_PORT)


def sshd(lab, places):
    """Named after what hosts.deny has, so that one may be refused and another not."""
    key = f"{lab.tmp}/ssh_host_key"
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    for place, settings in places:
        name = settings.get("name", "sshd-open")
        link = f"{lab.tmp}/{name}"
        if not os.path.exists(link):
            os.symlink("/usr/sbin/sshd", link)
        # /run is this process's own: ip netns exec gives it a mount namespace
        lab.spawn(lab.backend, "sh", "-c", "mount -t tmpfs run /run && mkdir -m 755 /run/sshd && "
                  'exec "$0" -D -e -f /dev/null -h "$1" -p "$2"', link, key, place.port,
                  port=place.port, log="sshd")


def redis(lab, places):
    for place, settings in places:
        folder = f"{lab.tmp}/redis-{place.port}"
        os.mkdir(folder)
        place.service = lab.spawn(
            lab.backend, "redis-server", "--port", place.port, "--bind", "0.0.0.0", "--save", "",
            "--dir", folder, "--protected-mode", "no", *settings.get("args", ()), port=place.port)


def postgres(lab, places):
    """One cluster for each place, all from the same initdb."""
    home = sorted(os.listdir("/usr/lib/postgresql"))[-1]
    programs, user = f"/usr/lib/postgresql/{home}/bin", ("setpriv", "--reuid=postgres",
                                                         "--regid=postgres", "--clear-groups")
    first = f"{lab.tmp}/pg"
    os.mkdir(first, 0o700)
    shutil.chown(first, "postgres", "postgres")
    sh(*user, f"{programs}/initdb", "-D", first, "-A", "trust", "--no-sync", "-U", "postgres")
    for place, settings in places:
        folder = f"{first}-{place.port}"
        sh("cp", "-a", first, folder)
        with open(f"{folder}/pg_hba.conf", "a", encoding="ascii") as f:
            f.write(settings.get("hba", "host all all 100.125.0.0/16 trust") + "\n")
        lab.spawn(lab.backend, *user, f"{programs}/postgres", "-D", folder, "-p", place.port,
                  "-c", "listen_addresses=*", "-c", f"unix_socket_directories={folder}", "-c",
                  "fsync=off", "-c", "shared_buffers=8MB", *settings.get("args", ()),
                  port=place.port, log="postgres")


def mariadb(lab, places):
    folder = f"{lab.tmp}/mysql"
    os.mkdir(folder)
    shutil.chown(folder, "mysql", "mysql")
    sh("mariadb-install-db", "--user=mysql", f"--datadir={folder}", "--skip-test-db",
       "--auth-root-authentication-method=normal", "--skip-name-resolve")
    for place, settings in places:
        own = f"{folder}-{place.port}"
        sh("cp", "-a", folder, own)
        allow = lab.file(f"mysql-{place.port}.sql", settings.get("sql", (
            "CREATE USER IF NOT EXISTS 'check'@'%';\nFLUSH PRIVILEGES;")) + "\n")
        lab.spawn(lab.backend, "mariadbd", "--no-defaults", "--user=mysql", f"--datadir={own}",
                  f"--port={place.port}", "--bind-address=0.0.0.0", f"--socket={own}/socket",
                  f"--pid-file={own}/pid", "--skip-name-resolve", f"--init-file={allow}",
                  "--innodb-buffer-pool-size=8M", *settings.get("args", ()), port=place.port,
                  log="mariadbd")


def vsftpd(lab, places):
    for place, settings in places:
        empty = f"{lab.tmp}/vsftpd-{place.port}"
        os.mkdir(empty, 0o755)
        config = lab.file(f"vsftpd-{place.port}.conf", (
            f"listen=YES\nlisten_port={place.port}\nbackground=NO\nanonymous_enable=YES\n"
            f"tcp_wrappers={settings['wrapped']}\nsecure_chroot_dir={empty}\n"
            "seccomp_sandbox=NO\nxferlog_enable=NO\n"), 0o600)
        lab.spawn(lab.backend, "/usr/sbin/vsftpd", config, port=place.port)


def xinetd(lab, places):
    blocks = "".join(
        f"service wrapped-http\n{{\n id = http-{place.port}\n type = UNLISTED\n"
        f" socket_type = stream\n protocol = tcp\n wait = no\n user = root\n port = {place.port}\n"
        f" server = {lab_services.SERVERS}/http_once.sh\n}}\n" for place, _ in places)
    config = lab.file("xinetd.conf", f"defaults\n{{\n instances = 50\n cps = 1000 1\n}}\n{blocks}")
    lab.spawn(lab.backend, "/usr/sbin/xinetd", "-dontfork", "-f", config, "-pidfile",
              f"{lab.tmp}/xinetd.pid", "-filelog", f"{lab.tmp}/xinetd.log",
              port=places[-1][0].port)


def dnsmasq(lab, places):
    for place, settings in places:
        lab.spawn(lab.backend, "dnsmasq", "-k", "-C", "/dev/null", "-p", place.port, "--no-hosts",
                  "--no-resolv", "--user=root", "--pid-file=", "--bind-interfaces",
                  *settings.get("args", ()), port=place.port, udp=True)


def grpc(lab, places):
    """gRPC's health service, from Debian's python3-grpcio."""
    for place, settings in places:
        lab.spawn(lab.backend, PYTHON, f"{HERE}/grpc_server.py", place.port, settings["says"],
                  port=place.port)


def haproxy(lab, places):
    """A load balancer as the backend of another, without servers of its own: 503."""
    fronts = "\n".join(f"frontend f{place.port}\n  bind :{place.port}\n  default_backend none"
                       for place, _ in places)
    config = lab.file("service-haproxy.cfg", (
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n"
        f"{fronts}\nbackend none\n"))
    lab.spawn(lab.backend, "haproxy", "-db", "-f", config, port=places[-1][0].port)


def none(lab, places):
    """Nobody listens."""


STARTERS = dict(nginx=nginx, script=script, sshd=sshd, redis=redis, postgres=postgres,
                mariadb=mariadb, vsftpd=vsftpd, xinetd=xinetd, dnsmasq=dnsmasq, haproxy=haproxy,
                grpc=grpc, none=none)


def start(lab, places, situation_of):
    lab.backend.write_etc("hosts.deny", "".join(
        f"{daemon}: 100.125.\n" for daemon in ("http_once.sh", "vsftpd", "sshd-denied")))
    by_service = {}
    for place in places:
        situation = situation_of(place)
        by_service.setdefault(situation.service, []).append((place, situation.settings))
    for service, wanted in by_service.items():
        STARTERS[service](lab, wanted)
