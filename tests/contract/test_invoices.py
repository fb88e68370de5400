"""Invoice use: one to ten invoices per issue, and never more on one buyer's invoice than its total."""

from __future__ import annotations

import pytest

from ledger.agreements import CancelWhole, Invoice
from ledger.events import InvoiceUsed
from ledger.members import Contract
from ledger.signing import root_id
from tests.contract.paying import cancel_of, happened, refuses
from tests.contract.words import invoice_use
from tests.rig import ISSUER, LATER, LINE, OTHER_ISSUER, YUAN, A, B, Rig, fingerprint

LOT = 100_000 * YUAN
NUMBERS = tuple(fingerprint(1_000 + n) for n in range(11))


def invoices(*uses: tuple[int, int, int]) -> tuple[Invoice, ...]:
    """Each use: which invoice, how much of it, of which total."""
    return tuple(Invoice(NUMBERS[n], amount, total) for n, amount, total in uses)  # type: ignore[arg-type]


def issue(rig: Rig, *uses: tuple[int, int, int], issuer: int = ISSUER, line: int = LINE) -> int:
    face = sum(amount for _, amount, _ in uses)
    return rig.issued(face, invoices=invoices(*uses), issuer=issuer, line=line)


def total_and_used(rig: Rig, number: int, payer: int = ISSUER) -> tuple[int, int]:
    return invoice_use(rig, payer, NUMBERS[number])


# Refused


def test_an_issue_without_an_invoice_has_nothing_behind_it(rig: Rig) -> None:
    with refuses("InvoicesDoNotMatch", invoices=0, face=LOT):
        rig.issued(LOT, invoices=())


def test_an_issue_has_at_most_ten_invoices(rig: Rig) -> None:
    with refuses("InvoiceCount", given=11, highest=10):
        issue(rig, *((n, LOT // 2, LOT) for n in range(11)))


@pytest.mark.parametrize("off", [-1, 1])
def test_invoices_add_up_to_the_face_to_the_fen(rig: Rig, off: int) -> None:
    with refuses("InvoicesDoNotMatch", invoices=2 * LOT + off, face=2 * LOT):
        rig.issued(2 * LOT, invoices=invoices((0, LOT, LOT), (1, LOT + off, 2 * LOT)))


def test_whether_invoices_add_up_is_asked_after_consents_and_limit_and_with_their_use(rig: Rig) -> None:
    short = invoices((0, LOT - 1, LOT))
    unsigned = rig.issue_of(LOT, invoices=short)
    with refuses("BadSignature", party=A):
        rig.do(unsigned, ISSUER, B)
    with refuses("LimitExceeded", line=LINE, asked=10_000_001 * YUAN, available=10_000_000 * YUAN):
        rig.issued(10_000_001 * YUAN, invoices=short, smallest_part=10_000 * YUAN)
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[1].hex(), asked=LOT, available=1):
        rig.issued(3 * LOT, invoices=invoices((0, LOT - 1, LOT), (1, LOT, 1)))
    with refuses("InvoicesDoNotMatch", invoices=LOT - 1, face=LOT):
        rig.do(unsigned, ISSUER, A)
    assert total_and_used(rig, 0) == (0, 0)
    assert rig.drawn() == 0


def test_a_sum_that_runs_over_sixty_four_bits_is_not_taken_for_the_face(rig: Rig) -> None:
    highest = 2**64 - 1
    uses = invoices((0, highest, highest), (1, LOT + 1, LOT + 1))
    with refuses("InvoicesDoNotMatch", invoices=2**64 + LOT, face=LOT):
        rig.issued(LOT, invoices=uses)


def test_no_invoice_is_used_for_nothing(rig: Rig) -> None:
    with refuses("ZeroAmount"):
        issue(rig, (0, LOT, LOT), (1, 0, LOT))


def test_no_more_is_issued_than_an_invoice_says(rig: Rig) -> None:
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[0].hex(), asked=LOT, available=LOT - 1):
        issue(rig, (0, LOT, LOT - 1))


def test_an_invoice_of_nothing_carries_nothing(rig: Rig) -> None:
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[0].hex(), asked=LOT, available=0):
        issue(rig, (0, LOT, 0))


def test_what_one_issue_used_is_not_there_for_the_next(rig: Rig) -> None:
    issue(rig, (0, 2 * LOT, 3 * LOT))
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[0].hex(), asked=LOT + 1, available=LOT):
        issue(rig, (0, LOT + 1, 3 * LOT))
    issue(rig, (0, LOT, 3 * LOT))
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[0].hex(), asked=LOT, available=0):
        issue(rig, (0, LOT, 3 * LOT))


def test_the_same_invoice_twice_in_one_issue_is_counted_twice(rig: Rig) -> None:
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[0].hex(), asked=2 * LOT, available=LOT):
        issue(rig, (0, 2 * LOT, 3 * LOT), (0, 2 * LOT, 3 * LOT))
    issue(rig, (0, LOT, 3 * LOT), (0, 2 * LOT, 3 * LOT))
    assert total_and_used(rig, 0) == (3 * LOT, 3 * LOT)


@pytest.mark.parametrize("total", [3 * LOT - 1, 3 * LOT + 1, 2**64 - 1])
def test_an_invoice_has_the_same_total_each_time(rig: Rig, total: int) -> None:
    issue(rig, (0, LOT, 3 * LOT))
    hexed = "0x" + NUMBERS[0].hex()
    with refuses("InvoiceTotalDiffers", fingerprint=hexed, recorded=3 * LOT, given=total):
        issue(rig, (0, LOT, total))


def test_two_totals_for_one_invoice_do_not_pass_in_one_issue(rig: Rig) -> None:
    hexed = "0x" + NUMBERS[0].hex()
    with refuses("InvoiceTotalDiffers", fingerprint=hexed, recorded=3 * LOT, given=4 * LOT):
        issue(rig, (0, LOT, 3 * LOT), (0, LOT, 4 * LOT))


def test_a_cancelled_claim_gives_no_invoice_back(rig: Rig) -> None:
    root = issue(rig, (0, LOT, LOT))
    rig.do(cancel_of(rig, root), ISSUER, A)
    with refuses("InvoiceExceeded", fingerprint="0x" + NUMBERS[0].hex(), asked=LOT, available=0):
        issue(rig, (0, LOT, LOT))


def test_a_refused_issue_uses_none_of_its_invoices(rig: Rig) -> None:
    with refuses("ZeroAmount"):
        issue(rig, (0, LOT, LOT), (1, 0, LOT))
    assert total_and_used(rig, 0) == (0, 0)


# Refused: the invoices of a later hop


def test_a_hop_has_at_most_ten_invoices(rig: Rig) -> None:
    root, eleven = rig.issued(), invoices(*((n, 1, LOT) for n in range(11)))
    with refuses("InvoiceCount", given=11, highest=10):
        rig.do(rig.transfer_of(root, B, invoices=eleven), A, B)
    with refuses("InvoiceCount", given=11, highest=10):
        rig.do(rig.split_of(root, (B, LOT), invoices=eleven), A, B)


def test_a_hop_uses_no_invoice_beyond_its_total(rig: Rig) -> None:
    root, hexed = rig.issued(), "0x" + NUMBERS[0].hex()
    rig.do(rig.split_of(root, (B, LOT), invoices=invoices((0, LOT, LOT))), A, B)
    with refuses("InvoiceExceeded", fingerprint=hexed, asked=1, available=0):
        rig.do(rig.split_of(root, (B, LOT), invoices=invoices((0, 1, LOT))), A, B)
    with refuses("InvoiceExceeded", fingerprint=hexed, asked=1, available=0):
        rig.do(rig.transfer_of(root, B, invoices=invoices((0, 1, LOT))), A, B)
    with refuses("ZeroAmount"):
        rig.do(rig.transfer_of(root, B, invoices=invoices((1, 0, LOT))), A, B)


# Done


@pytest.mark.parametrize("count", [1, 2, 10])
def test_one_to_ten_invoices_are_used_and_each_is_logged(rig: Rig, count: int) -> None:
    uses = [(n, (n + 1) * LOT, (n + 2) * LOT) for n in range(count)]
    agreement = rig.issue_of(
        sum(amount for _, amount, _ in uses), invoices=invoices(*uses), smallest_part=1_000 * YUAN
    )
    *used, _ = happened(rig.do(agreement, ISSUER, A))
    root = root_id(agreement, rig.domain(Contract.LEDGER))
    assert used == [InvoiceUsed(root, ISSUER, NUMBERS[n], amount, total) for n, amount, total in uses]  # type: ignore[arg-type]
    for n, amount, total in uses:
        assert total_and_used(rig, n) == (total, amount)


def test_an_invoice_belongs_to_its_payer(rig: Rig) -> None:
    other = 2 << 32 | 7
    rig.grant(other, issuer=OTHER_ISSUER)
    issue(rig, (0, LOT, LOT))
    issue(rig, (0, LOT, 2 * LOT), issuer=OTHER_ISSUER, line=other)
    assert total_and_used(rig, 0) == (LOT, LOT)
    assert total_and_used(rig, 0, OTHER_ISSUER) == (2 * LOT, LOT)


def test_the_invoices_of_a_later_hop_are_the_passer_ons(rig: Rig) -> None:
    root = rig.issued()
    rig.do(rig.split_of(root, (B, LOT), invoices=invoices((0, LOT, 2 * LOT))), A, B)
    sent = rig.do(rig.transfer_of(root, B, invoices=invoices((0, LOT, 2 * LOT))), A, B)
    assert happened(sent)[0] == InvoiceUsed(root, A, NUMBERS[0], LOT, 2 * LOT)  # type: ignore[arg-type]
    assert total_and_used(rig, 0, A) == (2 * LOT, 2 * LOT)
    assert total_and_used(rig, 0) == (0, 0)


def test_a_hop_need_not_show_invoices_and_they_need_not_add_up_to_its_face(rig: Rig) -> None:
    root = rig.issued()
    rig.do(rig.split_of(root, (B, LOT)), A, B)
    rig.do(rig.transfer_of(root, B, invoices=invoices((0, 1, 5 * LOT))), A, B)
    assert total_and_used(rig, 0, A) == (5 * LOT, 1)


def test_a_total_that_was_mistyped_can_be_put_right_once_nothing_is_used_of_it(rig: Rig) -> None:
    agreement = rig.issue_of(LOT, invoices=invoices((0, LOT, 2 * LOT)))
    rig.do(agreement, ISSUER, A)
    voucher = root_id(agreement, rig.domain(Contract.LEDGER))
    with refuses("InvoiceTotalDiffers", fingerprint="0x" + NUMBERS[0].hex(), recorded=2 * LOT, given=LOT):
        issue(rig, (0, LOT, LOT))
    ending = CancelWhole(voucher, 1, LATER)  # type: ignore[arg-type]
    rig.do(ending, ISSUER, A, issued=agreement)
    issue(rig, (0, LOT, LOT))
    assert total_and_used(rig, 0) == (LOT, LOT)
