"""A Maven repository over TLS on the loopback address, as a mirror or behind a proxy that opens every connection."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TLS = Path(__file__).with_name("tls")
AUTHORITY = TLS / "authority.pem"
NAME = "mirror.test"
"""The name in the server's certificate, beside its address."""


class Server(ThreadingHTTPServer):
    """What it serves by path, and what it has been asked for."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[str] = []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(TLS / "server.pem")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate hangs up."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        who = f" as {self.headers['Authorization']}" if "Authorization" in self.headers else ""
        self.server.asked.append(f"GET {self.path}{who}")
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        self.wfile.write(content or b"")

    def do_CONNECT(self) -> None:
        """A company's proxy: it says that the way is free, and then answers itself, with a certificate of its own."""
        self.server.asked.append(f"CONNECT {self.path}")
        self.send_response(200)
        self.end_headers()
        self._begin_tls()
        self.handle_one_request()
        self.close_connection = True

    def _begin_tls(self) -> None:
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def serving(files: Mapping[str, bytes], *, tls: bool) -> Iterator[Server]:
    """The server while the block runs. With `tls` from the first byte, as a mirror; without, as a proxy."""
    server = Server(files)
    if tls:
        server.socket = server.tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
