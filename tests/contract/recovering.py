"""Agreements around a lost key, faultless unless a test changes a member; and days to the second."""

from __future__ import annotations

from typing import Any

from ledger.agreements import FinishRekey, ProposeRekey, VetoRekey, WithdrawRekey
from ledger.calendar import Day, start_of_day
from tests.contract.words import (
    Recovery,
    party,
)
from tests.rig import (
    BANK,
    LATER,
    REGISTRAR,
    A,
    Rig,
    Sent,
    key_of,
)

NONE = Recovery(signer=0, kind=0, signature_gas=0, ready_on=0, vetoed=False)


def address_of(number: int, generation: int) -> bytes:
    return bytes(key_of(number, generation).public_key.to_canonical_address())


def proposal(rig: Rig, number: int = A, *, generation: int = 1, **terms: Any) -> ProposeRekey:
    values: dict[str, Any] = {
        "sequence": party(rig, number).sequence,
        "signature_gas": 0,
        "deadline": LATER,
        "signer": address_of(number, generation),
    } | terms
    return ProposeRekey(number, **values)  # type: ignore[arg-type]


def propose(rig: Rig, number: int = A, *, generation: int = 1, sponsor: int = BANK) -> Sent:
    return rig.do(
        proposal(rig, number, generation=generation), REGISTRAR, sponsor, key_of(number, generation)
    )


def veto_of(rig: Rig, number: int = A, **terms: Any) -> VetoRekey:
    return VetoRekey(number, **({"sequence": party(rig, number).sequence, "deadline": LATER} | terms))  # type: ignore[arg-type]


def withdrawal(rig: Rig, number: int = A, **terms: Any) -> WithdrawRekey:
    return WithdrawRekey(number, **({"sequence": party(rig, number).sequence, "deadline": LATER} | terms))  # type: ignore[arg-type]


def finish_of(rig: Rig, number: int = A, *, arbiter: int = 0, **terms: Any) -> FinishRekey:
    values = {"sequence": party(rig, number).sequence, "deadline": LATER} | terms
    return FinishRekey(number, arbiter=arbiter, **values)  # type: ignore[arg-type]


def to_first_second(rig: Rig, day: int) -> None:
    rig.engine.travel(start_of_day(Day(day)))


def to_last_second(rig: Rig, day: int) -> None:
    rig.engine.travel(start_of_day(Day(day + 1)) - 1)


def vetoed_and_ready(rig: Rig, number: int = A, *, sponsor: int = BANK) -> None:
    propose(rig, number, sponsor=sponsor)
    rig.do(veto_of(rig, number), number)
    rig.pass_days(30)
