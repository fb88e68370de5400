"""A small clean world for the reconciliation tests: two banks, two core enterprises, their books at a cut-
off.

V-1 is the canonical voucher: 1,000,000.00, 2026-04-15 to 2026-08-28 at 3.60 %, bought by bank 2, paid by bank
3.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from ledger.calendar import DayCount, day_of_date
from ledger.discount import Bearer, Fee, Price, Quote, price, quote_hash
from ledger.money import Fen, parse_rate
from ledger.reconciliation import (
    ChainInvoiceUse,
    ChainLine,
    ChainPayment,
    ChainPledge,
    ChainVoucher,
    Dossier,
    DossierInvoice,
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
from ledger.statement import BookedLine, BookedLoan, Direction, LoanStatus, StatementEntry

LEDGER = "0x00000000000000000000000000000000000000aa"
CUT_OFF = date(2026, 9, 18)
BLOCK = StatedBlock(4711, bytes.fromhex("ab" * 32), CUT_OFF)
BANK, OTHER_BANK, ISSUER, OTHER_ISSUER = 2, 3, 10, 11
PARTIES = (
    DossierParty(2, "东海银行", "91310000000000002X", "东海银行清算户"),
    DossierParty(3, "西山银行", "91310000000000003X", "西山银行清算户"),
    DossierParty(10, "中原重工集团有限公司", "91310000000000010X", "中原重工集团有限公司"),
    DossierParty(11, "北辰电力设备有限公司", "91310000000000011X", "北辰电力设备有限公司"),
    DossierParty(20, "东方轴承(苏州)有限公司", "91310000000000020X", "东方轴承(苏州)有限公司"),
    DossierParty(21, "永固紧固件厂", "91310000000000021X", "永固紧固件厂"),
    DossierParty(22, "华星铸造有限公司", "91310000000000022X", "华星铸造有限公司"),
)
NAMES = {party.party: party.name for party in PARTIES}
ACCOUNTS = {party.party: party.account_name for party in PARTIES}
LINE, SUB_LINE, OTHER_LINE = 2 << 32 | 17, 2 << 32 | 18, 3 << 32 | 5


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@dataclass
class Books:
    loans: list[BookedLoan] = field(default_factory=list)
    entries: list[StatementEntry] = field(default_factory=list)
    lines: list[BookedLine] = field(default_factory=list)


@dataclass
class World:
    """Everything in lists, so that a test changes one row and asks again."""

    vouchers: list[ChainVoucher] = field(default_factory=list)
    payments: list[ChainPayment] = field(default_factory=list)
    lines: list[ChainLine] = field(default_factory=list)
    pledges: list[ChainPledge] = field(default_factory=list)
    invoice_uses: list[ChainInvoiceUse] = field(default_factory=list)
    invoices: list[DossierInvoice] = field(default_factory=list)
    numbers: list[DossierVoucher] = field(default_factory=list)
    quotes: list[DossierQuote] = field(default_factory=list)
    references: list[DossierReference] = field(default_factory=list)
    parties: list[DossierParty] = field(default_factory=lambda: list(PARTIES))
    books: dict[int, Books] = field(default_factory=lambda: {BANK: Books(), OTHER_BANK: Books()})

    def inputs(self, bank: int = BANK, *, tolerance_fen: int = 1) -> Inputs:
        return Inputs(
            bank=bank,
            block=BLOCK,
            cut_off=CUT_OFF,
            vouchers=self.vouchers,
            payments=self.payments,
            lines=self.lines,
            pledges=self.pledges,
            invoice_uses=self.invoice_uses,
            dossier=Dossier(self.parties, self.numbers, self.quotes, self.references, self.invoices),
            loan_book=self.books[bank].loans,
            statement=self.books[bank].entries,
            line_book=self.books[bank].lines,
            tolerance_fen=Fen(tolerance_fen),
        )

    # What happens

    def issue(self, number: str, yuan: int, due: str, *, line: int = LINE, holder: int = 20) -> None:
        place = len(self.vouchers) + 1
        self.vouchers.append(
            ChainVoucher(
                contract=LEDGER,
                voucher=place << 96,
                promise=place,
                line=line,
                bank=line >> 32,
                issuer=ISSUER,
                holder=holder,
                face=Fen(yuan * 100),
                due_on=day(due),
                tier=0,
                state=VoucherState.LIVE,
            )
        )
        self.numbers.append(DossierVoucher(number, LEDGER, place << 96))

    def quoted(self, number: str, start: str, bearer: Bearer = Bearer.SUPPLIER) -> tuple[Quote, Price]:
        voucher = self.voucher(number)
        quote = Quote(
            recourse=False,
            funder=BANK,
            rate=parse_rate("3.60"),
            basis=DayCount.ACT_360,
            value_day=day_of_date(day(start)),
            due_day=day_of_date(voucher.due_on),
            fee=Fee(),
            bearer=bearer,
            issuer_share=4000 if bearer is Bearer.SHARED else 0,
            issuer_ceiling=None if bearer is Bearer.SUPPLIER else Fen(10_000_000),
        )
        priced = price(voucher.face, quote)
        salt = number.encode().rjust(32, b"q")
        self.quotes.append(
            DossierQuote(
                contract=LEDGER,
                voucher=voucher.voucher,
                quote=quote,
                salt=salt,
                proceeds=priced.proceeds,
                interest=priced.interest,
                issuer_interest=priced.issuer_interest,
            )
        )
        self.change(number, quote_hashes=(bytes(quote_hash(quote, salt)),))
        return quote, priced

    def pay(
        self,
        number: str,
        purpose: PaymentPurpose,
        *,
        asserter: int,
        payee: int,
        value: str,
        reference: str,
        state: PaymentState = PaymentState.COMPLETED,
        amount: int | None = None,
    ) -> None:
        voucher = self.voucher(number)
        settled = voucher.face if amount is None else Fen(amount)
        salt = f"{number}{reference}{len(self.payments)}".encode().rjust(32, b"r")
        hashed = reference_hash(reference, salt)
        self.references.append(DossierReference(reference, salt, hashed))
        self.payments.append(
            ChainPayment(
                contract=LEDGER,
                voucher=voucher.voucher,
                purpose=purpose,
                asserter=asserter,
                payee=payee,
                amount=settled if purpose is PaymentPurpose.SETTLEMENT else Fen(0),
                value_on=day(value),
                reference_hash=hashed,
                asserted_on=day(value),
                state=state,
                face_at_assertion=voucher.face,
                completed_on=day(value) if state is PaymentState.COMPLETED else None,
                quote_hash=voucher.quote_hashes[-1] if purpose is PaymentPurpose.DISBURSEMENT else b"",
            )
        )

    def buy(
        self,
        number: str,
        start: str,
        *,
        state: PaymentState = PaymentState.COMPLETED,
        bearer: Bearer = Bearer.SUPPLIER,
        posted: str | None = None,
    ) -> None:
        """Bank 2 discounts a voucher, pays and books it."""
        seller = self.voucher(number).holder
        quote, priced = self.quoted(number, start, bearer)
        reference = f"D-{number}"
        self.pay(
            number,
            PaymentPurpose.DISBURSEMENT,
            asserter=BANK,
            payee=seller,
            value=start,
            reference=reference,
            state=state,
        )
        if state is PaymentState.COMPLETED:
            self.change(number, holder=BANK)
        else:
            self.change(number, state=VoucherState.DISCOUNTED, funder=BANK)
        self.post(BANK, start, Direction.DEBIT, priced.proceeds, seller, reference, posted=posted)
        voucher = self.voucher(number)
        self.books[BANK].loans.append(
            BookedLoan(
                *(f"L-{number}", NAMES[BANK], number, NAMES[seller], NAMES[voucher.issuer]),
                *(voucher.face, priced.proceeds, priced.interest, quote.rate, quote.basis),
                *(day(start), voucher.due_on, LoanStatus.OPEN, None),
            )
        )

    def settle(
        self,
        number: str,
        value: str,
        *,
        state: PaymentState = PaymentState.COMPLETED,
        posted: str | None = None,
    ) -> None:
        """The line's bank pays the holder; a loan of bank 2 on it is repaid that day."""
        voucher = self.voucher(number)
        reference, payee = f"S-{number}", voucher.holder
        self.pay(
            number,
            PaymentPurpose.SETTLEMENT,
            asserter=voucher.bank,
            payee=payee,
            value=value,
            reference=reference,
            state=state,
        )
        if voucher.bank != payee:
            self.post(voucher.bank, value, Direction.DEBIT, voucher.face, payee, reference, posted=posted)
            if payee in self.books:
                self.post(
                    payee, value, Direction.CREDIT, voucher.face, voucher.bank, reference, posted=posted
                )
        if payee == BANK:
            self.rebook(number, status=LoanStatus.REPAID, repaid_on=day(value))
        if state is PaymentState.COMPLETED:
            self.change(number, state=VoucherState.ENDED, ended_as=Ended.SETTLED)

    def post(
        self,
        bank: int,
        value: str,
        direction: Direction,
        amount: Fen,
        other: int,
        reference: str,
        *,
        posted: str | None = None,
    ) -> None:
        entries = self.books[bank].entries
        entries.append(
            StatementEntry(
                entry_id=f"E{bank}-{len(entries) + 1:03d}",
                booked_on=day(posted or value),
                value_on=day(value),
                direction=direction,
                amount=amount,
                counterparty=ACCOUNTS[other],
                reference=reference,
            )
        )

    # Rows

    def voucher(self, number: str) -> ChainVoucher:
        return self.vouchers[self._place(number)]

    def change(self, number: str, **fields: object) -> None:
        self.vouchers[self._place(number)] = replace(self.voucher(number), **fields)  # type: ignore[arg-type]

    def rebook(self, number: str, **fields: object) -> None:
        loans = self.books[BANK].loans
        place = next(place for place, loan in enumerate(loans) if loan.voucher == number)
        loans[place] = replace(loans[place], **fields)  # type: ignore[arg-type]

    def _place(self, number: str) -> int:
        return next(place for place, row in enumerate(self.numbers) if row.number == number)


def clean_world() -> World:
    world = World()
    disbursement, settlement = PaymentPurpose.DISBURSEMENT, PaymentPurpose.SETTLEMENT
    world.issue("V-1", 1_000_000, "08-28", line=OTHER_LINE)
    world.buy("V-1", "04-15")
    world.settle("V-1", "08-28")
    world.issue("V-2", 500_000, "10-30")
    world.buy("V-2", "05-11")
    # A disbursement that is only asserted, its loan booked on the value day.
    world.issue("V-3", 300_000, "12-15")
    world.buy("V-3", "09-16", state=PaymentState.ASSERTED)
    # A settlement that is only asserted, its loan repaid.
    world.issue("V-4", 250_000, "09-15", line=OTHER_LINE, holder=21)
    world.buy("V-4", "05-12")
    world.settle("V-4", "09-15", state=PaymentState.ASSERTED)
    # Paid to a supplier, posted on the next working day: 2026-08-28 is a Friday.
    world.issue("V-5", 80_000, "08-28", holder=21)
    world.settle("V-5", "08-28", posted="08-31")
    # Contested, asserted again under another reference, completed: one payment, one loan.
    world.issue("V-6", 410_000, "11-20", holder=22)
    world.quoted("V-6", "06-10")
    world.pay(
        "V-6",
        disbursement,
        asserter=BANK,
        payee=22,
        value="06-10",
        reference="D-V-6-wrong",
        state=PaymentState.REPLACED,
    )
    world.quotes.pop()
    world.buy("V-6", "06-10")
    # Bank 2 is both the line's bank and the holder: it pays itself, no entry.
    world.issue("V-7", 120_000, "08-21", line=SUB_LINE, holder=22)
    world.buy("V-7", "05-20")
    world.settle("V-7", "08-21")
    world.issue("V-8", 70_000, "10-12")
    world.change("V-8", state=VoucherState.ENDED, ended_as=Ended.CANCELLED)
    # Paid, come back, withdrawn, rescinded: no loan.
    world.issue("V-9", 90_000, "10-14")
    _, priced = world.quoted("V-9", "06-16")
    world.pay(
        "V-9",
        disbursement,
        asserter=BANK,
        payee=20,
        value="06-16",
        reference="D-V-9",
        state=PaymentState.WITHDRAWN,
    )
    world.post(BANK, "06-16", Direction.DEBIT, priced.proceeds, 20, "D-V-9")
    world.post(BANK, "06-18", Direction.CREDIT, priced.proceeds, 20, "D-V-9")
    # The issuer bears 40 % of the interest; the bank collects it under the same reference.
    world.issue("V-10", 600_000, "11-27")
    world.buy("V-10", "07-01", bearer=Bearer.SHARED)
    world.post(BANK, "07-01", Direction.CREDIT, world.quotes[-1].issuer_interest, ISSUER, "D-V-10")
    # The holder contests that it was paid by the other bank; nothing came, nothing is booked as repaid.
    world.issue("V-11", 55_000, "09-10", line=OTHER_LINE)
    world.buy("V-11", "05-14")
    claimed = {"asserter": OTHER_BANK, "payee": BANK, "state": PaymentState.CONTESTED}
    world.pay("V-11", settlement, value="09-10", reference="S-V-11", **claimed)  # type: ignore[arg-type]
    world.post(OTHER_BANK, "09-10", Direction.DEBIT, world.voucher("V-11").face, BANK, "S-V-11")
    for place in range(12, 24):  # plain ones, half of them paid
        number, holder = f"V-{place}", 20 + place % 3
        paid = place % 2 == 0
        world.issue(
            number,
            10_000 * place + 50,
            "08-14" if paid else "11-12",
            line=OTHER_LINE if paid else LINE,
            holder=holder,
        )
        world.buy(number, f"06-{place:02d}" if place not in (13, 14, 19, 20, 21) else f"07-{place - 6:02d}")
        if paid:
            world.settle(number, "08-14")
    world.post(BANK, "06-30", Direction.DEBIT, Fen(2500), BANK, "")  # the bank's own charges
    charges = world.books[BANK].entries
    charges[-1] = replace(charges[-1], counterparty="")
    _grant_lines(world)
    return world


def _grant_lines(world: World) -> None:
    for line, parent in ((LINE, 0), (SUB_LINE, LINE), (OTHER_LINE, 0)):
        drawn = sum(
            voucher.face
            for voucher in world.vouchers
            if voucher.state is not VoucherState.ENDED
            and (voucher.line == line or (line == LINE and voucher.line == SUB_LINE))
        )
        row = ChainLine(
            contract=LEDGER,
            line=line,
            bank=line >> 32,
            issuer=ISSUER,
            limit=Fen(5_000_000_00),
            drawn=Fen(drawn),
            expires_on=date(2026, 12, 31),
            parent=parent,
        )
        world.lines.append(row)
        under_way = world.voucher("V-4").face if line == OTHER_LINE else 0  # booked on the pay day
        world.books[row.bank].lines.append(
            BookedLine(
                f"{row.bank}-{line & 0xFF}", NAMES[ISSUER], row.limit, Fen(drawn - under_way), row.expires_on
            )
        )
