"""Any agreement as an offer, given as it will be signed: for programs that know what they want.

The named ways of `proposals.py` look sequences up and hash texts; here nothing is looked up. What the caller may not
see it cannot offer anything about: an agreement on a voucher, line or party of others is answered as one on nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import Agreement, GrantLine, Issue, LineId, PartyNumber, VoucherId, from_json
from ledger.errors import InputError
from ledger.members import RegistryAgreement
from ledger.negotiation.access import Caller, line_missing, not_found, sees_voucher
from ledger.negotiation.offers import Proposal
from ledger.negotiation.setting import Setting
from ledger.pin import Pin
from ledger.rows_about import registry_settings
from ledger.signing import RESUPPLIED
from ledger.tables import LineRow, PartyRow, VoucherRow
from ledger.world import bank_of


def proposal_from(
    session: Session,
    setting: Setting,
    caller: Caller,
    given: Mapping[str, object],
    *,
    issued: Mapping[str, object] | None,
    with_payee: bool,
) -> Proposal:
    """The agreement that the JSON says (`agreements.from_json`), as a proposal.

    `issued`: the issue, resupplied, where the verb wants it. `with_payee`: the payee of an asserted payment signs too.
    Refusal NotFound, UnknownLine for what is not the caller's to speak of; InputError for an unreadable agreement.
    """
    agreement = from_json(given)
    source = None if issued is None else from_json(issued)
    if source is not None and not isinstance(source, Issue):
        raise InputError("issued: expected an Issue")
    if (source is None) == isinstance(agreement, RESUPPLIED):
        raise InputError(
            "issued: give the issue agreement with CancelWhole and RevokeIssue, and with no other"
        )
    pin = _require_visible(session, setting, caller, agreement)
    count = 2 if with_payee and agreement.verb() == "assertPayment" else None
    if agreement.verb() == "assertPayment" and count is None:
        count = 1
    return Proposal(agreement=agreement, pin=pin, issued=source, consents=count)


def _require_visible(session: Session, setting: Setting, caller: Caller, agreement: Agreement) -> Pin:
    party = caller.acting()
    if isinstance(agreement, RegistryAgreement):
        _require_concerned(session, setting.pin, party, agreement)
        return setting.pin
    number = getattr(agreement, "voucher", None)
    if number is not None:
        return _ledger_of(session, setting, caller, VoucherId(number))
    line = getattr(agreement, "line", None)
    if line is not None:
        _require_line(session, setting.pin, party, agreement, LineId(line))
    return setting.pin


def _ledger_of(session: Session, setting: Setting, caller: Caller, number: VoucherId) -> Pin:
    """The ledger that has a voucher which the caller may see; the registrar may speak of every one."""
    for pin in reversed(setting.pins):
        query = select(VoucherRow.voucher).where(
            VoucherRow.contract == pin.ledger, VoucherRow.voucher == number
        )
        if registry_settings(session, pin.registry).registrar != caller.party:
            query = query.where(sees_voucher(caller, pin))
        if session.scalar(query) is not None:
            return pin
    raise not_found("voucher")


def _require_line(session: Session, pin: Pin, party: PartyNumber, agreement: Agreement, line: LineId) -> None:
    if isinstance(agreement, GrantLine):
        if party not in (bank_of(line), agreement.issuer):
            raise line_missing(line)
        return
    row = session.get(LineRow, (pin.ledger, line))
    if row is None or party not in (row.bank, row.issuer):
        raise line_missing(line)


def _require_concerned(session: Session, pin: Pin, party: PartyNumber, agreement: RegistryAgreement) -> None:
    """A party speaks of itself, a sponsor of whom it sponsors, the registrar of everybody."""
    if registry_settings(session, pin.registry).registrar == party:
        return
    about = getattr(agreement, "party", None)
    if about is None or about == party:
        return
    row = session.get(PartyRow, (pin.registry, about))
    if row is None or row.sponsor != party:
        raise not_found("party")
