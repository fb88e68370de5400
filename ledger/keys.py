"""Signing keys, sealed in one file with a key derived from a passphrase.

scrypt derives, AES-256-GCM seals each private key together with its party and signer, so that no entry can
be moved to another party. Wallet keys (secp256k1), P-256 and RSA-2048 keys are kept; a passkey cannot be, and a
k-of-n wallet has no key of its own. The file is JSON, readable by its owner only, and is replaced whole: a crash leaves
the old one or the new one. A key that is held here can be misused by whoever holds passphrase and file:
parties that can should keep their own. Nothing secret is shown, logged or put into an error; a lost
passphrase cannot be helped.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError

from ledger import credentials
from ledger.chain import Address
from ledger.consent import ADDRESS_BYTES
from ledger.credentials import Verifiers
from ledger.errors import InputError, SealError
from ledger.members import Agreement, PartyNumber
from ledger.outside import json_of
from ledger.signing import CURVE_ORDER, Domain, sign, verifier_consent

FORMAT: Final = "tallystick-keyring-1"
COST: Final = 2**16
"""scrypt's N: about 0.2 s and 64 MB for each guess at the passphrase."""
_BLOCK_SIZE: Final = 8
_HIGHEST_COST: Final = 2**20
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32
_CHECK: Final = b"Tallystick keyring"


@dataclass(frozen=True, slots=True)
class _Sealed:
    """One sealed private key. `address`: the signer as the registry keeps it; `signer`: the whole signer bytes
    of a P-256 or RSA key, empty for a wallet key."""

    party: PartyNumber
    address: Address
    nonce: bytes
    ciphertext: bytes
    signer: bytes = b""

    @property
    def label(self) -> bytes:
        """What the seal binds the key to."""
        return f"{FORMAT} {self.party} {self.address}".encode()


class Keyring:
    """An opened key file. Make one with `create`, open one with `load`."""

    def __init__(
        self, path: Path, derived: bytes, head: Mapping[str, Any], sealed: tuple[_Sealed, ...]
    ) -> None:
        self.path = path
        self._derived, self._cipher = derived, AESGCM(derived)
        self._head = dict(head)
        self._hold(sealed)
        self._proven: set[_Sealed] = set()
        """Those whose key was seen to be that of the address beside it."""

    def __repr__(self) -> str:
        return f"Keyring({str(self.path)!r}, {len(self._sealed)} keys)"

    @classmethod
    def create(cls, path: Path, passphrase: str, *, cost: int = COST) -> Keyring:
        """A new, empty key file. SealError where one exists; InputError for an empty passphrase."""
        if not passphrase:
            raise InputError("a key file needs a passphrase: an empty one protects nothing")
        if not (1 < cost <= _HIGHEST_COST and cost & (cost - 1) == 0):
            raise InputError(f"scrypt cost {cost}: expected a power of two up to {_HIGHEST_COST}")
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        derived = _derived(passphrase, salt, cost)
        cipher = AESGCM(derived)
        head = {
            "format": FORMAT,
            "scrypt": {"cost": cost, "block_size": _BLOCK_SIZE, "salt": salt.hex()},
            "check": {"nonce": nonce.hex(), "ciphertext": cipher.encrypt(nonce, _CHECK, None).hex()},
        }
        ring = cls(path, derived, head, ())
        with _locked(path):
            if path.exists():
                raise SealError(f"{path} exists already: open it, or name another file")
            _replace(path, ring._text())
        return ring

    @classmethod
    def load(cls, path: Path, passphrase: str) -> Keyring:
        """Opens a key file. SealError for a wrong passphrase, a damaged file, or none."""
        head, sealed = _parse(path, _read(path))
        scrypt, check = head["scrypt"], head["check"]
        derived = _derived(passphrase, bytes.fromhex(scrypt["salt"]), scrypt["cost"])
        try:
            AESGCM(derived).decrypt(bytes.fromhex(check["nonce"]), bytes.fromhex(check["ciphertext"]), None)
        except InvalidTag:
            raise SealError(
                f"{path} does not open: the passphrase is wrong, or the file is damaged"
            ) from None
        return cls(path, derived, head, sealed)

    def parties(self) -> tuple[PartyNumber, ...]:
        """Every party with a key here, in the order of the numbers."""
        return tuple(sorted({each.party for each in self._sealed}))

    def signers(self, party: PartyNumber) -> tuple[Address, ...]:
        """A party's signers as the registry keeps them, the oldest first. A second one is there while it is
        replaced."""
        return tuple(each.address for each in self._by_party.get(party, ()))

    def add(self, party: PartyNumber, private_key: bytes | None = None) -> Address:
        """Seals a key for a party and gives its address; without one it is drawn.

        InputError for an unusable key, or one that is here already. The first key stays the one that signs
        until it is dropped.
        """
        key = _private_key(private_key if private_key is not None else _draw())
        address = key.public_key.to_checksum_address()
        self._seal(_Sealed(party, address, secrets.token_bytes(_NONCE_BYTES), b""), key.to_bytes())
        return address

    def add_credential(self, party: PartyNumber, key: credentials.PrivateKey, verifiers: Verifiers) -> bytes:
        """Seals a P-256 or RSA-2048 key for a party and gives its signer bytes, which name the verifier.

        WrongCurve, WrongKeyType; InputError where the verifier is not on the list or the key is here already.
        """
        signer = credentials.signer_of(key.public_key(), verifiers)
        content = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        address = _address(signer)
        self._seal(_Sealed(party, address, secrets.token_bytes(_NONCE_BYTES), b"", signer), content)
        return signer

    def drop(self, party: PartyNumber, signer: Address) -> None:
        """Forgets a key for good, after it was replaced on the chain. InputError where the party has no such
        key."""
        gone = self._of(party, signer)
        self._save(tuple(each for each in self._sealed if each is not gone))

    def sign(
        self, party: PartyNumber, agreement: Agreement, *, domain: Domain, signer: Address | None = None
    ) -> bytes:
        """The party's consent by its oldest key or by `signer`, as the registry keeps it: 65 bytes of a wallet
        key, else signer bytes and signature. InputError where the party has no such key here."""
        sealed = self._of(party, signer)
        try:
            key = self._cipher.decrypt(sealed.nonce, sealed.ciphertext, sealed.label)
        except InvalidTag:
            raise SealError(f"the key of party {party} in {self.path} is damaged: restore the file") from None
        if sealed not in self._proven:
            self._prove(sealed, key)
        if not sealed.signer:
            return sign(agreement, domain, key)
        signature = credentials.sign_with(credentials.read_private_key(key), agreement, domain)
        return verifier_consent(sealed.signer, signature)

    def secret(self, purpose: str) -> bytes:
        """32 secret bytes for another use than signing agreements, the same each time this file is opened and
        different for each purpose (HKDF-SHA256)."""
        info = f"{FORMAT} {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._derived)

    def seal(self, purpose: str, content: bytes, *, label: str = "") -> bytes:
        """The content, so that only this file opens it, for this purpose and under this label: a nonce, and AES-256-GCM
        under `secret(purpose)`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.secret(purpose)).encrypt(nonce, content, label.encode())

    def unseal(self, purpose: str, sealed: bytes, *, label: str = "") -> bytes:
        """The reverse of `seal`. SealError for anything else."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.secret(purpose)).decrypt(nonce, ciphertext, label.encode())
        except (InvalidTag, ValueError):
            what = label or f"what was sealed for {purpose}"
            raise SealError(f"{what} does not open with this key file") from None

    def _prove(self, sealed: _Sealed, key: bytes) -> None:
        try:
            theirs = _address_of(key, sealed.signer) == sealed.address
        except InputError:
            theirs = False
        if not theirs:
            raise SealError(f"the key of party {sealed.party} in {self.path} is not that of {sealed.address}")
        self._proven.add(sealed)

    def _of(self, party: PartyNumber, signer: Address | None) -> _Sealed:
        for each in self._by_party.get(party, ()):
            if signer in (None, each.address):
                return each
        which = f"no key {signer}" if signer else "no key"
        raise InputError(
            f"{self.path} has {which} of party {party}: let the party sign itself, or add its key"
        )

    def _seal(self, unsealed: _Sealed, key: bytes) -> None:
        address = unsealed.address
        if any(each.address == address for each in self._sealed):
            raise InputError(f"the key of {address} is in {self.path} already: one key serves one party")
        ciphertext = self._cipher.encrypt(unsealed.nonce, key, unsealed.label)
        self._save((*self._sealed, replace(unsealed, ciphertext=ciphertext)))

    def _text(self) -> bytes:
        keys = [
            {
                "party": each.party,
                "address": each.address,
                "nonce": each.nonce.hex(),
                "ciphertext": each.ciphertext.hex(),
                **({"signer": each.signer.hex()} if each.signer else {}),
            }
            for each in self._sealed
        ]
        return (json.dumps({**self._head, "keys": keys}, indent=1) + "\n").encode()

    def _save(self, sealed: tuple[_Sealed, ...]) -> None:
        with _locked(self.path):
            if _read(self.path) != self._text():
                raise SealError(f"{self.path} was changed meanwhile: open it again and repeat the step")
            before = self._sealed
            self._hold(sealed)
            try:
                _replace(self.path, self._text())
            except BaseException:
                self._hold(before)
                raise

    def _hold(self, sealed: tuple[_Sealed, ...]) -> None:
        by_party: dict[PartyNumber, list[_Sealed]] = {}
        for each in sealed:
            by_party.setdefault(each.party, []).append(each)
        self._sealed, self._by_party = sealed, by_party


def _derived(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=_KEY_BYTES, n=cost, r=_BLOCK_SIZE, p=1).derive(passphrase.encode())


def _draw() -> bytes:
    return (secrets.randbelow(CURVE_ORDER - 1) + 1).to_bytes(_KEY_BYTES, "big")


def _private_key(key: bytes) -> PrivateKey:
    try:
        private_key = PrivateKey(key)
        if 0 < int.from_bytes(key, "big") < CURVE_ORDER:
            return private_key
    except (ValidationError, ValueError):
        pass
    raise InputError("this is no private key: 32 bytes between 1 and the curve's order")


def _address(signer: bytes) -> Address:
    return to_checksum_address(credentials.registry_number(signer).to_bytes(ADDRESS_BYTES))


def _address_of(key: bytes, signer: bytes) -> Address:
    """The address of an unsealed key; of a P-256 or RSA key with the verifier that `signer` names."""
    if not signer:
        return _private_key(key).public_key.to_checksum_address()
    verifier = signer[:ADDRESS_BYTES]
    public = credentials.read_private_key(key).public_key()
    return _address(credentials.signer_of(public, Verifiers(p256=verifier, rsa=verifier)))


# The file


def _parse(path: Path, text: bytes) -> tuple[dict[str, Any], tuple[_Sealed, ...]]:
    try:
        content = json_of(text)
        keys = tuple(
            _Sealed(
                PartyNumber(int(each["party"])),
                each["address"],
                bytes.fromhex(each["nonce"]),
                bytes.fromhex(each["ciphertext"]),
                bytes.fromhex(each.get("signer", "")),
            )
            for each in content.pop("keys")
        )
        scrypt, check = content["scrypt"], content["check"]
        cost = scrypt["cost"]
        fits = content["format"] == FORMAT and scrypt["block_size"] == _BLOCK_SIZE
        fits = fits and isinstance(cost, int) and 1 < cost <= _HIGHEST_COST and cost & (cost - 1) == 0
        for part in (scrypt["salt"], check["nonce"], check["ciphertext"]):
            bytes.fromhex(part)
        if fits:
            return content, keys
    except (ValueError, KeyError, TypeError, AttributeError, InputError):
        pass
    raise SealError(f"{path} is no key file of this product, or damaged: restore it from a copy")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as missing:
        raise SealError(f"the key file {path} cannot be read ({missing.strerror})") from None


def _replace(path: Path, text: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as failed:
        fresh.unlink(missing_ok=True)
        raise SealError(f"the key file {path} cannot be written ({failed.strerror})") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """No other process changes key files of this folder meanwhile."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as missing:
        raise SealError(f"the folder {path.parent} cannot be used ({missing.strerror})") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
