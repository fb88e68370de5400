"""Chain against books with the dossier's help: what the quote gives, and whose invoice was financed twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.calendar import DayCount
from ledger.money import Fen, parse_rate, yuan
from ledger.reconciliation import (
    ChainInvoiceUse,
    ChainPledge,
    DossierInvoice,
    Kind,
    PaymentState,
    PledgeState,
    reference_hash,
)
from tests.ledger.reconciling import drop_loan, found, loan_ids, redraw, repay, the_break
from tests.ledger.two_banks import BANK, ISSUER, LEDGER, LINE, OTHER_BANK, World, clean_world, day

INVOICE = "26312000000012345678"
SALT, OTHER_SALT = b"i" * 32, b"j" * 32
TOTAL = 60_000_000


# Proceeds or interest


@pytest.mark.parametrize("field", ["proceeds", "interest"])
def test_a_loan_with_other_proceeds_or_interest_than_its_quote_differs(field: str) -> None:
    world = clean_world()
    loan = next(loan for loan in world.books[BANK].loans if loan.voucher == "V-2")
    right = getattr(loan, field)
    world.rebook("V-2", **{field: right - 2})
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.PROCEEDS_OR_INTEREST, loan_ids("V-2", field))
    assert (row.expected, row.found) == (yuan(right), yuan(Fen(right - 2)))
    assert (row.difference, row.unit) == (-2, "fen")
    world.rebook("V-2", **{field: right - 1})
    assert found(world) == []


def test_interest_at_another_rate_or_day_count_is_told_as_such() -> None:
    for fields in ({"rate": parse_rate("3.65")}, {"basis": DayCount.ACT_365}):
        world = clean_world()
        loan = next(loan for loan in world.books[BANK].loans if loan.voucher == "V-2")
        world.rebook("V-2", interest=Fen(loan.interest + 500), **fields)
        row = the_break(world)
        assert row.kind is Kind.PROCEEDS_OR_INTEREST
        assert "another rate or day count" in row.likely_cause.en
        assert dict(row.context)["quoted"] == "3.6000 ACT/360"
        world.rebook("V-2", interest=loan.interest)
        assert found(world) == []


def test_without_an_opened_quote_neither_is_compared() -> None:
    world = clean_world()
    world.quotes[:] = [row for row in world.quotes if row.voucher != world.voucher("V-2").voucher]
    world.rebook("V-2", interest=Fen(1), proceeds=Fen(2))
    assert [row[0] for row in found(world)] == ["dossier_differs"]


# One invoice in two financings


def use(
    world: World, number: str, amount: int, *, payer: int = ISSUER, salt: bytes = SALT, invoice: str = INVOICE
) -> None:
    """A promise uses an invoice (fen), which the dossier opens."""
    text = f"{invoice} {payer}"
    hashed = reference_hash(text, salt)
    opened = DossierInvoice(invoice, text, salt, hashed)
    if opened not in world.invoices:
        world.invoices.append(opened)
    voucher = world.voucher(number)
    world.invoice_uses.append(
        ChainInvoiceUse(
            contract=voucher.contract,
            promise=voucher.promise,
            payer=payer,
            fingerprint=hashed,
            amount=Fen(amount),
            total=Fen(TOTAL),
        )
    )


IDS = (("invoice", INVOICE), ("voucher", "V-2"), ("voucher", "V-3"))


def test_the_same_invoice_under_two_fingerprints_is_one_invoice_in_two_financings() -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-3", 30_000_000, salt=OTHER_SALT)
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.ONE_INVOICE_TWO_FINANCINGS, IDS)
    assert (row.expected, row.found, row.difference) == ("600,000.00", "800,000.00", 20_000_000)
    assert row.age == 2  # since the later of the two was paid for, on 2026-09-16
    assert "another fingerprint" in row.likely_cause.en


@pytest.mark.parametrize(
    "tweaked",
    ["2631 2000 0000 1234 5678", "２６３１２０００００００１２３４５６７８", "26312-000000-012345678"],
)
def test_blanks_hyphens_and_wide_digits_do_not_make_another_invoice(tweaked: str) -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-3", 30_000_000, invoice=tweaked)
    assert [row[0] for row in found(world)] == ["one_invoice_two_financings"]


def test_a_nationwide_number_with_another_payer_is_the_same_invoice_and_a_short_one_is_another() -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-3", 30_000_000, payer=20)
    row = the_break(world)
    assert row.kind is Kind.ONE_INVOICE_TWO_FINANCINGS
    assert "two different payers" in row.likely_cause.en
    world = clean_world()
    use(world, "V-2", 50_000_000, invoice="F-881")
    use(world, "V-3", 30_000_000, invoice="F-881", payer=20)
    assert found(world) == []


def test_an_invoice_may_back_several_financings_up_to_its_total() -> None:
    world = clean_world()
    use(world, "V-2", 30_000_000)
    use(world, "V-3", 30_000_000, salt=OTHER_SALT)
    assert found(world) == []
    use(world, "V-10", 1)
    assert [row[0] for row in found(world)] == ["one_invoice_two_financings"]


def test_an_invoice_used_again_by_a_promise_that_nobody_financed_is_not_reported() -> None:
    world = clean_world()
    world.issue("V-43", 1_000, "10-30")
    redraw(world, LINE, 100_000)
    use(world, "V-2", 50_000_000)
    use(world, "V-43", 30_000_000, salt=OTHER_SALT)
    assert found(world) == []


def test_an_invoice_given_back_or_whose_disbursement_came_back_is_not_reported() -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-3", 0, salt=OTHER_SALT)
    use(world, "V-9", 30_000_000, salt=OTHER_SALT)
    assert found(world) == []


def test_parts_of_one_promise_share_its_use_and_are_not_reported() -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-2", 30_000_000)  # a later hop
    world.change("V-3", promise=world.voucher("V-2").promise)
    assert found(world) == []


def test_another_bank_s_financing_or_pledge_counts_and_two_of_others_do_not() -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-3", 30_000_000, salt=OTHER_SALT)
    repay(world, "D-V-3", asserter=OTHER_BANK)
    drop_loan(world, "V-3")
    told = [row for row in found(world) if row[0] == "one_invoice_two_financings"]
    assert told == [("one_invoice_two_financings", IDS, "600,000.00", "800,000.00")]
    repay(world, "D-V-2", asserter=OTHER_BANK)
    assert [row for row in found(world) if row[0] == "one_invoice_two_financings"] == []


def test_a_voucher_pledged_on_the_same_invoice_counts_until_it_is_released() -> None:
    world = clean_world()
    world.issue("V-43", 300_000, "10-30")
    redraw(world, LINE, 30_000_000)
    use(world, "V-2", 50_000_000)
    use(world, "V-43", 30_000_000, salt=OTHER_SALT)
    pledge = ChainPledge(
        contract=LEDGER,
        voucher=world.voucher("V-43").voucher,
        pledgee=OTHER_BANK,
        pledgor=20,
        secured=Fen(100),
        pledged_on=day("09-01"),
    )
    world.pledges.append(pledge)
    assert found(world)[0][1] == (("invoice", INVOICE), ("voucher", "V-2"), ("voucher", "V-43"))
    world.pledges[0] = replace(pledge, state=PledgeState.RELEASED, ended_on=day("09-02"))
    assert found(world) == []


def test_a_contested_disbursement_is_no_financing() -> None:
    world = clean_world()
    use(world, "V-2", 50_000_000)
    use(world, "V-3", 30_000_000, salt=OTHER_SALT)
    repay(world, "D-V-3", state=PaymentState.CONTESTED)
    drop_loan(world, "V-3")
    assert found(world) == []


def test_an_invoice_that_has_not_its_fingerprint_is_a_dossier_break_and_is_not_used() -> None:
    for changed in ({"number": "26312000000099999999"}, {"text": f"{INVOICE} 11"}, {"salt": b"short"}):
        world = clean_world()
        use(world, "V-2", 50_000_000)
        use(world, "V-3", 30_000_000, salt=OTHER_SALT)
        world.invoices[0] = replace(world.invoices[0], **changed)
        (row,) = found(world)
        assert row[:2] == ("dossier_differs", (("invoice", world.invoices[0].number), ("dossier", "invoice")))
        assert row[2] == f"0x{world.invoices[0].fingerprint.hex()}"


def test_an_invoice_of_promises_that_the_bank_has_not_financed_is_not_judged() -> None:
    world = clean_world()
    use(world, "V-5", 50_000_000)
    world.invoices[0] = replace(world.invoices[0], salt=OTHER_SALT)
    assert found(world) == []
