"""What a bank has at stake under its lines: live face, overdue face, what is drawn and still free.

    exposures         live and overdue face by issuer, tier or supplier, out of the vouchers
    lines_by_issuer   limit and drawn, out of the lines

A supplier is who the promise was first made to; who holds a voucher now is on the settlement list. Each answer takes
the same number of queries, however many vouchers there are. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, and_, case, cast, func, select
from sqlalchemy.orm import Session

from ledger.negotiation.access import Caller
from ledger.negotiation.setting import Setting
from ledger.tables import LineRow, PromiseRow, VoucherRow
from ledger.world import Lock


class By(StrEnum):
    """What exposure is summed by."""

    ISSUER = "issuer"
    TIER = "tier"
    SUPPLIER = "supplier"


_COLUMNS: Final[Mapping[By, Any]] = {
    By.ISSUER: PromiseRow.issuer,
    By.TIER: VoucherRow.tier,
    By.SUPPLIER: PromiseRow.supplier,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One sum. `held`: of the live face what the bank holds itself; `overdue`: of the live face what is declared so.
    `key` is a party's number or a tier."""

    key: int
    vouchers: int
    live: int
    held: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The main lines of one issuer together; sub-lines are within them."""

    issuer: int
    lines: int
    limit: int
    drawn: int


def exposures(
    session: Session, setting: Setting, caller: Caller, by: By, *, limit: int, after: int | None
) -> list[Exposure]:
    """The sums of all ledgers, by key, in one query."""
    key, face = _COLUMNS[by], cast(VoucherRow.face, BigInteger)

    def where(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, face), else_=0)), 0)

    query = (
        select(
            key,
            func.count(),
            func.sum(face),
            where(VoucherRow.holder == caller.acting()),
            where(VoucherRow.locks.op("&")(int(Lock.OVERDUE)) != 0),
        )
        .select_from(LineRow)
        .join(PromiseRow, and_(PromiseRow.contract == LineRow.contract, PromiseRow.line == LineRow.line))
        .join(
            VoucherRow,
            and_(VoucherRow.contract == PromiseRow.contract, VoucherRow.promise == PromiseRow.promise),
        )
        .where(
            LineRow.contract.in_([pin.ledger for pin in setting.pins]),
            LineRow.bank == caller.acting(),
            VoucherRow.ended_as.is_(None),
        )
        .group_by(key)
        .order_by(key)
        .limit(limit)
    )
    if after is not None:
        query = query.where(key > after)
    return [
        Exposure(key=found, vouchers=count, live=int(live), held=int(held), overdue=int(overdue))
        for found, count, live, held, overdue in session.execute(query)
    ]


def lines_by_issuer(
    session: Session, setting: Setting, caller: Caller, issuers: list[int]
) -> Mapping[int, Lines]:
    """Limit and drawn of these issuers' main lines: the limits of the newest ledger, what is drawn in all."""
    newest = LineRow.contract == setting.pin.ledger
    query = (
        select(
            LineRow.issuer,
            func.count(),
            func.sum(case((newest, cast(LineRow.limit, BigInteger)), else_=0)),
            func.sum(cast(LineRow.drawn, BigInteger)),
        )
        .where(
            LineRow.contract.in_([pin.ledger for pin in setting.pins]),
            LineRow.bank == caller.acting(),
            LineRow.parent.is_(None),
            LineRow.issuer.in_(issuers),
        )
        .group_by(LineRow.issuer)
    )
    return {
        issuer: Lines(issuer=issuer, lines=count, limit=int(limit), drawn=int(drawn))
        for issuer, count, limit, drawn in session.execute(query)
    }
