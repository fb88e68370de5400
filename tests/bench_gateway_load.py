"""Clients that keep a server busy: so many connections, each of which sends its next request when it has an answer.

They speak HTTP/1.1 by hand over sockets that stay open, so that most of the machine is the server's. The requests are
written beforehand; an answer of another status than the one that is expected ends the measurement.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Served:
    """So many requests were answered: seconds by the clock, and the seconds of each of them."""

    seconds: float
    each: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.each) / self.seconds

    @property
    def p99(self) -> float:
        """Seconds that 99 of 100 answers took at most."""
        return sorted(self.each)[max(int(len(self.each) * 0.99) - 1, 0)]


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    told = {"Host": "localhost", **headers}
    if body:
        told |= {"Content-Type": "application/json"}
    if method != "GET":
        told |= {"Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def served(port: int, requests: Sequence[bytes], *, clients: int, status: int) -> Served:
    """All requests, from so many clients at once; each takes the next one that nobody has taken."""
    return asyncio.run(_served(port, requests, clients, status))


async def _served(port: int, requests: Sequence[bytes], clients: int, status: int) -> Served:
    waiting, took = iter(requests), list[float]()
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]
    start = time.perf_counter()
    await asyncio.gather(*(_client(reader, writer, waiting, took, status) for reader, writer in opened))
    seconds = time.perf_counter() - start
    for _, writer in opened:
        writer.close()
    return Served(seconds, took)


async def _client(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: Iterator[bytes],
    took: list[float],
    status: int,
) -> None:
    for each in waiting:
        start = time.perf_counter()
        writer.write(each)
        head = await reader.readuntil(_END)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
        took.append(time.perf_counter() - start)
        assert head.split(b" ", 2)[1] == str(status).encode(), (head + body)[:2_000].decode()
