"""A port of this machine at which a job's records go in, or its results come out."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

WITHIN_S = 60.0


class Listener:
    """A port of this machine to which a job's source or sink connects."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(WITHIN_S)
        self._reading = threading.Event()
        self.port: int = self._server.getsockname()[1]

    def accept(self) -> socket.socket:
        """The next connection. Raises TimeoutError."""
        connection, _ = self._server.accept()
        return connection

    def collect(self) -> Any:
        """Reads the next connection to its end, aside; what is given back waits for all of it."""
        kept = bytearray()

        def read() -> None:
            try:
                with self.accept() as connection:
                    self._reading.clear()
                    while some := connection.recv(1 << 16):
                        kept.extend(some)
            except OSError:
                pass  # The job did not get as far as to connect; its failure is told by the cluster.

        self._reading.set()
        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def wait() -> bytes:
            reader.join(WITHIN_S)
            return bytes(kept)

        return wait

    def settle(self) -> None:
        """After a job has ended: what it has left half done must not be taken for the next one's."""
        if self._reading.is_set():
            socket.create_connection(("127.0.0.1", self.port)).close()
            while self._reading.is_set():
                time.sleep(0.001)
        self._server.settimeout(0)
        try:
            while True:
                self.accept().close()
        except BlockingIOError:
            self._server.settimeout(WITHIN_S)

    def close(self) -> None:
        self._server.close()
