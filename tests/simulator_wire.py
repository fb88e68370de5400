"""What lies between the product's clients and the simulator's nodes: the client library as it is, and no socket.

    with plugged(lines):                       `lines`: by host name
        chain = RpcChain("http://relay-0.simulated", key=key)

A `Line` is the hostile proxy of `hostile_node.py` in front of a node in this process: what it is told to do with a call
becomes what the client library meets: a status, half an answer, a connection that breaks, no answer in time.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ledger.rpc import Rpc
from ledger.rpc_chain import RpcChain
from tests.hostile_node import Answer, Broken, Call, Fault, HostileNode, Wire, older
from tests.simulator_node import SimNode

_LATE: Final = 0
"""The status that stands for no answer in time."""


@dataclass
class Line(HostileNode):
    """A proxy in front of the node that it is put before."""

    node: SimNode | None = None

    def _post(self, request: Answer) -> Answer:
        assert self.node is not None
        return self.node.answer(request)


class Straight(RpcChain):
    """A client for those who judge: no wire between it and the node, so nothing goes wrong on it."""

    def __init__(self, node: SimNode, url: str, *, key: bytes) -> None:
        super().__init__(url, key=key)
        self._rpc = _NoWire(node)


class _NoWire(Rpc):
    def __init__(self, node: SimNode) -> None:
        super().__init__("", timeout=0)
        self._node = node

    def _post(self, question: Any) -> Any:
        if isinstance(question, list):
            return [self._node.answer(each) for each in question]
        return self._node.answer(question)


class Indexing(RpcChain):
    """A client of an indexer that reads nothing ahead in a thread, so that a seed always gives the same trace."""

    @property
    def exclusive(self) -> bool:
        return True


def late(call: Call) -> Answer:
    """The node never sees the call, and the caller waits in vain."""
    raise Broken(Wire(_LATE))


def late_answer(call: Call) -> Answer:
    """The node takes the call, its answer comes too late."""
    call.forward()
    raise Broken(Wire(_LATE))


def from_an_older_block(depth: int) -> Fault:
    """The answer of a node that is so many blocks behind."""

    def fault(call: Call) -> Answer:
        line = call.proxy
        assert isinstance(line, Line) and line.node is not None
        return older(call, line.node.answer, max(line.node.head.number - depth, 1))

    return fault


@contextmanager
def plugged(lines: Mapping[str, HostileNode]) -> Iterator[None]:
    """While it lasts, requests to these hosts go to their lines; all others go where they always go."""
    ordinary = HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        line = lines.get(urlsplit(str(request.url)).hostname or "")
        if line is None:
            return ordinary(self, request, **options)
        assert isinstance(request.body, bytes)
        wire = _wire(line, json.loads(request.body))
        if wire.status == _LATE:
            raise requests.exceptions.ReadTimeout("no answer in time", request=request)
        if wire.body is None:
            raise requests.exceptions.ConnectionError("the connection was closed", request=request)
        length = len(wire.body) if wire.promised is None else wire.promised
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(wire.body),
            headers={"Content-Type": "application/json", "Content-Length": str(length)},
            status=wire.status,
            preload_content=False,
            request_method="POST",
        )
        return self.build_response(request, raw)

    HTTPAdapter.send = send  # type: ignore[assignment]
    try:
        yield
    finally:
        HTTPAdapter.send = ordinary  # type: ignore[method-assign]


def _wire(line: HostileNode, asked: Any) -> Wire:
    try:
        said = [line.answer(each) for each in asked] if isinstance(asked, list) else line.answer(asked)
        return Wire(200, json.dumps(said).encode())
    except Broken as broken:
        return broken.wire
