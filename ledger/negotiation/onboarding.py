"""How an enterprise becomes a party: invited, applying, checked by its sponsor bank, admitted by the registrar.

    invite     a party gives an enterprise the right to apply once, by a link; a bank is the sponsor
    apply      the enterprise says who it is and how it will sign; its first person can sign in from then on
    compared   what the public register has otherwise
    check      the sponsor bank has looked at it, and takes it or not
    admission  the registrar offers the admission, which registrar, sponsor and the new signer sign
    settle     organisations whose admission has landed get their party's number

The chain's registry decides: an organisation is a party when its admission is in the rows and never earlier.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ledger.agreements import Admit, PartyNumber
from ledger.codes import check_credit_code
from ledger.credentials import Verifiers
from ledger.errors import InputError, Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, StaffRole, not_found, require
from ledger.negotiation.business_registry import (
    REGISTER,
    BusinessRegister,
    Difference,
    RegisterUnusable,
    differences,
)
from ledger.negotiation.offers import Proposal, proper_reason
from ledger.negotiation.openings import opened
from ledger.negotiation.organisations import (
    ADMITTED,
    APPLIED,
    CHECKED,
    REJECTED,
    SIZES,
    enlist,
    proper_name,
)
from ledger.negotiation.proposals import deadline
from ledger.negotiation.setting import Setting
from ledger.negotiation.signers import NamedSigner, signer_bytes
from ledger.organisation_tables import AuditHeadRow, InvitationRow, OrganisationRow
from ledger.record_rows import party_of, verifier_of
from ledger.rows import registry_settings
from ledger.tables import PartyRow, VerifierRow
from ledger.verifiers import verifiers_of
from ledger.world import Party, Role, World

INVITED_SECONDS: Final = 14 * 86_400
FIRST_NUMBER: Final = 10
"""Lower party numbers are left to founders."""
REQUESTABLE: Final = Role.ISSUER | Role.FUNDER | Role.BANK | Role.ARBITER


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who applies. `roles`: as what, besides holding vouchers."""

    name: str
    credit_code: str
    size_class: str
    legal_representative: str
    bank_account: str
    roles: Role
    signer: NamedSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPerson:
    """Who signs in for the applicant from the beginning: its signatory. `sealed`: the password's hash."""

    login: str
    name: str
    sealed: str


def invite(session: Session, setting: Setting, caller: Caller, *, name: str) -> tuple[str, InvitationRow]:
    """The word that goes into the link, which is kept as a hash only, and the invitation.

    A bank sponsors whom it invites; whom an enterprise invites is sponsored by the enterprise's own sponsor.
    """
    require(caller, Right.PROPOSE)
    party = _party(session, setting, caller.acting())
    sponsor = caller.acting() if party.roles & Role.BANK else party.sponsor
    if not sponsor:
        raise Refusal("NotAllowed", {"act": "invite", "needs": "a party with a sponsor bank"})
    token, now = secrets.token_urlsafe(32), setting.machine_clock()
    row = InvitationRow(
        token=_hash(token),
        organisation=caller.organisation,
        sponsor=int(sponsor),
        name=proper_name(name, "the enterprise's name"),
        created_at=now,
        expires_at=now + INVITED_SECONDS,
        used_by=None,
    )
    session.add(row)
    session.flush()
    audit.note(
        session, caller, "invite", subject=f"enterprise {name}", at=now, facts={"sponsor": int(sponsor)}
    )
    return token, row


def invitation_of(session: Session, setting: Setting, token: str, *, lock: bool = False) -> InvitationRow:
    """The invitation that this word is for; Refusal NotFound for one that is none, was used, or has run out."""
    row = session.get(InvitationRow, _hash(token), with_for_update=lock)
    if row is None or row.used_by is not None or row.expires_at <= setting.machine_clock():
        raise not_found("invitation")
    return row


def apply(
    session: Session,
    setting: Setting,
    invitation: str,
    applicant: Applicant,
    person: FirstPerson,
    *,
    authorities: Sequence[bytes],
) -> OrganisationRow:
    """The application, and the applicant's first person. Refusal NotFound for an invitation that is none, was used, or
    has run out; InputError for what cannot be; the credential errors for its signer."""
    now = setting.machine_clock()
    row = invitation_of(session, setting, invitation, lock=True)
    code = check_credit_code(applicant.credit_code)
    if applicant.size_class not in SIZES:
        raise InputError(f"size class: expected one of {', '.join(SIZES)}")
    if applicant.roles & ~REQUESTABLE:
        raise InputError("roles: nobody applies for this")
    known = select(OrganisationRow.number).where(OrganisationRow.credit_code == code)
    if session.scalar(known) is not None:
        raise Refusal("CodeTaken", {"code": code})
    signer = signer_bytes(
        applicant.signer,
        verifiers=listed_verifiers(session, setting),
        authorities=authorities,
        at=setting.chain_clock(),
    )
    organisation = OrganisationRow(
        party=None,
        candidate=None,
        name=proper_name(applicant.name, "the enterprise's name"),
        credit_code=code,
        size_class=applicant.size_class,
        legal_representative=proper_name(applicant.legal_representative, "the legal representative's name"),
        bank_account=applicant.bank_account,
        sponsor=row.sponsor,
        party_roles=int(applicant.roles),
        signer=None if signer.encoded is None else signer.encoded.hex(),
        signature_gas=signer.gas,
        profile=None,
        status=APPLIED,
        reason=None,
        version=1,
        applied_at=now,
    )
    session.add(organisation)
    session.flush()
    row.used_by = organisation.number
    audit.begin(session, organisation.number)
    session.flush()
    enlist(
        session,
        organisation,
        login=person.login,
        name=person.name,
        sealed=person.sealed,
        roles={StaffRole.SIGNATORY, StaffRole.OPERATOR},
        at=now,
    )
    return organisation


# Sponsor and registrar


def applications(
    session: Session, setting: Setting, caller: Caller, *, limit: int, after: int = 0
) -> list[OrganisationRow]:
    """The applications that the caller's bank is to check or has checked; for the registrar all that were checked."""
    own = OrganisationRow.sponsor == (caller.party or -1)
    if is_registrar(session, setting, caller):
        own = or_(own, OrganisationRow.status == CHECKED)
    query = select(OrganisationRow).where(own, OrganisationRow.number > after)
    return list(session.scalars(query.order_by(OrganisationRow.number).limit(limit)))


def application(
    session: Session, setting: Setting, caller: Caller, number: int, *, lock: bool = False
) -> OrganisationRow:
    """One application: the applicant's own, its sponsor's, or, once checked, the registrar's. Refusal NotFound."""
    row = session.get(OrganisationRow, number, with_for_update=lock, populate_existing=lock)
    if row is not None:
        own = row.number == caller.organisation
        sponsors = caller.party is not None and row.sponsor == caller.party
        if own or sponsors or (row.status != APPLIED and is_registrar(session, setting, caller)):
            return row
    raise not_found("application")


def is_registrar(session: Session, setting: Setting, caller: Caller) -> bool:
    """Whether the caller is of the organisation that has the registrar's office now, in that role."""
    office = registry_settings(session, setting.pin.registry).registrar
    return caller.party == office and caller.may(Right.REGISTER)


def compared(row: OrganisationRow, register: BusinessRegister | None) -> list[Difference]:
    """What the public register has otherwise. RegisterUnusable where none is configured."""
    if register is None:
        raise RegisterUnusable(
            f"no public register is configured here: whoever runs the gateway names one in {REGISTER}"
        )
    return differences(
        register, code=row.credit_code, name=row.name, legal_representative=row.legal_representative
    )


def check(
    session: Session,
    setting: Setting,
    caller: Caller,
    row: OrganisationRow,
    *,
    register: BusinessRegister | None,
) -> None:
    """The sponsor takes the application. Refusal NotRegistered where the public register does not have it,
    RegisterDiffers where it has it otherwise."""
    require(caller, Right.PROPOSE)
    if row.sponsor != caller.acting():
        raise not_found("application")
    _require_status(row, (APPLIED,))
    found = compared(row, register)
    if found and found[0].member == "code":
        raise Refusal("NotRegistered", {"code": row.credit_code})
    if found:
        facts = {"member": found[0].member, "given": found[0].given, "registered": found[0].registered}
        raise Refusal("RegisterDiffers", facts)
    _move(session, setting, caller, row, CHECKED, act="check application")


def reject(session: Session, setting: Setting, caller: Caller, row: OrganisationRow, *, reason: str) -> None:
    """Sponsor or registrar does not take it, with a reason that the applicant reads. Its code is free again."""
    require(caller, Right.PROPOSE)
    if row.number == caller.organisation:
        raise not_found("application")
    _require_status(row, (APPLIED, CHECKED))
    row.reason = proper_reason(reason)
    row.credit_code, row.legal_representative = "", ""
    _move(session, setting, caller, row, REJECTED, act="reject application")


def admission(session: Session, setting: Setting, caller: Caller, row: OrganisationRow) -> Proposal:
    """The admission of a checked applicant, to be offered by the registrar. A custodial key is drawn for it here.

    A number that an earlier admission offered is offered again, with the same key.
    """
    require(caller, Right.REGISTER)
    _require_status(row, (CHECKED,))
    if row.candidate is None:
        session.get(AuditHeadRow, caller.organisation, with_for_update=True)  # one admission after the other
        row.candidate = _next_number(session, setting)
        session.flush()
    number = PartyNumber(row.candidate)
    if row.profile is None:
        row.profile = opened(session, caller, "profile", f"{row.credit_code} {row.name}")
    if row.signer is not None:
        signer = bytes.fromhex(row.signer)
    else:
        present = setting.ring.signers(number)
        signer = bytes.fromhex((present[0] if present else setting.ring.add(number))[2:])
    agreement = Admit(
        party=number,
        roles=row.party_roles,
        sponsor=PartyNumber(row.sponsor or 0),
        signature_gas=row.signature_gas,
        profile=row.profile,
        deadline=deadline(setting, None),
        signer=signer,
    )
    return Proposal(agreement=agreement, pin=setting.pin)


def settle(session: Session, setting: Setting) -> int:
    """Organisations whose admission is in the rows become parties; gives how many. A profile that is another one's says
    that somebody else was admitted under the number: then it stays a candidate for a new one."""
    registry = setting.pin.registry
    query = (
        select(OrganisationRow, PartyRow.profile)
        .join(PartyRow, (PartyRow.contract == registry) & (PartyRow.party == OrganisationRow.candidate))
        .where(OrganisationRow.status == CHECKED)
    )
    count = 0
    for row, profile in session.execute(query):
        if profile == row.profile:
            row.party, row.status, row.version = row.candidate, ADMITTED, row.version + 1
            count += 1
        else:
            row.candidate = None
    session.flush()
    return count


def listed_verifiers(session: Session, setting: Setting) -> Verifiers:
    """The verifiers on the registry's allow-list."""
    rows = session.scalars(select(VerifierRow).where(VerifierRow.contract == setting.pin.registry))
    return verifiers_of(World(verifiers={row.verifier: verifier_of(row) for row in rows}))


# Inside


def _next_number(session: Session, setting: Setting) -> int:
    """The lowest number above all that are given or offered."""
    registry = setting.pin.registry
    given = session.scalar(select(func.max(PartyRow.party)).where(PartyRow.contract == registry)) or 0
    meant = session.scalar(select(func.max(OrganisationRow.candidate))) or 0
    return max(int(given), int(meant), FIRST_NUMBER - 1) + 1


def _require_status(row: OrganisationRow, allowed: Collection[str]) -> None:
    if row.status not in allowed:
        raise Refusal("ApplicationClosed", {"organisation": row.number, "status": row.status})


def _move(
    session: Session, setting: Setting, caller: Caller, row: OrganisationRow, status: str, *, act: str
) -> None:
    at = setting.machine_clock()
    row.status, row.version = status, row.version + 1
    session.flush()
    audit.note(session, caller, act, subject=f"organisation {row.number}", at=at, facts={"status": status})


def _party(session: Session, setting: Setting, number: PartyNumber) -> Party:
    row = session.get(PartyRow, (setting.pin.registry, number))
    if row is None:
        raise Refusal("UnknownParty", {"party": int(number)})
    return party_of(row)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
