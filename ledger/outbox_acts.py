"""What an operator sees of the outbox, and may do to an item or an account; every act is kept with its reason.

    hanging        the items that have no outcome, how long they have been there, and what keeps them
    alarms         the accounts that something is wrong with
    at_work        the accounts that a relay works at present
    acts_on        what was done to an item; `acts_on_account` to an account
    retry          an unknown item goes on, with those that were given up with it: in a new batch
    withdraw       an item is not sent (any more); what was handed over already may land all the same
    clear_alarm    an account's alarm was looked into: it is not shown any more

Nobody can make an agreement land twice or change it here: that is the contract's. What has an outcome stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from ledger.errors import InputError
from ledger.outbox import MINED, SENT, SIGNED, UNKNOWN, WITHDRAWN, machine_clock
from ledger.outbox_tables import AccountRow, ActRow, BatchRow, OutboxRow
from ledger.relay_accounts import LOG
from ledger.row_writing import one_of
from ledger.store import Store

MOST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Hanging:
    """An item without an outcome. `seconds`: since it was put in. `why`: what is known to keep it, else None."""

    number: int
    verb: str
    status: str
    seconds: int
    attempts: int
    batch: int | None
    nonce: int | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did to an item or, where that is None, to an account. `at` in Unix seconds; `cleared`: the
    alarm that was taken away."""

    at: int
    who: str
    item: int | None
    act: str
    reason: str
    account: str | None = None
    cleared: str | None = None


@dataclass(frozen=True, slots=True)
class Out:
    """Bytes that are out of our hands: an item that is not to be sent is in a batch whose nonce is not used yet."""

    batch: int
    account: str
    nonce: int

    def __str__(self) -> str:
        return (
            f"may still land under nonce {self.nonce} of account {self.account}, until a relay with its key has used "
            "that nonce up"
        )


def hanging(
    store: Store, *, clock: Callable[[], int] = machine_clock, limit: int | None = None
) -> list[Hanging]:
    """The items that have no outcome, and those that were withdrawn and may land all the same, in their order."""
    now = clock()
    with store.reading() as session:
        out, blocks = _out(session), _blocking(session)
        query = (
            select(OutboxRow, BatchRow.nonce, BatchRow.account, BatchRow.why)
            .outerjoin(BatchRow, BatchRow.number == OutboxRow.batch)
            .where(or_(OutboxRow.status.in_((SIGNED, SENT, MINED, UNKNOWN)), _one_of_withdrawn(session, out)))
            .order_by(OutboxRow.number)
            .limit(limit)
        )
        return [
            Hanging(
                number=row.number,
                verb=row.verb,
                status=row.status,
                seconds=max(now - row.queued_at, 0),
                attempts=row.attempts,
                batch=row.batch,
                nonce=nonce,
                why=_why(row, account, why, out=out, blocks=blocks),
            )
            for row, nonce, account, why in session.execute(query)
        ]


def alarms(store: Store) -> dict[str, str]:
    """What is wrong with accounts, by account."""
    with store.reading() as session:
        query = select(AccountRow.account, AccountRow.alarm).where(AccountRow.alarm.is_not(None))
        return {account: str(alarm) for account, alarm in session.execute(query)}


def at_work(store: Store, *, clock: Callable[[], int] = machine_clock) -> list[str]:
    """The accounts whose lease some process holds."""
    with store.reading() as session:
        query = select(AccountRow.account).where(AccountRow.owner != "", AccountRow.leased_until > clock())
        return list(session.scalars(query))


def acts_on(store: Store, number: int) -> list[Act]:
    """What was done to an item, in order. InputError for an unknown number."""
    with store.reading() as session:
        if session.get(OutboxRow, number) is None:
            raise InputError(f"there is no item {number} in the outbox")
    return _acts(store, ActRow.item == number)


def acts_on_account(store: Store, account: str) -> list[Act]:
    """What was done to an account, in order."""
    return _acts(store, ActRow.account == account)


def retry(
    store: Store, number: int, *, who: str, reason: str, clock: Callable[[], int] = machine_clock
) -> None:
    """Lets the relay go on with an item that it has given up, and with those that it has given up with it. InputError
    where it has not, or without a reason."""
    now = clock()
    with store.writing() as session:
        row = _item(session, number, (UNKNOWN,), "only what is unknown can be tried again")
        batch = None if row.batch is None else session.get(BatchRow, row.batch)
        if batch is not None and batch.status == "open":
            _leave(batch, now)
        fellows = OutboxRow.number == number if batch is None else OutboxRow.batch == batch.number
        again = {"status": SIGNED, "batch": None, "attempts": 0}
        session.execute(update(OutboxRow).where(fellows, OutboxRow.status == UNKNOWN).values(again))
        _keep(session, number, "retry", who=who, reason=reason, at=now)


def withdraw(
    store: Store, number: int, *, who: str, reason: str, clock: Callable[[], int] = machine_clock
) -> Out | None:
    """Takes an item out. Gives where it may land all the same, because it was signed and may have been handed over;
    None where it cannot. InputError where it is on its way or has an outcome, or without a reason."""
    now = clock()
    with store.writing() as session:
        row = _item(session, number, (SIGNED, UNKNOWN), "only what is signed or unknown can be withdrawn")
        row.status = WITHDRAWN
        batch = None if row.batch is None else session.get(BatchRow, row.batch)
        if batch is not None and batch.status == "open":
            _leave(batch, now)
        _keep(session, number, "withdraw", who=who, reason=reason, at=now)
        session.flush()
        return _out(session).get(number)


def clear_alarm(
    store: Store, account: str, *, who: str, reason: str, clock: Callable[[], int] = machine_clock
) -> None:
    """Takes away an account's alarm after somebody has looked. InputError where there is none, or without a reason."""
    with store.writing() as session:
        row = session.get(AccountRow, account, with_for_update=True)
        if row is None:
            raise InputError(f"no relay has worked an account {account} here")
        if row.alarm is None:
            raise InputError(f"account {account} has no alarm")
        cleared, row.alarm = row.alarm, None
        _keep(
            session, None, "clear-alarm", who=who, reason=reason, at=clock(), account=account, cleared=cleared
        )


# Inside


def _acts(store: Store, whose: ColumnElement[bool]) -> list[Act]:
    with store.reading() as session:
        rows = session.scalars(select(ActRow).where(whose).order_by(ActRow.number))
        return [Act(row.at, row.who, row.item, row.act, row.reason, row.account, row.cleared) for row in rows]


def _leave(batch: BatchRow, now: int) -> None:
    """Its bytes are not handed over any more, and its nonce is used up by a filler (see `outbox_tables`)."""
    if batch.left_at is None:
        batch.left_at, batch.why = now, None


def _out(session: Session) -> dict[int, Out]:
    """By item: the batch that was left and whose bytes may carry it all the same."""
    left = select(BatchRow).where(BatchRow.status == "open", BatchRow.left_at.is_not(None))
    return {
        item: Out(batch.number, batch.account, batch.nonce)
        for batch in session.scalars(left.order_by(BatchRow.number))
        for item in batch.items
    }


def _one_of_withdrawn(session: Session, out: Mapping[int, Out]) -> ColumnElement[bool]:
    return and_(OutboxRow.status == WITHDRAWN, one_of(session, OutboxRow.number, list(out)))


def _blocking(session: Session) -> dict[str, BatchRow]:
    """By account: the lowest open batch, where others wait for it in vain or for long."""
    open_batches = (
        select(BatchRow).where(BatchRow.status == "open").order_by(BatchRow.account, BatchRow.nonce)
    )
    lowest: dict[str, BatchRow] = {}
    for batch in session.scalars(open_batches):
        lowest.setdefault(batch.account, batch)
    return lowest


def _why(
    row: OutboxRow,
    account: str | None,
    why: str | None,
    *,
    out: Mapping[int, Out],
    blocks: Mapping[str, BatchRow],
) -> str | None:
    """What keeps an item, as far as it is known."""
    if row.status == WITHDRAWN:
        return f"withdrawn, but it {out[row.number]}"
    first = None if account is None else blocks.get(account)
    if row.status == SENT and first is not None and first.number != row.batch:
        return _behind(first) + (f"; {why}" if why else "")
    if why is not None and row.status in (SENT, UNKNOWN):
        return why
    if row.refusal is not None:
        return f"refused with {row.refusal}, waits for an older item"
    held = [batch for batch in blocks.values() if batch.why is not None or batch.left_at is not None]
    if row.status == SIGNED and held and len(held) == len(blocks):
        return _behind(held[0])
    return None


def _behind(batch: BatchRow) -> str:
    what = batch.why or (
        "left by an operator, its nonce is being filled" if batch.left_at else "waits for a block"
    )
    return f"waits behind batch {batch.number} (nonce {batch.nonce} of {batch.account}): {what}"


def _item(session: Session, number: int, allowed: tuple[str, ...], rule: str) -> OutboxRow:
    row = session.get(OutboxRow, number, with_for_update=True)
    if row is None:
        raise InputError(f"there is no item {number} in the outbox")
    if row.status not in allowed:
        raise InputError(f"item {number} is {row.status}: {rule}")
    return row


def _keep(
    session: Session,
    number: int | None,
    act: str,
    *,
    who: str,
    reason: str,
    at: int,
    account: str | None = None,
    cleared: str | None = None,
) -> None:
    if not who.strip() or not reason.strip():
        raise InputError("say who does this, and why: both are kept")
    if len(who) > MOST_NAME:
        raise InputError(f"the name of who does this is longer than {MOST_NAME} letters: say it shorter")
    session.add(ActRow(at=at, who=who, item=number, account=account, act=act, reason=reason, cleared=cleared))
    facts = {"item": number, "account": account}
    LOG.info("%s by %s: %s", act, who, reason, extra=facts)
