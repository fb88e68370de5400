"""A receiver of webhooks for tests, on this machine."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """`got`: headers and body of each request; `status` is answered, unless `answer` does something else."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[Any], None] | None = None

    def told(self) -> list[dict[str, Any]]:
        """What it was told, in the order in which it came."""
        return [json.loads(body) for _, body in self.got]

    def kinds(self) -> list[str]:
        """The types of that."""
        return sorted(each["type"] for each in self.told())


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """One on a port of its own; with a context it speaks TLS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            with suppress(OSError):
                if receiver.answer is not None:
                    receiver.answer(self)
                else:
                    self.send_response(receiver.status)
                    self.end_headers()

        def log_message(self, *_given: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_given: object) -> None:
            """A connection that was cut is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/hook"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
