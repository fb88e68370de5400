"""Gas as a weapon: who submits can give too little. What a signer's code can do is in `test_hostile_signers.py`.

A good agreement must never be recorded as refused for want of gas: a batch is done as it would be with plenty, or
the whole call reverts. Gas limits here are those of the call itself, without what a transaction pays to begin.
"""

from __future__ import annotations

import pytest

from ledger.agreements import Admit
from ledger.errors import Refusal
from ledger.members import Contract
from tests.contract.paying import settlement_of
from tests.contract.starving import STEP, Do, doing, for_want_of_gas, sweep
from tests.contract.verifying import (
    KEYS,
    KINDS,
    NOTICE,
    Held,
    Key,
    P256Key,
    admission,
    admit,
    another,
    held,
    list_verifier,
    verifier_at,
)
from tests.contract.wallets import YES, admit_wallet, deploy
from tests.rig import BANK, GAS, ISSUER, LATER, REGISTRAR, YUAN, ZERO, A, B, C, Rig, Sent

SLOW, KEYED, NEW = 81, 85, 90


@pytest.fixture
def slow(rig: Rig) -> Rig:
    """With a party whose wallet is allowed 200,000 gas, burns 150,000 and says yes; given less it would say no."""
    admit_wallet(rig, SLOW, "SlowWallet", 150_000, cap=200_000)
    return rig


def life(rig: Rig) -> list[bytes]:
    """Four good agreements; the second and the fourth need the slow wallet's consent."""
    first, second, third = (rig.issued(10_000 * YUAN) for _ in range(3))
    rig.do(rig.transfer_of(third, SLOW), A, YES)
    return [
        rig.call(rig.transfer_of(first, B), A, B),
        rig.call(rig.transfer_of(second, SLOW), A, YES),
        rig.call(rig.issue_of(10_000 * YUAN), ISSUER, A),
        rig.call(settlement_of(rig, third), BANK, YES),
    ]


# Starved by who submits


@pytest.mark.parametrize("whole", [False, True])
def test_no_gas_limit_gets_a_good_agreement_recorded_as_refused(slow: Rig, whole: bool) -> None:
    outcomes = set()
    for gas, outcome in sweep(doing(slow, Contract.LEDGER, life(slow), whole=whole)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(slow, outcome), (gas, outcome)
        else:
            assert slow.refused(outcome) == {}, gas
            assert len(outcome.logs) == 2 + 2 + 3 + 2  # each with its Transfer, the issue with its invoice
        outcomes.add(outcome.name if isinstance(outcome, Refusal) else "done")
    assert outcomes >= {"GasTooLow", "BatchStopped", "done"}


def test_not_even_a_costly_last_one_whose_64th_part_would_be_enough_to_record_it(rig: Rig) -> None:
    """A split among 20 that runs dry leaves the batch what it takes to emit Refused and to store the head."""
    first, second = rig.issued(10_000 * YUAN), rig.issued()
    split = rig.split_of(second, *((B, 1_000 * YUAN) for _ in range(20)))
    items = [rig.call(rig.transfer_of(first, B), A, B), rig.call(split, A, *[B] * 20)]
    stopped = 0
    for gas, outcome in sweep(doing(rig, Contract.LEDGER, items)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(rig, outcome), (gas, outcome)
            stopped += outcome == Refusal("BatchStopped", {"index": 1, "reason": "0x"})
        else:
            assert rig.refused(outcome) == {}, gas
    assert stopped > 100


@pytest.mark.parametrize("place", [0, 2, 4])
def test_with_a_bad_agreement_among_them_exactly_that_one_is_refused_or_nothing_happens(
    slow: Rig, place: int
) -> None:
    items = life(slow)
    items.insert(place, slow.call(slow.transfer_of(slow.issued(10_000 * YUAN), B), A, C))
    for gas, outcome in sweep(doing(slow, Contract.LEDGER, items)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(slow, outcome), (gas, outcome)
        else:
            assert slow.refused(outcome) == {place: Refusal("BadSignature", {"party": B})}, gas


@pytest.mark.parametrize("cap", [160_000, 500_000])
def test_a_new_wallet_s_proof_is_not_starved_either(rig: Rig, cap: int) -> None:
    wallet = deploy(rig, "SlowWallet", cap * 9 // 10)
    agreement = Admit(SLOW, 0, BANK, cap, ZERO, LATER, bytes.fromhex(wallet[2:]))  # type: ignore[arg-type]
    items = [rig.call(agreement, REGISTRAR, BANK, YES)]
    for gas, outcome in sweep(doing(rig, Contract.REGISTRY, items)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(rig, outcome), (gas, outcome)
        else:
            assert rig.refused(outcome) == {}, gas


def test_not_even_a_wallet_that_needs_its_cap_to_the_last_unit_is_starved(rig: Rig) -> None:
    wallet = bytes.fromhex(deploy(rig, "SlowWallet", 150_000)[2:])

    def admitting(cap: int) -> Do:
        agreement = Admit(SLOW, 0, BANK, cap, ZERO, LATER, wallet)  # type: ignore[arg-type]
        return doing(rig, Contract.REGISTRY, [rig.call(agreement, REGISTRAR, BANK, YES)], whole=True)

    low, high = 150_000, 200_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if isinstance(admitting(middle)(GAS), Sent) else (middle, high)
    for gas, outcome in sweep(admitting(high)):
        assert isinstance(outcome, Sent) or for_want_of_gas(rig, outcome), (gas, outcome)


def test_alone_an_agreement_that_is_given_too_little_reverts_and_lands_later(slow: Rig) -> None:
    voucher = slow.issued()
    data = slow.call(slow.transfer_of(voucher, SLOW), A, YES)
    with pytest.raises(Refusal) as said:
        slow.send(slow.ledger, data, gas=150_000)
    assert said.value.name == "GasTooLow"
    assert said.value.facts["needed"] == 200_000
    slow.send(slow.ledger, data)
    assert slow.voucher(voucher).holder == SLOW


# Keys that a verifier judges; without P-256 on the chain they need hundreds of thousands


@pytest.fixture
def keyed(rig: Rig) -> Rig:
    """With a party for every kind of key, each verifier under a cap that leaves it little to spare."""
    for key, cap in zip(KEYS, (300_000, 320_000, 70_000), strict=True):
        list_verifier(rig, verifier_at(rig, key.verifier), signature_gas=cap)
    rig.pass_days(NOTICE)
    for number, key in enumerate(KEYS, start=KEYED):
        admit(rig, number, key)
    return rig


def keyed_life(rig: Rig) -> list[bytes]:
    """Four good agreements: one without such a key, two with one, and one with two of them."""
    vouchers = [rig.issued(10_000 * YUAN) for _ in range(4)]
    rig.transfer(vouchers[3], KEYED)
    return [
        rig.call(rig.transfer_of(vouchers[0], B), A, B),
        *(rig.call(rig.transfer_of(vouchers[1 + n // 2], KEYED + n), A, KEYED + n) for n in (0, 2)),
        rig.call(rig.transfer_of(vouchers[3], KEYED + 1), KEYED, KEYED + 1),
    ]


@pytest.mark.parametrize("whole", [False, True])
def test_no_gas_limit_gets_a_good_signature_of_a_verifier_s_key_called_bad(keyed: Rig, whole: bool) -> None:
    outcomes = set()
    for gas, outcome in sweep(doing(keyed, Contract.LEDGER, keyed_life(keyed), whole=whole), step=2 * STEP):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(keyed, outcome), (gas, outcome)
        else:
            assert keyed.refused(outcome) == {}, gas
        outcomes.add(outcome.name if isinstance(outcome, Refusal) else "done")
    assert outcomes >= {"GasTooLow", "BatchStopped", "done"}


def test_a_bad_signature_among_such_keys_is_refused_alone_or_nothing_happens(keyed: Rig) -> None:
    first, second = (keyed.issued(10_000 * YUAN) for _ in range(2))
    bad = Held(held(keyed, KEYS[0]).signer, P256Key(9))
    items = [
        keyed.call(keyed.transfer_of(first, KEYED), A, bad),
        keyed.call(keyed.transfer_of(second, KEYED + 1), A, KEYED + 1),
    ]
    for gas, outcome in sweep(doing(keyed, Contract.LEDGER, items), step=2 * STEP):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(keyed, outcome), (gas, outcome)
        else:
            assert keyed.refused(outcome) == {0: Refusal("BadSignature", {"party": KEYED})}, gas


@pytest.mark.parametrize("key", KEYS, ids=KINDS)
def test_a_new_key_s_proof_is_not_starved_either(keyed: Rig, key: Key) -> None:
    signer = held(keyed, another(key))
    items = [keyed.call(admission(NEW, signer.signer), REGISTRAR, BANK, signer)]
    for gas, outcome in sweep(doing(keyed, Contract.REGISTRY, items)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(keyed, outcome), (gas, outcome)
        else:
            assert keyed.refused(outcome) == {}, gas


def test_alone_an_agreement_of_such_a_key_that_is_given_too_little_reverts_and_lands_later(
    keyed: Rig,
) -> None:
    voucher = keyed.issued()
    data = keyed.call(keyed.transfer_of(voucher, KEYED), A, KEYED)
    for gas in range(100_000, 320_000, 10_000):
        with pytest.raises(Refusal) as said:
            keyed.send(keyed.ledger, data, gas=gas)
        assert (said.value.name, said.value.facts.get("needed")) in {
            ("GasTooLow", 300_000),
            ("EmptyRevert", None),
        }
    keyed.send(keyed.ledger, data, gas=500_000)
    assert keyed.voucher(voucher).holder == KEYED
