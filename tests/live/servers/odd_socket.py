#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A socket that lets nothing in, and whose process does nothing.

    filter  TCP, with a socket filter that drops everything
    pass    TCP, with a socket filter that passes everything
    minttl  TCP, asks for a TTL of 255 (GTSM)
    small   UDP, with the smallest receive buffer
"""
import ctypes
import signal
import socket
import struct
import sys

SO_ATTACH_FILTER, IP_MINTTL = 26, 21


def main():
    mode, port = sys.argv[1], int(sys.argv[2])
    if mode == "small":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        sock.bind(("0.0.0.0", port))
        signal.pause()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", port))
    if mode == "minttl":
        sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 255)
    else:
        keep = 0xFFFFFFFF if mode == "pass" else 0
        code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, keep))  # ret KEEP
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                        struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)))
    sock.listen(16)
    signal.pause()


if __name__ == "__main__":
    main()
