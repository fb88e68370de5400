"""What an operator sees of the outbox, and may do to an item or an account; every act is kept with its reason.

    hanging        the items that have no outcome, how long they have been there, and what keeps them
    alarms         the accounts that something is wrong with
    at_work        the accounts that a relay works at present
    acts_on        what was done to an item; `acts_on_account` to an account
    retry          an unknown item goes on: in its batch if that is still open, else in a new one
    withdraw       an item is not sent (any more); what was handed over already may land all the same
    clear_alarm    an account's alarm was looked into: it is not shown any more

Nobody can make an agreement land twice or change it here: that is the contract's. What has an outcome stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from ledger.errors import InputError
from ledger.outbox import MINED, SENT, SIGNED, UNKNOWN, WITHDRAWN, machine_clock
from ledger.outbox_tables import AccountRow, ActRow, BatchRow, OutboxRow, TransactionRow
from ledger.relay_accounts import LOG
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
    """What somebody did to an item or, where that is None, to an account. `at` in Unix seconds."""

    at: int
    who: str
    item: int | None
    act: str
    reason: str
    account: str | None = None


def hanging(
    store: Store, *, clock: Callable[[], int] = machine_clock, limit: int | None = None
) -> list[Hanging]:
    """The items that are neither final, refused nor withdrawn, in their order."""
    columns = (OutboxRow.number, OutboxRow.verb, OutboxRow.status, OutboxRow.queued_at, OutboxRow.attempts)
    query = (
        select(*columns, OutboxRow.batch, OutboxRow.refusal, BatchRow.nonce, BatchRow.why)
        .outerjoin(BatchRow, BatchRow.number == OutboxRow.batch)
        .where(OutboxRow.status.in_((SIGNED, SENT, MINED, UNKNOWN)))
        .order_by(OutboxRow.number)
        .limit(limit)
    )
    now = clock()
    with store.reading() as session:
        return [
            Hanging(
                number=row.number,
                verb=row.verb,
                status=row.status,
                seconds=max(now - row.queued_at, 0),
                attempts=row.attempts,
                batch=row.batch,
                nonce=row.nonce,
                why=row.why
                or (f"refused with {row.refusal}, waits for an older item" if row.refusal else None),
            )
            for row in session.execute(query)
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
    """Lets the relay go on with an item that it has given up. InputError where it has not, or without a reason."""
    now = clock()
    with store.writing() as session:
        row = _item(session, number, (UNKNOWN,), "only what is unknown can be tried again")
        batch = None if row.batch is None else session.get(BatchRow, row.batch)
        if batch is not None and batch.status == "open":
            batch.why = None
            again = {"first_sent_at": now, "last_sent_at": None}
            session.execute(update(TransactionRow).where(TransactionRow.batch == batch.number).values(again))
            fellows = (OutboxRow.batch == batch.number, OutboxRow.status == UNKNOWN)
            session.execute(update(OutboxRow).where(*fellows).values(status=SENT))
        else:
            row.status, row.batch, row.attempts = SIGNED, None, 0
        _keep(session, number, "retry", who=who, reason=reason, at=now)


def withdraw(
    store: Store, number: int, *, who: str, reason: str, clock: Callable[[], int] = machine_clock
) -> None:
    """Takes an item out. InputError where it is on its way or has an outcome, or without a reason."""
    with store.writing() as session:
        row = _item(session, number, (SIGNED, UNKNOWN), "only what is signed or unknown can be withdrawn")
        row.status = WITHDRAWN
        _keep(session, number, "withdraw", who=who, reason=reason, at=clock())


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
        row.alarm = None
        _keep(session, None, "clear-alarm", who=who, reason=reason, at=clock(), account=account)


# Inside


def _acts(store: Store, whose: ColumnElement[bool]) -> list[Act]:
    with store.reading() as session:
        rows = session.scalars(select(ActRow).where(whose).order_by(ActRow.number))
        return [Act(row.at, row.who, row.item, row.act, row.reason, row.account) for row in rows]


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
) -> None:
    if not who.strip() or not reason.strip():
        raise InputError("say who does this, and why: both are kept")
    if len(who) > MOST_NAME:
        raise InputError(f"the name of who does this is longer than {MOST_NAME} letters: say it shorter")
    session.add(ActRow(at=at, who=who, item=number, account=account, act=act, reason=reason))
    facts = {"item": number, "account": account}
    LOG.info("%s by %s: %s", act, who, reason, extra=facts)
