"""A walk's calls sent to the contracts and judged by the model, and everything compared that a step has touched.

    _single, _batch   send; Lost where contract and model differ in anything
    finish            the examination of everything
    story             what has happened, as lines

Nothing is drawn here; `walk.py` says what is tried.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from ledger.agreements import VoucherId
from ledger.errors import Refusal, TallystickError
from ledger.events import Event
from ledger.payment import Unsigned
from ledger.signing import batch_calldata
from ledger.voucher import signers
from ledger.world import Lock, World
from tests.contract.chain_stage import Disagreement, Foretold
from tests.rig import Sent
from tests.walk_attacks import NOBODY_KNOWN, UNREADABLE, Item
from tests.walk_cast import Keyring
from tests.walk_lineage import Lineage
from tests.walk_reading import refusal_of, refused_items
from tests.walk_story import PLENTY, Step, story

POOL: Final = 200
"""Calls that are remembered, to be sent again."""

T = TypeVar("T")


class Lost(AssertionError):
    """The walk went where the model did not expect it; the text has seed and steps, `why` only what differs."""

    def __init__(self, why: str, steps: str) -> None:
        super().__init__(steps)
        self.why = why


@dataclass(slots=True)
class Compared:
    """What has happened on a walk so far. `refused` counts by verb and error, `under` the successes by verb and by
    the locks under which the voucher was before."""

    seed: int
    rng: Random = field(init=False)
    ring: Keyring = field(init=False)
    pool: deque[Item] = field(default_factory=lambda: deque(maxlen=POOL))
    steps: list[Step] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    under: Counter[tuple[str, Lock]] = field(default_factory=Counter)
    examined: int = 0

    @property
    def lineage(self) -> Lineage:
        return self.ring.lineage

    def finish(self) -> None:
        """Examines everything."""
        self.examined = len(self.steps)
        wrong = self._checked(self.lineage.examined)
        if wrong:
            self._lost("\n".join(wrong))

    # ------------------------------------------------------------ clock, succession

    def _travel(self, moment: int) -> None:
        self.lineage.engine.travel(max(self.lineage.now, moment))
        self._note("wait", (), f"until {self.lineage.now}", kind="go")

    def _succeed(self) -> int:
        door = self.lineage.succeed()
        self._note("succeed", (), f"ledger {door} opened", kind="succeed")
        return door

    # ------------------------------------------------------------ sending and comparing

    def _deliver(self, item: Item, data: bytes, *, sender: int, gas: int) -> Sent:
        to = self.lineage.doors[item.door]
        if item.through:
            wallet = self.ring.wallets[item.through]
            data = _PASS + abi_encode(["address", "bytes"], [to, data])
            return self.lineage.deliver(_address(item.through), data, sender=_address(wallet.owner), gas=gas)
        return self.lineage.deliver(to, data, sender=_address(sender), gas=gas)

    def _single(self, item: Item, how: str, *, gas: int = PLENTY) -> None:
        if not item.unreadable:
            self.pool.append(item)
        before = self.lineage.world(item.door)
        foretold = self._checked(lambda: self._foretell(item, before, sender=item.sender), [item])
        sent = self._deliver(item, item.data, sender=item.sender, gas=gas)
        refusal = None if sent.ok else refusal_of(sent.output)
        self._note(how, [item], str(refusal or "done"), kind="call", gas=gas)
        if gas < PLENTY and refusal is not None and _ran_dry(refusal):
            self.refused[_verb(item), refusal.name] += 1
            self._checked(self.lineage.compare_heads)
            return
        if item.unreadable and refusal is not None:
            refusal = foretold.refusal
        if refusal != foretold.refusal:
            self._lost(f"contract: {refusal or 'done'}\nmodel:    {foretold.refusal or 'done'}")
        self._settle(sent, foretold, item.door, {0: refusal} if refusal else {}, [item])

    def _batch(
        self, items: Sequence[Item], *, whole: bool, gas: int = PLENTY, sender: int = NOBODY_KNOWN
    ) -> None:
        door = items[0].door
        foretold, refused = self._checked(lambda: self._foretell_batch(items, whole, sender=sender), items)
        data = batch_calldata([item.data for item in items], whole)
        sent = self.lineage.deliver(self.lineage.doors[door], data, sender=_address(sender), gas=gas)
        stopped = None if sent.ok else refusal_of(sent.output)
        found = refused_items(sent)
        said = stopped or (f"done but { ({n: str(r) for n, r in found.items()}) }" if found else "done")
        how = f"batch{' whole' if whole else ''} with {gas} gas"
        self._note(how, items, str(said), kind="batch", whole=whole, gas=gas, sender=sender)
        if gas < PLENTY and stopped is not None and _batch_ran_dry(stopped):
            self._checked(self.lineage.compare_heads)
            return
        if foretold.refusal is not None or stopped is not None:
            if stopped is None or _reason(stopped) != (max(refused, default=-1), foretold.refusal):
                self._lost(
                    f"contract: {said}\nmodel:    stopped by item {max(refused, default=-1)}, {foretold.refusal}"
                )
            self.refused["batch", "BatchStopped"] += 1
        elif found != refused:
            self._lost(f"contract: {said}\nmodel:    refuses { ({n: str(r) for n, r in refused.items()}) }")
        self._settle(sent, foretold, door, refused, items)

    def _settle(
        self, sent: Sent, foretold: Foretold, door: int, refused: dict[int, Refusal], items: Sequence[Item]
    ) -> None:
        for place, refusal in refused.items():
            self.refused[_verb(items[place]), refusal.name] += 1
            number = getattr(items[place].agreement, "voucher", None)
            if number is not None and door and foretold.refusal is not None:
                self._checked(lambda number=number: self.lineage.compare_voucher(door, number))  # type: ignore[misc]
        if foretold.refusal is not None:
            self._checked(self.lineage.compare_heads)
            return
        before = self.lineage.world(door).vouchers
        for place, item in enumerate(items):
            if place not in refused:
                self.done[_verb(item)] += 1
                named = VoucherId(getattr(item.agreement, "voucher", 0))
                if named in before:
                    self.under[_verb(item), before[named].locks] += 1
        self._checked(lambda: self.lineage.accept(door, sent, foretold))

    def _foretell(self, item: Item, world: World, *, sender: int) -> Foretold:
        if item.fixed is not None or item.agreement is None:
            return Foretold(world, (), item.fixed)
        asked: dict[str, Any] = {"root": item.root, "issued": item.issued}
        if isinstance(item.agreement, Unsigned):
            return self.lineage.foretell(item.door, item.agreement, (), world=world, **asked)
        good = self.ring.judge(
            world, item.agreement, item.consents, digest=item.digest, sender=sender, **asked
        )
        if item.cut_short:
            good = (*good[:-1], False)
        foretold = self.lineage.foretell(item.door, item.agreement, good, world=world, **asked)
        refusal = foretold.refusal
        if item.unreadable:
            return Foretold(world, (), refusal or UNREADABLE)
        if item.cut_short and refusal and refusal.name == "BadSignature" and all(good[:-1]):
            wanted = signers(world, item.agreement, timestamp=self.lineage.now, consents=good, **asked)
            refusal = Refusal("ConsentCount", {"expected": len(wanted), "given": len(good)})
        return foretold._replace(refusal=refusal)

    def _foretell_batch(
        self, items: Sequence[Item], whole: bool, *, sender: int
    ) -> tuple[Foretold, dict[int, Refusal]]:
        """The outcome, and the refused items; where the batch is stopped, the last of them did it."""
        before = world = self.lineage.world(items[0].door)
        events: list[Event] = []
        refused: dict[int, Refusal] = {}
        for place, item in enumerate(items):
            one = self._foretell(item, world, sender=sender)
            if one.refusal is None:
                world = one.world
                events += one.events
                continue
            refused[place] = one.refusal
            if whole or one.refusal == UNREADABLE:
                return Foretold(before, (), one.refusal), refused
        return Foretold(world, tuple(events), None), refused

    # ------------------------------------------------------------ saying what happened

    def _note(self, how: str, items: Sequence[Item], outcome: str, *, kind: str, **again: Any) -> None:
        self.steps.append(Step(self.lineage.now, how, items, outcome, kind, **again))

    def _checked(self, check: Callable[[], T], items: Sequence[Item] = ()) -> T:
        try:
            return check()
        except (Disagreement, TallystickError) as wrong:
            if items:
                self._note("about to send", items, "", kind="call")
            self._lost(f"{type(wrong).__name__}: {wrong}")
            raise

    def _lost(self, why: str) -> None:
        raise Lost(why, f"seed {self.seed}, step {len(self.steps)}\n{why}\n\n{self.story()}") from None

    def story(self, last: int = 10_000) -> str:
        """The steps as lines."""
        return story(self.steps, last)


_PASS: Final = keccak(text="pass(address,bytes)")[:4]


def _verb(item: Item) -> str:
    return type(item.agreement).__name__ if item.agreement is not None else item.how


def _address(number: int) -> str:
    return f"0x{number:040x}"


def _ran_dry(refusal: Refusal) -> bool:
    """Want of gas: says nothing about the agreement."""
    return refusal.name in ("EmptyRevert", "GasTooLow")


def _reason(stopped: Refusal) -> tuple[int, Refusal] | None:
    if stopped.name != "BatchStopped":
        return None
    index, reason = stopped.facts["index"], str(stopped.facts["reason"])
    return int(str(index)), refusal_of(bytes.fromhex(reason[2:]))


def _batch_ran_dry(stopped: Refusal) -> bool:
    inner = _reason(stopped)
    return _ran_dry(stopped) or (inner is not None and _ran_dry(inner[1]))
