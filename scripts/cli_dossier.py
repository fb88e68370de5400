"""The dossier of an installation: what the hashes on chain stand for.

Names of parties, readable numbers of vouchers, quotes, payment references, invoices and other hashed texts, each
with its salt, in one JSON file that only its owner can read. It is replaced whole. What is in here never goes on
chain, and a lost dossier cannot be made again from it: keep a copy.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.agreements import PartyNumber, VoucherId
from ledger.codes import check_credit_code
from ledger.discount import SALT_BYTES, Part, Quote, quote_hash
from ledger.discount import from_json as quote_from_json
from ledger.discount import to_json as quote_to_json
from ledger.errors import InputError
from ledger.members import parse_hex, parse_voucher, voucher_text
from ledger.money import Fen, shown
from ledger.reconciliation import (
    Dossier,
    DossierParty,
    DossierQuote,
    DossierReference,
    DossierVoucher,
    reference_hash,
)

FORMAT: Final = "tallystick-dossier-1"
LISTS: Final = ("parties", "vouchers", "quotes", "references", "invoices", "texts")
_NUMBER: Final = re.compile(r"[^\s/]+(?:/[0-9]+)*")


@dataclass(slots=True)
class DossierFile:
    """An open dossier. Changes are on disk after `save`; `undo` takes back what was saved last."""

    path: Path
    content: dict[str, list[dict[str, Any]]]
    before: bytes | None = None

    @classmethod
    def create(cls, path: Path) -> DossierFile:
        """An empty one, not yet on disk."""
        return cls(path, {name: [] for name in LISTS})

    @classmethod
    def load(cls, path: Path) -> DossierFile:
        """Opens a dossier; InputError where there is none or it cannot be read."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                raise ValueError
            return cls(path, {name: [dict(row) for row in content[name]] for name in LISTS})
        except OSError as missing:
            raise InputError(f"the dossier {path} cannot be read: {missing.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path} is no dossier of this version: restore it from a copy") from None

    def save(self) -> None:
        """Replaces the file."""
        self.before = self.path.read_bytes() if self.path.exists() else None
        text = json.dumps({"format": FORMAT, **self.content}, ensure_ascii=False, indent=1) + "\n"
        _replace(self.path, text.encode())

    def undo(self) -> None:
        """Puts back the file as it was before `save`."""
        if self.before is not None:
            _replace(self.path, self.before)

    # Parties

    def name_party(self, party: PartyNumber, name: str, code: str) -> bytes:
        """Notes who a party is and gives its profile hash. `code` may be empty for a founder."""
        name = name.strip()
        if not name or not name.isprintable() or name.isdecimal():
            raise InputError(f"party name {shown(name)}: give the registered name, not empty and no number")
        if any(row["name"] == name for row in self.content["parties"]):
            raise InputError(f"there is a party {shown(name)} already: names must differ")
        if code:
            check_credit_code(code)
            for row in self.content["parties"]:
                if row["code"] == code:
                    raise InputError(f"credit code {code} is that of party {row['party']} already")
        salt, profile = _salted(f"{name}\n{code}")
        row = {"party": int(party), "name": name, "code": code, "account_name": name}
        self.content["parties"].append(row | {"salt": "0x" + salt.hex(), "hash": "0x" + profile.hex()})
        return profile

    @property
    def names(self) -> Mapping[PartyNumber, str]:
        """Names by party number."""
        return {PartyNumber(row["party"]): row["name"] for row in self.content["parties"]}

    def party(self, text: str) -> PartyNumber:
        """A party by its number or its name; InputError for a name that is not here."""
        if text.isascii() and text.isdecimal() and len(text) <= 10:
            return PartyNumber(int(text))
        for number, name in self.names.items():
            if name == text:
                return number
        raise InputError(f"no party is called {shown(text)}: see them with: tallystick parties")

    # Vouchers

    def number_voucher(self, number: str, *, contract: str, voucher: VoucherId) -> None:
        """Gives a voucher its readable number; InputError where that is taken or looks like something else."""
        if not _NUMBER.fullmatch(number) or not number.isprintable() or number.lower().startswith("0x"):
            raise InputError(f"voucher number {shown(number)}: give one without blanks, such as P-2026-001")
        if any(row["number"] == number for row in self.content["vouchers"]):
            raise InputError(f"voucher number {number} is taken: give another one with --number")
        row = {"number": number, "contract": contract, "voucher": voucher_text(voucher)}
        self.content["vouchers"].append(row)

    @property
    def numbers(self) -> Mapping[VoucherId, str]:
        """Readable numbers by voucher."""
        return {parse_voucher(row["voucher"]): row["number"] for row in self.content["vouchers"]}

    def voucher(self, text: str) -> VoucherId:
        """A voucher by its readable number or its id; InputError for a number that is not here."""
        for row in self.content["vouchers"]:
            if row["number"] == text:
                return parse_voucher(row["voucher"])
        if text.lower().startswith("0x"):
            return parse_voucher(text)
        raise InputError(
            f"no voucher has the number {shown(text)}: check it, or give the id, 0x and 64 hex digits; "
            "see the vouchers with: tallystick vouchers"
        )

    def next_number(self, year: int) -> str:
        """The first free one of P-2026-001, P-2026-002, …"""
        taken = {row["number"] for row in self.content["vouchers"]}
        return next(name for n in range(1, 10**6) if (name := f"P-{year}-{n:03d}") not in taken)

    # Hashes

    def fingerprint(self, payer: PartyNumber, number: str) -> bytes:
        """The salted hash of an invoice of this payer: the same each time it is used."""
        for row in self.content["invoices"]:
            if (row["payer"], row["number"]) == (payer, number):
                return parse_hex(row["hash"], "fingerprint", length=32)
        salt, hashed = _salted(f"{payer}\n{number}")
        row = {"payer": int(payer), "number": number}
        self.content["invoices"].append(row | {"salt": "0x" + salt.hex(), "hash": "0x" + hashed.hex()})
        return hashed

    def text_hash(self, what: str, text: str) -> bytes:
        """The salted hash of terms, a reason or an order, which are kept."""
        salt, hashed = _salted(text)
        row = {"what": what, "text": text, "salt": "0x" + salt.hex(), "hash": "0x" + hashed.hex()}
        self.content["texts"].append(row)
        return hashed

    def reference(self, text: str) -> bytes:
        """The salted hash of a payment reference, as it will stand on the statement."""
        salt, hashed = _salted(text)
        row = {"reference": text, "salt": "0x" + salt.hex(), "hash": "0x" + hashed.hex()}
        self.content["references"].append(row)
        return hashed

    def quote(self, quote: Quote, part: Part, *, contract: str, voucher: VoucherId) -> bytes:
        """Keeps a quote with what it comes to for this voucher, and gives its hash."""
        salt = secrets.token_bytes(SALT_BYTES)
        self.content["quotes"].append(
            {
                "contract": contract,
                "voucher": voucher_text(voucher),
                "quote": quote_to_json(quote),
                "salt": "0x" + salt.hex(),
                "proceeds": int(part.proceeds),
                "interest": int(part.interest),
                "issuer_interest": int(part.issuer_interest),
            }
        )
        return bytes(quote_hash(quote, salt))

    # For reconciliation

    def opened(self) -> Dossier:
        """All that a bank's reconciliation reads; InputError for an entry that cannot be read."""
        try:
            return self._opened()
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(f"{self.path} is damaged: restore it from a copy") from None

    def _opened(self) -> Dossier:
        rows = self.content
        return Dossier(
            [
                DossierParty(int(row["party"]), row["name"], row["code"], row["account_name"])
                for row in rows["parties"]
            ],
            [
                DossierVoucher(row["number"], row["contract"], parse_voucher(row["voucher"]))
                for row in rows["vouchers"]
            ],
            [
                DossierQuote(
                    contract=row["contract"],
                    voucher=parse_voucher(row["voucher"]),
                    quote=quote_from_json(row["quote"]),
                    salt=parse_hex(row["salt"], "salt"),
                    proceeds=Fen(row["proceeds"]),
                    interest=Fen(row["interest"]),
                    issuer_interest=Fen(row["issuer_interest"]),
                )
                for row in rows["quotes"]
            ],
            [
                DossierReference(
                    row["reference"], parse_hex(row["salt"], "salt"), parse_hex(row["hash"], "hash", length=32)
                )
                for row in rows["references"]
            ],
        )


def _salted(text: str) -> tuple[bytes, bytes]:
    salt = secrets.token_bytes(SALT_BYTES)
    return salt, reference_hash(text, salt)


def _replace(path: Path, text: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as failed:
        fresh.unlink(missing_ok=True)
        raise InputError(f"the dossier {path} cannot be written: {failed.strerror}") from None
