"""Gas as a weapon: who submits can give too little, and a wallet that is asked can burn, flood or call back.

A good agreement must never be recorded as refused for want of gas: a batch is done as it would be with plenty, or
the whole call reverts. Gas limits here are those of the call itself, without what a transaction pays to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest

from ledger.agreements import Admit
from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import batch_calldata, complete_payment_calldata
from tests.contract.paying import disbursing, settlement_of
from tests.contract.wallets import BURN, YES, admit_wallet, calling, deploy, loud, reverting
from tests.contract.words import party
from tests.rig import (
    BANK,
    GAS,
    ISSUER,
    LATER,
    REGISTRAR,
    WINDOW,
    YUAN,
    ZERO,
    A,
    B,
    C,
    Revm,
    Rig,
    Sent,
    key_of,
)

SLOW, HOSTILE = 81, 82
STEP = 500
ENOUGH = 10_000
"""How far a sweep goes on above the first gas limit that is enough."""

Do = Callable[[int], Sent | Refusal]


def doing(rig: Rig, contract: Contract, items: Sequence[bytes], *, whole: bool = False) -> Do:
    """Sends the batch with a gas limit, and takes back whatever it did."""
    engine = rig.engine
    assert isinstance(engine, Revm)
    data, to = batch_calldata(items, whole), rig.address(contract)

    def do(gas: int) -> Sent | Refusal:
        before = engine.evm.snapshot()
        sent = engine.send(to, data, gas=gas)
        engine.evm.revert(before)
        return sent if sent.ok else rig.refusal(sent.output)

    return do


def sweep(do: Do) -> Iterator[tuple[int, Sent | Refusal]]:
    """Every STEP from 30,000 on until it is enough, and every unit around each limit where the outcome changes."""
    coarse: list[tuple[int, tuple[str, object, object]]] = []
    gas, last = 30_000, GAS
    while gas < last:
        outcome = do(gas)
        yield gas, outcome
        if isinstance(outcome, Sent) and last == GAS:
            last = gas + ENOUGH
        coarse.append((gas, kind(outcome)))
        gas += STEP
    assert last < GAS, "no gas limit is enough"
    for (low, before), (high, after) in pairwise(coarse):
        if before == after:
            continue
        while high - low > 1:  # where exactly
            middle = (low + high) // 2
            low, high = (middle, high) if kind(do(middle)) == before else (low, middle)
        for unit in range(high - 40, high + 40):
            yield unit, do(unit)


def kind(outcome: Sent | Refusal) -> tuple[str, object, object]:
    """What happened, without the amounts of gas: the error, the item that stopped the batch, and that item's error."""
    if isinstance(outcome, Sent):
        return ("done", None, None)
    return (outcome.name, outcome.facts.get("index"), str(outcome.facts.get("reason"))[:10])


def for_want_of_gas(rig: Rig, refusal: Refusal) -> bool:
    """Whether the whole call was stopped because of gas and says nothing about any agreement."""
    if refusal.name != "BatchStopped":
        return refusal.name in {"GasTooLow", "EmptyRevert"}
    reason = bytes.fromhex(str(refusal.facts["reason"])[2:])
    return not reason or rig.refusal(reason).name == "GasTooLow"


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


def test_alone_an_agreement_that_is_given_too_little_reverts_and_lands_later(slow: Rig) -> None:
    voucher = slow.issued()
    data = slow.call(slow.transfer_of(voucher, SLOW), A, YES)
    with pytest.raises(Refusal) as said:
        slow.send(slow.ledger, data, gas=150_000)
    assert said.value.name == "GasTooLow"
    assert said.value.facts["needed"] == 200_000
    slow.send(slow.ledger, data)
    assert slow.voucher(voucher).holder == SLOW


# Hostile wallets


@pytest.fixture
def hostile(rig: Rig) -> Rig:
    """With a party whose wallet does what its signature says, under the highest cap."""
    admit_wallet(rig, HOSTILE, "HostileWallet", cap=500_000)
    return rig


def among_others(rig: Rig, signature: bytes) -> tuple[list[int], list[bytes]]:
    """Three transfers, the one in the middle to the hostile party."""
    vouchers = [rig.issued(10_000 * YUAN) for _ in range(3)]
    recipients: tuple[tuple[int, int | bytes], ...] = ((B, B), (HOSTILE, signature), (B, B))
    return vouchers, [
        rig.call(rig.transfer_of(voucher, recipient), A, consent)
        for voucher, (recipient, consent) in zip(vouchers, recipients, strict=True)
    ]


def usual(rig: Rig) -> int:
    """What the three cost when the wallet just says yes."""
    outcome = doing(rig, Contract.LEDGER, among_others(rig, YES)[1])(GAS)
    assert isinstance(outcome, Sent)
    return outcome.gas


@pytest.mark.parametrize(
    "signature", [BURN, loud(1_000_000), reverting(1_000_000), reverting(4), loud(0), b""]
)
def test_a_wallet_that_burns_its_cap_or_answers_nonsense_takes_nobody_down(
    hostile: Rig, signature: bytes
) -> None:
    most = usual(hostile) + 500_000
    vouchers, calls = among_others(hostile, signature)
    sent = hostile.batch(Contract.LEDGER, calls)
    assert hostile.refused(sent) == {1: Refusal("BadSignature", {"party": HOSTILE})}
    assert [hostile.voucher(voucher).holder for voucher in vouchers] == [B, A, B]
    assert sent.gas < most


def test_a_wallet_that_burns_its_cap_gets_nobody_else_refused_whatever_the_gas(hostile: Rig) -> None:
    _, calls = among_others(hostile, BURN)
    for gas, outcome in sweep(doing(hostile, Contract.LEDGER, calls)):
        if isinstance(outcome, Refusal):
            assert for_want_of_gas(hostile, outcome), (gas, outcome)
        else:
            assert hostile.refused(outcome) == {1: Refusal("BadSignature", {"party": HOSTILE})}, gas


def test_an_answer_of_100_kilobytes_is_a_yes_whose_length_nobody_pays_for_but_its_cap(hostile: Rig) -> None:
    least = usual(hostile)
    vouchers, calls = among_others(hostile, loud(100_000))
    sent = hostile.batch(Contract.LEDGER, calls)
    assert hostile.refused(sent) == {}
    assert hostile.voucher(vouchers[1]).holder == HOSTILE
    memory = 3 * 3_125 + 3_125**2 // 512  # what the wallet itself spends to write 3,125 words
    assert sent.gas < least + memory + 2_000


@pytest.mark.parametrize("through", ["complete", "batch"])
def test_a_wallet_that_calls_back_changes_nothing(hostile: Rig, through: str) -> None:
    prey = disbursing(hostile)
    hostile.pass_days(WINDOW + 1)
    call = complete_payment_calldata(prey)  # type: ignore[arg-type]
    if through == "batch":
        call = batch_calldata([call], False)
    vouchers, calls = among_others(hostile, calling(hostile.ledger, call))
    sent = hostile.batch(Contract.LEDGER, calls)
    assert hostile.refused(sent) == {}  # its call failed, so it said yes
    assert len(sent.logs) == 3 * 2
    assert hostile.voucher(prey).holder == A
    assert hostile.voucher(vouchers[1]).holder == HOSTILE
    hostile.send(hostile.ledger, call)  # from outside the same call does it
    assert hostile.voucher(prey).holder != A


def test_a_wallet_that_calls_back_into_the_registry_changes_nothing(hostile: Rig) -> None:
    key = key_of(90)
    address = key.public_key.to_canonical_address()
    agreement = Admit(90, 0, BANK, 0, ZERO, LATER, address)  # type: ignore[arg-type]
    call = hostile.call(agreement, REGISTRAR, BANK, key)
    _, calls = among_others(hostile, calling(hostile.registry, call))
    assert hostile.refused(hostile.batch(Contract.LEDGER, calls)) == {}
    assert party(hostile, 90).sequence == 0
    hostile.send(hostile.registry, call)
    assert party(hostile, 90).sequence == 1
