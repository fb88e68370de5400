"""One report over two ledgers: an old one that empties and the one that issues now."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.money import Fen
from ledger.reconciliation import (
    ChainInvoiceUse,
    Dossier,
    DossierInvoice,
    Kind,
    merged,
    reconcile,
    reference_hash,
    to_json,
    write_html,
)
from ledger.statement import LOAN_COLUMNS, read_loan_book
from tests.ledger.reconciling import found, the_break
from tests.ledger.two_banks import BANK, ISSUER, LEDGER, LINE, OTHER_BANK, World, clean_world, day

NEW = "0x00000000000000000000000000000000000000Bb"
SALT = b"i" * 32


def run_off(number: str = "W-1", yuan: int = 330_000, due: str = "11-30") -> World:
    """Beside the old ledger a new one, on the same line, with one voucher that bank 2 has bought."""
    world = clean_world()
    world.issue(number, yuan, due)
    world.buy(number, "08-10")
    voucher = world.vouchers[-1]
    moved = replace(voucher, contract=NEW)
    world.vouchers[-1] = moved
    world.numbers[-1] = replace(world.numbers[-1], contract=NEW)
    world.quotes[-1] = replace(world.quotes[-1], contract=NEW)
    world.payments[-1] = replace(world.payments[-1], contract=NEW)
    world.lines.append(replace(world.lines[0], contract=NEW, drawn=Fen(yuan * 100), limit=Fen(600_000_000)))
    booked = world.books[BANK].lines[0]
    used = Fen(booked.used + yuan * 100)
    world.books[BANK].lines[0] = replace(booked, used=used, limit=Fen(600_000_000))
    return world


def renumbered(world: World, number: str, *, contract: str = "") -> World:
    """The new ledger's voucher gets the number of one in the old."""
    world.numbers[-1] = replace(world.numbers[-1], number=number)
    loan = world.books[BANK].loans[-1]
    world.books[BANK].loans[-1] = replace(loan, voucher=number, contract=contract)
    return world


# Refusals


def test_one_number_for_two_vouchers_of_one_ledger_is_refused_and_of_two_ledgers_is_not() -> None:
    world = renumbered(run_off(), "V-2")
    assert found(world) == []
    world.numbers[-1] = replace(world.numbers[-1], contract=LEDGER, voucher=99)
    with pytest.raises(InputError, match="more than one voucher number V-2"):
        world.inputs()
    world = renumbered(run_off(), "V-2")
    world.numbers.append(replace(world.numbers[1], voucher=99))
    with pytest.raises(InputError, match=f"more than one voucher number V-2 in ledger {LEDGER}"):
        world.inputs()


def test_two_dossiers_that_name_a_party_differently_are_refused_and_what_they_have_alike_counts_once() -> (
    None
):
    dossier = run_off().inputs().dossier
    assert merged([dossier, dossier]) == merged([dossier])
    other = replace(dossier.parties[0], name="某某银行")
    both = merged([dossier, Dossier(parties=[other])])
    with pytest.raises(InputError, match="more than one party 2"):
        replace(run_off().inputs(), dossier=both)


# One report


def test_one_report_names_both_ledgers_and_a_clean_run_off_has_no_break(tmp_path: Path) -> None:
    result = reconcile(run_off().inputs())
    assert result.clean
    assert result.contracts == ((LEDGER, 23), (NEW, 1))
    assert json.loads(to_json(result))["contracts"] == {LEDGER: 23, NEW: 1}
    write_html(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert LEDGER in page and NEW in page
    assert reconcile(run_off().inputs(OTHER_BANK)).clean


def test_dossiers_of_both_ledgers_make_one() -> None:
    world = run_off()
    old, new = (
        Dossier(
            parties=world.parties,
            vouchers=[row for row in world.numbers if row.contract == contract],
            quotes=[row for row in world.quotes if row.contract == contract],
            references=world.references,
        )
        for contract in (LEDGER, NEW)
    )
    assert reconcile(replace(world.inputs(), dossier=merged([old, new]))).clean


def test_a_break_of_the_new_ledger_says_in_which_it_is() -> None:
    world = run_off()
    world.rebook("W-1", principal=Fen(1))
    row = the_break(world)
    assert row.kind is Kind.AMOUNT
    assert dict(row.context)["contract"] == NEW


def test_a_line_that_goes_on_in_the_new_ledger_is_drawn_in_both() -> None:
    world = run_off()
    assert {row.contract for row in world.lines if row.line == LINE} == {LEDGER, NEW}
    world.lines.pop()
    assert [row[0] for row in found(world)] == ["line_usage"]


# The same number in both


def test_the_same_number_in_both_ledgers_does_not_collide() -> None:
    world = renumbered(run_off(), "V-8")  # cancelled in the old ledger
    assert found(world) == []
    world.books[BANK].loans.pop()
    ids = (("voucher", f"V-8 in {NEW}"),)
    assert found(world) == [("missing_in_book", ids, "330,000.00", "")]


def test_where_the_bank_paid_for_both_face_and_due_day_tell_them_apart() -> None:
    world = renumbered(run_off(), "V-2")
    assert found(world) == []
    world.books[BANK].loans.reverse()
    assert found(world) == []


def test_where_face_and_due_day_are_the_same_the_book_says_which_ledger_is_meant() -> None:
    world = renumbered(run_off("W-1", 500_000, "10-30"), "V-2", contract=NEW.upper().replace("0X", "0x"))
    place = next(n for n, loan in enumerate(world.books[BANK].loans) if loan.voucher == "V-2")
    old = world.books[BANK].loans[place]
    world.books[BANK].loans[place] = replace(old, contract=LEDGER)
    assert found(world) == []
    world.books[BANK].loans[-1] = replace(world.books[BANK].loans[-1], contract=LEDGER)
    assert [row[0] for row in found(world)] == ["two_loans_one_voucher"]


def test_one_number_booked_twice_in_each_of_two_ledgers_is_two_disagreements() -> None:
    world = renumbered(run_off(), "V-2")
    for loan in [loan for loan in world.books[BANK].loans if loan.voucher == "V-2"]:
        world.books[BANK].loans.append(replace(loan, loan_no=f"{loan.loan_no}b"))
    assert [row[0] for row in found(world)] == ["two_loans_one_voucher"] * 2


def test_a_loan_that_names_a_ledger_without_that_number_is_missing_on_chain() -> None:
    world = run_off()
    world.books[BANK].loans[-1] = replace(world.books[BANK].loans[-1], contract=LEDGER)
    row = the_break(world)
    assert row.kind is Kind.MISSING_ON_CHAIN
    assert row.context == (("looks like", "W-1"),)


def test_a_loan_book_that_names_a_ledger_that_nobody_knows_is_refused_and_the_known_ones_are_named() -> None:
    world = run_off()
    for place in (0, 1):
        loan = world.books[BANK].loans[place]
        world.books[BANK].loans[place] = replace(loan, contract="0x" + "ab" * 20)
    with pytest.raises(InputError) as refused:
        world.inputs()
    said = str(refused.value)
    assert "loan L-V-1 names the ledger 0xabab" in said
    assert "and 1 more; known are " + f"{LEDGER}, {NEW}" in said


def test_a_loan_book_may_have_a_column_for_the_ledger_or_lack_it() -> None:
    header = ",".join(column.name for column in LOAN_COLUMNS)
    row = "L-1,东海银行,V-1,甲,乙,1.00,1.00,0.00,3.60,ACT/360,2026-04-15,2026-08-28,已核销,2026-09-01"
    (plain,) = read_loan_book(f"{header}\n{row}\n".encode())
    (named,) = read_loan_book(f"{header},账本合约\n{row},{NEW}\n".encode())
    (empty,) = read_loan_book(f"{header},contract\n{row},\n".encode())
    assert (plain.contract, named.contract, empty.contract) == ("", NEW, "")
    assert (plain.status.value, plain.repaid_on) == ("written_off", day("09-01").replace(year=2026))


# Across both


def test_an_invoice_used_up_in_both_ledgers_is_one_invoice_in_two_financings() -> None:
    world = run_off()
    text = f"26312000000012345678 {ISSUER}"
    hashed = reference_hash(text, SALT)
    world.invoices.append(DossierInvoice("26312000000012345678", text, SALT, hashed))
    for number, amount in (("V-2", 50_000_000), ("W-1", 33_000_000)):
        voucher = world.voucher(number)
        world.invoice_uses.append(
            ChainInvoiceUse(
                contract=voucher.contract,
                promise=voucher.promise,
                payer=ISSUER,
                fingerprint=hashed,
                amount=Fen(amount),
                total=Fen(60_000_000),
            )
        )
    row = the_break(world)
    assert row.kind is Kind.ONE_INVOICE_TWO_FINANCINGS
    assert "two ledgers" in row.likely_cause.en
    assert row.difference == 23_000_000
