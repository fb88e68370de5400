"""What a reconciliation of one bank is given: the chain at a block, the dossier, and the bank's three tables.

The chain rows are those of `on_chain.py`. Give them of the whole ledger, and of every ledger contract, the oldest
first: what concerns the bank is chosen by the rules. Nothing is read from a node, a database or a file here, nothing
is defaulted from a clock, and nothing is repaired: input that cannot be reconciled raises an InputError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from eth_utils.crypto import keccak

from ledger.discount import SALT_BYTES, Quote
from ledger.errors import InputError
from ledger.money import Fen
from ledger.reconciliation.on_chain import (
    ChainDraw,
    ChainInvoiceUse,
    ChainLine,
    ChainMove,
    ChainPayment,
    ChainPledge,
    ChainVoucher,
    StatedBlock,
    voucher_text,
)
from ledger.statement import BookedLine, BookedLoan, StatementEntry

NOTHING: Final = Fen(0)
ONE_FEN: Final = Fen(1)
MOST_TOLERANCE_FEN: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DossierParty:
    """Who a party number is: the registered name, the social credit code, the name of its account."""

    party: int
    name: str
    code: str
    account_name: str


@dataclass(frozen=True, slots=True)
class DossierVoucher:
    """The readable number (凭证编号) under which the bank's books carry a voucher."""

    number: str
    contract: str
    voucher: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierQuote:
    """A quote opened: with its salt it has the hash on chain; amounts in fen are this voucher's part of the
    lot.

    `interest` is the whole interest, `issuer_interest` what of it the issuer pays to the funder.
    """

    contract: str
    voucher: int
    quote: Quote
    salt: bytes
    proceeds: Fen
    interest: Fen
    issuer_interest: Fen = NOTHING


@dataclass(frozen=True, slots=True)
class DossierReference:
    """A payment reference opened: the text as on the statement, its salt, and the hash it says it has."""

    reference: str
    salt: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class DossierInvoice:
    """An invoice opened: `text`, which begins with its number, has with the salt the fingerprint on chain."""

    number: str
    text: str
    salt: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Dossier:
    """What the hashes on chain stand for, as far as it is open to the bank."""

    parties: Sequence[DossierParty] = ()
    vouchers: Sequence[DossierVoucher] = ()
    quotes: Sequence[DossierQuote] = ()
    references: Sequence[DossierReference] = ()
    invoices: Sequence[DossierInvoice] = ()


def merged(dossiers: Sequence[Dossier]) -> Dossier:
    """Several dossiers as one, as where each ledger has its own; what two of them have alike is taken once.

    Two entries that name the same party or voucher number differently stay two, and `Inputs` refuses them.
    """
    return Dossier(
        parties=_once(row for each in dossiers for row in each.parties),
        vouchers=_once(row for each in dossiers for row in each.vouchers),
        quotes=_once(row for each in dossiers for row in each.quotes),
        references=_once(row for each in dossiers for row in each.references),
        invoices=_once(row for each in dossiers for row in each.invoices),
    )


def _once(rows: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that one bank's reconciliation needs; raises InputError where it cannot be used.

    `cut_off` is the last day of the books, `statement_from` the first of the statement (None: from the
    start). `tolerance_fen`, 0 to 100, is what an amount of loan book, statement or line book may differ by.
    """

    bank: int
    block: StatedBlock
    cut_off: date
    vouchers: Sequence[ChainVoucher]
    payments: Sequence[ChainPayment]
    lines: Sequence[ChainLine]
    dossier: Dossier
    loan_book: Sequence[BookedLoan]
    statement: Sequence[StatementEntry]
    line_book: Sequence[BookedLine]
    tolerance_fen: Fen = ONE_FEN
    statement_from: date | None = None
    pledges: Sequence[ChainPledge] = ()
    invoice_uses: Sequence[ChainInvoiceUse] = ()
    moves: Sequence[ChainMove] = ()
    draws: Sequence[ChainDraw] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance_fen <= MOST_TOLERANCE_FEN:
            raise InputError(f"tolerance of {self.tolerance_fen} fen: give 0 to {MOST_TOLERANCE_FEN}")
        if self.block.as_of < self.cut_off:
            raise InputError(
                f"the chain is read as of {self.block.as_of}, before the books' cut-off {self.cut_off}: read "
                "a later block, or books with an earlier cut-off"
            )
        if self.block.begins_on is not None and self.cut_off < self.block.begins_on:
            raise InputError(
                f"the chain begins on {self.block.begins_on}, after the books' cut-off {self.cut_off}: there is "
                "nothing to compare with them; check the cut-off"
            )
        if self.statement_from is not None and self.statement_from > self.cut_off:
            raise InputError(
                f"the statement begins on {self.statement_from}, after the cut-off {self.cut_off}"
            )
        known = {(voucher.contract, voucher.voucher) for voucher in self.vouchers}
        if len(known) != len(self.vouchers):
            raise InputError("the chain extract has a voucher twice")
        needed = [("payment", row.contract, row.voucher) for row in self.payments]
        needed += [("pledge", row.contract, row.voucher) for row in self.pledges]
        needed += [("move", row.contract, row.voucher) for row in self.moves]
        for what, contract, number in needed:
            if (contract, number) not in known:
                raise InputError(
                    f"the chain extract has a {what} on voucher {voucher_text(number)}, but not "
                    "that voucher: give the whole ledger's rows"
                )
        _require_single("voucher number", _numbers(self.dossier))
        _require_single(
            "number for voucher", ((entry.contract, entry.voucher) for entry in self.dossier.vouchers)
        )
        _require_single("party", (entry.party for entry in self.dossier.parties))
        self._require_own_books()
        self._require_known_ledgers()

    @property
    def contracts(self) -> tuple[str, ...]:
        """The ledgers whose rows are here, in the order in which they were given."""
        named = [row.contract for row in self.lines] + [row.contract for row in self.vouchers]
        return tuple(dict.fromkeys(named))

    def _require_own_books(self) -> None:
        """A whole file of another bank is a wrong file, not a day full of breaks."""
        number_of = {entry.name: entry.party for entry in self.dossier.parties}
        owners = {
            "loan book": [number_of.get(loan.bank, self.bank) for loan in self.loan_book],
            "line book": [_bank_of(line.line, self.bank) for line in self.line_book],
        }
        for what, banks in owners.items():
            if banks and self.bank not in banks:
                others = ", ".join(str(bank) for bank in sorted(set(banks)))
                raise InputError(
                    f"every row of the {what} is of bank {others}, asked for is bank {self.bank}: give bank "
                    f"{self.bank}'s own file, or reconcile bank {others}"
                )

    def _require_known_ledgers(self) -> None:
        """A loan of a ledger that nobody has is a wrong address, not a voucher that is missing."""
        known = {contract.casefold() for contract in self.contracts}
        wrong = [loan for loan in self.loan_book if loan.contract and loan.contract.casefold() not in known]
        if wrong:
            more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            raise InputError(
                f"loan {wrong[0].loan_no} names the ledger {wrong[0].contract}{more}; known are "
                f"{', '.join(self.contracts) or 'none'}: correct the loan book's column contract (账本合约)"
            )


def _numbers(dossier: Dossier) -> Iterable[str]:
    """Readable numbers; one that two ledgers have is not the same number."""
    ledgers = {entry.contract for entry in dossier.vouchers}
    for entry in dossier.vouchers:
        yield entry.number if len(ledgers) == 1 else f"{entry.number} in ledger {entry.contract}"


def _bank_of(line: str, unknown: int) -> int:
    """The bank in a line's number (2-17); `unknown` where there is none to be read."""
    bank = line.split("-")[0]
    return int(bank) if bank.isascii() and bank.isdigit() else unknown


def _require_single(what: str, keys: Iterable[object]) -> None:
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise InputError(f"the dossier has more than one {what} {repeated[0]}: keep the right one")


def reference_hash(reference: str, salt: bytes) -> bytes:
    """What a payment agreement says about the bank's reference: keccak-256 over its UTF-8 text and the salt.

    32 random bytes of salt keep a guessable reference from being found by trying. InputError for another
    length.
    """
    if len(salt) != SALT_BYTES:
        raise InputError(f"a salt has {SALT_BYTES} bytes, this one has {len(salt)}")
    return bytes(keccak(reference.encode("utf-8") + salt))
