"""The random walk: fixed seeds, hypothesis as a driver that shrinks, and what the walk has to have met.

Longer walks over fresh seeds: `python -m tests.fuzz`.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from ledger.agreements import AGREEMENTS
from ledger.signing import batch_calldata, child_id
from tests.rig import A, B, Revm, Rig
from tests.walk import Lost, Walk

SEEDS = range(1, 6)
STEPS = 400
DRAWN = st.integers(0, 2**32 - 1)


@cache
def walked() -> tuple[Walk, ...]:
    return tuple(Walk(seed).run(STEPS) for seed in SEEDS)


def test_two_thousand_steps_agree_with_the_model() -> None:
    assert sum(len(walk.steps) for walk in walked()) >= 2_000


def test_these_walks_do_every_verb_and_meet_most_refusals() -> None:
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for walk in walked():
        done += walk.done
        refused += walk.refused
    verbs = {kind.__name__ for kind in AGREEMENTS} | {"CompletePayment"}
    assert verbs - set(done) == set()
    assert len(refused) >= 50, sorted(refused)


def test_a_walk_is_the_same_each_time() -> None:
    assert Walk(7).run(60).story() == Walk(7).run(60).story()


def test_a_walk_that_is_lost_says_its_seed_and_its_steps() -> None:
    walk = Walk(3).run(30)
    walk.twin.heads = {contract: bytes(32) for contract in walk.twin.heads}
    with pytest.raises(Lost, match=r"seed 3, step \d+\n.*journal head") as lost:
        walk.run(30)
    assert "GrantLine(line 2-1, issuer 6" in str(lost.value)


# Hypothesis chooses the kinds of steps and the seed of each, and shrinks a failure to few of them

_STEPS: Counter[str] = Counter()


class Machine(RuleBasedStateMachine):
    """One walk; each rule is one kind of step."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk(0)

    def _go(self, kind: str, seed: int) -> None:
        _STEPS[kind] += 1
        self.walk.rng.seed(seed)
        getattr(self.walk, kind)()

    @rule(seed=DRAWN)
    def verb(self, seed: int) -> None:
        self._go("verb", seed)

    @rule(seed=DRAWN)
    def another_verb(self, seed: int) -> None:
        self._go("verb", seed)

    @rule(seed=DRAWN)
    def attack(self, seed: int) -> None:
        self._go("attack", seed)

    @rule(seed=DRAWN)
    def replay(self, seed: int) -> None:
        self._go("replay", seed)

    @rule(seed=DRAWN)
    def batch(self, seed: int) -> None:
        self._go("batch", seed)

    @rule(seed=DRAWN)
    def starve(self, seed: int) -> None:
        self._go("starve", seed)

    @rule(seed=DRAWN)
    def wait(self, seed: int) -> None:
        self._go("wait", seed)

    def teardown(self) -> None:
        self.walk.finish()


def test_hypothesis_finds_no_way_to_lose_the_model_in_a_thousand_steps() -> None:
    _STEPS.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=60,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert _STEPS.total() >= 1_000
    assert set(_STEPS) == {"verb", "attack", "replay", "batch", "starve", "wait"}


# The most signatures that one agreement can need, starved at each of them


def test_no_gas_limit_makes_a_good_split_with_twenty_signatures_a_refused_one() -> None:
    rig = Rig(Revm())
    rig.grant()
    voucher = rig.issued()
    split = rig.split_of(voucher, *[(B, 1_000_00)] * 20)
    items = batch_calldata([rig.call(split, A, *[B] * 20)], False)
    engine = rig.engine
    assert isinstance(engine, Revm)
    outcomes: Counter[str] = Counter()
    for gas in range(120_000, 1_200_000, 1_500):
        before = engine.evm.snapshot()
        sent = engine.send(rig.ledger, items, gas=gas)
        if sent.ok:
            assert rig.refused(sent) == {}
            assert rig.voucher(child_id(voucher, split.sequence, 19)).face == 1_000_00  # type: ignore[arg-type]
        outcomes["done" if sent.ok else rig.refusal(sent.output).name] += 1
        engine.evm.revert(before)
    assert set(outcomes) <= {"done", "BatchStopped", "GasTooLow", "EmptyRevert"}
    assert outcomes["done"]
    assert outcomes["BatchStopped"] > 100
