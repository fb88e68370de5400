"""What several desks answer with: offers made and signed, pages, entity tags."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi import Header, Query
from sqlalchemy.orm import Session

from gateway.gateway import Gateway
from gateway.moving import Reply
from gateway.offer_forms import OfferAnswer, offer_answer, parties_of
from gateway.problems import MEDIA_TYPE, Problem
from ledger.errors import InputError
from ledger.negotiation.access import Caller
from ledger.negotiation.offer_views import views
from ledger.negotiation.offers import COMPLETE, Proposal, make, sign
from ledger.negotiation.organisations import names_of
from ledger.offer_tables import OfferRow

T = TypeVar("T")
PREFIX: Final = "/api/v1"
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
"""Where `model` would put it, it stood under the type of other answers. Offers have problems in them, too: so it is
among the schemas."""
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": said, "content": _PROBLEM}
    for status, said in (
        (400, "The request cannot be read."),
        (401, "Not signed in, or not any more."),
        (403, "The caller's role or party does not allow it."),
        (404, "Nothing of the caller's has this id."),
        (409, "A rule says no, as things stand."),
        (413, "The body is too long."),
        (415, "The body is of another type."),
        (422, "A value cannot be used."),
        (429, "Too often."),
        (503, "Chain or database cannot be used at present."),
    )
}
"""The errors of every route, for its description."""
CHANGED: Final[dict[int | str, dict[str, Any]]] = {
    412: {"description": "It has changed since.", "content": _PROBLEM}
}

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
Cursor = Annotated[
    str | None,
    Query(
        alias="cursor",
        max_length=120,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next` of the page before.",
    ),
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of what the caller has seen.", max_length=40)
]


def cursor(value: object) -> str:
    """A place in a list, which only we read."""
    return base64.urlsafe_b64encode(str(value).encode()).decode().rstrip("=")


def page_of(found: Sequence[T], limit: int, key: Callable[[T], object]) -> tuple[Sequence[T], str | None]:
    """The page, and the cursor of the next one, of what was found when one more than fits was asked for."""
    page = found[:limit]
    return page, cursor(key(page[-1])) if len(found) > limit else None


def place_of(text: str | None, read: Callable[[str], T]) -> T | None:
    """What stands behind a cursor, as `read` reads it; InputError for what is none of this list."""
    if text is None:
        return None
    try:
        return read(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except (ValueError, InputError):
        raise InputError("cursor: give `next` of the page before, as it was") from None


def number_of(text: str | None) -> int | None:
    """A cursor that is a number."""
    return place_of(text, _number)


def _number(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,18}", text) is None:
        raise ValueError
    return int(text)


def tag(version: int) -> str:
    """An entity tag."""
    return f'"{version}"'


def version_of(given: str | None) -> int | None:
    """What `If-Match` names; InputError for anything but one of our tags."""
    if given is None or given == "*":
        return None
    found = re.fullmatch(r'"([0-9]{1,9})"', given)
    if found is None:
        raise InputError("If-Match: give the ETag as it was")
    return int(found[1])


def offered(
    session: Session, gateway: Gateway, caller: Caller, proposal: Proposal, *, sign_now: bool
) -> Reply:
    """Offers an agreement, and signs it where that is wanted."""
    offer = make(session, gateway.setting, caller, proposal)
    if sign_now:
        sign(session, gateway.setting, caller, offer)
    status = 202 if offer.status == COMPLETE else 201
    return Reply(status, shown(session, gateway, offer), offer_headers(offer))


def shown(session: Session, gateway: Gateway, offer: OfferRow) -> OfferAnswer:
    """The offer as an answer."""
    view = views(session, [offer], now=gateway.setting.chain_clock())[0]
    return offer_answer(view, names_of(session, parties_of([view])))


def offer_headers(offer: OfferRow) -> dict[str, str]:
    """Where an offer is, and its version."""
    return {
        "Location": f"{PREFIX}/offers/{offer.id}",
        "ETag": tag(offer.version),
        "Cache-Control": "no-store",
    }
