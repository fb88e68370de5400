"""Puts the two contracts on a chain. What is founded here cannot be changed later, only handed over.

The founders' consent is not asked: whoever deploys decides who party 1 and the first banks are, and everybody
else can read it in the first events. Nothing is stored; pin what comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.artifacts import load
from ledger.chain import NOBODY, Address, Chain, Pin, pin_of
from ledger.errors import InputError


@dataclass(frozen=True, slots=True)
class Founder:
    """A party of the first hour. `signature_gas` 0: `signer` is a wallet key; else the gas cap of its
    ERC-1271 check. `profile` is the salted hash of who this is, 32 bytes."""

    signer: Address
    signature_gas: int
    profile: bytes


def deploy(chain: Chain, *, registrar: Founder, banks: Sequence[Founder]) -> Pin:
    """A new registry with the registrar as party 1 and the banks as parties 2, 3, …, and a ledger on it.

    InputError without a bank; Refusal where the registry does not take a founder (SignerInUse,
    SignerNotAllowed, SignatureGasTooHigh). A crash in between leaves a registry that nobody uses.
    """
    if not banks:
        raise InputError("a registry without a bank can admit nobody: name at least one founding bank")
    founders = [(each.signer, each.signature_gas, each.profile) for each in (registrar, *banks)]
    registry = chain.deploy(load("PartyRegistry"), [founders[0], founders[1:]]).address
    return deploy_ledger(chain, registry=registry)


def deploy_ledger(chain: Chain, *, registry: Address) -> Pin:
    """One more ledger on a registry, nobody's successor: this release reads no predecessor's invoice use."""
    ledger = chain.deploy(load("VoucherLedger"), [registry, NOBODY]).address
    return pin_of(chain, registry=registry, ledger=ledger)
