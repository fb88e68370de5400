"""What the OpenAPI document shows as examples is what would be taken, and what is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.forms import Form
from tests.gateway.house import House
from tests.record_examples import FILE, kinds

BINARY = ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/octet-stream")
"""What has no example that could be read."""
RECORDED = json.loads(FILE.read_text())
ANSWERS = {f"{kind.__module__}.{kind.__name__}": kind for kind in kinds().values()}


def forms() -> list[type[Form]]:
    found, stack = [], Form.__subclasses__()
    while stack:
        found.append(stack.pop())
        stack += found[-1].__subclasses__()
    return found


def shown(kind: type[BaseModel]) -> list[Any]:
    return list(kind.model_json_schema().get("examples", ()))


@pytest.fixture(scope="module")
def document(shared_house: House) -> dict[str, Any]:
    return dict(shared_house.app.openapi())


def exemplified(document: dict[str, Any], content: dict[str, Any]) -> bool:
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if any(where.get(each) for where in (content, schema) for each in ("example", "examples")):
        return True
    members = schema.get("properties", {}).values()
    return bool(members) and all(shows(each) for each in members)


def shows(member: dict[str, Any]) -> bool:
    """Whether a member of a form that is no JSON is a file, says what it may be, or has an example."""
    return any(each in member for each in ("examples", "const", "contentMediaType"))


def test_every_body_and_every_answer_has_an_example(document: dict[str, Any]) -> None:
    bare = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            said = {
                f"answers {status}": each for status, each in operation["responses"].items() if status < "300"
            }
            for where, each in {"takes": operation.get("requestBody", {}), **said}.items():
                bare += [
                    f"{method.upper()} {path} {where} {kind}"
                    for kind, content in each.get("content", {}).items()
                    if kind not in BINARY and not exemplified(document, content)
                ]
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize("form", [form for form in forms() if shown(form)], ids=lambda form: form.__name__)
def test_what_is_shown_of_a_form_would_be_read(form: type[Form]) -> None:
    for example in shown(form):
        form.model_validate(example)


@pytest.mark.parametrize("name", [name for name in RECORDED if not name.startswith("/")])
def test_what_is_shown_of_an_answer_is_one(name: str) -> None:
    kind = ANSWERS[name]
    assert shown(kind) == [RECORDED[name]]
    assert kind.model_validate(RECORDED[name]).model_dump(mode="json") == RECORDED[name]
