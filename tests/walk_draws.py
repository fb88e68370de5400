"""What the proposals of a walk are drawn from: parties, vouchers, days, amounts of a World, and values just beside.

Everything comes from the random generator that the walk gives; the World is the model's, behind the door that is
looked at. No verb is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from eth_utils.crypto import keccak

from ledger.agreements import Agreement, Invoice, Issue
from ledger.calendar import day_of
from ledger.payment import AWARD_DAYS, Unsigned
from ledger.succession import standing_of
from ledger.world import Line, Lock, Role, Voucher, World, bank_of, promise_of
from tests.rig import SENDER
from tests.walk_cast import VERIFIER_CAP, Keyring

UNKNOWN: Final = 99
SOON: Final = 40 * 86_400
FOREVER: Final = 2**40 - 1
HIGHEST_LEDGERS: Final = 3
HIGHEST_FACE: Final = 10_000 * (2**32 - 1)


class NothingFits(Exception):
    """No voucher or party is in the state that was looked for."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An agreement, who is to sign it (parties; of an admission or rekey the last is `claim`, the new signer's
    number), and an issue resupplied."""

    agreement: Agreement | Unsigned
    signers: tuple[int, ...] = ()
    issued: Issue | None = None
    claim: int = 0


@dataclass(slots=True)
class Draws:
    """The Worlds of a keyring's lineage, and chance. `issues` keeps every issue that was ever drawn, by door and root
    id, landed or not."""

    ring: Keyring
    rng: Random
    door: int = 1
    """The ledger that is looked at."""
    focus: int = 0
    """The voucher that a scene is about; 0: none."""
    ahead: World | None = None
    """A World to draw from instead: that after what was drawn for the same batch."""
    issues: dict[tuple[int, int], Issue] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.ahead if self.ahead is not None else self.ring.lineage.world(self.door)

    @property
    def today(self) -> int:
        return day_of(self.ring.lineage.now)

    @property
    def registrar(self) -> int:
        return self.world.registry_settings.registrar

    def rarely(self, chance: float = 0.06) -> bool:
        return self.rng.random() < chance

    def party(self, role: Role | None = None) -> Any:
        fit = [n for n, p in self.world.parties.items() if role is None or p.roles & role]
        if self.rarely(0.03):
            return self.rng.choice([0, UNKNOWN])
        return self.rng.choice(list(self.world.parties) if self.rarely() or not fit else fit)

    def word(self) -> bytes:
        return keccak(self.rng.randbytes(8))

    def sequence(self, present: int) -> int:
        return max(0, present + self.rng.choice([-1, 1])) if self.rarely(0.04) else present

    def deadline(self) -> Any:
        now = self.ring.lineage.now
        return self.rng.choice([now - 1, now, now + 1, FOREVER]) if self.rarely() else now + SOON

    def near(self, day: int) -> Any:
        return max(0, day + self.rng.choice([-1, 0, 0, 1]))

    def voucher(self, fit: Callable[[int, Voucher], bool]) -> tuple[Any, Voucher]:
        """A voucher that fits, rarely any other, or an unknown one."""
        known = self.world.vouchers
        shown = known.get(self.focus)  # type: ignore[call-overload]
        if shown is not None and fit(self.focus, shown) and self.rng.random() < 0.85:
            return self.focus, shown
        if self.rarely(0.02):
            return self.rng.getrandbits(256), Voucher(face=1000, holder=self.party(), tier=1)
        if known and self.rarely(0.05):
            return self.rng.choice(list(known.items()))
        some = [pair for pair in known.items() if fit(*pair)]
        if not known or (not some and not self.rarely(0.1)):
            raise NothingFits
        return self.rng.choice(some or list(known.items()))

    def due_day(self, voucher: int) -> int:
        promise = self.world.promises.get(promise_of(voucher))  # type: ignore[arg-type]
        return promise.due_day if promise else self.today + 30

    def overdue_from(self, voucher: int) -> int:
        promise = self.world.promises.get(promise_of(voucher))  # type: ignore[arg-type]
        return promise.due_day + self.world.lines[promise.line].grace + 1 if promise else self.today

    def bank(self, voucher: int) -> Any:
        promise = self.world.promises.get(promise_of(voucher))  # type: ignore[arg-type]
        return bank_of(promise.line) if promise else self.party(Role.BANK)

    def free(self, voucher: int, v: Voucher) -> bool:
        return bool(v.face and not v.locks and self.due_day(voucher) > self.today)

    def movable(self, voucher: int, v: Voucher) -> bool:
        """Free, or overdue and under no lock."""
        return self.free(voucher, v) or bool(v.face and v.locks == Lock.OVERDUE)

    def invoices(self, payer: int, total: int) -> Any:
        """One to three invoices that add up to `total`, some of them used before, here or in the predecessor."""
        rest, out = total, []
        for _ in range(self.rng.randint(0, 2)):
            if rest > 1:
                out.append(self.rng.randint(1, rest - 1))
                rest -= out[-1]
        drawn = [self._invoice(payer, amount) for amount in (*out, rest)]
        if len(drawn) > 1 and self.rarely(0.2):  # the same one twice
            fingerprint, whole = drawn[0].fingerprint, drawn[0].amount + drawn[1].amount
            sum_: Any = max(whole - self.rarely(0.3), 1)
            drawn[:2] = [Invoice(fingerprint, each.amount, sum_) for each in drawn[:2]]
        return tuple(drawn)

    def hop_invoices(self, payer: int, total: int, often: float) -> Any:
        """Those of a hop: mostly none, rarely too many."""
        if self.rarely(0.01):
            return tuple(Invoice(self.word(), 1, 1) for _ in range(11))  # type: ignore[arg-type]
        return self.invoices(payer, total) if self.rarely(often) else ()

    def _invoice(self, payer: int, amount: int) -> Invoice:
        uses = self.world.invoice_uses
        if self.world.inherited and self.rarely(0.5):
            uses = self.world.inherited.invoice_uses
        used = [(key, use) for key, use in uses.items() if key[0] == payer] if self.rarely(0.2) else []
        if used:
            (_, fingerprint), use = self.rng.choice(used)
            return Invoice(fingerprint, amount, use.total + self.rarely(0.1))  # type: ignore[arg-type]
        total = amount * self.rng.choice([1, 1, 3]) if amount < 2**60 else amount
        return Invoice(self.word(), amount, total - self.rarely(0.02) if total else 0)  # type: ignore[arg-type]

    def one_of(self, fit: list[Any]) -> Any:
        if not fit and not self.rarely(0.2):
            raise NothingFits
        return self.rng.choice(fit) if fit and not self.rarely() else self.party()

    def line(self, usable: float = 0.8) -> Any:
        """A line, with this chance one under which something can be issued."""
        unknown = self.rarely(0.03) or not self.world.lines
        open_ = (
            [n for n, line in self.world.lines.items() if self.usable(line)] if self.rarely(usable) else []
        )
        return (2 << 32 | UNKNOWN) if unknown else self.rng.choice(open_ or list(self.world.lines))

    def usable(self, line: Line) -> bool:
        """Whether something can be issued under a line, as far as line and issuer go."""
        standing = standing_of(self.world, line.issuer)
        fit = not line.frozen and line.expiry >= self.today and line.limit > line.drawn
        return fit and not standing.stopped and not standing.overdue

    def new_signer(self) -> tuple[int, int, bytes]:
        """Number, gas cap, bytes of a signer that wants to serve a party."""
        kinds = {
            "key": 48,
            "owned": 8,
            "slow": 4,
            "stuck": 2,
            "obedient": 4,
            "quorum": 5,
            "behind": 14,
            "old": 8,
        }
        kind = self.rng.choices(list(kinds), list(kinds.values()))[0]
        if kind == "old":
            number = self.rng.choice(list(self.world.signers))
        elif kind == "behind":
            number = self._behind()
        else:
            number = self.ring.fresh() if kind == "key" else self.ring.wallet(kind)
        cap = self.ring.cap_of(number)
        if kind == "key" and self.rarely(0.1):
            cap = 30_000
        cap = 500_001 if self.rarely(0.02) else 1 if self.rarely(0.01) else cap
        raw = self.ring.bytes_of(number)
        if self.rarely(0.03):
            raw = self.rng.choice([raw[:19], bytes(20), b"", bytes(20) + raw, raw + bytes(1_005)])
        return number, cap, raw

    def _behind(self) -> int:
        """A signer behind a verifier, which mostly is listed and active."""
        pairs = [(site, name) for name, sites in self.ring.sites.items() for site in sites]
        listed = self.world.verifiers
        active = [pair for pair in pairs if pair[0] in listed and listed[pair[0]].active_on <= self.today]
        announced = [pair for pair in pairs if pair[0] in listed and pair not in active]
        some = active if active and not self.rarely(0.15) else announced or pairs
        if not some or self.rarely(0.05):  # a contract, but no verifier
            return self.ring.behind(int(self.ring.lineage.doors[1], 16), "")
        return self.ring.behind(*self.rng.choice(some))

    def verifier(self) -> tuple[int, int]:
        """An address to be listed, and a gas cap that is either too little for any check or enough."""
        kind = self.rng.choices(["new", "listed", "contract", "key", "nothing"], [5, 2, 2, 1, 1])[0]
        names = ["ERC7913P256Verifier", "ERC7913WebAuthnVerifier", "RSAVerifier", "HostileVerifier"]
        if kind == "new":
            address = self.ring.site(self.rng.choice(names))
        else:
            some = {
                "listed": list(self.world.verifiers) or [0],
                "contract": [int(door, 16) for door in self.ring.lineage.doors],
                "key": list(self.ring.keys),
                "nothing": [0, 1, int(SENDER, 16)],
            }
            address = self.rng.choice(some[kind])
        return address, self.rng.choice([1, VERIFIER_CAP, VERIFIER_CAP, VERIFIER_CAP, 500_000])

    # ------------------------------------------------------------ days

    def days_that_matter(self, numbers: Iterable[Any]) -> set[int]:
        """Days ahead on which what may be done with these vouchers changes, and those of recoveries and settings."""
        world, office, settings = self.world, self.world.registry_settings, self.world.settings
        days: set[int] = {recovery.ready_on for recovery in world.recoveries.values()}
        days |= {office.next_registrar_from, settings.next_tenor_cap_from}
        days |= {verifier.active_on for verifier in world.verifiers.values()}
        for number in numbers:
            v = world.vouchers.get(number)
            if v is None or not v.face:
                continue
            promise, payment = world.promises[promise_of(number)], world.payments.get(number)
            days.add(promise.due_day)
            if not v.locks & Lock.OVERDUE:
                overdue_from = self.overdue_from(number)
                days |= {overdue_from - 1, overdue_from}
            if v.pay_by:
                days |= {v.pay_by + 1, v.pay_by + 2}
            if number in world.freezes:
                days |= {world.freezes[number], world.freezes[number] + 1}
            if number in world.pledges:
                days.add(world.pledges[number].end_day + 1)
            if payment is not None and payment.contested_on:
                days |= {payment.contested_on + AWARD_DAYS + late for late in (-1, 0)}
            elif payment is not None:
                window = world.lines[promise.line].window
                since = [payment.asserted_on]
                since += [world.parties[party].recovered_on for party in (payment.payee, v.holder)]
                days |= {day + window + late for day in since for late in (0, 1)}
        return {day for day in days if day > self.today}
