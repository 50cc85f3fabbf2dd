# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Redis Sentinel: the flags of its masters are its word.  Its connections are kept."""
from client import Client
from model import DOWN, UP, Check, rows

PING = Check("PING", "kept", "")

ROWS = rows(PING, up="redis-ok",
            down="redis-auth redis-denied redis-busy silent read-close read-reset never-accept closed "
                 "loopback drop reject-rst out-drop out-drop-data lost lost-data no-route "
                 "late-stop late-redis-drop late-redis-lost")


class Sentinel(Client):
    group = "sentinel"
    name = "Redis Sentinel"
    programs = ("redis-sentinel", "redis-cli", "redis-server")
    interval = 1
    least = 8
    rows = ROWS

    def start(self):
        masters = "\n".join(
            f"sentinel monitor m{n} {p.target} {p.port} 9\n"
            f"sentinel down-after-milliseconds m{n} 1500" for n, p in enumerate(self.places))
        config = self.lab.file("sentinel.conf", (
            f"port 26379\ndir {self.lab.tmp}\nbind 127.0.0.1 {self.places[0].source}\nprotected-mode no\n"
            f"{masters}\n"))
        self.child = self.lab.spawn(self.lab.lb, "redis-sentinel", config, port=26379,
                                    log="client")

    def checks(self, place, since, over):
        # what does not answer is asked less often
        return super().checks(place, since, over) if place.row.word == UP else 1

    def words(self):
        text = self.lab.lb.run("redis-cli", "-p", 26379, "sentinel", "masters", check=False)
        said, lines = {}, text.splitlines()
        for key, value, number in zip(lines, lines[1:], range(len(lines))):
            if key == "name":
                name = value
            elif key == "flags" and number:
                down = "s_down" in value
                said[self.places[int(name[1:])].id] = (DOWN if down else UP), value
        return said
