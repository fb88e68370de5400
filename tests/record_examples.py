"""`python -m tests.record_examples`: plays the gateway's tests and keeps, of each kind of answer, the one that says
most, as what the OpenAPI document shows of it (`gateway/examples.json`). Afterwards `tests/gateway/test_examples.py`
has to pass. Secrets are not kept, and of lists the first items only.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gateway.answers import PREFIX
from gateway.forms import View
from tests.engines import ROOT

FILE = ROOT / "gateway" / "examples.json"
SECRET = ("secret", "token", "access_token", "csrf", "uri")
SHOWN_ONCE = "(shown once)"
MOST_ITEMS = {"items": 1}
MOST = 3
"""Items that a list keeps."""
READABLE = ("application/json", "application/xml", "text/csv", "text/plain")
LONGEST = 2_500
"""Signs that a text keeps."""


def short(value: Any, name: str = "") -> Any:
    """What is worth showing of it."""
    if isinstance(value, dict):
        return {
            each: SHOWN_ONCE if each in SECRET and isinstance(said, str) else short(said, each)
            for each, said in value.items()
        }
    if isinstance(value, list):
        return [short(each) for each in value[: MOST_ITEMS.get(name, MOST)]]
    return value


def beginning(text: str) -> str:
    """As many whole lines as are worth showing."""
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n")[0] + "\n"


def says(value: Any) -> int:
    """How much it says: members that are not empty."""
    if isinstance(value, dict):
        return sum(says(each) for each in value.values())
    if isinstance(value, list):
        return sum(says(each) for each in value)
    return int(value not in (None, "", False, "0.00"))


def kinds() -> dict[str, type[View]]:
    """All kinds of answers, under the names that the document has for them."""
    found: dict[str, list[type[View]]] = {}
    stack = View.__subclasses__()
    while stack:
        kind = stack.pop()
        stack += kind.__subclasses__()
        found.setdefault(kind.__name__, []).append(kind)
    alone = {name: some[0] for name, some in found.items() if len(some) == 1}
    shared = {f"{kind.__module__}.{name}": kind for name, some in found.items() for kind in some}
    return alone | {re.sub(r"\W", "__", name): kind for name, kind in shared.items()}


class Recorder:
    """Sees what the app answers."""

    def __init__(self) -> None:
        self.best: dict[str, Any] = {}
        self.paths: dict[int, list[tuple[str, re.Pattern[str], dict[str, Any]]]] = {}

    def sees(self, app: Any, method: str, path: str, answer: Any) -> None:
        """Keeps what is better than what there is."""
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not 200 <= answer.status_code < 300 or kind not in READABLE or not answer.content:
            return
        for route, pattern, operations in self._paths(app):
            if method in operations and pattern.fullmatch(path):
                described = operations[method]["responses"].get(str(answer.status_code), {})
                schema = described.get("content", {}).get(kind, {}).get("schema", {})
                name = schema["$ref"].rsplit("/", 1)[1] if "$ref" in schema else route
                self._keeps(name, short(answer.json()) if "json" in kind else beginning(answer.text))

    def _paths(self, app: Any) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
        if id(app) not in self.paths:
            self.paths[id(app)] = [
                (path.removeprefix(PREFIX), re.compile(re.sub(r"{\w+}", "[^/]+", path)), each)
                for path, each in app.openapi()["paths"].items()
            ]
        return self.paths[id(app)]

    def _keeps(self, name: str, value: Any) -> None:
        if name not in self.best or rank(value) > rank(self.best[name]):
            self.best[name] = value

    def pytest_sessionfinish(self) -> None:
        known = kinds()
        kept = {
            f"{known[name].__module__}.{known[name].__name__}" if name in known else name: value
            for name, value in sorted(self.best.items())
        }
        FILE.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


def rank(value: Any) -> tuple[int, int]:
    """What says more is better, and what says as much in fewer words."""
    return says(value), -len(json.dumps(value))


def main() -> int:
    """The entry point."""
    recorder, request = Recorder(), TestClient.request

    def seen(client: TestClient, method: str, url: Any, **given: Any) -> Any:
        answer = request(client, method, url, **given)
        recorder.sees(client.app, method.lower(), str(url).split("?")[0], answer)
        return answer

    TestClient.request = seen  # type: ignore[assignment,method-assign]
    return int(pytest.main(["-q", str(ROOT / "tests" / "gateway")], plugins=[recorder]))


if __name__ == "__main__":
    raise SystemExit(main())
