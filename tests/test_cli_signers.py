"""Parties that keep their own signer, at the `tallystick` command: P-256, RSA under a certificate, wallets, k of n.

Keys, certificates and signatures are those of the tests of the verifiers and certificates.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address

from scripts.cli_signer import KEY_PASSWORD
from tests.cli_desk import Desk, open_desk
from tests.contract.verifying import P256Key, RsaKey
from tests.credit_codes import complete_credit_code
from tests.ledger.test_certificates import CA, KEY, STRANGER, authority, certificate, leaf, pem, usage

CODE = complete_credit_code("91350100MA000088")
NEWCOMER = ("admit", "北山铸造", "--code", CODE)
WALLETS = [PrivateKey(bytes([n] * 32)) for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, dict[str, str]]:
    """An installation with OpenZeppelin's three verifiers on the list, on the day from which they can be named."""
    desk = open_desk(tmp_path_factory.mktemp("signers") / "installation")
    made = desk.do("deploy-verifiers")["verifiers"]
    for address in made.values():
        desk.do("list-verifier", address)
    desk.ask("travel", "2026-04-08")
    return desk, made


@pytest.fixture
def desk(listed: tuple[Desk, dict[str, str]], tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(listed[0].directory, tmp_path / "installation")))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Key files as a party has them."""
    private = P256Key(7).private
    pkcs8 = (PrivateFormat.PKCS8, NoEncryption())
    secret = (PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
    spki = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    rsa = RsaKey(3).private
    contents = {
        "p256.pem": private.private_bytes(Encoding.PEM, *pkcs8),
        "p256.der": private.private_bytes(Encoding.DER, *pkcs8),
        "sealed.pem": private.private_bytes(Encoding.PEM, *secret),
        "p256.pub": private.public_key().public_bytes(*spki),
        "p384.pem": ec.derive_private_key(7, ec.SECP384R1()).private_bytes(Encoding.PEM, *pkcs8),
        "rsa.pem": rsa.private_bytes(Encoding.PEM, *pkcs8),
        "leaf.pem": pem(leaf()),
        "root.pem": pem(authority()),
        "other.pem": pem(certificate("Other", STRANGER, "Other", STRANGER, CA, usage(key_cert_sign=True))),
        "p384.pub": ec.derive_private_key(7, ec.SECP384R1()).public_key().public_bytes(*spki),
        "half.pem": b"-----BEGIN CERTIFICATE-----",
        "noise": b"no key at all",
    }
    assert rsa.public_key() == KEY.public_key()
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in contents}


def name_of(answer: Any) -> str:
    return str(answer["refused"])


def digest_of(answer: Any) -> bytes:
    return bytes.fromhex(answer["digest"][2:])


# What is not taken


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--key", "noise"), "--key"),
        (("--key", "p384.pem"), "the curve secp384r1"),
        (("--key", "sealed.pem"), KEY_PASSWORD),
        (("--key", "nowhere"), "--key: nowhere cannot be read"),
        (("--public-key", "noise"), "--public-key"),
        (("--certificate", "leaf.pem"), "name the authorities that you trust with --authority"),
        (
            ("--certificate", "leaf.pem", "--authority", "other.pem"),
            "leads to none of the configured authorities",
        ),
        (
            ("--certificate", "noise", "--authority", "root.pem"),
            "noise: 13 bytes that are no X.509 certificate",
        ),
        (
            ("--certificate", "leaf.pem", "--authority", "noise"),
            "noise: 13 bytes that are no X.509 certificate",
        ),
        (("--public-key", "half.pem"), "half.pem: 27 bytes that are no X.509 certificate"),
        (("--certificate", "leaf.pem", "--authority", "leaf.pem"), "is no authority's (CA:TRUE"),
        (
            ("--certificate", "leaf.pem", "--authority", "root.pem", "--key", "p256.pem"),
            "not the key of --certificate",
        ),
        (("--key", "p256.pem", "--public-key", "p256.pub"), "name different signers"),
        (("--keep",), "--keep: there is no private key"),
        (("--authority", "root.pem"), "--authority: there is no certificate"),
        (("--signature-gas", "1000"), "--signature-gas: only a contract wallet"),
        (("--address", "0x12"), "--address"),
        (("--public-key", "p256.pub"), "write the agreement with --save FILE"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_signer_of_no_use_is_named_with_its_option(
    desk: Desk, files: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    assert said in desk.unusable(*NEWCOMER, *(files.get(word, word) for word in words), "--yes")


def test_an_expired_certificate_is_refused(desk: Desk, files: dict[str, str]) -> None:
    desk.ask("travel", "2028-02-01")
    words = ("--certificate", files["leaf.pem"], "--authority", files["root.pem"], "--key", files["rsa.pem"])
    assert "was valid until 2028-01-01" in desk.unusable(*NEWCOMER, *words, "--yes")


def test_without_a_listed_verifier_no_p256_key_is_taken(tmp_path: Path, files: dict[str, str]) -> None:
    bare = Desk(tmp_path / "bare")
    bare.ask("deploy", "--bank", "江城银行", "--demo-from", "2026-04-01")
    said = bare.unusable(*NEWCOMER, "--key", files["p256.pem"], "--yes")
    assert "no verifier for p256 keys is on the allow-list" in said
    assert "tallystick deploy-verifiers, then tallystick list-verifier" in said
    assert "the curve secp384r1" in bare.unusable(*NEWCOMER, "--public-key", files["p384.pub"], "--yes")


def test_before_seven_days_have_passed_a_verifier_cannot_be_named(
    tmp_path: Path, files: dict[str, str]
) -> None:
    desk = Desk(tmp_path / "fresh")
    desk.ask("deploy", "--bank", "江城银行", "--demo-from", "2026-04-01")
    made = desk.do("deploy-verifiers")["verifiers"]
    assert (
        name_of(desk.refused("list-verifier", made["p256"], "--signature-gas", "500001"))
        == "SignatureGasOutOfRange"
    )
    assert "there is no contract at 0x22" in desk.unusable("list-verifier", "0x" + "22" * 20, "--yes")
    ledger = desk.ask("ledgers")["ledgers"][0]["ledger"]
    assert "give --unknown-code" in desk.unusable("list-verifier", ledger, "--yes")
    assert (
        "code that this product does not know"
        in desk.run("list-verifier", ledger, "--unknown-code", code=1, answers="n\n").output
    )
    assert "from 2026-04-08 on" in desk.run("list-verifier", made["p256"], "--yes").output
    assert name_of(desk.refused("list-verifier", made["p256"])) == "VerifierTaken"
    answer = desk.refused(*NEWCOMER, "--key", files["p256.pem"])
    assert name_of(answer) == "VerifierNotAllowed"
    assert "from 2026-04-08 on" in answer["hint"]


# What is taken


@pytest.mark.parametrize("name", ["p256.pem", "p256.der", "sealed.pem", "rsa.pem"])
def test_a_party_that_keeps_its_key_signs_with_it_each_time(
    desk: Desk, files: dict[str, str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_PASSWORD, "pass" if name == "sealed.pem" else "")
    before = (desk.directory / "keys.json").read_bytes()
    assert desk.do(*NEWCOMER, "--key", files[name])["party"] == 9
    assert (desk.directory / "keys.json").read_bytes() == before
    pass_on = ("transfer", "P-2026-001", "--from", "5", "--to", "9")
    assert "tallystick sign FILE --party 9" in desk.unusable(*pass_on, "--yes")
    file = str(tmp_path / "transfer.json")
    assert desk.do(*pass_on, "--save", file)["missing"] == [9]
    desk.do("sign", file, "--party", "9", "--key", files[name])
    assert desk.do("send", file)["verb"] == "transfer"
    assert desk.ask("show", "P-2026-001")["voucher"]["holder"] == 9


def test_a_key_that_is_kept_here_signs_like_any_other(desk: Desk, files: dict[str, str]) -> None:
    desk.do(*NEWCOMER, "--key", files["p256.pem"], "--keep")
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "9")
    assert desk.do("transfer", "P-2026-001", "--from", "9", "--to", "6")["holder"] == 6


def test_a_key_that_stays_elsewhere_proves_itself_by_a_signature_over_the_digest(
    desk: Desk, files: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "admit.json")
    saved = desk.do(*NEWCOMER, "--public-key", files["p256.pub"], "--save", file)
    assert saved["missing"] == [9]
    add = ("sign", file, "--party", "9", "--new-signer", "--public-key", files["p256.pub"], "--signature")
    stranger = "0x" + P256Key(8).sign(digest_of(saved)).hex()
    assert "did not sign this" in desk.unusable(*add, stranger, "--yes")
    assert "has nothing to sign here" in desk.unusable("sign", file, "--party", "9", "--yes")
    r, s = P256Key(7).r_s(digest_of(saved))
    (tmp_path / "signature").write_bytes(r.to_bytes(32) + s.to_bytes(32))
    assert desk.do(*add, str(tmp_path / "signature"))["missing"] == []
    assert desk.do("send", file)["verb"] == "admit"


def test_a_certificate_is_read_out_and_its_key_becomes_the_partys(
    desk: Desk, files: dict[str, str], tmp_path: Path
) -> None:
    words = ("rekey", "5", "--certificate", files["leaf.pem"], "--authority", files["root.pem"])
    file = str(tmp_path / "rekey.json")
    said = desk.run(*words, "--save", file, "--yes").output
    assert "CN=Supplier 6" in said
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    assert (given["signers"], given["consents"][1]) == ([5, 5], None)
    desk.do("sign", file, "--party", "5", "--new-signer", "--key", files["rsa.pem"])
    desk.do("send", file)
    assert "let the party sign itself" in desk.unusable(
        "transfer", "P-2026-001", "--from", "5", "--to", "6", "--yes"
    )


def test_a_wallet_key_of_the_partys_own_signs_elsewhere(desk: Desk, tmp_path: Path) -> None:
    address = WALLETS[0].public_key.to_checksum_address()
    file = str(tmp_path / "admit.json")
    saved = desk.do(*NEWCOMER, "--address", address, "--save", file)
    signature = WALLETS[0].sign_msg_hash(digest_of(saved)).to_bytes()
    whole = "0x" + (signature[:64] + bytes([27 + signature[64]])).hex()
    desk.do("sign", file, "--party", "9", "--new-signer", "--signature", whole)
    assert desk.do("send", file)["verb"] == "admit"


def test_two_of_three_members_sign_for_a_bank(desk: Desk, tmp_path: Path) -> None:
    members = [key.public_key.to_checksum_address() for key in WALLETS]
    words = ("deploy-wallet", *(word for each in members for word in ("--member", each)), "--threshold")
    assert "expected a number from 1 to that of the members" in desk.unusable(*words, "4", "--yes")
    bad = ("deploy-wallet", "--threshold", "1", "--yes", "--member")
    assert "Error: --member: nonsense cannot be read" in desk.unusable(*bad, "nonsense")
    assert "SignerNotAllowed" not in desk.unusable(*bad, "0x")
    wallet = desk.do(*words, "2")["wallet"]
    file = str(tmp_path / "rekey.json")
    saved = desk.do("rekey", "2", "--address", wallet, "--signature-gas", "500000", "--save", file)

    def part(key: PrivateKey) -> tuple[str, str]:
        signature = key.sign_msg_hash(digest_of(saved)).to_bytes()
        signed = (signature[:64] + bytes([27 + signature[64]])).hex()
        return "--part", f"{key.public_key.to_checksum_address()}=0x{signed}"

    add = ("sign", file, "--party", "2", "--new-signer")
    desk.do(*add, *part(WALLETS[0]))
    assert name_of(desk.refused("send", file)) == "BadSignature"
    desk.do(*add, *part(WALLETS[2]), *part(WALLETS[1]))
    desk.do("send", file)
    assert desk.ask("verify")["verified"] is True


# A signer is replaced


def test_a_party_rekeys_to_a_drawn_key_and_goes_on(desk: Desk) -> None:
    answer = desk.do("rekey", "5")
    assert to_checksum_address(answer["signer"]) == answer["signer"]
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6")


def test_a_lost_key_is_recovered_in_seven_days_unless_the_old_signer_objects(desk: Desk) -> None:
    assert name_of(desk.refused("finish-rekey", "5")) == "NoRecovery"
    assert "from 2026-04-15 on" in desk.run("propose-rekey", "5", "--yes").output
    assert name_of(desk.refused("transfer", "P-2026-001", "--from", "5", "--to", "6")) == "PartyRecovering"
    assert name_of(desk.refused("finish-rekey", "5")) == "RecoveryNotReady"
    desk.do("withdraw-rekey", "5")
    desk.do("propose-rekey", "5")
    assert "from 2026-05-08 on" in desk.run("veto-rekey", "5", "--yes").output
    desk.do("withdraw-rekey", "5")
    made = desk.do("propose-rekey", "5")
    desk.ask("travel", "2026-04-15")
    assert desk.do("finish-rekey", "5")["signer"] == made["signer"]
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6")
