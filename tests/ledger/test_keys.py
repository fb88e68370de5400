"""The key file: closed to whoever has not the passphrase, to whoever edits it, and to crashes."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.agreements import PartyNumber, Suspend
from ledger.calendar import Timestamp
from ledger.credentials import Verifiers, opened_consent, read_signer, require_signature
from ledger.errors import InputError, SealError
from ledger.keys import Keyring
from ledger.members import Contract
from ledger.signing import Domain, recover
from tests.contract.verifying import P256Key, RsaKey

PASSPHRASE = "four old sticks in the river"
COST = 2**10  # cheap: what is tested is not scrypt
ALICE, BOB = PartyNumber(11), PartyNumber(12)
KEY = bytes(31) + b"\x07"
OTHER_KEYS = (P256Key(1).private, RsaKey(1).private)
VERIFIERS = Verifiers(p256=b"\xa1" * 20, rsa=b"\xa2" * 20)
DOMAIN = Domain(Contract.REGISTRY, 31_337, "0x" + "aa" * 20)
AGREEMENT = Suspend(ALICE, 1, bytes(32), Timestamp(2_000_000_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def ring(path: Path) -> Keyring:
    return Keyring.create(path, PASSPHRASE, cost=COST)


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["", "four old sticks in the rivers", PASSPHRASE.upper()])
def test_a_wrong_passphrase_opens_nothing(ring: Keyring, path: Path, wrong: str) -> None:
    ring.add(ALICE, KEY)
    with pytest.raises(SealError, match="passphrase is wrong"):
        Keyring.load(path, wrong)


def test_an_empty_passphrase_and_an_odd_cost_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="needs a passphrase"):
        Keyring.create(path, "")
    for cost in (0, 1, 1000, 2**21):
        with pytest.raises(InputError, match="power of two"):
            Keyring.create(path, PASSPHRASE, cost=cost)
    assert not path.exists()


def test_an_existing_file_is_never_overwritten_by_a_new_one(ring: Keyring, path: Path) -> None:
    ring.add(ALICE, KEY)
    with pytest.raises(SealError, match="exists already"):
        Keyring.create(path, "another", cost=COST)
    assert Keyring.load(path, PASSPHRASE).signers(ALICE) == ring.signers(ALICE)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": "tallystick-keyring-1", "keys": []}', "\x00\xff"]
)
def test_what_is_no_key_file_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SealError, match="no key file"):
        Keyring.load(path, PASSPHRASE)


def test_a_missing_file_is_refused_by_name(path: Path) -> None:
    with pytest.raises(SealError, match=r"keys\.json cannot be read"):
        Keyring.load(path, PASSPHRASE)


def test_a_file_that_asks_for_endless_work_is_refused(ring: Keyring, path: Path) -> None:
    content = json.loads(path.read_text())
    content["scrypt"]["cost"] = 2**40
    path.write_text(json.dumps(content))
    with pytest.raises(SealError, match="no key file"):
        Keyring.load(path, PASSPHRASE)
    assert ring.parties() == ()


def test_a_key_moved_to_another_party_does_not_sign(ring: Keyring, path: Path) -> None:
    ring.add(ALICE, KEY)
    content = json.loads(path.read_text())
    content["keys"][0]["party"] = BOB
    path.write_text(json.dumps(content))
    with pytest.raises(SealError, match="damaged"):
        Keyring.load(path, PASSPHRASE).sign(BOB, AGREEMENT, domain=DOMAIN)


def test_a_flipped_bit_in_a_key_is_noticed(ring: Keyring, path: Path) -> None:
    ring.add(ALICE, KEY)
    content = json.loads(path.read_text())
    sealed = bytearray.fromhex(content["keys"][0]["ciphertext"])
    sealed[3] ^= 1
    content["keys"][0]["ciphertext"] = sealed.hex()
    path.write_text(json.dumps(content))
    with pytest.raises(SealError, match="damaged"):
        Keyring.load(path, PASSPHRASE).sign(ALICE, AGREEMENT, domain=DOMAIN)


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"\x01" * 31, b"\x01" * 33])
def test_an_unusable_private_key_is_refused_and_not_shown(ring: Keyring, key: bytes) -> None:
    with pytest.raises(InputError, match="no private key") as refused:
        ring.add(ALICE, key)
    assert key.hex() not in str(refused.value)
    assert ring.parties() == ()


def test_one_key_serves_one_party(ring: Keyring) -> None:
    ring.add(ALICE, KEY)
    with pytest.raises(InputError, match="one key serves one party"):
        ring.add(BOB, KEY)


def test_a_party_without_a_key_cannot_sign_here(ring: Keyring) -> None:
    ring.add(ALICE, KEY)
    with pytest.raises(InputError, match="no key of party 12"):
        ring.sign(BOB, AGREEMENT, domain=DOMAIN)
    with pytest.raises(InputError, match="of party 12"):
        ring.drop(BOB, ring.signers(ALICE)[0])


def test_a_change_by_somebody_else_is_not_lost(ring: Keyring, path: Path) -> None:
    other = Keyring.load(path, PASSPHRASE)
    address = other.add(BOB)
    with pytest.raises(SealError, match="changed meanwhile"):
        ring.add(ALICE, KEY)
    assert Keyring.load(path, PASSPHRASE).signers(BOB) == (address,)


def test_a_write_that_fails_leaves_the_old_file(
    ring: Keyring, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.add(ALICE, KEY)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(SealError, match="cannot be written"):
            ring.add(BOB)
    assert os.listdir(path.parent) == ["keys.json"]
    assert Keyring.load(path, PASSPHRASE).parties() == (ALICE,)
    ring.add(BOB)
    assert ring.parties() == (ALICE, BOB)


@pytest.mark.parametrize("at", [0, 1], ids=["P-256", "RSA"])
def test_a_p256_or_rsa_key_is_no_less_sealed_than_a_wallets(ring: Keyring, path: Path, at: int) -> None:
    signer = ring.add_credential(ALICE, OTHER_KEYS[at], VERIFIERS)
    original = path.read_text()

    def refused(**changes: object) -> str:
        content = json.loads(original)
        content["keys"][0] |= changes
        path.write_text(json.dumps(content))
        with pytest.raises(SealError) as error:
            Keyring.load(path, PASSPHRASE).sign(
                PartyNumber(content["keys"][0]["party"]), AGREEMENT, domain=DOMAIN
            )
        return str(error.value)

    assert "damaged" in refused(party=BOB)
    assert "damaged" in refused(address="0x" + "11" * 20)
    assert "is not that of" in refused(signer=(b"\x99" * 20 + signer[20:]).hex())
    assert "is not that of" in refused(signer="")
    assert "no key file" in refused(signer="x")


def test_a_wallets_key_is_not_taken_for_another_kinds(ring: Keyring, path: Path) -> None:
    ring.add(ALICE, KEY)
    content = json.loads(path.read_text())
    content["keys"][0]["signer"] = "aa" * 84
    path.write_text(json.dumps(content))
    with pytest.raises(SealError, match="is not that of"):
        Keyring.load(path, PASSPHRASE).sign(ALICE, AGREEMENT, domain=DOMAIN)


def test_one_p256_key_serves_one_party_and_needs_a_listed_verifier(ring: Keyring) -> None:
    ring.add_credential(ALICE, OTHER_KEYS[0], VERIFIERS)
    with pytest.raises(InputError, match="one key serves one party"):
        ring.add_credential(BOB, OTHER_KEYS[0], VERIFIERS)
    with pytest.raises(InputError, match="the registrar has to list one"):
        ring.add_credential(BOB, OTHER_KEYS[1], Verifiers())


# ---- what it does ------------------------------------------------------------------------------------------


def test_a_sealed_key_signs_after_reopening(ring: Keyring, path: Path) -> None:
    address = ring.add(ALICE, KEY)
    again = Keyring.load(path, PASSPHRASE)
    assert recover(AGREEMENT, DOMAIN, again.sign(ALICE, AGREEMENT, domain=DOMAIN)) == address


def test_a_drawn_key_is_new_each_time(ring: Keyring) -> None:
    assert len({ring.add(PartyNumber(n)) for n in range(1, 6)}) == 5


def test_while_a_key_is_replaced_the_old_one_signs_until_it_is_dropped(ring: Keyring) -> None:
    old, new = ring.add(ALICE, KEY), ring.add(ALICE)
    assert ring.signers(ALICE) == (old, new)
    assert recover(AGREEMENT, DOMAIN, ring.sign(ALICE, AGREEMENT, domain=DOMAIN)) == old
    assert recover(AGREEMENT, DOMAIN, ring.sign(ALICE, AGREEMENT, domain=DOMAIN, signer=new)) == new
    ring.drop(ALICE, old)
    assert recover(AGREEMENT, DOMAIN, ring.sign(ALICE, AGREEMENT, domain=DOMAIN)) == new


@pytest.mark.parametrize("at", [0, 1], ids=["P-256", "RSA"])
def test_a_p256_or_rsa_key_gives_a_consent_that_names_its_verifier(
    ring: Keyring, path: Path, at: int
) -> None:
    signer = ring.add_credential(ALICE, OTHER_KEYS[at], VERIFIERS)
    again = Keyring.load(path, PASSPHRASE)
    named, signature = opened_consent(again.sign(ALICE, AGREEMENT, domain=DOMAIN))
    assert named == signer
    require_signature(read_signer(signer, VERIFIERS), signature, AGREEMENT, domain=DOMAIN)
    assert again.signers(ALICE) == (to_checksum_address(keccak(signer)[12:]),)


def test_a_wallets_key_is_replaced_by_another_kind(ring: Keyring) -> None:
    old = ring.add(ALICE, KEY)
    signer = ring.add_credential(ALICE, OTHER_KEYS[0], VERIFIERS)
    new = to_checksum_address(keccak(signer)[12:])
    assert recover(AGREEMENT, DOMAIN, ring.sign(ALICE, AGREEMENT, domain=DOMAIN)) == old
    assert opened_consent(ring.sign(ALICE, AGREEMENT, domain=DOMAIN, signer=new))[0] == signer
    ring.drop(ALICE, old)
    assert ring.signers(ALICE) == (new,)


def test_a_file_of_wallet_keys_alone_is_written_as_before(ring: Keyring, path: Path) -> None:
    ring.add(ALICE, KEY)
    assert sorted(json.loads(path.read_text())["keys"][0]) == ["address", "ciphertext", "nonce", "party"]


def test_the_file_is_the_owners_alone_and_tells_no_secret(ring: Keyring, path: Path) -> None:
    ring.add(ALICE, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY.hex() not in path.read_text()
    assert PASSPHRASE not in path.read_text()
    assert repr(ring) == f"Keyring({str(path)!r}, 1 keys)"


@pytest.mark.parametrize("change", ["purpose", "label", "content", "cut", "file"])
def test_what_the_file_sealed_opens_for_its_purpose_and_label_alone(
    ring: Keyring, tmp_path: Path, change: str
) -> None:
    sealed = ring.seal("letters", b"content", label="letter 1")
    assert b"content" not in sealed and sealed != ring.seal("letters", b"content", label="letter 1")
    assert ring.unseal("letters", sealed, label="letter 1") == b"content"
    other = Keyring.create(tmp_path / "other.json", PASSPHRASE, cost=2) if change == "file" else ring
    given = {"content": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:11]}.get(change, sealed)
    with pytest.raises(SealError, match="does not open with this key file"):
        other.unseal(
            "bills" if change == "purpose" else "letters",
            given,
            label="letter 2" if change == "label" else "letter 1",
        )
