#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A TCP service that misbehaves as told.

    never-accept  listens, accept() is never called
    silent        takes connections, reads, never answers
    answer        answers with --reply after --delay seconds
    close         reads the request, waits --delay, closes (FIN)
    close-unread  closes as soon as the connection is there (FIN; a request that follows: RST)
    reset         reads the request, waits --delay, resets
"""
import argparse
import ctypes
import signal
import socket
import struct
import threading
import time

PR_SET_NAME = 15
OK = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


def handle(sock, args):
    if args.mode == "close-unread":
        sock.close()
        return
    if not sock.recv(65536):
        sock.close()
        return
    if args.mode == "silent":
        while sock.recv(65536):
            pass
        sock.close()
        return
    time.sleep(args.delay)
    if args.mode == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif args.mode == "answer":
        sock.sendall(args.reply.encode("latin-1"))
    sock.close()


def guarded(sock, args):
    try:
        handle(sock, args)
    except OSError:  # the other side went away: nothing to serve any more
        sock.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("mode", choices=("never-accept", "silent", "answer", "close",
                                         "close-unread", "reset"))
    parser.add_argument("port", type=int)
    parser.add_argument("--bind", default="0.0.0.0")
    parser.add_argument("--device", default="", help="take only what comes in by this device")
    parser.add_argument("--v6only", action="store_true", help="take no IPv4 on an IPv6 socket")
    parser.add_argument("--backlog", type=int, default=128)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--reply", default=OK, type=lambda s: s.encode().decode("unicode_escape"))
    parser.add_argument("--name", default="", help="name of the process, up to 15 characters")
    args = parser.parse_args()
    if args.name:
        ctypes.CDLL(None).prctl(PR_SET_NAME, args.name.encode(), 0, 0, 0)

    listener = socket.socket(socket.AF_INET6 if ":" in args.bind else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if args.v6only:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if args.device:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, args.device.encode())
    # a link-local address has its device in it: fe80::1%eth0
    listener.bind(socket.getaddrinfo(args.bind, args.port, type=socket.SOCK_STREAM)[0][4])
    listener.listen(args.backlog)
    if args.mode == "never-accept":
        signal.pause()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=guarded, args=(sock, args), daemon=True).start()


if __name__ == "__main__":
    main()
