"""A proxy in front of a node that misbehaves as a test tells it: per method, per call, or from a call on.

    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=key)
        proxy.script("eth_sendRawTransaction", lost_reply)              the next call of this method
        proxy.script("eth_getLogs", skipped_logs(7, 9), times=None)     every call from now on
        proxy.height_limit = 12                                         the node as it was at block 12
        assert proxy.methods <= METHODS                                 what was asked so far

A fault is a function of a `Call`: it may forward the call, change its answer, keep it, or break the connection.
What no rule is for goes to the node and back unchanged. A POST with several calls is answered call by call; a fault
that breaks the connection breaks it for all of them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = dict[str, Any]
EVERY = "*"
"""Any method."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the node. `number` counts the calls of its method, from 1."""

    method: str
    params: list[Any]
    number: int
    request: Answer
    proxy: HostileNode

    def forward(self) -> Answer:
        """The node's own answer, as of the height limit where there is one."""
        return self.proxy.forward(self)


@dataclass(frozen=True, slots=True)
class Wire:
    """What goes over the wire instead of an answer. `body` None: the connection is closed without a word;
    `promised`: bytes that the header announces, where these are not the body's."""

    status: int = 200
    body: bytes | None = None
    promised: int | None = None


class Broken(Exception):
    """A fault that concerns the whole POST."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        super().__init__(wire)


Fault = Callable[[Call], Answer]


@dataclass(slots=True)
class _Rule:
    method: str
    fault: Fault
    at: int | None
    left: int | None

    def takes(self, call: Call) -> bool:
        if self.method not in (EVERY, call.method) or self.left == 0:
            return False
        if self.at is not None and call.number < self.at:
            return False
        if self.left is not None:
            self.left -= 1
        return True


@dataclass
class HostileNode:
    """The proxy's side that a test holds. `calls` are (method, params) in the order in which they came."""

    upstream: str
    url: str = ""
    height_limit: int | None = None
    calls: list[tuple[str, list[Any]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    _counts: Counter[str] = field(default_factory=Counter)
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lines: threading.local = field(default_factory=threading.local)

    @property
    def methods(self) -> set[str]:
        """Every method that was asked for so far."""
        with self._lock:
            return set(self._counts)

    def count(self, method: str) -> int:
        """How often it was asked for so far."""
        with self._lock:
            return self._counts[method]

    def script(self, method: str, fault: Fault, *, at: int | None = None, times: int | None = 1) -> None:
        """From now on, or from the call of this number on, so many calls meet this fault (None: all). Of several
        rules that fit the first one given counts."""
        with self._lock:
            self._rules.append(_Rule(method, fault, at, times))

    def heal(self) -> None:
        """Forgets all rules and the height limit."""
        with self._lock:
            self._rules.clear()
            self.height_limit = None

    def answer(self, request: Answer) -> Answer:
        """What becomes of one call; Broken where there is no answer."""
        method, params = str(request.get("method")), list(request.get("params") or [])
        with self._lock:
            self.calls.append((method, params))
            self._counts[method] += 1
            call = Call(method, params, self._counts[method], request, self)
            rule = next((rule for rule in self._rules if rule.takes(call)), None)
        return call.forward() if rule is None else rule.fault(call)

    def forward(self, call: Call) -> Answer:
        """Asks the node itself."""
        limit = self.height_limit
        if limit is None:
            return self._post(call.request)
        return older(call, self._post, limit)

    def _post(self, request: Answer) -> Answer:
        for attempt in (1, 2):  # a kept connection may have gone stale, as after a restart of the node
            line = getattr(self._lines, "line", None)
            try:
                if line is None:
                    line = self._lines.line = http.client.HTTPConnection(
                        urlsplit(self.upstream).netloc, timeout=60
                    )
                line.request("POST", "/", json.dumps(request).encode(), {"Content-Type": "application/json"})
                return dict(json.loads(line.getresponse().read()))
            except (OSError, http.client.HTTPException):
                if line is not None:
                    line.close()
                self._lines.line = None
                if attempt == 2 or request.get("method") == "eth_sendRawTransaction":
                    break
        raise Broken(Wire(502, b"the node behind does not answer"))


# ---- faults of the connection ------------------------------------------------------------------------------


def status(code: int, body: bytes = b"try later") -> Fault:
    """An HTTP error; the node never sees the call."""
    return lambda call: _break(Wire(code, body))


def garbage(body: bytes = b"<html>It works!</html>") -> Fault:
    """Something with status 200 that is no JSON-RPC; the node never sees the call."""
    return lambda call: _break(Wire(200, body))


def hang(call: Call) -> Answer:
    """No answer until the proxy is closed; the node never sees the call."""
    call.proxy.closing.wait()
    return _break(Wire())


def cut(call: Call) -> Answer:
    """The connection is closed; the node never sees the call."""
    return _break(Wire())


def lost_reply(call: Call) -> Answer:
    """The node takes the call, the connection is closed before its answer arrives."""
    call.forward()
    return _break(Wire())


def late_reply(call: Call) -> Answer:
    """The node takes the call; its answer is kept until the proxy is closed."""
    call.forward()
    return hang(call)


def failed_after(code: int) -> Fault:
    """The node takes the call, the caller is told an HTTP error."""

    def fault(call: Call) -> Answer:
        call.forward()
        return _break(Wire(code, b"gateway timeout"))

    return fault


def truncated(call: Call) -> Answer:
    """The node's answer breaks off half way, and so does the connection."""
    body = json.dumps(call.forward()).encode()
    return _break(Wire(200, body[: len(body) // 2], promised=len(body)))


def half_json(call: Call) -> Answer:
    """Half of the node's answer, presented as the whole."""
    body = json.dumps(call.forward()).encode()
    return _break(Wire(200, body[: len(body) // 2]))


def _break(wire: Wire) -> Answer:
    raise Broken(wire)


# ---- lies --------------------------------------------------------------------------------------------------


def error(message: str, *, code: int = -32_000, data: Any = None) -> Fault:
    """A JSON-RPC error; the node never sees the call."""
    said = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return lambda call: {"jsonrpc": "2.0", "id": call.request.get("id"), "error": said}


def result(value: Any) -> Fault:
    """This result; the node never sees the call."""
    return lambda call: {"jsonrpc": "2.0", "id": call.request.get("id"), "result": value}


def changed(change: Callable[[Any], Any]) -> Fault:
    """The node's result, changed."""

    def fault(call: Call) -> Answer:
        answer = call.forward()
        return answer | {"result": change(answer["result"])} if "result" in answer else answer

    return fault


def other_chain(chain_id: int) -> Fault:
    """For `eth_chainId`: another network's."""
    return result(hex(chain_id))


def skipped_logs(first: int, last: int) -> Fault:
    """For `eth_getLogs`: without those of these blocks."""
    return changed(lambda logs: [log for log in logs if not first <= int(log["blockNumber"], 16) <= last])


duplicated_logs: Fault = changed(lambda logs: [log for log in logs for _ in range(2)])
"""For `eth_getLogs`: each of them twice."""

reordered_logs: Fault = changed(lambda logs: logs[::-1])
"""For `eth_getLogs`: the last one first."""


def older(call: Call, ask: Callable[[Answer], Answer], height: int) -> Answer:
    """The answer as of an older height: what this node would have said when `height` was its head."""

    def put(params: list[Any]) -> Answer:
        return ask(call.request | {"params": params})

    nothing = {"jsonrpc": "2.0", "id": call.request.get("id"), "result": None}
    params = list(call.params)
    match call.method:
        case "eth_blockNumber":
            return nothing | {"result": hex(min(height, int(put(params)["result"], 16)))}
        case (
            "eth_getBlockByNumber" | "eth_getCode" | "eth_call" | "eth_getTransactionCount" | "eth_getBalance"
        ):
            place = 0 if call.method == "eth_getBlockByNumber" else 1
            named = params[place] if len(params) > place else "latest"
            number = height if not str(named).startswith("0x") and named != "earliest" else named
            if isinstance(number, str) and number.startswith("0x") and int(number, 16) > height:
                if call.method == "eth_getBlockByNumber":
                    return nothing
                said = {"code": -32_001, "message": "header not found"}
                return {"jsonrpc": "2.0", "id": call.request.get("id"), "error": said}
            return put(
                [*params[:place], hex(number) if isinstance(number, int) else number, *params[place + 1 :]]
            )
        case "eth_getTransactionReceipt" | "eth_getTransactionByHash":
            answer = put(params)
            found = answer.get("result")
            hidden = found and found.get("blockNumber") and int(found["blockNumber"], 16) > height
            return nothing if hidden else answer
        case "eth_getLogs":
            answer = put(params)
            if "result" in answer:
                kept = [log for log in answer["result"] if int(log["blockNumber"], 16) <= height]
                return answer | {"result": kept}
            return answer
    return put(params)


# ---- the proxy ---------------------------------------------------------------------------------------------


@contextmanager
def hostile(upstream: str) -> Iterator[HostileNode]:
    """A proxy on a free port in front of this node; it ends, and lets go whoever hangs, at the end."""
    proxy = HostileNode(upstream)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # header and body in one packet
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                said = (
                    [proxy.answer(each) for each in asked] if isinstance(asked, list) else proxy.answer(asked)
                )
                wire = Wire(200, json.dumps(said).encode())
            except Broken as broken:
                wire = broken.wire
            if wire.body is None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(wire.status)
            self.send_header("Content-Type", "application/json")
            self.send_header(
                "Content-Length", str(len(wire.body) if wire.promised is None else wire.promised)
            )
            self.end_headers()
            self.wfile.write(wire.body)
            self.wfile.flush()
            if wire.promised is not None:
                self.close_connection = True

        def log_message(self, *_words: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that went away

    with Server(("127.0.0.1", 0), Door) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.closing.set()
            server.shutdown()
            thread.join()
