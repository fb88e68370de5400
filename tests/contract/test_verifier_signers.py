"""What is not taken from P-256 keys, RSA keys and passkeys: as a signer, as its proof, as a consent.

What is done with them is in `test_verifier_parties.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from ledger.members import Contract
from ledger.signing import digest
from tests.contract.paying import refuses
from tests.contract.verifying import (
    BACKED_UP,
    CAP,
    EXPONENT,
    KEYS,
    KINDS,
    P256_ORDER,
    PRESENT,
    VERIFIED,
    Held,
    Key,
    P256Key,
    Passkey,
    RsaKey,
    admission,
    admit,
    another,
    held,
    packed_consent,
    rekey_of,
    verifier_at,
)
from tests.contract.words import party, party_of_signer
from tests.rig import (
    BANK,
    REGISTRAR,
    A,
    B,
    Rig,
    Sent,
    key_of,
)

FIRM, OTHER_FIRM = 77, 78
every_kind = pytest.mark.parametrize("key", KEYS, ids=KINDS)


@dataclass(frozen=True)
class Signing:
    """A key whose signature is replaced by what is made of it."""

    key: Key
    made: Any

    @property
    def verifier(self) -> str:
        return self.key.verifier

    @property
    def public(self) -> bytes:
        return self.key.public

    def sign(self, digest: bytes) -> bytes:
        return bytes(self.made(digest))


def receive(rig: Rig, voucher: int, signer: Held | bytes | int) -> Sent:
    return rig.do(rig.transfer_of(voucher, FIRM), A, signer)


# Signers that are not taken


@pytest.mark.parametrize("length", [0, 1, 19, 1_025, 4_096])
def test_a_signer_is_of_20_to_1024_bytes(open_rig: Rig, length: int) -> None:
    signer = held(open_rig, P256Key(1)).signer.ljust(length, b"\x01")[:length]
    with refuses("SignerNotAllowed", length=length):
        open_rig.do(admission(FIRM, signer), REGISTRAR, BANK, b"")


@pytest.mark.parametrize("length", [21, 84, 1_024])
def test_nothing_is_no_verifier(open_rig: Rig, length: int) -> None:
    with refuses("SignerNotAllowed", length=length):
        open_rig.do(admission(FIRM, bytes(20).ljust(length, b"\x01")), REGISTRAR, BANK, b"")


@pytest.mark.parametrize("length", [21, 84, 1_024])
def test_key_bytes_behind_any_other_address_are_no_signer(open_rig: Rig, length: int) -> None:
    for address in (open_rig.ledger, key_of(A).public_key.to_checksum_address(), "0x" + "00" * 19 + "04"):
        signer = bytes.fromhex(address[2:]).ljust(length, b"\x01")
        with refuses("VerifierNotAllowed", verifier=address):
            open_rig.do(admission(FIRM, signer), REGISTRAR, BANK, b"")


@pytest.mark.parametrize("cap", [1, CAP, 500_001])
def test_the_cap_stands_in_the_list_and_not_in_the_admission(open_rig: Rig, cap: int) -> None:
    signer = held(open_rig, P256Key(1))
    with refuses("SignatureGasTooHigh", given=cap, highest=0):
        open_rig.do(admission(FIRM, signer.signer, signature_gas=cap), REGISTRAR, BANK, signer)


@every_kind
def test_a_key_serves_one_party(open_rig: Rig, key: Key) -> None:
    signer = admit(open_rig, FIRM, key)
    with refuses("SignerInUse", party=FIRM):
        open_rig.do(admission(OTHER_FIRM, signer.signer), REGISTRAR, BANK, signer)
    with refuses("SignerInUse", party=FIRM):
        open_rig.do(rekey_of(open_rig, B, signer.signer), B, signer)


def test_a_verifier_is_looked_at_before_its_cap_and_its_cap_before_who_has_the_key(open_rig: Rig) -> None:
    signer = admit(open_rig, FIRM, P256Key(1))
    unlisted = bytes.fromhex(open_rig.ledger[2:]) + signer.key.public
    with refuses("VerifierNotAllowed", verifier=open_rig.ledger):
        open_rig.do(admission(OTHER_FIRM, unlisted, signature_gas=1), REGISTRAR, BANK, b"")
    with refuses("SignatureGasTooHigh", given=1, highest=0):
        open_rig.do(admission(OTHER_FIRM, signer.signer, signature_gas=1), REGISTRAR, BANK, b"")


# Proofs that are not taken


@every_kind
def test_the_new_signer_proves_that_it_can_sign(open_rig: Rig, key: Key) -> None:
    signer = held(open_rig, key)
    other = held(open_rig, another(key))
    stolen = packed_consent(signer.signer, other.key.sign(bytes(32)))
    for proof in (b"", packed_consent(signer.signer, b""), stolen, other, A, bytes(65)):
        with refuses("BadSignature", party=FIRM):
            open_rig.do(admission(FIRM, signer.signer), REGISTRAR, BANK, proof)
    assert party_of_signer(open_rig, signer.signer) == 0


@pytest.mark.parametrize("key", [P256Key(1), Passkey(1)], ids=["P-256", "passkey"])
def test_a_point_off_the_curve_is_no_key(open_rig: Rig, key: Key) -> None:
    x, y = key.public[:32], key.public[32:]
    for changed in ((int.from_bytes(y) ^ 1).to_bytes(32), bytes(32), b"\xff" * 32):
        signer = Held(held(open_rig, key).signer[:20] + x + changed, key)
        with refuses("BadSignature", party=FIRM):
            open_rig.do(admission(FIRM, signer.signer), REGISTRAR, BANK, signer)


@pytest.mark.parametrize("length", [1, 63, 65, 1_004])
def test_key_bytes_of_another_length_are_no_key(open_rig: Rig, length: int) -> None:
    for key in KEYS:
        public = key.public.ljust(length, b"\x00")[:length]
        signer = Held(held(open_rig, key).signer[:20] + public, key)
        with refuses("BadSignature", party=FIRM):
            open_rig.do(admission(FIRM, signer.signer), REGISTRAR, BANK, signer)


@pytest.mark.parametrize(
    "form", ["a byte behind it", "a word behind it", "zero before e", "zero before n", "n before e"]
)
def test_an_rsa_key_has_one_form_so_that_it_is_one_signer(open_rig: Rig, form: str) -> None:
    key = RsaKey(1)
    e, n = EXPONENT.to_bytes(3), key.modulus
    written = {
        "a byte behind it": key.public + b"\x00",
        "a word behind it": key.public + bytes(32),
        "zero before e": abi_encode(["bytes", "bytes"], [b"\x00" + e, n]),
        "zero before n": abi_encode(["bytes", "bytes"], [e, b"\x00" + n]),
        "n before e": _other_order(e, n),
    }[form]
    signer = Held(held(open_rig, key).signer[:20] + written, key)
    with refuses("BadSignature", party=FIRM):
        open_rig.do(admission(FIRM, signer.signer), REGISTRAR, BANK, signer)
    admit(open_rig, FIRM, key)


def _other_order(e: bytes, n: bytes) -> bytes:
    """The same two numbers as `abi.decode` finds them, the second written first."""
    last = 64 + 32 + len(n)
    parts = (last, 64, len(n), int.from_bytes(n[:32]))
    words = (
        b"".join(part.to_bytes(32) for part in parts) + n[32:] + len(e).to_bytes(32) + e.ljust(32, b"\x00")
    )
    assert abi_decode(["bytes", "bytes"], words) == (e, n)
    return words


# Consents that are not taken


@every_kind
def test_nobody_but_the_key_signs(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, key)
    other = another(key)
    by_another = Held(signer.signer, other)
    for wrong in (by_another, held(open_rig, other), A, REGISTRAR, BANK, bytes(65)):
        with refuses("BadSignature", party=FIRM):
            receive(open_rig, root, wrong)


@every_kind
def test_what_the_key_signed_is_what_lands(open_rig: Rig, key: Key) -> None:
    root, other = open_rig.issued(), open_rig.issued()
    admit(open_rig, FIRM, key)
    (good,) = open_rig.consents(open_rig.transfer_of(root, FIRM), [FIRM])
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, other, good)
    receive(open_rig, root, good)
    open_rig.transfer(root, A)
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, good)  # of the sequence before


@every_kind
def test_an_empty_consent_is_never_enough_whoever_sends(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, key)
    kept = "0x" + party(open_rig, FIRM).signer.to_bytes(20).hex()
    last = "0x" + signer.signer[-20:].hex()
    for sender in (kept, last):
        with refuses("BadSignature", party=FIRM):
            open_rig.do(open_rig.transfer_of(root, FIRM), A, b"", sender=sender)
    fresh = held(open_rig, another(key))
    number = "0x" + keccak(fresh.signer)[-20:].hex()
    with refuses("BadSignature", party=OTHER_FIRM):
        open_rig.do(admission(OTHER_FIRM, fresh.signer), REGISTRAR, BANK, b"", sender=number)


@every_kind
def test_a_consent_that_names_another_signer_is_refused(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, key)
    transfer = open_rig.transfer_of(root, FIRM)
    signature = key.sign(digest(transfer, open_rig.domain(Contract.LEDGER)))
    verifiers = [bytes.fromhex(verifier_at(open_rig, each.verifier)[2:]) for each in KEYS]
    wrong = [
        signer.signer + b"\x00",
        signer.signer[:-1],
        signer.signer[:20],
        b"",
        b"\x00" + signer.signer,
        party(open_rig, FIRM).signer.to_bytes(20),
        *(address + key.public for address in verifiers if address != signer.signer[:20]),
    ]
    for named in wrong:
        with refuses("BadSignature", party=FIRM):
            receive(open_rig, root, packed_consent(named, signature))
    receive(open_rig, root, packed_consent(signer.signer, signature))


@every_kind
def test_a_consent_cut_short_anywhere_is_refused(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    admit(open_rig, FIRM, key)
    (whole,) = open_rig.consents(open_rig.transfer_of(root, FIRM), [FIRM])
    padding = 32 if isinstance(key, Passkey) else 0  # its end is not read
    for length in {0, 1, 2, *range(3, len(whole) - padding, 13), len(whole) - padding - 1}:
        with refuses("BadSignature", party=FIRM):
            receive(open_rig, root, whole[:length])


@pytest.mark.parametrize("length", [0, 83, 85, 0xFFFF])
def test_a_length_that_is_not_the_signer_s_is_refused(open_rig: Rig, length: int) -> None:
    root = open_rig.issued()
    admit(open_rig, FIRM, P256Key(1))
    (whole,) = open_rig.consents(open_rig.transfer_of(root, FIRM), [FIRM])
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, length.to_bytes(2) + whole[2:])


@pytest.mark.parametrize("key", [P256Key(1), Passkey(1)], ids=["P-256", "passkey"])
def test_numbers_that_no_key_can_have_made_and_a_high_s_are_refused(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, key)
    domain = open_rig.domain(Contract.LEDGER)
    good = key.sign(digest(open_rig.transfer_of(root, FIRM), domain))
    r, s = int.from_bytes(good[:32]), int.from_bytes(good[32:64])
    for wrong_r, wrong_s in (
        *((r, P256_ORDER - s), (0, s), (r, 0), (s, r), (0, 0)),
        *((P256_ORDER, s), (r, P256_ORDER), (r + 1, s), (r, s + 1), (2**256 - 1, 2**256 - 1)),
    ):
        wrong = wrong_r.to_bytes(32) + wrong_s.to_bytes(32) + good[64:]
        with refuses("BadSignature", party=FIRM):
            receive(open_rig, root, packed_consent(signer.signer, wrong))
    receive(open_rig, root, packed_consent(signer.signer, good))


@pytest.mark.parametrize(
    "changed",
    [
        {"flags": VERIFIED},
        {"flags": PRESENT},
        {"flags": 0},
        {"flags": PRESENT | VERIFIED | BACKED_UP},
        {"kind": "webauthn.create"},
        {"kind": "payment.get"},
    ],
    ids=[
        "nobody there",
        "nobody recognised",
        "neither",
        "backed up and cannot be",
        "made, not asked",
        "payment",
    ],
)
def test_a_passkey_that_does_not_say_what_it_has_to_is_refused(
    open_rig: Rig, changed: dict[str, Any]
) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, Passkey(1))
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, Held(signer.signer, Passkey(1, **changed)))


def test_a_passkey_s_answer_to_another_challenge_is_refused(open_rig: Rig) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, Passkey(1))
    for other in (bytes(32), keccak(b"something else")):
        another = Signing(Passkey(1), lambda _, other=other: Passkey(1).sign(other))
        with refuses("BadSignature", party=FIRM):
            receive(open_rig, root, Held(signer.signer, another))


def test_a_passkey_s_key_is_no_p256_key_and_the_reverse(open_rig: Rig) -> None:
    """The same numbers behind another verifier are another signer, and its signature another thing."""
    root = open_rig.issued()
    passkey = admit(open_rig, FIRM, Passkey(1))
    plain = P256Key(1_001)
    assert plain.public == passkey.key.public
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, held(open_rig, plain))
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, Held(passkey.signer, plain))


@pytest.mark.parametrize(
    "changed",
    [
        lambda signature: signature[:-1] + bytes([signature[-1] ^ 1]),
        lambda signature: signature[:255],
        lambda signature: signature + b"\x00",
        lambda signature: b"\x00" + signature,
        lambda signature: bytes(256),
        lambda signature: (int.from_bytes(signature) + int.from_bytes(RsaKey(1).modulus)).to_bytes(257)[
            -256:
        ],
        lambda signature: RsaKey(1).modulus,
    ],
    ids=["a bit", "short", "long", "shifted", "nothing", "plus the modulus", "the modulus"],
)
def test_an_rsa_signature_that_is_not_exactly_the_one_is_refused(open_rig: Rig, changed: Any) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, RsaKey(1))
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, Held(signer.signer, Signing(RsaKey(1), lambda d: changed(RsaKey(1).sign(d)))))
