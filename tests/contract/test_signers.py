"""Whose word counts: wallet keys, how consents are packed, and the sender who need not sign.

Contract wallets are in test_contract_wallets.py.
"""

from __future__ import annotations

import pytest
from eth_keys.datatypes import PrivateKey

from ledger.agreements import Admit, Agreement
from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import CURVE_ORDER, batch_calldata, packed
from tests.contract.paying import refuses, suspend
from tests.contract.words import party
from tests.rig import BANK, ISSUER, LATER, REGISTRAR, YUAN, ZERO, A, B, C, Rig, key_of

PROOF = b"\x55" * 65


def address(key: PrivateKey) -> str:
    return key.public_key.to_checksum_address()


def with_packing(rig: Rig, agreement: Agreement, packing: bytes) -> bytes:
    """The call of a verb with consents packed in any way: they are the last member, so they end the call."""
    data = rig.call(agreement)
    padding = bytes(-len(packing) % 32)
    return data[:-32] + len(packing).to_bytes(32, "big") + packing + padding


def r_s_v(signature: bytes) -> tuple[int, int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]


def joined(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])


# Wallet keys: refused


def test_the_same_signature_written_with_a_high_s_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    r, s, v = r_s_v(by_a)
    with refuses("BadSignature", party=A):
        rig.do(transfer, joined(r, CURVE_ORDER - s, 55 - v), by_b)
    rig.do(transfer, by_a, by_b)


def test_a_v_other_than_the_right_one_of_27_and_28_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    right = by_a[64]
    for v in (0, 1, right - 27, 26, 55 - right, 29, 30, 37, 38, 255):
        with refuses("BadSignature", party=A):
            rig.do(transfer, by_a[:64] + bytes([v]), by_b)


def test_a_signature_of_another_length_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    for length in (1, 32, 64):
        with refuses("BadSignature", party=A):
            rig.do(transfer, by_a[:length], by_b)
    for longer in (by_a + b"\x00", by_a + by_a, b"\x00" + by_a, by_a.ljust(96, b"\x00")):
        with refuses("BadSignature", party=A):
            rig.do(transfer, longer, by_b)


def test_the_short_form_of_64_bytes_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    r, s, v = r_s_v(by_a)
    with refuses("BadSignature", party=A):
        rig.do(transfer, joined(r, s | (v - 27) << 255, v)[:64], by_b)


def test_numbers_that_no_key_can_have_made_are_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    r, s, v = r_s_v(by_a)
    for impossible in (
        bytes(65),
        joined(0, s, v),
        joined(r, 0, v),
        joined(CURVE_ORDER, s, v),
        joined(r, CURVE_ORDER, v),
        b"\xff" * 65,
        by_a[32:64] + by_a[:32] + by_a[64:],
    ):
        with refuses("BadSignature", party=A):
            rig.do(transfer, impossible, by_b)


def test_the_first_consent_that_is_not_good_is_named(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    with refuses("BadSignature", party=A):
        rig.do(transfer, PROOF, PROOF)
    with refuses("BadSignature", party=B):
        rig.do(transfer, A, PROOF)


def test_consents_in_the_wrong_order_are_refused(rig: Rig) -> None:
    with refuses("BadSignature", party=A):
        rig.do(rig.transfer_of(rig.issued(), B), B, A)


# How consents are packed


def test_consents_cut_short_anywhere_are_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    whole = packed(rig.consents(transfer, [A, B]))
    for length in range(len(whole)):
        given = 0 if length == 0 else 1 if length <= len(whole) // 2 else 2
        with refuses("ConsentCount", expected=2, given=given):
            rig.send(rig.ledger, with_packing(rig, transfer, whole[:length]))
    rig.send(rig.ledger, with_packing(rig, transfer, whole))


@pytest.mark.parametrize(
    "surplus", [b"\x00", b"\x00\x00", b"\x00\x01\x00", b"\xff\xff", PROOF], ids=bytes.hex
)
def test_whatever_stands_behind_the_last_consent_is_refused(rig: Rig, surplus: bytes) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    whole = packed(rig.consents(transfer, [A, B]))
    with pytest.raises(Refusal, match=r"ConsentCount\(expected=2, given=\d+\)"):
        rig.send(rig.ledger, with_packing(rig, transfer, whole + surplus))


def test_one_consent_too_many_is_refused_even_when_it_is_good(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    with refuses("ConsentCount", expected=2, given=3):
        rig.do(transfer, A, B, A)
    with refuses("ConsentCount", expected=2, given=3):
        rig.do(transfer, A, B, b"")


def test_a_length_that_swallows_the_next_consent_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    rest = by_a + len(by_b).to_bytes(2, "big") + by_b
    with refuses("BadSignature", party=A):
        rig.send(rig.ledger, with_packing(rig, transfer, len(rest).to_bytes(2, "big") + rest))


def test_a_length_beyond_the_end_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    by_a, by_b = rig.consents(transfer, [A, B])
    for length in (66, 255, 65_535):
        packing = packed([by_a]) + length.to_bytes(2, "big") + by_b
        with refuses("ConsentCount", expected=2, given=2):
            rig.send(rig.ledger, with_packing(rig, transfer, packing))


def test_a_consent_that_stands_behind_the_packing_is_not_read(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    whole = packed(rig.consents(transfer, [A, B]))
    hidden = with_packing(rig, transfer, whole)
    at = len(hidden) - (
        len(whole) + -len(whole) % 32
    )  # where the packing starts; its length stands before it
    for length in (0, 67, 133):
        shortened = hidden[: at - 32] + length.to_bytes(32, "big") + hidden[at:]
        with refuses("ConsentCount", expected=2, given=(length + 66) // 67):
            rig.send(rig.ledger, shortened)


# The sender who need not sign


def test_an_empty_consent_of_whoever_does_not_send_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    with refuses("BadSignature", party=A):
        rig.do(transfer, b"", B)
    with refuses("BadSignature", party=A):
        rig.do(transfer, b"", B, sender=address(rig.keys[B]))
    with refuses("BadSignature", party=B):
        rig.do(transfer, A, b"", sender=address(rig.keys[A]))


def test_a_sender_that_gives_a_bad_signature_is_refused(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    for bad in (PROOF, b"\x00", rig.consents(transfer, [B])[0]):
        with refuses("BadSignature", party=A):
            rig.do(transfer, bad, B, sender=address(rig.keys[A]))


def test_an_empty_consent_is_still_one_per_duty(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    with refuses("ConsentCount", expected=2, given=0):
        rig.do(transfer, sender=address(rig.keys[A]))
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(transfer, b"", sender=address(rig.keys[A]))


def test_a_sender_is_held_to_sequence_standing_and_deadline_like_a_signer(rig: Rig) -> None:
    root, now, sender = rig.issued(), rig.engine.now(), address(rig.keys[A])
    with refuses("WrongSequence", id=root, given=2, present=1):
        rig.do(rig.transfer_of(root, B, sequence=2), b"", B, sender=sender)
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(rig.transfer_of(root, B, deadline=now - 1), b"", B, sender=sender)
    suspend(rig, A)
    with refuses("PartySuspended", party=A):
        rig.do(rig.transfer_of(root, B), b"", B, sender=sender)


def test_the_key_of_another_party_is_not_the_holders_though_it_sends(rig: Rig) -> None:
    transfer = rig.transfer_of(rig.issued(), B)
    for other in (C, BANK, ISSUER, REGISTRAR):
        with refuses("BadSignature", party=A):
            rig.do(transfer, b"", B, sender=address(rig.keys[other]))


def test_the_holder_sends_and_need_not_sign(rig: Rig) -> None:
    root = rig.issued()
    rig.do(rig.transfer_of(root, B), b"", B, sender=address(rig.keys[A]))
    rig.do(rig.transfer_of(root, C), B, b"", sender=address(rig.keys[C]))
    assert rig.voucher(root).holder == C


def test_a_sender_who_owes_two_consents_owes_none(rig: Rig) -> None:
    root = rig.issued()
    rig.do(rig.split_of(root, (A, 1_000 * YUAN)), b"", b"", sender=address(rig.keys[A]))
    assert rig.voucher(root).face == 999_000 * YUAN


def test_registrar_sponsor_and_new_signer_may_each_be_the_sender(rig: Rig) -> None:
    for number, position in ((77, 0), (78, 1), (79, 2)):
        rig.keys[number] = key_of(number)
        signer = bytes(rig.keys[number].public_key.to_canonical_address())
        admit = Admit(number, 0, BANK, 0, ZERO, LATER, signer)  # type: ignore[arg-type]
        parties = [REGISTRAR, BANK, number]
        consents = rig.consents(admit, parties)
        consents[position] = b""
        with refuses("BadSignature", party=parties[position]):
            rig.do(admit, *consents)
        rig.do(admit, *consents, sender=address(rig.keys[parties[position]]))
        assert party(rig, number).sequence == 1


def test_in_a_batch_too_the_sender_need_not_sign(rig: Rig) -> None:
    first, second = rig.issued(), rig.issued()
    calls = [rig.call(rig.transfer_of(root, B), b"", B) for root in (first, second)]
    refused = rig.refused(rig.batch(Contract.LEDGER, calls))
    assert refused == dict.fromkeys((0, 1), Refusal("BadSignature", {"party": A}))
    from_a = rig.engine.send(
        rig.ledger, batch_calldata(calls, True), sender=address(rig.keys[A]), gas=5_000_000
    )
    assert from_a.ok
    assert {rig.voucher(root).holder for root in (first, second)} == {B}
