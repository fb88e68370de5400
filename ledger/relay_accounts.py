"""Who works an account, and what is wrong with it.

    hold       takes or renews the lease; sees nonces that were used without this database
    require    at the start of every writing unit of work: whoever has lost the lease stops
    release    gives it back
    alarm      says what an operator has to know about an account

One process at a time works an account; another one with the same key stands by until the lease runs out. Where the
chain can be open in one process only, whoever has it open is that process. No transaction is made here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.errors import ChainError
from ledger.outbox_tables import AccountRow, BatchRow
from ledger.store import Store

LOG: Final = logging.getLogger("ledger.relay")
MOST_ALARMS: Final = 20
"""Alarms of one account that are kept until somebody clears them."""


class LeaseLost(ChainError):
    """Another process works this account now; what this one was about to write is not written."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that works accounts. `owner` is drawn anew by each; `lease` in seconds. `exclusive`: no other
    process can have the chain open, so that a lease of one that is gone counts for nothing."""

    owner: str
    lease: int
    exclusive: bool
    clock: Callable[[], int]


def hold(store: Store, account: str, holder: Holder, *, mined: int | None) -> bool:
    """Takes or renews the lease; False where another process has it. `mined`: the account's transactions on chain,
    None where nobody asked; more of them than were ever signed here raise an alarm."""
    now = holder.clock()
    with store.reading() as session:
        row = session.get(AccountRow, account)
    mine = row is not None and row.owner == holder.owner and (mined or 0) <= row.next_nonce
    if row is not None and mine and row.leased_until - now > holder.lease // 2:
        return True
    try:
        with store.writing() as session:
            row = session.get(AccountRow, account, with_for_update=True)
            if row is None:
                row = AccountRow(account=account, next_nonce=mined or 0, owner="", leased_until=0, foreign=0)
                session.add(row)
            if row.owner not in ("", holder.owner) and row.leased_until > now and not holder.exclusive:
                return False
            row.owner, row.leased_until = holder.owner, now + holder.lease
            if mined is not None and mined > row.next_nonce:
                _follow(row, mined)
            return True
    except IntegrityError:  # another process has just taken it
        return False


def _follow(row: AccountRow, mined: int) -> None:
    alarm(
        row,
        f"account {row.account} has {mined} transactions on chain, {row.next_nonce} are known here: its key is "
        "used elsewhere, or the database is older than the chain; make sure that nobody else has the key",
    )
    row.foreign += mined - row.next_nonce
    row.next_nonce = mined


def alarm(row: AccountRow, what: str) -> None:
    """Something that an operator has to know about the account, besides what its alarm says already. Of many the first
    and the newest are kept; the log has all."""
    lines = [] if row.alarm is None else row.alarm.split("\n")
    row.alarm = "\n".join([*lines[:1], *lines[1:][-MOST_ALARMS + 2 :], what])
    LOG.error(what, extra={"account": row.account})


def require(session: Session, account: str, holder: Holder) -> None:
    """Locks the account for this unit of work. LeaseLost where another process has it."""
    query = select(AccountRow.owner).where(AccountRow.account == account).with_for_update()
    owner = session.scalar(query)
    if owner != holder.owner:
        raise LeaseLost(f"account {account} is worked by another process now: this one stands by")


def release(store: Store, account: str, holder: Holder) -> None:
    """Lets another process begin at once."""
    with store.writing() as session:
        mine = (AccountRow.account == account, AccountRow.owner == holder.owner)
        session.execute(update(AccountRow).where(*mine).values(leased_until=0))


def abandoned(store: Store, account: str, holder: Holder) -> list[str]:
    """Other accounts that have batches under way and that nobody works."""
    with store.reading() as session:
        query = (
            select(AccountRow.account)
            .join(BatchRow, BatchRow.account == AccountRow.account)
            .where(BatchRow.status == "open", AccountRow.account != account)
            .distinct()
        )
        if not holder.exclusive:
            query = query.where(AccountRow.leased_until <= holder.clock())
        return list(session.scalars(query))


def foreign(session: Session, account: str, nonce: int) -> None:
    """Records that somebody else has used a nonce."""
    row = session.get_one(AccountRow, account, with_for_update=True)
    row.foreign += 1
    alarm(
        row,
        f"nonce {nonce} of account {account} was used by a transaction that was not made here: somebody else has "
        "its key; what was to be sent under it goes out again; give the relay a key of its own",
    )
