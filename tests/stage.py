"""Where little lives are played: parties, days and amounts that recur, and the stage of the pure model.

Another stage plays the same lives on the real contract: whoever has `Stage`'s six members can.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import pytest

from ledger.agreements import (
    Agreement,
    Issue,
    LineId,
    PartyNumber,
    ProposeRekey,
    Suspend,
    VoucherId,
)
from ledger.calendar import Day, Timestamp, day_of_date, parse_date, start_of_day
from ledger.errors import Refusal
from ledger.events import Event, PartyAdmitted
from ledger.fold import fold_all
from ledger.members import Contract
from ledger.money import Fen
from ledger.payment import Unsigned
from ledger.signing import Domain, root_id
from ledger.voucher import apply, may
from ledger.world import Role, SignerKind, Voucher, World

REGISTRAR: Final = PartyNumber(1)
BANK: Final = PartyNumber(2)
FUNDER: Final = PartyNumber(3)
ISSUER: Final = PartyNumber(4)
HOLDER: Final = PartyNumber(5)
BUYER: Final = PartyNumber(6)

FIRST_DAY: Final = day_of_date(parse_date("2026-04-15"))
DUE_DAY: Final = day_of_date(parse_date("2026-08-28"))
PAY_BY: Final = Day(FIRST_DAY + 2)
WINDOW: Final = 5
FACE: Final = Fen(1_000_000_00)
UNSECURED: Final = Fen(0)
LIMIT: Final = Fen(5_000_000_00)
SMALLEST_PART: Final = Fen(100_00)
LINE: Final = LineId(BANK << 32 | 17)
FOREVER: Final = Timestamp(start_of_day(Day(DUE_DAY + 1000)))
NOTHING: Final = bytes(32)


class Stage(Protocol):
    """Where a life is played. Parties 1 to 3 (registrar, bank, funding bank) are there from the start."""

    @property
    def ledger(self) -> Domain:
        """The signing domain of the ledger."""

    @property
    def today(self) -> Day:
        """The day of the next block."""

    def travel(self, day: Day) -> None:
        """Goes to the first second of a later day."""

    def signer(self, party: PartyNumber, generation: int = 0) -> bytes:
        """The wallet address of a party that is to be admitted; 1: of the key that is to replace its first one."""

    def sequence(self, voucher: VoucherId) -> int:
        """The voucher's present sequence; 0 where there is none."""

    def play(self, attempt: Attempt) -> None:
        """Does it, or raises the Refusal."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A verb that is tried: the agreement, who gives a good consent, in their order, an issue resupplied.

    The last of those who sign a proposal of a new key signs with that key.
    """

    agreement: Agreement | Unsigned
    signers: tuple[PartyNumber, ...] = ()
    issued: Issue | None = None

    def changed(self, **changes: object) -> Attempt:
        """With other members of the agreement."""
        return replace(self, agreement=replace(self.agreement, **changes))  # type: ignore[type-var]


@dataclass(frozen=True, slots=True)
class Situation:
    """A voucher in a state. `asserter`: whose payment is under way, else the bank; `payee`: to whom it went.

    `owed` of it in fen, and what of that is `secured` by a pledge.
    """

    stage: Stage
    issue: Issue
    voucher: VoucherId
    asserter: PartyNumber = BANK
    payee: PartyNumber = HOLDER
    owed: Fen = FACE
    secured: Fen = UNSECURED

    @property
    def sequence(self) -> int:
        return self.stage.sequence(self.voucher)

    def play(self, attempt: Attempt) -> Situation:
        self.stage.play(attempt)
        return self

    def on(self, day: int) -> Situation:
        self.stage.travel(Day(day))
        return self


# The stage of the model


@dataclass(slots=True)
class ModelStage:
    """Plays on the pure model and keeps its events with the timestamps of their blocks."""

    ledger: Domain = field(default_factory=lambda: Domain(Contract.LEDGER, 31337, "0x" + "11" * 20))
    timestamp: Timestamp = field(default_factory=lambda: start_of_day(FIRST_DAY))
    world: World = field(default_factory=lambda: founded())
    events: list[tuple[Event, Timestamp]] = field(default_factory=list)

    @property
    def today(self) -> Day:
        return Day((self.timestamp + 28_800) // 86_400)

    def travel(self, day: Day) -> None:
        self.timestamp = max(self.timestamp, start_of_day(day))

    def signer(self, party: PartyNumber, generation: int = 0) -> bytes:
        return (0x51600 + party + 0x100 * generation).to_bytes(20)

    def sequence(self, voucher: VoucherId) -> int:
        return self.world.vouchers[voucher].sequence if voucher in self.world.vouchers else 0

    def root(self, attempt: Attempt) -> VoucherId | None:
        issue = attempt.agreement if isinstance(attempt.agreement, Issue) else attempt.issued
        return root_id(issue, self.ledger) if issue else None

    def play(self, attempt: Attempt) -> None:
        self.world, events = apply(
            self.world,
            attempt.agreement,
            timestamp=self.timestamp,
            consents=(True,) * len(attempt.signers),
            root=self.root(attempt),
            issued=attempt.issued,
        )
        self.events += ((event, self.timestamp) for event in events)


def founding_events() -> tuple[PartyAdmitted, ...]:
    """A registrar and two banks that sponsor one another, as the registry's constructor makes them."""
    banks = Role.BANK | Role.FUNDER
    rows = ((REGISTRAR, Role(0), PartyNumber(0)), (BANK, banks, FUNDER), (FUNDER, banks, BANK))
    return tuple(
        PartyAdmitted(party, roles, sponsor, 0x51600 + party, SignerKind.WALLET, 0, NOTHING)
        for party, roles, sponsor in rows
    )


def founded() -> World:
    """The World after the constructors."""
    return fold_all(World(), ((event, Timestamp(0)) for event in founding_events()))


# What tests ask


def refused(stage: ModelStage, attempt: Attempt, name: str, **facts: object) -> None:
    """The attempt is refused with these facts and changes nothing. `from` is no keyword: write `from_`."""
    before = stage.world
    with pytest.raises(Refusal) as said:
        stage.play(attempt)
    assert said.value == Refusal(name, {key.rstrip("_"): value for key, value in facts.items()})
    assert stage.world is before


def judged(stage: ModelStage, attempt: Attempt, *consents: bool) -> Refusal | None:
    """What the model says with consents that are good or bad."""
    return may(
        stage.world,
        attempt.agreement,
        timestamp=stage.timestamp,
        consents=consents,
        root=stage.root(attempt),
        issued=attempt.issued,
    )


def of(stage: ModelStage, s: Situation) -> Voucher:
    """The situation's voucher now."""
    return stage.world.vouchers[s.voucher]


def suspend(party: PartyNumber, sequence: int = 1) -> Attempt:
    """The registrar suspends a party."""
    return Attempt(Suspend(party, sequence, NOTHING, FOREVER), (REGISTRAR,))


def propose(stage: ModelStage, party: PartyNumber, *, signer: int = 0xABC, sequence: int = 1) -> Attempt:
    """Registrar and sponsor propose a new signer for a party."""
    new = ProposeRekey(party, sequence, 0, FOREVER, signer.to_bytes(20))
    return Attempt(new, (REGISTRAR, stage.world.parties[party].sponsor, party))
