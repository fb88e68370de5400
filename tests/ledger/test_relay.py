"""The relay: every agreement is done or refused with its reason, once, whatever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import outbox, relay
from ledger.agreements import (
    ConfirmPayment,
    Discount,
    Part,
    ResizeLine,
    Revoke,
    Split,
    VoucherId,
)
from ledger.calendar import Day, Timestamp
from ledger.errors import ChainError, InputError, Refusal
from ledger.gas import ITEM_RESERVE, TRANSACTION, batch_gas, item_gas
from ledger.members import voucher_text
from ledger.money import Fen
from ledger.outbox_tables import OutboxRow, TransactionRow
from ledger.payment import CompletePayment
from ledger.relay import Terms, queue, queue_unsigned, run
from ledger.rows import world_of
from ledger.signing import batch_calldata, calldata, child_id, root_id
from ledger.store import add_pin, open_store
from ledger.tables import EventRow
from ledger.verification import verify
from tests.ledger.office import (
    BANK,
    FACE,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    A,
    B,
    C,
    Office,
    office_in,
    some_hash,
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as opened:
        yield opened


def landed(office: Office, voucher: VoucherId) -> int:
    """The sequence of a voucher by the contract's storage, after checking that index and chain agree."""
    office.follow()
    assert verify(office.store, office.chain).findings == ()
    with office.store.reading() as session:
        return world_of(session, office.pin.ledger).vouchers[voucher].sequence


# ---- refusals ----------------------------------------------------------------------------------------------


def test_one_bad_agreement_is_refused_by_its_name_and_the_others_are_done(office: Office) -> None:
    first = office.issue()
    office.put(replace(office.issue_of(), face=Fen(FACE + 1)), ISSUER, A)
    office.put(office.issue_of(supplier=B), ISSUER, A)  # B has to sign
    second = office.issue(supplier=C)
    before = office.chain.height()
    outcomes = office.run()
    assert [each.refusal for each in outcomes] == [
        None,
        Refusal("InvoicesDoNotMatch", {"invoices": FACE, "face": FACE + 1}),
        Refusal("BadSignature", {"party": B}),
        None,
    ]
    assert office.chain.height() == before + 1
    assert [relay.outcome(office.store, each.number) for each in outcomes] == outcomes
    assert (landed(office, first), landed(office, second)) == (1, 1)


def test_what_can_never_become_good_is_not_sent(office: Office) -> None:
    voucher = office.issue()
    office.run()
    office.follow()
    before = office.chain.height()
    office.put(Revoke(voucher, 1, Timestamp(office.chain.now() - 1)), A)
    office.put(Revoke(voucher, 0, LATER), A)
    expired, overtaken = office.run()
    assert expired.refusal is not None
    assert expired.refusal.name == "AgreementExpired"
    assert overtaken.refusal == Refusal("WrongSequence", {"id": voucher, "given": 0, "present": 1})
    assert (expired.tx_hash, expired.block, office.chain.height()) == (None, before, before)


@pytest.mark.parametrize("together", [True, False])
def test_an_agreement_that_was_overtaken_is_refused_though_its_like_has_landed(
    office: Office, together: bool
) -> None:
    voucher = office.issue()
    office.run()
    office.put(office.transfer_of(voucher, 1, B), A, B)
    outcomes = [] if together else office.run()
    office.put(replace(office.transfer_of(voucher, 1, B), deadline=Timestamp(LATER - 1)), A, B)
    done, overtaken = [*outcomes, *office.run()]
    assert done.refusal is None
    assert overtaken.refusal == Refusal("WrongSequence", {"id": voucher, "given": 1, "present": 2})
    assert landed(office, voucher) == 2


@pytest.mark.parametrize("indexed", [True, False])
def test_the_same_step_at_a_later_sequence_is_not_taken_for_it(office: Office, indexed: bool) -> None:
    voucher = office.issue()
    office.run()
    for sequence, holder, recipient in ((1, A, C), (2, C, A), (3, A, B)):  # sent by somebody else
        transfer = office.transfer_of(voucher, sequence, recipient)
        call = calldata(transfer, office.consents(transfer, holder, recipient))
        assert office.chain.wait(office.chain.send(call, to=office.pin.ledger, gas=500_000)).ok
    if indexed:
        office.follow()
    office.put(office.transfer_of(voucher, 1, B), A, B)
    office.put(office.transfer_of(voucher, 3, B), A, B)
    last = office.chain.height()
    overtaken, done = office.run()
    assert overtaken.refusal == Refusal("WrongSequence", {"id": voucher, "given": 1, "present": 4})
    assert (done.refusal, done.block) == (None, last)
    assert office.chain.height() == last + (
        not indexed
    )  # what the index does not know is asked of the contract


def test_a_foreign_pin_and_an_unknown_number_are_refused(office: Office, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'other.db'}") as other:
        with pytest.raises(InputError, match="knows no ledger"):
            queue(other, office.issue_of(), [], pin=office.pin)
        strange = replace(office.pin, chain_id=1)
        with pytest.raises(InputError, match="pinned with other facts"):
            queue(office.store, office.issue_of(), [], pin=strange)
        add_pin(other, strange)
        with pytest.raises(ChainError, match="chain id: pinned 1"):
            run(other, office.chain)
    with pytest.raises(InputError, match="no item 999"):
        relay.outcome(office.store, 999)


# ---- the outbox --------------------------------------------------------------------------------------------


def test_the_same_agreement_is_in_the_outbox_once(office: Office) -> None:
    issue = office.issue_of()
    number = office.put(issue, ISSUER, A)
    assert office.put(issue, ISSUER, A) == number
    assert [each.number for each in office.run()] == [number]
    assert office.put(issue, ISSUER, A) == number
    assert office.run() == []


def test_a_refused_agreement_can_be_put_in_again_when_its_time_has_come(office: Office) -> None:
    office.do(ResizeLine(LINE, 1, Fen(FACE - 1), Day(office.today + 300), LATER), BANK)
    issue = office.issue_of()
    first = office.put(issue, ISSUER, A)
    [refused] = office.run()
    assert refused.refusal == Refusal("LimitExceeded", {"line": LINE, "asked": FACE, "available": FACE - 1})
    office.do(ResizeLine(LINE, 2, FACE, Day(office.today + 300), LATER), BANK)
    second = office.put(issue, ISSUER, A)
    assert second != first
    [done] = office.run()
    assert (done.number, done.refusal) == (second, None)
    assert relay.outcome(office.store, first) == refused


def test_items_go_out_in_their_order_across_both_contracts(office: Office) -> None:
    newcomer = 40
    office.admit(newcomer, 0)
    issue = replace(office.issue_of(), supplier=newcomer)  # type: ignore[arg-type]
    office.put(issue, ISSUER, newcomer)
    voucher = root_id(issue, office.domain())
    office.put(office.transfer_of(voucher, 1, B), newcomer, B)
    office.put(office.transfer_of(voucher, 2, C), B, C)
    before = office.chain.height()
    assert [(each.verb, each.refusal) for each in office.run()] == [
        ("admit", None),
        ("issue", None),
        ("transfer", None),
        ("transfer", None),
    ]
    assert office.chain.height() == before + 2
    assert landed(office, voucher) == 3


def test_a_payment_is_completed_by_silence_once_for_each_payment(office: Office) -> None:
    voucher = office.issue()
    office.put(Discount(voucher, 1, FACTOR, some_hash("quote"), Day(office.today + 10), LATER), A, FACTOR)
    office.put(office.assertion(voucher, 2, payee=A), FACTOR)
    office.run()
    early = queue_unsigned(office.store, CompletePayment(voucher), sequence=3, pin=office.pin)
    [refused] = office.run()
    assert refused.refusal is not None
    assert refused.refusal.name == "WindowOpen"
    office.pass_days(6)
    number = queue_unsigned(office.store, CompletePayment(voucher), sequence=3, pin=office.pin)
    assert (
        number == queue_unsigned(office.store, CompletePayment(voucher), sequence=3, pin=office.pin) != early
    )
    assert [each.refusal for each in office.run()] == [None]
    office.pass_days(120)
    office.put(office.assertion(voucher, 4, payee=FACTOR, amount=FACE), BANK)
    office.run()
    office.pass_days(6)
    assert queue_unsigned(office.store, CompletePayment(voucher), sequence=5, pin=office.pin) > number
    assert [each.refusal for each in office.run()] == [None]
    assert landed(office, voucher) == 6


# ---- others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indexed", [False, True])
def test_what_somebody_else_has_sent_is_recorded_as_done_where_it_landed(
    office: Office, indexed: bool
) -> None:
    voucher = office.issue()
    office.run()
    transfer = office.transfer_of(voucher, 1, B)
    call = calldata(transfer, office.consents(transfer, A, B))
    theirs = office.chain.send(call, to=office.pin.ledger, gas=500_000)
    landed_in = office.chain.height()
    if indexed:
        office.follow()
    office.put(transfer, A, B)
    [done] = office.run()
    assert (done.refusal, done.tx_hash, done.block) == (None, theirs, landed_in)
    assert landed(office, voucher) == 2


# ---- gas ---------------------------------------------------------------------------------------------------


def test_a_batch_that_was_given_too_little_gas_refuses_nobody_and_is_sent_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "bare_floor", lambda *_given: 20_000)
    vouchers = [office.issue() for _ in range(3)]
    before = office.chain.height()
    assert [each.refusal for each in office.run()] == [None, None, None]
    assert office.chain.height() > before + 1
    assert [landed(office, voucher) for voucher in vouchers] == [1, 1, 1]


def test_a_batch_stays_within_its_budget(office: Office) -> None:
    issues = [office.issue_of() for _ in range(5)]
    for issue in issues:
        office.put(issue, ISSUER, A)
    call = calldata(issues[0], office.consents(issues[0], ISSUER, A))
    two = batch_gas([item_gas(issues[0], call, signature_gas=0) + 2_000] * 2)
    before = office.chain.height()
    assert [each.refusal for each in office.run(gas_budget=two)] == [None] * 5
    assert office.chain.height() == before + 3


def test_floors_stand_above_what_is_used_even_alone(office: Office) -> None:
    voucher = office.issue()
    office.run()
    transfer = office.transfer_of(voucher, 1, B)
    call = calldata(transfer, office.consents(transfer, A, B))
    floor = item_gas(transfer, call, signature_gas=0)
    data = batch_calldata([call], False)
    receipt = office.chain.wait(office.chain.send(data, to=office.pin.ledger, gas=batch_gas([floor])))
    assert receipt.ok
    assert receipt.gas_used * 5 // 4 < TRANSACTION + floor


def test_a_contract_wallets_cap_raises_the_floor_by_more_than_itself() -> None:
    confirm = ConfirmPayment(VoucherId(1), 1, LATER)
    plain = item_gas(confirm, b"\x01" * 200, signature_gas=0)
    assert item_gas(confirm, b"\x01" * 200, signature_gas=300_000) - plain >= 300_000 * 64 // 63
    assert batch_gas([plain]) >= TRANSACTION + ITEM_RESERVE + plain


def test_a_hundred_items_take_few_transactions(office: Office) -> None:
    for _ in range(100):
        office.issue(FACE // 100)
    before = office.chain.height()
    assert [each.refusal for each in office.run()] == [None] * 100
    assert office.chain.height() - before <= 3


def test_a_batch_s_call_data_stay_within_what_nodes_take(office: Office) -> None:
    for _ in range(6):
        office.issue(FACE // 100)
    before = office.chain.height()
    assert [each.refusal for each in office.run(terms=Terms(data_budget=3_000))] == [None] * 6
    sizes = [len(raw) for raw in raws(office)[-(office.chain.height() - before) :]]
    assert len(sizes) > 1
    assert max(sizes) < 3_000 + 300


def raws(office: Office) -> list[bytes]:
    """The bytes of all transactions, in the order of their batches."""
    with office.store.reading() as session:
        return list(session.scalars(select(TransactionRow.raw).order_by(TransactionRow.batch)))


# ---- places ------------------------------------------------------------------------------------------------


def test_two_splits_of_one_voucher_in_one_batch_are_each_found_at_their_own_event(office: Office) -> None:
    voucher = office.issue()
    parts = (Part(B, Fen(FACE // 10)), Part(C, Fen(FACE // 10)))
    numbers = [office.put(Split(voucher, sequence, False, LATER, parts, ()), A, B, C) for sequence in (1, 2)]
    assert [each.refusal for each in office.run()] == [None] * 3
    office.follow()
    with office.store.reading() as session:
        for sequence, number in zip((1, 2), numbers, strict=True):
            item = session.get_one(OutboxRow, number)
            event = session.get_one(EventRow, (office.pin.ledger, item.block, item.log_index))
            assert (event.name, event.data[:66]) == (
                "Parted",
                voucher_text(child_id(voucher, sequence, 0)),
            )
