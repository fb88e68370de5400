"""The real contracts and the pure model side by side: what happens on one has to happen on the other.

    Twin        both, in lockstep: foretell with the model, send to the contracts, compare
    ChainStage  plays the little lives of `tests/states.py` on a Twin

Compared are refusals by name and facts, events, storage words, both journal heads, and who owns what by the
ERC-721 events. A difference is a Disagreement. Nothing is decided here: what is tried comes from the caller, and
whether a consent is good too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from eth_utils.crypto import keccak

from ledger.agreements import (
    Admit,
    Agreement,
    Issue,
    PartyNumber,
    ProposeRekey,
    Rekey,
    RevokeIssue,
    VoucherId,
)
from ledger.calendar import Day, Timestamp, start_of_day
from ledger.consent import Claim
from ledger.errors import Refusal
from ledger.events import (
    OUTSIDE_JOURNAL,
    Event,
    PartyAdmitted,
    RegistryEvent,
    advance,
    decode,
    journal_start,
)
from ledger.fold import fold_all
from ledger.members import Contract
from ledger.payment import CompletePayment, Unsigned
from ledger.signing import Domain, calldata, complete_payment_calldata, declare_overdue_calldata, root_id
from ledger.voucher import apply
from ledger.world import Role, SignerKind, World
from tests.contract.readings import Reading, readings_after, readings_of_all, readings_of_voucher
from tests.rig import SENDER, Revm, Rig, Sent, key_of
from tests.stage import FIRST_DAY, Attempt

_SHOWN = keccak(text="Transfer(address,address,uint256)")
_BANKS = Role.BANK | Role.FUNDER


class Disagreement(AssertionError):
    """Contract and model differ; the text says in what."""


class Foretold(NamedTuple):
    """What the model expects: the World afterwards and the events, or why not."""

    world: World
    events: tuple[Event, ...]
    refusal: Refusal | None


def founders() -> tuple[PartyAdmitted, ...]:
    """What `Rig` puts into the registry's constructor: registrar and two banks that sponsor one another."""
    rows = ((1, Role(0), 0), (2, _BANKS, 3), (3, _BANKS, 2))
    return tuple(
        PartyAdmitted(
            PartyNumber(party),
            roles,
            PartyNumber(sponsor),
            address_number(party),
            SignerKind.WALLET,
            0,
            keccak(bytes([party])),
        )
        for party, roles, sponsor in rows
    )


def address_number(party: int, generation: int = 0) -> int:
    """The number of the address of a party's first key, or of the one that replaces it."""
    return int.from_bytes(key_of(party, generation).public_key.to_canonical_address())


@dataclass(slots=True)
class Twin:
    """Both sides at one moment, and all that has happened so far."""

    rig: Rig = field(default_factory=lambda: Rig(Revm(start=start_of_day(FIRST_DAY)), admitted=False))
    world: World = field(default_factory=World)
    events: list[tuple[Event, Timestamp]] = field(default_factory=list)
    heads: dict[Contract, bytes] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    signer_bytes: dict[int, bytes] = field(default_factory=dict)
    """Every signer that an agreement has named, by the number that the registry keeps of it."""

    def __post_init__(self) -> None:
        self.heads = {contract: journal_start(self.rig.domain(contract)) for contract in Contract}
        self._record(founders())
        self.world = fold_all(World(), self.events)
        self.compare_heads()
        self.compare(readings_of_all(self.world, self.signer_bytes))

    @property
    def now(self) -> Timestamp:
        return Timestamp(self.rig.engine.now())

    def foretell(
        self,
        agreement: Agreement | Unsigned,
        good: Sequence[bool],
        *,
        issued: Issue | None = None,
        world: World | None = None,
    ) -> Foretold:
        """What the model says of an agreement with consents that are good or not, now or in another World."""
        before = self.world if world is None else world
        if isinstance(agreement, Admit | Rekey | ProposeRekey):
            claim = Claim(
                party=agreement.party, signer=agreement.signer, signature_gas=agreement.signature_gas
            )
            self.signer_bytes[claim.number] = agreement.signer
        try:
            after, events = apply(
                before,
                agreement,
                timestamp=self.now,
                consents=tuple(good),
                root=self.root(agreement, issued),
                issued=issued,
            )
        except Refusal as refusal:
            return Foretold(before, (), refusal)
        return Foretold(after, events, None)

    def root(self, agreement: Agreement | Unsigned, issued: Issue | None) -> VoucherId | None:
        """The root id of the issue that is made, or resupplied."""
        issue = agreement if isinstance(agreement, Issue) else issued
        return root_id(issue, self.rig.domain(Contract.LEDGER)) if issue else None

    def deliver(
        self, contract: Contract, data: bytes, *, sender: str = SENDER, gas: int = 15_000_000
    ) -> Sent:
        """Sends and compares nothing yet."""
        return self.rig.engine.send(self.rig.address(contract), data, sender=sender, gas=gas)

    def accept(self, sent: Sent, foretold: Foretold) -> None:
        """What was sent has happened as foretold; the model moves on."""
        found = list(self._events(sent))
        if found != list(foretold.events):
            raise Disagreement(f"events\n  contract {found}\n  model    {list(foretold.events)}")
        self._record(found)
        self._show(sent)
        self.world = foretold.world
        self.compare_heads()
        self.compare(readings_after(self.world, found))

    def compare_heads(self) -> None:
        """Both journal heads are the hash of the events."""
        for contract, head in self.heads.items():
            if self.rig.head(contract) != head:
                raise Disagreement(f"journal head of the {contract.value} is not the hash of its events")

    def compare(self, readings: Iterable[Reading]) -> None:
        """The contracts answer as the model expects."""
        for contract, signature, args, expected in readings:
            data = keccak(text=signature)[:4] + b"".join(word.to_bytes(32) for word in args)
            answer = self.rig.engine.view(self.rig.address(contract), data)
            found = tuple(int.from_bytes(answer[at : at + 32]) for at in range(0, len(answer), 32))
            if found != expected:
                shown = ", ".join(map(hex, args))
                raise Disagreement(
                    f"{signature} of {shown}\n  contract {[*map(hex, found)]}\n  model    {[*map(hex, expected)]}"
                )

    def compare_all(self) -> None:
        """Every word, the events folded from nothing, and the owners that explorers see."""
        self.compare(readings_of_all(self.world, self.signer_bytes))
        if fold_all(World(), self.events) != self.world:
            raise Disagreement("the events, folded from the beginning, give another World")
        holders = {
            int(number): int(
                self.rig.view(Contract.REGISTRY, "accountOf(uint32)", [v.holder], ["address"]), 16
            )
            for number, v in self.world.vouchers.items()
            if v.face
        }
        owners = {number: account for number, account in self.owners.items() if account}
        if owners != holders:
            raise Disagreement(f"owners by Transfer events {owners}, holders {holders}")

    def _record(self, events: Iterable[Event]) -> None:
        for event in events:
            contract = Contract.REGISTRY if isinstance(event, RegistryEvent) else Contract.LEDGER
            self.heads[contract] = advance(self.heads[contract], event)
            self.events.append((event, self.now))

    def _events(self, sent: Sent) -> Iterator[Event]:
        for address, topics, data in sent.logs:
            if topics[0] not in OUTSIDE_JOURNAL:
                event = decode(topics, data)
                registry = address.lower() == self.rig.registry.lower()
                if registry != isinstance(event, RegistryEvent):
                    raise Disagreement(f"{event} comes from {address}")
                yield event

    def _show(self, sent: Sent) -> None:
        for _, topics, _ in sent.logs:
            if topics[0] == _SHOWN:
                giver, taker, voucher = (int.from_bytes(topic) for topic in topics[1:])
                if self.owners.get(voucher, 0) != giver:
                    raise Disagreement(f"Transfer of {voucher:#x} from {giver:#x}, who does not own it")
                self.owners[voucher] = taker


def unsigned_calldata(verb: Unsigned) -> bytes:
    """The call of a verb that nobody signs."""
    completes = isinstance(verb, CompletePayment)
    return complete_payment_calldata(verb.voucher) if completes else declare_overdue_calldata(verb.voucher)


# The stage


@dataclass(slots=True)
class ChainStage:
    """Plays on the real contract, and on the model beside it."""

    twin: Twin = field(default_factory=Twin)

    @property
    def ledger(self) -> Domain:
        return self.twin.rig.domain(Contract.LEDGER)

    @property
    def today(self) -> Day:
        return self.twin.rig.today

    def travel(self, day: Day) -> None:
        self.twin.rig.engine.travel(max(self.twin.now, start_of_day(day)))

    def signer(self, party: PartyNumber, generation: int = 0) -> bytes:
        return address_number(party, generation).to_bytes(20)

    def sequence(self, voucher: VoucherId) -> int:
        return self.twin.rig.voucher(voucher).sequence

    def play(self, attempt: Attempt) -> None:
        """Does it, or raises the Refusal; Disagreement where the model says otherwise."""
        twin, agreement = self.twin, attempt.agreement
        foretold = twin.foretell(agreement, (True,) * len(attempt.signers), issued=attempt.issued)
        if isinstance(agreement, Unsigned):
            contract, data = Contract.LEDGER, unsigned_calldata(agreement)
        else:
            contract = agreement.contract
            keys = [key_of(party) for party in attempt.signers]
            if isinstance(agreement, ProposeRekey):
                keys[-1] = key_of(agreement.party, 1)
            consents = twin.rig.consents(agreement, keys)
            data = calldata(agreement, consents, issued=attempt.issued)
        sent = twin.deliver(contract, data)
        refusal = None if sent.ok else twin.rig.refusal(sent.output)
        if refusal != foretold.refusal:
            raise Disagreement(f"contract: {refusal or 'done'}, model: {foretold.refusal or 'done'}")
        if refusal is not None:
            self._nothing_changed(agreement)
            raise refusal
        twin.accept(sent, foretold)

    def _nothing_changed(self, agreement: Agreement | Unsigned) -> None:
        self.twin.compare_heads()
        number = getattr(agreement, "voucher", None)
        if isinstance(agreement, RevokeIssue):
            number = VoucherId(agreement.promise_id << 96)
        if number is not None and number in self.twin.world.vouchers:
            self.twin.compare(readings_of_voucher(self.twin.world, number))
