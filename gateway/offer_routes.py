"""Everyone's desk: the offers that concern the caller, what a wallet signs, signatures, declining, recalling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.orm import Session

from gateway.answers import (
    CHANGED,
    PROBLEMS,
    Cursor,
    IfMatch,
    Limit,
    number_of,
    offer_headers,
    offered,
    page_of,
    shown,
    tag,
    version_of,
)
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import recorded
from gateway.moving import Moving, MovingHere, Reply
from gateway.offer_forms import (
    AgreementForm,
    OfferAnswer,
    OfferPage,
    OpeningsView,
    OpeningView,
    ReasonForm,
    SignatureForm,
    agreement_of,
    offer_answer,
    parties_of,
)
from ledger.agreements import from_json
from ledger.errors import InputError
from ledger.negotiation.access import Right, require
from ledger.negotiation.any_verb import proposal_from
from ledger.negotiation.offer_views import listed
from ledger.negotiation.offers import COMPLETE, decline, found, require_version, sign
from ledger.negotiation.openings import told_by
from ledger.negotiation.organisations import names_of
from ledger.negotiation.recalls import recall
from ledger.negotiation.setting import domain_of
from ledger.offer_tables import OfferRow
from ledger.signing import typed_data

router = APIRouter(prefix="/offers", tags=["Offers"], route_class=DeskRoute, responses=PROBLEMS)
OfferId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]
Verb = Annotated[str | None, Query(pattern=r"^[a-zA-Z]{1,32}$", description="Only agreements of this verb.")]


@router.get("")
def list_offers(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
    to_sign: Annotated[bool, Query(description="Only open ones that want the caller's consent.")] = False,
    verb: Verb = None,
) -> OfferPage:
    """The offers that the caller's organisation made and those that want its consent, the newest first."""
    require(caller, Right.READ)
    now = gateway.setting.chain_clock()
    with gateway.store.reading() as session:
        seen = listed(
            session, caller, now=now, limit=limit + 1, before=number_of(cursor_), to_sign=to_sign, verb=verb
        )
        page, more = page_of(seen, limit, lambda view: view.row.number)
        names = names_of(session, parties_of(page))
    return OfferPage(items=[offer_answer(view, names) for view in page], next=more)


@router.post(
    "",
    response_model=OfferAnswer,
    status_code=201,
    responses={202: {"model": OfferAnswer, "description": "All have signed: it goes on chain."}},
)
def offer_agreement(form: AgreementForm, moving: MovingHere) -> Response:
    """Offers any agreement, given as a whole. Nothing is looked up: for programs that know what they want."""

    def work(session: Session) -> Reply:
        gateway, caller = moving.gateway, moving.caller
        proposal = proposal_from(
            session,
            gateway.setting,
            caller,
            agreement_of(form.agreement),
            issued=None if form.issued is None else agreement_of(form.issued),
            agreed=form.agreed,
            valid_until=form.valid_until,
        )
        return offered(session, gateway, caller, proposal, sign_now=form.sign)

    return moving.do(work)


@router.get("/{offer_id}")
def one_offer(offer_id: OfferId, caller: CallerHere, gateway: GatewayHere, response: Response) -> OfferAnswer:
    """One offer: what would be signed, in words; who has signed; what became of it."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = found(session, caller, offer_id)
        answer = shown(session, gateway, row)
    response.headers["ETag"] = tag(row.version)
    return answer


@router.get(
    "/{offer_id}/typed-data",
    responses=recorded("/offers/{offer_id}/typed-data", "application/json", "EIP-712 typed data."),
)
def typed_data_of(offer_id: OfferId, caller: CallerHere, gateway: GatewayHere) -> dict[str, Any]:
    """What a wallet signs (eth_signTypedData_v4, EIP-712)."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = found(session, caller, offer_id)
    agreement = from_json(row.agreement)
    return typed_data(agreement, domain_of(agreement, gateway.setting.pin_of(row.ledger)))


@router.get("/{offer_id}/openings")
def openings_of(offer_id: OfferId, caller: CallerHere, gateway: GatewayHere) -> OpeningsView:
    """What the hashes in it stand for, where its maker has opened them: terms, reasons, references, court orders."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = found(session, caller, offer_id)
        told = told_by(session, from_json(row.agreement), row.organisation)
    return OpeningsView(items=[OpeningView(member=member, text=text) for member, text in told])


@router.post(
    "/{offer_id}/signatures",
    response_model=OfferAnswer,
    responses={**CHANGED, 202: {"model": OfferAnswer, "description": "All have signed: it goes on chain."}},
)
def sign_offer(
    offer_id: OfferId, form: SignatureForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The caller's party consents. With the last consent the agreement is on its way to the chain: 202."""
    if form.custodial == (form.signature is not None):
        raise InputError("give either custodial: true or a signature")

    def act(session: Session, offer: OfferRow) -> int:
        setting = moving.gateway.setting
        sign(session, setting, moving.caller, offer, signature=form.signature, signer=form.signer)
        return 202 if offer.status == COMPLETE else 200

    return _changed(moving, offer_id, if_match, act)


@router.post("/{offer_id}/decline", response_model=OfferAnswer, responses=CHANGED)
def decline_offer(
    offer_id: OfferId, form: ReasonForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The caller's party does not consent; the maker reads why."""

    def act(session: Session, offer: OfferRow) -> int:
        decline(session, moving.gateway.setting, moving.caller, offer, reason=form.reason)
        return 200

    return _changed(moving, offer_id, if_match, act)


@router.post(
    "/{offer_id}/recall",
    response_model=OfferAnswer,
    responses={**CHANGED, 202: {"model": OfferAnswer, "description": "Its revocation goes on chain."}},
)
def recall_offer(
    offer_id: OfferId, form: ReasonForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The maker takes its offer back: at once where its signature never left, else by a revocation on chain."""

    def act(session: Session, offer: OfferRow) -> int:
        return (
            200 if recall(session, moving.gateway.setting, moving.caller, offer, reason=form.reason) else 202
        )

    return _changed(moving, offer_id, if_match, act)


def _changed(
    moving: Moving, offer_id: str, if_match: str | None, act: Callable[[Session, OfferRow], int]
) -> Response:
    """Does this to the offer, which nobody else changes meanwhile, if it is as the caller has seen it; `act` gives the
    status of the answer."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        offer = found(session, moving.caller, offer_id, lock=True)
        require_version(offer, seen)
        status = act(session, offer)
        return Reply(status, shown(session, moving.gateway, offer), offer_headers(offer))

    return moving.do(work)
