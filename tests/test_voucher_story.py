"""One voucher's life, from the first signature to the last fen, on both engines. Read it from top to bottom.

The issuer promises 1,000,000.00 against its bank line. The promise is split down four tiers of suppliers; the one
at tier 3 sells its part for cash; on the due day the bank pays everyone who holds a part; then nothing is owed, the
line is free again, and what the contracts say has happened adds up to their running hashes. Every amount is stated
where it changes. The figures are the canonical ones that recur in all tests: 1,000,000.00 from 2026-04-15 to
2026-08-28 at 3.60 % a year costs 13,500.00 (ACT/360, 135 days).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import AssertPayment, ConfirmPayment, Discount, Invoice, Purpose
from ledger.calendar import DayCount, date_of_day, day_of_date, parse_date
from ledger.discount import Fee, Price, Quote, price, quote_hash
from ledger.events import OUTSIDE_JOURNAL, advance, decode, journal_start
from ledger.members import Contract
from ledger.money import parse_rate, parse_yuan, yuan
from ledger.signing import root_id
from ledger.world import Lock
from tests.contract.paying import refuses
from tests.engines import anvil, embedded
from tests.rig import BANK, FACTOR, ISSUER, LATER, LINE, ROLE_FUNDER, ROLE_ISSUER, A, B, C, D, OnChain, Rig

ISSUED, DUE = "2026-04-15", "2026-08-28"
SALT = bytes(range(32))


@pytest.fixture(params=["embedded chain", "anvil"])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Life]:
    if request.param == "embedded chain":
        with embedded(tmp_path) as kept:
            yield Life(OnChain(kept))
    else:
        with anvil() as node:
            yield Life(OnChain(node.chain()))


def test_one_voucher_from_promise_to_payment(life: Life) -> None:
    life.step_01_the_registrar_admits_the_parties()
    life.step_02_the_bank_grants_a_line_of_ten_million()
    life.step_03_the_issuer_promises_one_million_on_two_invoices()
    life.step_04_tier_1_passes_on_700_000()
    life.step_05_tier_2_passes_on_450_000()
    life.step_06_tier_3_passes_on_50_000_to_the_last_small_supplier()
    life.step_07_tier_3_sells_its_400_000_to_the_factor()
    life.step_08_what_is_sold_cannot_be_passed_on()
    life.step_09_the_factor_says_that_it_has_paid()
    life.step_10_five_days_of_silence_complete_the_payment()
    life.step_11_on_the_due_day_nothing_moves_any_more()
    life.step_12_the_bank_pays_those_who_sign_with_it_at_once()
    life.step_13_the_last_small_supplier_confirms()
    life.step_14_nothing_is_owed_and_the_line_is_free()
    life.step_15_nothing_can_happen_to_a_paid_voucher()
    life.step_16_the_journals_add_up()


class Life:
    """The steps. Each leaves behind what the next begins with."""

    def __init__(self, chain: OnChain) -> None:
        self.chain = chain
        self.rig = Rig(chain, admitted=False)
        self.root = self.at_b = self.at_c = self.at_d = 0

    def step_01_the_registrar_admits_the_parties(self) -> None:
        # each admission is signed by the registrar, the sponsoring bank, and the new party's own key
        self.rig.admit(ISSUER, ROLE_ISSUER)
        self.rig.admit(FACTOR, ROLE_FUNDER)
        for supplier in (A, B, C, D):
            self.rig.admit(supplier, 0)

    def step_02_the_bank_grants_a_line_of_ten_million(self) -> None:
        self.rig.grant(limit=parse_yuan("10,000,000.00"))
        assert self.drawn() == "0.00"

    def step_03_the_issuer_promises_one_million_on_two_invoices(self) -> None:
        self.go_to(ISSUED)
        invoices = (self.invoice("INV-1", "600,000.00"), self.invoice("INV-2", "400,000.00"))
        due_day = day_of_date(parse_date(DUE))
        issue = self.rig.issue_of(parse_yuan("1,000,000.00"), due_day=due_day, invoices=invoices)
        self.rig.do(issue, ISSUER, A)
        self.root = root_id(issue, self.rig.domain(Contract.LEDGER))

        assert self.held(self.root) == ("1,000,000.00", A, "tier 1")
        assert self.drawn() == "1,000,000.00"
        # an invoice carries no more than its total, so the same papers cannot be used again
        used = "0x" + invoices[0].fingerprint.hex()
        with refuses("InvoiceExceeded", fingerprint=used, asked=60_000_000, available=0):
            self.rig.do(self.rig.issue_of(60_000_000, invoices=invoices[:1]), ISSUER, A)

    def step_04_tier_1_passes_on_700_000(self) -> None:
        [self.at_b] = self.rig.split(self.root, (B, parse_yuan("700,000.00")))
        assert self.held(self.root) == ("300,000.00", A, "tier 1")
        assert self.held(self.at_b) == ("700,000.00", B, "tier 2")

    def step_05_tier_2_passes_on_450_000(self) -> None:
        [self.at_c] = self.rig.split(self.at_b, (C, parse_yuan("450,000.00")))
        assert self.held(self.at_b) == ("250,000.00", B, "tier 2")
        assert self.held(self.at_c) == ("450,000.00", C, "tier 3")

    def step_06_tier_3_passes_on_50_000_to_the_last_small_supplier(self) -> None:
        [self.at_d] = self.rig.split(self.at_c, (D, parse_yuan("50,000.00")))
        assert self.held(self.at_c) == ("400,000.00", C, "tier 3")
        assert self.held(self.at_d) == ("50,000.00", D, "tier 4")
        assert self.owed() == ("1,000,000.00", "0.00")  # splitting makes and loses nothing
        assert self.drawn() == "1,000,000.00"

    def step_07_tier_3_sells_its_400_000_to_the_factor(self) -> None:
        quote = self.quote()
        whole, sold = price(parse_yuan("1,000,000.00"), quote), price(parse_yuan("400,000.00"), quote)
        assert figures(whole) == ("135 days", "13,500.00", "986,500.00")
        assert figures(sold) == ("135 days", "5,400.00", "394,600.00")

        # on chain stands the price's salted hash: who was paid how much is nobody else's business
        pay_by = self.rig.today + 3
        sale = Discount(self.at_c, 2, FACTOR, quote_hash(quote, SALT), pay_by, LATER)  # type: ignore[arg-type]
        self.rig.do(sale, C, FACTOR)
        assert self.held(self.at_c) == ("400,000.00", C, "tier 3")  # the holder's until it is paid
        assert Lock(self.rig.voucher(self.at_c).locks) == Lock.DISCOUNT

    def step_08_what_is_sold_cannot_be_passed_on(self) -> None:
        with refuses("Locked", voucher=self.at_c, locks=int(Lock.DISCOUNT)):
            self.rig.transfer(self.at_c, D)

    def step_09_the_factor_says_that_it_has_paid(self) -> None:
        self.rig.do(self.payment(self.at_c, Purpose.DISBURSEMENT, 0), FACTOR)
        assert self.held(self.at_c) == ("400,000.00", C, "tier 3")  # nobody's word alone moves it

    def step_10_five_days_of_silence_complete_the_payment(self) -> None:
        self.go_to("2026-04-20")
        complete_from = day_of_date(parse_date("2026-04-21"))
        with refuses("WindowOpen", from_=complete_from, today=self.rig.today):
            self.rig.complete(self.at_c)
        self.go_to("2026-04-21")
        self.rig.complete(self.at_c)  # anyone may say that the window has ended
        assert self.held(self.at_c) == ("400,000.00", FACTOR, "tier 3")  # a sale keeps the tier
        assert self.rig.voucher(self.at_c).locks == 0

    def step_11_on_the_due_day_nothing_moves_any_more(self) -> None:
        self.go_to(DUE)
        with refuses("RecordDay", voucher=self.root, dueDay=self.rig.today, today=self.rig.today):
            self.rig.transfer(self.root, D)

    def step_12_the_bank_pays_those_who_sign_with_it_at_once(self) -> None:
        for voucher, face, payee, then in (
            (self.root, "300,000.00", A, ("700,000.00", "300,000.00")),
            (self.at_b, "250,000.00", B, ("450,000.00", "550,000.00")),
            (self.at_c, "400,000.00", FACTOR, ("50,000.00", "950,000.00")),
        ):
            self.rig.do(self.payment(voucher, Purpose.SETTLEMENT, parse_yuan(face)), BANK, payee)
            assert self.owed() == then
            assert self.rig.voucher(voucher).face == 0

    def step_13_the_last_small_supplier_confirms(self) -> None:
        self.rig.do(self.payment(self.at_d, Purpose.SETTLEMENT, parse_yuan("50,000.00")), BANK)
        assert self.owed() == ("50,000.00", "950,000.00")  # the bank's word alone pays nobody
        answer = ConfirmPayment(self.at_d, self.rig.voucher(self.at_d).sequence, LATER)  # type: ignore[arg-type]
        self.rig.do(answer, D)

    def step_14_nothing_is_owed_and_the_line_is_free(self) -> None:
        assert self.owed() == ("0.00", "1,000,000.00")
        assert self.drawn() == "0.00"

    def step_15_nothing_can_happen_to_a_paid_voucher(self) -> None:
        for voucher in (self.root, self.at_b, self.at_c, self.at_d):
            with refuses("VoucherEnded", voucher=voucher):
                self.rig.do(self.payment(voucher, Purpose.SETTLEMENT, 0), BANK)

    def step_16_the_journals_add_up(self) -> None:
        for contract in Contract:
            address = self.rig.address(contract)
            logs = self.chain.chain.logs(0, self.chain.chain.height(), addresses=[address])  # type: ignore[list-item]
            events = [decode(log.topics, log.data) for log in logs if log.topics[0] not in OUTSIDE_JOURNAL]
            head = reduce(advance, events, journal_start(self.rig.domain(contract)))
            assert head == self.rig.head(contract)

    # What the steps say it with

    def go_to(self, date: str) -> None:
        self.rig.pass_days(day_of_date(parse_date(date)) - self.rig.today)
        assert date_of_day(self.rig.today).isoformat() == date

    def invoice(self, number: str, amount: str) -> Invoice:
        return Invoice(keccak(SALT + number.encode()), parse_yuan(amount), parse_yuan(amount))

    def quote(self) -> Quote:
        return Quote(
            recourse=False,
            funder=FACTOR,
            rate=parse_rate("3.60"),
            basis=DayCount.ACT_360,
            value_day=day_of_date(parse_date(ISSUED)),
            due_day=day_of_date(parse_date(DUE)),
            fee=Fee(),
        )

    def payment(self, voucher: int, purpose: Purpose, amount: int) -> AssertPayment:
        now, day, reference = self.rig.voucher(voucher), self.rig.today, keccak(SALT + b"transfer slip")
        return AssertPayment(
            voucher, now.sequence, purpose, now.holder, amount, day, reference, LATER  # type: ignore[arg-type]
        )  # fmt: skip

    def held(self, voucher: int) -> tuple[str, int, str]:
        """Face, holder and tier."""
        now = self.rig.voucher(voucher)
        return yuan(now.face), now.holder, f"tier {now.tier}"  # type: ignore[arg-type]

    def drawn(self) -> str:
        return yuan(self.rig.drawn(LINE))  # type: ignore[arg-type]

    def owed(self) -> tuple[str, str]:
        """Of the promise: what is still owed, and what has been paid."""
        word = self.rig.word("promiseOf", self.root >> 96, "uint160")
        live, settled = word >> 128 & (2**64 - 1), word >> 192
        return yuan(live), yuan(settled)  # type: ignore[arg-type]


def figures(found: Price) -> tuple[str, str, str]:
    """Days, interest, and what the seller gets."""
    return f"{found.days} days", yuan(found.interest), yuan(found.proceeds)
