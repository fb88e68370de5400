"""Offers as their parties read them: where each stands, who has signed, what became of it on the chain.

The status of an offer that all have signed is worked out from its item in the outbox and stored nowhere else:

    open → complete → landed | refused         all have signed; the relay is at it; it is on the chain, or is not
    open → declined | expired | recalled
    open → recalling → recalled | landed       its revocation is on its way, and one of the two is first
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ledger.agreements import Agreement, from_json
from ledger.errors import Refusal
from ledger.negotiation.access import Caller, sees_offer
from ledger.negotiation.offers import COMPLETE, EXPIRED, OPEN, RECALLED, RECALLING
from ledger.offer_tables import OfferRow, SignatureRow
from ledger.outbox import GONE, LANDED, WITHDRAWN, put_here
from ledger.outbox_tables import OutboxRow
from ledger.tables import VoucherRow

ON_CHAIN, REFUSED = "landed", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """One offer. `refusal`: why the chain did not take it; `tx_hash` and `block` where it landed."""

    row: OfferRow
    agreement: Agreement
    status: str
    refusal: Refusal | None
    tx_hash: bytes | None
    block: int | None


def views(session: Session, rows: Sequence[OfferRow], *, now: int) -> list[OfferView]:
    """The offers with all that belongs to them, in two queries. `now`: the chain's time."""
    new = put_here(session)
    numbers = [row.item for row in rows if row.item is not None and row.item not in new]
    items = {item.number: item for item in session.execute(_ITEMS, {"numbers": numbers})} if numbers else {}
    ended = _revoked(session, rows)
    return [_view(row, items.get(row.item or 0), ended, now=now) for row in rows]


_BOX: Final = OutboxRow.__table__.c
_ITEMS: Final = select(_BOX.number, _BOX.status, _BOX.tx_hash, _BOX.block, _BOX.refusal, _BOX.facts).where(
    _BOX.number.in_(bindparam("numbers", expanding=True))
)


def listed(
    session: Session,
    caller: Caller,
    *,
    now: int,
    limit: int,
    before: int | None = None,
    to_sign: bool = False,
    verb: str | None = None,
) -> list[OfferView]:
    """The caller's offers, the newest first, from below the number `before`. `to_sign`: only those that are open and
    want the consent of the caller's party."""
    query = select(OfferRow).where(sees_offer(caller)).order_by(OfferRow.number.desc()).limit(limit)
    if before is not None:
        query = query.where(OfferRow.number < before)
    if verb is not None:
        query = query.where(OfferRow.verb == verb)
    if to_sign:
        mine = select(SignatureRow.offer).where(
            SignatureRow.party == (caller.party or caller.candidate), SignatureRow.consent.is_(None)
        )
        query = query.where(OfferRow.status == OPEN, OfferRow.expires_at >= now, OfferRow.number.in_(mine))
    return views(session, list(session.scalars(query)), now=now)


def _revoked(session: Session, rows: Sequence[OfferRow]) -> Mapping[tuple[str, int], str | None]:
    """How the root vouchers of offers under revocation have ended; of the others nothing."""
    roots = {row.root for row in rows if row.status == RECALLING and row.root is not None}
    if not roots:
        return {}
    query = select(VoucherRow.contract, VoucherRow.voucher, VoucherRow.ended_as)
    found = session.execute(query.where(VoucherRow.voucher.in_(roots)))
    return {(row.contract, row.voucher): row.ended_as for row in found}


def _view(
    row: OfferRow,
    item: Any,
    ended: Mapping[tuple[str, int], str | None],
    *,
    now: int,
) -> OfferView:
    facts: dict[str, Any] = {"refusal": None, "tx_hash": None, "block": None}
    status = row.status
    if status == OPEN and row.expires_at < now:
        status = EXPIRED
    elif status == RECALLING and row.root is not None and (row.contract, row.root) in ended:
        status = RECALLED if ended[row.contract, row.root] == "revoked" else ON_CHAIN
    elif status == COMPLETE and item is not None and item.status in LANDED:
        status = ON_CHAIN
        facts |= {"tx_hash": item.tx_hash, "block": item.block}
    elif status == COMPLETE and item is not None and item.status in GONE:
        status = REFUSED
        withdrawn = item.status == WITHDRAWN
        facts["refusal"] = Refusal("Withdrawn") if withdrawn else Refusal(str(item.refusal), item.facts)
    return OfferView(row=row, agreement=from_json(row.agreement), status=status, **facts)
