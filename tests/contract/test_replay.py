"""No agreement lands twice, and none lands anywhere but on the one contract of the one chain that it was signed for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.abi import creation_data
from ledger.agreements import (
    AGREEMENTS,
    FreezeLine,
    Rekey,
    ResizeLine,
    Suspend,
)
from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import root_id
from tests.contract.paying import (
    cancel_of,
    confirm_of,
    disbursement_of,
    disbursing,
    discount_of,
    refuses,
    rescind_of,
    revoke_of,
    sell,
    settlement_of,
    withdraw_of,
)
from tests.contract.ready import FACE, NEW_KEY, READY, issue_revocation, landed
from tests.engines import embedded
from tests.rig import (
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    REGISTRAR,
    ROLE_ISSUER,
    YUAN,
    ZERO,
    A,
    B,
    C,
    OnChain,
    Revm,
    Rig,
    compiled,
    key_of,
)


def test_every_agreement_is_in_the_table() -> None:
    assert list(READY) == [each.__name__ for each in AGREEMENTS]


@pytest.mark.parametrize("verb", READY)
def test_the_table_makes_what_it_says(rig: Rig, verb: str) -> None:
    assert type(READY[verb](rig).agreement).__name__ == verb


# The same chain, another chain, another contract: every agreement


@pytest.mark.parametrize("verb", READY)
def test_what_has_landed_does_not_land_again(rig: Rig, verb: str) -> None:
    ready = READY[verb](rig)
    ready.land(rig)
    heads = [rig.head(contract) for contract in Contract]
    with pytest.raises(Refusal) as said:
        ready.land(rig)
    assert said.value.name == ready.again
    assert [rig.head(contract) for contract in Contract] == heads


@pytest.mark.parametrize("verb", READY)
def test_what_was_signed_for_another_chain_id_does_not_land(rig: Rig, verb: str) -> None:
    ready = READY[verb](rig)
    there = replace(rig.domain(ready.agreement.contract), chain_id=rig.engine.chain_id + 1)
    with refuses("BadSignature", party=ready.signers[0]):
        ready.land(rig, there)
    ready.land(rig)  # signed for here it lands


@pytest.mark.parametrize("verb", READY)
def test_what_was_signed_for_another_contract_address_does_not_land(rig: Rig, verb: str) -> None:
    ready = READY[verb](rig)
    here = rig.domain(ready.agreement.contract)
    other = rig.registry if here.contract is Contract.LEDGER else rig.ledger
    with refuses("BadSignature", party=ready.signers[0]):
        ready.land(rig, replace(here, verifying_contract=other))
    ready.land(rig)


# Real neighbours


def test_a_chain_with_the_same_addresses_and_parties_refuses_what_its_twin_has_done() -> None:
    here, there = Rig(Revm(chain_id=1001)), Rig(Revm(chain_id=1002))
    assert (here.ledger, here.registry) == (there.ledger, there.registry)
    here.grant()
    there.grant()
    issue = here.issue_of()
    signed = here.consents(issue, [ISSUER, A])
    here.do(issue, *signed)
    with refuses("BadSignature", party=ISSUER):
        there.do(issue, *signed)
    suspension = Suspend(A, 1, ZERO, LATER)  # type: ignore[arg-type]
    signed = here.consents(suspension, [REGISTRAR])
    here.do(suspension, *signed)
    with refuses("BadSignature", party=REGISTRAR):
        there.do(suspension, *signed)


def test_a_second_ledger_on_the_same_registry_refuses_what_the_first_has_done(rig: Rig) -> None:
    issue = rig.issue_of()
    signed = rig.consents(issue, [ISSUER, A])
    rig.do(issue, *signed)
    voucher = root_id(issue, rig.domain(Contract.LEDGER))
    move = rig.transfer_of(voucher, B)
    moving = rig.consents(move, [A, B])
    code = creation_data(compiled()["VoucherLedger"], [rig.registry, "0x" + "00" * 20])
    rig.ledger = rig.engine.deploy(code)
    rig.grant()
    with refuses("BadSignature", party=ISSUER):
        rig.do(issue, *signed)
    with refuses("UnknownVoucher", voucher=voucher):
        rig.do(move, *moving)
    assert rig.drawn() == 0


def test_another_installation_s_embedded_chain_refuses_what_this_one_has_done(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    with embedded(folders[0]) as first, embedded(folders[1]) as second:
        rigs = [Rig(OnChain(chain), admitted=False) for chain in (first, second)]
        for rig in rigs:
            rig.admit(ISSUER, ROLE_ISSUER)
            rig.admit(A, 0)
            rig.grant()
        here, there = rigs
        issue = here.issue_of()
        signed = here.consents(issue, [ISSUER, A])
        here.do(issue, *signed)
        with refuses("BadSignature", party=ISSUER):
            there.do(issue, *signed)
        suspension = Suspend(A, 1, ZERO, LATER)  # type: ignore[arg-type]
        signed = here.consents(suspension, [REGISTRAR])
        here.do(suspension, *signed)
        with refuses("BadSignature", party=REGISTRAR):
            there.do(suspension, *signed)
        assert (here.drawn(), there.drawn()) == (FACE, 0)


# Roundabout ways back to a state that looks the same


def test_a_transfer_does_not_land_after_a_split(rig: Rig) -> None:
    voucher = rig.issued()
    move = rig.transfer_of(voucher, B)
    rig.split(voucher, (C, 1_000 * YUAN))
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.do(move, A, B)


def test_a_split_does_not_land_on_its_remainder_or_its_part(rig: Rig) -> None:
    voucher = rig.issued()
    split = rig.split_of(voucher, (A, 1_000 * YUAN))
    signed = rig.consents(split, [A, A])
    (part,) = rig.split(voucher, (A, 1_000 * YUAN))
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.do(split, *signed)
    with refuses("BadSignature", party=A):  # the part has the sequence that was named, but not the id
        rig.do(replace(split, voucher=part), *signed)  # type: ignore[arg-type]


def test_a_split_of_the_whole_is_not_repeated(rig: Rig) -> None:
    voucher = rig.issued()
    split = rig.split_of(voucher, (B, FACE))
    rig.do(split, A, B)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(split, A, B)


def test_after_a_round_trip_to_the_same_holder_the_first_hop_does_not_land_again(rig: Rig) -> None:
    voucher = rig.issued()
    hop = rig.transfer_of(voucher, B)
    rig.do(hop, A, B)
    rig.transfer(voucher, A)
    assert rig.voucher(voucher).holder == A
    with refuses("WrongSequence", id=voucher, given=1, present=3):
        rig.do(hop, A, B)


def test_after_a_sale_was_rescinded_the_sale_does_not_land_again(rig: Rig) -> None:
    voucher = rig.issued()
    sale = discount_of(rig, voucher)
    rig.do(sale, A, FACTOR)
    rig.do(rescind_of(rig, voucher, FACTOR), FACTOR)
    with refuses("WrongSequence", id=voucher, given=1, present=3):
        rig.do(sale, A, FACTOR)


def test_after_a_withdrawal_the_payment_is_not_asserted_again_by_a_stranger(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    old = disbursement_of(rig, voucher, sequence=2)
    with refuses("WrongSequence", id=voucher, given=2, present=4):
        rig.do(old, FACTOR, A)


def test_a_confirmation_of_one_payment_confirms_no_later_one(rig: Rig) -> None:
    voucher = disbursing(rig)
    first = confirm_of(rig, voucher)
    rig.do(first, A)
    sell(rig, voucher, funder=BANK)
    rig.do(disbursement_of(rig, voucher), BANK)
    with refuses("WrongSequence", id=voucher, given=3, present=6):
        rig.do(first, A)


def test_after_cancel_neither_the_issue_nor_a_transfer_lands(rig: Rig) -> None:
    issue, voucher = landed(rig)
    move = rig.transfer_of(voucher, B)
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(move, A, B)
    with refuses("VoucherTaken", voucher=voucher):
        rig.do(issue, ISSUER, A)


def test_after_settlement_the_issue_does_not_land(rig: Rig) -> None:
    issue, voucher = landed(rig)
    rig.do(settlement_of(rig, voucher), BANK, A)
    with refuses("VoucherTaken", voucher=voucher):
        rig.do(issue, ISSUER, A)


def test_after_revoke_what_was_signed_for_the_old_sequence_does_not_land(rig: Rig) -> None:
    voucher = rig.issued()
    move = rig.transfer_of(voucher, B)
    rig.do(revoke_of(rig, voucher), A)
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.do(move, A, B)


def test_a_spent_issue_id_is_spent_for_good(rig: Rig) -> None:
    ready = issue_revocation(rig)
    ready.land(rig)
    assert ready.issued is not None
    voucher = root_id(ready.issued, rig.domain(Contract.LEDGER))
    with refuses("VoucherTaken", voucher=voucher):
        rig.do(ready.issued, ISSUER, A)


def test_after_a_rekey_nothing_that_the_old_key_signed_lands(rig: Rig) -> None:
    voucher = rig.issued()
    move = rig.transfer_of(voucher, B)
    signed = rig.consents(move, [A, B])
    ready = READY["Rekey"](rig)
    back = Rekey(A, 2, 0, LATER, bytes(key_of(A).public_key.to_canonical_address()))  # type: ignore[arg-type]
    ready.land(rig)
    with refuses("BadSignature", party=A):
        rig.do(move, *signed)
    with refuses("SignerInUse", party=A):  # not even by giving the party its old key back
        rig.do(back, NEW_KEY, key_of(A))
    third = key_of(A, 3)
    again = Rekey(A, 1, 0, LATER, bytes(third.public_key.to_canonical_address()))  # type: ignore[arg-type]
    with refuses("WrongSequence", id=A, given=1, present=2):
        rig.do(again, NEW_KEY, third)
    rig.do(move, NEW_KEY, B)


def test_a_line_resized_from_10_to_20_to_10_is_not_resized_to_20_again(rig: Rig) -> None:
    def resized(sequence: int, limit: int) -> ResizeLine:
        return ResizeLine(LINE, sequence, limit * YUAN, rig.today + 365, LATER)  # type: ignore[arg-type]

    larger = resized(1, 20_000_000)
    rig.do(larger, BANK)
    rig.do(resized(2, 10_000_000), BANK)
    with refuses("WrongSequence", id=LINE, given=1, present=3):
        rig.do(larger, BANK)
    issue = rig.issue_of(10_000_001 * YUAN, smallest_part=2_000 * YUAN)
    with refuses("LimitExceeded", line=LINE, asked=issue.face, available=10_000_000 * YUAN):
        rig.do(issue, ISSUER, A)


def test_a_line_frozen_and_thawed_is_not_frozen_again_by_the_first_agreement(rig: Rig) -> None:
    stop = FreezeLine(LINE, 1, True, ZERO, LATER)  # type: ignore[arg-type]
    rig.do(stop, BANK)
    rig.do(FreezeLine(LINE, 2, False, ZERO, LATER), BANK)  # type: ignore[arg-type]
    with refuses("WrongSequence", id=LINE, given=1, present=3):
        rig.do(stop, BANK)
    rig.issued()
