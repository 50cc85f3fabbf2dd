# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tcp_wrappers: hosts.allow and hosts.deny, under xinetd, tcpd and vsftpd."""
import contextlib

import lab_checks
import pytest
from harness import Case, Expect, params, run_case
from lab_services import TCPD_PORT, VSFTPD_PORT, XINETD_PORT, Vsftpd, Xinetd

SERVICE = {XINETD_PORT: Xinetd, TCPD_PORT: Xinetd, VSFTPD_PORT: Vsftpd}


def files(port, deny="", allow=""):
    def setup(lab):
        SERVICE[port](lab)
        lab.backend.write_etc("hosts.allow", allow)
        lab.backend.write_etc("hosts.deny", deny)
    return setup


def refused(*why, code="CONNECT_INTERRUPT", fix_command=("hosts.allow",), process=None):
    return Expect("tcp-wrappers", code, why=why, fix_command=fix_command, process=process)


LINE_2 = "line 2 of /etc/hosts.deny"
DENY_RANGE = "# keep out\nALL: 100.125.\n"
ALLOW_DENIES = "http_once.sh: 100.125.0.0/16 : deny\n"

REFUSALS = [
    Case("xinetd", "closed/reset", refused(LINE_2, process="xinetd"), port=XINETD_PORT,
         fixes=True,
         setup=files(XINETD_PORT, DENY_RANGE)),
    Case("xinetd-before-request", "closed/reset", refused(LINE_2, process="xinetd"),
         port=XINETD_PORT, check=lab_checks.late_request, setup=files(XINETD_PORT, DENY_RANGE)),
    Case("xinetd-all", "closed/reset", refused("line 1 of /etc/hosts.deny"), port=XINETD_PORT,
         fixes=True,
         setup=files(XINETD_PORT, "ALL: ALL\n")),
    # the last line of hosts.allow has no newline
    Case("xinetd-allow-file-cut", "closed/reset", refused(LINE_2, process="xinetd"),
         port=XINETD_PORT, setup=files(XINETD_PORT, DENY_RANGE, "sshd: 10.0.0.1")),
    Case("xinetd-by-service", "closed/reset",
         refused("line 1 of /etc/hosts.deny", "http_once.sh"), port=XINETD_PORT,
         fixes=True,
         setup=files(XINETD_PORT, "http_once.sh: 100.125.0.0/255.255.0.0\n")),
    Case("xinetd-allow-file-denies", "closed/reset", refused("line 1 of /etc/hosts.allow"),
         port=XINETD_PORT,
         setup=files(XINETD_PORT, allow=ALLOW_DENIES)),
    # tcpd sleeps 5 s before it closes: the check gives up first
    Case("tcpd", "response-timeout", refused(LINE_2, code="RECV_RESPONSE_TIMEOUT",
                                             process="tcpd"),
         port=TCPD_PORT, timeout=3, setup=files(TCPD_PORT, DENY_RANGE)),
    Case("tcpd-patient-check", "closed/reset", refused(LINE_2, process="tcpd"),
         port=TCPD_PORT, timeout=7, fixes=True,
         setup=files(TCPD_PORT, DENY_RANGE)),
    Case("vsftpd-421", "not-http",
         refused("line 1 of /etc/hosts.deny", code="RESPONSE_FORMAT_ERROR", process="vsftpd"),
         port=VSFTPD_PORT, no_fix="an HTTP check of an FTP service fails behind libwrap, too",
         setup=files(VSFTPD_PORT, "vsftpd: 100.125.\n")),
]


@pytest.mark.parametrize("case", **params(REFUSALS))
def test_refused(case, make_lab, trace):
    run_case(case, make_lab, trace)


HEALTHY = Expect("healthy", protocol="http", status=200)
LOOK_ALIKES = [
    Case("deny-for-another-daemon", "http", HEALTHY, port=XINETD_PORT,
         setup=files(XINETD_PORT, "sshd: ALL\n")),
    Case("deny-for-another-client", "http", HEALTHY, port=XINETD_PORT,
         setup=files(XINETD_PORT, "ALL: 100.126.\n")),
    Case("allow-first", "http", HEALTHY, port=XINETD_PORT,
         setup=files(XINETD_PORT, "ALL: ALL\n", allow="ALL: 100.125.\n")),
    Case("tcpd-granted", "http", HEALTHY, port=TCPD_PORT, setup=files(TCPD_PORT)),
    # nginx does not ask libwrap
    Case("nginx-beside-deny-all", "http", Expect("healthy", protocol="http", status=202),
         setup=files(XINETD_PORT, "ALL: ALL\n")),
    # no HTTP, but not for libwrap's sake
    Case("vsftpd-greeting", "not-http", Expect("not-http", "RESPONSE_FORMAT_ERROR"),
         port=VSFTPD_PORT, setup=files(VSFTPD_PORT)),
]


@pytest.mark.parametrize("case", **params(LOOK_ALIKES))
def test_look_alike(case, make_lab, trace):
    run_case(case, make_lab, trace)


def held_tcp_check(lab, *args, **kwargs):
    """A TCP check whose connection the daemon has time to look at, and to refuse."""
    sock, seen = lab_checks.connect(lab, *args, **kwargs)
    with contextlib.closing(sock):
        sock.settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            sock.recv(4096)
        lab_checks.reset(sock)
    return seen


WARNED = Expect("healthy", protocol="tcp", note=("hosts.deny",))
TCP_CHECKS = [
    Case("xinetd", "connected", WARNED, port=XINETD_PORT, check=held_tcp_check,
         setup=files(XINETD_PORT, DENY_RANGE)),
    # its greeting is a refusal: who waited for one has failed
    Case("vsftpd", "connected", Expect("tcp-wrappers", "RESPONSE_FORMAT_ERROR", confidence="likely",
                                       why=("line 2 of /etc/hosts.deny",)),
         port=VSFTPD_PORT, check=held_tcp_check,
         setup=files(VSFTPD_PORT, DENY_RANGE)),
    Case("granted", "connected", Expect("healthy", protocol="tcp"), port=VSFTPD_PORT,
         check=held_tcp_check, setup=files(VSFTPD_PORT)),
]


@pytest.mark.parametrize("case", **params(TCP_CHECKS))
def test_tcp_check(case, make_lab, trace):
    """The kernel completes the handshake before libwrap is asked: healthy, with a warning."""
    run_case(case, make_lab, trace)
