"""Chain against statement and dossier: each disagreement exactly one break."""

from __future__ import annotations

from dataclasses import replace

from ledger.money import Fen, yuan
from ledger.reconciliation import (
    DossierReference,
    Kind,
    reference_hash,
)
from ledger.statement import Direction
from tests.ledger.reconciling import (
    drop_entry,
    drop_loan,
    entry_of,
    found,
    repost,
    the_break,
)
from tests.ledger.two_banks import (
    BANK,
    CUT_OFF,
    OTHER_BANK,
    clean_world,
    day,
)


def test_an_entry_that_no_payment_explains_is_reported() -> None:
    world = clean_world()
    world.post(BANK, "09-09", Direction.DEBIT, Fen(777_00), 22, "D-V-777")
    row = the_break(world)
    entry = world.books[BANK].entries[-1].entry_id
    assert (row.kind, row.ids) == (
        Kind.ENTRY_WITHOUT_PAYMENT,
        (("entry", entry), ("reference", "D-V-777")),
    )
    assert (row.expected, row.found, row.difference, row.age) == ("", "777.00", 77_700, 9)


def test_an_entry_posted_twice_is_reported_once() -> None:
    world = clean_world()
    entry = entry_of(world, "D-V-2")
    world.books[BANK].entries.append(replace(entry, entry_id="E-again"))
    ids = (("entry", "E-again"), ("reference", "D-V-2"))
    assert found(world) == [("entry_without_payment", ids, "", yuan(entry.amount))]


def test_money_of_a_withdrawn_payment_that_did_not_come_back_is_reported() -> None:
    world = clean_world()
    out = entry_of(world, "D-V-9")
    back = world.books[BANK].entries[world.books[BANK].entries.index(out) + 1]
    assert (back.reference, back.direction) == ("D-V-9", Direction.CREDIT)
    world.books[BANK].entries.remove(back)
    ids = (("entry", out.entry_id), ("reference", "D-V-9"))
    assert found(world) == [("entry_without_payment", ids, "", yuan(out.amount))]


def test_a_mistyped_reference_is_one_break_and_names_the_payment() -> None:
    world = clean_world()
    entry = entry_of(world, "D-V-2")
    repost(world, "D-V-2", reference="D-V-Z")
    row = the_break(world)
    assert (row.kind, row.ids) == (
        Kind.ENTRY_WITHOUT_PAYMENT,
        (("entry", entry.entry_id), ("reference", "D-V-Z")),
    )
    assert row.context == (("looks like", "D-V-2"),)


def test_a_payment_out_that_the_statement_does_not_show_is_reported() -> None:
    world = clean_world()
    entry = drop_entry(world, "D-V-2")
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.PAYMENT_WITHOUT_ENTRY,
        (("reference", "D-V-2"),),
        yuan(entry.amount),
        "",
    )
    assert (row.difference, row.age) == (-entry.amount, (CUT_OFF - day("05-11")).days)


def test_money_that_another_bank_asserts_and_that_has_not_come_is_reported_while_it_can_be_contested() -> (
    None
):
    world = clean_world()
    drop_entry(world, "S-V-4")
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.ASSERTED_NOT_IN_STATEMENT, (("reference", "S-V-4"),))
    assert "contest" in row.suggested_repair.en


def test_an_asserting_bank_without_an_entry_is_reported_though_the_payee_contests() -> None:
    world = clean_world()
    drop_entry(world, "S-V-11", OTHER_BANK)
    ids = (("reference", "S-V-11"),)
    assert found(world, OTHER_BANK) == [("asserted_not_in_statement", ids, "55,000.00", "")]
    assert found(world) == []


def test_an_entry_posted_after_its_window_is_reported_with_the_last_day_allowed() -> None:
    world = clean_world()
    repost(world, "S-V-5", booked_on=day("09-01"))
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.TIMING,
        (("reference", "S-V-5"),),
        "2026-08-31",
        "2026-09-01",
    )
    assert (row.difference, row.unit) == (1, "days")


def test_a_changed_quote_differs_from_its_hash_and_its_price_is_not_used() -> None:
    world = clean_world()
    place = next(n for n, row in enumerate(world.quotes) if row.voucher == world.voucher("V-2").voucher)
    quote = world.quotes[place]
    world.quotes[place] = replace(quote, quote=replace(quote.quote, recourse=True), proceeds=Fen(1))
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.DOSSIER_DIFFERS, (("voucher", "V-2"), ("dossier", "quote")))
    assert row.expected == f"0x{world.voucher('V-2').quote_hashes[0].hex()}"
    assert row.found.startswith("0x")
    assert row.found != row.expected


def test_proceeds_that_do_not_follow_from_the_quote_are_a_dossier_break() -> None:
    world = clean_world()
    place = next(n for n, row in enumerate(world.quotes) if row.voucher == world.voucher("V-2").voucher)
    right = world.quotes[place].proceeds
    world.quotes[place] = replace(world.quotes[place], proceeds=Fen(right - 300))
    ids = (("voucher", "V-2"), ("dossier", "quote proceeds"))
    assert found(world) == [("dossier_differs", ids, yuan(right), yuan(Fen(right - 300)))]


def test_a_quote_that_was_not_opened_is_a_dossier_break() -> None:
    world = clean_world()
    world.quotes[:] = [row for row in world.quotes if row.voucher != world.voucher("V-2").voucher]
    (row,) = found(world)
    assert row[:2] == ("dossier_differs", (("voucher", "V-2"), ("dossier", "quote")))
    assert row[3] == ""


def test_a_changed_reference_is_one_break_and_its_entry_is_still_found_by_amount_and_party() -> None:
    world = clean_world()
    place = next(n for n, row in enumerate(world.references) if row.reference == "D-V-2")
    right = world.references[place]
    world.references[place] = replace(right, reference="D-V-2x")
    (row,) = found(world)
    assert row[:3] == (
        "dossier_differs",
        (("reference", "D-V-2x"), ("dossier", "reference")),
        f"0x{right.hash.hex()}",
    )
    salt = b"z" * 32
    world.references[place] = DossierReference("D-V-2x", salt, reference_hash("D-V-2x", salt))
    (row,) = found(world)
    assert row[:3] == ("dossier_differs", (("reference", "D-V-2x"), ("dossier", "reference")), "")


def test_a_party_that_the_dossier_does_not_name_is_one_break() -> None:
    world = clean_world()
    world.parties[:] = [party for party in world.parties if party.party != 22]
    assert found(world) == [("dossier_differs", (("party", "22"), ("dossier", "party")), "22", "")]


def test_two_disagreements_are_two_breaks() -> None:
    world = clean_world()
    drop_loan(world, "V-2")
    world.rebook("V-13", due_on=day("11-11"))
    assert [row[0] for row in found(world)] == ["missing_in_book", "due_day"]


def test_an_entry_whose_opened_reference_no_payment_has_is_reported_alone() -> None:
    world = clean_world()
    salt = b"n" * 32
    world.references.append(DossierReference("D-V-888", salt, reference_hash("D-V-888", salt)))
    ids = (("reference", "D-V-888"), ("dossier", "reference"))
    assert [row[:2] for row in found(world)] == [("dossier_differs", ids)]
    world.post(BANK, "09-09", Direction.DEBIT, Fen(888_00), 22, "D-V-888")
    assert [row[0] for row in found(world)] == ["entry_without_payment"]
