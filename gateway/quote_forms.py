"""The forms and views of requests and quotes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.forms import (
    Flag,
    Form,
    Moment,
    NamedParty,
    Names,
    OnDay,
    PartyText,
    RateText,
    ShareText,
    View,
    VoucherText,
    Yuan,
    date_text,
    examples,
    money,
    named,
    utc,
)
from ledger.calendar import DayCount
from ledger.discount import Bearer, Fee
from ledger.members import line_text, voucher_text
from ledger.money import Fen, rate_text
from ledger.negotiation.programme_terms import Programme
from ledger.negotiation.quote_views import QuoteView, RequestView
from ledger.negotiation.quoting import Offered, Question
from ledger.world import bank_of

RequestStatus = Literal["sealed", "opened", "cancelled"]
QuoteStatus = Literal["open", "withdrawn", "expired", "accepted"]
Basis = Literal["ACT/360", "ACT/365", "30/360"]
BearerName = Literal["supplier", "issuer", "shared"]


class RequestForm(Form):
    """A holder asks for prices. Without `amount` the whole voucher is to be sold."""

    model_config = examples(
        voucher="0x" + "ab" * 32, amount="250000.00", funders=[2, 3], deadline="2026-04-15T08:00:00Z"
    )
    voucher: VoucherText
    amount: Yuan | None = None
    funders: Annotated[list[PartyText], Field(min_length=1, max_length=20)]
    deadline: Annotated[
        Moment, Field(description="Until then quotes come in, sealed; from then on they are seen.")
    ]
    value_day: Annotated[
        OnDay | None,
        Field(description="When cash is wanted; else the first working day."),
    ] = None

    def question(self) -> Question:
        """As the domain takes it."""
        return Question(
            voucher=self.voucher,
            amount=self.amount,
            funders=self.funders,
            value_day=self.value_day,
            deadline=self.deadline,
        )


class QuoteForm(Form):
    """A funder's price. Given again, it takes the place of the one before."""

    model_config = examples(recourse=False, rate="3.60", basis="ACT/360", fee_minimum="50.00", sign=True)
    recourse: Annotated[Flag, Field(description="Whether the seller pays if the issuer does not.")]
    rate: RateText
    basis: Basis = "ACT/360"
    fee_basis_points: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    fee_minimum: Yuan | None = None
    bearer: Annotated[BearerName, Field(description="Who bears the interest.")] = "supplier"
    issuer_share: Annotated[ShareText | None, Field(description="Of shared interest.")] = None
    issuer_ceiling: Annotated[Yuan | None, Field(description="The most interest that the issuer bears.")] = (
        None
    )
    pay_by: Annotated[OnDay | None, Field(description="The last day of payment.")] = None
    valid_until: Annotated[OnDay | None, Field(description="The last day of acceptance.")] = None
    sign: Annotated[Flag, Field(description="Sign at once, with the key that is kept here.")] = False

    def offered(self) -> Offered:
        """As the domain takes it."""
        return Offered(
            recourse=self.recourse,
            rate=self.rate,
            basis=DayCount(self.basis),
            fee=Fee(self.fee_basis_points, self.fee_minimum or Fen(0)),
            bearer=Bearer(self.bearer),
            issuer_share=self.issuer_share or 0,
            issuer_ceiling=self.issuer_ceiling,
            pay_by=self.pay_by,
            valid_until=self.valid_until,
        )


class AnswerForm(Form):
    """Whether the issuer bears the interest, up to the quote's ceiling."""

    model_config = examples(agrees=True)
    agrees: Flag


class QuoteAnswer(View):
    """A quote. Recourse comes first: it says who loses when the issuer does not pay. `cash` is what the holder gets on
    the value day; `annual_cost` what it gives up for that, percent a year of the cash, interest and fee together,
    actual days over 365. `firm`: the funder has signed, so that acceptance completes the sale."""

    recourse: Literal["yes", "no"]
    cash: str
    annual_cost: str
    id: str
    request: str
    funder: NamedParty
    status: QuoteStatus
    firm: bool
    rate: str
    basis: Basis
    days: int
    value_day: str
    due_day: str
    face: str
    interest: str
    supplier_interest: str
    issuer_interest: str
    fee: str
    bearer: BearerName
    issuer_share: str | None
    issuer_ceiling: str | None
    issuer_consent: Literal["asked", "agreed", "declined"] | None
    voucher: str
    pay_by: str
    expires_at: str
    given_at: str
    version: int


class HoldView(View):
    """What the holder gets without selling: the amount itself, on the due day, if the issuer pays."""

    cash: str
    day: str
    days: int


class RequestAnswer(View):
    """A request. `voucher` is the one that would be sold: of a part its id is known before it is cut off."""

    id: str
    status: RequestStatus
    holder: NamedParty
    issuer: NamedParty
    bank: NamedParty
    line: str
    voucher: str
    amount: str
    part: bool
    tier: int
    due_day: str
    value_day: str
    deadline: str
    created_at: str


class SaleTermsView(View):
    """What the promise's programme says of its sale; the ceiling is that of the amount asked about."""

    recourse: Literal["with", "without", "either"]
    bearer: BearerName
    issuer_share: str | None
    issuer_ceiling: str | None


class RequestWithTerms(RequestAnswer):
    """A request with what the issuer's programme says of a sale; none where the promise names no programme."""

    terms: SaleTermsView | None


class OwnRequest(RequestAnswer):
    """A request as its holder reads it."""

    of_voucher: str
    funders: list[NamedParty]
    hold_to_due_day: HoldView


class OwnRequestWithQuotes(OwnRequest):
    """With the quotes, the most cash first; none until the deadline."""

    terms: SaleTermsView | None
    quotes: list[QuoteAnswer] | None


class OwnRequestPage(View):
    """Some requests, the newest first."""

    items: list[OwnRequest]
    next: str | None


class RequestPage(View):
    """Some requests, the newest first."""

    items: list[RequestAnswer]
    next: str | None


class QuotePage(View):
    """Some quotes, those on the newest requests first."""

    items: list[QuoteAnswer]
    next: str | None


def share_text(basis_points: int) -> str:
    """A share in percent, `40.00`."""
    return f"{basis_points // 100}.{basis_points % 100:02d}"


def quote_answer(view: QuoteView, names: Names) -> QuoteAnswer:
    """A quote in words."""
    row, quote, price = view.row, view.quote, view.price
    return QuoteAnswer(
        recourse="yes" if quote.recourse else "no",
        cash=money(price.proceeds),
        annual_cost=f"{view.annual_cost:.4f}",
        id=row.id,
        request=view.request.id,
        funder=named(row.funder, names),
        status=view.status,  # type: ignore[arg-type]
        firm=row.consent is not None,
        rate=rate_text(quote.rate),
        basis=quote.basis.value,
        days=price.days,
        value_day=date_text(quote.value_day),
        due_day=date_text(quote.due_day),
        face=money(price.face),
        interest=money(price.interest),
        supplier_interest=money(price.supplier_interest),
        issuer_interest=money(price.issuer_interest),
        fee=money(price.fee),
        bearer=quote.bearer.value,
        issuer_share=share_text(quote.issuer_share) if quote.issuer_share else None,
        issuer_ceiling=None if quote.issuer_ceiling is None else money(quote.issuer_ceiling),
        issuer_consent=row.interest,  # type: ignore[arg-type]
        voucher=voucher_text(view.voucher),
        pay_by=date_text(row.pay_by),
        expires_at=utc(row.expires_at),
        given_at=utc(row.given_at),
        version=row.version,
    )


def request_answer(view: RequestView, names: Names) -> RequestAnswer:
    """A request as a funder reads it: what would be sold, and nothing of the rest of the voucher."""
    row, promise = view.row, view.promise
    return RequestAnswer(
        id=row.id,
        status=view.status,  # type: ignore[arg-type]
        holder=named(row.party, names),
        issuer=named(promise.issuer, names),
        bank=named(bank_of(promise.line), names),
        line=line_text(promise.line),
        voucher=voucher_text(view.sold),
        amount=money(row.amount),
        part=row.amount != row.face,
        tier=view.tier,
        due_day=date_text(promise.due_day),
        value_day=date_text(row.value_day),
        deadline=utc(row.deadline),
        created_at=utc(row.created_at),
    )


def own_request(view: RequestView, names: Names) -> OwnRequest:
    """A request as its holder reads it."""
    row, due_day = view.row, view.promise.due_day
    return OwnRequest(
        **request_answer(view, names).model_dump(),
        of_voucher=voucher_text(row.voucher),
        funders=[named(funder, names) for funder in view.funders],
        hold_to_due_day=HoldView(
            cash=money(row.amount), day=date_text(due_day), days=due_day - row.value_day
        ),
    )


def with_quotes(view: RequestView, names: Names) -> OwnRequestWithQuotes:
    """A request with the quotes, once they can be seen."""
    quotes = None if view.quotes is None else [quote_answer(each, names) for each in view.quotes]
    return OwnRequestWithQuotes(
        **own_request(view, names).model_dump(), quotes=quotes, terms=_terms(view.terms, view.row.amount)
    )


def with_terms(view: RequestView, names: Names) -> RequestWithTerms:
    """A request with what the issuer's programme says of a sale."""
    return RequestWithTerms(
        **request_answer(view, names).model_dump(), terms=_terms(view.terms, view.row.amount)
    )


def _terms(terms: Programme | None, amount: int) -> SaleTermsView | None:
    if terms is None:
        return None
    ceiling = terms.ceiling_of(amount)
    return SaleTermsView(
        recourse=terms.recourse.value,
        bearer=terms.bearer.value,
        issuer_share=share_text(terms.issuer_share) if terms.issuer_share else None,
        issuer_ceiling=None if ceiling is None else money(ceiling),
    )


def parties_of_requests(views: list[RequestView]) -> set[int]:
    """Whose names these requests mention."""
    found: set[int] = set()
    for view in views:
        promise = view.promise
        found.update((view.row.party, promise.issuer, bank_of(promise.line), *view.funders))
    return found
