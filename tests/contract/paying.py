"""Agreements around a sale, a payment and a stop, faultless unless a test changes a member, and lives that begin so.

And `refuses`, with which a test says what it expects the contract to refuse. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import (
    AssertPayment,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    Discount,
    FinishRekey,
    Freeze,
    ProposeRekey,
    Purpose,
    Reinstate,
    Rescind,
    Revoke,
    Suspend,
    Unfreeze,
    WithdrawPayment,
)
from ledger.errors import Refusal
from ledger.events import OUTSIDE_JOURNAL, Event, decode
from ledger.world import Lock
from tests.contract import words
from tests.rig import BANK, FACTOR, LATER, REGISTRAR, ZERO, Rig, Sent, key_of

QUOTE = b"\x71" * 32
REFERENCE = b"\x72" * 32
ORDER = b"\x73" * 32
_SHOWN = keccak(text="Transfer(address,address,uint256)")


@contextmanager
def refuses(name: str, **facts: object) -> Iterator[None]:
    """What is tried inside is refused with this error and exactly these facts. `from` is no keyword: write `from_`."""
    with pytest.raises(Refusal) as said:
        yield
    assert said.value == Refusal(name, {key.rstrip("_"): value for key, value in facts.items()})


# Sale


def discount_of(rig: Rig, voucher: int, *, funder: int = FACTOR, **terms: Any) -> Discount:
    values = {"sequence": rig.voucher(voucher).sequence, "pay_by": rig.today + 3, "deadline": LATER} | terms
    return Discount(voucher=voucher, funder=funder, quote=QUOTE, **values)  # type: ignore[arg-type]


def discounted(rig: Rig, *, funder: int = FACTOR, **terms: Any) -> int:
    """A voucher of 1,000,000.00, held by A, due in 120 days, sold to the funder subject to disbursement in 3 days."""
    voucher = rig.issued()
    sell(rig, voucher, funder=funder, **terms)
    return voucher


def sell(rig: Rig, voucher: int, *, funder: int = FACTOR, **terms: Any) -> Sent:
    return rig.do(discount_of(rig, voucher, funder=funder, **terms), rig.voucher(voucher).holder, funder)


def rescind_of(rig: Rig, voucher: int, by: int) -> Rescind:
    return Rescind(voucher, rig.voucher(voucher).sequence, by, LATER)  # type: ignore[arg-type]


# Payment


def disbursement_of(rig: Rig, voucher: int, **terms: Any) -> AssertPayment:
    return _assertion(rig, voucher, Purpose.DISBURSEMENT, {"amount": 0} | terms)


def settlement_of(rig: Rig, voucher: int, **terms: Any) -> AssertPayment:
    return _assertion(rig, voucher, Purpose.SETTLEMENT, {"amount": rig.voucher(voucher).face} | terms)


def _assertion(rig: Rig, voucher: int, purpose: Purpose, terms: dict[str, Any]) -> AssertPayment:
    now = rig.voucher(voucher)
    values = {
        "sequence": now.sequence,
        "payee": now.holder,
        "value_day": rig.today,
        "payment_reference": REFERENCE,
        "deadline": LATER,
    } | terms
    return AssertPayment(voucher=voucher, purpose=purpose, **values)  # type: ignore[arg-type]


def confirm_of(rig: Rig, voucher: int) -> ConfirmPayment:
    return ConfirmPayment(voucher, rig.voucher(voucher).sequence, LATER)  # type: ignore[arg-type]


def contest_of(rig: Rig, voucher: int, by: int) -> ContestPayment:
    return ContestPayment(voucher, rig.voucher(voucher).sequence, by, ZERO, LATER)  # type: ignore[arg-type]


def withdraw_of(rig: Rig, voucher: int) -> WithdrawPayment:
    return WithdrawPayment(voucher, rig.voucher(voucher).sequence, LATER)  # type: ignore[arg-type]


def disbursing(rig: Rig) -> int:
    """A voucher whose disbursement the factor has asserted today, alone."""
    voucher = discounted(rig)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    return voucher


def settling(rig: Rig) -> int:
    """A voucher whose settlement the bank asserts alone, today, its due day."""
    voucher = rig.issued(due_day=rig.today + 60)
    rig.pass_days(60)
    rig.do(settlement_of(rig, voucher), BANK)
    return voucher


# Stops


def freeze_of(rig: Rig, voucher: int, *, days: int = 30, order: bytes = ORDER) -> Freeze:
    return Freeze(voucher, order, rig.today + days, LATER)  # type: ignore[arg-type]


def freeze(rig: Rig, voucher: int, *, days: int = 30, order: bytes = ORDER) -> Sent:
    return rig.do(freeze_of(rig, voucher, days=days, order=order), REGISTRAR)


def unfreeze_of(rig: Rig, voucher: int, *, order: bytes = ZERO) -> Unfreeze:
    return Unfreeze(voucher, order, LATER)  # type: ignore[arg-type]


def cancel_of(rig: Rig, voucher: int) -> Cancel:
    return Cancel(voucher, rig.voucher(voucher).sequence, LATER)  # type: ignore[arg-type]


def cancel_whole_of(rig: Rig, voucher: int) -> CancelWhole:
    return CancelWhole(voucher, rig.voucher(voucher).sequence, LATER)  # type: ignore[arg-type]


def revoke_of(rig: Rig, voucher: int) -> Revoke:
    return Revoke(voucher, rig.voucher(voucher).sequence, LATER)  # type: ignore[arg-type]


# Parties


def suspend(rig: Rig, party: int) -> None:
    rig.do(Suspend(party, words.party(rig, party).sequence, ZERO, LATER), REGISTRAR)  # type: ignore[arg-type]


def reinstate(rig: Rig, party: int) -> None:
    rig.do(Reinstate(party, words.party(rig, party).sequence, ZERO, LATER), REGISTRAR)  # type: ignore[arg-type]


def start_recovery(rig: Rig, party: int, *, sponsor: int = BANK) -> None:
    """Registrar and sponsor propose the party's second key; until the end its first one signs for payments."""
    key = key_of(party, 1)
    new = key.public_key.to_canonical_address()
    agreement = ProposeRekey(party, words.party(rig, party).sequence, 0, LATER, new)  # type: ignore[arg-type]
    rig.do(agreement, REGISTRAR, sponsor, key)


def finish_recovery(rig: Rig, party: int) -> None:
    rig.do(FinishRekey(party, words.party(rig, party).sequence, 0, LATER))  # type: ignore[arg-type]
    rig.keys[party] = key_of(party, 1)


# What a test looks at afterwards


def happened(sent: Sent) -> list[Event]:
    """The events of the journal, in order."""
    return [decode(topics, data) for _, topics, data in sent.logs if topics[0] not in OUTSIDE_JOURNAL]


def shown(rig: Rig, sent: Sent) -> list[tuple[int, int, int]]:
    """What explorers see: from, to (parties; 0: nobody) and voucher of each ERC-721-shaped event."""
    prefix = int.from_bytes(b"Tallystick party", "big") << 32
    seen = []
    for at, topics, data in sent.logs:
        if topics[0] == _SHOWN:
            assert (at, data) == (rig.ledger, b"")
            source, target, voucher = (int.from_bytes(topic, "big") for topic in topics[1:])
            seen.append((source and source - prefix, target and target - prefix, voucher))
    return seen


@dataclass(frozen=True, slots=True)
class PaymentWord:
    """State.sol's payment word, unpacked; all 0 where nothing is asserted."""

    amount: int
    payee: int
    asserted_on: int
    contested_on: int
    purpose: int

    @classmethod
    def read(cls, rig: Rig, voucher: int) -> PaymentWord:
        word = rig.word("paymentOf", voucher)
        fields = ((0, 64), (64, 32), (96, 24), (120, 24), (144, 8))
        return cls(*(word >> start & (2**bits - 1) for start, bits in fields))


NOTHING_ASSERTED = PaymentWord(0, 0, 0, 0, 0)


def locks(rig: Rig, voucher: int) -> Lock:
    return Lock(rig.voucher(voucher).locks)
