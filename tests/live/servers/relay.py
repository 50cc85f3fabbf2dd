#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""relay.py PORT TO N: hands connections on to 127.0.0.1:TO; what comes back goes out N bytes a segment."""
import socket
import sys
import threading

PORT, TO, N = map(int, sys.argv[1:])


def forward(source, sink, size):
    while data := source.recv(65536):
        for at in range(0, len(data), size):
            sink.sendall(data[at:at + size])
    sink.shutdown(socket.SHUT_WR)


listener = socket.create_server(("", PORT))
while True:
    client = listener.accept()[0]
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    service = socket.create_connection(("127.0.0.1", TO))
    threading.Thread(target=forward, args=(client, service, 65536), daemon=True).start()
    threading.Thread(target=forward, args=(service, client, N), daemon=True).start()
