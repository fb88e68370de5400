"""The second pair of eyes inside an issuer, where its programme wants one.

    ask               an offered promise is to be looked at before the issuer signs
    require_reviewed  that it was
    waiting           what a reviewer has to look at
    review            a reviewer lets it go on, or ends it

Who made the offer does not review it (`second_person`). What the other side has signed meanwhile binds nobody.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.second_person import require_second_person
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.programme_tables import ReviewRow


def ask(session: Session, caller: Caller, offer: OfferRow) -> None:
    """The caller's offer waits for a reviewer."""
    row = ReviewRow(
        offer=offer.number,
        organisation=caller.organisation,
        maker=caller.who,
        reviewer=None,
        reviewed_at=None,
    )
    session.add(row)


def is_waiting(session: Session, offer: OfferRow) -> bool:
    """Whether a reviewer has to look at it and none has."""
    row = session.get(ReviewRow, offer.number)
    return row is not None and row.reviewer is None


def require_reviewed(session: Session, offer: OfferRow) -> None:
    """Refusal ReviewNeeded where a reviewer has to look at it and none has."""
    if is_waiting(session, offer):
        raise Refusal("ReviewNeeded", {"offer": offer.id})


def waiting(session: Session, caller: Caller, *, limit: int, after: int, now: int) -> list[OfferRow]:
    """A page of the organisation's open offers that nobody has looked at, the oldest first. `now`: the chain's time."""
    query = (
        select(OfferRow)
        .join(ReviewRow, ReviewRow.offer == OfferRow.number)
        .where(
            ReviewRow.organisation == caller.organisation,
            ReviewRow.reviewer.is_(None),
            OfferRow.status == "open",
            OfferRow.expires_at >= now,
            OfferRow.number > after,
        )
    )
    return list(session.scalars(query.order_by(OfferRow.number).limit(limit)))


def review(session: Session, setting: Setting, caller: Caller, offer: OfferRow) -> ReviewRow:
    """A reviewer of the issuer has looked at an open offer and lets it go on. Refusal NotFound where nobody has to look
    at it; ReviewedByMaker; NotAllowed for a program; AlreadyReviewed."""
    row = to_review(session, caller, offer)
    row.reviewer, row.reviewed_at = caller.who, setting.machine_clock()
    session.flush()
    audit.note(session, caller, "review", subject=f"offer {offer.id}", at=row.reviewed_at)
    return row


def to_review(session: Session, caller: Caller, offer: OfferRow) -> ReviewRow:
    """The review that is waiting for somebody like the caller; the errors of `review`."""
    require(caller, Right.CHECK)
    row = session.get(ReviewRow, offer.number, with_for_update=True)
    if row is None or row.organisation != caller.organisation:
        raise not_found("review")
    if row.reviewer is not None:
        raise Refusal("AlreadyReviewed", {"offer": offer.id})
    own = Refusal("ReviewedByMaker", {"offer": offer.id})
    require_second_person(session, caller, maker=row.maker, act="review", own=own)
    return row
