"""A call under every gas limit that matters, and what may come of it: all as with plenty of gas, or nothing at all.

Gas limits here are those of the call itself, without what a transaction pays to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import batch_calldata
from tests.rig import GAS, Revm, Rig, Sent

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


def sweep(do: Do, *, step: int = STEP) -> Iterator[tuple[int, Sent | Refusal]]:
    """Every step from 30,000 on until it is enough, and every unit around each limit where the outcome changes."""
    coarse: list[tuple[int, tuple[str, object, object]]] = []
    gas, last = 30_000, GAS
    while gas < last:
        outcome = do(gas)
        yield gas, outcome
        if isinstance(outcome, Sent) and last == GAS:
            last = gas + ENOUGH
        coarse.append((gas, kind(outcome)))
        gas += step
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
