#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A UDP service: echoes what it gets, or (silent) reads and says nothing."""
import argparse
import contextlib
import ctypes
import socket

PR_SET_NAME = 15


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("echo", "silent"))
    parser.add_argument("port", type=int)
    parser.add_argument("--bind", default="0.0.0.0")
    parser.add_argument("--device", default="", help="take only what comes in by this device")
    parser.add_argument("--name", default="", help="name of the process, up to 15 characters")
    args = parser.parse_args()
    if args.name:
        ctypes.CDLL(None).prctl(PR_SET_NAME, args.name.encode(), 0, 0, 0)

    sock = socket.socket(socket.AF_INET6 if ":" in args.bind else socket.AF_INET, socket.SOCK_DGRAM)
    if args.device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, args.device.encode())
    sock.bind((args.bind, args.port))
    while True:
        data, peer = sock.recvfrom(65536)
        if args.mode == "echo":
            with contextlib.suppress(PermissionError):  # a rule of OUTPUT drops it
                sock.sendto(data, peer)


if __name__ == "__main__":
    main()
