"""Paying out the prices of vouchers that a funder has bought: prepared by one person, released by another.

    prepare   a maker puts vouchers of the queue together and states how many and how much
    release   a checker, who is a person and not the maker, lets them go
    export    the instructions are given out to the bank's own payment system, once and for all the same
    cancel    before that, nothing of it is paid

What is paid is the price that the opened quote makes of the face. Each step looks again whether each voucher still is
as it was when it was prepared, whether the day can still be met (`Hours`), and whether its seller is still to be paid
on the same account. That a price was paid is said by the bank's own system alone (`confirming.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger.agreements import VoucherId
from ledger.calendar import Day, Timestamp, date_of_day, day_of, is_working_day, start_of_day
from ledger.database import unless_overtaken
from ledger.disbursement_tables import DisbursementItemRow, DisbursementRunRow
from ledger.errors import InputError, Refusal
from ledger.members import voucher_text
from ledger.money import Fen
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.disbursement_queue import CANCELLED, WAITING, Due, found, same_name
from ledger.negotiation.offers import proper_reason
from ledger.negotiation.second_person import require_second_person
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.organisation_tables import OrganisationRow
from ledger.payment_file import Instructions, Owner, Payment, instructions_xml

PREPARED, RELEASED, EXPORTED = "prepared", "released", "exported"
MOST_ITEMS: Final = 500


@dataclass(frozen=True, slots=True)
class Hours:
    """Until when of a day the bank takes payments for that day: seconds after midnight, China time."""

    cut_off: int

    def require(self, value_day: Day, *, now: Timestamp) -> None:
        """Refusal CutOffPassed where it is too late for that day; InputError for a day on which no bank works."""
        today = day_of(now)
        if not is_working_day(date_of_day(value_day)):
            raise InputError(f"value_day: {date_of_day(value_day)} is no working day")
        late = value_day < today or (value_day == today and now >= start_of_day(today) + self.cut_off)
        if late:
            raise Refusal("CutOffPassed", {"valueDay": value_day, "cutOff": self.text})

    @property
    def text(self) -> str:
        """`16:30`."""
        return f"{self.cut_off // 3600:02d}:{self.cut_off % 3600 // 60:02d}"

    @classmethod
    def parse(cls, text: str) -> Hours:
        """The reverse of `text`; InputError."""
        hour, _, minute = text.partition(":")
        fits = len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()
        if not fits or int(hour) > 23 or int(minute) > 59:
            raise InputError(f"{text!r} is no time of day: give one such as 16:30")
        return cls(int(hour) * 3600 + int(minute) * 60)


DEFAULT_HOURS: Final = Hours(16 * 3600 + 30 * 60)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a maker says of one payment: the name that the account has in the bank's own books, and the number under
    which the sale is filed in the register of receivables."""

    voucher: VoucherId
    account_name: str
    filing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the maker counted and summed (fen) before."""

    count: int
    total: Fen


def prepare(
    session: Session,
    setting: Setting,
    caller: Caller,
    wanted: Sequence[Wanted],
    *,
    control: Control,
    value_day: Day,
    hours: Hours,
) -> DisbursementRunRow:
    """A run. Refusal NotFound for a voucher that is not in the queue; AlreadyInRun; InFreeze, QuoteUnknown,
    PaysTooLate, AccountMissing, AccountNameDiffers; ControlTotalDiffers; CutOffPassed. InputError where an account does
    not fit into the instructions. Nothing is prepared then."""
    require(caller, Right.PROPOSE)
    _require_list(wanted)
    hours.require(value_day, now=setting.chain_clock())
    dues = found(session, setting, caller, [each.voucher for each in wanted])
    amounts = [_fit(dues.get(each.voucher), each, value_day=value_day) for each in wanted]
    _require_control(control, amounts)
    organisation = session.get_one(OrganisationRow, caller.organisation)
    if not organisation.bank_account:
        raise Refusal("AccountMissing", {"party": int(caller.acting())})
    at = setting.machine_clock()
    run = DisbursementRunRow(
        id=uuid4().hex,
        organisation=caller.organisation,
        party=int(caller.acting()),
        state=PREPARED,
        value_day=value_day,
        debtor=organisation.name,
        debtor_account=organisation.bank_account,
        count=len(amounts),
        total=sum(amounts),
        version=1,
        prepared_by=caller.who,
        prepared_at=at,
        released_by=None,
        released_at=None,
        exported_by=None,
        exported_at=None,
        reason=None,
    )
    session.add(run)
    session.flush()
    items = [
        _item(run, place, dues[each.voucher], each, amount=amount)
        for place, (each, amount) in enumerate(zip(wanted, amounts, strict=True))
    ]
    instructions(run, items, made_at=at)  # what cannot be written is not prepared
    session.add_all(items)
    with unless_overtaken("another run was prepared"):
        session.flush()
    facts = {"count": run.count, "total": run.total}
    audit.note(session, caller, "prepare run", subject=f"run {run.id}", at=at, facts=facts)
    return run


def release(
    session: Session, setting: Setting, caller: Caller, run: DisbursementRunRow, *, hours: Hours
) -> None:
    """Another person than the maker lets the run go. Refusal CheckedByMaker; NotAllowed for a program; RunClosed;
    VoucherChanged and the errors of `prepare` for what is not as it was."""
    require(caller, Right.CHECK)
    own = Refusal("CheckedByMaker", {"run": run.id})
    require_second_person(session, caller, maker=run.prepared_by, act="release", own=own)
    _require_state(run, PREPARED)
    _require_payable(session, setting, caller, run, hours=hours)
    run.released_by, run.released_at = caller.who, setting.machine_clock()
    _move(session, setting, caller, run, RELEASED, act="release run")


def export(
    session: Session, setting: Setting, caller: Caller, run: DisbursementRunRow, *, hours: Hours
) -> None:
    """The instructions may be fetched from now on, and the run cannot be cancelled any more. Done again it changes
    nothing. Refusal RunClosed, VoucherChanged and the errors of `prepare`."""
    if not (caller.may(Right.PROPOSE) or caller.may(Right.CHECK)):
        require(caller, Right.PROPOSE)
    if run.state == EXPORTED:
        return
    _require_state(run, RELEASED)
    _require_payable(session, setting, caller, run, hours=hours)
    run.exported_by, run.exported_at = caller.who, setting.machine_clock()
    _move(session, setting, caller, run, EXPORTED, act="export run")


def cancel(
    session: Session, setting: Setting, caller: Caller, run: DisbursementRunRow, *, reason: str
) -> None:
    """Nothing of the run is paid; its vouchers are in the queue again. Refusal RunClosed once it was exported."""
    if not (caller.may(Right.PROPOSE) or caller.may(Right.CHECK)):
        require(caller, Right.PROPOSE)
    _require_state(run, PREPARED, RELEASED)
    run.reason = proper_reason(reason)
    mine = update(DisbursementItemRow).where(DisbursementItemRow.run == run.number)
    session.execute(mine.values(state=CANCELLED))
    _move(session, setting, caller, run, CANCELLED, act="cancel run")


# What can be read


def instructions(run: DisbursementRunRow, items: Sequence[DisbursementItemRow], *, made_at: int) -> bytes:
    """The run as the bank's payment system takes it in (`ledger.payment_file`); the errors of that. `made_at`: Unix
    seconds that stand in it, which are those of the release."""
    return instructions_xml(
        Instructions(
            message=run.id,
            made_at=made_at,
            debtor=Owner(run.debtor, run.debtor_account),
            value_day=Day(run.value_day),
            payments=[
                Payment(
                    end_to_end=each.end_to_end,
                    to=Owner(each.payee_name, each.account),
                    amount=Fen(each.amount),
                    purpose=f"{voucher_text(each.voucher)} 登记编号 {each.filing}",
                )
                for each in items
            ],
        )
    )


def run_of(session: Session, caller: Caller, run_id: str, *, lock: bool = False) -> DisbursementRunRow:
    """A run of the caller's organisation; Refusal NotFound."""
    query = select(DisbursementRunRow).where(
        DisbursementRunRow.id == run_id, DisbursementRunRow.organisation == caller.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise not_found("run")
    return row


def runs_of(
    session: Session, caller: Caller, *, limit: int, before: int | None = None
) -> list[DisbursementRunRow]:
    """The organisation's runs, the newest first."""
    query = select(DisbursementRunRow).where(DisbursementRunRow.organisation == caller.organisation)
    if before is not None:
        query = query.where(DisbursementRunRow.number < before)
    return list(session.scalars(query.order_by(DisbursementRunRow.number.desc()).limit(limit)))


def items_of(session: Session, run: DisbursementRunRow) -> list[DisbursementItemRow]:
    """A run's payments, in their order."""
    query = select(DisbursementItemRow).where(DisbursementItemRow.run == run.number)
    return list(session.scalars(query.order_by(DisbursementItemRow.place)))


def offers_of(session: Session, items: Sequence[DisbursementItemRow]) -> Mapping[int, str]:
    """The ids of the assertions that were made of these payments, by their numbers."""
    numbers = [each.offer for each in items if each.offer is not None]
    query = select(OfferRow.number, OfferRow.id).where(OfferRow.number.in_(numbers))
    return {row.number: row.id for row in session.execute(query)}


def waiting_in(session: Session, runs: Sequence[DisbursementRunRow]) -> frozenset[int]:
    """Those of the runs that have a payment for which the bank has not answered yet."""
    query = select(DisbursementItemRow.run).where(
        DisbursementItemRow.run.in_([each.number for each in runs]), DisbursementItemRow.state == WAITING
    )
    return frozenset(session.scalars(query.distinct()))


def require_run_version(run: DisbursementRunRow, given: int | None) -> None:
    """Refusal VersionDiffers where the caller has seen another state of the run than the present one."""
    if given is not None and given != run.version:
        raise Refusal("VersionDiffers", {"given": given, "present": run.version})


# Inside


def _require_list(wanted: Sequence[Wanted]) -> None:
    if not 0 < len(wanted) <= MOST_ITEMS:
        raise InputError(f"items: give 1 to {MOST_ITEMS} vouchers")
    if len({each.voucher for each in wanted}) < len(wanted):
        raise InputError("items: a voucher stands there twice")


def _fit(due: Due | None, wanted: Wanted, *, value_day: Day) -> Fen:
    """The price, where it can be paid on that day to the account of this name."""
    if due is None:
        raise not_found(f"voucher {voucher_text(wanted.voucher)}")
    if due.run is not None:
        raise Refusal("AlreadyInRun", {"voucher": int(due.voucher), "run": due.run})
    hindered = due.hindrance(value_day=value_day)
    if hindered is not None:
        raise hindered
    assert due.account is not None
    assert due.amount is not None
    if not same_name(wanted.account_name, due.account.name):
        facts = {"voucher": int(due.voucher), "given": wanted.account_name, "expected": due.account.name}
        raise Refusal("AccountNameDiffers", facts)
    return due.amount


def _require_control(control: Control, amounts: Sequence[Fen]) -> None:
    counted, summed = len(amounts), sum(amounts)
    if (control.count, control.total) != (counted, summed):
        facts = {"stated": control.count, "sum": control.total, "counted": counted, "summed": summed}
        raise Refusal("ControlTotalDiffers", facts)


def _item(
    run: DisbursementRunRow, place: int, due: Due, wanted: Wanted, *, amount: Fen
) -> DisbursementItemRow:
    assert due.account is not None
    named = sha256(f"{run.id} {place}".encode()).hexdigest()
    return DisbursementItemRow(
        run=run.number,
        place=place,
        contract=due.ledger,
        voucher=due.voucher,
        sequence=due.sequence,
        quote=due.quote,
        payee=int(due.seller),
        payee_name=due.account.name,
        account=due.account.number,
        amount=amount,
        pay_by=due.pay_by,
        filing=wanted.filing,
        end_to_end=f"TS{named[:30].upper()}",
        state=WAITING,
        paid_on=None,
        bank_reference=None,
        reason=None,
        offer=None,
    )


def _require_state(run: DisbursementRunRow, *states: str) -> None:
    if run.state not in states:
        raise Refusal("RunClosed", {"run": run.id, "status": run.state})


def _require_payable(
    session: Session, setting: Setting, caller: Caller, run: DisbursementRunRow, *, hours: Hours
) -> None:
    """Each payment of the run is still what it was when it was prepared."""
    value_day = Day(run.value_day)
    hours.require(value_day, now=setting.chain_clock())
    items = items_of(session, run)
    dues: Mapping[VoucherId, Due] = found(session, setting, caller, [each.voucher for each in items])
    for item in items:
        due = dues.get(item.voucher)
        if due is None or (due.sequence, due.quote, due.run) != (item.sequence, item.quote, run.id):
            raise Refusal("VoucherChanged", {"voucher": int(item.voucher)})
        hindered = due.hindrance(value_day=value_day)
        if hindered is not None:
            raise hindered
        account = due.account
        same = account is not None and (account.name, account.number) == (item.payee_name, item.account)
        if not same or (due.seller, due.amount) != (item.payee, item.amount):
            raise Refusal("VoucherChanged", {"voucher": int(item.voucher)})


def _move(
    session: Session, setting: Setting, caller: Caller, run: DisbursementRunRow, state: str, *, act: str
) -> None:
    run.state, run.version = state, run.version + 1
    session.flush()
    at = setting.machine_clock()
    facts = {"count": run.count, "total": run.total}
    audit.note(session, caller, act, subject=f"run {run.id}", at=at, facts=facts)
