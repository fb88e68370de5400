"""Credit lines: what a grant has to keep to, and how a limit binds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import (
    Invoice,
    ResizeLine,
)
from ledger.invariants import invariants
from ledger.money import Fen
from tests import states
from tests.stage import (
    BANK,
    DUE_DAY,
    FACE,
    FOREVER,
    FUNDER,
    HOLDER,
    ISSUER,
    LIMIT,
    LINE,
    Attempt,
    ModelStage,
    refused,
)
from tests.states import an_issue, grant


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


# Lines


def test_a_line_has_its_limits(stage: ModelStage) -> None:
    states.unknown(stage)
    other = LINE + 1
    refused(stage, grant(), "LineTaken", line=LINE)
    refused(stage, grant(line=BANK << 32), "LineTaken", line=BANK << 32)
    refused(stage, grant(line=other, parent=FUNDER << 32 | 1), "ParentLineUnfit", parent=FUNDER << 32 | 1)
    refused(stage, grant(line=other, window=0), "WindowOutOfRange", given=0, lowest=1, highest=15)
    refused(stage, grant(line=other, window=16), "WindowOutOfRange", given=16, lowest=1, highest=15)
    refused(stage, grant(line=other, grace=9), "GraceOutOfRange", given=9, lowest=10, highest=30)
    refused(stage, grant(line=other, window=12, grace=12), "GraceOutOfRange", given=12, lowest=13, highest=30)
    refused(stage, grant(line=other, smallest_part=99), "SmallestPartTooSmall", given=99, lowest=100)
    stage.play(grant(line=other, parent=LINE))
    refused(stage, grant(line=other + 1, parent=other), "ParentLineUnfit", parent=other)


def test_a_shrunken_line_blocks_issue_and_never_payment(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(Attempt(ResizeLine(LINE, 1, Fen(1), DUE_DAY, FOREVER), (BANK,)))
    another = Attempt(an_issue(issuer_reference=b"\x09" * 32), (ISSUER, HOLDER))
    refused(stage, another, "LimitExceeded", line=LINE, asked=FACE, available=0)
    stage.play(states.settling(s, BANK, HOLDER))
    assert stage.world.lines[LINE].drawn == 0
    assert invariants(stage.world) == []


def test_both_limits_bind_and_the_binding_one_is_named(stage: ModelStage) -> None:
    states.unknown(stage)
    sub = LINE + 1
    stage.play(grant(line=sub, parent=LINE, limit=Fen(2 * LIMIT)))
    invoice = Invoice(b"\x01" * 32, Fen(LIMIT), Fen(3 * LIMIT))
    big = an_issue(line=sub, face=LIMIT, smallest_part=Fen(1000_00), invoices=(invoice,))
    stage.play(Attempt(big, (ISSUER, HOLDER)))
    again = replace(big, issuer_reference=b"\x09" * 32)
    refused(stage, Attempt(again, (ISSUER, HOLDER)), "LimitExceeded", line=LINE, asked=LIMIT, available=0)
    third = replace(again, face=Fen(LIMIT + 1), invoices=(replace(invoice, amount=Fen(LIMIT + 1)),))
    refused(
        stage, Attempt(third, (ISSUER, HOLDER)), "LimitExceeded", line=sub, asked=LIMIT + 1, available=LIMIT
    )
