# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The demo: `hctrace live` in the lab's backend, while one thing after another breaks.

Called by scripts/demo with the path of the binary, and --here for a demo without a lab: checks of
`hctrace probe` to whatever this host serves.
"""
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import lab_checks
import lab_services
from lab import GATEWAY, RANGE, Lab, sweep

TIMEOUT = 2
INTERVAL = 30  # the scenes change faster: a target is not missed before the next


class Tracer:
    """hctrace as a child; its lines are passed on as they come."""

    def __init__(self, binary, lab):
        color = "always" if sys.stdout.isatty() else "never"
        self.child = subprocess.Popen(
            lab.backend.argv(os.path.abspath(binary), "live", "--color=" + color,
                             "--timeout", TIMEOUT, "--interval", INTERVAL, "--retries", 2),
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True)
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._pass_on, daemon=True)
        self._reader.start()
        self._ready.wait(10)
        time.sleep(0.2)  # the rest of its opening lines
        if self.child.poll() is not None:
            sys.exit(self.child.returncode)

    def _pass_on(self):
        for line in self.child.stdout:
            print(line, end="", flush=True)
            self._ready.set()
        self._ready.set()

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self._reader.join(2)
        return self.child.returncode


def say(text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}-- {text}{plain}", flush=True)


def check(lab, kind, port):
    """Both nodes of the load balancer check, at the same time."""
    for later in [lab_checks.Later(kind, lab, port, timeout=TIMEOUT, node=node) for node in (0, 1)]:
        later.result()
    time.sleep(0.3)  # hctrace has its say before the next line of ours


def story(lab):
    """The scenes: what to say, commands that break it, commands that mend it, check, port."""
    http, tcp = lab_checks.http, lab_checks.tcp
    yield "all is well: an HTTP, a TCP and a UDP check", [], [], http, 80
    yield None, [], [], tcp, 80
    yield None, [], [], lab_checks.udp, 5300
    rule = f"-s {RANGE} -p tcp --dport 80 -j"
    yield (f"fault: iptables-legacy -A INPUT {rule} DROP",
           [f"iptables-legacy -A INPUT {rule} DROP"], ["iptables-legacy -F"], http, 80)
    yield ("fault: nft … tcp dport 80 reject with tcp reset",
           ["nft add table inet guard",
            "nft 'add chain inet guard in { type filter hook input priority 0; }'",
            "nft add rule inet guard in tcp dport 80 reject with tcp reset"],
           ["nft delete table inet guard"], http, 80)
    yield "fault: the service on port 8080 listens on 127.0.0.1 only", [], [], http, 8080
    yield ("fault: ip route del default", ["ip route del default"],
           [f"ip route add default via {GATEWAY}"], http, 80)
    yield ("fault: ip route del default, and rp_filter=1: the same mistake, another symptom",
           ["ip route del default", "sysctl -qw net.ipv4.conf.all.rp_filter=1"],
           ["sysctl -qw net.ipv4.conf.all.rp_filter=0", f"ip route add default via {GATEWAY}"],
           http, 80)
    yield ("fault: iptables-nft -A OUTPUT … -j DROP: the answer is dropped, not the request",
           [f"iptables-nft -A OUTPUT -d {RANGE} -p tcp --sport 80 -j DROP"],
           ["iptables-nft -F"], http, 80)
    yield "fault: the process on port 9001 is stuck, and its accept queue full", [], [], tcp, 9001
    yield "fault: the process on port 9002 takes the request and never answers", [], [], http, 9002
    yield "fault: nginx answers 503 on port 8503", [], [], http, 8503
    yield ("fault: ALL: 100.125. in hosts.deny, before a service under xinetd",
           [], [], http, lab_services.XINETD_PORT)
    yield ("fault: nothing listens on UDP port 5301", [], [], lab_checks.udp, 5301)
    yield "and all is well again", [], [], http, 80


def play(lab, binary):
    lab_services.Nginx(lab)
    lab_services.Xinetd(lab)
    lab.backend.write_etc("hosts.deny", "ALL: 100.125.\n")
    lab_services.udp_server(lab, "echo", 5300, name="names")
    lab_services.tcp_server(lab, "answer", 8080, "--bind", "127.0.0.1", name="shy")
    lab_services.tcp_server(lab, "never-accept", 9001, "--backlog", 4, name="stuck")
    lab_services.tcp_server(lab, "silent", 9002, name="thinker")
    with lab_services.filled_accept_queue(lab, 9001, 4):
        tracer = Tracer(binary, lab)
        try:
            for title, breaks, mends, kind, port in story(lab):
                if title:
                    say(title)
                for command in breaks:
                    lab.backend.run("sh", "-c", command)
                check(lab, kind, port)
                for command in mends:
                    lab.backend.run("sh", "-c", command)
            say("Ctrl-C: hctrace sums up")
        finally:
            status = tracer.stop()
    probe(lab, binary)
    return status


def probe_command(binary, *options):
    color = "always" if sys.stdout.isatty() else "never"
    return [os.path.abspath(binary), "probe", "--timeout", str(TIMEOUT), "--color=" + color,
            *options]


def probe(lab, binary):
    """The same without a load balancer: hctrace sends a check of its own."""
    rule = f"-s {RANGE} -p tcp --dport 80 -j DROP"
    say(f"no load balancer, and a fault: iptables-nft -A INPUT {rule}; hctrace probe --port 80")
    lab.backend.run("sh", "-c", f"iptables-nft -A INPUT {rule}")
    command = lab.backend.argv(*probe_command(binary, "--port", "80"))
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    say("fixed: hctrace probe --port 80")
    lab.backend.run("iptables-nft", "-F")
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)


def probe_here(binary):
    """On this host, which is not changed: a check of each port that it serves."""
    say("hctrace probe: a check from the load balancer's range to each port of this host")
    status = subprocess.run(probe_command(binary), stdin=subprocess.DEVNULL,
                            check=False).returncode
    # healthy, a fault found, or nothing that listens: each is an answer
    sys.exit(0 if status in (0, 1, 4) else status)


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also when started ignoring it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    binary = sys.argv[1]
    if "--here" in sys.argv[2:]:
        probe_here(binary)
    sweep()
    try:
        with contextlib.ExitStack() as stack:
            try:
                lab = stack.enter_context(Lab())
            except (OSError, RuntimeError) as e:
                say(f"no lab can be made here: {e}")
                probe_here(binary)
            status = play(lab, binary)
    except KeyboardInterrupt:
        sys.exit(130)
    # hctrace says 1: it has seen failures, as it should
    sys.exit(0 if status == 1 else f"demo: hctrace ended with status {status}")


if __name__ == "__main__":
    main()
