"""The outbox: signed agreements go in, and what became of each can be asked.

    queue, queue_unsigned   put a call in, in a unit of work of their own
    put, put_unsigned       the same in the caller's: so the call is there if, and only if, the change is that made it
    outcome                 what became of an item

An item names its contract, the registry or one of the ledgers, and is identified by its agreement's digest, so that
putting it in again after a crash does no harm. Here is worked out, once, what the relay has to know of it. No chain
here, and no decision; who signed is for the contract to find out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload

from ledger.agreements import Agreement, Issue, PartyNumber, VoucherId, from_json, to_json
from ledger.chain import Address, Hash
from ledger.columns import bytes_of, hex_of
from ledger.errors import InputError, Refusal
from ledger.gas import bare_floor, key_of
from ledger.landing import event_of, subject_of
from ledger.members import Contract, parse_voucher, voucher_text
from ledger.outbox_tables import CallRow, OutboxRow
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

SIGNED, SENT, MINED, FINAL, REFUSED = "signed", "sent", "mined", "final", "refused"
UNKNOWN, WITHDRAWN = "unknown", "withdrawn"
LANDED: Final = (MINED, FINAL)
GONE: Final = (REFUSED, WITHDRAWN)
"""What an item is that does not keep its agreement from being put in again."""
WITH_CALL: Final = joinedload(OutboxRow.call)
"""For who reads items with what was signed: both rows at once."""
_Unsigned = tuple[Callable[[VoucherId], Unsigned], Callable[[VoucherId], bytes]]
_UNSIGNED: Final[Mapping[str, _Unsigned]] = MappingProxyType(
    {
        "completePayment": (CompletePayment, complete_payment_calldata),
        "declareOverdue": (DeclareOverdue, declare_overdue_calldata),
    }
)


_Values = dict[str, Any]
"""Columns of an item by their names."""
_PUT: Final = MappingProxyType(
    {
        name: insert(OutboxRow.__table__).on_conflict_do_nothing().returning(OutboxRow.number)  # type: ignore[arg-type]
        for name, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
    }
)
"""Puts an item in that is not there; of two processes that do so at once, one does."""
_PUT_CALL: Final = insert(CallRow.__table__)  # type: ignore[arg-type]
_PUT_HERE: Final = "tallystick_put"
"""Where a session's `info` has the items that it has put in."""


def machine_clock() -> int:
    """Unix seconds, as the machine has them."""
    return int(time.time())


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
    clock: Callable[[], int] = machine_clock,
) -> int:
    """Puts an agreement with its consents in and gives its number; one that is there, and neither refused nor
    withdrawn, keeps its. `pin`: of the ledger that it is for.

    `signers`: who gave the consents, in their order; known, it saves gas where contract wallets sign, and these
    have a budget (see `relay_terms`). InputError for a ledger that the database does not have, or a wrong use of
    `issued` (see `signing.calldata`).
    """
    with store.writing() as session:
        _require_pinned(session, pin)
        return put(session, agreement, consents, pin=pin, issued=issued, signers=signers, at=clock())


def put(
    session: Session,
    agreement: Agreement,
    consents: Sequence[bytes],
    *,
    pin: Pin,
    at: int,
    issued: Issue | None = None,
    signers: Sequence[PartyNumber] | None = None,
) -> int:
    """As `queue`, at this Unix second in the caller's unit of work, a `Store.writing()`. `pin`: one of those that the
    database itself has given."""
    contract = pin.registry if agreement.contract is Contract.REGISTRY else pin.ledger
    call = calldata(agreement, consents, issued=issued)
    row: _Values = {
        "contract": contract,
        "digest": digest(agreement, Domain(agreement.contract, pin.chain_id, contract)),
        "verb": agreement.verb(),
        "signers": None if signers is None else list(signers),
    }
    signed: _Values = {
        "agreement": to_json(agreement),
        "issued": None if issued is None else to_json(issued),
        "consents": [hex_of(consent) for consent in consents],
        "calldata": hex_of(call),
    }
    return _put(session, row, signed, agreement, at=at)


def queue_unsigned(
    store: Store, verb: Unsigned, *, sequence: int, pin: Pin, clock: Callable[[], int] = machine_clock
) -> int:
    """Puts in a verb that nobody signs: that a payment be completed by silence, or a voucher declared overdue.

    `sequence`: the voucher's present one. `pin`: of its ledger.
    """
    with store.writing() as session:
        _require_pinned(session, pin)
        return put_unsigned(session, verb, sequence=sequence, pin=pin, at=clock())


def put_unsigned(session: Session, verb: Unsigned, *, sequence: int, pin: Pin, at: int) -> int:
    """As `queue_unsigned`, in the caller's unit of work."""
    name = next(name for name, (kind, _) in _UNSIGNED.items() if kind is type(verb))
    call = _UNSIGNED[name][1](verb.voucher)
    row: _Values = {
        "contract": pin.ledger,
        "digest": unsigned_digest(verb, sequence=sequence),
        "verb": name,
        "signers": [],
    }
    said: _Values = {
        "agreement": {
            "agreement": type(verb).__name__,
            "voucher": voucher_text(verb.voucher),
            "sequence": sequence,
        },
        "issued": None,
        "consents": [],
        "calldata": hex_of(call),
    }
    return _put(session, row, said, verb, at=at)


def _require_pinned(session: Session, pin: Pin) -> None:
    if pin_for(session, pin.ledger) != pin:
        raise InputError(f"ledger {pin.ledger} is pinned with other facts: use the database's own pin")


def unsigned_digest(verb: Unsigned, *, sequence: int) -> bytes:
    """By what the item of a verb that nobody signs is known, at this sequence of its voucher."""
    write = next(write for kind, write in _UNSIGNED.values() if kind is type(verb))
    return keccak(write(verb.voucher) + sequence.to_bytes(32, "big"))


def _put(session: Session, row: _Values, signed: _Values, agreement: Agreement | Unsigned, *, at: int) -> int:
    known = _known(agreement, row["digest"], signed["consents"], signed["calldata"])
    values = {**row, **known, "queued_at": at, "status": SIGNED, "attempts": 0}
    put_in = _PUT[session.get_bind().dialect.name]
    number = session.execute(put_in, values).scalar()  # nothing where it is there already
    if number is None:
        return _present(session, row["contract"], row["digest"])
    session.execute(_PUT_CALL, {"number": number, **signed})
    put_here(session).add(int(number))
    return int(number)


def put_here(session: Session) -> set[int]:
    """The items that this unit of work has put in: nobody else sees them before it is committed, and nothing has become
    of them."""
    found: set[int] = session.info.setdefault(_PUT_HERE, set())
    return found


def _present(session: Session, contract: str, agreed: bytes) -> int:
    return session.scalars(
        select(OutboxRow.number).where(
            OutboxRow.contract == contract, OutboxRow.digest == agreed, OutboxRow.status.not_in(GONE)
        )
    ).one()


def _known(agreement: Agreement | Unsigned, agreed: bytes, consents: Sequence[str], call: str) -> _Values:
    """The columns that say what the relay has to know."""
    root = VoucherId(int.from_bytes(agreed[-20:]) << 96) if isinstance(agreement, Issue) else None
    subject = subject_of(agreement, root)
    has_sequence = isinstance(agreement, Agreement) and hasattr(agreement, "voucher")
    return {
        "keys": [key_of(bytes_of(consent)) for consent in consents],
        "floor": bare_floor(agreement, bytes_of(call)),
        "event": event_of(agreement).__name__,
        "subject": None if subject is None else subject.to_bytes(32),
        "sequence": getattr(agreement, "sequence", None) if has_sequence else None,
        "deadline": getattr(agreement, "deadline", None),
    }


def outcome(store: Store, number: int, *, mined: bool = False) -> Relayed | None:
    """What became of an item; None while it has not ended. `mined`: an item that has landed counts, though it is not
    final. InputError for an unknown number."""
    wanted = (FINAL, REFUSED, MINED) if mined else (FINAL, REFUSED)
    with store.reading() as session:
        row = session.get(OutboxRow, number)
        if row is None:
            raise InputError(f"there is no item {number} in the outbox")
        return relayed(row) if row.status in wanted else None


def relayed(row: OutboxRow) -> Relayed:
    """What the row of a landed or refused item says."""
    return Relayed(
        number=row.number,
        verb=row.verb,
        refusal=None if row.status != REFUSED else Refusal(str(row.refusal), row.facts),
        tx_hash=None if row.tx_hash is None else Hash(row.tx_hash),
        block=row.block or 0,
    )


# For the relay


@dataclass(frozen=True, slots=True)
class Item:
    """An outbox row, read again as an agreement. `sequence`: the one that a verb that nobody signs is meant for."""

    number: int
    verb: str
    contract: Address
    call: bytes
    agreement: Agreement | Unsigned
    root: VoucherId | None
    sequence: int


def items_of(session: Session, *wanted: ColumnElement[bool]) -> list[Item]:
    """The items of all contracts that answer to all conditions, in their order."""
    chain_id = next((pin.chain_id for pin in pins(session)), 0)
    query = select(OutboxRow).options(WITH_CALL).where(*wanted).order_by(OutboxRow.number)
    return [_item(row, chain_id) for row in session.scalars(query)]


def fill_in(store: Store) -> None:
    """Works out what rows of an older version do not say."""
    with store.reading() as session:
        old = (OutboxRow.status.in_((SIGNED, SENT)), OutboxRow.floor.is_(None))
        rows = session.scalars(select(OutboxRow).options(WITH_CALL).where(*old))
        found = [{"number": row.number, **_known_of(row)} for row in rows]
    if found:
        with store.writing() as session:
            session.execute(update(OutboxRow), found)


def _known_of(row: OutboxRow) -> _Values:
    return _known(_agreement(row, 0)[0], row.digest, row.call.consents, row.call.calldata)


def _item(row: OutboxRow, chain_id: int) -> Item:
    agreement, root, sequence = _agreement(row, chain_id)
    return Item(
        number=row.number,
        verb=row.verb,
        contract=to_checksum_address(row.contract),
        call=bytes_of(row.call.calldata),
        agreement=agreement,
        root=root,
        sequence=sequence,
    )


def _agreement(row: OutboxRow, chain_id: int) -> tuple[Agreement | Unsigned, VoucherId | None, int]:
    if row.verb in _UNSIGNED:
        voucher = parse_voucher(str(row.call.agreement["voucher"]))
        return _UNSIGNED[row.verb][0](voucher), None, int(row.call.agreement["sequence"])
    agreement = from_json(row.call.agreement)
    if isinstance(agreement, Issue) and chain_id:
        return agreement, root_id(agreement, Domain(Contract.LEDGER, chain_id, row.contract)), 0
    return agreement, None, 0
