"""What the contracts must answer if a World is true: every view, its arguments, and the words expected.

    readings      the questions of a whole World: the registry's, the ledger's, and what a successor inherits
    differing     those that the contracts answer otherwise, as of a block

A view answers from storage, so this compares storage word by word. Two things have no view and are not asked: spent
court orders, and whose a verifier's key is (the registry looks it up by a hash that the events do not say). Nothing
is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import NamedTuple

from eth_utils.crypto import keccak

from ledger.abi import view_call, words_of
from ledger.agreements import VoucherId
from ledger.chain import Reader
from ledger.members import Contract, line_text, promise_text, voucher_text
from ledger.pin import Pin
from ledger.succession import standing_of, use_of
from ledger.world import IssuerRecord, World

_NOTHING = IssuerRecord()


class Reading(NamedTuple):
    """A view of a contract by its signature, the words that it is given, those that it has to answer, and what
    that is in words."""

    contract: Contract
    signature: str
    args: tuple[int, ...]
    expected: tuple[int, ...]
    what: str


def readings(world: World, *, hashed: Container[int] = ()) -> Iterator[Reading]:
    """Every word of a World. `hashed`: the signers that are hashes of a verifier's key (see `hashed_signers`)."""
    yield from registry_readings(world, hashed=hashed)
    yield from ledger_readings(world)


def registry_readings(world: World, *, hashed: Container[int] = ()) -> Iterator[Reading]:
    """The registry's part."""
    yield _registry("settingsOf()", "settings of the registry", expected=(world.registry_settings.word(),))
    for number, party in sorted(world.parties.items()):
        yield _registry("partyOf(uint32)", f"party {number}", number, expected=(party.word(),))
        detail = (party.signature_gas, party.recovered_on)
        yield _registry("detailOf(uint32)", f"details of party {number}", number, expected=detail)
        r = world.recoveries.get(number)
        recovery = (r.signer, r.kind, r.signature_gas, r.ready_on, int(r.vetoed)) if r else (0, 0, 0, 0, 0)
        yield _registry("recoveryOf(uint32)", f"recovery of party {number}", number, expected=recovery)
    for signer, number in sorted(world.signers.items()):
        if signer in hashed:
            continue
        key = int.from_bytes(keccak(signer.to_bytes(20)))
        yield _registry("partyOfSigner(bytes32)", f"party of signer {signer:#042x}", key, expected=(number,))
    for address, verifier in sorted(world.verifiers.items()):
        what = f"verifier {address:#042x}"
        yield _registry("verifierOf(address)", what, address, expected=(verifier.word(),))


def ledger_readings(world: World) -> Iterator[Reading]:
    """The ledger's part."""
    yield _ledger("settingsOf()", "settings of the ledger", expected=world.settings.word())
    issuers = {promise.issuer for promise in world.promises.values()} | world.issuers.keys()
    for issuer in sorted(issuers):
        standing = world.issuers.get(issuer, _NOTHING)
        yield _ledger("issuerOf(uint32)", f"issuer {issuer}", issuer, expected=standing.word())
    for line_id, line in sorted(world.lines.items()):
        what = f"line {line_text(line_id)}"
        yield _ledger("lineOf(uint64)", what, line_id, expected=line.word())
        yield _ledger("lineTermsOf(uint64)", f"terms of {what}", line_id, expected=line.terms_word())
    for promise_id, promise in sorted(world.promises.items()):
        what = f"promise {promise_text(promise_id)}"
        yield _ledger("promiseOf(uint160)", what, promise_id, expected=promise.word())
    for number in sorted(world.vouchers):
        yield from voucher_readings(world, number)
    for (payer, fingerprint), use in sorted(world.invoice_uses.items()):
        what = f"invoice 0x{fingerprint.hex()} of payer {payer}"
        key = (payer, int.from_bytes(fingerprint))
        word = use.total << 128 | use.used
        yield _ledger("invoiceUseOf(uint32,bytes32)", what, *key, expected=word)
    if world.inherited is not None:
        yield from _inherited(world)


def voucher_readings(world: World, number: VoucherId) -> Iterator[Reading]:
    """A voucher, and whatever may hang on it."""
    what = f"voucher {voucher_text(number)}"
    payment, pledge = world.payments.get(number), world.pledges.get(number)
    yield _ledger("voucherOf(uint256)", what, number, expected=world.vouchers[number].word())
    yield _ledger(
        "paymentOf(uint256)", f"payment on {what}", number, expected=payment.word() if payment else 0
    )
    yield _ledger("pledgeOf(uint256)", f"pledge of {what}", number, expected=pledge.word() if pledge else 0)
    yield _ledger("freezeOf(uint256)", f"freeze of {what}", number, expected=world.freezes.get(number, 0))


def _inherited(world: World) -> Iterator[Reading]:
    assert world.inherited is not None
    for issuer in sorted(world.inherited.issuers.keys() | world.issuers.keys()):
        what, word = f"standing of issuer {issuer}, all ledgers", standing_of(world, issuer).word()
        yield _ledger("inheritedStandingOf(uint256)", what, issuer, expected=word)
    for payer, fingerprint in sorted(world.inherited.invoice_uses.keys() | world.invoice_uses.keys()):
        use = use_of(world, payer, fingerprint)
        what = f"invoice 0x{fingerprint.hex()} of payer {payer}, all ledgers"
        key = (payer, int.from_bytes(fingerprint))
        word = use.total << 128 | use.used
        yield _ledger("inheritedUseOf(uint256,bytes32)", what, *key, expected=word)


def differing(
    node: Reader,
    pin: Pin,
    questions: Sequence[Reading],
    *,
    block: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Reading, tuple[int, ...]]]:
    """The questions that the pin's contracts answer otherwise after this block (None: the head), and how.

    `report` is told how many are asked, of how many.
    """
    for done, each in enumerate(questions, 1):
        address = pin.registry if each.contract is Contract.REGISTRY else pin.ledger
        found = words_of(node.call(address, view_call(each.signature, *each.args), block=block))
        if report is not None:
            report(done, len(questions))
        if found != each.expected:
            yield each, found


def _registry(signature: str, what: str, *args: int, expected: tuple[int, ...]) -> Reading:
    return Reading(Contract.REGISTRY, signature, args, expected, what)


def _ledger(signature: str, what: str, *args: int, expected: int) -> Reading:
    return Reading(Contract.LEDGER, signature, args, (expected,), what)
