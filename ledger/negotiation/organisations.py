"""Organisations and their people: founded with the installation, or applying to be admitted.

    found       an organisation of a party that is on the chain already
    enlist      somebody who signs in for it
    names_of    what parties are called
    accounts_of on which account each is paid

A name is what people read beside a party's number: it is printable, of one writing, without blanks at its ends, and is
kept as it was given. Whether a party is suspended is asked of the chain's rows and stands in no table here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber
from ledger.codes import check_credit_code
from ledger.errors import InputError
from ledger.money import shown
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, StaffRole
from ledger.organisation_tables import OrganisationRow, PersonRow

ACCOUNT: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z -]{0,32}[0-9A-Za-z])?")
"""A bank account's number: as long as payment instructions take it."""
APPLIED, CHECKED, ADMITTED, REJECTED = "applied", "checked", "admitted", "rejected"
SIZES: Final = ("large", "medium", "small", "micro")
"""Classes of enterprises by size, as the statistics office names them."""
LONGEST_NAME: Final = 100
LONGEST_LOGIN: Final = 64


def found(
    session: Session,
    *,
    party: PartyNumber,
    name: str,
    at: int,
    credit_code: str = "",
    size_class: str = "large",
    bank_account: str = "",
    sponsor: PartyNumber | None = None,
) -> OrganisationRow:
    """An organisation of an admitted party. InputError for a name or a code that cannot be, and where the party has one
    already."""
    if session.scalar(select(OrganisationRow.number).where(OrganisationRow.party == party)) is not None:
        raise InputError(f"party {party} has an organisation already: enlist people for that one")
    row = OrganisationRow(
        party=party,
        candidate=None,
        name=proper_name(name, "the organisation's name"),
        credit_code=check_credit_code(credit_code) if credit_code else "",
        size_class=size_class,
        legal_representative="",
        bank_account=bank_account,
        sponsor=sponsor,
        party_roles=0,
        signer=None,
        signature_gas=0,
        profile=None,
        status=ADMITTED,
        reason=None,
        version=1,
        applied_at=at,
    )
    session.add(row)
    session.flush()
    audit.begin(session, row.number)
    session.flush()
    return row


def enlist(
    session: Session,
    organisation: OrganisationRow,
    *,
    login: str,
    name: str,
    sealed: str,
    roles: Collection[StaffRole],
    at: int,
    by: Caller | None = None,
) -> PersonRow:
    """Somebody new. `sealed`: the password's hash (`Passwords.sealed`, which takes its time: outside of transactions).

    InputError for a login that is taken or cannot be typed, and where there is no role.
    """
    login = proper_login(login)
    taken = InputError(f"login {shown(login)} is taken: give another one")
    if session.scalar(select(PersonRow.number).where(PersonRow.login == login)) is not None:
        raise taken
    if not roles:
        raise InputError(f"say what {shown(login)} is to be: {', '.join(StaffRole)}")
    row = PersonRow(
        organisation=organisation.number,
        login=login,
        name=proper_name(name, "a person's name"),
        password=sealed,
        roles=sorted(str(role) for role in roles),
        totp=None,
        totp_step=None,
        disabled=False,
        created_at=at,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:  # at this very moment
        raise taken from None
    system = Caller(organisation=organisation.number, party=None, who="operator", roles=frozenset())
    audit.note(
        session,
        by or system,
        "enlist",
        subject=f"person {row.number}",
        at=at,
        facts={"login": login, "roles": row.roles},
    )
    return row


def give_account(session: Session, organisation: OrganisationRow, account: str, *, at: int) -> None:
    """Sets the bank account that the organisation is paid at and pays from; by whoever runs the installation, for no
    one in the organisation may do so alone. InputError for what is no number of an account."""
    if not ACCOUNT.fullmatch(account):
        raise InputError(
            f"account {shown(account)}: give 1 to 34 letters and digits as the bank writes it, with spaces or - between"
        )
    before, organisation.bank_account = organisation.bank_account, account
    session.flush()
    system = Caller(organisation=organisation.number, party=None, who="operator", roles=frozenset())
    subject = f"organisation {organisation.number}"
    audit.note(
        session, system, "give account", subject=subject, at=at, facts={"account": account, "before": before}
    )


def names_of(session: Session, parties: Sequence[int]) -> Mapping[PartyNumber, str]:
    """The names of those parties that have an organisation here."""
    found = session.execute(_NAMES, {"parties": sorted(set(parties))})
    return {PartyNumber(int(party or 0)): name for party, name in found}


def parties_of(session: Session, organisations: Iterable[int]) -> Mapping[int, tuple[PartyNumber, str]]:
    """The parties that these organisations are, with their names, by the organisations' numbers."""
    query = select(_KNOWN.number, _KNOWN.party, _KNOWN.name).where(
        _KNOWN.number.in_(sorted(set(organisations))), _KNOWN.party.is_not(None)
    )
    return {number: (PartyNumber(party), name) for number, party, name in session.execute(query)}


_KNOWN: Final = OrganisationRow.__table__.c
_NAMES: Final = select(_KNOWN.party, _KNOWN.name).where(
    _KNOWN.party.in_(bindparam("parties", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a party is to be paid as: its organisation's name, and the account that it gave."""

    name: str
    number: str


def accounts_of(session: Session, parties: Sequence[int]) -> Mapping[PartyNumber, Account]:
    """The accounts of those parties that have an organisation here."""
    query = select(OrganisationRow.party, OrganisationRow.name, OrganisationRow.bank_account)
    found = session.execute(query.where(OrganisationRow.party.in_(set(parties))))
    return {PartyNumber(int(party or 0)): Account(name, number) for party, name, number in found}


def proper_name(text: str, what: str) -> str:
    """The name as it was given; InputError where it is empty, too long, or would read as something else."""
    if not text or text != text.strip() or len(text) > LONGEST_NAME:
        raise InputError(
            f"{what} {shown(text)}: give 1 to {LONGEST_NAME} characters without blanks at the ends"
        )
    for sign in text:
        # Controls, format marks (changes of writing direction, joiners), surrogates, private use, line ends.
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise InputError(
                f"{what} {shown(text)} contains U+{ord(sign):04X}, which nobody can see: leave it away"
            )
    if unicodedata.normalize("NFC", text) != text:
        raise InputError(
            f"{what} {shown(text)} is written with combining marks: give it in composed form (NFC)"
        )
    if text.isdecimal():
        raise InputError(f"{what} {shown(text)}: a name is no number")
    return text


def proper_login(text: str) -> str:
    """Small ASCII letters, digits, point, dash, underscore and @; InputError for anything else."""
    fits = 0 < len(text) <= LONGEST_LOGIN and all(
        sign in "abcdefghijklmnopqrstuvwxyz0123456789.-_@" for sign in text
    )
    if not fits:
        raise InputError(
            f"login {shown(text)}: give 1 to {LONGEST_LOGIN} of the letters a to z, digits, and . - _ @"
        )
    return text
