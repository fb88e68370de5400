"""A sandbox's days: its chain is one for all its partners, and each of them may move it on to try what a day brings.

Only a sandbox has these routes.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from gateway.answers import PROBLEMS
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import Form, OnDay, View, date_text, examples
from gateway.gateway import Gateway
from ledger.calendar import date_of_day, day_of, utc
from ledger.errors import InputError
from ledger.installation import travel
from ledger.negotiation.access import Right, require

router = APIRouter(prefix="/sandbox", tags=["Sandbox"], route_class=DeskRoute, responses=PROBLEMS)
FARTHEST: Final = 366
"""Days that it may be moved on at a time: nobody ruins it for the others by a slip."""


class DayForm(Form):
    """The day that it is to be."""

    model_config = examples(to="2026-10-08")
    to: OnDay


class DayView(View):
    """The second (UTC) that the next block carries, and the China-time day on which that falls."""

    now: str
    today: str


@router.get("/day")
def present_day(caller: CallerHere, gateway: GatewayHere) -> DayView:
    """Which day it is in the sandbox. Its time runs as everywhere, from where it was moved to."""
    return _today(gateway)


@router.post("/day")
def move_on(form: DayForm, caller: CallerHere, gateway: GatewayHere) -> DayView:
    """Moves the sandbox on to 09:00 China time of a day, for all its partners; where it is later that day already,
    nothing happens. Sessions, tokens and throttling go on by the machine's time."""
    require(caller, Right.TRAVEL)
    assert gateway.sandbox is not None
    today = gateway.setting.today
    if form.to > today + FARTHEST:
        raise InputError(
            f"to: {date_of_day(form.to)} is more than {FARTHEST} days after {date_of_day(today)}: move it on in steps"
        )
    travel(gateway.sandbox, form.to)
    return _today(gateway)


def _today(gateway: Gateway) -> DayView:
    now = gateway.setting.chain_clock()
    return DayView(now=utc(now), today=date_text(day_of(now)))
