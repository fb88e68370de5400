"""Agreements around the registrar's office, faultless unless a test changes a member."""

from __future__ import annotations

from typing import Any

from ledger.agreements import AcceptHandOver, HandOver
from tests.contract.words import registry_settings
from tests.rig import LATER, REGISTRAR, C, Rig, Sent

NOTICE = 7
NEXT = C
"""Without a role, as a registrar has to be."""


def hand_over_to(rig: Rig, to: int, **terms: Any) -> HandOver:
    values = {"sequence": registry_settings(rig).sequence, "deadline": LATER} | terms
    return HandOver(to=to, **values)  # type: ignore[arg-type]


def acceptance(rig: Rig, **terms: Any) -> AcceptHandOver:
    values = {"sequence": registry_settings(rig).sequence, "deadline": LATER} | terms
    return AcceptHandOver(**values)


def offer(rig: Rig, to: int = NEXT, *, registrar: int = REGISTRAR) -> Sent:
    return rig.do(hand_over_to(rig, to), registrar)


def handed_over(rig: Rig, to: int = NEXT) -> None:
    offer(rig, to)
    rig.pass_days(NOTICE)
    rig.do(acceptance(rig), to)
