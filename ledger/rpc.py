"""JSON-RPC as it comes over the wire: questions out, answers in, nothing made of them.

For what a node is asked in bulk (logs, headers, receipts) and what web3 would take far longer to dress up than the
node to answer. One connection per thread is kept open. Nothing is repeated here, and no answer is believed to be more
than JSON: an error of the node is a NodeError, an answer of another form a ValueError, no answer one of
`requests`' own exceptions; `chain.py` says them to people.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import requests
import urllib3

AT_ONCE: Final = 100
"""Questions in one batch; nodes set limits to them."""


class NodeError(Exception):
    """What a node says is wrong with a question."""


class Rpc:
    """The door of one node. `timeout`: seconds without a byte after which it counts as dead."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url, self._timeout, self._own = url, timeout, threading.local()

    def ask(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one question."""
        answer = self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if not isinstance(answer, dict):
            raise ValueError(f"the answer is a {type(answer).__name__}, no JSON-RPC object")
        return _result(answer)

    def ask_each(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """The results of many questions of one kind, in their order; asked in batches where the node takes these."""
        found: list[Any] = []
        for start in range(0, len(params), AT_ONCE):
            found += self._ask_batch(method, params[start : start + AT_ONCE])
        return found

    def _ask_batch(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        if len(params) == 1:
            return [self.ask(method, params[0])]
        answer = self._post(
            [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": each}
                for number, each in enumerate(params)
            ]
        )
        if not isinstance(answer, list):  # a node that takes no batches says so once, for all of it
            return [self.ask(method, each) for each in params]
        by_number = {each["id"]: each for each in answer}
        if by_number.keys() != set(range(len(params))):
            raise ValueError(f"{len(params)} questions asked at once, {len(by_number)} of them answered")
        return [_result(by_number[number]) for number in range(len(params))]

    def _post(self, question: Any) -> Any:
        way: _Way | None = getattr(self._own, "way", None)
        if way is None:
            way = self._own.way = _way_to(self._url)
        asked = way.asked.copy()
        asked.body = orjson.dumps(question)
        asked.headers["Content-Length"] = str(len(asked.body))
        reply = way.adapter.send(asked, stream=True, timeout=self._timeout, **way.settings)
        with reply:
            reply.raise_for_status()
            if reply.is_redirect:
                raise ValueError(
                    f"it sends us on to {urlsplit(reply.headers['location']).hostname}: use that address"
                )
            # in one piece: `content` would put it together out of ten thousand bytes at a time
            try:
                text = reply.raw.read(decode_content=True)
            except urllib3.exceptions.ReadTimeoutError as late:
                raise requests.exceptions.ReadTimeout(str(late)) from None
            except (urllib3.exceptions.HTTPError, OSError) as cut:
                raise requests.exceptions.ConnectionError(str(cut)) from None
        return orjson.loads(text)


@dataclass(frozen=True, slots=True)
class _Way:
    """A question without its text, and what it goes through: proxies, certificates and passwords as the environment
    names them. `requests` alone would look all that up for every question anew, which takes longer than the answer."""

    asked: requests.PreparedRequest
    adapter: requests.adapters.BaseAdapter
    settings: Mapping[str, Any]


def _way_to(url: str) -> _Way:
    session = requests.Session()
    asked = session.prepare_request(
        requests.Request("POST", url, headers={"Content-Type": "application/json"})
    )
    settings = dict(session.merge_environment_settings(url, {}, True, None, None))
    del settings["stream"]
    return _Way(asked, session.get_adapter(url), settings)


def _result(answer: dict[str, Any]) -> Any:
    if answer.get("error") is not None:
        raise NodeError(str(answer["error"]))
    if "result" not in answer:
        raise ValueError("the answer has neither a result nor an error")
    return answer["result"]
