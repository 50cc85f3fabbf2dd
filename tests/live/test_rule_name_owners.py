# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules that a program wrote: it is named, and the fix is said in its own command.

ufw is the real one; the others' rules are in owners/, written by hand after their form.
"""
import os
import shutil
import time

import lab_checks
import pytest
from harness import FAILED
from lab import RANGE
from rule_play import RuleCase, check_named, describe, next_interval, params, play
from rule_sets import MARK, Culprit, Rules
from test_check import check, of

HERE = os.path.dirname(os.path.abspath(__file__))
REJECTED = {"seen": "refused/unreachable", "verdict": "firewall-reject", "code": "CONNECT_REFUSED"}


def written(tool, file, which):
    """The rule set in FILE, to be marked at WHICH of its marks."""
    with open(f"{HERE}/owners/{file}", encoding="utf-8") as f:
        text = f.read().replace(MARK + which + "\n", MARK + "\n")
    marks = [word for word in text.split() if word.startswith(MARK) and word != MARK]
    for other in marks:
        text = text.replace(other, "")
    return Rules(tool, "\n".join(line for line in text.splitlines() if not line.startswith("#")))


def owned(id, owner, tool, file, which, *fix, meaning=(), **kwargs):
    return RuleCase(id, (written(tool, file, which),), why=(owner, *meaning), fix=fix, **kwargs)


LOCAL = ("meant so by externalTrafficPolicy: Local: no endpoint of ingress/web:http runs on this"
         " node",)


def docker(id, tool, which, **kwargs):
    return owned(f"docker-{id}", "Docker", tool, "docker.rules", which, "DOCKER-USER",
                 hook="FORWARD", container=True, port=8080, **kwargs)


NOT_RUNNING = "firewalld does not run here: its rules are written by hand"
MEANT_SO = "the service is meant not to be reached over this node"
ENDPOINTS = "no rule gives the service an endpoint"
CLUSTER = "the allowed sources stand in the cluster's own objects"
OWNED = [
    owned("firewalld-not-allowed", "firewalld", "nft", "firewalld.nft", "rest", "firewall-cmd",
          "--zone=public", "8202", "tcp", **REJECTED, no_fix=NOT_RUNNING),
    owned("firewalld-rich-rule", "firewalld", "nft", "firewalld.nft", "deny", "firewall-cmd",
          "--zone=public", RANGE, "8503", port=8503, no_fix=NOT_RUNNING),
    docker("not-published-nft", "iptables-nft", "bridge"),
    docker("not-published-legacy", "iptables-legacy", "bridge"),
    docker("own-rule", "iptables-nft", "user",
           check=lambda lab, port, **kwargs: lab_checks.http(lab, port, node=2, **kwargs)),
    owned("kube-proxy-no-endpoints", "kube-proxy", "iptables-nft", "kube-proxy.rules", "endpoints",
          "no endpoints", port=30080, **REJECTED, control=False, no_fix=ENDPOINTS,
          show=("kubectl", "default", "shop")),
    owned("kube-proxy-no-local-endpoints", "kube-proxy", "iptables-nft", "kube-proxy-local.rules",
          "local", "healthCheckNodePort 30873", port=31080, control=False, no_fix=MEANT_SO,
          meaning=LOCAL, show=("kubectl", "ingress", "web")),
    owned("kube-proxy-no-local-endpoints-legacy", "kube-proxy", "iptables-legacy",
          "kube-proxy-local.rules", "local", "healthCheckNodePort 30873", port=31080,
          control=False, no_fix=MEANT_SO, meaning=LOCAL),
    owned("kube-proxy-no-local-endpoints-in-a-map", "kube-proxy", "nft", "kube-proxy.nft", "local",
          "healthCheckNodePort", port=31080, control=False, no_fix=MEANT_SO, meaning=LOCAL,
          show=("jsonpath={.spec.healthCheckNodePort}",)),
    owned("tailscale", "Tailscale", "iptables-nft", "tailscale.rules", "own",
          "--netfilter-mode=nodivert", meaning=("takes 100.64.0.0/10 for its own",)),
    owned("tailscale-legacy", "Tailscale", "iptables-legacy", "tailscale.rules", "own",
          "-I ts-input 3"),
    owned("kube-proxy-source-ranges", "kube-proxy", "iptables-legacy", "kube-proxy.rules", "ranges",
          "kubectl", "default", "cart", no_fix=CLUSTER),
]


@pytest.mark.parametrize("case", **params(OWNED))
def test_written_by(case, make_lab, trace):
    play(case, make_lab, trace)


def ufw(lab, *commands):
    """Debian's ufw with its settings and rules in the backend's own /etc."""
    if not shutil.which("ufw"):
        pytest.fail("no ufw: see scripts/setup")
    shutil.copytree("/etc/ufw", f"{lab.backend.etc}/ufw")
    shutil.copytree("/etc/default", f"{lab.backend.etc}/default")
    for command in ("--force enable", "allow 80/tcp", *commands):
        lab.backend.run("ufw", *command.split())


UFW = {
    "not-allowed": ("allow 22/tcp", "timeout", ":INPUT DROP [0:0]"),
    "denied": (f"deny from {RANGE} to any port 8202 proto tcp", "timeout",
               f"-A ufw-user-input -s {RANGE} -p tcp -m tcp --dport 8202 -j DROP"),
    "rejected": ("reject 8202/tcp", "refused", "-A ufw-user-input -p tcp -m tcp --dport 8202 -j"
                 " REJECT --reject-with tcp-reset"),
}


@pytest.mark.parametrize("which", **params(list(UFW)))
def test_ufw(which, lab, trace):
    """The fix is carried out by ufw itself."""
    command, seen, marked = UFW[which]
    ufw(lab, "deny 8203/tcp", command)
    rules = lab.backend.run("iptables-nft-save")
    assert f"{marked}\n" in rules, f"the lab is wrong: {rules}"
    culprit = Culprit(Rules("iptables-nft", rules.replace(f"{marked}\n", f"{marked} {MARK}\n")),
                      lab.backend)
    run = trace(lab, "--timeout", 1)
    for _ in range(2):
        started = time.monotonic()
        check = lab_checks.http(lab, 8202, timeout=1)
        assert check.result == seen, f"the lab is wrong: {check}"
        line = run.probe(check)
        next_interval(started)
    check_named(line, culprit)
    assert "ufw" in line["why"], describe(line)
    assert line["fix"].startswith("ufw "), describe(line)
    lab.backend.run("bash", "-c", line["fix_command"])
    assert run.probe(lab_checks.http(lab, 8202))["verdict"] == "healthy", line["fix"]
    run.stop(FAILED)


def in_check(binary, lab, tool, file, *options):
    """What check says of the rules in FILE."""
    written(tool, file, "").load(lab.backend)
    found, _ = check(binary, lab, *options)
    return [one for one in of(found, "fail", "4") + of(found, "warn", "4")]


@pytest.mark.parametrize("tool, file", [("iptables-nft", "kube-proxy-local.rules"),
                                        ("iptables-legacy", "kube-proxy-local.rules"),
                                        ("nft", "kube-proxy.nft")])
def test_check_prints_no_accept(tool, file, binary, lab):
    """What is meant so has no command; a service's node port needs no listener."""
    (told,) = in_check(binary, lab, tool, file, "--port", 31080)
    assert not told["fix_command"] and "healthCheckNodePort" in told["fix_advice"], told
    assert LOCAL[0] in told["why"], told
    found, _ = check(binary, lab, "--port", 31080)
    assert not of(found, "fail", "3"), found


def test_no_comment_no_meaning(lab, trace):
    """The same rule without the comment and the chain: an accept ahead of it helps."""
    lab.backend.run("iptables-nft", "-A", "INPUT", "-p", "tcp", "-m", "addrtype", "--dst-type",
                    "LOCAL", "-m", "tcp", "--dport", "8202", "-j", "DROP")
    run = trace(lab, "--timeout", 1)
    check_ = lab_checks.http(lab, 8202, timeout=1)
    assert check_.result == "timeout", check_
    line = run.probe(check_)
    assert line["verdict"] == "firewall-drop" and "meant so" not in line["why"], describe(line)
    lab.backend.run("bash", "-c", line["fix_command"])
    assert run.probe(lab_checks.http(lab, 8202))["verdict"] == "healthy", line["fix"]
    run.stop(FAILED)


def test_check_ufw(binary, lab):
    """check prints ufw's own command, and it works."""
    ufw(lab, "deny 8203/tcp")
    found, _ = check(binary, lab, "--port", 8202)
    (told,) = of(found, "fail", "4")
    assert told["fix_command"] == f"ufw allow proto tcp from {RANGE} to any port 8202", told
    lab.backend.run("bash", "-c", told["fix_command"])
    assert lab_checks.http(lab, 8202).result == "http"
    found, _ = check(binary, lab, "--port", 8202)
    assert not of(found, "fail", "4"), found


def test_check_ufw_of_two_ports(binary, lab):
    ufw(lab, "deny 8203/tcp")
    found, _ = check(binary, lab, "--port", "8202,8503")
    (told,) = of(found, "fail", "4")
    lab.backend.run("bash", "-c", told["fix_command"])
    assert lab_checks.http(lab, 8202).result == lab_checks.http(lab, 8503).result == "http"


def test_check_firewalld(binary, lab):
    told = in_check(binary, lab, "nft", "firewalld.nft", "--port", 8202)[-1]
    assert told["fix_command"].startswith("firewall-cmd --zone=public --add-rich-rule="), told
