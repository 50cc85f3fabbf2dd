#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A TCP service whose answer is a list of steps, each of them a segment, a pause or an end.

    send:TEXT        TEXT in one segment
    bytes:TEXT       TEXT, a byte in each segment
    fill:N           N bytes, as fast as they go
    trickle:N:S      N bytes, one every S seconds
    wait:S           nothing for S seconds
    fin, rst         closes, resets
    half             closes its own side only
    keep             waits until the client ends

It reads until an empty line ends the request (--greet: it reads nothing first), and after the
last step it keeps the connection until the client ends.
"""
import argparse
import contextlib
import ctypes
import socket
import struct
import threading
import time

PR_SET_NAME = 15
BETWEEN_BYTES_S = 0.001  # the client acknowledges meanwhile, so that no two bytes share a segment


def send_slowly(sock, data, pause):
    for byte in data:
        sock.sendall(bytes([byte]))
        time.sleep(pause)


def keep(sock):
    while sock.recv(65536):
        pass


def linger(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def play(sock, step):
    """Plays one step; returns whether the connection is there still."""
    name, _, value = step.partition(":")
    if name == "send":
        sock.sendall(text(value))
    elif name == "bytes":
        send_slowly(sock, text(value), BETWEEN_BYTES_S)
    elif name == "fill":
        sock.sendall(b"x" * int(value))
    elif name == "trickle":
        count, pause = value.split(":")
        send_slowly(sock, b"x" * int(count), float(pause))
    elif name == "wait":
        time.sleep(float(value))
    elif name == "half":
        sock.shutdown(socket.SHUT_WR)
    elif name == "keep":
        keep(sock)
    elif name == "rst":
        linger(sock)
    elif name != "fin":
        raise ValueError(step)
    return name not in ("fin", "rst", "keep")


def text(value):
    return value.encode().decode("unicode_escape").encode("latin-1")


def handle(sock, args):
    with contextlib.closing(sock), contextlib.suppress(OSError):  # the client may go away
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while not args.greet and not request.endswith(b"\r\n\r\n"):
            more = sock.recv(65536)
            if not more:
                return
            request += more
        if all(play(sock, step) for step in args.step):
            keep(sock)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("port", type=int)
    parser.add_argument("step", nargs="*")
    parser.add_argument("--bind", default="0.0.0.0")
    parser.add_argument("--greet", action="store_true", help="speak first")
    parser.add_argument("--name", default="app", help="name of the process")
    args = parser.parse_intermixed_args()
    ctypes.CDLL(None).prctl(PR_SET_NAME, args.name.encode(), 0, 0, 0)
    listener = socket.socket(socket.AF_INET6 if ":" in args.bind else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((args.bind, args.port))
    listener.listen(64)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=handle, args=(sock, args), daemon=True).start()


if __name__ == "__main__":
    main()
