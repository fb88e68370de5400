"""What a default comes to in money, reckoned from the rows of a business alone.

    require_shares   that the shares which a bank pays are those that the shortfall rule gives (`ledger/shortfall.py`)
    given_back       what each tier pays to take an overdue voucher back (`ledger/recourse.py`)

Late interest is the statutory one. Nothing is asked of a chain, and only the vouchers move there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from ledger.calendar import day_of_date
from ledger.errors import InputError
from ledger.late_interest import Receipt
from ledger.members import VoucherId
from ledger.money import Fen, yuan
from ledger.recourse import Hop, TakeBack, recourse
from ledger.shortfall import Claim, share_shortfall
from ledger.world import World, promise_of
from scripts.business_columns import Verb
from scripts.business_files import Business, Step

SETTLES: Final = (Verb.ASSERT_SETTLEMENT, Verb.SETTLE, Verb.SHARE)


def shares_of(business: Business, step: Step) -> tuple[Step, ...]:
    """All shares that a bank pays on the day of this one for the same issuer and due day, in the order of the rows."""
    promise = business.promises[step.voucher.split("/")[0]]
    return tuple(
        each
        for each in business.steps
        if (each.verb, each.on, each.by) == (step.verb, step.on, step.by)
        and _terms(business, each.voucher) == (promise.issuer, promise.due_on)
    )


def require_shares(business: Business, step: Step, *, world: World, ids: Mapping[str, VoucherId]) -> None:
    """InputError where the rows pay other shares than the rule gives for what they pay in all.

    `world` is the ledger's before the first of them; asked for that one alone.
    """
    steps = shares_of(business, step)
    if steps[0] is not step:
        return
    promise = business.promises[step.voucher.split("/")[0]]
    issuer, due_day = business.number_of(promise.issuer), day_of_date(promise.due_on)
    claims = []
    for voucher, present in world.vouchers.items():
        terms = world.promises.get(promise_of(voucher))
        if terms is None or not present.face or (terms.issuer, terms.due_day) != (issuer, due_day):
            continue
        pledge = world.pledges.get(voucher)
        named = {"pledgee": pledge.pledgee, "secured": Fen(pledge.secured)} if pledge else {}
        claims.append(
            Claim(voucher=voucher, due_day=due_day, holder=present.holder, face=Fen(present.face), **named)  # type: ignore[arg-type]
        )
    paid = Fen(sum(each.amount or 0 for each in steps))
    wanted = {(each.voucher, each.payee, each.amount) for each in share_shortfall(paid, claims)}
    given = {(ids[each.voucher], business.number_of(each.to or ""), each.amount) for each in steps}
    if wanted != given:
        numbers = {voucher: number for number, voucher in ids.items()}
        told = ", ".join(
            f"{numbers.get(voucher, hex(voucher))} {yuan(amount)}" for voucher, _, amount in sorted(wanted)
        )
        raise InputError(f"steps.csv, row {step.row}: the shares of {yuan(paid)} are {told}")


def given_back(business: Business) -> dict[Step, Hop]:
    """What is paid at each step of recourse, in the order of the days; InputError for a way back that cannot be."""
    faces: dict[str, Fen] = {}
    receipts: dict[str, list[Receipt]] = {}
    way: dict[str, list[Step]] = {}
    hops: dict[Step, Hop] = {}
    for step in (each for steps in business.acts() for each in steps if each.refused_as is None):
        amount = step.amount or Fen(0)
        if step.verb is Verb.ISSUE:
            faces[step.voucher] = amount
        elif step.verb is Verb.SPLIT:
            faces[step.voucher] = Fen(faces[step.voucher] - amount)
            faces[step.part or ""] = amount
        elif step.verb in SETTLES:
            paid = Receipt(day_of_date(step.value_on or step.on), amount)
            receipts.setdefault(step.voucher, []).append(paid)
        elif step.verb is Verb.GIVE_BACK:
            way.setdefault(step.voucher, []).append(step)
            hops[step] = _last_hop(
                business,
                way[step.voucher],
                face=faces[step.voucher],
                receipts=receipts.get(step.voucher, []),
            )
    return hops


def _last_hop(business: Business, way: Sequence[Step], *, face: Fen, receipts: Sequence[Receipt]) -> Hop:
    first, due_on = way[0], _terms(business, way[0].voucher)[1]
    return recourse(
        face,
        day_of_date(due_on),
        holder=business.number_of(first.by),
        back_to=[TakeBack(business.number_of(each.to or ""), day_of_date(each.on)) for each in way],
        receipts=receipts,
    ).hops[-1]


def _terms(business: Business, voucher: str) -> tuple[str, date]:
    promise = business.promises[voucher.split("/")[0]]
    return promise.issuer, promise.due_on
