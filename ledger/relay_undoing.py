"""Batches that came to nothing: what was in them is signed again, or an operator has to look.

    reverted    the transaction had too little gas
    void        somebody else has used the nonce

Of a batch that an operator has left, nothing is signed again unasked. No chain here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from ledger.chain import Receipt
from ledger.columns import hex_of
from ledger.gas import CEILING
from ledger.outbox import FINAL, SENT, SIGNED, UNKNOWN
from ledger.outbox_tables import BatchRow, OutboxRow, TransactionRow
from ledger.relay_accounts import LOG, Holder, require
from ledger.relay_judging import mark_transactions
from ledger.store import Store


def reverted(store: Store, batch: int, receipt: Receipt, *, account: str, holder: Holder) -> None:
    """A transaction that had too little gas: each item wants twice as much, so that fewer go together; one that had a
    transaction of its own with as much as there is, is given up."""
    with store.writing() as session:
        require(session, account, holder)
        row = session.get_one(BatchRow, batch)
        alone = len(row.items) == 1 and row.gas >= CEILING
        row.status = "void"
        row.why = f"transaction {hex_of(receipt.tx_hash)} reverted with {row.gas:,} gas"
        if alone:
            row.why += (
                ": its signers' wallets ask for more than one transaction can be given; withdraw the item"
            )
        mark_transactions(session, [(batch, receipt)], status=FINAL)
        mine = (OutboxRow.batch == batch, OutboxRow.status.in_(_goes_on(row)))
        floor = func.coalesce(OutboxRow.floor, 0)
        doubled: dict[str, Any] = {"status": UNKNOWN if alone else SIGNED, "floor": floor + floor}
        if not alone:
            doubled["batch"] = None
        session.execute(update(OutboxRow).where(*mine).values(doubled))
        facts = {"batch": batch, "items": row.items, "tx": receipt.tx_hash, "block": receipt.block}
        LOG.warning("batch %d: %s", batch, row.why, extra=facts)


def void(session: Session, batch: int, *, why: str) -> None:
    """A nonce that somebody else has used: what was to be sent under it is signed again."""
    session.execute(update(BatchRow).where(BatchRow.number == batch).values(status="void", why=why))
    there = (TransactionRow.batch == batch, TransactionRow.status.in_(("signed", "sent", "seen")))
    session.execute(update(TransactionRow).where(*there).values(status="replaced"))
    mine = (OutboxRow.batch == batch, OutboxRow.status.in_(_goes_on(session.get_one(BatchRow, batch))))
    session.execute(update(OutboxRow).where(*mine).values(status=SIGNED, batch=None))


def _goes_on(batch: BatchRow) -> tuple[str, ...]:
    """What of a batch that came to nothing is signed again; of one that an operator has left, nothing unasked."""
    return (SENT, UNKNOWN) if batch.left_at is None else (SENT,)
