"""Transfers to enterprises that are not admitted yet: the voucher waits, and nothing of it stands on the chain.

    wait_for   a holder invites an enterprise, and says what is to go to it once it is a party
    withdraw   takes that back
    look       what waits behind an invitation, in general words
    go_on      makes the offers whose enterprise has been admitted

Until the enterprise is admitted the voucher is the holder's, who may pass it on, sell it or split it meanwhile: then
the offer cannot be made, and says why. Nothing has to come back when the time has run out, because nothing was given.
The offer is made in the name of who asked for it, with what they may do by then: who has left makes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.errors import InputError, Refusal
from ledger.money import Fen
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.offers import make, sign
from ledger.negotiation.onboarding import invitation_of, invite
from ledger.negotiation.organisations import ADMITTED
from ledger.negotiation.proposals import InvoiceUse, deadline, held, transfer
from ledger.negotiation.setting import Setting
from ledger.negotiation.sign_in import present_caller
from ledger.offer_tables import OfferRow, WaitingTransferRow
from ledger.organisation_tables import AuditHeadRow, InvitationRow, OrganisationRow

WAITING_DAYS: Final = 30
"""How long it waits unless its maker says otherwise, to the end of this many days from today."""
MOST_AT_ONCE: Final = 50
WAITING, APPLIED, OFFERED = "waiting", "applied", "offered"
REFUSED, WITHDRAWN, EXPIRED = "refused", "withdrawn", "expired"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transfer that waits, or waited. `offer`: what came of it; `refused`: why nothing did."""

    row: WaitingTransferRow
    name: str
    status: str
    offer: str | None
    refused: Refusal | InputError | None


def wait_for(
    session: Session,
    setting: Setting,
    caller: Caller,
    voucher: VoucherId,
    *,
    name: str,
    invoices: Sequence[InvoiceUse],
    sign_then: bool,
    valid_until: Day | None,
) -> tuple[str, WaitingTransferRow]:
    """The word for the link, which is kept as a hash only, and the transfer. `sign_then`: by the key that is kept here,
    once the offer is made. Refusal NotFound for a voucher that the caller does not hold; TransferWaiting where it waits
    already."""
    require(caller, Right.SIGN if sign_then else Right.PROPOSE)
    _, present = held(session, setting, caller, voucher)
    now = setting.chain_clock()
    session.get(AuditHeadRow, caller.organisation, with_for_update=True)  # one after the other
    open_one = session.scalar(
        select(WaitingTransferRow.id).where(
            WaitingTransferRow.organisation == caller.organisation,
            WaitingTransferRow.voucher == voucher,
            ~WaitingTransferRow.ended,
            WaitingTransferRow.expires_at >= now,
        )
    )
    if open_one is not None:
        raise Refusal("TransferWaiting", {"transfer": open_one})
    if present.face == 0:
        raise not_found("voucher")
    until = deadline(setting, Day(setting.today + WAITING_DAYS) if valid_until is None else valid_until)
    token, invitation = invite(session, setting, caller, name=name)
    row = WaitingTransferRow(
        id=uuid4().hex,
        organisation=caller.organisation,
        who=caller.who,
        voucher=voucher,
        invitation=invitation.token,
        invoices=[[use.number, use.amount, use.total] for use in invoices],
        sign_then=sign_then,
        expires_at=until,
        ended=False,
        offer=None,
        problem=None,
        created_at=setting.machine_clock(),
    )
    session.add(row)
    session.flush()
    facts = {"transfer": row.id}
    audit.note(session, caller, "wait", subject=f"transfer {row.id}", at=row.created_at, facts=facts)
    return token, row


def withdraw(session: Session, setting: Setting, caller: Caller, transfer_id: str) -> WaitingTransferRow:
    """The holder takes it back; Refusal TransferEnded where there is nothing to take back any more."""
    require(caller, Right.PROPOSE)
    query = _own(caller, transfer_id).with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise not_found("transfer")
    if row.ended or row.expires_at < setting.chain_clock():
        raise Refusal("TransferEnded", {"transfer": row.id})
    row.ended = True
    session.flush()
    audit.note(session, caller, "withdraw", subject=f"transfer {row.id}", at=setting.machine_clock())
    return row


def seen(
    session: Session,
    setting: Setting,
    caller: Caller,
    *,
    limit: int,
    before: int | None = None,
    only: str | None = None,
) -> list[Waiting]:
    """A page of the organisation's transfers of this kind, the newest first, in one query."""
    query = (
        select(WaitingTransferRow, InvitationRow, OfferRow.id)
        .join(InvitationRow, InvitationRow.token == WaitingTransferRow.invitation)
        .outerjoin(OfferRow, OfferRow.number == WaitingTransferRow.offer)
        .where(WaitingTransferRow.organisation == caller.organisation)
        .order_by(WaitingTransferRow.number.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(WaitingTransferRow.number < before)
    if only is not None:
        query = query.where(WaitingTransferRow.id == only)
    return [_waiting(setting, row, invited, offer) for row, invited, offer in session.execute(query)]


def one(session: Session, setting: Setting, caller: Caller, transfer_id: str) -> Waiting:
    """One of them; Refusal NotFound."""
    found = seen(session, setting, caller, limit=1, only=transfer_id)
    if not found:
        raise not_found("transfer")
    return found[0]


def look(session: Session, setting: Setting, token: str) -> tuple[str, bool]:
    """Who invites, and whether a voucher waits; nothing of what it is. Refusal NotFound for an invitation that is none,
    was used, or has run out."""
    invitation = invitation_of(session, setting, token)
    waits = exists().where(
        WaitingTransferRow.invitation == invitation.token,
        ~WaitingTransferRow.ended,
        WaitingTransferRow.expires_at >= setting.chain_clock(),
    )
    name = session.get_one(OrganisationRow, invitation.organisation).name
    return name, bool(session.scalar(select(waits)))


def go_on(session: Session, setting: Setting) -> int:
    """Makes the offers of those whose enterprise is a party by now; gives how many were made or refused.

    Each is tried once. Who holds the row makes the offer, so that of two processes one does.
    """
    query = (
        select(WaitingTransferRow, OrganisationRow.party)
        .join(InvitationRow, InvitationRow.token == WaitingTransferRow.invitation)
        .join(OrganisationRow, OrganisationRow.number == InvitationRow.used_by)
        .where(
            ~WaitingTransferRow.ended,
            WaitingTransferRow.expires_at >= setting.chain_clock(),
            OrganisationRow.status == ADMITTED,
        )
        .order_by(WaitingTransferRow.number)
        .limit(MOST_AT_ONCE)
        .with_for_update(of=WaitingTransferRow, skip_locked=True)
    )
    rows = [(row, PartyNumber(party)) for row, party in session.execute(query) if party is not None]
    for row, recipient in rows:
        row.ended = True
        try:
            with session.begin_nested():
                row.offer = _offer(session, setting, row, recipient).number
        except (Refusal, InputError) as error:
            row.problem = (
                {"name": error.name, "facts": error.facts}
                if isinstance(error, Refusal)
                else {"said": str(error)}
            )
    session.flush()
    return len(rows)


def _offer(session: Session, setting: Setting, row: WaitingTransferRow, recipient: PartyNumber) -> OfferRow:
    caller = present_caller(session, row.organisation, row.who)
    if caller is None:
        raise Refusal("NotAllowed", {"act": "transfer", "needs": "whoever asked for it"})
    uses = [InvoiceUse(number, Fen(amount), Fen(total)) for number, amount, total in row.invoices]
    proposal = transfer(
        session,
        setting,
        caller,
        row.voucher,
        recipient=recipient,
        invoices=uses,
        overdue=False,
        valid_until=None,
    )
    made = make(session, setting, caller, proposal)
    if row.sign_then:
        sign(session, setting, caller, made)
    return made


def _own(caller: Caller, transfer_id: str) -> Select[WaitingTransferRow]:
    return select(WaitingTransferRow).where(
        WaitingTransferRow.id == transfer_id, WaitingTransferRow.organisation == caller.organisation
    )


def _waiting(setting: Setting, row: WaitingTransferRow, invited: InvitationRow, offer: str | None) -> Waiting:
    kept, refused = row.problem, None
    if kept is not None:
        refused = Refusal(kept["name"], kept["facts"]) if "name" in kept else InputError(kept["said"])
    unused = invited.used_by is None
    late = row.expires_at < setting.chain_clock() or (
        unused and invited.expires_at <= setting.machine_clock()
    )
    if offer is not None:
        status = OFFERED
    elif refused is not None:
        status = REFUSED
    elif row.ended:
        status = WITHDRAWN
    elif late:
        status = EXPIRED
    else:
        status = WAITING if unused else APPLIED
    return Waiting(row, invited.name, status, offer, refused)
