"""What only mutants asked for: rules whose breach broke the set-up of every other test, or that nobody had tested.

See `tests.mutants`. The worlds here are as bare as they can be, so that they stand on contracts that are broken.
"""

from __future__ import annotations

from ledger.agreements import Admit, GrantLine
from tests.contract.paying import confirm_of, contest_of, disbursing, freeze, refuses, settlement_of, settling
from tests.contract.words import party
from tests.rig import BANK, FACTOR, ISSUER, LATER, LINE, REGISTRAR, ZERO, A, Revm, Rig, key_of


def test_a_registrar_alone_admits_nobody() -> None:
    rig = Rig(Revm(), admitted=False)
    key = key_of(A)
    agreement = Admit(A, 0, BANK, 0, ZERO, LATER, key.public_key.to_canonical_address())  # type: ignore[arg-type]
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(agreement, REGISTRAR, key)
    rig.do(agreement, REGISTRAR, BANK, key)
    assert party(rig, A).sequence == 1


def test_a_bank_alone_grants_no_line() -> None:
    rig = Rig(Revm())
    agreement = GrantLine(LINE, ISSUER, 0, 10_000_00, rig.today, 100_00, 5, 10, False, LATER)  # type: ignore[arg-type]
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(agreement, BANK)
    rig.do(agreement, BANK, ISSUER)


def test_what_was_confirmed_after_a_contest_gives_way_to_no_new_assertion(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    freeze(rig, voucher)
    rig.do(confirm_of(rig, voucher), A)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(settlement_of(rig, voucher), BANK)


def test_in_a_freeze_holder_and_funder_do_not_say_who_is_to_be_paid(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(120)
    freeze(rig, voucher, days=30)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.do(settlement_of(rig, voucher, payee=FACTOR), BANK, A, FACTOR)
