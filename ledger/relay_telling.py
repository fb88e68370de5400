"""What the relay says of its work in the log: which items went out in which transaction, and what became of them.

One line a transaction, with all its items, and one line a refusal. Nothing is decided here, and where nobody listens
nothing is asked either.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import select

from ledger.chain import Hash
from ledger.outbox import Relayed
from ledger.outbox_tables import BatchRow
from ledger.relay_accounts import LOG
from ledger.relay_claims import Outgoing
from ledger.relay_judging import Judged, Verdict
from ledger.store import Store


def tell_sent(store: Store, outgoing: Sequence[Outgoing], *, again: Collection[Hash] = ()) -> None:
    """These are about to be handed over. `again`: those of them that were before."""
    if not LOG.isEnabledFor(logging.INFO):
        return
    with store.reading() as session:
        query = select(BatchRow.number, BatchRow.items, BatchRow.contract)
        rows = session.execute(query.where(BatchRow.number.in_([each.batch for each in outgoing])))
        batches = {row.number: row for row in rows}
    for each in outgoing:
        batch = batches[each.batch]
        facts = {"batch": each.batch, "items": batch.items, "nonce": each.nonce, "tx": each.tx_hash}
        what = "batch %d" if batch.contract is not None else "batch %d, a filler for a missing nonce,"
        said = f"{what} goes out again" if each.tx_hash in again else f"{what} goes out"
        LOG.info(said, each.batch, extra={**facts, "contract": batch.contract})


def tell_mined(judged: Iterable[Judged]) -> None:
    """These batches are in a block."""
    for each in judged if LOG.isEnabledFor(logging.INFO) else ():
        receipt = each.receipt
        landed = [verdict.number for verdict in each.verdicts if verdict.log_index is not None]
        facts = {"batch": each.batch, "items": landed, "tx": receipt.tx_hash, "block": receipt.block}
        LOG.info("batch %d mined, %d of its items landed", each.batch, len(landed), extra=facts)
        for verdict in each.verdicts:
            if verdict.log_index is None:
                where = {"item": verdict.number, "verb": verdict.verb, "batch": each.batch}
                _tell_verdict(verdict, where, receipt.tx_hash)


def tell_ended(ended: Iterable[Relayed]) -> None:
    """These items have their outcome."""
    final: dict[tuple[Hash | None, int], list[int]] = {}
    for each in ended if LOG.isEnabledFor(logging.INFO) else ():
        if each.refusal is None:
            final.setdefault((each.tx_hash, each.block), []).append(each.number)
            continue
        facts = {"item": each.number, "verb": each.verb, "refusal": each.refusal.name}
        LOG.info("item %d is refused", each.number, extra={**facts, "tx": each.tx_hash, "block": each.block})
    for (tx_hash, block), items in final.items():
        LOG.info("%d items are final", len(items), extra={"items": items, "tx": tx_hash, "block": block})


def _tell_verdict(verdict: Verdict, where: dict[str, object], tx_hash: Hash) -> None:
    refusal = None if verdict.refusal is None else verdict.refusal.name
    said = "item %d had landed before" if refusal is None else "item %d was refused by the contract"
    LOG.info(said, verdict.number, extra={**where, "refusal": refusal, "tx": tx_hash})
