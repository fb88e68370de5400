"""Whom a party signs by: a key drawn and kept here, or one that the party keeps.

    (nothing)                             a wallet key is drawn and sealed in the key file
    --key FILE [--keep]                   a P-256 or RSA-2048 private key; used once, with --keep sealed here
    --public-key FILE                     a P-256 or RSA-2048 key that stays elsewhere
    --certificate FILE --authority FILE   the RSA-2048 key of an X.509 certificate under a configured authority
    --address ADDRESS [--signature-gas N] a wallet key of the party's own; with a gas cap a contract wallet (ERC-1271)

A new signer proves itself with the last consent of the agreement. Where its private key is elsewhere the agreement is
written with --save and the proof is added with `sign --new-signer`. No passkey is made here: a browser makes those.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from cryptography.x509 import Certificate
from eth_keys.datatypes import PrivateKey as WalletKey

from ledger import credentials, p256
from ledger.agreements import Agreement, PartyNumber
from ledger.calendar import Timestamp, date_of_day, day_of
from ledger.certificates import certified_key, read_certificates
from ledger.chain import Address
from ledger.credentials import PrivateKey, PublicKey, Verifiers
from ledger.errors import InputError, MalformedCertificate, MalformedKey
from ledger.keys import Keyring
from ledger.members import parse_hex
from ledger.money import shown
from ledger.quorums import Quorum, combined
from ledger.signing import CURVE_ORDER, Domain, sign, verifier_consent
from ledger.verifiers import address_of, verifiers_of
from ledger.world import Party, SignerKind, World

NO_VERIFIERS: Final = Verifiers()
KEY_PASSWORD: Final = "TALLYSTICK_KEY_PASSWORD"
MOST_BYTES: Final = 1 << 20
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help=f"A P-256 or RSA-2048 private key, PEM or DER; {KEY_PASSWORD} opens it."),
]
KeepOption = Annotated[bool, typer.Option("--keep", help="Seal the key of --key in the key file.")]
PublicKeyOption = Annotated[
    Path | None, typer.Option("--public-key", help="A P-256 or RSA-2048 public key, PEM or DER.")
]
CertificateOption = Annotated[
    Path | None, typer.Option("--certificate", help="X.509, PEM (with those between) or DER.")
]
AuthorityOption = Annotated[
    list[Path] | None,
    typer.Option("--authority", help="Certificate of an authority that you trust; repeat for more."),
]
AddressOption = Annotated[
    str | None, typer.Option("--address", help="A wallet key's address, or a contract wallet's.")
]
SignatureGasOption = Annotated[
    int, typer.Option("--signature-gas", help="Gas cap of a contract wallet's check; 0: a wallet key.", min=0)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user has said of a new signer, as the options above give it."""

    key: Path | None = None
    keep: bool = False
    public_key: Path | None = None
    certificate: Path | None = None
    authorities: Sequence[Path] = ()
    address: str | None = None
    signature_gas: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSigner:
    """A signer that is to serve a party: `encoded` as in the agreement, with the key, where it is here."""

    party: PartyNumber
    encoded: bytes
    signature_gas: int = 0
    wallet: bytes | None = None
    key: PrivateKey | None = None
    sealed: bool = False
    verifiers: Verifiers = NO_VERIFIERS
    notes: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """The signer as the registry keeps it."""
        return address_of(self.encoded)

    def proof(self, agreement: Agreement, domain: Domain) -> bytes | None:
        """The new signer's consent; None where its key is elsewhere."""
        if self.wallet is not None:
            return sign(agreement, domain, self.wallet)
        if self.key is None:
            return None
        return verifier_consent(self.encoded, credentials.sign_with(self.key, agreement, domain))

    def keep(self, ring: Keyring) -> None:
        """Seals the key in the key file, where it is to be kept here."""
        if self.wallet is not None:
            ring.add(self.party, self.wallet)
        elif self.sealed and self.key is not None:
            ring.add_credential(self.party, self.key, self.verifiers)

    def forget(self, ring: Keyring) -> None:
        """Takes the key out again, after the agreement was refused."""
        if self.address in ring.signers(self.party):
            ring.drop(self.party, self.address)


def new_signer(choice: Choice, party: PartyNumber, world: World, *, at: Timestamp) -> NewSigner:
    """The signer that the options name. `at`: when a certificate has to be good.

    InputError for options that do not go together or name nothing usable; the credential errors.
    """
    _require_fitting(choice)
    if choice.address is not None:
        encoded = parse_hex(choice.address, "--address", length=20)
        return NewSigner(party=party, encoded=encoded, signature_gas=choice.signature_gas)
    verifiers = verifiers_of(world)
    private = None if choice.key is None else read_private(choice.key)
    public: PublicKey | None = None if private is None else private.public_key()
    notes: tuple[str, ...] = ()
    if choice.certificate is not None:
        public, notes = _certified(choice, private, at=at)
    elif choice.public_key is not None:
        public = read_public(choice.public_key)
    if public is None:
        wallet = (secrets.randbelow(CURVE_ORDER - 1) + 1).to_bytes(32, "big")
        address = WalletKey(wallet).public_key.to_canonical_address()
        return NewSigner(
            party=party, encoded=address, wallet=wallet, notes=("密钥在本机生成 / the key is drawn here",)
        )
    encoded = credentials.signer_of(public, verifiers)
    return NewSigner(
        party=party, encoded=encoded, key=private, sealed=choice.keep, verifiers=verifiers, notes=notes
    )


def consent_by(
    key: Path | None,
    public_key: Path | None,
    signature: str | None,
    *,
    agreement: Agreement,
    domain: Domain,
    party: Party,
    verifiers: Verifiers,
) -> bytes:
    """A consent by a private key in a file, or out of a signature that was made elsewhere.

    InputError for options that do not go together, or where a P-256 or RSA party's public key is not named.
    """
    if key is not None:
        if signature is not None or public_key is not None:
            raise InputError("--key signs itself: leave --signature and --public-key away")
        private = read_private(key)
        signer = credentials.signer_of(private.public_key(), verifiers)
        return verifier_consent(signer, credentials.sign_with(private, agreement, domain))
    assert signature is not None
    given = signature_of(signature)
    if party.kind is not SignerKind.VERIFIER:
        return given
    if public_key is None:
        raise InputError("--signature of a P-256 or RSA key: name the key with --public-key FILE")
    public = read_public(public_key)
    if isinstance(public, ec.EllipticCurvePublicKey) and len(given) != p256.SIGNATURE_BYTES:
        given = p256.from_der(given)
    return verifier_consent(credentials.signer_of(public, verifiers), given)


def combined_of(parts: Sequence[str], agreement: Agreement, *, domain: Domain, verifiers: Verifiers) -> bytes:
    """A wallet's signature out of SIGNER=SIGNATURE of its members, each looked at. Whether they are its members, and
    enough of them, is the wallet's own to say."""
    given: dict[bytes, bytes] = {}
    for text in parts:
        signer, equals, signature = text.partition("=")
        if not equals:
            raise InputError(f"--part {shown(text)}: write SIGNER=SIGNATURE, both 0x and hex digits")
        member, signed = parse_hex(signer, "--part"), parse_hex(signature, "--part")
        credentials.require_signature(
            credentials.read_signer(member, verifiers), signed, agreement, domain=domain
        )
        given[member] = signed
    return combined(given, Quorum(tuple(given), len(given)))


def signature_of(text: str) -> bytes:
    """A signature as 0x text, or out of a file, as bytes or as 0x text."""
    if text.startswith("0x"):
        return parse_hex(text, "--signature")
    content = content_of(Path(text), "--signature")
    return parse_hex(content.decode("ascii").strip(), "--signature") if content.startswith(b"0x") else content


def read_private(path: Path) -> PrivateKey:
    """The private key in a file; MalformedKey, WrongCurve, WrongKeyType, each naming the file."""
    password = os.environ.get(KEY_PASSWORD)
    try:
        return credentials.read_private_key(
            content_of(path, "--key"), password=password.encode() if password else None
        )
    except MalformedKey as unread:
        raise MalformedKey(f"--key {path}: {unread} ({KEY_PASSWORD} gives the password)") from None


def read_public(path: Path, option: str = "--public-key") -> PublicKey:
    """The public key in a file: PEM or DER, or a certificate's (of which nothing else is looked at)."""
    content = content_of(path, option)
    try:
        if b"CERTIFICATE-----" in content:
            key: object = _certificates(content, path, option)[0].public_key()
        elif content.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_public_key(content)
        else:
            key = load_der_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedKey(f"{option} {path}: no public key in PEM or DER: export it again") from None
    if isinstance(key, ec.EllipticCurvePublicKey | rsa_keys.RSAPublicKey):
        return key
    raise MalformedKey(f"{option} {path}: a key that is neither P-256 nor RSA: make one of these two")


def _certificates(content: bytes, path: Path, option: str) -> tuple[Certificate, ...]:
    """`read_certificates`; its MalformedCertificate names the file."""
    try:
        return read_certificates(content)
    except MalformedCertificate as unread:
        raise MalformedCertificate(f"{option} {path}: {unread}") from None


def content_of(path: Path, option: str) -> bytes:
    """A small file's bytes; InputError naming the option where it cannot be read or is too long."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as missing:
        raise InputError(f"{option}: {path} cannot be read: {missing.strerror}") from None
    if len(content) > MOST_BYTES:
        raise InputError(f"{option}: {path} is longer than {MOST_BYTES:,} bytes: that is no key or signature")
    return content


def _certified(
    choice: Choice, private: PrivateKey | None, *, at: Timestamp
) -> tuple[PublicKey, tuple[str, ...]]:
    assert choice.certificate is not None
    if not choice.authorities:
        raise InputError("--certificate: name the authorities that you trust with --authority FILE")
    chain = content_of(choice.certificate, "--certificate")
    trusted = [content_of(path, "--authority") for path in choice.authorities]
    _certificates(chain, choice.certificate, "--certificate")
    for content, path in zip(trusted, choice.authorities, strict=True):
        _certificates(content, path, "--authority")
    found = certified_key(chain, authorities=trusted, at=at)
    if private is not None and private.public_key() != found.key:
        raise InputError("--key is not the key of --certificate: give the two that belong together")
    until = date_of_day(day_of(found.valid_until))
    note = (
        f"证书 / certificate: {found.subject}, {found.issuer}, {found.serial:x}, 有效至 / valid until {until}"
    )
    return found.key, (note,)


def _require_fitting(choice: Choice) -> None:
    sources = {
        "--key": choice.key,
        "--public-key": choice.public_key,
        "--certificate": choice.certificate,
        "--address": choice.address,
    }
    named = [option for option, given in sources.items() if given is not None]
    if len(named) > 1 and named != ["--key", "--certificate"]:
        raise InputError(f"{' and '.join(named)} name different signers: give one of them")
    if choice.keep and choice.key is None:
        raise InputError("--keep: there is no private key to keep: name it with --key")
    if choice.authorities and choice.certificate is None:
        raise InputError("--authority: there is no certificate to check: name it with --certificate")
    if choice.signature_gas and choice.address is None:
        raise InputError("--signature-gas: only a contract wallet has a gas cap: name it with --address")
