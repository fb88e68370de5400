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

from ledger import party
from ledger.signing import batch_calldata, child_id
from tests import fuzz
from tests.rig import A, B, Revm, Rig
from tests.walk import Lost, Walk
from tests.walk_coverage import ENOUGH_FOR_VERBS, Coverage
from tests.walk_verbs import VERBS

SEEDS = (1, 9, 202, 203, 207)
STEPS = 650
DRAWN = st.integers(0, 2**32 - 1)


@cache
def walked() -> Coverage:
    met = Coverage()
    for seed in SEEDS:
        met.add(Walk(seed, thorough=100).run(STEPS), STEPS)
    return met


def test_three_thousand_steps_agree_with_the_model() -> None:
    assert walked().steps >= 3_000


def test_these_walks_do_every_verb_and_meet_most_refusals() -> None:
    assert VERBS - set(walked().done) == set()
    assert len(walked().errors) >= 85, sorted(walked().unseen())


def test_these_walks_sign_in_every_way_and_run_from_ledger_to_ledger() -> None:
    ways = {"key", "contract wallet", "several members", "P256Key", "RsaKey", "Passkey", "obedient wallet"}
    assert {way for way in ways if walked().signed[way] < 30} == set()
    assert set(walked().ledgers) >= {1, 2}


def test_a_walk_is_the_same_each_time() -> None:
    assert Walk(7).run(60).story() == Walk(7).run(60).story()


def test_a_walk_that_is_lost_says_its_seed_and_its_steps() -> None:
    walk = Walk(3).run(30)
    walk.lineage.heads[1] = bytes(32)
    with pytest.raises(Lost, match=r"seed 3, step \d+\n.*journal head") as lost:
        walk.run(30)
    assert "GrantLine(line 2-1, issuer 6" in str(lost.value)


def test_a_lost_walk_is_told_again_with_the_few_steps_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(party, "RECOVERY_DAYS", 8)  # now the model is wrong
    told = fuzz.walked(2, 400).lost
    shortest = told[told.index("with fewer steps:") : told.index("failing seed 2:")]
    steps = [line for line in shortest.splitlines() if "→" in line]
    assert len(steps) <= 12
    assert "ProposeRekey" in steps[-1]
    assert "RekeyProposed" in shortest


def test_a_long_run_that_never_saw_a_verb_succeed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    met = Coverage(steps=ENOUGH_FOR_VERBS)
    met.done.update(VERBS - {"Award"})
    assert met.missing() == ["Award never succeeded"]
    assert Coverage(steps=ENOUGH_FOR_VERBS - 1).missing() == []
    assert fuzz.main(["--seed", "1", "--steps", "20", "--processes", "1"]) == 0
    assert "20 steps in 1 walks agree with the model" in capsys.readouterr().out


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
    def chain(self, seed: int) -> None:
        self._go("chain", seed)

    @rule(seed=DRAWN)
    def twice(self, seed: int) -> None:
        self._go("twice", seed)

    @rule(seed=DRAWN)
    def outrun(self, seed: int) -> None:
        self._go("outrun", seed)

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
    assert set(_STEPS) == {"verb", "attack", "replay", "batch", "chain", "twice", "outrun", "starve", "wait"}


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
