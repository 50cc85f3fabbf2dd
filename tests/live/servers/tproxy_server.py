#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A transparent proxy's listening side: takes what TPROXY hands it, and answers in the target's place."""
import argparse
import contextlib
import ctypes
import socket

PR_SET_NAME = 15
IP_TRANSPARENT = 19
IPV6_TRANSPARENT = 75
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--bind", default="0.0.0.0")
    parser.add_argument("--plain", action="store_true", help="as a server that is no proxy")
    parser.add_argument("--name", default="proxy", help="name of the process, up to 15 characters")
    args = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_NAME, args.name.encode(), 0, 0, 0)

    v6 = ":" in args.bind
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if v6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if not args.plain:
        sock.setsockopt(*((socket.IPPROTO_IPV6, IPV6_TRANSPARENT) if v6
                          else (socket.IPPROTO_IP, IP_TRANSPARENT)), 1)
    sock.bind((args.bind, args.port))
    sock.listen(16)
    while True:
        conn, _ = sock.accept()
        with contextlib.closing(conn), contextlib.suppress(OSError):
            conn.recv(4096)
            conn.sendall(ANSWER)


if __name__ == "__main__":
    main()
