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


def test_every_refusal_has_the_name_and_facts_of_an_error_of_the_contracts() -> None:
    declared: dict[str, set[str]] = {}
    for path in sorted((ROOT / "contracts" / "interfaces").glob("*.sol")):
        for name, arguments in re.findall(r"error (\w+)\(([^)]*)\);", path.read_text(encoding="utf-8")):
            declared[name] = {part.split()[-1] for part in arguments.split(",") if part.strip()}
    raised: dict[str, set[str]] = {}
    for module in ("party", "line", "life", "payment"):
        tree = ast.parse((ROOT / "ledger" / f"{module}.py").read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "Refusal":
                names = [n.value for n in ast.walk(call.args[0]) if isinstance(n, ast.Constant)]
                facts = call.args[1] if len(call.args) > 1 else ast.Dict(keys=[], values=[])
                assert isinstance(facts, ast.Dict), f"{module}.py: name the facts where {names} is raised"
                for name in names:
                    raised[str(name)] = {str(k.value) for k in facts.keys if isinstance(k, ast.Constant)}
    assert {name: declared.get(name) for name in raised} == raised
    about_the_call = {"GasTooLow", "BatchStopped", "NestedBatch", "PredecessorUnread"}
    assert set(declared) - about_the_call == set(raised)
