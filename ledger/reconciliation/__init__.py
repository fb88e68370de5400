"""Reconciliation of the chain with one bank's loan book, statement and line book.

    inputs.py      what goes in, as plain values
    dossier.py     each opened entry against its hash on chain
    matching/      which loan and which entry stand for what on chain (SQL)
    rules/         one query per kind of break (SQL)
    engine.py      runs them in DuckDB
    breaks.py      what comes out
    report.py      as JSON, CSV and a printable page

It compares and reports. It repairs nothing, and whether breaks are an error is for its caller to say.
"""

from ledger.reconciliation.breaks import (
    CAUSES,
    KIND_WORDS,
    Break,
    Kind,
    KindTotal,
    Reconciliation,
    Words,
)
from ledger.reconciliation.engine import reconcile, rule_text
from ledger.reconciliation.inputs import (
    ChainLine,
    ChainPayment,
    ChainVoucher,
    Dossier,
    DossierParty,
    DossierQuote,
    DossierReference,
    DossierVoucher,
    Ended,
    Inputs,
    PaymentPurpose,
    PaymentState,
    StatedBlock,
    VoucherState,
    reference_hash,
)
from ledger.reconciliation.report import to_json, write_csv, write_html

__all__ = [
    "CAUSES",
    "KIND_WORDS",
    "Break",
    "ChainLine",
    "ChainPayment",
    "ChainVoucher",
    "Dossier",
    "DossierParty",
    "DossierQuote",
    "DossierReference",
    "DossierVoucher",
    "Ended",
    "Inputs",
    "Kind",
    "KindTotal",
    "PaymentPurpose",
    "PaymentState",
    "Reconciliation",
    "StatedBlock",
    "VoucherState",
    "Words",
    "reconcile",
    "reference_hash",
    "rule_text",
    "to_json",
    "write_csv",
    "write_html",
]
