"""Everyone's desk: the offers that concern the caller, what a wallet signs, signatures, declining, recalling."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.orm import Session

from gateway.answers import (
    CHANGED,
    PROBLEMS,
    Cursor,
    IfMatch,
    Limit,
    cursor,
    number_of,
    offer_headers,
    shown,
    tag,
    version_of,
)
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.moving import MovingHere, Reply
from gateway.offer_forms import OfferAnswer, OfferPage, ReasonForm, SignatureForm, offer_answer, parties_of
from ledger.agreements import from_json
from ledger.errors import InputError
from ledger.negotiation.access import Right, require
from ledger.negotiation.offer_views import listed
from ledger.negotiation.offers import COMPLETE, decline, found, require_version, sign
from ledger.negotiation.organisations import names_of
from ledger.negotiation.recalls import recall
from ledger.negotiation.setting import domain_of
from ledger.signing import typed_data

router = APIRouter(prefix="/offers", tags=["Offers"], route_class=DeskRoute, responses=PROBLEMS)
OfferId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]
Verb = Annotated[str | None, Query(pattern=r"^[a-zA-Z]{1,32}$", description="Only agreements of this verb.")]


@router.get("")
def list_offers(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Annotated[Cursor, Query(alias="cursor")] = None,
    to_sign: Annotated[bool, Query(description="Only open ones that want the caller's consent.")] = False,
    verb: Verb = None,
) -> OfferPage:
    """The offers that the caller's organisation made and those that want its consent, the newest first."""
    require(caller, Right.READ)
    now = gateway.setting.chain_clock()
    with gateway.store.reading() as session:
        found_ = listed(
            session, caller, now=now, limit=limit + 1, before=number_of(cursor_), to_sign=to_sign, verb=verb
        )
        names = names_of(session, parties_of(found_[:limit]))
    page = found_[:limit]
    more = cursor(page[-1].row.number) if len(found_) > limit else None
    return OfferPage(items=[offer_answer(view, names) for view in page], next=more)


@router.get("/{offer_id}")
def one_offer(offer_id: OfferId, caller: CallerHere, gateway: GatewayHere, response: Response) -> OfferAnswer:
    """One offer: what would be signed, in words; who has signed; what became of it."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = found(session, caller, offer_id)
        answer = shown(session, gateway, row)
    response.headers["ETag"] = tag(row.version)
    return answer


@router.get("/{offer_id}/typed-data")
def typed_data_of(offer_id: OfferId, caller: CallerHere, gateway: GatewayHere) -> dict[str, Any]:
    """What a wallet signs (eth_signTypedData_v4, EIP-712)."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = found(session, caller, offer_id)
    agreement = from_json(row.agreement)
    return typed_data(agreement, domain_of(agreement, gateway.setting.pin_of(row.ledger)))


@router.post(
    "/{offer_id}/signatures",
    response_model=OfferAnswer,
    responses={**CHANGED, 202: {"model": OfferAnswer, "description": "All have signed: it goes on chain."}},
)
def sign_offer(
    offer_id: OfferId, form: SignatureForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The caller's party consents. With the last consent the agreement is on its way to the chain: 202."""
    seen = version_of(if_match)
    if form.custodial == (form.signature is not None):
        raise InputError("give either custodial: true or a signature")

    def work(session: Session) -> Reply:
        offer = found(session, moving.caller, offer_id, lock=True)
        require_version(offer, seen)
        sign(
            session,
            moving.gateway.setting,
            moving.caller,
            offer,
            signature=form.signature,
            signer=form.signer,
        )
        status = 202 if offer.status == COMPLETE else 200
        return Reply(status, shown(session, moving.gateway, offer), offer_headers(offer))

    return moving.do(work)


@router.post("/{offer_id}/decline", response_model=OfferAnswer, responses=CHANGED)
def decline_offer(
    offer_id: OfferId, form: ReasonForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The caller's party does not consent; the maker reads why."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        offer = found(session, moving.caller, offer_id, lock=True)
        require_version(offer, seen)
        decline(session, moving.gateway.setting, moving.caller, offer, reason=form.reason)
        return Reply(200, shown(session, moving.gateway, offer), offer_headers(offer))

    return moving.do(work)


@router.post(
    "/{offer_id}/recall",
    response_model=OfferAnswer,
    responses={**CHANGED, 202: {"model": OfferAnswer, "description": "Its revocation goes on chain."}},
)
def recall_offer(
    offer_id: OfferId, form: ReasonForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The maker takes its offer back: at once where its signature never left, else by a revocation on chain."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        offer = found(session, moving.caller, offer_id, lock=True)
        require_version(offer, seen)
        at_once = recall(session, moving.gateway.setting, moving.caller, offer, reason=form.reason)
        status = 200 if at_once else 202
        return Reply(status, shown(session, moving.gateway, offer), offer_headers(offer))

    return moving.do(work)
