# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ncat and socat as bare TCP clients; the databases' own clients."""
from client import Repeated
from model import DOWN, UP, Check, rows

NCAT = Check("ncat -z", "tcp", ("ncat", "-n", "-z", "-w", "1", "{target}", "{port}"))
SOCAT = Check("socat", "tcp", ("socat", "-u", "/dev/null", "TCP:{target}:{port},connect-timeout=1"))
ISREADY = Check("pg_isready", "protocol",
                ("pg_isready", "-q", "-t", "1", "-h", "{target}", "-p", "{port}"))
ADMIN = Check("mysqladmin ping", "protocol", (
    "mysqladmin", "--no-defaults", "--connect-timeout=1", "-h", "{target}", "-P", "{port}", "-u",
    "check", "ping"))
CLI = Check("redis-cli ping", "protocol", ("timeout", "1", "redis-cli", "-h", "{target}", "-p",
                                           "{port}", "ping"))

TCP_UP = "200 silent never-accept close-unread"
TCP_DOWN = ("closed loopback drop reject-rst reject-icmp out-drop lost no-route blackhole "
            "dead-gateway queue-full")
DATABASE_DOWN = "no-banner banner-cut closed drop out-drop lost-data never-accept"


class OneShot(Repeated):
    def argv(self, place):
        return [word.format(target=place.target, port=place.port) for word in place.row.check.how]


class Ncat(OneShot):
    group = "ncat"
    name = "ncat"
    programs = ("ncat",)
    rows = rows(NCAT, up=TCP_UP, down=TCP_DOWN, short="200 reject-rst out-drop")


class Socat(OneShot):
    group = "socat"
    name = "socat"
    programs = ("socat",)
    rows = rows(SOCAT, up=TCP_UP, down=TCP_DOWN)


class PgIsready(OneShot):
    group = "pg_isready"
    name = "pg_isready"
    programs = ("pg_isready",)
    rows = rows(ISREADY, up="pg-ok pg-denied pg-full", down=f"pg-starting {DATABASE_DOWN}")


class Mysqladmin(OneShot):
    group = "mysqladmin"
    name = "mysqladmin"
    programs = ("mysqladmin", "mariadbd")
    # the nginx there does not greet: nothing is lost
    rows = rows(ADMIN, up="mysql-ok", down=f"mysql-denied mysql-full {DATABASE_DOWN}",
                right={"lost-data": "app-slow"})


class RedisCli(OneShot):
    group = "redis-cli"
    name = "redis-cli"
    programs = ("redis-cli", "redis-server")
    rows = rows(CLI, up="redis-ok",
                down=f"redis-auth redis-denied redis-loading redis-busy {DATABASE_DOWN}")

    def word(self, place, done):
        said = done.stdout.strip().partition("\n")[0][:30]
        return (UP if said == "PONG" else DOWN), said or f"exit {done.returncode}"
