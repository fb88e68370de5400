"""Small HTTP servers of the outside world, for as long as a test wants them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_given: object) -> None:
        """A connection that was cut is what some tests are about."""


@contextmanager
def standing(handler: type[BaseHTTPRequestHandler], context: SSLContext | None = None) -> Iterator[str]:
    """A server on this machine that writes no log; its address, without a path."""
    silent = type("Silent", (handler,), {"log_message": lambda *_given: None})
    server = _Server(("127.0.0.1", 0), silent)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    scheme = "http" if context is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
