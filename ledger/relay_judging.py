"""What became of the items of a mined batch, and of those that were never sent: read, then recorded in one commit.

    judge      a batch's receipt, item by item: done by this event, or refused with this reason
    record     all verdicts of some batches
    dispose    verdicts on items outside of batches

The contract has judged already; this only reads what it said. What it does not know is order across accounts: an item
that was refused while an older one is still on its way is signed again, and asked about before it goes once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from eth_abi.abi import decode as abi_decode
from eth_utils.crypto import keccak
from sqlalchemy import and_, not_, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from ledger.abi import Abi
from ledger.artifacts import load
from ledger.chain import Chain, Hash, Log, Receipt, decode_revert
from ledger.columns import hex_of
from ledger.database import DatabaseBusy
from ledger.errors import Refusal, VerificationError
from ledger.landing import first_child, is_for_good, topics_of
from ledger.outbox import (
    FINAL,
    GONE,
    LANDED,
    MINED,
    REFUSED,
    SENT,
    SIGNED,
    UNKNOWN,
    WITHDRAWN,
    Relayed,
    items_of,
    relayed,
)
from ledger.outbox_tables import AccountRow, BatchRow, OutboxRow, TransactionRow
from ledger.relay_accounts import Holder, alarm, require
from ledger.relay_landed import Landed
from ledger.relay_terms import Terms
from ledger.row_writing import PLAIN, change, one_of
from ledger.store import Store

REFUSED_TOPIC: Final = keccak(text="Refused(uint256,bytes)")
_ANY_INDEX: Final = 2**31
"""Above the index of any event in its block."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one item: `log_index` of its event in the batch's block; or where it landed elsewhere; or why not."""

    number: int
    verb: str
    log_index: int | None = None
    elsewhere: Log | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A mined batch. `receipt` is of the transaction that carried it; `withdrawn`: items that
    had been, and landed all the same."""

    batch: int
    receipt: Receipt
    verdicts: tuple[Verdict, ...] = field(repr=False)
    withdrawn: tuple[Verdict, ...] = ()


def judge(store: Store, batch: int, receipt: Receipt, landed: Landed) -> Judged:
    """The verdict on every item of a batch that was mined whole.

    VerificationError where the receipt has neither a refusal nor an event of an item: the node has left out logs, or
    the contract is not the one that this version knows.
    """
    contract, rows = _items_of_batch(store, batch)
    logs = [log for log in receipt.logs if log.address == contract]
    reasons: dict[int, bytes] = dict(
        abi_decode(["uint256", "bytes"], log.data) for log in logs if log.topics[0] == REFUSED_TOPIC
    )
    events = iter([log for log in logs if log.topics[0] != REFUSED_TOPIC])
    verdicts: list[Verdict] = []
    withdrawn: list[Verdict] = []
    replaced = _replaced(store, [row.number for row in rows if row.status == WITHDRAWN])
    refused: list[tuple[Any, Refusal]] = []
    splits = [row.number for row in rows if row.verb == "split"]
    children = _first_children(store, splits) if splits else {}
    for place, row in enumerate(rows):
        mine = row.batch == batch and row.status in (SENT, UNKNOWN, WITHDRAWN)
        pulled = mine and row.status == WITHDRAWN
        if pulled and row.number in replaced:  # what lands here is the other one's
            mine = False
        if place in reasons:
            if mine:
                refused.append((row, refusal_of(reasons[place])))
            continue
        # Items are executed in their order: what is behind an item's event is not of one before it.
        wanted, child = topics_of(row.event, row.verb), children.get(row.number)
        for log in events:
            like = log.topics[0] in wanted and row.subject in (None, log.topics[1])
            if like and child in (None, log.data[:32]):
                break
        else:
            raise VerificationError(
                f"transaction {hex_of(receipt.tx_hash)} has neither refused item {row.number} of the outbox nor an "
                "event of it: the node leaves out logs, or the contract is not the one that this version knows"
            )
        if pulled:
            withdrawn.append(Verdict(row.number, row.verb, log_index=log.log_index))
        if mine:
            verdicts.append(Verdict(row.number, row.verb, log_index=log.log_index))
            landed.taken.add((log.address, log.block, log.log_index))
    for row, refusal in refused:
        found = landed.find(row.number)
        why = None if found is not None else refusal
        verdicts.append(Verdict(row.number, row.verb, elsewhere=found, refusal=why))
    verdicts.sort(key=lambda verdict: verdict.number)
    return Judged(batch, receipt, tuple(verdicts), tuple(withdrawn))


def refusal_of(output: bytes) -> Refusal:
    """The contract's custom error."""
    return decode_revert(output, _abis())


def record(
    store: Store, judged: Sequence[Judged], *, account: str, height: int, holder: Holder, terms: Terms
) -> list[Relayed]:
    """Writes what became of these batches, in one commit; gives the items that have ended, in their order.

    DatabaseBusy where the agreement of a withdrawn item was put in again since it was judged: nothing was written, and
    judged once more the event is the new item's.
    """
    try:
        return _record(store, judged, account=account, height=height, holder=holder, terms=terms)
    except IntegrityError:
        pulled = [verdict.number for each in judged for verdict in each.withdrawn]
        if not pulled:
            raise
        raise DatabaseBusy(f"what was withdrawn as item {pulled} was put in again: looking anew") from None


def _record(
    store: Store, judged: Sequence[Judged], *, account: str, height: int, holder: Holder, terms: Terms
) -> list[Relayed]:
    ended: list[Relayed] = []
    marked: dict[str, list[tuple[int, Receipt]]] = {}
    with store.writing() as session:
        require(session, account, holder)
        for each in judged:
            receipt = each.receipt
            deep = receipt.block + terms.depth <= max(height, receipt.block)
            status = FINAL if deep else MINED
            marked.setdefault(status, []).append((each.batch, receipt))
            landed = [verdict for verdict in each.verdicts if verdict.log_index is not None]
            if each.withdrawn:
                _tell_withdrawn(session, each, account=account)
            rows = {verdict.number: verdict.log_index or 0 for verdict in landed}
            if rows:
                _write_landed(session, rows, receipt, status=status)
            if deep:
                ended += [
                    Relayed(verdict.number, verdict.verb, None, receipt.tx_hash, receipt.block)
                    for verdict in landed
                ]
            for verdict in each.verdicts:
                if verdict.log_index is None:
                    ended += _write_verdict(
                        session, verdict, batch=each.batch, receipt=receipt, height=height, terms=terms
                    )
        for status, batches in marked.items():
            _mark(session, batches, status=status)
        mistaken = _give_back(session, judged)
    return sorted((each for each in ended if each.number not in mistaken), key=lambda each: each.number)


def dispose(
    store: Store,
    chain: Chain,
    found: Iterable[tuple[int, Refusal]],
    *,
    height: int,
    terms: Terms,
) -> list[Relayed]:
    """Records items that were not sent because they can never become good, or have landed without this relay; or
    whose simulation was refused while no older item was on its way."""
    landed, block_hash, head = Landed(store, chain), chain.block_hash(height), (height, _ANY_INDEX)
    verdicts = []
    for number, refusal in found:
        log = landed.find(number)
        verdicts.append((number, log, None if log is not None else refusal))
    ended: list[Relayed] = []
    with store.writing() as session:
        for number, log, why in verdicts:
            row = session.get_one(OutboxRow, number, with_for_update=True)
            if row.status not in (SIGNED, REFUSED):
                continue
            if log is not None:
                _write_elsewhere(row, log, height=height, terms=terms)
            elif (
                why is not None
                and row.status == SIGNED
                and (is_for_good(why) or not _older(session, row, at=head))
            ):
                row.status, row.refusal, row.facts = REFUSED, why.name, why.facts
                row.batch, row.tx_hash, row.block, row.block_hash = None, None, height, block_hash
            if row.status in (FINAL, REFUSED) and (log is not None or why is not None):
                ended.append(relayed(row))
    return ended


# Inside


def _replaced(store: Store, withdrawn: Sequence[int]) -> set[int]:
    """Those whose agreement was put in again."""
    if not withdrawn:
        return set()
    with store.reading() as session:
        return {number for number in withdrawn if twin(session, session.get_one(OutboxRow, number))}


def _tell_withdrawn(session: Session, judged: Judged, *, account: str) -> None:
    for each in judged.withdrawn:
        alarm(
            session.get_one(AccountRow, account, with_for_update=True),
            f"item {each.number} ({each.verb}) was withdrawn, and landed all the same in block {judged.receipt.block}: "
            "it was signed and handed over before; see to what was agreed in its place",
        )


@cache
def _abis() -> tuple[Abi, Abi]:
    return load("VoucherLedger").abi, load("PartyRegistry").abi


def _items_of_batch(store: Store, batch: int) -> tuple[str | None, list[Any]]:
    """The batch's contract, and its items in the order of their places."""
    columns = (OutboxRow.number, OutboxRow.verb, OutboxRow.event, OutboxRow.subject, OutboxRow.status)
    with store.reading() as session:
        mine = BatchRow.number == batch
        contract, items = session.execute(select(BatchRow.contract, BatchRow.items).where(mine)).one()
        query = select(*columns, OutboxRow.batch).where(one_of(session, OutboxRow.number, items))
        found = {each.number: each for each in session.execute(query)}
        return contract, [found[number] for number in items]


def _first_children(store: Store, splits: Sequence[int]) -> dict[int, bytes]:
    with store.reading() as session:
        items = items_of(session, OutboxRow.number.in_(splits))
    children = {item.number: first_child(item.agreement) for item in items}
    return {number: child for number, child in children.items() if child is not None}


def _mark(session: Session, judged: Sequence[tuple[int, Receipt]], *, status: str) -> None:
    """These batches are mined or final, and so is the transaction that carried each; others of their nonces are
    replaced."""
    batches = [batch for batch, _ in judged]
    mine = one_of(session, BatchRow.number, batches)
    session.execute(update(BatchRow).where(mine).values(status=status, why=None), execution_options=PLAIN)
    mark_transactions(session, judged, status=status)


def mark_transactions(session: Session, judged: Sequence[tuple[int, Receipt]], *, status: str) -> None:
    """The transactions that carried these batches have this status, others of their nonces are replaced."""
    of_batches = one_of(session, TransactionRow.batch, [batch for batch, _ in judged])
    carried = one_of(session, TransactionRow.tx_hash, [receipt.tx_hash for _, receipt in judged])
    others = update(TransactionRow).where(of_batches, not_(carried))
    session.execute(others.values(status="replaced"), execution_options=PLAIN)
    rows = [(receipt.tx_hash, status, receipt.block, receipt.block_hash) for _, receipt in judged]
    change(session, TransactionRow, ("tx_hash", "status", "block", "block_hash"), rows, keys=1)


def _write_landed(session: Session, rows: dict[int, int], receipt: Receipt, *, status: str) -> None:
    # One statement for a whole batch: one per item, hundreds of times a second, would be most of what the relay does.
    values: dict[str, Any] = {"tx_hash": hex_of(receipt.tx_hash), "block_hash": hex_of(receipt.block_hash)}
    values |= {"status": status, "block": receipt.block}
    where = (
        "update outbox set status = :status, tx_hash = :tx_hash, block = :block, block_hash = :block_hash, "
        "refusal = null, facts = null, log_index = "
    )
    if session.get_bind().dialect.name == "postgresql":
        found = "unnest(cast(:numbers as bigint[]), cast(:places as bigint[])) as found (number, place)"
        values |= {"numbers": list(rows), "places": list(rows.values())}
        session.execute(text(f"{where} found.place from {found} where outbox.number = found.number"), values)
    else:
        each = [values | {"number": number, "place": place} for number, place in rows.items()]
        session.execute(text(f"{where} :place where number = :number"), each)


def _write_verdict(
    session: Session, verdict: Verdict, *, batch: int, receipt: Receipt, height: int, terms: Terms
) -> list[Relayed]:
    row = session.get_one(OutboxRow, verdict.number)
    if verdict.elsewhere is not None:
        _write_elsewhere(row, verdict.elsewhere, height=height, terms=terms)
        return [relayed(row)] if row.status == FINAL else []
    assert verdict.refusal is not None
    row.refusal, row.facts = verdict.refusal.name, verdict.refusal.facts
    again = row.attempts < terms.most_attempts and not is_for_good(verdict.refusal)
    place = receipt.block, max((log.log_index for log in receipt.logs), default=0)
    if row.status != WITHDRAWN and again and _older(session, row, at=place, besides=batch):
        row.status, row.batch = SIGNED, None
        return []
    if row.status != WITHDRAWN:
        row.status = REFUSED
    row.tx_hash, row.block, row.block_hash = receipt.tx_hash, receipt.block, receipt.block_hash
    return [relayed(row)] if row.status == REFUSED else []


def _give_back(session: Session, judged: Sequence[Judged]) -> set[int]:
    """Events of these batches' items that were taken for those of others, which differ from them in nothing but
    deadline or consents: the others are signed again. Gives their numbers."""
    places = {
        (each.receipt.block, verdict.log_index)
        for each in judged
        for verdict in each.verdicts
        if verdict.log_index is not None
    }
    elsewhere = (OutboxRow.batch.is_(None), OutboxRow.block.in_({block for block, _ in places}))
    mistaken: set[int] = set()
    for row in session.scalars(select(OutboxRow).where(*elsewhere, OutboxRow.status.in_(LANDED))):
        if (row.block, row.log_index) in places:
            row.status, row.tx_hash, row.block, row.block_hash, row.log_index = SIGNED, None, None, None, None
            mistaken.add(row.number)
    return mistaken


def _write_elsewhere(row: OutboxRow, log: Log, *, height: int, terms: Terms) -> None:
    row.status = FINAL if log.block + terms.depth <= height else MINED
    row.batch, row.refusal, row.facts = None, None, None
    row.tx_hash, row.block, row.block_hash, row.log_index = (
        log.tx_hash,
        log.block,
        log.block_hash,
        log.log_index,
    )


def _older(session: Session, row: OutboxRow, *, at: tuple[int, int], besides: int | None = None) -> bool:
    """Whether an older item, in another batch than this one, is still on its way, or has landed only after this place:
    a block, and an index in it."""
    query = select(OutboxRow.number).where(OutboxRow.number < row.number).limit(1)
    if besides is not None:
        query = query.where(or_(OutboxRow.batch.is_(None), OutboxRow.batch != besides))
    if session.scalar(query.where(OutboxRow.status.in_((SIGNED, SENT)))) is not None:
        return True
    block, index = at
    carried = select(TransactionRow.batch).where(
        TransactionRow.block >= block, TransactionRow.status.in_(LANDED)
    )
    later = (
        OutboxRow.status.in_(LANDED),
        or_(OutboxRow.batch.in_(carried), OutboxRow.batch.is_(None)),
        or_(OutboxRow.block > block, and_(OutboxRow.block == block, OutboxRow.log_index > index)),
    )
    return session.scalar(query.where(*later)) is not None


def twin(session: Session, row: OutboxRow) -> bool:
    """Whether the same agreement was put in again after this item was refused."""
    other = aliased(OutboxRow)
    query = select(other.number).where(
        other.contract == row.contract,
        other.digest == row.digest,
        other.status.not_in(GONE),
        other.number != row.number,
    )
    return session.scalar(query.limit(1)) is not None


__all__ = [
    "Hash",
    "Judged",
    "Verdict",
    "dispose",
    "judge",
    "mark_transactions",
    "record",
    "refusal_of",
    "twin",
]
