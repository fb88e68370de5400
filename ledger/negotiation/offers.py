"""Offers: agreements that not all have signed yet.

    make        somebody proposes an agreement; an issue reserves its line
    sign        a party consents; the last consent puts the agreement into the outbox, in the same transaction
    decline     a party that was asked says no
    found       an offer by its id, as far as the caller may see it

Whether the agreement may happen is asked of `ledger.voucher` before it is offered and again before each signature, so
that nobody signs what the contract would refuse as things stand; what stands differently when it lands is the
contract's to say, and comes back with the item. Errors have the contract's names and facts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from ledger import voucher as rules
from ledger.agreements import (
    Admit,
    Agreement,
    Discount,
    Issue,
    LineId,
    PartyNumber,
    RevokeIssue,
    Split,
    VoucherId,
    from_json,
    to_json,
)
from ledger.columns import bytes_of, hex_of
from ledger.database import unless_overtaken
from ledger.errors import InputError, Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import SEES_OFFER, Caller, Right, asking, not_found, require
from ledger.negotiation.consents import custodial_consent, require_good
from ledger.negotiation.offer_order import in_order, known, split_before, world_after
from ledger.negotiation.programmes import require_within
from ledger.negotiation.reservations import reserve
from ledger.negotiation.reviews import ask, require_reviewed
from ledger.negotiation.setting import Setting, domain_of
from ledger.offer_tables import OfferRow, SignatureRow
from ledger.outbox import put
from ledger.pin import Pin
from ledger.rows_about import world_about
from ledger.signing import digest, root_id
from ledger.verifiers import is_proof
from ledger.world import World

OPEN, RECALLING, COMPLETE = "open", "recalling", "complete"
DECLINED, EXPIRED, RECALLED = "declined", "expired", "recalled"
CUSTODIAL, OUTSIDE = "custodial", "outside"
LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An agreement to be offered. `consents`: how many, where that changes the meaning (two or more of a payment say
    that its payee signs too); `issued`: the issue, where the verb wants it resupplied; `asked`: its maker asks others
    for it and signs nothing (a bank that asks the registrar for a court freeze); `after`: the split that makes the
    voucher which it is about."""

    agreement: Agreement
    pin: Pin
    issued: Issue | None = None
    consents: int | None = None
    asked: bool = False
    after: Split | None = None
    root: VoucherId | None = field(init=False)
    """The voucher that the issue makes, or made."""

    def __post_init__(self) -> None:
        source = self.agreement if isinstance(self.agreement, Issue) else self.issued
        root = None if source is None else root_id(source, domain_of(source, self.pin))
        object.__setattr__(self, "root", root)


def make(session: Session, setting: Setting, caller: Caller, proposal: Proposal) -> OfferRow:
    """The offer, which nobody has signed yet.

    Refusal: what the contract would say; NotAllowed, NotAdmitted, NotASigner where the caller has no part in it;
    OfferKnown where the same agreement is offered already; LimitExceeded also for what others were offered; for an
    issuer that has programmes those of `programmes.require_within`.
    """
    require(caller, Right.PROPOSE)
    party, agreement, now = caller.acting(), proposal.agreement, setting.chain_clock()
    duties = duties_of(session, setting, proposal)
    if party not in duties and not proposal.asked:
        raise Refusal("NotASigner", {"party": int(party)})
    programme = None
    if isinstance(agreement, Issue) and agreement.issuer == party:
        programme = require_within(session, caller, agreement, today=setting.today)
    contract = domain_of(agreement, proposal.pin)
    signed = digest(agreement, contract)
    present = session.scalar(
        select(OfferRow).where(
            OfferRow.contract == contract.address,
            OfferRow.digest == signed,
            OfferRow.status.in_((OPEN, RECALLING, COMPLETE)),
        )
    )
    if present is not None:
        raise Refusal("OfferKnown", {"offer": present.id})
    line: LineId | None = None
    parent: LineId | None = None
    if isinstance(agreement, Issue):
        held = reserve(session, proposal.pin.ledger, agreement.line, face=agreement.face, now=now)
        line, parent = held.line, held.parent
    at = setting.machine_clock()
    offer = OfferRow(
        id=uuid4().hex,
        contract=contract.address,
        ledger=proposal.pin.ledger,
        verb=agreement.verb(),
        agreement=to_json(agreement),
        issued=None if proposal.issued is None else to_json(proposal.issued),
        digest=signed,
        organisation=caller.organisation,
        who=caller.who,
        status=OPEN,
        closed=False,
        reason=None,
        expires_at=agreement.deadline,
        version=1,
        item=None,
        recalled_by=None,
        line=line,
        parent=parent,
        face=agreement.face if isinstance(agreement, Issue) else None,
        root=proposal.root if isinstance(agreement, Issue) else None,
        voucher=_voucher_of(agreement, proposal),
        created_at=at,
        changed_at=at,
    )
    offer.signatures = [
        SignatureRow(place=place, party=int(duty), consent=None, made=None, who=None, signed_at=None)
        for place, duty in enumerate(duties)
    ]
    session.add(offer)
    with unless_overtaken("the same agreement was offered"):
        session.flush()
    if not duties:  # a recovery that is finished without a veto
        _complete(session, offer, proposal, at=at)
    if programme is not None and programme.wants_review(int(offer.face or 0)):
        ask(session, caller, offer)
    session.flush()
    facts = {"verb": offer.verb, "digest": hex_of(signed)}
    audit.note(session, caller, "offer", subject=f"offer {offer.id}", at=at, facts=facts)
    return offer


def duties_of(session: Session, setting: Setting, proposal: Proposal) -> tuple[PartyNumber, ...]:
    """Who has to sign, in their order, where the rules have nothing against the agreement now; else their Refusal."""
    return _judge(setting, proposal, _world_of(session, setting, proposal))


def _world_of(session: Session, setting: Setting, proposal: Proposal) -> World:
    """What judging the agreement takes, the split before it done unless that is on the chain already."""
    pin, agreement = proposal.pin, proposal.agreement
    split = proposal.after
    if split and isinstance(agreement, Discount) and not known(session, pin, agreement.voucher):
        return world_after(session, pin, split, agreement, now=setting.chain_clock())
    return world_about(
        session, pin, agreement, root=proposal.root, issued=proposal.issued, known=setting.known
    )


def _judge(setting: Setting, proposal: Proposal, world: World) -> tuple[PartyNumber, ...]:
    now, agreement, root = setting.chain_clock(), proposal.agreement, proposal.root
    count = None if proposal.consents is None else (True,) * proposal.consents
    duties = rules.signers(world, agreement, timestamp=now, consents=count, root=root, issued=proposal.issued)
    count = None if count is None else (True,) * len(duties)
    refused = rules.may(world, agreement, timestamp=now, consents=count, root=root, issued=proposal.issued)
    if refused is not None:
        raise refused
    return duties


def found(session: Session, caller: Caller, offer_id: str, *, lock: bool = False) -> OfferRow:
    """An offer that the caller may see; Refusal NotFound. `lock`: held until the transaction ends."""
    asked = {"offer_id": offer_id, **asking(caller)}
    row = session.scalars(_FOUND[lock], asked).unique().one_or_none()
    if row is None:
        raise not_found("offer")
    return row


_SEEN: Final = (
    select(OfferRow)
    .where(OfferRow.id == bindparam("offer_id"), SEES_OFFER)
    .options(joinedload(OfferRow.signatures))
)
_FOUND: Final = MappingProxyType(
    {
        False: _SEEN,
        True: _SEEN.with_for_update(of=OfferRow).execution_options(populate_existing=True),
    }
)


def sign(
    session: Session,
    setting: Setting,
    caller: Caller,
    offer: OfferRow,
    *,
    signature: bytes | None = None,
    signer: bytes | None = None,
) -> None:
    """The caller's party consents, by a key that is kept here or, with `signature`, by one that is not.

    `signer`: the whole signer bytes of a P-256, RSA or passkey signer, which the registry keeps as a hash only. Who
    has to sign twice (a bank that is issuer too) signs both places; a rekey is signed by the old key and, again, by the
    new. Refusal: what the contract would say; OfferClosed, NotASigner, AlreadySigned, NoCustodialKey, ReviewNeeded; the
    credential errors where the signature is not good.
    """
    require(caller, Right.SIGN)
    require_open(offer, now=setting.chain_clock())
    proposal, rows = proposal_of(session, setting, offer), offer.signatures
    party = _signing(caller, proposal.agreement)
    mine = [row for row in rows if row.party == party]
    if not mine:
        raise Refusal("NotASigner", {"party": int(party)})
    missing = [row for row in mine if row.consent is None]
    if not missing:
        raise Refusal("AlreadySigned", {"party": int(party)})
    if isinstance(proposal.agreement, Issue) and proposal.agreement.issuer == party:
        if offer.organisation != caller.organisation:
            require_within(session, caller, proposal.agreement, today=setting.today)
        require_reviewed(session, offer)
    world = _world_of(session, setting, proposal)
    _judge(setting, proposal, world)
    at, made = setting.machine_clock(), CUSTODIAL if signature is None else OUTSIDE
    unfit: list[InputError | Refusal] = []
    for row in missing:
        proves = is_proof(proposal.agreement, row.place, len(rows))
        facts: Any = {"pin": proposal.pin, "proves": proves}
        try:
            if signature is None:
                consent = custodial_consent(setting, world, proposal.agreement, party, **facts)
            else:
                facts |= {"signature": signature, "signer": signer}
                consent = require_good(setting, world, proposal.agreement, party, **facts)
        except (
            InputError,
            Refusal,
        ) as error:  # a rekey is signed by the old key at one place, by the new at another
            unfit.append(error)
            continue
        row.consent, row.made, row.who, row.signed_at = hex_of(consent), made, caller.who, at
    if len(unfit) == len(missing):
        raise unfit[0]
    changed(offer, at)
    together = in_order(session, offer)
    with session.no_autoflush:  # one change of the row, not two
        if all(row.consent is not None for each in together for row in each.signatures):
            for each in together:
                its = proposal if each is offer else proposal_of(session, setting, each)
                require_open(each, now=setting.chain_clock())
                _complete(session, each, its, at=at)
    session.flush()
    told = {"verb": offer.verb, "made": made, "complete": offer.status == COMPLETE}
    audit.note(session, caller, "sign", subject=f"offer {offer.id}", at=at, facts=told)


def _signing(caller: Caller, agreement: Agreement) -> PartyNumber:
    """The party that the caller signs for: its own, or in its own admission the one that it is to be."""
    if isinstance(agreement, Admit) and caller.party is None and caller.candidate == agreement.party:
        return agreement.party
    return caller.acting()


def _complete(session: Session, offer: OfferRow, proposal: Proposal, *, at: int) -> None:
    """All have signed: from here on it is the relay's, and the outbox says what became of it."""
    rows = offer.signatures
    offer.item = put(
        session,
        proposal.agreement,
        [bytes_of(str(row.consent)) for row in rows],
        pin=proposal.pin,
        at=at,
        issued=proposal.issued,
        signers=[PartyNumber(row.party) for row in rows],
    )
    offer.status = COMPLETE


def decline(session: Session, setting: Setting, caller: Caller, offer: OfferRow, *, reason: str) -> None:
    """A party that was asked for its consent refuses it, with a reason that the maker reads; the offer has ended.

    Refusal OfferClosed, NotASigner, AlreadySigned. InputError for a reason that is empty or too long.
    """
    require(caller, Right.PROPOSE)
    party = caller.acting()
    require_open(offer, now=setting.chain_clock())
    mine = [row for row in offer.signatures if row.party == party]
    if not mine:
        raise Refusal("NotASigner", {"party": int(party)})
    if all(row.consent is not None for row in mine):
        raise Refusal("AlreadySigned", {"party": int(party)})
    for each in in_order(session, offer):
        each.reason = proper_reason(reason)
        end(each, DECLINED, at=setting.machine_clock())
    facts = {"reason": offer.reason}
    audit.note(session, caller, "decline", subject=f"offer {offer.id}", at=offer.changed_at, facts=facts)


# What the other modules need


def end(offer: OfferRow, status: str, *, at: int) -> None:
    """The offer has come to nothing, for good."""
    offer.status, offer.closed = status, True
    changed(offer, at)


def require_open(offer: OfferRow, *, now: int) -> None:
    """Refusal OfferClosed where nobody can sign or refuse it any more. `now`: the chain's time."""
    if offer.status != OPEN:
        raise Refusal("OfferClosed", {"offer": offer.id, "status": offer.status})
    if offer.expires_at < now:
        raise Refusal("OfferClosed", {"offer": offer.id, "status": EXPIRED})


def require_version(offer: OfferRow, given: int | None) -> None:
    """Refusal VersionDiffers where the caller has seen another state of the offer than the present one."""
    if given is not None and given != offer.version:
        raise Refusal("VersionDiffers", {"given": given, "present": offer.version})


def proposal_of(session: Session, setting: Setting, offer: OfferRow) -> Proposal:
    """The agreement again, as it was offered."""
    agreement, issued = from_json(offer.agreement), None if offer.issued is None else from_json(offer.issued)
    assert issued is None or isinstance(issued, Issue)
    count = None
    if offer.verb == "assertPayment":
        count = len(offer.signatures)
    pin, after = setting.pin_of(offer.ledger), split_before(session, offer)
    return Proposal(agreement=agreement, pin=pin, issued=issued, consents=count, after=after)


def proper_reason(text: str) -> str:
    """InputError for a reason that is empty or too long."""
    if not text.strip() or len(text) > LONGEST_REASON:
        raise InputError(f"give a reason of 1 to {LONGEST_REASON} characters: the other side reads it")
    return text.strip()


def changed(offer: OfferRow, at: int) -> None:
    """Another state of the offer than anybody has seen so far."""
    offer.version, offer.changed_at = offer.version + 1, at


def _voucher_of(agreement: Agreement, proposal: Proposal) -> VoucherId | None:
    if isinstance(agreement, RevokeIssue):
        return proposal.root
    number = getattr(agreement, "voucher", None)
    return None if number is None else VoucherId(number)
