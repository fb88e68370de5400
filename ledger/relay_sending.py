"""Handing over: written down before it is done, and again when the node has answered.

    hand_over    sends stored bytes; what the node said of each
    due          which stored transactions are to be handed over (again), and which has to be replaced
    replace      a dearer transaction for the same nonce
    fill_left    one that carries nothing, where an operator has taken items out
    give_up      the items are unknown from now on

The same bytes are sent as often as need be. Only the lowest nonce that is not mined is replaced, because all others
wait for it. Whether something was mined is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eth_utils.address import to_checksum_address
from sqlalchemy import false, func, select, update
from sqlalchemy.orm import Session

from ledger.chain import (
    Chain,
    Fees,
    Hash,
    NodeRefused,
    NonceTooHigh,
    NonceTooLow,
    Underpriced,
    Unreachable,
)
from ledger.columns import bytes_of
from ledger.crash_points import reach
from ledger.outbox import SENT, UNKNOWN
from ledger.outbox_tables import BatchRow, CallRow, OutboxRow, TransactionRow
from ledger.relay_accounts import LOG, Holder, require
from ledger.relay_claims import GAP_GAS, Outgoing, store_transaction
from ledger.relay_terms import Sight, Terms
from ledger.row_writing import one_of
from ledger.signing import batch_calldata
from ledger.store import Store

RAISE: Final = 5, 4
"""By which fraction a replacement offers more: nodes want a tenth at least."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A transaction of an open batch, without its bytes. `left`: an operator has taken something out of the batch;
    `filler`: it carries nothing."""

    tx_hash: Hash
    batch: int
    nonce: int
    fee: int
    tip: int | None
    height: int
    status: str
    first_sent_at: int | None
    last_sent_at: int | None
    left: bool
    filler: bool


@dataclass(slots=True)
class Memory:
    """What this process knows of transactions and has not written down; a new one begins with nothing."""

    handed: set[Hash] = field(default_factory=set)
    refused: dict[Hash, int] = field(default_factory=dict)
    underpriced: set[Hash] = field(default_factory=set)

    def forget(self, tx_hashes: Iterable[Hash]) -> None:
        """They are mined, or will never be."""
        for tx_hash in tx_hashes:
            self.handed.discard(tx_hash)
            self.refused.pop(tx_hash, None)
            self.underpriced.discard(tx_hash)


def open_transactions(store: Store, account: str) -> list[Stored]:
    """Those of an account's open batches: by nonce, the dearest last, of a batch that was left its fillers."""
    columns = (
        TransactionRow.tx_hash,
        TransactionRow.batch,
        BatchRow.nonce,
        TransactionRow.fee,
        TransactionRow.tip,
        TransactionRow.height,
        TransactionRow.status,
        TransactionRow.first_sent_at,
        TransactionRow.last_sent_at,
        BatchRow.left_at.is_not(None),
        func.coalesce(TransactionRow.filler, false()),
    )
    with store.reading() as session:
        query = select(*columns).join(BatchRow, BatchRow.number == TransactionRow.batch)
        rows = session.execute(query.where(BatchRow.account == account, BatchRow.status == "open"))
        found = [Stored(Hash(row[0]), *row[1:]) for row in rows]
    return sorted(found, key=lambda each: (each.nonce, each.left and each.filler, each.fee))


def hand_over(
    store: Store, chain: Chain, outgoing: Sequence[Outgoing], *, account: str, holder: Holder, memory: Memory
) -> int:
    """Sends these transactions in the order of their nonces; gives how many the node has now.

    Unreachable where it does not answer: what was sent until then is recorded, the rest waits for the next cycle.
    """
    if not outgoing:
        return 0
    ordered = sorted(outgoing, key=lambda each: each.nonce)
    _mark_sent(store, [each.tx_hash for each in ordered], account=account, holder=holder)
    reach("relay: sending marked")
    seen: list[Hash] = []
    reasons: dict[int, str | None] = {}
    silent: Unreachable | None = None
    for each in ordered:
        try:
            _hand_one(chain, each, memory=memory, seen=seen, reasons=reasons)
        except Unreachable as unreachable:
            silent = unreachable
            break
        reach("relay: node took it")
    _mark_seen(store, seen, reasons, account=account, holder=holder)
    reach("relay: sight marked")
    if silent is not None:
        raise silent
    return len(seen)


def _hand_one(
    chain: Chain, each: Outgoing, *, memory: Memory, seen: list[Hash], reasons: dict[int, str | None]
) -> None:
    try:
        chain.send_raw(each.raw)
    except NonceTooLow:
        memory.handed.add(
            each.tx_hash
        )  # mined, whichever of that nonce it was: its receipt is looked for next
    except NonceTooHigh:
        return  # when the gap is closed it goes at once
    except Underpriced as refused:
        memory.handed.add(each.tx_hash)
        memory.underpriced.add(each.tx_hash)
        reasons[each.batch] = str(refused)
    except NodeRefused as refused:
        memory.handed.add(each.tx_hash)
        memory.refused[each.tx_hash] = memory.refused.get(each.tx_hash, 0) + 1
        reasons[each.batch] = str(refused)
    else:
        memory.handed.add(each.tx_hash)
        if memory.refused.pop(each.tx_hash, None):
            reasons[each.batch] = None
        seen.append(each.tx_hash)


def _mark_sent(store: Store, tx_hashes: Sequence[Hash], *, account: str, holder: Holder) -> None:
    now = holder.clock()
    with store.writing() as session:
        require(session, account, holder)
        session.execute(
            update(TransactionRow)
            .where(
                one_of(session, TransactionRow.tx_hash, tx_hashes),
                TransactionRow.status.in_(("signed", "sent", "seen")),
            )
            .values(
                status="sent",
                sends=TransactionRow.sends + 1,
                first_sent_at=func.coalesce(TransactionRow.first_sent_at, now),
                last_sent_at=now,
            )
        )


def _mark_seen(
    store: Store, seen: Sequence[Hash], reasons: dict[int, str | None], *, account: str, holder: Holder
) -> None:
    if not seen and not reasons:
        return
    with store.writing() as session:
        require(session, account, holder)
        if seen:
            there = (one_of(session, TransactionRow.tx_hash, seen), TransactionRow.status == "sent")
            session.execute(update(TransactionRow).where(*there).values(status="seen"))
        for batch, why in reasons.items():
            if why is not None:
                LOG.warning("batch %d was not taken: %s", batch, why, extra={"batch": batch})
            # why it was given up stays until somebody has looked
            under_way = select(OutboxRow.batch).where(OutboxRow.batch == batch, OutboxRow.status == SENT)
            it = (BatchRow.number == batch, BatchRow.number.in_(under_way))
            session.execute(update(BatchRow).where(*it).values(why=why))


def bytes_for(store: Store, wanted: Sequence[Stored]) -> list[Outgoing]:
    """Stored transactions with their bytes."""
    nonces = {each.tx_hash: each for each in wanted}
    with store.reading() as session:
        query = select(TransactionRow.tx_hash, TransactionRow.raw)
        rows = session.execute(query.where(TransactionRow.tx_hash.in_(list(nonces))))
        found = {Hash(tx_hash): raw for tx_hash, raw in rows}
    return [Outgoing(each.batch, each.nonce, each.tx_hash, found[each.tx_hash]) for each in wanted]


def due(waiting: Sequence[Stored], *, now: int, terms: Terms, memory: Memory, at_once: bool) -> list[Stored]:
    """The dearest transaction of each nonce that is to be handed over again; of a batch that was left only a filler.
    `at_once`: on a chain where whatever was handed over is mined, one that is not mined was never handed over."""
    dearest = {each.nonce: each for each in waiting if each.filler or not each.left}
    return [
        each
        for each in dearest.values()
        if at_once
        or each.last_sent_at is None
        or (each.status != "seen" and each.tx_hash not in memory.handed)
        or each.last_sent_at + terms.resend_after <= now
    ]


def is_stuck(lowest: Stored, *, now: int, terms: Terms, memory: Memory) -> bool:
    """Whether the transaction that all others wait for has waited long enough, or cannot be mined as it is."""
    if lowest.tx_hash in memory.underpriced:
        return True
    return lowest.first_sent_at is not None and lowest.first_sent_at + terms.replace_after <= now


def dearer(lowest: Stored, fees: Fees, terms: Terms) -> Fees | None:
    """What a replacement offers: today's price, and a quarter more than the last one did; None above the bound."""
    more, of = RAISE
    wanted = max(fees.highest, -(-lowest.fee * more // of))
    if wanted == lowest.fee or wanted > terms.highest_fee:
        return None
    if lowest.tip is None or fees.tip is None:
        return Fees(wanted, None)
    return Fees(wanted, min(wanted, max(fees.tip, -(-lowest.tip * more // of), 1)))


def fill_left(
    store: Store, chain: Chain, waiting: Sequence[Stored], *, sight: Sight, holder: Holder, terms: Terms
) -> list[Outgoing]:
    """Signs and stores a filler for each batch that was left and has none: dearer than its bytes, as far as the bound
    allows."""
    dearest = {each.batch: each for each in waiting}
    filled = []
    for each in dearest.values():
        if each.left and not each.filler:
            fees = dearer(each, sight.fees, terms) or Fees(terms.highest_fee, sight.fees.tip)
            filled.append(replace(store, chain, each, fees, sight=sight, holder=holder))
    return filled


def replace(
    store: Store, chain: Chain, lowest: Stored, fees: Fees, *, sight: Sight, holder: Holder
) -> Outgoing:
    """Signs and stores a dearer transaction with the same contents, or with none where the batch was left."""
    with store.writing() as session:
        require(session, sight.account, holder)
        batch = session.get_one(BatchRow, lowest.batch)
        if batch.left_at is not None:
            return _filler(session, chain, batch, fees, sight=sight)
        query = select(CallRow.number, CallRow.calldata).where(CallRow.number.in_(batch.items))
        calls = {number: bytes_of(call) for number, call in session.execute(query)}
        items = [calls[number] for number in batch.items]
        data, to = b"", sight.account
        if batch.contract is not None:
            data, to = batch_calldata(items, False), to_checksum_address(batch.contract)
        outgoing = store_transaction(
            session,
            chain,
            data,
            batch=batch.number,
            to=to,
            gas=batch.gas,
            nonce=batch.nonce,
            fees=fees,
            height=sight.height,
        )
    facts = {"batch": batch.number, "items": batch.items, "nonce": batch.nonce, "tx": outgoing.tx_hash}
    facts |= {"replaced": lowest.tx_hash}
    LOG.warning("batch %d is stuck: replaced at %d wei", batch.number, fees.highest, extra=facts)
    reach("relay: replacement signed")
    return outgoing


def _filler(session: Session, chain: Chain, batch: BatchRow, fees: Fees, *, sight: Sight) -> Outgoing:
    outgoing = store_transaction(
        session,
        chain,
        b"",
        batch=batch.number,
        to=sight.account,
        gas=GAP_GAS,
        nonce=batch.nonce,
        fees=fees,
        height=sight.height,
        filler=True,
    )
    said = "nonce %d of batch %d, which an operator has left, is filled at %d wei"
    facts = {"batch": batch.number, "nonce": batch.nonce, "tx": outgoing.tx_hash}
    LOG.warning(said, batch.nonce, batch.number, fees.highest, extra=facts)
    return outgoing


def give_up(store: Store, batch: int, why: str, *, account: str, holder: Holder) -> int:
    """The items of a batch become unknown; what was sent is still looked for. Gives how many."""
    with store.writing() as session:
        require(session, account, holder)
        row = session.get_one(BatchRow, batch)
        if row.why is None or not row.why.startswith(why):
            row.why = why if row.why is None else f"{why}; {row.why}"
        mine = (OutboxRow.batch == batch, OutboxRow.status == SENT)
        given_up = session.execute(update(OutboxRow).where(*mine).values(status=UNKNOWN))
        count = int(getattr(given_up, "rowcount", 0))
    if count:
        facts = {"batch": batch, "items": row.items, "nonce": row.nonce}
        LOG.error("batch %d was given up, %d items are unknown: %s", batch, count, why, extra=facts)
    return count


def give_up_orphans(
    store: Store, waiting: Sequence[Stored], *, sight: Sight, holder: Holder, terms: Terms, memory: Memory
) -> None:
    """Gives up the batches of an account whose key is not here, when they were sent again for long enough: nobody can
    make them dearer."""
    now, seen = holder.clock(), set[int]()
    for each in waiting:
        old = each.first_sent_at is not None and each.first_sent_at + terms.orphan_after <= now
        refused = each.tx_hash in memory.underpriced or each.tx_hash in memory.refused
        if old and (refused or sight.height > each.height) and each.batch not in seen and not each.left:
            seen.add(each.batch)
            why = (
                f"account {sight.account} has to pay more for nonce {waiting[0].nonce}, and no relay has its key: "
                "start one with it; or retry, and another account sends it; or withdraw"
            )
            give_up(store, each.batch, why, account=sight.account, holder=holder)


def is_jammed(store: Store, waiting: Sequence[Stored], nonce: int) -> bool:
    """Whether the lowest batch was given up, and nobody has looked: what follows it would wait for it in vain."""
    if not waiting or waiting[0].nonce < nonce or waiting[0].left:
        return False
    with store.reading() as session:
        mine = OutboxRow.batch == waiting[0].batch
        under_way = session.scalar(select(func.count()).where(mine, OutboxRow.status == SENT))
        return not under_way and bool(session.scalar(select(func.count()).where(mine)))
