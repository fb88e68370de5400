"""Which signer a party has or is to have, and which listed verifier checks which kind of key.

The registry's allow-list names verifiers by address and by the hash of their code; here the code is known.
"""

from __future__ import annotations

from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.agreements import Admit, Agreement, PartyNumber, ProposeRekey, Rekey
from ledger.artifacts import load
from ledger.chain import Address
from ledger.consent import ADDRESS_BYTES, Claim
from ledger.credentials import Kind, Verifiers, registry_number
from ledger.signing import WITH_NEW_SIGNER
from ledger.world import Party, Role, World

ARTIFACTS: Final = {
    Kind.P256: "ERC7913P256Verifier",
    Kind.RSA: "RSAVerifier",
    Kind.PASSKEY: "ERC7913WebAuthnVerifier",
}
"""The verifiers, by the kind of key that each checks."""


def verifiers_of(world: World) -> Verifiers:
    """The three verifiers of the allow-list, known by the hash of their code; of two alike the one active first."""
    hashes = {keccak(load(name).deployed_bytecode): kind for kind, name in ARTIFACTS.items()}
    found: dict[Kind, bytes] = {}
    for number, listed in sorted(world.verifiers.items(), key=lambda pair: (pair[1].active_on, pair[0])):
        kind = hashes.get(listed.code_hash)
        if kind is not None:
            found.setdefault(kind, number.to_bytes(ADDRESS_BYTES))
    return Verifiers(p256=found.get(Kind.P256), rsa=found.get(Kind.RSA), passkey=found.get(Kind.PASSKEY))


def address_of(signer: bytes) -> Address:
    """Signer bytes as the registry keeps them."""
    return to_checksum_address(registry_number(signer).to_bytes(ADDRESS_BYTES))


def party_of_claim(agreement: Admit | Rekey | ProposeRekey) -> Party:
    """The party as it will be with the agreement's new signer: what its proof is checked against."""
    claim = Claim(party=agreement.party, signer=agreement.signer, signature_gas=agreement.signature_gas)
    return Party(
        signer=claim.number,
        kind=claim.kind,
        signature_gas=claim.signature_gas,
        roles=Role(0),
        sponsor=PartyNumber(0),
        profile=bytes(32),
    )


def is_proof(agreement: Agreement, place: int, duties: int) -> bool:
    """Whether that consent is the new signer's of an admission or rekey: the last one."""
    return isinstance(agreement, WITH_NEW_SIGNER) and place == duties - 1
