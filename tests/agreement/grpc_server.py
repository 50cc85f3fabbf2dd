#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""gRPC's health service: grpc_server.py PORT SERVING|NOT_SERVING|UNKNOWN|not-found|unavailable|
unimplemented.  The messages are so small that they are written by hand."""
import concurrent.futures
import sys

import grpc

# HealthCheckResponse: field 1, the status
REPLIES = {"UNKNOWN": b"", "SERVING": b"\x08\x01", "NOT_SERVING": b"\x08\x02"}
ERRORS = {"not-found": grpc.StatusCode.NOT_FOUND, "unavailable": grpc.StatusCode.UNAVAILABLE}


def check(says):
    def method(_, context):
        if says in ERRORS:
            context.abort(ERRORS[says], "as told")
        return REPLIES.get(says, b"")
    return method


def main():
    port, says = sys.argv[1:]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
    if says != "unimplemented":
        handler = grpc.unary_unary_rpc_method_handler(check(says))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "grpc.health.v1.Health", {"Check": handler}),))
    server.add_insecure_port(f"0.0.0.0:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
