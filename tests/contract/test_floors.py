"""What the relay gives an agreement is enough for it, of whatever verb and with whatever kind of signer."""

from __future__ import annotations

import pytest

from ledger.agreements import Agreement
from ledger.gas import TRANSACTION, batch_gas, item_gas
from ledger.members import Contract
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.signing import complete_payment_calldata, declare_overdue_calldata
from tests.contract.paying import settling
from tests.contract.ready import READY
from tests.contract.verifying import (
    CAP,
    KEYS,
    KINDS,
    Key,
    P256Key,
    Passkey,
    RsaKey,
    admission,
    admit,
    allow,
    held,
)
from tests.rig import BANK, GRACE, REGISTRAR, WINDOW, YUAN, B, Rig

NEW, OTHER = 77, 78
OTHER_KEYS: tuple[Key, ...] = (P256Key(2), Passkey(2), RsaKey(2))


def intrinsic(call: bytes) -> int:
    """What a transaction pays before the contract is called; revm is given gas without it."""
    return TRANSACTION + 16 * len(call) - 12 * call.count(0)


def lands(
    rig: Rig, contract: Contract, items: list[tuple[Agreement | Unsigned, bytes]], *, caps: int = 0
) -> None:
    """All of them do in one batch with what the relay gives it, and they use no more than their floors."""
    calls = [call for _, call in items]
    floors = [item_gas(agreement, call, signature_gas=caps) for agreement, call in items]
    gas = batch_gas(floors) - intrinsic(b"".join(calls))
    sent = rig.batch(contract, calls, whole=True, gas=gas)
    assert rig.refused(sent) == {}
    assert sent.gas <= sum(floors)


@pytest.mark.parametrize("verb", READY)
def test_every_verb_lands_with_its_floor(rig: Rig, verb: str) -> None:
    ready = READY[verb](rig)
    call = rig.call(ready.agreement, *ready.signers, issued=ready.issued)
    lands(rig, ready.agreement.contract, [(ready.agreement, call)])


def test_the_two_verbs_without_an_agreement_land_with_their_floor(rig: Rig) -> None:
    voucher = settling(rig)
    rig.pass_days(WINDOW + 1)
    lands(rig, Contract.LEDGER, [(CompletePayment(voucher), complete_payment_calldata(voucher))])  # type: ignore[arg-type]
    unpaid = rig.issued(due_day=rig.today + 1)
    rig.pass_days(1 + GRACE + 1)
    lands(rig, Contract.LEDGER, [(DeclareOverdue(unpaid), declare_overdue_calldata(unpaid))])  # type: ignore[arg-type]


@pytest.mark.parametrize(("key", "other"), list(zip(KEYS, OTHER_KEYS, strict=True)), ids=KINDS)
def test_a_verifier_s_key_is_admitted_and_moves_vouchers_within_floor_and_cap(
    rig: Rig, key: Key, other: Key
) -> None:
    allow(rig, key.verifier)
    signer = held(rig, key)
    agreement = admission(NEW, signer.signer)
    call = rig.call(agreement, REGISTRAR, BANK, signer)
    lands(rig, Contract.REGISTRY, [(agreement, call)], caps=CAP)
    rig.signers[NEW] = signer
    admit(rig, OTHER, other)
    for recipient, caps in ((OTHER, 2 * CAP), (B, CAP)):
        moves = [rig.transfer_of(rig.issued(1_000 * YUAN, supplier=NEW), recipient) for _ in range(10)]
        lands(
            rig,
            Contract.LEDGER,
            [(move, rig.call(move, NEW, recipient)) for move in moves],
            caps=caps,
        )
