# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An HTTP server that keeps its connections: kept_server.py PORT FOLDER

What it does with the next request lies in FOLDER: a file `status` with another status,
`hang` (it does not answer), `close` (it closes instead), `middle` (it closes in the middle
of its answer), `idle` (it answers, and closes a little later).
"""
import ctypes
import os
import pathlib
import socket
import sys
import threading
import time

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
ctypes.CDLL(None).prctl(15, b"keeper", 0, 0, 0)  # PR_SET_NAME


def serve(sock):
    while True:
        request = sock.recv(65536)
        if not request:
            break
        todo = set(os.listdir(folder))
        if "hang" in todo:
            time.sleep(30)
        if "close" in todo:
            break
        status = (folder / "status").read_text(encoding="ascii") if "status" in todo else "200 OK"
        body = b"" if "middle" in todo else b"fine\n"
        sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n".encode() + body)
        if "middle" in todo:
            break
        if "idle" in todo:
            time.sleep(0.4)
            break
    sock.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", port))
listener.listen(64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
