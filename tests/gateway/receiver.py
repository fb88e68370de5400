"""A receiver of webhooks for tests, on this machine."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.gateway.stands import standing


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

    with standing(Handler, context) as address:
        receiver.url = f"{address}/hook"
        yield receiver
