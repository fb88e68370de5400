"""The dossier: what the hashes on chain stand for, kept in one JSON file that only who may see it is given.

`Papers` collects while a business is played; `write_dossier` and `read_dossier` are the file. What is read is taken
as it stands: whether an entry has its hash on chain is for the reconciliation to find out.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ledger.agreements import PartyNumber, VoucherId
from ledger.discount import Price, Quote, from_json, to_json
from ledger.errors import InputError
from ledger.members import parse_hex, parse_voucher, voucher_text
from ledger.money import Fen
from ledger.reconciliation import (
    Dossier,
    DossierParty,
    DossierQuote,
    DossierReference,
    DossierVoucher,
    reference_hash,
)

FORMAT: Final = "tallystick-dossier-1"


@dataclass(frozen=True, slots=True)
class OpenedTerms:
    """A promise's terms: with the salt their hash is on chain."""

    number: str
    terms: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class OpenedInvoice:
    """An invoice: `text` and the consortium's salt give the fingerprint."""

    number: str
    text: str


@dataclass(frozen=True, slots=True)
class OpenedQuote:
    """A quote as it was signed for, and what it comes to for its voucher."""

    number: str
    voucher: VoucherId
    quote: Quote
    salt: bytes
    price: Price


@dataclass(frozen=True, slots=True)
class OpenedReference:
    """A bank's reference of a payment."""

    reference: str
    salt: bytes
    hash: bytes

    @classmethod
    def drawn(cls, reference: str, salt: bytes) -> OpenedReference:
        """A reference with its hash."""
        return cls(reference, salt, reference_hash(reference, salt))


@dataclass
class Papers:
    """Everything that was hashed, by what it is. `invoice_salt` is one for all: see `OpenedInvoice`."""

    invoice_salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    profile_salts: dict[PartyNumber, bytes] = field(default_factory=dict)
    terms: list[OpenedTerms] = field(default_factory=list)
    invoices: dict[bytes, OpenedInvoice] = field(default_factory=dict)
    quotes: list[OpenedQuote] = field(default_factory=list)
    references: list[OpenedReference] = field(default_factory=list)
    reasons: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)


def write_dossier(
    path: Path,
    papers: Papers,
    *,
    parties: Sequence[DossierParty],
    ids: Mapping[str, VoucherId],
    contract: str,
) -> None:
    """Writes the file whole or not at all, readable by its owner alone."""
    content = {
        "format": FORMAT,
        "contract": contract,
        "invoice_salt": papers.invoice_salt.hex(),
        "parties": [
            {
                "party": row.party,
                "name": row.name,
                "code": row.code,
                "account": row.account_name,
                "salt": papers.profile_salts[PartyNumber(row.party)].hex(),
            }
            for row in parties
        ],
        "vouchers": [{"number": number, "voucher": voucher_text(voucher)} for number, voucher in ids.items()],
        "quotes": [_quote_cells(row) for row in papers.quotes],
        "references": [
            {"reference": row.reference, "salt": row.salt.hex(), "hash": row.hash.hex()}
            for row in papers.references
        ],
        "terms": [{"number": row.number, "terms": row.terms, "salt": row.salt.hex()} for row in papers.terms],
        "invoices": [
            {"number": row.number, "text": row.text, "fingerprint": key.hex()}
            for key, row in papers.invoices.items()
        ],
        "reasons": [
            {"text": text, "salt": salt.hex(), "hash": key.hex()}
            for key, (text, salt) in papers.reasons.items()
        ],
    }
    beside = path.with_name(path.name + ".part")
    try:
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")
        beside.replace(path)
    except OSError as failed:
        raise InputError(f"{path} cannot be written: {failed.strerror}") from None


def read_dossier(path: Path) -> Dossier:
    """The dossier as a reconciliation takes it; InputError where the file is missing or is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"{path} is a dossier of another format: {content['format']}")
        contract = content["contract"]
        return Dossier(
            parties=[
                DossierParty(row["party"], row["name"], row["code"], row["account"])
                for row in content["parties"]
            ],
            vouchers=[
                DossierVoucher(row["number"], contract, parse_voucher(row["voucher"]))
                for row in content["vouchers"]
            ],
            quotes=[_quote(row, contract) for row in content["quotes"]],
            references=[
                DossierReference(row["reference"], _bytes(row["salt"]), _bytes(row["hash"]))
                for row in content["references"]
            ],
        )
    except OSError as missing:
        raise InputError(f"the dossier {path} cannot be read: {missing.strerror}") from None
    except (ValueError, KeyError, TypeError) as damaged:
        raise InputError(f"{path} is no dossier, or damaged: {type(damaged).__name__}: {damaged}") from None


def _quote_cells(row: OpenedQuote) -> dict[str, object]:
    return {
        "number": row.number,
        "voucher": voucher_text(row.voucher),
        "quote": to_json(row.quote),
        "salt": row.salt.hex(),
        "proceeds_fen": row.price.proceeds,
        "interest_fen": row.price.interest,
        "issuer_interest_fen": row.price.issuer_interest,
    }


def _quote(row: Mapping[str, Any], contract: str) -> DossierQuote:
    return DossierQuote(
        contract=contract,
        voucher=parse_voucher(row["voucher"]),
        quote=from_json(row["quote"]),
        salt=_bytes(row["salt"]),
        proceeds=Fen(int(row["proceeds_fen"])),
        interest=Fen(int(row["interest_fen"])),
        issuer_interest=Fen(int(row["issuer_interest_fen"])),
    )


def _bytes(text: str) -> bytes:
    return parse_hex("0x" + text, "hash or salt", length=32)
