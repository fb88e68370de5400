"""The outbox's rows: what was put in, and what is recorded of it.

    queue, queue_unsigned   put a call in; the same agreement is there once, unless it was refused
    outcome                 what became of an item
    items_of, record        for the relay: items out of rows, verdicts into rows

An item names its contract, the registry or one of the ledgers, and is identified by its agreement's digest, so
that putting it in again after a crash does no harm. No chain here, and no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ledger.agreements import Agreement, Issue, PartyNumber, VoucherId, from_json, to_json
from ledger.chain import Address, Hash, Log
from ledger.errors import InputError, Refusal
from ledger.members import Contract, parse_voucher, voucher_text
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.pin import Pin
from ledger.signing import (
    Domain,
    calldata,
    complete_payment_calldata,
    declare_overdue_calldata,
    digest,
    root_id,
)
from ledger.store import Store, pin_for, pins
from ledger.tables import OutboxRow, bytes_of, hex_of

FINAL: Final = ("done", "refused")
_Unsigned = tuple[Callable[[VoucherId], Unsigned], Callable[[VoucherId], bytes]]
_UNSIGNED: Final[Mapping[str, _Unsigned]] = MappingProxyType(
    {
        "completePayment": (CompletePayment, complete_payment_calldata),
        "declareOverdue": (DeclareOverdue, declare_overdue_calldata),
    }
)


@dataclass(frozen=True, slots=True)
class Relayed:
    """What became of one item. `refusal` None: done, by `tx_hash` in `block`."""

    number: int
    verb: str
    refusal: Refusal | None
    tx_hash: Hash | None
    block: int


def queue(
    store: Store,
    agreement: Agreement,
    consents: Sequence[bytes],
    *,
    pin: Pin,
    issued: Issue | None = None,
    signers: Sequence[PartyNumber] | None = None,
) -> int:
    """Puts an agreement with its consents in and gives its number; one that is there and not refused keeps
    its. `pin`: of the ledger that it is for.

    `signers`: who gave the consents, in their order; known, it saves gas where contract wallets sign.
    InputError for a ledger that the database does not have, or a wrong use of `issued` (see
    `signing.calldata`).
    """
    contract = pin.registry if agreement.contract is Contract.REGISTRY else pin.ledger
    row = OutboxRow(
        contract=contract,
        digest=digest(agreement, Domain(agreement.contract, pin.chain_id, contract)),
        verb=agreement.verb(),
        agreement=to_json(agreement),
        issued=None if issued is None else to_json(issued),
        consents=[hex_of(consent) for consent in consents],
        signers=None if signers is None else list(signers),
        calldata=hex_of(calldata(agreement, consents, issued=issued)),
        status="queued",
    )
    return _put(store, row, pin)


def queue_unsigned(store: Store, verb: Unsigned, *, sequence: int, pin: Pin) -> int:
    """Puts in a verb that nobody signs: that a payment be completed by silence, or a voucher declared overdue.

    `sequence`: the voucher's present one. `pin`: of its ledger.
    """
    name = next(name for name, (kind, _) in _UNSIGNED.items() if kind is type(verb))
    call = _UNSIGNED[name][1](verb.voucher)
    row = OutboxRow(
        contract=pin.ledger,
        digest=keccak(call + sequence.to_bytes(32, "big")),
        verb=name,
        agreement={
            "agreement": type(verb).__name__,
            "voucher": voucher_text(verb.voucher),
            "sequence": sequence,
        },
        issued=None,
        consents=[],
        signers=[],
        calldata=hex_of(call),
        status="queued",
    )
    return _put(store, row, pin)


def _put(store: Store, row: OutboxRow, pin: Pin) -> int:
    with store.writing() as session:
        if pin_for(session, pin.ledger) != pin:
            raise InputError(f"ledger {pin.ledger} is pinned with other facts: use the database's own pin")
        present = session.scalar(
            select(OutboxRow.number).where(
                OutboxRow.contract == row.contract,
                OutboxRow.digest == row.digest,
                OutboxRow.status != "refused",
            )
        )
        if present is not None:
            return present
        session.add(row)
        session.flush()
        return row.number


def outcome(store: Store, number: int) -> Relayed | None:
    """What became of an item; None while it is queued or sent. InputError for an unknown number."""
    with store.reading() as session:
        row = session.get(OutboxRow, number)
        if row is None:
            raise InputError(f"there is no item {number} in the outbox")
        return _relayed(row) if row.status in FINAL else None


# For the relay


@dataclass(frozen=True, slots=True)
class Item:
    """An outbox row at work. `sequence`: the one that a verb that nobody signs is meant for."""

    number: int
    contract: Address
    call: bytes
    place: int | None
    tx_hash: Hash | None
    signers: tuple[int, ...] | None
    consents: tuple[bytes, ...]
    agreement: Agreement | Unsigned
    root: VoucherId | None
    sequence: int
    block: int | None
    block_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be recorded of an item: where it landed, or why it was refused, else it is queued again."""

    item: Item
    landed: Log | None = None
    refusal: Refusal | None = None
    block: int = 0
    block_hash: Hash | None = None
    tx_hash: Hash | None = None


def items_of(session: Session, *wanted: ColumnElement[bool], limit: int | None = None) -> list[Item]:
    """The items of all contracts that answer to all conditions, in their order."""
    chain_id = next((pin.chain_id for pin in pins(session)), 0)
    query = select(OutboxRow).where(*wanted).order_by(OutboxRow.number).limit(limit)
    return [_item(row, chain_id) for row in session.scalars(query)]


def record(store: Store, verdicts: Sequence[Verdict]) -> list[Relayed]:
    """Writes all verdicts in one commit; gives those that are final."""
    with store.writing() as session:
        rows = [(session.get_one(OutboxRow, verdict.item.number), verdict) for verdict in verdicts]
        for row, verdict in rows:
            _write(session, row, verdict)
        session.flush()
        return [_relayed(row) for row, _ in rows if row.status in FINAL]


def mark_sent(store: Store, batch: Sequence[Item], *, tx_hash: Hash | None) -> None:
    """Writes down that a batch is about to be sent, or, with its hash, that it was."""
    with store.writing() as session:
        for place, item in enumerate(batch):
            row = session.get_one(OutboxRow, item.number)
            row.status, row.place, row.tx_hash = "sent", place, tx_hash


def _item(row: OutboxRow, chain_id: int) -> Item:
    agreement, root, sequence = _agreement(row, chain_id)
    return Item(
        number=row.number,
        contract=to_checksum_address(row.contract),
        call=bytes_of(row.calldata),
        place=row.place,
        tx_hash=None if row.tx_hash is None else Hash(row.tx_hash),
        signers=None if row.signers is None else tuple(row.signers),
        consents=tuple(bytes_of(consent) for consent in row.consents),
        agreement=agreement,
        root=root,
        sequence=sequence,
        block=row.block,
        block_hash=row.block_hash,
    )


def _agreement(row: OutboxRow, chain_id: int) -> tuple[Agreement | Unsigned, VoucherId | None, int]:
    if row.verb in _UNSIGNED:
        voucher = parse_voucher(str(row.agreement["voucher"]))
        return _UNSIGNED[row.verb][0](voucher), None, int(row.agreement["sequence"])
    agreement = from_json(row.agreement)
    if isinstance(agreement, Issue):
        return agreement, root_id(agreement, Domain(Contract.LEDGER, chain_id, row.contract)), 0
    return agreement, None, 0


def _write(session: Session, row: OutboxRow, verdict: Verdict) -> None:
    row.place = row.tx_hash = row.block = row.block_hash = row.log_index = row.refusal = row.facts = None
    if verdict.landed is not None:
        log = verdict.landed
        row.status, row.tx_hash, row.log_index = "done", log.tx_hash, log.log_index
        row.block, row.block_hash = log.block, log.block_hash
        return
    if verdict.refusal is not None:
        row.status, row.tx_hash = "refused", verdict.tx_hash
        row.block, row.block_hash = verdict.block, verdict.block_hash
        row.refusal, row.facts = verdict.refusal.name, verdict.refusal.facts
        return
    again = select(OutboxRow.number).where(
        OutboxRow.contract == row.contract,
        OutboxRow.digest == row.digest,
        OutboxRow.status != "refused",
        OutboxRow.number != row.number,
    )
    if row.status != "refused" or session.scalar(again) is None:
        row.status = "queued"


def _relayed(row: OutboxRow) -> Relayed:
    return Relayed(
        number=row.number,
        verb=row.verb,
        refusal=None if row.refusal is None else Refusal(row.refusal, row.facts),
        tx_hash=None if row.tx_hash is None else Hash(row.tx_hash),
        block=row.block or 0,
    )
