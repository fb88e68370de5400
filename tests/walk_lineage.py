"""A registry and the ledgers that succeed one another on it, on revm, and the model of all of them beside it.

    door       0: the registry; 1: the first ledger; 2: its successor, …
    foretell   what the model says of a call
    accept     what was sent has happened as foretold: events, journal heads, Transfer events, the rows touched
    examined   everything that is wrong, by the product's own health-checker

A difference is a Disagreement. What is tried, and whether a consent is good, comes from the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from ledger.agreements import Agreement, Issue, ListVerifier, PartyNumber, VoucherId
from ledger.calendar import Timestamp
from ledger.chain import NOBODY
from ledger.errors import Refusal
from ledger.events import (
    OUTSIDE_JOURNAL,
    Event,
    InvoiceReturned,
    InvoiceUsed,
    RegistryEvent,
    advance,
    decode,
    journal_start,
)
from ledger.fold import fold_all
from ledger.health import examine
from ledger.invariants import invariants_of_step
from ledger.members import Contract
from ledger.payment import Unsigned
from ledger.signing import Domain
from ledger.succession import inherited, standing_of, use_of
from ledger.voucher import apply
from ledger.world import World, promise_of
from tests.contract.chain_stage import Disagreement, Foretold, founders
from tests.contract.readings import Reading, readings_after, readings_of_voucher
from tests.rig import SENDER, Revm, Sent, compiled, key_of
from tests.walk_lineage_node import LineageNode

_SHOWN: Final = keccak(text="Transfer(address,address,uint256)")
_ACCOUNT: Final = keccak(text="accountOf(uint32)")[:4]
_OWNER: Final = keccak(text="ownerOf(uint256)")[:4]
_HEAD: Final = keccak(text="journalHead()")[:4]
_EMPTY: Final = keccak(b"")
_FOUNDERS: Final = (1, 2, 3)
_FOUNDING: Final = ("(address,uint32,bytes32)", "(address,uint32,bytes32)[]")


@dataclass(slots=True)
class Lineage:
    """Contracts and Worlds at one moment, and all that has happened so far. Lists go by door; `worlds` by ledger."""

    engine: Revm
    doors: list[str] = field(default_factory=list)
    worlds: list[World] = field(default_factory=list)
    events: list[list[tuple[Event, Timestamp]]] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    owners: dict[tuple[int, int], int] = field(default_factory=dict)
    signer_bytes: dict[int, bytes] = field(default_factory=dict)
    checked: list[World] = field(default_factory=list)
    """The Worlds of the last examination."""
    deployed: list[bytes] = field(default_factory=list)
    """Whatever was put on the chain, in its order: where a contract lies depends on nothing else."""
    planned: list[str] = field(default_factory=list)
    """Successors that are there already; then none is deployed."""

    def __post_init__(self) -> None:
        rows = [(key_of(p).public_key.to_checksum_address(), 0, keccak(bytes([p]))) for p in _FOUNDERS]
        self._open(self.deploy("PartyRegistry", _FOUNDING, [rows[0], rows[1:]]))
        self._record(0, founders())
        self.worlds = [fold_all(World(), self.events[0])]
        self._open(self.deploy("VoucherLedger", ["address", "address"], [self.doors[0], NOBODY]))
        self.compare_heads()
        self.checked = list(self.worlds)

    # ------------------------------------------------------------ contracts

    @property
    def now(self) -> Timestamp:
        return Timestamp(self.engine.now())

    @property
    def newest(self) -> int:
        """The door of the ledger that nobody has succeeded yet."""
        return len(self.worlds)

    def domain(self, door: int) -> Domain:
        contract = Contract.LEDGER if door else Contract.REGISTRY
        return Domain(contract, self.engine.chain_id, self.doors[door])

    def deploy(self, name: str, types: Sequence[str], args: Sequence[object]) -> str:
        """Puts a contract on the chain; RuntimeError where its constructor refuses."""
        self.deployed.append(compiled()[name].bytecode + abi_encode(list(types), list(args)))
        return self.engine.deploy(self.deployed[-1])

    def succeed(self) -> int:
        """A successor of the newest ledger; its door."""
        before = [self.doors[0], self.doors[-1]]
        self._open(
            self.planned.pop(0)
            if self.planned
            else self.deploy("VoucherLedger", ["address", "address"], before)
        )
        registry = self.worlds[0]
        world = replace(
            World(),
            parties=registry.parties,
            recoveries=registry.recoveries,
            signers=registry.signers,
            verifiers=registry.verifiers,
            registry_settings=registry.registry_settings,
        )
        self.worlds.append(world)
        self._inherit()
        self.checked.append(self.worlds[-1])
        return self.newest

    def refuse_successor(self) -> None:
        """A ledger on another registry is no successor: Disagreement where its constructor takes the newest one."""
        founder = (self.doors[0], 0, bytes(32))
        another = self.deploy("PartyRegistry", _FOUNDING, [founder, []])
        try:
            self.deploy("VoucherLedger", ["address", "address"], [another, self.doors[-1]])
        except RuntimeError as stopped:
            if (
                _selector("PredecessorUnfit(address)") + bytes.fromhex(self.doors[-1][2:]).rjust(32, b"\0")
            ).hex() in str(stopped):
                return
            raise Disagreement(f"a ledger on another registry: {stopped}") from None
        raise Disagreement("a ledger on another registry has become a successor")

    @property
    def early(self) -> bool:
        """Whether the newest ledger's own predecessor issues still, so that the newest cannot be succeeded yet."""
        inherited = self.worlds[-1].inherited
        return inherited is not None and not inherited.run_off

    def refuse_third(self) -> None:
        """A run-off ends before the next but one begins: Disagreement where the constructor takes the newest one."""
        try:
            self.deploy("VoucherLedger", ["address", "address"], [self.doors[0], self.doors[-1]])
        except RuntimeError as stopped:
            still = _selector("PredecessorIssues(address)") + bytes.fromhex(self.doors[-2][2:]).rjust(
                32, b"\0"
            )
            if still.hex() in str(stopped):
                return
            raise Disagreement(f"a third ledger before the first one's run-off: {stopped}") from None
        raise Disagreement("a third ledger has come before the first one's run-off")

    def code_hash(self, address: bytes) -> bytes:
        """EXTCODEHASH: zero of an address that the chain does not know."""
        found = self.engine.evm.basic("0x" + address.hex())
        unknown = not found.nonce and not found.balance and found.code_hash == _EMPTY
        return bytes(32) if unknown else bytes(found.code_hash or _EMPTY)

    # ------------------------------------------------------------ what is expected, what is sent

    def world(self, door: int) -> World:
        """The World behind a door; behind the registry's that of the newest ledger."""
        return self.worlds[door - 1]

    def foretell(
        self,
        door: int,
        agreement: Agreement | Unsigned,
        good: Sequence[bool] | None,
        *,
        root: VoucherId | None,
        issued: Issue | None,
        world: World | None = None,
    ) -> Foretold:
        """What the model says of an agreement with consents that are good or not, now or in another World."""
        before = self.world(door) if world is None else world
        code_hash = self.code_hash(agreement.verifier) if isinstance(agreement, ListVerifier) else None
        try:
            after, events = apply(
                before,
                agreement,
                timestamp=self.now,
                consents=good,
                root=root,
                issued=issued,
                code_hash=code_hash,
            )
        except Refusal as refusal:
            return Foretold(before, (), refusal)
        return Foretold(after, events, None)

    def deliver(self, to: str, data: bytes, *, sender: str = SENDER, gas: int) -> Sent:
        """Sends and compares nothing yet."""
        return self.engine.send(to, data, sender=sender, gas=gas)

    def accept(self, door: int, sent: Sent, foretold: Foretold) -> None:
        """What was sent has happened as foretold; the model moves on."""
        found = list(self._events(door, sent))
        if found != list(foretold.events):
            raise Disagreement(f"events\n  contract {found}\n  model    {list(foretold.events)}")
        self._record(door, found)
        self._show(door, sent)
        before = self.world(door)
        if foretold.world is before:
            self.compare_heads()
            return
        if door:
            self.worlds[door - 1] = foretold.world
        else:
            new = foretold.world
            for place, world in enumerate(self.worlds):
                self.worlds[place] = replace(
                    world,
                    parties=new.parties,
                    recoveries=new.recoveries,
                    signers=new.signers,
                    verifiers=new.verifiers,
                    registry_settings=new.registry_settings,
                )
        self._inherit()
        self.compare_heads()
        self._compare_touched(door, found)

    # ------------------------------------------------------------ comparing

    def compare_heads(self) -> None:
        """The journal heads are the hashes of the events."""
        for door, head in enumerate(self.heads):
            if self.engine.view(self.doors[door], _HEAD) != head:
                raise Disagreement(f"journal head behind door {door} is not the hash of its events")

    def compare(self, door: int, readings: Iterable[Reading]) -> None:
        """The contract behind the door answers as the model expects."""
        for reading in readings:
            _, signature, args, expected = reading
            call = _selector(signature) + b"".join(word.to_bytes(32) for word in args)
            answer = self.engine.view(self.doors[door], call)
            if answer != b"".join(int(word).to_bytes(32) for word in expected):
                shown = ", ".join(map(hex, args))
                raise Disagreement(
                    f"{signature} of {shown} behind door {door}\n  contract {answer.hex()}\n"
                    f"  model    {[*map(hex, expected)]}"
                )

    def compare_voucher(self, door: int, number: VoucherId) -> None:
        """A voucher's rows are as the model has them."""
        if number in self.world(door).vouchers:
            self.compare(door, readings_of_voucher(self.world(door), number))

    def _compare_touched(self, door: int, events: Sequence[Event]) -> None:
        self.compare(door, dict.fromkeys(readings_after(self.world(door), events)))
        for event in events:
            signer = getattr(event, "signer", 0)
            if signer:
                self.compare(0, [self._owner_of(signer)])
        if len(self.worlds) > 1 and door:
            self.compare(self.newest, dict.fromkeys(self._inherited_after(door, events)))

    def _inherited_after(self, door: int, events: Sequence[Event]) -> Iterator[Reading]:
        """What the newest ledger says of the issuers and invoices that an event behind some door concerns."""
        newest, world = self.worlds[-1], self.world(door)
        for event in events:
            number = getattr(event, "voucher", VoucherId(0))
            promise = world.promises.get(promise_of(number))
            issuer = promise.issuer if promise else getattr(event, "issuer", PartyNumber(0))
            if issuer:
                word = standing_of(newest, issuer).word()
                yield Reading(Contract.LEDGER, "inheritedStandingOf(uint256)", (issuer,), (word,))
            if isinstance(event, InvoiceUsed | InvoiceReturned):
                use = use_of(newest, event.payer, event.fingerprint)
                key = (event.payer, int.from_bytes(event.fingerprint))
                word = use.total << 128 | use.used
                yield Reading(Contract.LEDGER, "inheritedUseOf(uint256,bytes32)", key, (word,))

    def _owner_of(self, signer: int) -> Reading:
        raw = self.signer_bytes.get(signer) or signer.to_bytes(20)
        owner = self.worlds[-1].signers.get(signer, 0)
        return Reading(Contract.REGISTRY, "partyOfSigner(bytes32)", (int.from_bytes(keccak(raw)),), (owner,))

    def examined(self) -> list[str]:
        """Everything that is wrong: every word, every rule, the events hashed and folded anew, the owners."""
        wrong = []
        node = LineageNode(self)
        for door in range(1, len(self.doors)):
            wrong += [str(finding) for finding in examine(node, node.pin(door)).findings]
            wrong += invariants_of_step(self.checked[door - 1], self.worlds[door - 1])
            folded = fold_all(World(), [*self.events[0], *self.events[door]])
            if folded != self.worlds[door - 1]:
                wrong.append(f"the events behind door {door}, folded from the beginning, give another World")
        try:
            self.compare(0, map(self._owner_of, self.worlds[-1].signers))
        except Disagreement as differs:
            wrong.append(str(differs))
        self.checked = list(self.worlds)
        return wrong + self._owners()

    def _owners(self) -> list[str]:
        """The owners by Transfer events, by `ownerOf`, and by the model."""
        accounts: dict[int, int] = {}
        holders: dict[tuple[int, int], int] = {}
        shown: dict[tuple[int, int], int] = {}
        for door, world in enumerate(self.worlds, start=1):
            for number, v in world.vouchers.items():
                if not v.face:
                    continue
                if v.holder not in accounts:
                    call = _ACCOUNT + v.holder.to_bytes(32)
                    accounts[v.holder] = int.from_bytes(self.engine.view(self.doors[0], call))
                holders[door, int(number)] = accounts[v.holder]
                call = _OWNER + number.to_bytes(32)
                shown[door, int(number)] = int.from_bytes(self.engine.view(self.doors[door], call))
        owners = {key: account for key, account in self.owners.items() if account}
        if owners == holders == shown:
            return []
        return [f"owners by Transfer events {owners}, by ownerOf {shown}, holders {holders}"]

    # ------------------------------------------------------------ inside

    def _open(self, address: str) -> None:
        self.doors.append(address)
        self.events.append([])
        self.heads.append(journal_start(self.domain(len(self.doors) - 1)))

    def _inherit(self) -> None:
        for place in range(1, len(self.worlds)):
            taken = inherited(self.worlds[place - 1], predecessor=self.doors[place])
            self.worlds[place] = replace(self.worlds[place], inherited=taken)

    def _record(self, door: int, events: Iterable[Event]) -> None:
        for event in events:
            self.heads[door] = advance(self.heads[door], event)
            self.events[door].append((event, self.now))

    def _events(self, door: int, sent: Sent) -> Iterator[Event]:
        for address, topics, data in sent.logs:
            if topics[0] not in OUTSIDE_JOURNAL:
                event = decode(topics, data)
                if address.lower() != self.doors[door].lower() or isinstance(event, RegistryEvent) == bool(
                    door
                ):
                    raise Disagreement(f"{event} comes from {address}")
                yield event

    def _show(self, door: int, sent: Sent) -> None:
        for _, topics, _ in sent.logs:
            if topics[0] == _SHOWN:
                giver, taker, voucher = (int.from_bytes(topic) for topic in topics[1:])
                if self.owners.get((door, voucher), 0) != giver:
                    raise Disagreement(f"Transfer of {voucher:#x} from {giver:#x}, who does not own it")
                self.owners[door, voucher] = taker


@cache
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]
