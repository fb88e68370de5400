"""The dossier's file, read: what the hashes on chain stand for, as a reconciliation takes it.

It is written by `cli_dossier.DossierFile`. Entries are taken as they stand: whether one has its hash on chain is for
the reconciliation to find out. The file names the ledger that its vouchers and quotes are of; a row that is of another
one names that in its own `contract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ledger.discount import from_json
from ledger.errors import InputError
from ledger.members import parse_hex, parse_voucher
from ledger.money import Fen
from ledger.outside import read_json
from ledger.reconciliation import (
    Dossier,
    DossierInvoice,
    DossierParty,
    DossierQuote,
    DossierReference,
    DossierVoucher,
)

FORMAT: Final = "tallystick-dossier-1"


def read_dossier(path: Path) -> Dossier:
    """Everything of the file that a reconciliation uses; InputError where it is missing, damaged or none."""
    try:
        content = _content(path)
        if content["format"] != FORMAT:
            raise InputError(f"{path} is a dossier of another format: {content['format']}")
        contract = content["contract"]
        return Dossier(
            parties=[
                DossierParty(row["party"], row["name"], row["code"], row["account"])
                for row in content["parties"]
            ],
            vouchers=[
                DossierVoucher(row["number"], row.get("contract", contract), parse_voucher(row["voucher"]))
                for row in content["vouchers"]
            ],
            quotes=[_quote(row, contract) for row in content["quotes"]],
            references=[
                DossierReference(row["reference"], _bytes(row["salt"]), _bytes(row["hash"]))
                for row in content["references"]
            ],
            invoices=[
                DossierInvoice(
                    row["number"], row["text"], _bytes(content["invoice_salt"]), _bytes(row["fingerprint"])
                )
                for row in content["invoices"]
            ],
        )
    except (ValueError, KeyError, TypeError) as damaged:
        raise InputError(f"{path} is no dossier, or damaged: {type(damaged).__name__}: {damaged}") from None


def _content(path: Path) -> Any:
    try:
        return read_json(path)
    except OSError as missing:
        raise InputError(f"the dossier {path} cannot be read: {missing.strerror}") from None
    except InputError as damaged:
        raise InputError(f"{path} is no dossier, or damaged: {damaged}") from None


def _quote(row: Mapping[str, Any], contract: str) -> DossierQuote:
    return DossierQuote(
        contract=row.get("contract", contract),
        voucher=parse_voucher(row["voucher"]),
        quote=from_json(row["quote"]),
        salt=_bytes(row["salt"]),
        proceeds=Fen(int(row["proceeds_fen"])),
        interest=Fen(int(row["interest_fen"])),
        issuer_interest=Fen(int(row["issuer_interest_fen"])),
    )


def _bytes(text: str) -> bytes:
    return parse_hex("0x" + text, "hash or salt", length=32)
