"""Who may do what, and who sees what: the one place of both.

    Caller      who is asking: somebody of an organisation, or a program of it
    require     that a caller's roles allow an act
    sees_*      which rows a caller may see, as a condition of a query
    by_letter   whose eyes a letter of authorisation lends to a caller

What is not there and what is not the caller's are told apart nowhere: both are `NotFound`. A supplier sees the
vouchers that it holds or held, the hops in which it took part and the offers that name it. An issuer sees what it
promised, a bank what stands under its lines. Within an organisation everybody who may read reads everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, false, or_, select
from sqlalchemy.orm import Session

from ledger.agreements import LineId, PartyNumber
from ledger.calendar import Day
from ledger.document_tables import LetterRow
from ledger.errors import Refusal
from ledger.offer_tables import OfferRow, SignatureRow
from ledger.organisation_tables import OrganisationRow
from ledger.pin import Pin
from ledger.tables import HistoryRow, LineRow, PromiseRow, VoucherRow

Value = int | str | BindParameter[Any]
NOBODY: Final = -1
"""No party has this number, and no column says it of a voucher that nobody holds."""


class StaffRole(StrEnum):
    """What somebody is for their organisation; a program's scopes are the same words."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    SIGNATORY = "signatory"
    REGISTRAR = "registrar"
    AUDITOR = "auditor"
    PARTNER = "partner"


class Right(StrEnum):
    """What an act needs."""

    READ = "read"
    PROPOSE = "propose"
    CHECK = "check"
    SIGN = "sign"
    MANAGE = "manage"
    AUDIT = "audit"
    REGISTER = "register"
    TRAVEL = "travel"


_S = StaffRole
_HAVE: Final = MappingProxyType(
    {
        Right.READ: frozenset(_S),
        Right.PROPOSE: frozenset({_S.OPERATOR, _S.SIGNATORY, _S.REGISTRAR}),
        Right.CHECK: frozenset({_S.REVIEWER}),
        Right.SIGN: frozenset({_S.SIGNATORY}),
        Right.MANAGE: frozenset({_S.SIGNATORY}),
        Right.AUDIT: frozenset({_S.AUDITOR, _S.SIGNATORY}),
        Right.REGISTER: frozenset({_S.REGISTRAR}),
        Right.TRAVEL: frozenset({_S.PARTNER}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is asking. `who` names the person or program for the audit trail; `party` is None before admission, and
    `candidate` the number that the registrar has offered to admit it under."""

    organisation: int
    party: PartyNumber | None
    who: str
    roles: frozenset[StaffRole]
    name: str = ""
    candidate: PartyNumber | None = None

    def may(self, right: Right) -> bool:
        """Whether the roles allow it."""
        return bool(self.roles & _HAVE[right])

    def acting(self) -> PartyNumber:
        """The party that the caller acts for; Refusal NotAdmitted before the organisation is one."""
        if self.party is None:
            raise Refusal("NotAdmitted", {"organisation": self.organisation})
        return self.party


def require(caller: Caller, right: Right) -> None:
    """Refusal NotAllowed, naming the roles that would do."""
    if not caller.may(right):
        needs = ", ".join(sorted(_HAVE[right]))
        raise Refusal("NotAllowed", {"act": str(right), "needs": needs})


def not_found(what: str) -> Refusal:
    """Nothing of the caller's has this id, whether or not somebody else's has."""
    return Refusal("NotFound", {"what": what})


def sees_offer(caller: Caller) -> ColumnElement[bool]:
    """Offers that the caller's organisation made, and those that want its party's consent."""
    return _sees_offer(caller.organisation, caller.party or caller.candidate or NOBODY)


def _sees_offer(organisation: Value, party: Value) -> ColumnElement[bool]:
    asked = exists().where(SignatureRow.offer == OfferRow.number, SignatureRow.party == party)
    return or_(OfferRow.organisation == organisation, asked)


def sees_line(caller: Caller) -> ColumnElement[bool]:
    """A bank's own lines, an issuer's own lines."""
    if caller.party is None:
        return false()
    return or_(LineRow.bank == caller.party, LineRow.issuer == caller.party)


def sees_voucher(caller: Caller, pin: Pin) -> ColumnElement[bool]:
    """Vouchers that the party holds, held, was or is to fund or has in pledge; that it promised; that stand under its
    lines."""
    return _sees_voucher(caller.party or NOBODY, pin.ledger)


def _sees_voucher(party: Value, ledger: Value) -> ColumnElement[bool]:
    took_part = exists().where(
        HistoryRow.contract == VoucherRow.contract,
        HistoryRow.voucher == VoucherRow.voucher,
        or_(HistoryRow.holder == party, and_(HistoryRow.name.in_(_CONCERNING), HistoryRow.party == party)),
    )
    return or_(VoucherRow.holder == party, _owes(party, ledger), took_part)


def _owes(party: Value, ledger: Value) -> ColumnElement[bool]:
    """Vouchers under a promise that the party made, or under a line that it granted."""
    lines = select(LineRow.line).where(LineRow.contract == ledger, LineRow.bank == party)
    promises = select(PromiseRow.promise).where(
        PromiseRow.contract == ledger, or_(PromiseRow.issuer == party, PromiseRow.line.in_(lines))
    )
    return VoucherRow.promise.in_(promises)


def asking(caller: Caller, pin: Pin | None = None) -> dict[str, Any]:
    """The parameters of `SEES_OFFER` and, with a pin, of `SEES_VOUCHER`."""
    party = caller.party or caller.candidate if pin is None else caller.party
    known = {"caller_organisation": caller.organisation, "caller_party": party or NOBODY}
    return known if pin is None else {**known, "caller_ledger": pin.ledger}


_CONCERNING: Final = ("Discounted", "VoucherPledged", "PaymentAsserted")
"""Events whose party takes part in the voucher's life without holding it. Who gets a part takes part in that part."""


_PARTY: Final[BindParameter[Any]] = bindparam("caller_party")
SEES_OFFER: Final = _sees_offer(bindparam("caller_organisation"), _PARTY)
"""`sees_offer` in a statement that is built once, which takes less time than to build one for each request."""
SEES_VOUCHER: Final = _sees_voucher(_PARTY, bindparam("caller_ledger"))
"""The same of `sees_voucher`."""


def by_letter(session: Session, caller: Caller, number: str, *, today: Day) -> Caller:
    """Whoever granted the caller's organisation this letter of authorisation, with the right to read and no other.

    Refusal NotFound for a letter that is another's, has run out, was revoked, or is none: the same answer.
    """
    require(caller, Right.READ)
    row = session.execute(
        select(OrganisationRow)
        .join(LetterRow, LetterRow.organisation == OrganisationRow.number)
        .where(
            LetterRow.id == number,
            LetterRow.reader == caller.organisation,
            LetterRow.revoked_at.is_(None),
            LetterRow.last_day >= today,
        )
    ).scalar_one_or_none()
    if row is None or row.party is None:
        raise not_found("letter")
    return Caller(
        organisation=row.number,
        party=PartyNumber(row.party),
        who=caller.who,
        roles=frozenset({StaffRole.PARTNER}),
        name=row.name,
    )


def line_missing(line: LineId) -> Refusal:
    """A line that is not there, or not the caller's: the same answer."""
    return Refusal("UnknownLine", {"line": int(line)})
