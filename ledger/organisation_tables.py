"""The tables of who works here, as SQLAlchemy 2 classes: organisations, their people, what they did.

    organisations      one row per enterprise or bank, from its application on
    invitations        links by which enterprises may apply
    people             who signs in for an organisation, and as what
    identities         who a person is to an outside provider of sign-ins
    sessions           people who are signed in
    api_clients        programs that work for an organisation
    sign_in_failures   how often somebody was refused of late, by account and by address
    request_keys       what was answered to a request that names itself, so that it is done once
    audit              who did what, each entry bound to the one before it
    audit_heads        the last entry of each organisation

Times are Unix seconds. Passwords, session tokens and client secrets are kept as hashes only. Nothing here can be made
again from the chain. No rule stands here: `ledger/negotiation/` has them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.columns import Base
from ledger.outbox_tables import SERIAL

_NAMED = text("credit_code <> ''")


def _organisation(*, key: bool = False) -> Mapped[int]:
    return mapped_column(BigInteger, ForeignKey("organisations.number"), primary_key=key, autoincrement=False)


class OrganisationRow(Base):
    """An enterprise or bank. `party`: its number on chain, NULL until it is admitted; `candidate`: the number that it
    is to have, once the registrar has offered its admission. `credit_code` is empty of a founder whose code was never
    asked.

    `status`: applied, checked (by its sponsor), admitted, rejected. Whether an admitted party is suspended is the
    chain's to say. `party_roles` are those that it is to be admitted with, as the registry writes them. `signer` are
    the whole bytes of the signer that it named, NULL where its key is to be kept here.
    """

    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("party", name="organisations_by_party"),
        UniqueConstraint("candidate", name="organisations_by_candidate"),
        Index(
            "organisations_by_code",
            "credit_code",
            unique=True,
            sqlite_where=_NAMED,
            postgresql_where=_NAMED,
        ),
        Index("organisations_by_sponsor", "sponsor", "status"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    party: Mapped[int | None]
    candidate: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(200))
    credit_code: Mapped[str] = mapped_column(String(18))
    size_class: Mapped[str] = mapped_column(String(8))
    legal_representative: Mapped[str] = mapped_column(String(100))
    bank_account: Mapped[str] = mapped_column(String(64))
    sponsor: Mapped[int | None]
    party_roles: Mapped[int] = mapped_column(Integer)
    signer: Mapped[str | None] = mapped_column(Text)
    signature_gas: Mapped[int]
    profile: Mapped[bytes | None]
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    applied_at: Mapped[int]


class InvitationRow(Base):
    """A link by which one enterprise may apply. `token` is the SHA-256 of what is in the link; `sponsor` the bank that
    is to check it; `used_by` NULL: not yet."""

    __tablename__ = "invitations"
    __table_args__ = (Index("invitations_by_organisation", "organisation"),)
    token: Mapped[bytes] = mapped_column(primary_key=True)
    organisation: Mapped[int] = _organisation()
    sponsor: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int]
    expires_at: Mapped[int]
    used_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("organisations.number"))


class PersonRow(Base):
    """Somebody who signs in for an organisation. `password` is argon2's own text, `totp` the sealed secret of a second
    factor, NULL without one; `totp_step` the time step of the last code that was taken, NULL until one was."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("login", name="people_by_login"),
        Index("people_by_organisation", "organisation"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    organisation: Mapped[int] = _organisation()
    login: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    password: Mapped[str] = mapped_column(String(160))
    roles: Mapped[list[str]] = mapped_column(JSON)
    totp: Mapped[str | None] = mapped_column(String(255))
    totp_step: Mapped[int | None]
    disabled: Mapped[bool]
    created_at: Mapped[int]


class IdentityRow(Base):
    """A person as a provider (its issuer's address) knows them, by the subject that it never gives to another."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("person", "provider", name="identities_by_person"),)
    provider: Mapped[str] = mapped_column(String(200), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    person: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.number"))
    bound_at: Mapped[int]


class SessionRow(Base):
    """Somebody signed in. `token` is the SHA-256 of what the browser keeps; `csrf` goes with every change."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_by_expiry", "expires_at"),)
    token: Mapped[bytes] = mapped_column(primary_key=True)
    person: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.number"))
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    expires_at: Mapped[int]


class ApiClientRow(Base):
    """A program that works for an organisation. `secret` is the SHA-256 of 256 random bits, which need no slow hash."""

    __tablename__ = "api_clients"
    __table_args__ = (Index("api_clients_by_organisation", "organisation"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    organisation: Mapped[int] = _organisation()
    name: Mapped[str] = mapped_column(String(100))
    secret: Mapped[bytes]
    roles: Mapped[list[str]] = mapped_column(JSON)
    disabled: Mapped[bool]
    created_at: Mapped[int]


class FailureRow(Base):
    """Refused sign-ins under one key (`account …`, `address …`) since `since`; none is tried before `closed_until`."""

    __tablename__ = "sign_in_failures"
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    since: Mapped[int]
    closed_until: Mapped[int]


class RequestRow(Base):
    """What was answered to a request that named itself, of one organisation. `body` is the SHA-256 of
    who sent what."""

    __tablename__ = "request_keys"
    __table_args__ = (Index("request_keys_by_age", "answered_at"),)
    organisation: Mapped[int] = _organisation(key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    endpoint: Mapped[str] = mapped_column(String(200))
    body: Mapped[bytes]
    answered_at: Mapped[int]
    status: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str] = mapped_column(Text)


class AuditRow(Base):
    """One act, of one organisation. `hash` covers everything else in the row, also the hash of the entry before it."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_by_subject", "organisation", "subject"),)
    organisation: Mapped[int] = _organisation(key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(100))
    act: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(100))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[bytes]
    hash: Mapped[bytes]


class AuditHeadRow(Base):
    """Where an organisation's trail ends: who adds to it holds this row."""

    __tablename__ = "audit_heads"
    organisation: Mapped[int] = _organisation(key=True)
    place: Mapped[int]
    hash: Mapped[bytes]
