#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Services that need exact bytes: one process, a script of steps for each port.

Reads a JSON list of {"port", "steps", …} from a file.  Steps of a connection:
    request       read up to a blank line        read N        read at least N bytes
    startup       read PostgreSQL's startup message, TLS refused
    send TEXT     send (latin-1)                 drip TEXT S   a byte each S seconds
    sleep S       wait                           hold          read until the other side ends
    close         FIN                            reset         RST
    serve A B     requests on a kept connection: A; from SIGUSR1 on B, or nothing
    tls           a TLS handshake                answer TEXT   of UDP: the query's id, then TEXT
Settings: bind, backlog, accept (false: never), fill (the accept queue, from this host), udp,
cert, key, verify (demand a certificate), tls_max ("1.1").
"""
import contextlib
import json
import resource
import selectors
import signal
import socket
import ssl
import struct
import sys
import threading
import time

HOLD_S = 60
turned = threading.Event()


def tls(sock, service):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service["cert"], service["key"])
    if service.get("verify"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(service["cert"])
    if service.get("tls_max"):
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context.wrap_socket(sock, server_side=True)


def play(sock, service):
    """Plays the steps; returns the socket, which a handshake replaces."""
    sock.settimeout(HOLD_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, *args in service["steps"]:
        if name == "request":
            data = b""
            while b"\r\n\r\n" not in data:
                part = sock.recv(65536)
                if not part:
                    return
                data += part
        elif name == "read":
            wanted = args[0]
            while wanted > 0 and (part := sock.recv(65536)):
                wanted -= len(part)
        elif name == "startup":
            if len(sock.recv(65536)) == 8:  # PostgreSQL's SSLRequest
                sock.sendall(b"N")
                sock.recv(65536)
        elif name == "send":
            sock.sendall(args[0].encode("latin-1"))
        elif name == "serve":
            while b"\r\n\r\n" in sock.recv(65536):
                sock.sendall(args[turned.is_set()].encode("latin-1"))
        elif name == "drip":
            for byte in args[0].encode("latin-1"):
                sock.sendall(bytes([byte]))
                time.sleep(args[1])
        elif name == "sleep":
            time.sleep(args[0])
        elif name == "hold":
            while sock.recv(65536):
                pass
        elif name == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif name == "tls":
            sock = tls(sock, service)
        if name in ("close", "reset"):
            sock.close()
            return


def serve(sock, service):
    with contextlib.suppress(OSError):  # the other side went away
        play(sock, service)
    sock.close()


def answer(sock, service):
    """A UDP service: answers a query by its id, or not at all."""
    with contextlib.suppress(OSError):
        query, peer = sock.recvfrom(2048)
        for name, *args in service["steps"]:
            if name == "answer":
                sock.sendto(query[:2] + args[0].encode("latin-1") + query[12:], peer)
            elif name == "send":
                sock.sendto(args[0].encode("latin-1"), peer)


def fill(service):
    """Connections of this host's own, which stay in the accept queue."""
    held = []
    for _ in range(service["backlog"] + 1):
        held.append(socket.socket())
        held[-1].setblocking(False)
        held[-1].connect_ex(("127.0.0.1", service["port"]))
    return held


def open_all(services):
    poll, held = selectors.DefaultSelector(), []
    for service in services:
        kind = socket.SOCK_DGRAM if service.get("udp") else socket.SOCK_STREAM
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((service.get("bind", "0.0.0.0"), service["port"]))
        if kind == socket.SOCK_STREAM:
            sock.listen(service.get("backlog", 1024))
        held.append(sock)
        if service.get("fill"):
            held += fill(service)
        if service.get("accept", True):
            poll.register(sock, selectors.EVENT_READ, service)
    return poll, held


def main():
    signal.signal(signal.SIGUSR1, lambda *_: turned.set())
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with open(sys.argv[1], encoding="utf-8") as f:
        services = json.load(f)
    poll, held = open_all(services)
    ready = socket.socket()  # the last port: once it is open, all are
    ready.bind(("127.0.0.1", int(sys.argv[2])))
    ready.listen(1)
    held.append(ready)
    while True:
        for key, _ in poll.select():
            if key.data.get("udp"):
                answer(key.fileobj, key.data)
                continue
            with contextlib.suppress(OSError):
                sock, _ = key.fileobj.accept()
                threading.Thread(target=serve, args=(sock, key.data), daemon=True).start()


if __name__ == "__main__":
    main()
