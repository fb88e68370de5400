"""Reconciliation of the chain with one bank's loan book, statement and line book.

    on_chain.py    the chain at a block, as plain values; one or several ledgers
    inputs.py      what goes in besides: dossier and books
    extract.py     the chain's values out of an indexed database
    dossier.py     each opened entry against its hash on chain
    matching/      which loan and which entry stand for what on chain (SQL)
    rules/         one query per kind of break (SQL)
    engine.py      runs them in DuckDB; table_rows.py carries the inputs in
    breaks.py      what comes out; causes.py what each likely cause means
    report.py      as JSON, CSV and a printable page

It compares and reports. It repairs nothing, and whether breaks are an error is for its caller to say.
"""

from ledger.reconciliation.breaks import (
    KIND_WORDS,
    Break,
    Kind,
    KindTotal,
    OverdueLoan,
    Reconciliation,
    Words,
)
from ledger.reconciliation.causes import CAUSES
from ledger.reconciliation.engine import reconcile, rule_text
from ledger.reconciliation.inputs import (
    Dossier,
    DossierInvoice,
    DossierParty,
    DossierQuote,
    DossierReference,
    DossierVoucher,
    Inputs,
    merged,
    reference_hash,
)
from ledger.reconciliation.on_chain import (
    ChainDraw,
    ChainInvoiceUse,
    ChainLine,
    ChainMove,
    ChainPayment,
    ChainPledge,
    ChainVoucher,
    Ended,
    PaymentPurpose,
    PaymentState,
    PledgeState,
    StatedBlock,
    VoucherState,
)
from ledger.reconciliation.report import to_json, write_csv, write_html, write_overdue_csv

__all__ = [
    "CAUSES",
    "KIND_WORDS",
    "Break",
    "ChainDraw",
    "ChainInvoiceUse",
    "ChainLine",
    "ChainMove",
    "ChainPayment",
    "ChainPledge",
    "ChainVoucher",
    "Dossier",
    "DossierInvoice",
    "DossierParty",
    "DossierQuote",
    "DossierReference",
    "DossierVoucher",
    "Ended",
    "Inputs",
    "Kind",
    "KindTotal",
    "OverdueLoan",
    "PaymentPurpose",
    "PaymentState",
    "PledgeState",
    "Reconciliation",
    "StatedBlock",
    "VoucherState",
    "Words",
    "merged",
    "reconcile",
    "reference_hash",
    "rule_text",
    "to_json",
    "write_csv",
    "write_html",
    "write_overdue_csv",
]
