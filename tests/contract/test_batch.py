"""`batch`: many agreements in one transaction, each as if it had come alone, one journal for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import Admit, ResizeLine, Suspend
from ledger.errors import Refusal
from ledger.events import journal_start
from ledger.members import Contract
from ledger.signing import batch_calldata, complete_payment_calldata
from tests.contract.paying import disbursing, refuses, settlement_of
from tests.contract.words import party
from tests.rig import (
    BANK,
    ISSUER,
    LATER,
    LINE,
    REGISTRAR,
    WINDOW,
    YUAN,
    ZERO,
    A,
    B,
    C,
    D,
    Revm,
    Rig,
    Sent,
    key_of,
)

OUTSIDE_JOURNAL = {
    keccak(b"Refused(uint256,bytes)"),
    keccak(b"Transfer(address,address,uint256)"),
}


def items(rig: Rig, count: int) -> tuple[list[int], list[bytes]]:
    """So many vouchers of A, and for each a transfer to B."""
    vouchers = [rig.issued(10_000 * YUAN) for _ in range(count)]
    return vouchers, [rig.call(rig.transfer_of(voucher, B), A, B) for voucher in vouchers]


def holders(rig: Rig, vouchers: Sequence[int]) -> list[int]:
    return [rig.voucher(voucher).holder for voucher in vouchers]


# One bad agreement


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_agreement_is_refused_with_its_error_and_the_others_are_done(rig: Rig, place: int) -> None:
    vouchers, calls = items(rig, 3)
    calls[place] = rig.call(rig.transfer_of(vouchers[place], B), A, C)
    sent = rig.batch(Contract.LEDGER, calls)
    assert rig.refused(sent) == {place: Refusal("BadSignature", {"party": B})}
    assert holders(rig, vouchers) == [A if n == place else B for n in range(3)]


def test_every_refusal_carries_its_own_error_and_facts(rig: Rig) -> None:
    (voucher, other), calls = items(rig, 2)
    gone = rig.transfer_of(voucher, C, sequence=9)
    late = rig.transfer_of(other, C, deadline=5)
    bad = [rig.call(gone, A, C), rig.call(late, A, C), rig.call(rig.transfer_of(other, A), A, A)]
    sent = rig.batch(Contract.LEDGER, [*bad, *calls])
    assert rig.refused(sent) == {
        0: Refusal("WrongSequence", {"id": voucher, "given": 9, "present": 1}),
        1: Refusal("AgreementExpired", {"deadline": 5, "timestamp": rig.engine.now()}),
        2: Refusal("SameParty", {"party": A}),
    }
    assert holders(rig, [voucher, other]) == [B, B]


def test_an_agreement_that_is_refused_late_leaves_no_trace(rig: Rig) -> None:
    """Its voucher, line and invoice had been written when the second of its invoices turned out to be used up."""
    used = rig.issue_of(10_000 * YUAN)
    rig.do(used, ISSUER, A)
    half = 5_000 * YUAN
    fresh = replace(rig.issue_of().invoices[0], amount=half, total=half)  # type: ignore[arg-type]
    spent = replace(used.invoices[0], amount=half)  # type: ignore[arg-type]
    doomed = rig.issue_of(10_000 * YUAN, invoices=(fresh, spent))
    head = rig.head()
    sent = rig.batch(Contract.LEDGER, [rig.call(doomed, ISSUER, A)])
    assert [refusal.name for refusal in rig.refused(sent).values()] == ["InvoiceExceeded"]
    assert rig.drawn() == 10_000 * YUAN
    assert rig.head() == head
    rig.do(rig.issue_of(half, invoices=(fresh,)), ISSUER, A)


def test_all_or_nothing_lets_one_refusal_stop_all(rig: Rig) -> None:
    vouchers, calls = items(rig, 3)
    bad = rig.call(rig.transfer_of(vouchers[1], B), A, C)
    head = rig.head()
    with pytest.raises(Refusal) as said:
        rig.batch(Contract.LEDGER, [calls[0], bad, calls[2]], whole=True)
    assert said.value.name == "BatchStopped"
    assert said.value.facts["index"] == 1
    reason = bytes.fromhex(str(said.value.facts["reason"])[2:])
    assert rig.refusal(reason) == Refusal("BadSignature", {"party": B})
    assert holders(rig, vouchers) == [A, A, A]
    assert rig.head() == head


def test_all_or_nothing_does_all_when_nothing_is_wrong(rig: Rig) -> None:
    vouchers, calls = items(rig, 3)
    rig.batch(Contract.LEDGER, calls, whole=True)
    assert holders(rig, vouchers) == [B, B, B]


@pytest.mark.parametrize("inner", [[], [b""]])
def test_a_batch_in_a_batch_is_refused_and_the_others_are_done(rig: Rig, inner: list[bytes]) -> None:
    vouchers, calls = items(rig, 2)
    sent = rig.batch(Contract.LEDGER, [calls[0], batch_calldata(inner, False), calls[1]])
    assert rig.refused(sent) == {1: Refusal("NestedBatch")}
    assert holders(rig, vouchers) == [B, B]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("item", [b"", b"\x01\x02\x03", b"\x01\x02\x03\x04", b"\xff" * 100])
def test_what_is_no_call_of_a_verb_stops_the_batch(rig: Rig, item: bytes, whole: bool) -> None:
    vouchers, calls = items(rig, 1)
    with refuses("BatchStopped", index=1, reason="0x"):
        rig.batch(Contract.LEDGER, [*calls, item], whole=whole)
    assert holders(rig, vouchers) == [A]


def test_a_purpose_that_does_not_exist_is_no_call_of_a_verb(rig: Rig) -> None:
    voucher = rig.issued()
    call = bytearray(rig.call(settlement_of(rig, voucher), BANK, A))
    assert call[4 + 3 * 32 - 1] == 1
    call[4 + 3 * 32 - 1] = 2
    with refuses("BatchStopped", index=0, reason="0x"):
        rig.batch(Contract.LEDGER, [bytes(call)])


def test_an_item_that_only_reads_changes_nothing(rig: Rig) -> None:
    head = rig.head()
    sent = rig.batch(Contract.LEDGER, [keccak(b"journalHead()")[:4]])
    assert sent.logs == ()
    assert rig.head() == head


# Each as if it had come alone


def test_two_agreements_on_one_voucher_name_n_and_n_plus_1(rig: Rig) -> None:
    voucher = rig.issued()
    first = rig.call(rig.transfer_of(voucher, B), A, B)
    second = rig.call(rig.transfer_of(voucher, C, sequence=2), B, C)
    sent = rig.batch(Contract.LEDGER, [first, second])
    assert rig.refused(sent) == {}
    assert rig.voucher(voucher).holder == C


def test_in_the_wrong_order_the_second_is_refused(rig: Rig) -> None:
    voucher = rig.issued()
    first = rig.call(rig.transfer_of(voucher, B), A, B)
    second = rig.call(rig.transfer_of(voucher, C, sequence=2), B, C)
    sent = rig.batch(Contract.LEDGER, [second, first])
    assert rig.refused(sent) == {0: Refusal("WrongSequence", {"id": voucher, "given": 2, "present": 1})}
    assert rig.voucher(voucher).holder == B


def test_one_agreement_twice_in_a_batch_is_done_once(rig: Rig) -> None:
    vouchers, calls = items(rig, 1)
    sent = rig.batch(Contract.LEDGER, calls * 2)
    facts = {"id": vouchers[0], "given": 1, "present": 2}
    assert rig.refused(sent) == {1: Refusal("WrongSequence", facts)}


def test_a_limit_that_one_item_uses_up_is_used_up_for_the_next(rig: Rig) -> None:
    rig.do(ResizeLine(LINE, 1, 15_000 * YUAN, rig.today + 365, LATER), BANK)  # type: ignore[arg-type]
    issues = [rig.issue_of(10_000 * YUAN) for _ in range(2)]
    sent = rig.batch(Contract.LEDGER, [rig.call(issue, ISSUER, A) for issue in issues])
    facts = {"line": LINE, "asked": 10_000 * YUAN, "available": 5_000 * YUAN}
    assert rig.refused(sent) == {1: Refusal("LimitExceeded", facts)}


def test_who_sends_a_batch_may_leave_its_own_consents_empty_and_nobody_else_s(rig: Rig) -> None:
    mine, theirs = rig.issued(), rig.issued()
    rig.transfer(theirs, C)
    calls = [
        rig.call(rig.transfer_of(mine, B), b"", B),
        rig.call(rig.transfer_of(theirs, B), b"", B),
    ]
    sender = key_of(A).public_key.to_checksum_address()
    sent = rig.send(rig.ledger, batch_calldata(calls, False), sender=sender)
    assert rig.refused(sent) == {1: Refusal("BadSignature", {"party": C})}
    assert holders(rig, [mine, theirs]) == [B, C]


def test_completions_go_in_batches_too(rig: Rig) -> None:
    vouchers = [disbursing(rig) for _ in range(2)]
    rig.pass_days(WINDOW + 1)
    fresh = disbursing(rig)
    calls = [complete_payment_calldata(voucher) for voucher in (*vouchers, fresh)]  # type: ignore[arg-type]
    sent = rig.batch(Contract.LEDGER, calls)
    facts = {"from": rig.today + WINDOW + 1, "today": rig.today}
    assert rig.refused(sent) == {2: Refusal("WindowOpen", facts)}


def test_the_registry_has_the_same_door(rig: Rig) -> None:
    def admission(number: int, signer: int) -> bytes:
        address = key_of(signer).public_key.to_canonical_address()
        agreement = Admit(number, 0, BANK, 0, ZERO, LATER, address)  # type: ignore[arg-type]
        return rig.call(agreement, REGISTRAR, BANK, key_of(signer))

    before = rig.head(Contract.REGISTRY)
    calls = [admission(71, 71), admission(72, 71), admission(73, 73)]
    sent = rig.batch(Contract.REGISTRY, calls)
    assert rig.refused(sent) == {1: Refusal("SignerInUse", {"party": 71})}
    assert [party(rig, number).sequence for number in (71, 72, 73)] == [1, 0, 1]
    assert rig.head(Contract.REGISTRY) == folded(before, sent)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(Suspend(71, 1, ZERO, LATER), BANK)  # type: ignore[arg-type]


# The journal


def folded(head: bytes, sent: Sent) -> bytes:
    """The head after these logs, by the rule itself."""
    for _, topics, data in sent.logs:
        if topics[0] not in OUTSIDE_JOURNAL:
            head = keccak(head + keccak(b"".join(topics) + data))
    return head


def test_the_journal_starts_from_the_domain_separator() -> None:
    rig = Rig(Revm())
    assert rig.head() == journal_start(rig.domain(Contract.LEDGER))


@pytest.mark.parametrize("size", [1, 2, 10, 100])
def test_the_head_after_a_batch_is_the_head_recomputed_from_its_events(rig: Rig, size: int) -> None:
    vouchers, calls = items(rig, size)
    bad = rig.call(rig.transfer_of(vouchers[0], D), A, C)
    before = rig.head()
    sent = rig.batch(Contract.LEDGER, [bad, *calls, bad])
    assert set(rig.refused(sent)) == {0, size + 1}
    assert rig.head() == folded(before, sent)
    assert rig.head() != before


def test_alone_or_in_a_batch_the_same_agreements_lead_to_the_same_head() -> None:
    heads = []
    for together in (False, True):
        rig = Rig(Revm())
        rig.grant()
        _, calls = items(rig, 3)
        if together:
            rig.batch(Contract.LEDGER, calls)
        else:
            for call in calls:
                rig.send(rig.ledger, call)
        heads.append(rig.head())
    assert heads[0] == heads[1]


def test_an_empty_batch_and_one_of_refusals_leave_the_head_alone(rig: Rig) -> None:
    voucher = rig.issued()
    head = rig.head()
    rig.batch(Contract.LEDGER, [])
    rig.batch(Contract.LEDGER, [rig.call(rig.transfer_of(voucher, B), A, C)])
    assert rig.head() == head
