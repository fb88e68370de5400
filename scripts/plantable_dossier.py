"""A dossier file that is being changed, so that its entries no longer say what the hashes on chain stand for.

It reads and writes the file as it stands, and knows nothing of the chain or of reconciliation. An invoice that was
never opened can be opened here: its fingerprint follows from its number, its payer and the dossier's own salt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from ledger.discount import from_json, quote_hash, to_json
from ledger.errors import InputError
from ledger.money import Percent
from ledger.outside import read_json

_OTHER_RATE: Final = Decimal("0.05")


@dataclass
class PlantableDossier:
    """One dossier's content."""

    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> PlantableDossier:
        """InputError where the file cannot be read or lacks what is changed here."""
        try:
            content = read_json(path)
            named = {name: content[name] for name in ("vouchers", "quotes", "invoices", "invoice_salt")}
        except OSError as missing:
            raise InputError(f"the dossier {path} cannot be read: {missing.strerror}") from None
        except (KeyError, TypeError):
            raise InputError(f"{path} is no dossier") from None
        return cls({**content, **named})

    def only_quote(self, number: str) -> dict[str, Any] | None:
        """The quote of a voucher by its readable number; None where it has none, or several."""
        vouchers = {row["voucher"] for row in self.content["vouchers"] if row["number"] == number}
        quotes = [row for row in self.content["quotes"] if row["voucher"] in vouchers]
        return quotes[0] if len(quotes) == 1 else None

    def change_quote(self, row: dict[str, Any]) -> tuple[str, str]:
        """Gives a quote another rate; its hash before and after."""
        quote, salt = from_json(row["quote"]), bytes.fromhex(row["salt"])
        other = replace(quote, rate=Percent(quote.rate + _OTHER_RATE))
        row["quote"] = to_json(other)
        return f"0x{quote_hash(quote, salt).hex()}", f"0x{quote_hash(other, salt).hex()}"

    def open_invoice(self, number: str, payer: int) -> None:
        """Opens an invoice of this payer, by the number under which its fingerprint was made."""
        text, salt = f"{number} {payer}", bytes.fromhex(self.content["invoice_salt"])
        fingerprint = keccak(text.encode() + salt).hex()
        self.content["invoices"].append({"number": number, "text": text, "fingerprint": fingerprint})

    def write(self, path: Path) -> None:
        """InputError where it cannot be written."""
        try:
            path.write_text(json.dumps(self.content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except OSError as failed:
            raise InputError(f"{path} cannot be written: {failed.strerror}") from None
