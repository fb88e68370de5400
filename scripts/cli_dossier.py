"""The dossier of an installation: what the hashes on chain stand for.

Names of parties, readable numbers of vouchers, quotes, payment references, invoices and other hashed texts, each
with its salt, in one JSON file that only its owner can read (`business_dossier.read_dossier` reads the same file
for reconciliation). It is replaced whole. What is in here never goes on chain, and a lost dossier cannot be made
again from the chain: keep a copy.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.agreements import PartyNumber, VoucherId
from ledger.codes import check_credit_code
from ledger.discount import SALT_BYTES, Part, Quote, quote_hash
from ledger.discount import to_json as quote_to_json
from ledger.errors import InputError
from ledger.members import parse_voucher, voucher_text
from ledger.money import shown
from ledger.outside import json_of
from ledger.reconciliation import reference_hash
from scripts.business_dossier import FORMAT

LISTS: Final = ("parties", "vouchers", "quotes", "references", "terms", "invoices", "reasons")
_NUMBER: Final = re.compile(r"[^\s/]+(?:/[0-9]+)*")


@dataclass(slots=True)
class DossierFile:
    """An open dossier. Changes are on disk after `save`; `undo` takes back what was saved last.

    `contract` is the ledger that its vouchers are of, `invoice_salt` goes into every invoice's fingerprint.
    """

    path: Path
    contract: str
    invoice_salt: bytes
    content: dict[str, list[dict[str, Any]]]
    before: bytes | None = None
    loaded: bytes | None = None
    written: bytes | None = None

    @classmethod
    def create(cls, path: Path) -> DossierFile:
        """An empty one, not yet on disk and of no contract yet."""
        return cls(path, "", secrets.token_bytes(SALT_BYTES), {name: [] for name in LISTS})

    @classmethod
    def load(cls, path: Path) -> DossierFile:
        """Opens a dossier; InputError where there is none or it cannot be read."""
        try:
            return cls._of(path, path.read_bytes())
        except OSError as missing:
            raise InputError(
                f"the dossier {path} cannot be read: {missing.strerror}. What is in it stands on no chain: restore "
                "it from a copy"
            ) from None

    @classmethod
    def _of(cls, path: Path, text: bytes) -> DossierFile:
        try:
            given = json_of(text)
            if given["format"] != FORMAT:
                raise ValueError
            content = {name: [dict(row) for row in given[name]] for name in LISTS}
            salt = bytes.fromhex(given["invoice_salt"])
            dossier = cls(path, str(given["contract"]), salt, content, loaded=text)
            _ = dossier.names, dossier.numbers
            return dossier
        except (ValueError, KeyError, TypeError, AttributeError, InputError):
            raise InputError(f"{path} is no dossier of this version: restore it from a copy") from None

    def save(self) -> None:
        """Replaces the file. What another command has added since it was loaded stays; InputError where that and
        this one cannot both be."""
        self.before = self.path.read_bytes() if self.path.exists() else None
        if self.before is not None and self.loaded is not None and self.before != self.loaded:
            self._take_in(self.before, self.loaded)
        whole: dict[str, object] = {"format": FORMAT, "contract": self.contract}
        whole |= {"invoice_salt": self.invoice_salt.hex(), **self.content}
        self.written = self.loaded = (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()
        _replace(self.path, self.written)

    def undo(self) -> None:
        """Puts back the file as it was before `save`, unless somebody has added to it since."""
        if self.before is not None and self.path.read_bytes() == self.written:
            _replace(self.path, self.before)

    def _take_in(self, present: bytes, loaded: bytes) -> None:
        theirs, base = self._of(self.path, present), self._of(self.path, loaded)
        for name in LISTS:
            known = len(base.content[name])
            if theirs.content[name][:known] != base.content[name]:
                raise InputError(f"{self.path} was changed by hand meanwhile: run the command again")
            added = [row for row in self.content[name][known:] if row not in theirs.content[name]]
            self.content[name] = theirs.content[name] + added
        for rows, key in (("vouchers", "number"), ("parties", "party"), ("parties", "name")):
            values = [row[key] for row in self.content[rows]]
            for value in values:
                if values.count(value) > 1:
                    raise InputError(
                        f"{key} {value} of the {rows} was taken by another command meanwhile: run this one again"
                    )

    @property
    def contracts(self) -> list[str]:
        """The ledgers that it names: its own, and those of vouchers and quotes of others."""
        rows = (*self.content["vouchers"], *self.content["quotes"])
        return list(dict.fromkeys([self.contract, *(row["contract"] for row in rows if "contract" in row)]))

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
        salt, profile = _salted(f"{code} {name}")
        row = {"party": int(party), "name": name, "code": code, "account": name, "salt": salt.hex()}
        self.content["parties"].append(row)
        return profile

    @property
    def names(self) -> Mapping[PartyNumber, str]:
        """Names by party number."""
        return {PartyNumber(row["party"]): row["name"] for row in self.content["parties"]}

    def party(self, text: str) -> PartyNumber:
        """A party by its number or its name; InputError for a name that is not here."""
        if text.isascii() and text.isdecimal() and len(text) <= 9:
            return PartyNumber(int(text))
        for number, name in self.names.items():
            if name == text:
                return number
        raise InputError(f"no party is called {shown(text)}: see them with: tallystick parties")

    # Vouchers

    def number_voucher(self, number: str, voucher: VoucherId, contract: str) -> None:
        """Gives a voucher of a ledger its readable number; InputError where that is taken or looks like something
        else."""
        if not _NUMBER.fullmatch(number) or not number.isprintable() or number.lower().startswith("0x"):
            raise InputError(f"voucher number {shown(number)}: give one without blanks, such as P-2026-001")
        if any(row["number"] == number for row in self.content["vouchers"]):
            raise InputError(f"voucher number {number} is taken: give another one with --number")
        row = {"number": number, "voucher": voucher_text(voucher)}
        self.content["vouchers"].append(row | self._elsewhere(contract))

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

    def next_number(self, year: int, payer: PartyNumber, used: Container[tuple[PartyNumber, bytes]]) -> str:
        """The first free one of P-2026-001, P-2026-002, … `used`: invoices that are on chain; a number that is one of
        them was given before this dossier was restored from a backup."""
        taken = {row["number"] for row in self.content["vouchers"]}
        names = (f"P-{year}-{n:03d}" for n in range(1, 10**6))
        return next(
            name for name in names if name not in taken and (payer, self._hashed(payer, name)) not in used
        )

    # Hashes

    def fingerprint(self, payer: PartyNumber, number: str) -> bytes:
        """The salted hash of an invoice of this payer: the same each time it is used."""
        hashed = self._hashed(payer, number)
        row = {"number": number, "text": f"{number} {payer}", "fingerprint": hashed.hex()}
        if row not in self.content["invoices"]:
            self.content["invoices"].append(row)
        return hashed

    def _hashed(self, payer: PartyNumber, number: str) -> bytes:
        return bytes(reference_hash(f"{number} {payer}", self.invoice_salt))

    def terms(self, number: str, text: str) -> bytes:
        """The salted hash of a promise's terms, which are kept."""
        salt, hashed = _salted(text)
        self.content["terms"].append({"number": number, "terms": text, "salt": salt.hex()})
        return hashed

    def reason(self, text: str) -> bytes:
        """The salted hash of a reason, an order or an issuer's own reference, which is kept."""
        salt, hashed = _salted(text)
        self.content["reasons"].append({"text": text, "salt": salt.hex(), "hash": hashed.hex()})
        return hashed

    def order(self, number: str) -> bytes:
        """The salted hash of a court order, the same each time it is named: it counts once for a voucher."""
        text = f"order {number}"
        known = [row["hash"] for row in self.content["reasons"] if row["text"] == text]
        return bytes.fromhex(known[0]) if known else self.reason(text)

    def reference(self, text: str) -> bytes:
        """The salted hash of a payment reference, as it will stand on the statement."""
        salt, hashed = _salted(text)
        self.content["references"].append({"reference": text, "salt": salt.hex(), "hash": hashed.hex()})
        return hashed

    def quote(self, quote: Quote, part: Part, voucher: VoucherId, *, contract: str) -> bytes:
        """Keeps a quote with what it comes to for this voucher of that ledger, and gives its hash."""
        salt = secrets.token_bytes(SALT_BYTES)
        self.content["quotes"].append(
            {
                "number": f"Q-{len(self.content['quotes']) + 1:04d}",
                "voucher": voucher_text(voucher),
                "quote": quote_to_json(quote),
                "salt": salt.hex(),
                "proceeds_fen": int(part.proceeds),
                "interest_fen": int(part.interest),
                "issuer_interest_fen": int(part.issuer_interest),
                **self._elsewhere(contract),
            }
        )
        return bytes(quote_hash(quote, salt))

    def _elsewhere(self, contract: str) -> dict[str, str]:
        """What a row of another ledger than the file's own says besides."""
        return {} if contract == self.contract else {"contract": contract}


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
