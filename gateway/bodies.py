"""The one reader of request bodies: how long, which type, and what JSON it takes.

Read are at most `MOST_JSON` bytes of UTF-8 JSON, nested not too deeply (`ledger.outside`), in which no name stands
twice in one object and no number is NaN, infinite or a fraction: money is text, and a number that two readers could
understand differently is refused. The bytes are kept beside what they mean, for a request that names itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any, ClassVar, Final, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from gateway.problems import BodyRefused
from ledger.errors import InputError
from ledger.outside import json_of

MOST_JSON: Final = 1 << 20
MOST_UPLOAD: Final = 10 << 20
FORM: Final = "application/x-www-form-urlencoded"
UPLOAD: Final = "multipart/form-data"
CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RAW: Final = "tallystick.body"
"""Where a request's scope has the bytes of its body."""


class DeskRoute(APIRoute):
    """A route whose body has been read here before anything else sees it. `files`: the types of those bodies that are a
    file, which are taken as they are."""

    files: ClassVar[tuple[str, ...]] = ()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The library's handler, behind the reader."""
        handle = super().get_route_handler()

        async def read_first(request: Request) -> Response:
            read = _ReadRequest(request.scope, request.receive)
            if request.method in ("POST", "PUT", "PATCH", "DELETE"):
                await read.take(self.files)
            return await handle(read)

        return read_first


class SheetRoute(DeskRoute):
    """A route that takes tables, too."""

    files = (CSV, XLSX)


class _ReadRequest(Request):
    """A request whose JSON is what the reader made of it."""

    async def take(self, files: tuple[str, ...]) -> None:
        """Reads the body; BodyRefused."""
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        kind = message.get_content_type() if self.headers.get("content-type") else ""
        most = MOST_UPLOAD if kind in (UPLOAD, *files) else MOST_JSON
        content = await self._content(most)
        self.scope[RAW] = content
        self._body = content
        if not content:
            return
        if kind in (FORM, UPLOAD, *files):
            return
        if kind != "application/json":
            raise BodyRefused("WrongContentType", 415, "send the body as application/json")
        if message.get_content_charset("utf-8") != "utf-8":
            raise BodyRefused("WrongContentType", 415, "send the body as UTF-8")
        self._read = read_json(content)

    async def json(self) -> Any:
        """What the body means."""
        return self._read

    async def _content(self, most: int) -> bytes:
        said = self.headers.get("content-length", "0")
        if said.isdecimal() and int(said) > most:
            raise _too_long(most)
        parts, length = [], 0
        async for part in self.stream():
            length += len(part)
            if length > most:
                raise _too_long(most)
            parts.append(part)
        return b"".join(parts)


def read_json(content: bytes) -> Any:
    """What JSON bytes mean; BodyRefused where that is unclear."""
    try:
        json_of(content, most_bytes=MOST_JSON)  # size, depth, UTF-8, NaN
        found = json.loads(content, object_pairs_hook=_object, parse_float=_no_fraction, parse_int=_whole)
        if b"\\u" in content:
            _require_writable(found)
        return found
    except InputError as unread:
        raise BodyRefused("UnreadableBody", 400, str(unread)) from None
    except ValueError as unread:
        raise BodyRefused("UnreadableBody", 400, f"no JSON: {unread}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"the name {json.dumps(name[:40])} stands twice in one object")
        found[name] = value
    return found


def _no_fraction(text: str) -> NoReturn:
    raise InputError(f"the number {text[:40]} is no whole one: write amounts and rates as text")


def _whole(text: str) -> int:
    if len(text) > 20:
        raise InputError(f"the number {text[:20]}… is longer than any of ours")
    return int(text)


def _require_writable(found: Any) -> None:
    """Escapes can spell what no text may hold: half a character, or NUL, which no database keeps."""
    text = json.dumps(found, ensure_ascii=False)
    text.encode("utf-8")  # a ValueError where half a character stands in it
    if "\\u0000" in text:
        raise InputError("a text holds the character U+0000")


def _too_long(most: int) -> BodyRefused:
    return BodyRefused("BodyTooLong", 413, f"the body is longer than {most:,} bytes")
