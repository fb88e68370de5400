"""Each dossier entry against its hash on chain: what passes is used by the rules, what does not is a break.

A quote or reference whose hash is not the one on chain is never used, so that a changed dossier can not make
books and chain agree. A dossier may hold entries of other banks; only what concerns this bank is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from ledger.calendar import DayCount, date_of_day
from ledger.discount import price, quote_hash
from ledger.errors import InputError
from ledger.money import Fen, Percent, yuan
from ledger.reconciliation.inputs import (
    DossierInvoice,
    DossierQuote,
    DossierReference,
    Inputs,
    reference_hash,
)
from ledger.reconciliation.on_chain import (
    ChainPayment,
    ChainVoucher,
    PaymentPurpose,
    PaymentState,
    voucher_text,
)

_SUPERSEDED = (PaymentState.WITHDRAWN, PaymentState.REPLACED)


@dataclass(frozen=True, slots=True)
class OpenedQuote:
    """A quote that has the hash on chain; `due_on` may be the due day rolled to a working day."""

    contract: str
    voucher: int
    quote_hash: bytes
    due_on: date
    proceeds: Fen
    interest: Fen
    issuer_interest: Fen
    rate: Percent
    basis: DayCount


@dataclass(frozen=True, slots=True)
class OpenedReference:
    """A reference that has the hash of the payment at this place of the chain extract."""

    payment: int
    reference: str


@dataclass(frozen=True, slots=True)
class OpenedInvoice:
    """An invoice number that has this fingerprint on chain."""

    fingerprint: bytes
    number: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One dossier entry that differs: `entry` is quote, reference, invoice or party; `since` the day it bears on."""

    entry: str
    subject: tuple[str, str]
    expected: str
    found: str
    since: date
    contract: str = ""
    voucher: int = 0


@dataclass(frozen=True, slots=True)
class OpenedDossier:
    """What of a dossier has passed, and what has not."""

    quotes: tuple[OpenedQuote, ...]
    references: tuple[OpenedReference, ...]
    invoices: tuple[OpenedInvoice, ...]
    problems: tuple[Problem, ...]


def voucher_labels(inputs: Inputs) -> dict[tuple[str, int], str]:
    """How a voucher is called in a break: its readable number, or its id where the dossier has none.

    A number that two ledgers have says of which ledger it is.
    """
    labels = {(row.contract, row.voucher): voucher_text(row.voucher) for row in inputs.vouchers}
    uses = Counter(row.number for row in inputs.dossier.vouchers)
    return labels | {
        (row.contract, row.voucher): row.number
        if uses[row.number] == 1
        else f"{row.number} in {row.contract}"
        for row in inputs.dossier.vouchers
    }


def open_dossier(inputs: Inputs) -> OpenedDossier:
    """Check every entry that concerns the bank."""
    quotes, quote_problems = _open_quotes(inputs)
    references, reference_problems = _open_references(inputs)
    invoices, invoice_problems = _open_invoices(inputs)
    problems = (*quote_problems, *reference_problems, *invoice_problems, *_unknown_parties(inputs))
    return OpenedDossier(quotes, references, invoices, problems)


def _open_quotes(inputs: Inputs) -> tuple[tuple[OpenedQuote, ...], list[Problem]]:
    labels = voucher_labels(inputs)
    vouchers = {(row.contract, row.voucher): row for row in inputs.vouchers}
    purchases = _purchases(inputs)
    opened: list[OpenedQuote] = []
    problems: list[Problem] = []
    for entry in inputs.dossier.quotes:
        key = (entry.contract, entry.voucher)
        voucher = vouchers.get(key)
        if voucher is None or (entry.quote.funder != inputs.bank and key not in purchases):
            continue
        purchase = purchases.get(key)
        found, wanted = _hash_of(entry), _wanted_hash(voucher, purchase)
        subject = ("voucher", labels[key])
        if found not in voucher.quote_hashes and found != wanted:
            problems.append(
                Problem("quote", subject, _hex(wanted), _hex(found), _since(inputs, purchase), *key)
            )
            continue
        if purchase is not None and purchase.quote_hash == found:
            problem = _wrong_figure(entry, purchase.face_at_assertion)
            if problem is not None:
                name, expected, figure = problem
                problems.append(Problem(f"quote {name}", subject, expected, figure, purchase.value_on, *key))
                continue
        opened.append(
            OpenedQuote(
                *key,
                quote_hash=found,
                due_on=date_of_day(entry.quote.due_day),
                proceeds=entry.proceeds,
                interest=entry.interest,
                issuer_interest=entry.issuer_interest,
                rate=entry.quote.rate,
                basis=entry.quote.basis,
            )
        )
    have = {(quote.contract, quote.voucher, quote.quote_hash) for quote in opened}
    reported = {(problem.contract, problem.voucher) for problem in problems}
    for key, purchase in purchases.items():
        if (*key, purchase.quote_hash) not in have and key not in reported:
            subject = ("voucher", labels[key])
            problems.append(Problem("quote", subject, _hex(purchase.quote_hash), "", purchase.value_on, *key))
    return tuple(opened), problems


def _purchases(inputs: Inputs) -> dict[tuple[str, int], ChainPayment]:
    """The bank's latest standing disbursement on each voucher."""
    return {
        (payment.contract, payment.voucher): payment
        for payment in inputs.payments
        if payment.purpose is PaymentPurpose.DISBURSEMENT
        and payment.asserter == inputs.bank
        and payment.state not in _SUPERSEDED
    }


def _hash_of(entry: DossierQuote) -> bytes:
    try:
        return bytes(quote_hash(entry.quote, entry.salt))
    except InputError:  # a salt of another length: no hash on chain can be its
        return b""


def _wanted_hash(voucher: ChainVoucher, purchase: ChainPayment | None) -> bytes:
    if purchase is not None:
        return purchase.quote_hash
    return voucher.quote_hashes[-1] if voucher.quote_hashes else b""


def _wrong_figure(entry: DossierQuote, face: Fen) -> tuple[str, str, str] | None:
    """A figure that the quote cannot have given: name, what it gives, what the dossier says.

    A voucher priced within a lot may be a fen or two off what it would be alone, bears less of a minimum fee,
    and less of its interest falls to the issuer where the lot reached the issuer's ceiling.
    """
    try:
        alone = price(face, entry.quote)
    except InputError:
        return ("proceeds", "", yuan(entry.proceeds))
    if abs(entry.interest - alone.interest) > 1:
        return ("interest", yuan(alone.interest), yuan(entry.interest))
    if not 0 <= entry.issuer_interest <= alone.issuer_interest + 2:
        return ("issuer interest", yuan(alone.issuer_interest), yuan(entry.issuer_interest))
    fee = face - entry.interest + entry.issuer_interest - entry.proceeds
    least = replace(entry.quote.fee, minimum=Fen(0)).of(face) - 1
    if not least <= fee <= alone.fee + 1:
        return ("proceeds", yuan(alone.proceeds), yuan(entry.proceeds))
    return None


def _open_references(inputs: Inputs) -> tuple[tuple[OpenedReference, ...], list[Problem]]:
    places = {payment.reference_hash: place for place, payment in enumerate(inputs.payments)}
    opened: list[OpenedReference] = []
    problems: list[Problem] = []
    for entry in inputs.dossier.references:
        found = _reference_hash_of(entry)
        place = places.get(entry.hash)
        if place is not None and found == entry.hash:
            opened.append(OpenedReference(place, entry.reference))
            continue
        payment = None if place is None else inputs.payments[place]
        if payment is not None and inputs.bank not in (payment.asserter, payment.payee):
            continue
        expected = "" if payment is None else _hex(payment.reference_hash)
        since = _since(inputs, payment)
        problems.append(Problem("reference", ("reference", entry.reference), expected, _hex(found), since))
    return tuple(opened), problems


def _reference_hash_of(entry: DossierReference) -> bytes:
    try:
        return reference_hash(entry.reference, entry.salt)
    except InputError:
        return b""


def _open_invoices(inputs: Inputs) -> tuple[tuple[OpenedInvoice, ...], list[Problem]]:
    """One that has another hash than its use on chain is told where the bank has paid for that promise."""
    promises = {(row.contract, row.voucher): (row.contract, row.promise) for row in inputs.vouchers}
    financed = {promises[key]: purchase.value_on for key, purchase in _purchases(inputs).items()}
    used: dict[bytes, set[tuple[str, int]]] = {}
    for use in inputs.invoice_uses:
        used.setdefault(use.fingerprint, set()).add((use.contract, use.promise))
    opened: list[OpenedInvoice] = []
    problems: list[Problem] = []
    for entry in inputs.dossier.invoices:
        found = _invoice_hash_of(entry)
        if found == entry.fingerprint:
            opened.append(OpenedInvoice(found, entry.number))
            continue
        days = [financed[promise] for promise in used.get(entry.fingerprint, ()) if promise in financed]
        if days:
            expected = _hex(entry.fingerprint)
            problems.append(Problem("invoice", ("invoice", entry.number), expected, _hex(found), min(days)))
    return tuple(opened), problems


def _invoice_hash_of(entry: DossierInvoice) -> bytes:
    """b"" also where the text that has the hash is that of another number."""
    if entry.text != entry.number and not entry.text.startswith(f"{entry.number} "):
        return b""
    try:
        return reference_hash(entry.text, entry.salt)
    except InputError:
        return b""


def _unknown_parties(inputs: Inputs) -> Iterator[Problem]:
    """Parties that a rule has to name and the dossier does not; one break each."""
    vouchers = {(row.contract, row.voucher): row for row in inputs.vouchers}
    needed: dict[int, date] = {inputs.bank: inputs.cut_off}
    for payment in inputs.payments:
        if inputs.bank in (payment.asserter, payment.payee) and payment.state not in _SUPERSEDED:
            issuer = vouchers[(payment.contract, payment.voucher)].issuer
            for party in (payment.asserter, payment.payee, issuer):
                needed.setdefault(party, payment.value_on)
    for pledge in inputs.pledges:
        if pledge.pledgee == inputs.bank:
            for party in (pledge.pledgor, vouchers[(pledge.contract, pledge.voucher)].issuer):
                needed.setdefault(party, pledge.pledged_on)
    for line in inputs.lines:
        if line.bank == inputs.bank:
            needed.setdefault(line.issuer, inputs.cut_off)
    for party in sorted(needed.keys() - {row.party for row in inputs.dossier.parties}):
        yield Problem("party", ("party", str(party)), str(party), "", needed[party])


def _since(inputs: Inputs, payment: ChainPayment | None) -> date:
    return inputs.cut_off if payment is None else payment.value_on


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}" if value else ""
