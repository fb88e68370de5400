"""The inputs as rows of the tables that the queries read.

Values are carried, names brought to one form (width of characters, blanks, case), nothing is compared.
"""

from __future__ import annotations

import unicodedata

from ledger.calendar import next_working_day
from ledger.reconciliation.dossier import open_dossier, voucher_labels
from ledger.reconciliation.inputs import Inputs
from ledger.reconciliation.on_chain import line_text, voucher_text
from ledger.statement import Direction

Row = tuple[object, ...]


def rows_of(inputs: Inputs) -> dict[str, list[Row]]:
    """The rows of each table of `matching/0_tables.sql`, columns in the order in which they are declared there."""
    return _chain_rows(inputs) | _dossier_rows(inputs) | _book_rows(inputs)


def _chain_rows(inputs: Inputs) -> dict[str, list[Row]]:
    labels = voucher_labels(inputs)
    post_by = {day: next_working_day(day) for day in {payment.value_on for payment in inputs.payments}}
    return {
        "stated": [(inputs.bank, inputs.cut_off, inputs.statement_from, inputs.tolerance_fen)],
        "chain_voucher": [
            (
                v.contract,
                voucher_text(v.voucher),
                labels[v.contract, v.voucher],
                v.line,
                v.bank,
                v.issuer,
                str(v.promise),
                v.holder,
                v.face,
                v.due_on,
                v.state,
                v.ended_as,
                v.overdue,
                v.ended_on,
            )
            for v in inputs.vouchers
        ],
        "chain_payment": [
            (
                place,
                p.contract,
                voucher_text(p.voucher),
                p.purpose,
                p.asserter,
                p.payee,
                p.amount,
                p.value_on,
                post_by[p.value_on],
                p.asserted_on,
                p.state,
                p.completed_on,
                p.face_at_assertion,
                p.quote_hash.hex(),
            )
            for place, p in enumerate(inputs.payments)
        ],
        "chain_line": [
            (
                place,
                x.contract,
                x.line,
                line_text(x.line),
                x.bank,
                x.issuer,
                x.parent,
                x.limit,
                x.drawn,
                x.expires_on,
            )
            for place, x in enumerate(inputs.lines)
        ],
        "chain_pledge": [
            (
                place,
                g.contract,
                voucher_text(g.voucher),
                g.pledgee,
                g.pledgor,
                g.secured,
                g.pledged_on,
                g.state,
                g.ended_on,
            )
            for place, g in enumerate(inputs.pledges)
        ],
        "chain_move": [
            (place, m.contract, voucher_text(m.voucher), m.giver, m.receiver, m.moved_on, m.overdue)
            for place, m in enumerate(inputs.moves)
        ],
        "chain_draw": [(d.contract, d.line, d.drawn_on, d.amount) for d in inputs.draws],
        "invoice_use": [
            (u.contract, str(u.promise), u.payer, u.fingerprint.hex(), u.amount, u.total)
            for u in inputs.invoice_uses
        ],
    }


def _dossier_rows(inputs: Inputs) -> dict[str, list[Row]]:
    opened = open_dossier(inputs)
    parties = inputs.dossier.parties
    names = {
        (p.party, _key(text))
        for p in parties
        for text in (p.name, p.code, p.account_name, str(p.party))
        if text
    }
    return {
        "party": [(p.party, p.name, p.account_name) for p in parties],
        "party_name": sorted(names),
        "voucher_number": [(x.number, x.contract, voucher_text(x.voucher)) for x in inputs.dossier.vouchers],
        "opened_quote": [
            (
                q.contract,
                voucher_text(q.voucher),
                q.quote_hash.hex(),
                q.due_on,
                q.proceeds,
                q.interest,
                q.issuer_interest,
                q.rate,
                q.basis.value,
            )
            for q in opened.quotes
        ],
        "opened_reference": [(r.payment, r.reference) for r in opened.references],
        "opened_invoice": sorted(
            {(i.fingerprint.hex(), i.number, _digits(i.number)) for i in opened.invoices}
        ),
        "dossier_problem": [
            (
                x.entry,
                *x.subject,
                x.expected,
                x.found,
                x.since,
                x.contract,
                voucher_text(x.voucher) if x.contract else "",
            )
            for x in opened.problems
        ],
    }


def _book_rows(inputs: Inputs) -> dict[str, list[Row]]:
    # An address may come in capital or small letters: the tables have it as the chain rows write it.
    ledgers = {contract.casefold(): contract for contract in inputs.contracts}
    return {
        "loan": [
            (
                place,
                x.loan_no,
                x.bank,
                _key(x.bank),
                x.voucher,
                x.borrower,
                _key(x.borrower),
                x.obligor,
                _key(x.obligor),
                x.principal,
                x.proceeds,
                x.interest,
                x.rate,
                x.basis.value,
                x.booked_on,
                x.due_on,
                x.status.value,
                x.repaid_on,
                ledgers.get(x.contract.casefold(), x.contract),
            )
            for place, x in enumerate(inputs.loan_book)
        ],
        "entry": [
            (
                place,
                x.entry_id,
                x.booked_on,
                x.value_on,
                x.direction.value,
                x.amount,
                x.amount if x.direction is Direction.DEBIT else -x.amount,
                x.counterparty,
                _key(x.counterparty),
                x.reference,
            )
            for place, x in enumerate(inputs.statement)
        ],
        "booked_line": [
            (
                x.line,
                _line_number(x.line, inputs.bank),
                x.issuer,
                _key(x.issuer),
                x.limit,
                x.used,
                x.expires_on,
            )
            for x in inputs.line_book
        ],
    }


def _key(name: str) -> str:
    """A name without what does not tell parties apart: width of characters, blanks, case."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _line_number(text: str, bank: int) -> int | None:
    """`2-17`, or the bank's own reference `17`; None for what can be no line of a ledger."""
    before, _, reference = text.rpartition("-")
    if not (reference.isascii() and reference.isdigit()) or before not in ("", str(bank)):
        return None
    return bank << 32 | int(reference) if 0 < int(reference) < 2**32 else None


def _digits(number: str) -> str:
    """An invoice number without what somebody might put in to make it look like another one."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", number).casefold() if sign.isalnum())
