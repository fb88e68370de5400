"""Errors as answers: RFC 9457 problem+json, the same name on every floor.

`type` is `/problems/` and the error's one name, which the contract, the Python side and the terminal use too; `facts`
are its arguments, amounts in yuan and days as dates; `next` says what to do. Nothing secret and no traceback gets out.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ledger.database import DatabaseBusy, DatabaseUncertain, DatabaseUnusable
from ledger.errors import (
    ChainError,
    FileError,
    InputError,
    Refusal,
    SealError,
    TallystickError,
    VerificationError,
)
from ledger.explain import explain, plain_facts
from ledger.negotiation.business_registry import RegisterUnusable
from ledger.negotiation.provider import ProviderUnusable

MEDIA_TYPE: Final = "application/problem+json"
MOST_CELLS: Final = 200
"""So many bad cells of a file are named in one answer."""
LOG: Final = logging.getLogger("gateway")
_STATUS: Final = MappingProxyType(
    {
        "SignInNeeded": 401,
        "SignInFailed": 401,
        "SecondFactorNeeded": 401,
        "TokenRefused": 401,
        "NotAllowed": 403,
        "NotASigner": 403,
        "NotAdmitted": 403,
        "CsrfDiffers": 403,
        "NotFound": 404,
        "VersionDiffers": 412,
        "KeyMissing": 400,
        "KeyReused": 422,
        "TooManyFailures": 429,
        "TooManyRequests": 429,
    }
)
"""What a refusal is in HTTP; every other one is a conflict with how things stand: 409."""


class Problem(BaseModel):
    """What an error says (RFC 9457)."""

    type: str = Field(examples=["/problems/LimitExceeded"])
    title: str
    status: int
    detail: str
    detail_zh: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    next: str | None = None
    next_zh: str | None = None
    errors: list[dict[str, Any]] | None = None


class BodyRefused(TallystickError):
    """A request whose body is not read: too long, no JSON, ambiguous. `status` is HTTP's."""

    def __init__(self, name: str, status: int, said: str) -> None:
        self.name, self.status = name, status
        super().__init__(said)


def problem_of(error: TallystickError) -> Problem:
    """What an error is to whoever asked."""
    if isinstance(error, Refusal):
        told = explain(error)
        return Problem(
            type=f"/problems/{error.name}",
            title=_words(error.name),
            status=_STATUS.get(error.name, 409),
            detail=told.what.en,
            detail_zh=told.what.zh,
            facts=plain_facts(error),
            next=told.next_step.en,
            next_zh=told.next_step.zh,
        )
    name, status = _unlike_a_refusal(error)
    errors = None
    if isinstance(error, FileError):
        errors = [
            {"where": [str(each.row), each.column], "what": each.problem}
            for each in error.problems[:MOST_CELLS]
        ]
    return Problem(
        type=f"/problems/{name}", title=_words(name), status=status, detail=_short(error), errors=errors
    )


def _short(error: TallystickError) -> str:
    """A file's error says each bad cell beside it."""
    if isinstance(error, FileError):
        return f"{error.path}: {len(error.problems)} problem(s), nothing was taken"
    return str(error)


def is_answer(error: TallystickError) -> bool:
    """Whether the error is an answer to the request, and would be the same one again: not trouble of ours."""
    return problem_of(error).status < 500


def _unlike_a_refusal(error: TallystickError) -> tuple[str, int]:
    name = type(error).__name__
    match error:
        case BodyRefused():
            return error.name, error.status
        case RegisterUnusable() | ProviderUnusable() | ChainError():
            return name, 503
        case DatabaseBusy() | DatabaseUncertain() | DatabaseUnusable():
            return name, 503
        case InputError():
            return name, 422
        case VerificationError() | SealError():
            return name, 500
    return name, 500


_NEXT: Final = MappingProxyType(
    {
        500: (
            "Send it again; if it stays, report it with the X-Request-Id of this answer.",
            "请重新提交;如仍出错,请提供本答复的 X-Request-Id 报修。",
        ),
        503: (
            "Wait a moment, then send the same request again under the same Idempotency-Key.",
            "请稍候,以相同的 Idempotency-Key 重新提交同一请求。",
        ),
        404: ("The OpenAPI document lists what there is.", "接口清单见 OpenAPI 文档。"),
    }
)
_CORRECT: Final = (
    "Correct what is named, then send it as a new request.",
    "请更正所指出的内容,作为新的请求提交。",
)
"""What to do about an error that is not the contract's; those have words of their own."""


def answer(problem: Problem) -> Response:
    """The problem as a response, with the headers that belong to it."""
    if problem.next is None:
        problem.next, problem.next_zh = _NEXT.get(problem.status, _CORRECT)
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.status == 429:
        headers["Retry-After"] = str(problem.facts.get("seconds", 1))
    if problem.status == 503:
        headers["Retry-After"] = "1"
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, problem.status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every error of the app one of these."""

    @app.exception_handler(TallystickError)
    async def ours(request: Request, error: TallystickError) -> Response:
        found = problem_of(error)
        if found.status >= 500:
            LOG.error("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
        return answer(found)

    @app.exception_handler(RequestValidationError)
    async def unfit(_request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"where": [str(part) for part in each["loc"]], "what": each["msg"].removeprefix("Value error, ")}
            for each in error.errors()
        ]
        first = errors[0] if errors else {"where": [], "what": ""}
        return answer(
            Problem(
                type="/problems/InputError",
                title="Input error",
                status=422,
                detail=f"{'.'.join(first['where'])}: {first['what']}",
                errors=errors,
            )
        )

    @app.exception_handler(HTTPException)
    async def of_the_library(_request: Request, error: HTTPException) -> Response:
        name = {404: "NotFound", 405: "MethodNotAllowed", 415: "WrongContentType"}.get(
            error.status_code, "RequestRefused"
        )
        phrase = HTTPStatus(error.status_code).phrase
        response = answer(
            Problem(
                type=f"/problems/{name}", title=phrase, status=error.status_code, detail=str(error.detail)
            )
        )
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        LOG.error("%s %s was not foreseen", request.method, request.url.path, exc_info=error)
        said = "this was not foreseen; nothing was changed"
        return answer(Problem(type="/problems/Unforeseen", title="Unforeseen", status=500, detail=said))


def _words(name: str) -> str:
    """`LimitExceeded` as `Limit exceeded`."""
    spaced = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name)
    return spaced.strip().capitalize()
