"""The public register asked about every admitted enterprise, each night: who has lost its licence there is suspended.

The suspension is the registrar's offer, signed at once where the registrar's key is kept here; else it waits for that
signature. Each enterprise is one transaction, and whoever is suspended, or about to be, is left alone: so this can be
killed at any point and run again. Nobody is reinstated by it: that is for a person to decide.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber
from ledger.calendar import Day, Timestamp, day_of
from ledger.errors import InputError, Refusal, TallystickError
from ledger.negotiation.access import Caller, StaffRole
from ledger.negotiation.business_registry import BusinessRegister, RegisterUnusable
from ledger.negotiation.offers import COMPLETE, OPEN, make, sign
from ledger.negotiation.setting import Setting
from ledger.negotiation.standing import suspension
from ledger.offer_tables import OfferRow
from ledger.organisation_tables import OrganisationRow
from ledger.rows import registry_settings
from ledger.store import Store
from ledger.tables import PartyRow
from ledger.world import Status

LOG: Final = logging.getLogger("ledger.register")
LOOK_SECONDS: Final = 60.0
LOST: Final = ("revoked", "deregistered")
"""What the register says of an enterprise that may not go on."""
MOST_UNASKED: Final = 5
"""After so many enterprises in a row that it would not speak of, the register is left alone until the next night."""


class Outcome(StrEnum):
    """What was done about an enterprise that is not as it should be."""

    SUSPENDED = "suspended"
    """Signed by the registrar's key, and on its way."""
    OFFERED = "offered"
    """Waits for the registrar to sign."""
    UNDER_WAY = "under way"
    """Was offered before, and has not landed yet."""
    REFUSED = "refused"
    """A rule is against it now."""
    UNKNOWN = "unknown"
    """The register does not know the enterprise: for a person to look at."""
    UNASKED = "unasked"
    """The register gave no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One enterprise that is not as it should be. `status`: the word; `why`: of a refusal or of no answer."""

    party: PartyNumber
    name: str
    code: str
    status: str
    outcome: Outcome
    why: str = ""


def check_register(store: Store, setting: Setting, register: BusinessRegister) -> list[Finding]:
    """Asks about all who are admitted and not suspended. InputError where the registrar has no organisation here."""
    with store.reading() as session:
        registrar = _registrar(session, setting)
        enterprises = _enterprises(session, setting)
    found: list[Finding] = []
    in_vain = 0
    for each in enterprises:
        party = PartyNumber(each.party or 0)
        try:
            known = register.look_up(each.credit_code)
            in_vain = 0
        except RegisterUnusable as away:
            found.append(_finding(each, "", Outcome.UNASKED, str(away)))
            in_vain += 1
            if in_vain == MOST_UNASKED:
                break
            continue
        if known is None:
            found.append(_finding(each, "", Outcome.UNKNOWN))
        elif known.status in LOST:
            outcome, why = _suspend(store, setting, registrar, party, status=known.status)
            found.append(_finding(each, known.status, outcome, why))
    return found


def _suspend(
    store: Store, setting: Setting, registrar: Caller, party: PartyNumber, *, status: str
) -> tuple[Outcome, str]:
    try:
        with store.writing() as session:
            if _is_under_way(session, party):
                return Outcome.UNDER_WAY, ""
            reason = f"public register: {status}"
            proposal = suspension(session, setting, registrar, party, reason=reason, valid_until=None)
            offer = make(session, setting, registrar, proposal)
            try:
                sign(session, setting, registrar, offer)
            except Refusal as not_here:
                if not_here.name != "NoCustodialKey":
                    raise
                return Outcome.OFFERED, ""
            return Outcome.SUSPENDED, ""
    except Refusal as against:
        return Outcome.REFUSED, against.name


def _is_under_way(session: Session, party: PartyNumber) -> bool:
    query = select(OfferRow.agreement).where(
        OfferRow.verb == "suspend", OfferRow.status.in_((OPEN, COMPLETE)), ~OfferRow.closed
    )
    return any(agreement["party"] == party for agreement in session.scalars(query))


def _registrar(session: Session, setting: Setting) -> Caller:
    number = registry_settings(session, setting.pin.registry).registrar
    row = session.scalar(select(OrganisationRow).where(OrganisationRow.party == number))
    if row is None:
        raise InputError(f"the registrar, party {number}, has no organisation here: enlist somebody for it")
    roles = frozenset({StaffRole.REGISTRAR, StaffRole.SIGNATORY})
    return Caller(organisation=row.number, party=number, who="register check", roles=roles, name=row.name)


def _enterprises(session: Session, setting: Setting) -> Sequence[OrganisationRow]:
    query = (
        select(OrganisationRow, PartyRow.status)
        .join(
            PartyRow, (PartyRow.contract == setting.pin.registry) & (PartyRow.party == OrganisationRow.party)
        )
        .where(OrganisationRow.credit_code != "")
        .order_by(OrganisationRow.number)
    )
    return [row for row, status in session.execute(query) if not status & Status.SUSPENDED]


def _finding(row: OrganisationRow, status: str, outcome: Outcome, why: str = "") -> Finding:
    return Finding(
        party=PartyNumber(row.party or 0),
        name=row.name,
        code=row.credit_code,
        status=status,
        outcome=outcome,
        why=why,
    )


def serve(
    store: Store,
    setting: Setting,
    register: BusinessRegister,
    *,
    stop: threading.Event,
    pause: float = LOOK_SECONDS,
) -> None:
    """Checks at once and on each new day (China time) until it is told to stop, and logs what it finds."""
    checked: Day | None = None
    while True:
        today = day_of(Timestamp(setting.machine_clock()))
        if today != checked:
            try:
                for each in check_register(store, setting, register):
                    LOG.warning(
                        "register check: %s %s: %s %s", each.code, each.status, each.outcome, each.why
                    )
                checked = today
            except TallystickError as waiting:
                LOG.warning("the register check waits: %s", waiting)
        if stop.wait(pause):
            return
