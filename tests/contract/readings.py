"""What the contracts have to answer, by what a World says: every word of it, or those that events may have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from eth_utils.crypto import keccak

from ledger.agreements import LineId, PartyNumber, VoucherId
from ledger.events import (
    Event,
    HandOverAccepted,
    HandOverProposed,
    InvoiceReturned,
    InvoiceUsed,
    IssueStopped,
    LineEvent,
    Parted,
    RegistryEvent,
    SettingsEvent,
    VerifierListed,
)
from ledger.members import Contract
from ledger.world import World, issuer_of, promise_of


class Reading(NamedTuple):
    """A view of a contract, by signature and argument words, and what it has to answer."""

    contract: Contract
    signature: str
    args: tuple[int, ...]
    expected: tuple[int, ...]


def readings_of_all(world: World, signer_bytes: Mapping[int, bytes]) -> Iterator[Reading]:
    """Every word of a World. signer_bytes: as `Twin` keeps them; without an entry a signer is an address."""
    for party in world.parties:
        yield from _party(world, party)
    for signer, party in world.signers.items():
        whole = signer_bytes.get(signer) or signer.to_bytes(20)
        yield _registry("partyOfSigner(bytes32)", int.from_bytes(keccak(whole)), expected=(party,))
    for verifier in world.verifiers:
        yield _verifier(world, verifier)
    yield _registry("settingsOf()", expected=(world.registry_settings.word(),))
    for line in world.lines:
        yield from _line(world, line)
    for voucher in world.vouchers:
        yield from readings_of_voucher(world, voucher)
    for payer, fingerprint in world.invoice_uses:
        yield _invoice(world, payer, fingerprint)
    for issuer in world.issuers:
        yield _issuer(world, issuer)
    yield _ledger("settingsOf()", expected=world.settings.word())


def readings_after(world: World, events: Sequence[Event]) -> Iterator[Reading]:
    """The words that these events may have changed."""
    for event in events:
        if isinstance(event, RegistryEvent):
            yield from _after_registry_event(world, event)
        elif isinstance(event, LineEvent):
            yield from _line(world, event.line)
        elif isinstance(event, SettingsEvent):
            yield _ledger("settingsOf()", expected=world.settings.word())
            if isinstance(event, IssueStopped) and event.issuer:
                yield _issuer(world, event.issuer)
        else:
            yield from readings_of_voucher(world, event.voucher)
            if isinstance(event, Parted):
                yield from readings_of_voucher(world, event.child)
            if isinstance(event, InvoiceUsed | InvoiceReturned):
                yield _invoice(world, event.payer, event.fingerprint)
            promise = world.promises.get(promise_of(event.voucher))
            if promise is not None:
                yield _issuer(world, promise.issuer)
                yield from _line(world, promise.line)
                parent = world.lines[promise.line].parent
                if parent:
                    yield from _line(world, parent)


def _after_registry_event(world: World, event: RegistryEvent) -> Iterator[Reading]:
    if isinstance(event, VerifierListed | HandOverProposed | HandOverAccepted):
        yield _registry("settingsOf()", expected=(world.registry_settings.word(),))
        if isinstance(event, VerifierListed):
            yield _verifier(world, event.verifier)
    else:
        yield from _party(world, event.party)


def _verifier(world: World, verifier: int) -> Reading:
    return _registry("verifierOf(address)", verifier, expected=(world.verifiers[verifier].word(),))


def _issuer(world: World, issuer: PartyNumber) -> Reading:
    return _ledger("issuerOf(uint32)", issuer, expected=issuer_of(world, issuer).word())


def _party(world: World, number: PartyNumber) -> Iterator[Reading]:
    party, recovery = world.parties[number], world.recoveries.get(number)
    yield _registry("partyOf(uint32)", number, expected=(party.word(),))
    yield _registry("detailOf(uint32)", number, expected=(party.signature_gas, party.recovered_on))
    r = recovery
    fields = (r.signer, r.kind, r.signature_gas, r.ready_on, int(r.vetoed)) if r else (0, 0, 0, 0, 0)
    yield _registry("recoveryOf(uint32)", number, expected=fields)


def _line(world: World, number: LineId) -> Iterator[Reading]:
    line = world.lines[number]
    yield _ledger("lineOf(uint64)", number, expected=line.word())
    yield _ledger("lineTermsOf(uint64)", number, expected=line.terms_word())


def readings_of_voucher(world: World, number: VoucherId) -> Iterator[Reading]:
    payment, promise = world.payments.get(number), world.promises.get(promise_of(number))
    pledge = world.pledges.get(number)
    yield _ledger("voucherOf(uint256)", number, expected=world.vouchers[number].word())
    yield _ledger("paymentOf(uint256)", number, expected=payment.word() if payment else 0)
    yield _ledger("pledgeOf(uint256)", number, expected=pledge.word() if pledge else 0)
    yield _ledger("freezeOf(uint256)", number, expected=world.freezes.get(number, 0))
    yield _ledger("promiseOf(uint160)", promise_of(number), expected=promise.word() if promise else 0)


def _invoice(world: World, payer: PartyNumber, fingerprint: bytes) -> Reading:
    use = world.invoice_uses[payer, fingerprint]
    words = (payer, int.from_bytes(fingerprint))
    return _ledger("invoiceUseOf(uint32,bytes32)", *words, expected=use.total << 128 | use.used)


def _registry(signature: str, *args: int, expected: tuple[int, ...]) -> Reading:
    return Reading(Contract.REGISTRY, signature, args, expected)


def _ledger(signature: str, *args: int, expected: int) -> Reading:
    return Reading(Contract.LEDGER, signature, args, (expected,))
