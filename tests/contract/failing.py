"""Agreements around default, pledge, award and the registrar's settings, faultless unless a test changes a member.

As `paying.py`, and lives that begin so: vouchers of 1,000,000.00 held by A, due in 60 days; the line's grace is 10
days, so that the 71st day is the first on which one can be declared overdue. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ledger.abi import creation_data
from ledger.agreements import Award, Pledge, Release, SetTenorCap, StopIssue
from ledger.signing import declare_overdue_calldata
from tests.contract import words
from tests.contract.paying import cancel_of, contest_of, disbursing, settlement_of, settling
from tests.rig import ARBITER, BANK, FACTOR, GRACE, ISSUER, LATER, REGISTRAR, YUAN, A, B, Rig, Sent, compiled

FACE = 1_000_000 * YUAN
SECURED = 600_000 * YUAN
REST = FACE - SECURED
TERM = 60
"""Days from issue to due day."""
PLEDGE_DAYS = 40
MONTH = 30
"""Days from a contest to the first day of an award."""
RULING = b"\x74" * 32
FILING = b"\x75" * 32
REASON = b"\x76" * 32


# The registrar's settings


def cap_of(rig: Rig, cap: int, **terms: Any) -> SetTenorCap:
    values: dict[str, Any] = {
        "sequence": words.ledger_settings(rig).sequence,
        "in_force_from": rig.today + 1,
        "deadline": LATER,
    } | terms
    return SetTenorCap(cap=cap, **values)


def set_cap(rig: Rig, cap: int, **terms: Any) -> Sent:
    return rig.do(cap_of(rig, cap, **terms), REGISTRAR)


def stop_of(rig: Rig, issuer: int, **terms: Any) -> StopIssue:
    values: dict[str, Any] = {
        "sequence": words.ledger_settings(rig).sequence,
        "stopped": True,
        "reason": REASON,
        "deadline": LATER,
    } | terms
    return StopIssue(issuer=issuer, **values)  # type: ignore[arg-type]


def stop(rig: Rig, issuer: int, **terms: Any) -> Sent:
    """Stops one issuer; 0: the whole ledger, for good."""
    return rig.do(stop_of(rig, issuer, **terms), REGISTRAR)


def succeed(rig: Rig) -> str:
    """The rig's ledger is a new one on the same registry from now on; gives the address of its predecessor."""
    old = rig.ledger
    rig.ledger = rig.engine.deploy(creation_data(compiled()["VoucherLedger"], [rig.registry, old]))
    return old


# Default


def issued(rig: Rig, **terms: Any) -> int:
    return rig.issued(FACE, **({"due_day": rig.today + TERM} | terms))


def declare(rig: Rig, voucher: int) -> Sent:
    return rig.send(rig.ledger, declare_overdue_calldata(voucher))  # type: ignore[arg-type]


def due(rig: Rig, **terms: Any) -> int:
    """A voucher on its due day, not paid."""
    voucher = issued(rig, **terms)
    rig.pass_days(TERM)
    return voucher


def overdue(rig: Rig, **terms: Any) -> int:
    """A voucher declared overdue on the first day on which that is possible."""
    voucher = due(rig, **terms)
    rig.pass_days(GRACE + 1)
    declare(rig, voucher)
    return voucher


def pay(rig: Rig, voucher: int, amount: int) -> Sent:
    """A settlement of so many fen that bank and holder sign."""
    return rig.do(settlement_of(rig, voucher, amount=amount), BANK, rig.voucher(voucher).holder)


ENDS: Final[dict[str, Callable[[Rig, int], object]]] = {
    "cancelled": lambda rig, v: rig.do(cancel_of(rig, v), ISSUER, A),
    "settled": lambda rig, v: pay(rig, v, rig.voucher(v).face),
    "split up": lambda rig, v: rig.split(v, (B, FACE)),
}
"""How a voucher that A holds ends: its claim, or its last fen."""


# Contest and award


def contested(rig: Rig) -> int:
    """A voucher whose settlement is contested today, its due day."""
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    return voucher


def contested_a_month(rig: Rig) -> int:
    """A settlement that was contested 30 days ago: registrar and arbiter may decide."""
    voucher = contested(rig)
    rig.pass_days(MONTH)
    return voucher


def sale_contested_a_month(rig: Rig) -> int:
    """As well, a disbursement."""
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(MONTH)
    return voucher


def award_of(rig: Rig, voucher: int, *, paid: bool = True, arbiter: int = ARBITER, **terms: Any) -> Award:
    values: dict[str, Any] = {
        "sequence": rig.voucher(voucher).sequence,
        "ruling": RULING,
        "deadline": LATER,
    } | terms
    return Award(voucher=voucher, arbiter=arbiter, paid=paid, **values)  # type: ignore[arg-type]


def award(rig: Rig, voucher: int, *, paid: bool = True, arbiter: int = ARBITER) -> Sent:
    return rig.do(award_of(rig, voucher, paid=paid, arbiter=arbiter), REGISTRAR, arbiter)


# Pledge


def pledge_of(rig: Rig, voucher: int, **terms: Any) -> Pledge:
    values: dict[str, Any] = {
        "sequence": rig.voucher(voucher).sequence,
        "pledgee": FACTOR,
        "secured": SECURED,
        "filing": FILING,
        "end_day": rig.today + PLEDGE_DAYS,
        "deadline": LATER,
    } | terms
    return Pledge(voucher=voucher, **values)  # type: ignore[arg-type]


def pledge(rig: Rig, voucher: int, **terms: Any) -> Sent:
    agreement = pledge_of(rig, voucher, **terms)
    return rig.do(agreement, rig.voucher(voucher).holder, agreement.pledgee)


def release_of(rig: Rig, voucher: int, by: int, **terms: Any) -> Release:
    values: dict[str, Any] = {"sequence": rig.voucher(voucher).sequence, "deadline": LATER} | terms
    return Release(voucher=voucher, by=by, **values)  # type: ignore[arg-type]


def pledged(rig: Rig, **terms: Any) -> int:
    """A voucher of which 600,000.00 are secured to the factor, for 40 days."""
    voucher = issued(rig)
    pledge(rig, voucher, **terms)
    return voucher


def pledged_and_due(rig: Rig, **terms: Any) -> int:
    voucher = pledged(rig, **terms)
    rig.pass_days(TERM)
    return voucher


def secured_settlement_of(rig: Rig, voucher: int, amount: int = SECURED, **terms: Any) -> Any:
    """The settlement that goes to the pledgee."""
    payee = words.pledge(rig, voucher).pledgee
    return settlement_of(rig, voucher, **({"amount": amount, "payee": payee} | terms))
