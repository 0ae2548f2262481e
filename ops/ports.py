"""Ports of this machine's loopback address."""

import random
import socket

from ops.errors import Refusal

HOST = "127.0.0.1"


def free_port(besides: int | None = None) -> int:
    """A port where nobody listens. Raises Refusal."""
    # Below the range that systems give to outgoing connections, which might take the port before its listener does.
    for port in random.sample(range(20_000, 32_000), 200):
        if port != besides and is_free(port):
            return port
    raise Refusal("No free port was found between 20000 and 32000.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the broker's own socket does, so that connections that are just closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
