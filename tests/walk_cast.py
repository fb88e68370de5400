"""Who signs on a walk, and whether a consent is good: keys, contract wallets, and what each signature was made over.

The walk never asks the contract whether a signature is good. It knows: who made it, over which digest, and which
signer the party has by now. Contract wallets are real ones: one of an owner, one that burns gas and says yes to all,
one that burns more than its cap and is therefore never believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.agreements import Admit, Agreement, Issue, PartyNumber, ProposeRekey, Rekey
from ledger.calendar import Timestamp
from ledger.errors import Refusal
from ledger.payment import CompletePayment
from ledger.signing import CURVE_ORDER
from ledger.voucher import signers
from ledger.world import SignerKind, World
from tests.contract.chain_stage import Twin
from tests.rig import compiled, key_of

OWNED_CAP: Final = 40_000
SLOW_GAS, SLOW_CAP = 250_000, 300_000
STUCK_GAS, STUCK_CAP = 80_000, 50_000
NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class Consent:
    """A signature: its bytes, the address number of the key that made it (0: none), and the digest it was made over."""

    raw: bytes
    key: int = NOBODY
    digest: bytes = b""


EMPTY: Final = Consent(b"")


@dataclass(frozen=True, slots=True)
class Wallet:
    """A contract wallet: `owner` is the number of its key, `says` what it answers to everybody (None: asks the key)."""

    owner: int
    cap: int
    says: bool | None = None


@dataclass(slots=True)
class Keyring:
    """All keys and wallets of a walk, by the number of their address, the replaced ones too."""

    twin: Twin
    keys: dict[int, PrivateKey] = field(default_factory=dict)
    wallets: dict[int, Wallet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for party in (1, 2, 3):
            self.take(key_of(party))

    def take(self, key: PrivateKey) -> int:
        number = int.from_bytes(key.public_key.to_canonical_address())
        self.keys[number] = key
        return number

    def fresh(self) -> int:
        """A new key."""
        return self.take(PrivateKey(keccak(f"walk key {len(self.keys)}".encode())))

    def wallet(self, kind: str) -> int:
        """A new contract wallet: owned, slow or stuck."""
        owner = self.fresh()
        args: list[object]
        if kind == "owned":
            address = bytes.fromhex(format(owner, "040x"))
            name, args, made = "OwnedWallet", [address], Wallet(owner, OWNED_CAP)
        else:
            burnt, cap = (SLOW_GAS, SLOW_CAP) if kind == "slow" else (STUCK_GAS, STUCK_CAP)
            name, args, made = "SlowWallet", [burnt], Wallet(owner, cap, kind == "slow")
        deployed = self.twin.rig.engine.deploy(creation_data(compiled()[name], args))
        number = int(deployed, 16)
        self.wallets[number] = made
        return number

    def cap_of(self, number: int) -> int:
        """The gas cap that a signer declares: 0 for a plain key."""
        return self.wallets[number].cap if number in self.wallets else 0

    def sign(self, number: int, digest: bytes) -> Consent:
        """The consent of a key, or of a wallet's owner. InputError never: unknown numbers sign with nobody's key."""
        key_number = self.wallets[number].owner if number in self.wallets else number
        key = self.keys.get(key_number)
        if key is None:
            return Consent(b"\x01" * 65)
        compact = key.sign_msg_hash(digest).to_bytes()
        return Consent(compact[:64] + bytes([27 + compact[64]]), key_number, digest)

    # ------------------------------------------------------------ judging

    def is_good(self, consent: Consent, signer: int, *, kind: SignerKind, digest: bytes, sender: int) -> bool:
        """Whether a signer of this kind is taken to have agreed to the digest."""
        if not consent.raw and signer == sender:
            return True
        wallet = self.wallets.get(signer)
        if kind is SignerKind.CONTRACT and wallet is not None:
            if wallet.says is not None:
                return wallet.says
            signer = wallet.owner
        return consent.key == signer and consent.digest == digest

    def judge(
        self,
        world: World,
        agreement: Agreement | CompletePayment,
        consents: Sequence[Consent],
        *,
        digest: bytes,
        issued: Issue | None,
        sender: int,
        timestamp: Timestamp,
    ) -> tuple[bool, ...]:
        """For each consent whether it is good for whoever has to sign in its place, in this World."""
        claims = isinstance(agreement, Admit | Rekey | ProposeRekey)
        given = consents[:-1] if claims else consents
        try:
            parties = signers(
                world,
                agreement,
                timestamp=timestamp,
                consents=(True,) * len(consents),
                root=self.twin.root(agreement, issued),
                issued=issued,
            )
        except Refusal:
            return (True,) * len(consents)
        verdict = []
        for place, consent in enumerate(given):
            party = world.parties.get(parties[place]) if place < len(parties) else None
            verdict.append(
                party is None
                or self.is_good(consent, party.signer, kind=party.kind, digest=digest, sender=sender)
            )
        if isinstance(agreement, Admit | Rekey | ProposeRekey):
            kind = SignerKind.CONTRACT if agreement.signature_gas else SignerKind.WALLET
            claimed = int.from_bytes(agreement.signer[:20])
            verdict.append(self.is_good(consents[-1], claimed, kind=kind, digest=digest, sender=sender))
        return tuple(verdict)

    def signer_of(self, party: PartyNumber) -> int:
        """The party's present signer; nobody's number where there is no such party."""
        found = self.twin.world.parties.get(party)
        return found.signer if found else NOBODY


def high_s(consent: Consent) -> Consent:
    """The same signature written the other way, which nobody takes."""
    if len(consent.raw) != 65:
        return consent
    r, s, v = consent.raw[:32], int.from_bytes(consent.raw[32:64]), consent.raw[64]
    return Consent(r + (CURVE_ORDER - s).to_bytes(32) + bytes([55 - v]))
