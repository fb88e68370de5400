"""`Signatories`: a signer of several members, k of whom sign; for registrar and banks."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.agreements import AcceptHandOver, HandOver, Rekey, Suspend
from tests.contract.paying import freeze_of, refuses
from tests.contract.several import (
    SEVERAL_CAP,
    Member,
    Owned,
    Several,
    admission_of,
    admit_several,
    deploy_several,
    member_signature,
    member_signer,
    packed,
    together,
)
from tests.contract.verifying import KEYS, P256Key, Passkey, RsaKey, held, verifier_at
from tests.contract.wallets import deploy
from tests.contract.words import CONTRACT, Detail, detail, party, registry_settings
from tests.rig import (
    BANK,
    LATER,
    LINE,
    REGISTRAR,
    ROLE_BANK,
    ROLE_FUNDER,
    SENDER,
    ZERO,
    A,
    B,
    Revm,
    Rig,
    compiled,
    key_of,
)

FIRM = 77
HASH = keccak(b"what is to be signed")
YES = keccak(b"isValidSignature(bytes32,bytes)")[:4]
ONE, TWO, THREE, STRANGER = (key_of(700 + n) for n in range(4))


def says(rig: Rig, wallet: str, signature: bytes, hash_: bytes = HASH) -> bool | None:
    """What the wallet answers; None where it does not."""
    engine = rig.engine
    assert isinstance(engine, Revm)
    data = YES + abi_encode(["bytes32", "bytes"], [hash_, signature])
    sent = engine.send(wallet, data)
    if not sent.ok:
        return None
    (answer,) = abi_decode(["bytes4"], sent.output)
    assert answer in (YES, b"\xff" * 4)
    return bool(answer == YES)


@pytest.fixture
def two_of_three(rig: Rig) -> str:
    return deploy_several(rig, [ONE, TWO, THREE], 2)


# How it is made: refused


@pytest.mark.parametrize("threshold", [0, 4, 2**64 - 1])
def test_a_threshold_is_at_least_one_and_can_be_reached(rig: Rig, threshold: int) -> None:
    with pytest.raises(RuntimeError):
        deploy_several(rig, [ONE, TWO, THREE], threshold)


def test_without_members_there_is_no_wallet(rig: Rig) -> None:
    for threshold in (0, 1):
        with pytest.raises(RuntimeError):
            deploy_several(rig, [], threshold)


def test_nobody_is_a_member_twice(rig: Rig) -> None:
    with pytest.raises(RuntimeError):
        deploy_several(rig, [ONE, TWO, ONE], 2)


@pytest.mark.parametrize("short", [b"", b"\x01", b"\x01" * 19], ids=len)
def test_a_member_is_at_least_an_address(rig: Rig, short: bytes) -> None:
    with pytest.raises(RuntimeError):
        deploy(rig, "Signatories", [short], 1)


# Nobody administers it


def test_it_has_no_function_but_to_answer_and_to_say_who_its_members_are() -> None:
    abi = compiled()["Signatories"].abi
    functions = {entry["name"]: entry["stateMutability"] for entry in abi if entry["type"] == "function"}
    asked = ["getSignerCount", "getSigners", "isSigner", "isValidSignature", "threshold"]
    assert functions == dict.fromkeys(asked, "view")


def test_it_takes_no_ether(rig: Rig, two_of_three: str) -> None:
    engine = rig.engine
    assert isinstance(engine, Revm)
    engine.evm.set_balance(SENDER, 10**18)
    for data in (b"", YES + abi_encode(["bytes32", "bytes"], [HASH, together([ONE, TWO], HASH)])):
        with pytest.raises(RuntimeError):
            engine.evm.message_call(SENDER, two_of_three, data, value=1)
    code = creation_data(compiled()["Signatories"], [[member_signer(ONE)], 1])
    with pytest.raises(RuntimeError):
        engine.evm.deploy(SENDER, code, value=1)


def test_it_says_who_its_members_are_and_how_many_sign(rig: Rig, two_of_three: str) -> None:
    def asked(signature: str, *words: int) -> bytes:
        data = keccak(signature.encode())[:4] + b"".join(word.to_bytes(32) for word in words)
        return rig.engine.view(two_of_three, data)

    (members,) = abi_decode(["bytes[]"], asked("getSigners(uint64,uint64)", 0, 2**64 - 1))
    assert list(members) == [member_signer(each) for each in (ONE, TWO, THREE)]
    assert int.from_bytes(asked("threshold()")) == 2


# Who signs: refused


def test_fewer_than_the_threshold_are_not_enough(rig: Rig, two_of_three: str) -> None:
    for alone in (ONE, TWO, THREE):
        assert says(rig, two_of_three, together([alone], HASH)) is False
    assert says(rig, two_of_three, together([], HASH)) is False
    assert says(rig, two_of_three, b"") is False


def test_one_member_s_signature_given_twice_counts_once(rig: Rig, two_of_three: str) -> None:
    pair = (member_signer(ONE), member_signature(ONE, HASH))
    assert says(rig, two_of_three, packed([pair, pair])) is False
    assert says(rig, two_of_three, packed([pair, pair, pair])) is False


def test_who_is_no_member_does_not_count_and_spoils_the_rest(rig: Rig, two_of_three: str) -> None:
    assert says(rig, two_of_three, together([ONE, STRANGER], HASH)) is False
    assert says(rig, two_of_three, together([ONE, TWO, STRANGER], HASH)) is False


def test_one_bad_signature_spoils_the_rest(rig: Rig, two_of_three: str) -> None:
    good = [(member_signer(each), member_signature(each, HASH)) for each in (ONE, TWO)]
    for bad in (b"", bytes(65), member_signature(THREE, ZERO), member_signature(ONE, HASH)):
        assert says(rig, two_of_three, packed([*good, (member_signer(THREE), bad)])) is False


def test_signatures_under_each_other_s_names_are_not_taken(rig: Rig, two_of_three: str) -> None:
    crossed = [
        (member_signer(ONE), member_signature(TWO, HASH)),
        (member_signer(TWO), member_signature(ONE, HASH)),
    ]
    assert says(rig, two_of_three, packed(crossed)) is False


def test_what_was_signed_for_something_else_is_not_taken(rig: Rig, two_of_three: str) -> None:
    assert says(rig, two_of_three, together([ONE, TWO], ZERO)) is False


def test_more_members_than_signatures_and_the_reverse_are_not_taken(rig: Rig, two_of_three: str) -> None:
    who = [member_signer(each) for each in (ONE, TWO)]
    given = [member_signature(each, HASH) for each in (ONE, TWO)]
    for names, signatures in ((who, given[:1]), (who[:1], given), (who, [*given, b""])):
        assert says(rig, two_of_three, abi_encode(["bytes[]", "bytes[]"], [names, signatures])) is False


def test_a_signature_cut_short_anywhere_or_scrambled_is_never_a_yes(rig: Rig, two_of_three: str) -> None:
    whole = together([ONE, TWO], HASH)
    assert says(rig, two_of_three, whole) is True
    for length in range(0, len(whole) - 62, 7):  # the last 62 bytes are padding of one signature
        assert says(rig, two_of_three, whole[:length]) is not True, length
    for word in range(0, len(whole) // 32):
        for value in (0, 2**64, 2**256 - 1):
            scrambled = whole[: word * 32] + value.to_bytes(32) + whole[word * 32 + 32 :]
            assert says(rig, two_of_three, scrambled) is not True or scrambled == whole, (word, value)


# Who signs: done


def test_any_two_of_three_are_enough_in_any_order_and_all_three_too(rig: Rig, two_of_three: str) -> None:
    for count in (2, 3):
        for members in permutations((ONE, TWO, THREE), count):
            pairs = [(member_signer(each), member_signature(each, HASH)) for each in members]
            assert says(rig, two_of_three, packed(pairs)) is True


def test_members_of_every_kind_sign_together(rig: Rig) -> None:
    owned = Owned(deploy(rig, "OwnedWallet", TWO.public_key.to_checksum_address()), TWO)
    members: list[Member] = [ONE, owned, *(held(rig, key) for key in KEYS)]
    wallet = deploy_several(rig, members, 3)
    for signing in combinations(members, 3):
        assert says(rig, wallet, together(signing, HASH)) is True
        for alone in combinations(signing, 2):
            assert says(rig, wallet, together(alone, HASH)) is False
    assert says(rig, wallet, together(members, HASH)) is True


def test_a_wallet_of_several_can_be_a_member_of_another(rig: Rig, two_of_three: str) -> None:
    outer = deploy(rig, "Signatories", [bytes.fromhex(two_of_three[2:]), member_signer(STRANGER)], 2)
    inner = (bytes.fromhex(two_of_three[2:]), together([ONE, THREE], HASH))
    assert (
        says(rig, outer, packed([inner, (member_signer(STRANGER), member_signature(STRANGER, HASH))])) is True
    )
    inner = (inner[0], together([ONE], HASH))
    assert (
        says(rig, outer, packed([inner, (member_signer(STRANGER), member_signature(STRANGER, HASH))]))
        is False
    )


# As a party's signer


def test_a_party_of_several_is_admitted_only_with_the_signatures_of_enough_members(rig: Rig) -> None:
    wallet = deploy_several(rig, [ONE, TWO, THREE], 2)
    for signing in ((ONE,), (ONE, STRANGER)):
        with refuses("BadSignature", party=FIRM):
            rig.do(admission_of(wallet, FIRM), REGISTRAR, BANK, Several(signing))
    rig.do(admission_of(wallet, FIRM), REGISTRAR, BANK, Several((THREE, ONE)))
    assert (party(rig, FIRM).signer, party(rig, FIRM).kind) == (int(wallet, 16), CONTRACT)
    assert detail(rig, FIRM) == Detail(SEVERAL_CAP, 0)


def test_a_malformed_signature_of_several_is_a_bad_signature(rig: Rig) -> None:
    root = rig.issued()
    admit_several(rig, FIRM, [ONE, TWO, THREE], 2, signing=[ONE, TWO])
    (good,) = rig.consents(rig.transfer_of(root, FIRM), [FIRM])
    for bad in (b"", good[:-200], good[32:], bytes(64), b"\xff" * 64, good[:64] + b"\xff" * 32 + good[96:]):
        with refuses("BadSignature", party=FIRM):
            rig.do(rig.transfer_of(root, FIRM), A, bad)
    rig.do(rig.transfer_of(root, FIRM), A, good)


def test_a_party_of_a_wallet_key_a_passkey_and_an_rsa_key_receives_and_passes_on(rig: Rig) -> None:
    root = rig.issued()
    members: list[Member] = [ONE, held(rig, Passkey(5)), held(rig, RsaKey(1))]
    admit_several(rig, FIRM, members, 2, signing=members[1:])
    rig.transfer(root, FIRM)
    rig.signers[FIRM] = Several((members[0], members[2]))
    rig.transfer(root, B)
    rig.signers[FIRM] = Several((members[0],))
    with refuses("BadSignature", party=FIRM):
        rig.transfer(root, FIRM)


def test_the_registrar_s_office_goes_to_several_and_each_two_of_them_freeze(rig: Rig) -> None:
    voucher = rig.issued()
    admit_several(rig, FIRM, [ONE, TWO, THREE], 2, signing=[ONE, TWO])
    rig.do(HandOver(0, FIRM, LATER), REGISTRAR)  # type: ignore[arg-type]
    rig.pass_days(7)
    with refuses("BadSignature", party=FIRM):
        rig.do(AcceptHandOver(1, LATER), Several((THREE,)))  # type: ignore[arg-type]
    rig.do(AcceptHandOver(1, LATER), Several((THREE, TWO)))  # type: ignore[arg-type]
    assert registry_settings(rig).registrar == FIRM
    with refuses("BadSignature", party=FIRM):
        rig.do(freeze_of(rig, voucher), Several((ONE,)))
    rig.do(freeze_of(rig, voucher), Several((THREE, ONE)))


def test_a_bank_of_several_grants_asserts_and_sponsors(rig: Rig) -> None:
    roles = ROLE_BANK | ROLE_FUNDER
    admit_several(rig, FIRM, [ONE, held(rig, P256Key(9)), THREE], 2, signing=[ONE, THREE], roles=roles)
    line = FIRM << 32 | LINE & 0xFFFFFFFF
    rig.grant(line)
    rig.admit(78, 0, sponsor=FIRM)
    assert party(rig, 78).sponsor == FIRM


def test_members_change_by_a_rekey_to_a_new_wallet_and_the_old_one_is_never_taken_again(rig: Rig) -> None:
    root = rig.issued()
    old = admit_several(rig, FIRM, [ONE, TWO], 2, signing=[ONE, TWO])
    new = deploy_several(rig, [TWO, THREE], 1)
    change = Rekey(FIRM, 1, SEVERAL_CAP, LATER, bytes.fromhex(new[2:]))  # type: ignore[arg-type]
    with refuses("BadSignature", party=FIRM):
        rig.do(change, Several((ONE,)), Several((THREE,)))
    with refuses("BadSignature", party=FIRM):
        rig.do(change, Several((ONE, TWO)), Several((ONE,)))
    rig.do(change, Several((ONE, TWO)), Several((THREE,)))
    with refuses("BadSignature", party=FIRM):
        rig.do(rig.transfer_of(root, FIRM), A, Several((ONE, TWO)))
    rig.do(rig.transfer_of(root, FIRM), A, Several((TWO,)))
    back = Rekey(FIRM, 2, SEVERAL_CAP, LATER, bytes.fromhex(old[2:]))  # type: ignore[arg-type]
    with refuses("SignerInUse", party=FIRM):
        rig.do(back, Several((TWO,)), Several((ONE, TWO)))


def test_a_member_alone_is_not_the_party_though_it_sends(rig: Rig) -> None:
    root = rig.issued()
    admit_several(rig, FIRM, [ONE, TWO], 1, signing=[ONE])
    with refuses("BadSignature", party=FIRM):
        rig.do(rig.transfer_of(root, FIRM), A, b"", sender=ONE.public_key.to_checksum_address())


def test_a_member_s_verifier_need_not_be_listed_and_a_listed_one_is_no_member_s_licence(rig: Rig) -> None:
    """Who admits a wallet of several looks at its members: the allow-list is for signers."""
    root = rig.issued()
    hostile = bytes.fromhex(verifier_at(rig, "HostileVerifier")[2:]) + b"anything"
    wallet = deploy(rig, "Signatories", [hostile, member_signer(ONE)], 1)
    anybody = packed([(hostile, b"y")])
    rig.do(admission_of(wallet, FIRM), REGISTRAR, BANK, anybody)
    rig.do(rig.transfer_of(root, FIRM), A, anybody)
    assert rig.voucher(root).holder == FIRM


def test_a_suspended_party_of_several_signs_nothing_with_all_its_members(rig: Rig) -> None:
    root = rig.issued()
    admit_several(rig, FIRM, [ONE, TWO], 2, signing=[ONE, TWO])
    rig.do(Suspend(FIRM, 1, ZERO, LATER), REGISTRAR)  # type: ignore[arg-type]
    with refuses("PartySuspended", party=FIRM):
        rig.transfer(root, FIRM)


def test_two_p256_members_cost_more_than_the_highest_cap_where_the_chain_has_no_p256_of_its_own(
    rig: Rig,
) -> None:
    members = [held(rig, P256Key(20 + n)) for n in range(2)]
    wallet = deploy_several(rig, members, 2)
    with refuses("BadSignature", party=FIRM):
        rig.do(admission_of(wallet, FIRM), REGISTRAR, BANK, Several(tuple(members)))
    wallet = deploy_several(rig, members, 1)
    rig.do(admission_of(wallet, FIRM), REGISTRAR, BANK, Several(tuple(members[:1])))
