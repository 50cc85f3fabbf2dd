#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab: a load balancer, a router and a backend server as network namespaces.

    lb (100.125.10.5, .6, .7) ---- router ---- eth0 backend (192.168.0.10)
                                        \\----- eth1 backend (192.168.1.10), on request
                                        docker0 (172.17.0.1) ---- eth0 container (172.17.0.2),
                                        behind the backend, on request

Everything lies in namespaces of its own: the host's network is not touched.  All that a run
makes carries a tag with its process id and start time, so that `lab.py sweep` can tell the
remains of dead runs from the living.

    lab.py up [--second-link]   build one, say how to use it, keep it until Ctrl-C
    lab.py sweep                remove what dead runs left behind
"""
import argparse
import atexit
import contextlib
import ctypes
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

LB_NODES = ("100.125.10.5", "100.125.10.6", "100.125.10.7")
LB6_NODES = ("fd00:100:125::5", "fd00:100:125::6")
OUTSIDER = "203.0.113.9"  # behind the same router, but not of the range
OUTSIDER6 = "2001:db8:203::9"
BACKEND = "192.168.0.10"
BACKEND_2 = "192.168.1.10"
BACKEND6 = "fd00:192:168::10"
GATEWAY = "192.168.0.1"
GATEWAY6 = "fd00:192:168::1"
CONTAINER = "172.17.0.2"
CONTAINER6 = "fd00:172:17::2"
RANGE = "100.125.0.0/16"
RANGE6 = "fd00:100:125::/64"

PYTHON = "/usr/bin/python3"
TMP = "/tmp"
ETC_NETNS = "/etc/netns"
CLONE_NEWNET = 0x40000000
TAG = re.compile(r"^hct-(\d+)-(\d+)-")

# How many times longer things may take than usual: an emulated processor is slow.
PATIENCE = float(os.environ.get("HCT_TEST_PATIENCE", 1))

_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count(1)


def _start_time(pid):
    """Clock ticks from boot to the start of process PID, None when there is none, or a dead one."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def run_tag():
    """What every name of this run starts with."""
    return f"hct-{os.getpid()}-{_start_time(os.getpid())}"


def sh(*argv, check=True, data=None):
    """Runs a command, returns what it printed; raises with its message when it fails."""
    done = subprocess.run([str(a) for a in argv], input=data, text=True, capture_output=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {done.returncode}: "
                           f"{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Namespace:
    """A network namespace with its own /etc/hosts.allow and the like."""

    def __init__(self, name):
        self.name = name
        self.etc = f"{ETC_NETNS}/{name}"
        # `ip netns exec` binds these over the host's at exec: they must be there before a
        # service starts, and be rewritten in place.  A name server that refuses at once keeps
        # libwrap's reverse look-ups short.
        os.makedirs(self.etc)
        self.write_etc("hosts.allow", "")
        self.write_etc("hosts.deny", "")
        self.write_etc("hosts", "127.0.0.1 localhost\n")
        self.write_etc("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
        try:
            sh("ip", "netns", "add", name)
            self.ip("link set lo up")
        except BaseException:
            self.delete()
            raise

    def write_etc(self, file, text):
        with open(f"{self.etc}/{file}", "w", encoding="utf-8") as f:
            f.write(text)

    def argv(self, *argv):
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def run(self, *argv, check=True, data=None):
        return sh(*self.argv(*argv), check=check, data=data)

    def ip(self, *lines):
        """Runs lines of ip(8) in one batch."""
        sh("ip", "-n", self.name, "-batch", "-", data="\n".join(lines) + "\n")

    @contextlib.contextmanager
    def enter(self):
        """Moves the calling thread into the namespace: sockets opened here stay in it."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            self._setns(there)
            yield
        finally:
            self._setns(own)
            os.close(there)
            os.close(own)

    @staticmethod
    def _setns(fd):
        if _libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def sysctl(self, **values):
        """Sets net sysctls; '__' in a name stands for '/'."""
        with self.enter():
            for name, value in values.items():
                with open(f"/proc/sys/net/{name.replace('__', '/')}", "w", encoding="ascii") as f:
                    f.write(str(value))

    def listening(self, port, udp=False):
        """True when some socket of the namespace listens on (or is bound to) PORT."""
        with self.enter():
            for table in ("udp", "udp6") if udp else ("tcp", "tcp6"):
                with open(f"/proc/thread-self/net/{table}", encoding="ascii") as f:
                    for line in f.readlines()[1:]:
                        field = line.split()
                        bound = int(field[1].rpartition(":")[2], 16)
                        if bound == port and (udp or field[3] == "0A"):  # LISTEN
                            return True
        return False

    def pids(self):
        return [int(p) for p in sh("ip", "netns", "pids", self.name, check=False).split()]

    def delete(self):
        kill_all(self.pids())
        sh("ip", "netns", "del", self.name, check=False)
        shutil.rmtree(self.etc, ignore_errors=True)


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Lab:
    """One load balancer, router and backend; a context manager that leaves nothing behind."""

    def __init__(self, second_link=False, first_port=None, container=False):
        serial = next(_serial)
        self.tag = f"{run_tag()}-{serial}"
        self.tmp = f"{TMP}/{self.tag}"
        self.children = []
        self.spaces = []
        self._lock = threading.Lock()
        # Labs that run side by side use other source ports, as hosts side by side would.
        own_port = 30000 + (os.getpid() * 131 + serial * 100) % 30000
        self._ports = itertools.count(first_port or own_port)
        self._closed = False
        atexit.register(self.close)
        try:
            os.mkdir(self.tmp, 0o755)
            os.chmod(self.tmp, 0o755)
            self.lb = self.namespace("lb")
            self.router = self.namespace("router")
            self.backend = self.namespace("web")
            self._wire(second_link)
            if container:
                self._wire_container()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def namespace(self, role):
        space = Namespace(f"{self.tag}-{role}")
        self.spaces.append(space)
        return space

    def _wire(self, second_link):
        for space in self.spaces:
            space.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                         ipv6__conf__default__accept_ra=0, ipv6__conf__default__accept_dad=0,
                         ipv6__conf__default__router_solicitations=0)
        self.router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        lb, web = self.lb.name, self.backend.name
        self.router.ip(
            f"link add lb0 type veth peer name eth0 netns {lb}",
            f"link add web0 type veth peer name eth0 netns {web}",
            "addr add 100.125.10.1/24 dev lb0", "addr add fd00:100:125::1/64 dev lb0",
            f"addr add {GATEWAY}/24 dev web0", f"addr add {GATEWAY6}/64 dev web0",
            "link set lb0 up", "link set web0 up",
            f"route add {OUTSIDER} dev lb0", f"route add {OUTSIDER6} dev lb0")
        self.lb.ip(
            *(f"addr add {a}/32 dev eth0" for a in LB_NODES),
            *(f"addr add {a}/64 dev eth0" for a in LB6_NODES),
            f"addr add {OUTSIDER}/32 dev eth0", f"addr add {OUTSIDER6}/128 dev eth0",
            "link set eth0 up", "route add 100.125.10.1 dev eth0",
            "route add default via 100.125.10.1", "route add default via fd00:100:125::1")
        self.backend.ip(
            f"addr add {BACKEND}/24 dev eth0", f"addr add {BACKEND6}/64 dev eth0",
            "link set eth0 up",
            f"route add default via {GATEWAY}", f"route add default via {GATEWAY6}")
        if second_link:
            self.router.ip(f"link add web1 type veth peer name eth1 netns {web}",
                           "addr add 192.168.1.1/24 dev web1", "link set web1 up")
            self.backend.ip(f"addr add {BACKEND_2}/24 dev eth1", "link set eth1 up")

    def _wire_container(self):
        """A container as Docker would have it, but without rules that publish its ports."""
        self.container = self.namespace("box")
        self.container.sysctl(ipv6__conf__default__accept_dad=0)
        self.backend.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.backend.ip(
            "link add docker0 type bridge", "addr add 172.17.0.1/16 dev docker0",
            "addr add fd00:172:17::1/64 dev docker0", "link set docker0 up",
            f"link add veth0 type veth peer name eth0 netns {self.container.name}",
            "link set veth0 master docker0", "link set veth0 up")
        self.container.ip(
            f"addr add {CONTAINER}/16 dev eth0", f"addr add {CONTAINER6}/64 dev eth0",
            "link set eth0 up", "route add default via 172.17.0.1",
            "route add default via fd00:172:17::1")

    def next_port(self):
        """A source port that no other check of this lab uses: it names the probe."""
        with self._lock:
            return next(self._ports)

    def file(self, name, text, mode=0o644):
        path = f"{self.tmp}/{name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def spawn(self, space, *argv, port=None, udp=False, log=None):
        """Starts a service in SPACE; with PORT waits until that is open."""
        log = f"{self.tmp}/{log or os.path.basename(str(argv[0]))}-{len(self.children)}.log"
        with open(log, "w", encoding="utf-8") as out:
            child = subprocess.Popen(space.argv(*argv), stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=out, start_new_session=True)
        self.children.append(child)
        deadline = time.monotonic() + 10 * PATIENCE
        while port and not space.listening(port, udp):
            if child.poll() is not None or time.monotonic() > deadline:
                with open(log, encoding="utf-8", errors="replace") as f:
                    raise RuntimeError(f"{argv} did not open port {port}:\n{f.read()}")
            time.sleep(0.01)
        return child

    def stop(self, child):
        """Ends a service started with spawn() and waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child in self.children:
            self.children.remove(child)

    def close(self):
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        for child in list(self.children):
            self.stop(child)
        for space in self.spaces:
            space.delete()
        shutil.rmtree(self.tmp, ignore_errors=True)


def sweep():
    """Removes what runs that are no more have left behind; returns their names."""
    def dead(name):
        tag = TAG.match(name)
        return tag and _start_time(int(tag[1])) != int(tag[2])

    swept = []
    for line in sh("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if dead(name):
            kill_all(int(p) for p in sh("ip", "netns", "pids", name, check=False).split())
            sh("ip", "netns", "del", name, check=False)
            swept.append(name)
    for folder in (ETC_NETNS, TMP):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if dead(name):
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
                swept.append(f"{folder}/{name}")
    return swept


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    sub = parser.add_subparsers(dest="command", required=True)
    up = sub.add_parser("up", help="build a lab and keep it until Ctrl-C")
    up.add_argument("--second-link", action="store_true", help="give the backend eth1 as well")
    sub.add_parser("sweep", help="remove what dead runs left behind")
    args = parser.parse_args()
    if os.geteuid():
        sys.exit("lab.py: needs root, for network namespaces")
    if args.command == "sweep":
        for name in sweep():
            print(f"removed {name}")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    import lab_services  # here, because it imports this module
    with Lab(args.second_link) as lab:
        lab_services.Nginx(lab)
        print(f"load balancer  ip netns exec {lab.lb.name} curl http://{BACKEND}/health\n"
              f"router         ip netns exec {lab.router.name} sh\n"
              f"backend        ip netns exec {lab.backend.name} hctrace live\n"
              "Ctrl-C removes it.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
