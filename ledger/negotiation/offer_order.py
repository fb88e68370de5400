"""Offers that go out together, one after the other: a part that is cut off, and its sale.

Each is safe alone: a split that leaves both parts with their holder harms nobody, and a sale of a part that is not
there does nothing. Here they are held together: neither is sent before both are signed, and with one the other ends.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ledger import voucher as rules
from ledger.agreements import Discount, PartyNumber, Split, VoucherId, from_json
from ledger.calendar import Timestamp
from ledger.offer_tables import OfferRow
from ledger.pin import Pin
from ledger.quote_tables import OfferInOrderRow
from ledger.rows_about import world_about
from ledger.tables import VoucherRow
from ledger.world import World

_IN_ORDER: Final = ("split", "discount")


def put_in_order(session: Session, first: OfferRow, second: OfferRow) -> None:
    """The second one goes out after the first, and not without it."""
    session.add(OfferInOrderRow(first=first.number, second=second.number))
    session.flush()


def in_order(session: Session, offer: OfferRow) -> list[OfferRow]:
    """The offers that go out together, in their order, held until the transaction ends; mostly this one alone."""
    if offer.verb not in _IN_ORDER:
        return [offer]
    order = OfferInOrderRow
    either = or_(order.first == offer.number, order.second == offer.number)
    with session.no_autoflush:
        found = session.scalar(select(order).where(either))
    if found is None:
        return [offer]
    session.flush()
    return [
        session.get_one(OfferRow, number, with_for_update=True, populate_existing=True)
        for number in (found.first, found.second)
    ]


def split_before(session: Session, offer: OfferRow) -> Split | None:
    """The split that makes the part which this offer sells."""
    if offer.verb not in _IN_ORDER:
        return None
    query = (
        select(OfferRow.agreement)
        .join(OfferInOrderRow, OfferInOrderRow.first == OfferRow.number)
        .where(OfferInOrderRow.second == offer.number)
    )
    found = session.scalar(query)
    if found is None:
        return None
    split = from_json(found)
    assert isinstance(split, Split)
    return split


def known(session: Session, pin: Pin, voucher: VoucherId) -> bool:
    """Whether the voucher is on the chain."""
    return session.get(VoucherRow, (pin.ledger, voucher)) is not None


def world_after(
    session: Session,
    pin: Pin,
    split: Split,
    agreement: Discount,
    *,
    now: Timestamp,
    parties: Collection[PartyNumber] = (),
) -> World:
    """What judging the sale of the part takes, once the split is done. Refusal where that cannot happen now.

    `parties`: others that it asks about too.
    """
    world = world_about(session, pin, replace(agreement, voucher=split.voucher), parties=parties)
    return rules.apply(world, split, timestamp=now)[0]
