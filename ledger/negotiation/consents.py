"""Signatures: made by a key that is kept here, or looked at where they come from outside.

A signature from outside is checked before it is taken, so that an offer never waits for the chain to find out: wallet,
P-256, RSA and passkey signers here, a contract wallet by asking it (ERC-1271) on the chain.
"""

from __future__ import annotations

from typing import Final

from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address

from ledger.agreements import Agreement, PartyNumber
from ledger.chain import CallReverted
from ledger.consent import ADDRESS_BYTES
from ledger.credentials import require_consent
from ledger.errors import InputError, Refusal, WrongSignature
from ledger.negotiation.setting import Setting, domain_of
from ledger.pin import Pin
from ledger.signing import WITH_NEW_SIGNER, digest, verifier_consent
from ledger.verifiers import party_of_claim, verifiers_of
from ledger.world import Party, SignerKind, World

_MAGIC: Final = bytes.fromhex("1626ba7e")
"""What a contract wallet answers to a good signature (ERC-1271); also the selector of its check."""


def custodial_consent(
    setting: Setting, world: World, agreement: Agreement, party: PartyNumber, *, pin: Pin, proves: bool
) -> bytes:
    """The consent of a party whose present key is in the installation's key file. `proves`: of the new signer that the
    agreement names. Refusal NoCustodialKey where the key is kept elsewhere."""
    known = _party(world, agreement, party, proves=proves)
    signer = to_checksum_address(known.signer.to_bytes(ADDRESS_BYTES))
    if signer not in setting.ring.signers(party):
        raise Refusal("NoCustodialKey", {"party": int(party)})
    return setting.ring.sign(party, agreement, domain=domain_of(agreement, pin), signer=signer)


def require_good(
    setting: Setting,
    world: World,
    agreement: Agreement,
    party: PartyNumber,
    *,
    pin: Pin,
    signature: bytes,
    signer: bytes | None,
    proves: bool,
) -> bytes:
    """The consent as the contract takes it, where the signature is the party's; else a credential error.

    `signer`: whole signer bytes of a verifier's signer, without which such a signature cannot be read.
    """
    domain, known = domain_of(agreement, pin), _party(world, agreement, party, proves=proves)
    if known.kind is SignerKind.CONTRACT:
        _ask_wallet(setting, known, digest(agreement, domain), signature)
        return signature
    verifiers = verifiers_of(world)
    if known.kind is SignerKind.WALLET:
        require_consent(signature, agreement, known, domain=domain, verifiers=verifiers)
        return signature
    if signer is None:
        raise InputError(
            "this party's signer names a verifier: give its whole signer bytes beside the signature"
        )
    consent = verifier_consent(signer, signature)
    require_consent(consent, agreement, known, domain=domain, verifiers=verifiers)
    return consent


def is_good_still(
    setting: Setting, world: World, agreement: Agreement, party: PartyNumber, *, pin: Pin, consent: bytes
) -> bool:
    """Whether a consent that was taken before is the party's under its present signer. Refusal UnknownParty."""
    domain, known = domain_of(agreement, pin), _party(world, agreement, party, proves=False)
    try:
        if known.kind is SignerKind.CONTRACT:
            _ask_wallet(setting, known, digest(agreement, domain), consent)
        else:
            require_consent(consent, agreement, known, domain=domain, verifiers=verifiers_of(world))
    except (InputError, Refusal):
        return False
    return True


def _party(world: World, agreement: Agreement, party: PartyNumber, *, proves: bool) -> Party:
    if proves:
        assert isinstance(agreement, WITH_NEW_SIGNER)
        return party_of_claim(agreement)
    known = world.parties.get(party)
    if known is None:
        raise Refusal("UnknownParty", {"party": int(party)})
    return known


def _ask_wallet(setting: Setting, party: Party, signed: bytes, signature: bytes) -> None:
    address = to_checksum_address(party.signer.to_bytes(ADDRESS_BYTES))
    call = _MAGIC + abi_encode(["bytes32", "bytes"], [signed, signature])
    try:
        answer = setting.reader.call(address, call)
    except CallReverted:
        answer = b""
    if len(answer) < 32 or answer[:4] != _MAGIC:
        raise WrongSignature(
            f"the contract wallet {address} does not take this signature: have its members sign anew"
        )
