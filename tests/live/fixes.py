# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Printed commands are pasted as they are: the next check passes, and nothing else is opened.

Every scenario whose verdict is not "healthy" ends in settle(): either its command is applied, or
the scenario says why not (no_fix), or ADVICE does for all of its verdict.  tests/run-live lists those
with their reasons.
"""
import contextlib
import json
import re
import socket

import lab as lab_module
import lab_checks

# What a client says of a check that failed.
BAD = {"timeout", "response-timeout", "refused", "reset", "closed", "unreachable", "lost", "cut",
       "not-http", "tls", "failed"}
# Where no command of this host's can be right, whatever the scenario: why.
ADVICE = {
    "app-slow": "only the service's own people can make it answer in time",
    "app-not-accepting": "only the service's own people can make it accept",
    "app-closed": "only the service's own people know why it closes",
    "http-status": "the service's answer or the check's expected codes are to change",
    "not-http": "the service or the check's protocol is to change",
    "protocol-mismatch": "the service or the check's protocol is to change",
    "service-error": "the service itself says what it lacks",
    "grpc-status": "the service itself says what it lacks",
    "accept-queue-full": "only the service's own people can make it accept",
    "socket-buffer-full": "only the service's own people can make it read faster",
    "policy-drop": "whose filter it is, and what else it keeps out, is not known",
    "tc-drop": "whose filter it is, and what else it keeps out, is not known",
    "unreachable-suppressed": "how the service is started or bound is its own configuration",
    "tls-alert": "certificates and TLS settings are the service's and the check's",
    "no-listener": "how the service is started or bound is its own configuration",
    "udp-no-listener": "how the service is started or bound is its own configuration",
    "reply-lost": "what loses the answer is outside this host",
    "gateway-unreachable": "which router is right is not known to this host",
    "fragment-lost": "what loses the fragment is outside this host",
    "kernel-drop": "what makes the packet one that the kernel drops is outside this host",
    "xdp-drop": "whose program it is, and what else it keeps out, is not known",
    "probe-aborted": "the load balancer ended its check by itself",
    "unknown": "no cause is proven",
}
# What a range cannot limit, so that it works for everybody again: a switch of the whole host, a
# process, an address, the way to the router, or to a proxy that the firewall hands packets to.
HOST_WIDE = re.compile(r"^(ip netns exec \S+ )?(sysctl|kill|prlimit|echo \w+ >|ip( -6)? addr add) |"
                       r"\barp\b|^arptables|nd-neighbor-|neighbou?r-(advertisement|solicitation)|"
                       r"^ip( -6)? (route (add|replace) (local )?default|rule add fwmark) ")
GIVE_UP = 0.3  # s: two links away an answer comes within a millisecond
OTHER_PORT = 8401  # nginx's, with an answer that is healthy


def outsider(lab, check, port, target):
    """What somebody outside the range sees of PORT of TARGET."""
    patience = GIVE_UP * lab_module.PATIENCE
    if not port:
        return lab_checks.ping(lab, max(1, patience), None, target).result
    if check in (lab_checks.datagram, lab_checks.udp):
        return lab_checks.datagram(lab, port, patience, None, target).result
    return exchange(lab, port, None, target)


def exchange(lab, port, node, target):
    """A request by the load balancer's NODE (None: by one outside the range); a short one."""
    patience = GIVE_UP * lab_module.PATIENCE
    sock, seen = lab_checks.connect(lab, port, patience, node, target)
    if not sock:
        return seen.result
    with contextlib.closing(sock):
        sock.settimeout(patience)
        try:
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: web\r\n\r\n")
            return "answered" if sock.recv(4096) else "ended"
        except socket.timeout:
            return "response-timeout"
        except OSError:
            return "ended"
        finally:
            lab_checks.reset(sock)


def beside(case, lab, line):
    """What the fix must not change: others, and of a firewall's rule other ports too."""
    check, port, target = case.check, case.port, case.target
    found = {}
    if HOST_WIDE.search(line["fix_command"]):
        return found
    if not case.opens:
        found["from outside the range"] = outsider(lab, check, port, target)
    if line["outcome"] == "fail" and (line.get("where") or {}).get("layer") == "netfilter" \
            and port != OTHER_PORT and not line["fix_command"].startswith("ip "):
        found[f"to port {OTHER_PORT}"] = exchange(lab, OTHER_PORT, 1, target)
    return found


def paste(space, command):
    """Runs COMMAND in SPACE as a person would; a word in $'…' is not for every sh."""
    space.run("bash" if "$'" in command else "sh", "-c", command)


def apply_fix(case, lab, run, line, outside=False):
    """Pastes the fix command of LINE into a shell of the backend, or, OUTSIDE, of the host that the
    backend's namespace is on.  CASE's next check passes, and what others see is as before."""
    command, target = line["fix_command"], case.target
    assert command, f"no command: {line['fix']}"
    before = beside(case, lab, line)
    # a word in $'…' is not for every sh
    shell = "bash" if "$'" in command else "sh"
    (lab_module.sh if outside else lab.backend.run)(shell, "-c", command)
    told = len(run.lines)  # a client may use its source port again
    seen = case.check(lab, case.port, timeout=3, target=target)
    found = run.probe(seen, since=told)
    assert found["outcome"] == "pass" and found["verdict"] == "healthy", \
        f"{command} did not help:\n{json.dumps(found)}"
    assert seen.result not in BAD, f"{command} did not help the client: {seen}"
    run.knows(seen, "healthy")
    after = beside(case, lab, line)
    assert before == after, f"{command} changed more than that: {before} before, {after} after"


def may_fix(case, line, tell):
    """Has LINE a command that is to be applied?  If not, CASE has to say why; TELL hears of it."""
    why = case.no_fix
    assert why is None or len(why.split()) > 2, f"{case}: no_fix says nothing: {why!r}"
    if line["verdict"] == "healthy":
        assert why is None, f"{case}: nothing is to be fixed"
        return False
    if line["fix_command"] and not why:
        tell(("fix", ("applied", "")))
        return True
    why = why or ADVICE.get(line["verdict"])
    assert why, f"{case}: the fix is advice, and the scenario does not say why: {line['fix']}"
    tell(("fix", ("not applied" if line["fix_command"] else "advice", why)))
    return False


def settle(case, lab, run, line, tell):
    """Applies the fix of LINE, unless CASE says why not; TELL hears of it."""
    if may_fix(case, line, tell):
        apply_fix(case, lab, run, line)
