"""What verifiers and a k-of-n wallet say of a signature on a real EVM, to hold the off-chain checks against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from ledger import artifacts
from ledger.abi import creation_data
from ledger.credentials import Verifiers
from tests.rig import Revm

VERIFY: Final = keccak(text="verify(bytes,bytes32,bytes)")[:4]
IS_VALID_SIGNATURE: Final = keccak(text="isValidSignature(bytes32,bytes)")[:4]


class Judges:
    """The three verifiers, deployed. `verifiers` is their allow-list."""

    def __init__(self) -> None:
        self.engine = Revm()
        p256, passkey, rsa = (self._deploy(name) for name in artifacts.VERIFIERS)
        self.verifiers = Verifiers(p256=p256, rsa=rsa, passkey=passkey)

    def take(self, signer: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the verifier that the signer names finds the signature good."""
        return self._asked(
            signer[:20], VERIFY, ["bytes", "bytes32", "bytes"], [signer[20:], digest, signature]
        )

    def wallet(self, members: Sequence[bytes], threshold: int) -> bytes:
        """The address of a new k-of-n wallet."""
        return self._deploy("Signatories", [list(members), threshold])

    def wallet_takes(self, wallet: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether a k-of-n wallet finds the signature good."""
        return self._asked(wallet, IS_VALID_SIGNATURE, ["bytes32", "bytes"], [digest, signature])

    def _asked(self, judge: bytes, selector: bytes, types: Sequence[str], values: Sequence[object]) -> bool:
        sent = self.engine.send("0x" + judge.hex(), selector + encode(types, values))
        return sent.ok and decode(["bytes4"], sent.output)[0] == selector

    def _deploy(self, name: str, arguments: Sequence[object] = ()) -> bytes:
        address = self.engine.deploy(creation_data(artifacts.load(name), list(arguments)))
        return bytes.fromhex(address[2:])
