"""From an agreement to what happened: judged, read, confirmed, signed, simulated, sent, indexed.

Every verb goes this one way. The pure model judges before anybody is asked for anything, the contract itself
judges the signed call before it is sent: a refusal costs no gas and leaves nothing behind. Only keys of this
installation sign here; what another party has to sign goes into a file (`cli_envelope.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from eth_utils.address import to_checksum_address
from sqlalchemy import select

from ledger import relay, voucher
from ledger.abi import decode_revert
from ledger.agreements import Agreement, Issue, PartyNumber, Split, Transfer, VoucherId
from ledger.artifacts import load
from ledger.calendar import DAY_SECONDS, Timestamp, date_of_day, parse_date, start_of_day
from ledger.calendar import day_of_date as day_number
from ledger.chain import Address
from ledger.errors import ChainError, InputError, Refusal
from ledger.gas import CEILING, Caps, bare_floor, batch_gas, key_of, with_checks
from ledger.members import Contract, LineId, line_text, voucher_text
from ledger.payment import Unsigned
from ledger.sentences import sentences
from ledger.signing import calldata, root_id
from ledger.tables import LineRow, hex_of
from ledger.verifiers import is_proof
from ledger.world import World
from scripts.cli_installation import Office, ledger_text
from scripts.cli_signer import NewSigner
from scripts.cli_unfinished import carry, promised, reported

VALID_SECONDS: Final = DAY_SECONDS
"""How long an agreement may land unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What became of an agreement that was not refused. `number`: of its item in the outbox, to be reported."""

    number: int
    verb: str
    tx: str
    block: int

    def facts(self) -> dict[str, object]:
        """For a script."""
        return {"verb": self.verb, "tx": self.tx, "block": self.block}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An agreement, and by whom it is meant to be signed.

    `named`: the parties whose keys the user named, in the order of the duties, and `options`, by which option each;
    None: whoever has to sign.
    `consents`: how many, where that changes the meaning. `new_signer`: of an admission or rekey; its proof is the
    last consent.
    """

    agreement: Agreement
    named: tuple[PartyNumber, ...] | None = None
    options: tuple[str, ...] = ()
    consents: int | None = None
    issued: Issue | None = None
    new_signer: NewSigner | None = None
    notes: tuple[str, ...] = ()


def deadline(office: Office, valid_until: str | None) -> Timestamp:
    """The last second of a day given as a date, or a day from now."""
    if valid_until is None:
        return Timestamp(office.now() + VALID_SECONDS)
    return Timestamp(start_of_day(day_number(parse_date(valid_until))) + DAY_SECONDS - 1)


def judged(office: Office, wanted: Wanted) -> tuple[PartyNumber, ...]:
    """Who has to sign, after the model has nothing against it; else its Refusal."""
    world, timestamp, agreement = office.world(), office.now(), wanted.agreement
    domain = office.domain(agreement.contract)
    source = agreement if isinstance(agreement, Issue) else wanted.issued
    root = root_id(source, domain) if source is not None else None
    count = None if wanted.consents is None else (True,) * wanted.consents
    try:
        duties = voucher.signers(
            world, agreement, timestamp=timestamp, consents=count, root=root, issued=wanted.issued
        )
    except Refusal as refusal:
        office.screen.hint = _hint(office, wanted, (), refusal)
        raise
    consents: tuple[bool, ...] | None = count
    if wanted.named is not None:
        consents = tuple(
            given == duty for given, duty in zip_longest(wanted.named, duties) if given is not None
        )
    refused = voucher.may(
        world, agreement, timestamp=timestamp, consents=consents, root=root, issued=wanted.issued
    )
    if refused is not None:
        office.screen.hint = _hint(office, wanted, duties, refused)
        raise refused
    return duties


def _hint(office: Office, wanted: Wanted, duties: Sequence[PartyNumber], refusal: Refusal) -> str:
    """What the user typed that the refusal comes from; empty where that does not show."""
    agreement = wanted.agreement
    if refusal.name == "BadSignature" and wanted.named is not None:
        for option, named, duty in zip(wanted.options, wanted.named, duties, strict=False):
            if named != duty:
                return f"Nobody has signed yet. {option} {_called(office, named)}: this needs {_called(office, duty)}"
    if refusal.name == "OverdueDiffers" and isinstance(agreement, Transfer | Split):
        if agreement.overdue:
            return "Leave --overdue away: this voucher was not declared overdue"
        return "Give --overdue: this voucher is overdue, and who takes it signs for an overdue one"
    if refusal.name == "VerifierNotAllowed":
        listed = office.world().verifiers.get(int(str(refusal.facts["verifier"]), 16))
        if listed is not None:
            return f"It is listed: new signers may name it from {date_of_day(listed.active_on)} on"
    return ""


def line_hint(office: Office, line: LineId) -> str:
    """Where a line is that this ledger does not have; empty where no ledger has it."""
    with office.store.reading() as session:
        having = set(session.scalars(select(LineRow.contract).where(LineRow.line == line)))
    for pin in office.pins:
        if pin.ledger in having and pin != office.pin:
            return (
                f"Line {line_text(line)} is in ledger {ledger_text(office.pins, pin)}, this is for ledger "
                f"{ledger_text(office.pins, office.pin)}: have it granted there: tallystick grant-line"
            )
    return ""


def read_out(office: Office, wanted: Wanted, duties: Sequence[PartyNumber]) -> None:
    """Shows the agreement as sentences."""
    screen = office.screen
    for sentence in sentences(wanted.agreement, names=screen.names):
        screen.say(f"  {sentence.zh}")
        screen.say(f"  {sentence.en}")
    for note in wanted.notes:
        screen.say(f"  {note}")
    for note in wanted.new_signer.notes if wanted.new_signer else ():
        screen.say(f"  {note}")


def ask(office: Office, question: str, *, yes: bool, keys: bool = True) -> None:
    """The question, and the passphrase where keys are wanted; meanwhile others may use the chain."""
    if yes and not (keys and office.screen.asks_passphrase):
        return
    with office.asking():
        if not yes:
            office.screen.confirm(question)
        if keys:
            office.screen.passphrase()


def signer_of(world: World, party: PartyNumber) -> Address | None:
    """The address that signs for a party now; None where nobody is known."""
    known = world.parties.get(party)
    return to_checksum_address(f"0x{known.signer:040x}") if known else None


def consents_here(office: Office, wanted: Wanted, duties: Sequence[PartyNumber]) -> tuple[bytes | None, ...]:
    """Each duty's consent, as far as its key is here."""
    world, domain, agreement = office.world(), office.domain(wanted.agreement.contract), wanted.agreement
    consents: list[bytes | None] = []
    for place, party in enumerate(duties):
        if is_proof(agreement, place, len(duties)):
            consents.append(wanted.new_signer.proof(agreement, domain) if wanted.new_signer else None)
            continue
        signer = signer_of(world, party)
        here = signer in office.ring.signers(party)
        consents.append(office.ring.sign(party, agreement, domain=domain, signer=signer) if here else None)
    return tuple(consents)


def signed(office: Office, wanted: Wanted, duties: Sequence[PartyNumber]) -> list[bytes]:
    """Every duty's consent; InputError where one has to be given elsewhere."""
    consents = []
    given = consents_here(office, wanted, duties)
    for place, (party, consent) in enumerate(zip(duties, given, strict=True)):
        if consent is None and is_proof(wanted.agreement, place, len(duties)):
            raise InputError(
                "the new signer is kept elsewhere and has to prove itself: write the agreement with --save FILE, "
                f"then: tallystick sign FILE --party {party} --new-signer --signature …"
            )
        if consent is None:
            raise InputError(
                f"the key file has no key {signer_of(office.world(), party)} of party {party}: let the party sign "
                "itself, or add its key. Write the agreement with --save FILE, then: "
                f"tallystick sign FILE --party {party}"
            )
        consents.append(consent)
    return consents


def simulate(
    office: Office,
    agreement: Agreement,
    consents: Sequence[bytes],
    *,
    call: bytes,
    signers: Sequence[PartyNumber],
) -> None:
    """Asks the contract itself, with as much gas as the relay gives; its Refusal where it says no."""
    registry = agreement.contract is Contract.REGISTRY
    contract = office.pin.registry if registry else office.pin.ledger
    keys = [key_of(consent) for consent in consents]
    floor = with_checks(bare_floor(agreement, call), _caps(office.world()).of(keys, signers))
    gas = min(batch_gas([floor]), CEILING)
    outcome = office.chain.simulate(contract, call, sender=office.chain.account, gas=gas)
    if not outcome.ok:
        raise decode_revert(outcome.output, [load("VoucherLedger").abi, load("PartyRegistry").abi])


def _caps(world: World) -> Caps:
    return Caps(
        wallets={
            number: party.signature_gas for number, party in world.parties.items() if party.signature_gas
        },
        verifiers={number: listed.signature_gas for number, listed in world.verifiers.items()},
    )


def deliver(
    office: Office,
    agreement: Agreement,
    consents: Sequence[bytes],
    *,
    signers: Sequence[PartyNumber],
    issued: Issue | None = None,
) -> Happened:
    """Simulates, queues, relays and indexes a signed agreement; a Refusal leaves the dossier as it was."""
    call = calldata(agreement, consents, issued=issued)
    simulate(office, agreement, consents, call=call, signers=signers)
    office.dossier.save()
    number = relay.queue(
        office.store, agreement, consents, pin=office.pin, issued=issued, signers=list(signers)
    )
    return _relayed(office, number)


def unsigned(office: Office, verb: Unsigned) -> Callable[[], Happened]:
    """Judges a verb that nobody signs; what is given back does it."""

    def judge() -> int:
        world = office.world()
        refusal = voucher.may(world, verb, timestamp=office.now())
        if refusal is not None:
            raise refusal
        return world.vouchers[verb.voucher].sequence

    def do() -> Happened:
        sequence = judge()
        return _relayed(office, relay.queue_unsigned(office.store, verb, sequence=sequence, pin=office.pin))

    judge()
    return do


def _relayed(office: Office, number: int) -> Happened:
    promised(office, number)
    with office.screen.progress("Waiting for the block"):
        carry(office, [number])
    office.follow()
    found = relay.outcome(office.store, number, mined=True)
    if found is None:
        raise ChainError(
            f"item {number} of the outbox has no outcome: see what keeps it with tallystick outbox, then run the "
            "command again"
        )
    if found.refusal is not None:
        office.dossier.undo()
        reported(office, number)  # the refusal is said whatever comes
        raise found.refusal
    return Happened(number, found.verb, "" if found.tx_hash is None else hex_of(found.tx_hash), found.block)


def conduct(
    office: Office,
    wanted: Wanted,
    *,
    yes: bool,
    save: Callable[[Wanted, Sequence[PartyNumber]], None] | None = None,
) -> Happened | None:
    """The whole way of one agreement. With `save` it is signed as far as keys are here and kept, not sent."""
    duties = judged(office, wanted)
    read_out(office, wanted, duties)
    signing = ", ".join(_called(office, party) for party in duties)
    asked = f"Sign as {signing} and {'write the file' if save else 'send'}?" if duties else "Send?"
    ask(office, asked, yes=yes, keys=bool(duties))
    if not yes:
        duties = judged(office, wanted)  # others may have been faster than the answer
    new = wanted.new_signer
    if save is not None:
        office.dossier.save()
        if new is not None:
            new.keep(office.ring)
        save(wanted, duties)
        return None
    consents = signed(office, wanted, duties)
    if new is not None:
        new.keep(office.ring)  # before it is sent: a key that the chain has and nobody else is lost
    try:
        return deliver(office, wanted.agreement, consents, signers=duties, issued=wanted.issued)
    except Refusal:
        if new is not None:
            new.forget(office.ring)
        raise


def present(office: Office, number: VoucherId) -> int:
    """The voucher's present sequence; Refusal where there is no such voucher."""
    known = office.world().vouchers.get(number)
    if known is None:
        raise Refusal("UnknownVoucher", {"voucher": number})
    return known.sequence


def label(office: Office, number: VoucherId) -> str:
    """How a voucher is called to people."""
    return office.dossier.numbers.get(number) or voucher_text(number)


def require_text(text: str, what: str) -> str:
    """A text that is to be hashed; InputError where it is empty."""
    if not text.strip():
        raise InputError(f"{what} is empty: say what it is")
    return text.strip()


def _called(office: Office, party: PartyNumber) -> str:
    name = office.screen.names.get(party)
    return f"{party} ({name})" if name else str(party)
