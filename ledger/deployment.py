"""Puts contracts on a chain. What is founded here cannot be changed later, only handed over or run off.

    deploy              a registry with its founders, and the first ledger on it
    deploy_successor    the ledger that takes over from another after its run-off
    pin_successor       makes a ledger that is on the chain the next of an installation's

The founders' consent is not asked: whoever deploys decides who party 1 and the first banks are, and everybody
else can read it in the first events. But for `pin_successor` nothing is stored: pin what comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.abi import view_call
from ledger.artifacts import load
from ledger.chain import NOBODY, Address, Chain
from ledger.errors import ChainError, InputError
from ledger.pin import Pin, check_pin, pin_of
from ledger.store import Store, add_pin, followed, pins


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
    return _deploy_ledger(chain, registry=registry, predecessor=NOBODY)


def deploy_successor(chain: Chain, *, predecessor: Pin) -> Pin:
    """A new ledger on the registry of another, whose invoice use and overdue issuers bind it.

    It issues nothing before the predecessor's run-off (the contract's own rule). ChainError where the chain is not
    the pinned one. A crash before it is pinned leaves a ledger that `pin_successor` can still take.
    """
    check_pin(chain, predecessor)
    return _deploy_ledger(chain, registry=predecessor.registry, predecessor=predecessor.ledger)


def pin_successor(store: Store, chain: Chain, *, ledger: Address) -> Pin:
    """Adds a ledger that is on the chain to the installation, to be followed from the block that made it on.

    ChainError for another chain, for what is no ledger, for one on another registry, and for one that does not
    succeed the installation's last; again does nothing.
    """
    with store.reading() as session:
        present, first_known = pins(session), min((each.first_block for each in followed(session)), default=0)
    if not present:
        raise ChainError("the database names no ledger that another could succeed: deploy, or pin one first")
    for each in present:
        check_pin(chain, each)
    pin = pin_of(chain, registry=present[-1].registry, ledger=ledger)
    if pin not in present:
        add_pin(store, pin, first_block=_made_in(chain, ledger, first=max(first_known, 0)))
    return pin


def _deploy_ledger(chain: Chain, *, registry: Address, predecessor: Address) -> Pin:
    ledger = chain.deploy(load("VoucherLedger"), [registry, predecessor]).address
    return pin_of(chain, registry=registry, ledger=ledger)


def _made_in(chain: Chain, ledger: Address, *, first: int) -> int:
    """The block that made a contract, found by halves: before it there is nobody there to answer."""
    last = chain.height()
    while first < last:
        middle = (first + last) // 2
        if chain.call(ledger, view_call("predecessor()"), block=middle):
            last = middle
        else:
            first = middle + 1
    return first
