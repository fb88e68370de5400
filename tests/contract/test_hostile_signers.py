"""Signers that judge with hostile code: contract wallets, and verifiers that somebody got listed.

They burn, flood, call back, and change their minds. Whatever they do is their own party's loss: nobody else's
agreement is refused, nothing changes but what was agreed, and nobody pays for it but up to their cap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from ledger.agreements import Admit
from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import batch_calldata, complete_payment_calldata
from tests.contract.paying import disbursing, refuses
from tests.contract.starving import doing, for_want_of_gas, sweep
from tests.contract.verifying import admission, allow, packed_consent, verifier_at
from tests.contract.wallets import BURN, FICKLE, YES, admit_wallet, calling, deploy, loud, reverting
from tests.contract.words import party
from tests.rig import BANK, GAS, LATER, REGISTRAR, WINDOW, YUAN, ZERO, A, B, Rig, Sent, key_of

HOSTILE, NEW = 82, 90
CAP = 500_000
KEY_BYTES = b"a key that nobody looks at"


@dataclass(frozen=True)
class Hostile:
    """The cast with a party whose signer does what its signature says; `gives` makes the consent that says so."""

    rig: Rig
    gives: Callable[[bytes], bytes]


@pytest.fixture(params=["wallet", "verifier"])
def hostile(request: pytest.FixtureRequest, rig: Rig) -> Hostile:
    """Under the highest cap."""
    if request.param == "wallet":
        admit_wallet(rig, HOSTILE, "HostileWallet", cap=CAP)
        return Hostile(rig, bytes)
    allow(rig, "HostileVerifier", cap=CAP)
    signer = bytes.fromhex(verifier_at(rig, "HostileVerifier")[2:]) + KEY_BYTES
    rig.do(admission(HOSTILE, signer), REGISTRAR, BANK, packed_consent(signer, YES))
    return Hostile(rig, lambda order: packed_consent(signer, order))


def among_others(h: Hostile, order: bytes) -> tuple[list[int], list[bytes]]:
    """Three transfers, the one in the middle to the hostile party."""
    vouchers = [h.rig.issued(10_000 * YUAN) for _ in range(3)]
    recipients: tuple[tuple[int, int | bytes], ...] = ((B, B), (HOSTILE, h.gives(order)), (B, B))
    return vouchers, [
        h.rig.call(h.rig.transfer_of(voucher, recipient), A, consent)
        for voucher, (recipient, consent) in zip(vouchers, recipients, strict=True)
    ]


def usual(h: Hostile) -> int:
    """What the three cost when the signer just says yes."""
    outcome = doing(h.rig, Contract.LEDGER, among_others(h, YES)[1])(GAS)
    assert isinstance(outcome, Sent)
    return outcome.gas


def refused(h: Hostile, calls: Sequence[bytes]) -> dict[int, Refusal]:
    return h.rig.refused(h.rig.batch(Contract.LEDGER, calls))


# Burning and flooding


def test_a_cap_below_what_any_check_takes_is_a_bad_signature_and_takes_nobody_down(rig: Rig) -> None:
    """The check breaks off in the registry's own question, before any signer was asked."""
    allow(rig, "HostileVerifier", cap=1)
    signer = bytes.fromhex(verifier_at(rig, "HostileVerifier")[2:]) + KEY_BYTES
    call = rig.call(admission(HOSTILE + 1, signer), REGISTRAR, BANK, packed_consent(signer, YES))
    sent = rig.batch(Contract.REGISTRY, [call])
    assert rig.refused(sent) == {0: Refusal("BadSignature", {"party": HOSTILE + 1})}


@pytest.mark.parametrize("order", [BURN, loud(1_000_000), reverting(1_000_000), reverting(4), loud(0), b""])
def test_a_signer_that_burns_its_cap_or_answers_nonsense_takes_nobody_down(
    hostile: Hostile, order: bytes
) -> None:
    most = usual(hostile) + CAP
    vouchers, calls = among_others(hostile, order)
    sent = hostile.rig.batch(Contract.LEDGER, calls)
    assert hostile.rig.refused(sent) == {1: Refusal("BadSignature", {"party": HOSTILE})}
    assert [hostile.rig.voucher(voucher).holder for voucher in vouchers] == [B, A, B]
    assert sent.gas < most


def test_a_signer_that_burns_its_cap_gets_nobody_else_refused_whatever_the_gas(hostile: Hostile) -> None:
    _, calls = among_others(hostile, BURN)
    for gas, outcome in sweep(doing(hostile.rig, Contract.LEDGER, calls)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(hostile.rig, outcome), (gas, outcome)
        else:
            assert hostile.rig.refused(outcome) == {1: Refusal("BadSignature", {"party": HOSTILE})}, gas


def test_a_long_answer_is_a_yes_whose_length_nobody_pays_for_but_its_cap(hostile: Hostile) -> None:
    least = usual(hostile)
    vouchers, calls = among_others(hostile, loud(100_000))
    sent = hostile.rig.batch(Contract.LEDGER, calls)
    assert hostile.rig.refused(sent) == {}
    assert hostile.rig.voucher(vouchers[1]).holder == HOSTILE
    memory = 3 * 3_125 + 3_125**2 // 512  # what writing 3,125 words costs
    copies = 2 if hostile.gives(b"") else 1  # a verifier's answer is copied once more
    assert sent.gas < least + copies * (memory + 3 * 3_125) + 2_000


# Calling back


@pytest.mark.parametrize("through", ["complete", "batch"])
def test_a_signer_that_calls_back_changes_nothing(hostile: Hostile, through: str) -> None:
    rig = hostile.rig
    prey = disbursing(rig)
    rig.pass_days(WINDOW + 1)
    call = complete_payment_calldata(prey)  # type: ignore[arg-type]
    if through == "batch":
        call = batch_calldata([call], False)
    vouchers, calls = among_others(hostile, calling(rig.ledger, call))
    sent = rig.batch(Contract.LEDGER, calls)
    assert rig.refused(sent) == {}  # its call failed, so it said yes
    assert len(sent.logs) == 3 * 2
    assert rig.voucher(prey).holder == A
    assert rig.voucher(vouchers[1]).holder == HOSTILE
    rig.send(rig.ledger, call)  # from outside the same call does it
    assert rig.voucher(prey).holder != A


def test_a_signer_that_calls_back_into_the_registry_changes_nothing(hostile: Hostile) -> None:
    rig = hostile.rig
    key = key_of(NEW)
    address = key.public_key.to_canonical_address()
    agreement = Admit(NEW, 0, BANK, 0, ZERO, LATER, address)  # type: ignore[arg-type]
    call = rig.call(agreement, REGISTRAR, BANK, key)
    _, calls = among_others(hostile, calling(rig.registry, call))
    assert refused(hostile, calls) == {}
    assert party(rig, NEW).sequence == 0
    rig.send(rig.registry, call)
    assert party(rig, NEW).sequence == 1


@pytest.mark.parametrize("through", ["verb", "batch"])
def test_a_wallet_that_calls_back_while_it_is_itself_admitted_changes_nothing(rig: Rig, through: str) -> None:
    """In the middle of the registry's own verb, whose journal head is then in transient storage only."""
    other = key_of(NEW + 1)
    inner = admission(NEW + 1, other.public_key.to_canonical_address())
    call = rig.call(inner, REGISTRAR, BANK, other)
    if through == "batch":
        call = batch_calldata([call], False)
    wallet = bytes.fromhex(deploy(rig, "HostileWallet")[2:])
    sent = rig.do(admission(NEW, wallet, signature_gas=CAP), REGISTRAR, BANK, calling(rig.registry, call))
    assert len(sent.logs) == 1
    assert (party(rig, NEW).sequence, party(rig, NEW + 1).sequence) == (1, 0)
    rig.send(rig.registry, call)
    assert party(rig, NEW + 1).sequence == 1


# Changing its mind


def test_a_signer_that_says_yes_once_and_then_no_gets_its_second_agreement_refused(hostile: Hostile) -> None:
    rig = hostile.rig
    vouchers = [rig.issued(10_000 * YUAN) for _ in range(2)]
    calls = [rig.call(rig.transfer_of(v, HOSTILE), A, hostile.gives(FICKLE)) for v in vouchers]
    assert refused(hostile, calls) == {1: Refusal("BadSignature", {"party": HOSTILE})}
    assert [rig.voucher(voucher).holder for voucher in vouchers] == [HOSTILE, A]
    rig.do(rig.transfer_of(vouchers[1], HOSTILE), A, hostile.gives(YES))


def test_a_signer_that_says_yes_and_no_to_one_agreement_does_not_agree(hostile: Hostile) -> None:
    """A split whose remainder and part are the same party's is asked twice."""
    rig = hostile.rig
    voucher = rig.issued()
    rig.do(rig.transfer_of(voucher, HOSTILE), A, hostile.gives(YES))
    split = rig.split_of(voucher, (HOSTILE, 1_000 * YUAN))
    with refuses("BadSignature", party=HOSTILE):
        rig.do(split, hostile.gives(FICKLE), hostile.gives(FICKLE))
    rig.do(split, hostile.gives(FICKLE), hostile.gives(YES))


def test_what_a_simulation_said_yes_to_is_judged_again_when_it_lands(hostile: Hostile) -> None:
    rig = hostile.rig
    first, second = (rig.issued(10_000 * YUAN) for _ in range(2))
    call = rig.call(rig.transfer_of(second, HOSTILE), A, hostile.gives(FICKLE))
    assert isinstance(doing(rig, Contract.LEDGER, [call])(GAS), Sent)
    ahead = rig.call(rig.transfer_of(first, HOSTILE), A, hostile.gives(FICKLE))
    assert refused(hostile, [ahead, call]) == {1: Refusal("BadSignature", {"party": HOSTILE})}
