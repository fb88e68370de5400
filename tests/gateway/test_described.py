"""What the OpenAPI document says of each route, tried by a signatory: values that fit it and values that do not. There
is no server error, and no answer that the document does not describe."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.gateway.house import House, embedded_copy
from tests.ledger.office import ISSUER

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LEFT_OUT = {"DELETE /api/v1/session"}
"""What would end the session of everything that follows."""
SIGNED_IN = ("Authorization", "Cookie")
"""Headers by which somebody else would be asking."""
EXAMPLES = 4
"""Of each route, once of values that fit and once of values that do not."""


@pytest.fixture(scope="module")
def described(
    tmp_path_factory: pytest.TempPathFactory, founded: Path
) -> Iterator[tuple[House, Any, dict[str, str]]]:
    """A house with something in it, and what its app says of itself."""
    with embedded_copy(founded, tmp_path_factory.mktemp("house")) as house:
        issuer = house.desk(ISSUER)
        ids = {"voucher": house.held(), "line": "2-1", "due_day": house.day(120)}
        ids["offer_id"] = issuer.offers("/issuer/promise-offers", house.promise(reference="PO open"))["id"]
        ids["programme"] = issuer.post("/issuer/programmes", {"name": "x", "longest_tenor": 90}).json()["id"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield house, schemathesis.openapi.from_dict(house.app.openapi()), ids


def test_each_error_is_described_under_the_type_that_it_has(
    described: tuple[House, Any, dict[str, str]],
) -> None:
    paths = described[0].app.openapi()["paths"]
    told = {
        kind
        for path, operations in paths.items()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status >= "400" and path.startswith("/api/")
        for kind in answer["content"]
    }
    assert told == {"application/problem+json"}


def known_in(operation: Any, mode: GenerationMode, ids: dict[str, str]) -> dict[str, str] | None:
    """Ids that lead somewhere, where all of the route's do."""
    named = re.findall(r"{(\w+)}", operation.path)
    fits = mode is GenerationMode.POSITIVE and named and set(named) <= set(ids)
    return {name: ids[name] for name in named} if fits else None


def ours(described: tuple[House, Any, dict[str, str]], mode: GenerationMode) -> dict[int, int]:
    house, schema, ids = described
    desk = house.desk(ISSUER)
    failures: list[str] = []
    seen: dict[int, int] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.label in LEFT_OUT:
            continue

        @seed(20_261_130)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(generation_mode=mode, path_parameters=known_in(operation, mode, ids))
        )
        def tried(case: Any) -> None:
            name = f"{case.operation.label} {next(desk.names)}"
            told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": name}
            sent = case.as_transport_kwargs(base_url="https://testserver", headers=told)
            own = {each: sent["headers"][each] for each in sent["headers"] if each not in SIGNED_IN}
            answer = desk.client.request(
                sent["method"],
                sent["url"],
                headers={**own, **told},
                params=sent.get("params"),
                content=sent["data"] if isinstance(sent.get("data"), str | bytes) else None,
                json=sent.get("json"),
            )
            try:
                case.validate_response(answer, checks=CHECKS)
            except (Failure, FailureGroup) as unfit:
                said = "; ".join(str(each) for each in getattr(unfit, "exceptions", [unfit]))
                failures.append(f"{case.operation.label}: {answer.status_code} {said}")
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

        with suppress(Unsatisfiable):  # a route that takes nothing takes nothing unfit
            tried()
    assert not failures, "\n".join(dict.fromkeys(failures))
    return seen


def test_values_that_fit_are_answered_as_described(described: tuple[House, Any, dict[str, str]]) -> None:
    seen = ours(described, GenerationMode.POSITIVE)
    assert seen[200] > 50


def test_values_that_do_not_fit_are_answered_as_described(
    described: tuple[House, Any, dict[str, str]],
) -> None:
    seen = ours(described, GenerationMode.NEGATIVE)
    assert seen[422] > 50
