"""What the proposals of a walk are drawn from: parties, vouchers, days, amounts of the World, and values just beside.

Everything comes from the random generator that the walk gives; the World is the model's. No verb is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from eth_utils.crypto import keccak

from ledger.agreements import Invoice
from ledger.calendar import day_of
from ledger.world import Role, Voucher, World, bank_of, promise_of
from tests.walk_cast import Keyring

UNKNOWN: Final = 99
SOON: Final = 40 * 86_400
FOREVER: Final = 2**40 - 1
HIGHEST_FACE: Final = 10_000 * (2**32 - 1)


class NothingFits(Exception):
    """No voucher or party is in the state that was looked for."""


@dataclass(slots=True)
class Draws:
    """The World of a keyring's Twin, and chance."""

    ring: Keyring
    rng: Random
    focus: int = 0
    """The voucher that a scene is about; 0: none."""

    @property
    def world(self) -> World:
        return self.ring.twin.world

    @property
    def today(self) -> int:
        return day_of(self.ring.twin.now)

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
        now = self.ring.twin.now
        return self.rng.choice([now - 1, now, now + 1, FOREVER]) if self.rarely() else now + SOON

    def near(self, day: int) -> Any:
        return max(0, day + self.rng.choice([-1, 0, 0, 1]))

    def voucher(self, fit: Callable[[int, Voucher], bool]) -> tuple[Any, Voucher]:
        """A voucher that fits, rarely any other, or an unknown one."""
        known = list(self.world.vouchers.items())
        some = [pair for pair in known if fit(*pair)]
        if self.rng.random() < 0.85:
            some = [pair for pair in some if pair[0] == self.focus] or some
        if not known or self.rarely(0.02):
            return self.rng.getrandbits(256), Voucher(face=1000, holder=self.party(), tier=1)
        if not some and not self.rarely(0.2):
            raise NothingFits
        return self.rng.choice(known if self.rarely() or not some else some)

    def due_day(self, voucher: int) -> int:
        promise = self.world.promises.get(promise_of(voucher))  # type: ignore[arg-type]
        return promise.due_day if promise else self.today + 30

    def bank(self, voucher: int) -> Any:
        promise = self.world.promises.get(promise_of(voucher))  # type: ignore[arg-type]
        return bank_of(promise.line) if promise else self.party(Role.BANK)

    def free(self, voucher: int, v: Voucher) -> bool:
        return bool(v.face and not v.locks and self.due_day(voucher) > self.today)

    def invoices(self, payer: int, total: int) -> Any:
        """One to three invoices that add up to `total`, some of them used before."""
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

    def _invoice(self, payer: int, amount: int) -> Invoice:
        used = [(key, use) for key, use in self.world.invoice_uses.items() if key[0] == payer]
        if used and self.rng.random() < 0.2:
            (_, fingerprint), use = self.rng.choice(used)
            return Invoice(fingerprint, amount, use.total + self.rarely(0.1))  # type: ignore[arg-type]
        total = amount * self.rng.choice([1, 1, 3]) if amount < 2**60 else amount
        return Invoice(self.word(), amount, total - self.rarely(0.02) if total else 0)  # type: ignore[arg-type]

    def one_of(self, fit: list[Any]) -> Any:
        if not fit and not self.rarely(0.2):
            raise NothingFits
        return self.rng.choice(fit) if fit and not self.rarely() else self.party()

    def line(self) -> Any:
        unknown = self.rarely(0.03) or not self.world.lines
        open_ = [
            n for n, x in self.world.lines.items() if not x.frozen and x.expiry >= self.today and x.limit
        ]
        some = open_ if open_ and not self.rarely(0.25) else list(self.world.lines)
        return (2 << 32 | UNKNOWN) if unknown else self.rng.choice(some)

    def new_signer(self) -> tuple[int, int, bytes]:
        """Number, gas cap, bytes of a signer that wants to serve a party."""
        kind = self.rng.choices(["key", "owned", "slow", "stuck", "old", "capped"], [60, 12, 6, 3, 8, 6])[0]
        if kind == "old":
            number = self.rng.choice(list(self.world.signers))
        else:
            number = self.ring.fresh() if kind in ("key", "capped") else self.ring.wallet(kind)
        cap = 30_000 if kind == "capped" else self.ring.cap_of(number)
        cap = 500_001 if self.rarely(0.02) else cap
        raw = number.to_bytes(20)
        return number, cap, raw[:19] if self.rarely(0.02) else bytes(20) if self.rarely(0.02) else raw
