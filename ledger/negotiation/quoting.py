"""Prices that a holder asks for and funders give, sealed until the holder's deadline.

    ask        a holder asks several funders for a price on a voucher, or on an amount of it
    quote      a funder gives its price, or another one, until the deadline
    consent    a funder signs what its quote would be accepted as, with a key that is not kept here
    withdraw   a funder takes its price back, until the deadline

Until the deadline nobody but the funder itself learns anything of a quote, not even that there is one: nothing of it is
written into a row that others are shown, and every way to it answers as if it were not there. The deadline is the
chain's time, by which everything else is judged. From then on quotes stand as they are until they expire.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import voucher as rules
from ledger.agreements import Discount, Part, PartyNumber, Split, VoucherId
from ledger.calendar import (
    DAY_SECONDS,
    Day,
    DayCount,
    Timestamp,
    date_of_day,
    day_of,
    day_of_date,
    roll_following,
    start_of_day,
    utc,
)
from ledger.columns import hex_of
from ledger.discount import SALT_BYTES, Bearer, Fee, Quote, price, quote_hash, to_json
from ledger.errors import InputError, Refusal
from ledger.money import Fen, Percent
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.consents import custodial_consent, require_good
from ledger.negotiation.offer_order import world_after
from ledger.negotiation.offers import CUSTODIAL, OUTSIDE
from ledger.negotiation.proposals import LONGEST_DAYS, held
from ledger.negotiation.sale_terms import require_recourse, terms_of
from ledger.negotiation.setting import Setting
from ledger.pin import Pin
from ledger.quote_tables import QuoteAskedRow, QuoteRequestRow, QuoteRow
from ledger.rows_about import world_about
from ledger.signing import child_id
from ledger.tables import PromiseRow
from ledger.world import promise_of

MOST_FUNDERS: Final = 20
_NO_QUOTE: Final = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a holder asks. `amount` None: the whole voucher; `value_day` None: the first working day on which the quotes
    are open."""

    voucher: VoucherId
    amount: Fen | None
    funders: Sequence[PartyNumber]
    value_day: Day | None
    deadline: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A sale as it will be signed. `split` first cuts off the part that is sold, which the holder keeps."""

    discount: Discount
    split: Split | None


def ask(session: Session, setting: Setting, caller: Caller, question: Question) -> QuoteRequestRow:
    """The request. Refusal NotFound for a voucher that the caller does not hold, and what the contract would say to a
    sale to any of the funders as things stand; InputError for days and amounts that cannot be."""
    require(caller, Right.PROPOSE)
    pin, voucher = held(session, setting, caller, question.voucher)
    now, at = setting.chain_clock(), setting.machine_clock()
    if not now < question.deadline <= now + LONGEST_DAYS * DAY_SECONDS:
        raise InputError(
            f"deadline: the chain's time is {utc(now)}; give one after it, at most {LONGEST_DAYS} days ahead"
        )
    opens_on = day_of(question.deadline)
    value_day = _first_working(opens_on) if question.value_day is None else question.value_day
    if value_day < opens_on:
        raise InputError(f"value_day: the quotes are sealed until {date_of_day(opens_on)}")
    if value_day != _first_working(value_day):
        raise InputError(
            f"value_day: on {date_of_day(value_day)} no bank pays; the first working day after it is "
            f"{date_of_day(_first_working(value_day))}"
        )
    funders = list(dict.fromkeys(question.funders))
    if not 1 <= len(funders) <= MOST_FUNDERS:
        raise InputError(f"funders: ask 1 to {MOST_FUNDERS}")
    amount = voucher.face if question.amount is None else question.amount
    request = QuoteRequestRow(
        id=uuid4().hex,
        contract=pin.ledger,
        voucher=question.voucher,
        sequence=voucher.sequence,
        face=voucher.face,
        amount=amount,
        organisation=caller.organisation,
        party=int(caller.acting()),
        who=caller.who,
        value_day=value_day,
        deadline=question.deadline,
        created_at=at,
        cancelled_at=None,
    )
    _require_sellable(session, setting, pin, request, funders)
    session.add(request)
    session.flush()
    session.add_all(QuoteAskedRow(request=request.number, funder=int(funder)) for funder in funders)
    session.flush()
    facts = {"funders": [int(funder) for funder in funders]}
    audit.note(session, caller, "ask for quotes", subject=f"request {request.id}", at=at, facts=facts)
    return request


def _require_sellable(
    session: Session, setting: Setting, pin: Pin, request: QuoteRequestRow, funders: Sequence[PartyNumber]
) -> None:
    """Refusal where the contract would not take the sale to one of them, if it were signed now."""
    now = setting.chain_clock()
    sale = _sale(request, funders[0], quote=_NO_QUOTE, pay_by=request.value_day, expires_at=now)
    if sale.split is None:
        world = world_about(session, pin, sale.discount, parties=funders)
    else:
        world = world_after(session, pin, sale.split, sale.discount, now=now, parties=funders)
    for funder in funders:
        refused = rules.may(world, replace(sale.discount, funder=funder), timestamp=now)
        if refused is not None:
            raise refused


# Quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a funder offers: the members of a `Quote` that the request leaves open. `pay_by` is the last day on which it
    pays, `valid_until` the last on which it may be accepted; None: the day on which the holder wants its cash."""

    recourse: bool
    rate: Percent
    basis: DayCount
    fee: Fee
    bearer: Bearer
    issuer_share: int
    issuer_ceiling: Fen | None
    pay_by: Day | None
    valid_until: Day | None


def quote(
    session: Session,
    setting: Setting,
    caller: Caller,
    request: QuoteRequestRow,
    *,
    offered: Offered,
    sign: bool,
) -> QuoteRow:
    """The funder's quote in place of the one that it gave before. `sign`: consents with the key that is kept here.

    Refusal RequestClosed from the deadline on; ProgrammeRecourseDiffers; NoCustodialKey. InputError for a price that
    leaves nothing to pay out, and for days that cannot be.
    """
    require(caller, Right.SIGN if sign else Right.PROPOSE)
    _require_sealed(setting, request)
    promise = session.get_one(PromiseRow, (request.contract, promise_of(request.voucher)))
    require_recourse(terms_of(session, promise), recourse=offered.recourse)
    priced, pay_by, expires_at = _priced(request, caller.acting(), offered, due_day=Day(promise.due_day))
    funder, at, salt = caller.acting(), setting.machine_clock(), secrets.token_bytes(SALT_BYTES)
    row = session.get(QuoteRow, (request.number, funder))
    if row is None:
        row = QuoteRow(request=request.number, funder=int(funder), id=uuid4().hex, version=0, offer=None)
        session.add(row)
    row.organisation, row.who = caller.organisation, caller.who
    row.quote, row.salt, row.hash = to_json(priced), salt.hex(), bytes(quote_hash(priced, salt))
    row.pay_by, row.expires_at = pay_by, expires_at
    row.issuer = None if priced.bearer is Bearer.SUPPLIER else promise.issuer
    row.interest = row.interest_who = row.interest_at = None
    row.consent, row.made, row.withdrawn = None, None, False
    row.version, row.given_at = row.version + 1, at
    if sign:
        _sign(session, setting, caller, request, row)
    session.flush()
    facts = {"request": request.id, "hash": hex_of(row.hash), "signed": sign}
    audit.note(session, caller, "quote", subject=f"quote {row.id}", at=at, facts=facts)
    return row


def _first_working(day: Day) -> Day:
    return day_of_date(roll_following(date_of_day(day)))


def _priced(
    request: QuoteRequestRow, funder: PartyNumber, offered: Offered, *, due_day: Day
) -> tuple[Quote, Day, Timestamp]:
    """The quote, the last day of payment, and the last second of acceptance."""
    opens_on, value_day = day_of(request.deadline), Day(request.value_day)
    until = value_day if offered.valid_until is None else offered.valid_until
    pay_by = max(until, value_day) if offered.pay_by is None else offered.pay_by
    if pay_by < value_day:
        raise InputError(f"pay_by: the holder wants its cash on {date_of_day(value_day)}, not before")
    if not opens_on <= until <= pay_by:
        raise InputError(
            f"valid_until: give a day from {date_of_day(opens_on)}, when the quotes are opened, to the last day of "
            "payment"
        )
    priced = Quote(
        recourse=offered.recourse,
        funder=int(funder),
        rate=offered.rate,
        basis=offered.basis,
        value_day=value_day,
        due_day=due_day,
        fee=offered.fee,
        bearer=offered.bearer,
        issuer_share=offered.issuer_share,
        issuer_ceiling=offered.issuer_ceiling,
    )
    price(Fen(request.amount), priced)
    return priced, pay_by, Timestamp(start_of_day(until) + DAY_SECONDS - 1)


def consent(
    session: Session,
    setting: Setting,
    caller: Caller,
    found: tuple[QuoteRequestRow, QuoteRow],
    *,
    signature: bytes | None,
    signer: bytes | None,
) -> None:
    """The funder's consent to what its quote would be accepted as, made by a key that is kept here or, with
    `signature`, elsewhere. Refusal QuoteClosed, NoCustodialKey; the credential errors where it is not good."""
    require(caller, Right.SIGN)
    request, row = found
    if row.withdrawn or row.expires_at < setting.chain_clock():
        raise Refusal("QuoteClosed", {"quote": row.id, "status": "withdrawn" if row.withdrawn else "expired"})
    _sign(session, setting, caller, request, row, signature=signature, signer=signer)
    row.version += 1
    at = setting.machine_clock()
    audit.note(session, caller, "sign quote", subject=f"quote {row.id}", at=at, facts={"made": row.made})


def _sign(
    session: Session,
    setting: Setting,
    caller: Caller,
    request: QuoteRequestRow,
    row: QuoteRow,
    *,
    signature: bytes | None = None,
    signer: bytes | None = None,
) -> None:
    """Whether voucher and holder still allow the sale is asked when it is accepted: it is not the funder's to know."""
    funder, pin, agreement = caller.acting(), setting.pin_of(request.contract), sale_of(request, row).discount
    world = world_about(session, pin, agreement)
    if signature is None:
        signed = custodial_consent(setting, world, agreement, funder, pin=pin, proves=False)
    else:
        told: Any = {"pin": pin, "signature": signature, "signer": signer, "proves": False}
        signed = require_good(setting, world, agreement, funder, **told)
    row.consent, row.made = hex_of(signed), CUSTODIAL if signature is None else OUTSIDE


def withdraw(
    session: Session, setting: Setting, caller: Caller, found: tuple[QuoteRequestRow, QuoteRow]
) -> None:
    """The funder's quote is as if it had not been given. Refusal RequestClosed from the deadline on."""
    require(caller, Right.PROPOSE)
    request, row = found
    _require_sealed(setting, request)
    row.withdrawn, row.consent, row.made = True, None, None
    row.version += 1
    audit.note(session, caller, "withdraw quote", subject=f"quote {row.id}", at=setting.machine_clock())


def _require_sealed(setting: Setting, request: QuoteRequestRow) -> None:
    if request.cancelled_at is not None:
        raise Refusal("RequestClosed", {"request": request.id, "status": "cancelled"})
    if is_open(request, now=setting.chain_clock()):
        raise Refusal("RequestClosed", {"request": request.id, "status": "opened"})


# What is whose


def is_open(request: QuoteRequestRow, *, now: int) -> bool:
    """Whether its quotes can be seen: the deadline has passed. `now`: the chain's time."""
    return now >= request.deadline


def own_request(session: Session, caller: Caller, request_id: str, *, lock: bool = False) -> QuoteRequestRow:
    """A request that the caller's organisation made; Refusal NotFound."""
    query = select(QuoteRequestRow).where(
        QuoteRequestRow.id == request_id, QuoteRequestRow.organisation == caller.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    request = session.scalar(query)
    if request is None:
        raise not_found("request")
    return request


def asked_request(
    session: Session, caller: Caller, request_id: str, *, lock: bool = False
) -> QuoteRequestRow:
    """A request that asks the caller's party; Refusal NotFound. `lock`: nobody else of it answers meanwhile."""
    query = (
        select(QuoteRequestRow)
        .join(QuoteAskedRow, QuoteAskedRow.request == QuoteRequestRow.number)
        .where(QuoteRequestRow.id == request_id, QuoteAskedRow.funder == (caller.party or 0))
    )
    if lock:
        query = query.with_for_update(of=QuoteAskedRow).execution_options(populate_existing=True)
    request = session.scalar(query)
    if request is None:
        raise not_found("request")
    return request


def own_quote(
    session: Session, caller: Caller, quote_id: str, *, lock: bool = False
) -> tuple[QuoteRequestRow, QuoteRow]:
    """A quote that the caller's organisation gave, with its request; Refusal NotFound."""
    query = (
        select(QuoteRequestRow, QuoteRow)
        .join(QuoteRow, QuoteRow.request == QuoteRequestRow.number)
        .where(QuoteRow.id == quote_id, QuoteRow.organisation == caller.organisation)
    )
    if lock:
        query = query.with_for_update(of=QuoteRow).execution_options(populate_existing=True)
    found = session.execute(query).one_or_none()
    if found is None:
        raise not_found("quote")
    return found[0], found[1]


# What would be signed


def sale_of(request: QuoteRequestRow, row: QuoteRow) -> Sale:
    """The agreements that a quote is accepted as. The part's id is known before it is cut off."""
    funder, until = PartyNumber(row.funder), row.expires_at
    return _sale(request, funder, quote=row.hash, pay_by=row.pay_by, expires_at=until)


def _sale(
    request: QuoteRequestRow, funder: PartyNumber, *, quote: bytes, pay_by: int, expires_at: int
) -> Sale:
    until, last = Timestamp(expires_at), Day(pay_by)
    if request.amount == request.face:
        whole = Discount(request.voucher, request.sequence, funder, quote, last, until)
        return Sale(discount=whole, split=None)
    kept = (Part(PartyNumber(request.party), Fen(request.amount)),)
    split = Split(request.voucher, request.sequence, False, until, kept, ())
    child = child_id(request.voucher, request.sequence, 0)
    return Sale(discount=Discount(child, 1, funder, quote, last, until), split=split)
