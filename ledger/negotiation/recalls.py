"""Offers that are taken back, and those whose time has run out.

    stop     a reviewer of the maker ends an offer that the maker has not signed
    recall   at once where the maker's signature never left this system; else the maker revokes on the chain
    sweep    marks what has expired, been recalled, or come to its end, so that it need not be looked at again

A signature that a key kept here made stands in our database and is given to nobody: no door hands out consents. So an
agreement that lacks only such a signature's release cannot land, and taking it back is ours to say. One that was made
elsewhere may be in anybody's hands: then only the contract can void it. `revokeIssue` spends an issue's id; `revoke`
moves on the voucher's sequence.
"""

from __future__ import annotations

from sqlalchemy import Update, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from ledger.agreements import Agreement, Issue, Revoke, RevokeIssue
from ledger.calendar import Timestamp
from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, require
from ledger.negotiation.offer_order import in_order
from ledger.negotiation.offers import (
    COMPLETE,
    CUSTODIAL,
    EXPIRED,
    OPEN,
    RECALLED,
    RECALLING,
    Proposal,
    changed,
    end,
    make,
    proper_reason,
    proposal_of,
    require_open,
)
from ledger.negotiation.proposals import deadline
from ledger.negotiation.reviews import to_review
from ledger.negotiation.setting import Setting, domain_of
from ledger.offer_tables import OfferRow
from ledger.outbox import FINAL, GONE
from ledger.outbox_tables import OutboxRow
from ledger.signing import promise_id
from ledger.tables import VoucherRow


def recall(session: Session, setting: Setting, caller: Caller, offer: OfferRow, *, reason: str) -> bool:
    """The maker takes its offer back; whether that is done, or waits for its revocation to land.

    The revocation is an offer too, which the maker signs by the key that is not kept here. Where it came to nothing
    (the chain refused it, it ran out, the maker took it back), the offer is recalled again. Refusal OfferClosed;
    NotAllowed for another organisation's offer, and for what the maker cannot revoke.
    """
    require(caller, Right.SIGN)
    if offer.organisation != caller.organisation:
        raise Refusal("NotAllowed", {"act": "recall", "needs": "whoever made the offer"})
    again = offer.status == RECALLING and _came_to_nothing(session, setting, offer)
    if not again:
        require_open(offer, now=setting.chain_clock())
    party, at, said = caller.acting(), setting.machine_clock(), proper_reason(reason)
    together = in_order(session, offer)
    signed = [row for each in together for row in each.signatures if row.party == party]
    at_once = not again and all(row.made == CUSTODIAL for row in signed if row.consent is not None)
    for each in together:
        each.reason = said
        if at_once:
            end(each, RECALLED, at=at)
        else:
            each.status = RECALLING
            changed(each, at)
    if not at_once:
        session.flush()  # what makes the part voids its sale with it
        revocation = make(session, setting, caller, _revocation(session, setting, caller, together[0]))
        for each in together:
            each.recalled_by = revocation.number
    facts = {"reason": offer.reason, "at once": at_once}
    audit.note(session, caller, "recall", subject=f"offer {offer.id}", at=at, facts=facts)
    return at_once


def stop(session: Session, setting: Setting, caller: Caller, offer: OfferRow, *, reason: str) -> None:
    """A reviewer of the maker ends an open offer that waits for a review, and so is not signed by the maker, with a
    reason. The errors of `reviews.review`."""
    to_review(session, caller, offer)
    offer.reason = proper_reason(reason)
    end(offer, RECALLED, at=setting.machine_clock())
    facts = {"reason": offer.reason}
    audit.note(session, caller, "stop", subject=f"offer {offer.id}", at=offer.changed_at, facts=facts)


def _came_to_nothing(session: Session, setting: Setting, offer: OfferRow) -> bool:
    """Whether the offer's revocation will not land any more."""
    revocation = session.get(OfferRow, offer.recalled_by or 0)
    if revocation is None:
        return True
    if revocation.status == COMPLETE:
        item = session.get(OutboxRow, revocation.item or 0)
        return item is not None and item.status in GONE
    return revocation.status != OPEN or revocation.expires_at < setting.chain_clock()


def _revocation(session: Session, setting: Setting, caller: Caller, offer: OfferRow) -> Proposal:
    """What voids the offered agreement on the chain."""
    offered = proposal_of(session, setting, offer)
    # No second one is word for word the first, which may have been refused.
    until, agreement = Timestamp(deadline(setting, None) - offer.version), offered.agreement
    if isinstance(agreement, Issue):
        number = promise_id(agreement, domain_of(agreement, offered.pin))
        revoking: Agreement = RevokeIssue(number, caller.acting(), until)
        return Proposal(agreement=revoking, pin=offered.pin, issued=agreement)
    if offer.voucher is None:
        raise Refusal("NotAllowed", {"act": "recall", "needs": "an agreement that a revocation can void"})
    sequence = int(getattr(agreement, "sequence", 0))
    return Proposal(agreement=Revoke(offer.voucher, sequence, until), pin=offered.pin)


def sweep(session: Session, *, now: int, at: int) -> int:
    """Marks open offers whose deadline has passed, recalls that have landed, and complete ones that are final; gives
    how many. `now`: the chain's time; `at`: the machine's."""
    lapsed = update(OfferRow).where(OfferRow.status.in_((OPEN, RECALLING)), OfferRow.expires_at < now)
    count = _count(
        session, lapsed.values(status=EXPIRED, closed=True, version=OfferRow.version + 1, changed_at=at)
    )
    settled = exists().where(OutboxRow.number == OfferRow.item, OutboxRow.status.in_((FINAL, *GONE)))
    done = update(OfferRow).where(OfferRow.status == COMPLETE, ~OfferRow.closed, settled)
    in_rows = exists().where(VoucherRow.contract == OfferRow.contract, VoucherRow.voucher == OfferRow.root)
    gone = exists().where(OutboxRow.number == OfferRow.item, OutboxRow.status.in_(GONE))
    count += _count(session, done.where(or_(OfferRow.root.is_(None), in_rows, gone)).values(closed=True))
    revocation = aliased(OfferRow)
    voided = (
        select(revocation.number)
        .join(OutboxRow, OutboxRow.number == revocation.item)
        .where(OutboxRow.status == FINAL)
    )
    recalled = update(OfferRow).where(OfferRow.status == RECALLING, OfferRow.recalled_by.in_(voided))
    return count + _count(
        session,
        recalled.values(status=RECALLED, closed=True, version=OfferRow.version + 1, changed_at=at),
    )


def _count(session: Session, statement: Update) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]
