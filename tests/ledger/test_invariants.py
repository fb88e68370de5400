"""The invariant list finds what is broken; refusals have the contracts' names and facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.agreements import (
    PartyNumber,
)
from ledger.invariants import invariants, invariants_of_step
from ledger.world import Lock, World
from tests import states
from tests.stage import (
    FIRST_DAY,
    LINE,
    REGISTRAR,
    ModelStage,
    Situation,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


# The invariant list


def break_drawn(world: World, s: Situation) -> World:
    line = world.lines[LINE]
    return replace(world, lines={LINE: replace(line, drawn=line.drawn + 1)})


def break_face(world: World, s: Situation) -> World:
    voucher = world.vouchers[s.voucher]
    return replace(world, vouchers={s.voucher: replace(voucher, face=voucher.face - 1)})


def break_lock(world: World, s: Situation) -> World:
    voucher = world.vouchers[s.voucher]
    return replace(world, vouchers={s.voucher: replace(voucher, locks=Lock.PAYMENT)})


def break_holder(world: World, s: Situation) -> World:
    voucher = world.vouchers[s.voucher]
    return replace(world, vouchers={s.voucher: replace(voucher, holder=PartyNumber(99))})


def break_limit(world: World, s: Situation) -> World:
    number, promise = next(iter(world.promises.items()))
    return replace(world, promises={number: replace(promise, headroom=-1)})


def break_invoice(world: World, s: Situation) -> World:
    uses = {key: replace(use, used=use.total + 1) for key, use in world.invoice_uses.items()}
    return replace(world, invoice_uses=uses)


def break_settled(world: World, s: Situation) -> World:
    number, promise = next(iter(world.promises.items()))
    return replace(world, promises={number: replace(promise, settled=1)})


def break_freeze(world: World, s: Situation) -> World:
    return replace(world, freezes={s.voucher: FIRST_DAY})


def break_signer(world: World, s: Situation) -> World:
    return replace(world, signers=dict.fromkeys(world.signers, REGISTRAR))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (break_drawn, "drawn is"),
        (break_face, "its vouchers add up to"),
        (break_lock, "payment is True"),
        (break_holder, "holder 99 is no party"),
        (break_limit, "above the limit"),
        (break_invoice, "fen used"),
        (break_settled, "settled 1"),
        (break_freeze, "freeze is False"),
        (break_signer, "its signer is recorded"),
    ],
)
def test_each_broken_invariant_is_found_and_named(
    stage: ModelStage, broken: Callable[[World, Situation], World], said: str
) -> None:
    s = states.live(stage)
    assert invariants(stage.world) == []
    found = invariants(broken(stage.world, s))
    assert any(said in line for line in found), found


def test_what_has_ended_stays_ended(stage: ModelStage) -> None:
    s = states.live(stage)
    live = stage.world
    stage.play(states.cancelling(s))
    assert invariants_of_step(live, stage.world) == []
    assert any("had ended" in line or "went back" in line for line in invariants_of_step(stage.world, live))


# Names


def declared_errors() -> dict[str, set[str]]:
    """By name the facts of each custom error; one that both contracts declare has the same facts in both."""
    declared: dict[str, set[str]] = {}
    for path in sorted((ROOT / "contracts" / "interfaces").glob("*.sol")):
        for name, arguments in re.findall(r"error (\w+)\(([^)]*)\);", path.read_text(encoding="utf-8")):
            facts = {part.split()[-1] for part in arguments.split(",") if part.strip()}
            assert declared.setdefault(name, facts) == facts, f"{name} has two sets of facts"
    return declared


def fact_names(function: ast.FunctionDef, facts: ast.expr) -> set[str]:
    """The keys of a dict as it is written, or as it was put under a name in the same function."""
    if isinstance(facts, ast.Name):
        (value,) = (
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and facts.id in {n.id for n in node.targets if isinstance(n, ast.Name)}
        )
        return fact_names(function, value)
    assert isinstance(facts, ast.Dict), f"{function.name}: name the facts"
    found: set[str] = set()
    for key, value in zip(facts.keys, facts.values, strict=True):
        found |= fact_names(function, value) if key is None else {str(ast.literal_eval(key))}
    return found


def test_every_refusal_has_the_name_and_facts_of_an_error_of_the_contracts() -> None:
    declared = declared_errors()
    raised = set()
    for module in ("consent", "party", "settings", "line", "life", "payment", "pledge", "overdue"):
        tree = ast.parse((ROOT / "ledger" / f"{module}.py").read_text(encoding="utf-8"))
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == "Refusal":
                    facts = fact_names(function, call.args[1]) if len(call.args) > 1 else set()
                    for name in (str(n.value) for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant)):
                        assert declared.get(name) == facts, f"{module}.py: {name}"
                        raised.add(name)
    about_the_call = {"GasTooLow", "BatchStopped", "NestedBatch"}
    about_construction = {"PredecessorUnfit"}
    assert set(declared) - about_the_call - about_construction == raised
