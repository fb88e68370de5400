"""Each request has an id: in the answer's header, and in every line that is logged while it is worked on.

A caller or a proxy may bring an id of its own in `X-Request-Id`; else one is drawn. What is logged of a request is
method, path, status and time: no query, no header, no body.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextvars import ContextVar
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = b"x-request-id"
LOG: Final = logging.getLogger("gateway.request")
PROBES: Final = ("/health", "/ready", "/metrics")
"""Asked every few seconds: told only to who wants to know everything."""
_GIVEN: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_REQUEST: Final[ContextVar[str | None]] = ContextVar("request", default=None)


class InRequest(logging.Filter):
    """Adds the id of the request that is being worked on to a line, where one is."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        request = _REQUEST.get()
        if request is not None:
            record.request = request
        return True


class Numbered:
    """Gives each request its id and logs how it was answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, began, status = _id_of(scope), time.monotonic(), 0

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, request.encode())]
            await send(message)

        before = _REQUEST.set(request)
        try:
            await self._app(scope, receive, with_id)
        finally:
            level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
            told = {"method": scope["method"], "path": scope["path"], "status": status or None}
            LOG.log(level, "answered", extra={**told, "seconds": round(time.monotonic() - began, 3)})
            _REQUEST.reset(before)


def _id_of(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given.decode() if _GIVEN.fullmatch(given) else secrets.token_hex(8)
