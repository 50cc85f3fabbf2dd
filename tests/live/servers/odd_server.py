#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A TCP service that answers 200, but for what the host does to it.

    plain       nothing is wrong with it
    workers     two children accept and answer
    no-files    all descriptors that it may have are in use; accept() is tried again for ever
    stops       stops itself when the first request came
    sleeps      waits in the kernel, uninterruptibly, when a request came
    computes    needs half a second of CPU time for an answer
    forwards    connects to port 7399 of this host, and closes when that fails
"""
import argparse
import ctypes
import os
import resource
import signal
import socket
import sys
import time

PR_SET_NAME = 15
ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


def sleep_in_the_kernel():
    """A parent waits so for its vfork()ed child until that calls execve()."""
    sys.stdout.flush()
    libc = ctypes.CDLL(None)
    if libc.vfork() == 0:
        libc.sleep(1000)
        libc._exit(0)


def serve(listener, mode):
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            time.sleep(0.02)
            continue
        sock.recv(65536)
        if mode == "stops":
            mode = "plain"
            os.kill(os.getpid(), signal.SIGSTOP)
        if mode == "sleeps":
            sleep_in_the_kernel()
        if mode == "forwards":
            try:
                socket.create_connection(("127.0.0.1", 7399), timeout=1)
            except OSError:
                sock.close()
                continue
        if mode == "computes":
            end = time.process_time() + 0.5
            while time.process_time() < end:
                pass
        try:
            sock.sendall(ANSWER)
        except OSError:
            pass
        sock.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("mode", choices=("plain", "workers", "no-files", "stops", "sleeps",
                                         "computes", "forwards"))
    parser.add_argument("port", type=int)
    parser.add_argument("--name", default="app")
    args = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_NAME, args.name.encode(), 0, 0, 0)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", args.port))
    if args.mode == "no-files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 200))
        held = []
        while True:
            try:
                held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                break
    if args.mode == "workers":
        for _ in range(2):
            if os.fork() == 0:
                listener.listen(16)
                serve(listener, "plain")
        listener.listen(16)
        while True:
            signal.pause()
    listener.listen(16)
    serve(listener, args.mode)


if __name__ == "__main__":
    main()
