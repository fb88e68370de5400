"""Who signs on a walk, and whether a consent is good: keys and wallets of every kind, and what each signature is over.

The walk never asks the contract whether a signature is good. It knows: who made it, over which digest, and which
signer the party has by now. All are real: secp256k1 keys; contract wallets (of one owner; slow, saying yes to all;
stuck, needing more than its cap; obedient, saying what the consent tells it); wallets of several members; P-256, RSA
and passkey signers behind verifiers of the allow-list, and an obedient verifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple

import coincurve
from eth_abi.abi import encode as abi_encode
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.agreements import (
    Admit,
    Agreement,
    Issue,
    ListVerifier,
    PartyNumber,
    ProposeRekey,
    Rekey,
    VoucherId,
)
from ledger.consent import Claim
from ledger.errors import Refusal
from ledger.payment import Unsigned
from ledger.voucher import signers
from ledger.world import Party, SignerKind, World
from tests.contract.verifying import P256_ORDER, P256Key, Passkey, RsaKey
from tests.contract.wallets import BURN, YES, loud, reverting
from tests.rig import key_of
from tests.walk_lineage import Lineage

OWNED_CAP: Final = 40_000
SLOW_GAS, SLOW_CAP = 250_000, 300_000
STUCK_GAS, STUCK_CAP = 80_000, 50_000
OBEDIENT_CAP: Final = 60_000
QUORUM_CAP: Final = 400_000
VERIFIER_CAP: Final = 450_000
"""Enough for one check of any verifier; one that is listed with less than half of it is never believed here."""
LOWEST_CAP: Final = 20_000
"""Every cap on a walk is enough for its check, or less than this and enough for none."""
NOBODY: Final = 0
ORDERS: Final = (YES, YES, YES, loud(1_000), BURN, reverting(64), loud(31))
_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_RSA_KEYS: Final = 2
"""Different RSA keys: making one takes half a second."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A signature: its bytes, the number of the signer that made it (0: none), and the digest it was made over."""

    raw: bytes
    key: int = NOBODY
    digest: bytes = b""


EMPTY: Final = Consent(b"")


@dataclass(frozen=True, slots=True)
class Wallet:
    """A contract wallet: `owner` is the number of its key, `says` what it answers to everybody (None: asks the key),
    `members` those of a wallet of several, `needed` how many of them sign."""

    cap: int
    owner: int = NOBODY
    says: bool | None = None
    obedient: bool = False
    members: tuple[tuple[bytes, PrivateKey], ...] = ()
    needed: int = 0


@dataclass(frozen=True, slots=True)
class Verified:
    """A signer behind a verifier: its bytes, and its key (None: the verifier does what it is told)."""

    raw: bytes
    key: P256Key | Passkey | RsaKey | None

    @property
    def verifier(self) -> int:
        return int.from_bytes(self.raw[:20])

    def consent(self, signature: bytes) -> bytes:
        return len(self.raw).to_bytes(2) + self.raw + signature


class Asked(NamedTuple):
    """Whose word is asked for: the signer's number, how it is checked, and of a contract with how much gas."""

    signer: int
    kind: SignerKind
    cap: int


def _asked(party: Party) -> Asked:
    return Asked(party.signer, party.kind, party.signature_gas)


@dataclass(slots=True)
class Keyring:
    """All keys and wallets of a walk, by the number under which the registry keeps them, the replaced ones too."""

    lineage: Lineage
    keys: dict[int, PrivateKey] = field(default_factory=dict)
    wallets: dict[int, Wallet] = field(default_factory=dict)
    verified: dict[int, Verified] = field(default_factory=dict)
    sites: dict[str, list[int]] = field(default_factory=dict)
    """Addresses of the verifiers of each name."""
    made: Counter[str] = field(default_factory=Counter)
    """Signatures that were made, by kind of signer."""
    rsa: int = 0

    def __post_init__(self) -> None:
        for party in (1, 2, 3):
            self.take(key_of(party))

    def take(self, key: PrivateKey) -> int:
        number = int.from_bytes(key.public_key.to_canonical_address())
        self.keys[number] = key
        return number

    # ------------------------------------------------------------ new signers

    def fresh(self) -> int:
        """A new key."""
        return self.take(PrivateKey(keccak(f"walk key {len(self.keys)}".encode())))

    def wallet(self, kind: str) -> int:
        """A new contract wallet: owned, slow, stuck, obedient or quorum (two of three)."""
        deploy = self.lineage.deploy
        if kind == "quorum":
            keys = [
                PrivateKey(keccak(f"member {place} of wallet {len(self.wallets)}".encode()))
                for place in range(3)
            ]
            members = [(bytes(key.public_key.to_canonical_address()), key) for key in keys]
            members.sort(key=lambda member: keccak(member[0]))
            made = Wallet(QUORUM_CAP, members=tuple(members), needed=2)
            address = deploy("Signatories", ["bytes[]", "uint64"], [[member for member, _ in members], 2])
        elif kind == "owned":
            made = Wallet(OWNED_CAP, owner=self.fresh())
            address = deploy("OwnedWallet", ["address"], [f"0x{made.owner:040x}"])
        elif kind == "obedient":
            made = Wallet(OBEDIENT_CAP, obedient=True)
            address = deploy("HostileWallet", [], [])
        else:
            burnt, cap = (SLOW_GAS, SLOW_CAP) if kind == "slow" else (STUCK_GAS, STUCK_CAP)
            made = Wallet(cap, says=kind == "slow")
            address = deploy("SlowWallet", ["uint256"], [burnt])
        number = int(address, 16)
        self.wallets[number] = made
        return number

    def site(self, name: str) -> int:
        """A new verifier contract of this name."""
        number = int(self.lineage.deploy(name, [], []), 16)
        self.sites.setdefault(name, []).append(number)
        return number

    def behind(self, verifier: int, name: str) -> int:
        """A new signer behind a verifier of this name; of RSA keys there are few."""
        count = len(self.verified)
        key: P256Key | Passkey | RsaKey | None
        match name:
            case "ERC7913P256Verifier":
                key = P256Key(count)
            case "ERC7913WebAuthnVerifier":
                key = Passkey(count)
            case "RSAVerifier":
                key = RsaKey(1 + self.rsa % _RSA_KEYS)
                self.rsa += 1
            case _:
                key = None
        public = key.public if key else keccak(f"obedient {count}".encode())
        return self.remember(Verified(verifier.to_bytes(20) + public, key))

    def remember(self, signer: Verified) -> int:
        number = int.from_bytes(keccak(signer.raw)[-20:])
        self.verified[number] = signer
        self.lineage.signer_bytes[number] = signer.raw
        return number

    def bytes_of(self, number: int) -> bytes:
        """The signer as an agreement names it."""
        return self.verified[number].raw if number in self.verified else number.to_bytes(20)

    def cap_of(self, number: int) -> int:
        """The gas cap that a signer declares: 0 for a plain key and behind a verifier."""
        return self.wallets[number].cap if number in self.wallets else 0

    # ------------------------------------------------------------ signing

    def sign(self, number: int, digest: bytes, order: bytes = YES) -> Consent:
        """The consent of a signer. InputError never: unknown numbers sign with nobody's key. `order`: what obedient
        ones are told."""
        signer, wallet = self.verified.get(number), self.wallets.get(number)
        if signer is not None:
            self.made[type(signer.key).__name__ if signer.key else "obedient verifier"] += 1
            return Consent(signer.consent(signer.key.sign(digest) if signer.key else order), number, digest)
        if wallet is not None and wallet.members:
            self.made["several members"] += 1
            return Consent(of_members(wallet.members[: 2 + digest[0] % 2], digest), number, digest)
        if wallet is not None and wallet.obedient:
            self.made["obedient wallet"] += 1
            return Consent(order, number, digest)
        key_number = wallet.owner if wallet is not None else number
        key = self.keys.get(key_number)
        if key is None:
            return Consent(b"\x01" * 65)
        self.made["contract wallet" if wallet is not None else "key"] += 1
        return Consent(signature(key, digest), key_number, digest)

    # ------------------------------------------------------------ judging

    def is_good(self, world: World, consent: Consent, asked: Asked, *, digest: bytes, sender: int) -> bool:
        """Whether whoever is asked is taken to have agreed to the digest."""
        signer = asked.signer
        if asked.kind is SignerKind.VERIFIER:
            return self._is_verified(world, consent, signer, digest)
        if not consent.raw and signer == sender:
            return True
        wallet = self.wallets.get(signer)
        if asked.kind is SignerKind.CONTRACT and asked.cap < LOWEST_CAP:
            return False
        if asked.kind is SignerKind.CONTRACT and wallet is not None:
            if wallet.says is not None:
                return wallet.says
            if wallet.obedient:
                return _obeys(consent.raw)
            signer = signer if wallet.members else wallet.owner
        return consent.key == signer and consent.digest == digest

    def _is_verified(self, world: World, consent: Consent, number: int, digest: bytes) -> bool:
        signer = self.verified.get(number)
        listed = world.verifiers.get(signer.verifier) if signer else None
        if signer is None or listed is None or listed.signature_gas < VERIFIER_CAP // 2:
            return False
        if signer.key is None and signer.verifier in self.sites.get("HostileVerifier", ()):
            head = signer.consent(b"")
            return consent.raw.startswith(head) and _obeys(consent.raw[len(head) :])
        return signer.key is not None and consent.key == number and consent.digest == digest

    def judge(
        self,
        world: World,
        agreement: Agreement | Unsigned,
        consents: Sequence[Consent],
        *,
        digest: bytes,
        root: VoucherId | None,
        issued: Issue | None,
        sender: int,
    ) -> tuple[bool, ...]:
        """For each consent whether it is good for whoever has to sign in its place, in this World."""
        claims = isinstance(agreement, Admit | Rekey | ProposeRekey)
        given = consents[:-1] if claims else consents
        listed = self.lineage.code_hash(agreement.verifier) if isinstance(agreement, ListVerifier) else None
        try:
            parties = signers(
                world,
                agreement,
                timestamp=self.lineage.now,
                consents=(True,) * len(consents),
                root=root,
                issued=issued,
                code_hash=listed,
            )
        except Refusal:
            return (True,) * len(consents)
        verdict = []
        for place, consent in enumerate(given):
            party = world.parties.get(parties[place]) if place < len(parties) else None
            verdict.append(
                party is None or self.is_good(world, consent, _asked(party), digest=digest, sender=sender)
            )
        if isinstance(agreement, Admit | Rekey | ProposeRekey):
            claim = Claim(
                party=agreement.party, signer=agreement.signer, signature_gas=agreement.signature_gas
            )
            asked = Asked(claim.number, claim.kind, claim.signature_gas)
            verdict.append(self.is_good(world, consents[-1], asked, digest=digest, sender=sender))
        return tuple(verdict)

    def signer_of(self, party: PartyNumber) -> int:
        """The party's present signer; nobody's number where there is no such party."""
        found = self.lineage.worlds[0].parties.get(party)
        return found.signer if found else NOBODY

    # ------------------------------------------------------------ spoiling

    def spoilt(self, consent: Consent, rng: Random) -> Consent:
        """Something like the consent of this signer, which nobody takes for it."""
        signer, wallet, raw = self.verified.get(consent.key), self.wallets.get(consent.key), consent.raw
        if signer is not None:
            return Consent(self._spoilt_verified(signer, consent, rng))
        if wallet is not None and wallet.members:
            return Consent(_spoilt_members(wallet, consent.digest, rng))
        if len(raw) == 65:
            r, s, v = raw[:32], int.from_bytes(raw[32:64]), raw[64]
            mirrored = r + (_CURVE_ORDER - s).to_bytes(32) + bytes([55 - v])
            cut = [raw[:-1], raw + b"\0", raw[:64], raw[:64] + b"\x01", raw[:64] + b"\x00", b"\x1b"]
            return Consent(rng.choice([mirrored, *cut]))
        return Consent(rng.choice(ORDERS))

    def _spoilt_verified(self, signer: Verified, consent: Consent, rng: Random) -> bytes:
        raw, head = consent.raw, len(signer.raw) + 2
        if signer.key is None:
            return signer.consent(rng.choice(ORDERS))
        at = rng.choice([rng.randrange(2, head), head + rng.randrange(8, 32)])
        flipped = raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]
        how = [flipped, raw[: rng.randrange(head)], raw[:head], b"\xff\xff" + raw[2:], raw[head:]]
        if isinstance(signer.key, P256Key):
            s = int.from_bytes(raw[-32:])
            how += [raw[:-1], raw[:-32] + (P256_ORDER - s).to_bytes(32)]
        elif isinstance(signer.key, Passkey):
            other = (replace(signer.key, flags=0), replace(signer.key, kind="webauthn.create"))
            how += [signer.consent(key.sign(consent.digest)) for key in other]
        else:
            how += [raw[:-1], raw + b"\0"]
        return rng.choice(how)


def signature(key: PrivateKey, digest: bytes) -> bytes:
    """65 bytes: r, s, and v of 27 or 28."""
    compact = _prepared(key.to_bytes()).sign_recoverable(digest, hasher=None)
    return compact[:64] + bytes([27 + compact[64]])


@lru_cache(maxsize=512)
def _prepared(secret: bytes) -> coincurve.PrivateKey:
    """The key, ready to sign: to make it so takes longer than a signature."""
    return coincurve.PrivateKey(secret)


def of_members(members: Sequence[tuple[bytes, PrivateKey]], digest: bytes) -> bytes:
    """What members of a wallet say together, in the order in which they stand."""
    signed = [signature(key, digest) for _, key in members]
    return abi_encode(["bytes[]", "bytes[]"], [[member for member, _ in members], signed])


def _spoilt_members(wallet: Wallet, digest: bytes, rng: Random) -> bytes:
    first, second = wallet.members[:2]
    stranger = PrivateKey(keccak(b"no member"))
    other = (bytes(stranger.public_key.to_canonical_address()), stranger)
    return rng.choice(
        [
            of_members([first], digest),
            of_members([first, first], digest),
            of_members([first, other], digest),
            of_members([first, (second[0], stranger)], digest),
            of_members([first, second], keccak(digest)),
            of_members([first, second], digest)[:-65],
            b"",
        ]
    )


def _obeys(order: bytes) -> bool:
    """Whether an obedient contract that is told so says yes, within its cap; see the test contract."""
    word = order[:1]
    if word == b"l":
        return len(order) >= 5 and 32 <= int.from_bytes(order[1:5]) <= 10_000
    return bool(order) and word not in (b"b", b"r", b"c")
