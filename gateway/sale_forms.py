"""The forms and views of sales."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.forms import Flag, Form, NamedParty, Names, View, date_text, examples, named
from gateway.offer_forms import OfferAnswer, offer_answer
from gateway.quote_forms import QuoteAnswer, quote_answer
from ledger.members import voucher_text
from ledger.negotiation.sale_views import SaleView

Stage = Literal[
    "open",
    "signed",
    "on_chain",
    "cash_asserted",
    "contested",
    "confirmed",
    "complete",
    "rescinded",
    "ended",
    "recalling",
    "refused",
    "declined",
    "expired",
    "recalled",
]


class AcceptanceForm(Form):
    """Nothing has to be said, but whether to sign."""

    model_config = examples(sign=True)
    sign: Annotated[Flag, Field(description="Sign at once, with the key that is kept here.")] = False


class ContestForm(AcceptanceForm):
    """Why the payment is contested; who asserted it reads this."""

    model_config = examples(reason="nothing has arrived on our account", sign=True)
    reason: Annotated[str, Field(strict=True, min_length=1, max_length=500)]


class CompletionView(View):
    """A completion on its way to the chain; the voucher shows when its payment has ended."""

    voucher: str


class DisbursementView(View):
    """The payment that was asserted for a sale."""

    asserted_on: str
    value_day: str
    contested_on: str | None
    contest_reason: str | None


class SaleAnswer(View):
    """Where a sale is. `offers` are what is signed for it, in the order in which they go on chain."""

    id: str
    stage: Stage
    seller: NamedParty
    quote: QuoteAnswer
    voucher: str
    payment: DisbursementView | None
    offers: list[OfferAnswer]


class SalePage(View):
    """Some sales, the newest first."""

    items: list[SaleAnswer]
    next: str | None


def sale_answer(view: SaleView, names: Names) -> SaleAnswer:
    """A sale in words."""
    payment = view.payment
    return SaleAnswer(
        id=view.quote.row.id,
        stage=view.stage,  # type: ignore[arg-type]
        seller=named(view.quote.request.party, names),
        quote=quote_answer(view.quote, names),
        voucher=voucher_text(view.quote.voucher),
        payment=None
        if payment is None
        else DisbursementView(
            asserted_on=date_text(payment.asserted_on),
            value_day=date_text(payment.value_day),
            contested_on=date_text(payment.contested_on) if payment.contested_on else None,
            contest_reason=view.contest_reason,
        ),
        offers=[offer_answer(each, names) for each in view.offers],
    )
