"""Any agreement as an offer, given as it will be signed: for programs that know what they want.

The named ways of `proposals.py` look sequences up and hash texts; here nothing is looked up. What the caller may not
see it cannot offer anything about: an agreement on a voucher, line or party of others is answered as one on nothing.
So is one on a voucher that the caller only held once, whose present state it does not see. The registrar, who freezes
and awards, names any voucher in these and in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from ledger.agreements import (
    Agreement,
    Award,
    Freeze,
    GrantLine,
    Issue,
    LineId,
    RevokeIssue,
    Unfreeze,
    VoucherId,
    from_json,
)
from ledger.calendar import DAY_SECONDS, Day, check_tenor, date_of_day
from ledger.columns import hex_of
from ledger.errors import InputError
from ledger.members import RegistryAgreement
from ledger.negotiation.access import Caller, line_missing, not_found
from ledger.negotiation.holdings import Standing, voucher_of
from ledger.negotiation.offers import Proposal
from ledger.negotiation.proposals import LONGEST_DAYS, deadline
from ledger.negotiation.setting import Setting
from ledger.pin import Pin
from ledger.rows import registry_settings
from ledger.signing import RESUPPLIED
from ledger.tables import LineRow, PartyRow, VoucherRow
from ledger.world import bank_of

_OF_THE_REGISTRAR: Final = (Freeze, Unfreeze, Award)
_AGREED: Final = 2
"""Consents that say so, to the rules; who signs follows from them."""


def proposal_from(
    session: Session,
    setting: Setting,
    caller: Caller,
    given: Mapping[str, object],
    *,
    issued: Mapping[str, object] | None,
    agreed: bool,
    valid_until: Day | None,
) -> Proposal:
    """The agreement that the JSON says (`agreements.from_json`), as a proposal.

    Without a `deadline` of its own it gets that of `valid_until`, else of an offer that says nothing. `issued`: the
    issue, resupplied, where the verb wants it. `agreed`: the payee of an asserted payment signs too. Refusal NotFound,
    UnknownLine for what is not the caller's to speak of; InputError for an unreadable agreement.
    """
    agreement = _dated(setting, given, valid_until)
    source = None if issued is None else from_json(issued)
    if source is not None and not isinstance(source, Issue):
        raise InputError("issued: expected an Issue")
    if (source is None) == isinstance(agreement, RESUPPLIED):
        raise InputError(
            "issued: give the issue agreement with CancelWhole and RevokeIssue, and with no other"
        )
    asserts = agreement.verb() == "assertPayment"
    if agreed and not asserts:
        raise InputError("agreed: only a payment is agreed by its payee")
    pin = _require_visible(session, setting, caller, agreement, source)
    count = None if not asserts else _AGREED if agreed else 1
    return Proposal(agreement=agreement, pin=pin, issued=source, consents=count)


def _dated(setting: Setting, given: Mapping[str, object], valid_until: Day | None) -> Agreement:
    if "deadline" not in given:
        return from_json({**given, "deadline": int(deadline(setting, valid_until))})
    if valid_until is not None:
        raise InputError("give the agreement's deadline or valid_until, not both")
    agreement = from_json(given)
    if agreement.deadline > setting.chain_clock() + LONGEST_DAYS * DAY_SECONDS:
        raise InputError(f"deadline: an offer may be open for {LONGEST_DAYS} days at most")
    return agreement


def _require_visible(
    session: Session, setting: Setting, caller: Caller, agreement: Agreement, source: Issue | None
) -> Pin:
    """The pin of the ledger that it is for."""
    if isinstance(agreement, RegistryAgreement):
        _require_concerned(session, setting.pin, caller, agreement)
        return setting.pin
    if isinstance(agreement, Issue):
        reason = hex_of(agreement.tenor_reason) if any(agreement.tenor_reason) else None
        check_tenor(date_of_day(setting.today), date_of_day(agreement.due_day), reason=reason)
    number = getattr(agreement, "voucher", None)
    if number is not None:
        return _ledger_of_voucher(session, setting, caller, agreement, VoucherId(number))
    if isinstance(agreement, RevokeIssue):
        assert source is not None
        if caller.acting() not in (source.issuer, source.supplier, bank_of(source.line)):
            raise line_missing(source.line)
        return _ledger_of_line(session, setting, source.line) or setting.pin
    line = getattr(agreement, "line", None)
    return setting.pin if line is None else _require_line(session, setting, caller, agreement)


def _ledger_of_voucher(
    session: Session, setting: Setting, caller: Caller, agreement: Agreement, number: VoucherId
) -> Pin:
    if isinstance(agreement, _OF_THE_REGISTRAR) and _is_registrar(session, setting.pin, caller):
        for pin in reversed(setting.pins):
            if session.get(VoucherRow, (pin.ledger, number)) is not None:
                return pin
        raise not_found("voucher")
    view = voucher_of(session, setting, caller, number)
    if view.standing is Standing.FORMER:
        raise not_found("voucher")
    return setting.pin_of(view.ledger)


def _require_line(session: Session, setting: Setting, caller: Caller, agreement: Agreement) -> Pin:
    party, line = caller.acting(), LineId(getattr(agreement, "line", 0))
    if isinstance(agreement, GrantLine):
        if party not in (bank_of(line), agreement.issuer):
            raise line_missing(line)
        return setting.pin
    pin = _ledger_of_line(session, setting, line)
    row = None if pin is None else session.get_one(LineRow, (pin.ledger, line))
    if pin is None or row is None or party not in (row.bank, row.issuer):
        raise line_missing(line)
    return pin


def _ledger_of_line(session: Session, setting: Setting, line: LineId) -> Pin | None:
    """The newest ledger that has the line: a bank may have granted it again in the successor."""
    for pin in reversed(setting.pins):
        if session.get(LineRow, (pin.ledger, line)) is not None:
            return pin
    return None


def _require_concerned(session: Session, pin: Pin, caller: Caller, agreement: RegistryAgreement) -> None:
    """A party speaks of itself, a sponsor of whom it sponsors, the registrar of everybody."""
    party = caller.acting()
    if _is_registrar(session, pin, caller):
        return
    about = getattr(agreement, "party", None)
    if about is None or about == party:
        return
    row = session.get(PartyRow, (pin.registry, about))
    if row is None or row.sponsor != party:
        raise not_found("party")


def _is_registrar(session: Session, pin: Pin, caller: Caller) -> bool:
    return registry_settings(session, pin.registry).registrar == caller.acting()
