"""What is proposed on a walk about a voucher's money: sale, payment, award, default, pledge.

As in `walk_verbs.py`: mostly something that fits the World, and often something that just misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.agreements import (
    AssertPayment,
    Award,
    ConfirmPayment,
    ContestPayment,
    Discount,
    Pledge,
    Purpose,
    Release,
    Rescind,
    WithdrawPayment,
)
from ledger.payment import AWARD_DAYS, CompletePayment, DeclareOverdue
from ledger.world import Lock, Role, Status, Voucher
from tests.walk_draws import Draws, Proposal


@dataclass(slots=True)
class MoneyVerbs(Draws):
    """The verbs of sale, payment, default and security."""

    # ------------------------------------------------------------ sale

    def _discount(self) -> Proposal:
        number, v = self.voucher(self.free)
        funder = v.holder if self.rarely(0.02) else self.party(Role.FUNDER)
        holder = self.world.parties.get(v.holder)
        if holder and holder.status & Status.SUSPENDED and self.rarely(0.6):
            funder = holder.sponsor
        latest = self.due_day(number) - 6
        pay_by = self.near(latest + 3) if self.rarely(0.1) else max(self.today, min(self.today + 2, latest))
        pay_by = self.near(self.today) if self.rarely(0.1) else pay_by
        new = Discount(number, self.sequence(v.sequence), funder, self.word(), pay_by, self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (v.holder, funder))

    def _rescind(self) -> Proposal:
        number, v = self.voucher(lambda _, v: bool(v.locks & Lock.DISCOUNT and not v.locks & Lock.PAYMENT))
        funder = self.world.parties.get(v.funder)
        suspended = funder and funder.status & Status.SUSPENDED
        likely = v.holder if suspended else self.rng.choice([v.holder, v.funder])
        by = self.party() if self.rarely() else likely
        return Proposal(Rescind(number, self.sequence(v.sequence), by, self.deadline()), (by,))

    # ------------------------------------------------------------ payment

    def _payable(self) -> Any:
        """Sold and waiting for the price, or overdue, or due."""
        kind = self.rng.random()
        if kind < 0.6:
            lock = Lock.DISCOUNT if kind < 0.35 else Lock.OVERDUE
            return lambda _, v: bool(v.face and v.locks & lock)
        return lambda n, v: bool(
            v.face
            and not (v.locks & Lock.PAYMENT and not v.locks & Lock.CONTESTED)
            and self.due_day(n) <= self.today
        )

    def _assert_payment(self) -> Proposal:
        number, v = self.voucher(self._payable())
        due = self.due_day(number) <= self.today
        sold = bool(v.locks & Lock.DISCOUNT) and (not due or self.rarely(0.3))
        purpose = Purpose.DISBURSEMENT if sold != self.rarely(0.05) else Purpose.SETTLEMENT
        pledge = self.world.pledges.get(number)
        owed = pledge.secured if pledge else v.face
        amount: Any = 0
        if purpose is Purpose.SETTLEMENT:
            part = owed and due and self.rarely(0.3)
            amount = self.rng.randint(1, owed) if part else owed
        amount = (
            self.rng.choice([0, max(owed - 1, 0), owed, owed + 1, v.face]) if self.rarely(0.06) else amount
        )
        likely = pledge.pledgee if pledge else v.holder
        payee: Any = (
            self.party()
            if self.rarely(0.03)
            else self.rng.choice([likely] * 6 + [v.funder or likely, v.holder])
        )
        day = self.today + 1 if self.rarely(0.03) else self.today - self.rarely(0.2)
        terms = (purpose, payee, amount, day, self.word(), self.deadline())
        first = v.funder if purpose is Purpose.DISBURSEMENT else self.bank(number)
        many: list[tuple[int, ...]] = [(first,), (first, likely)]
        if (due and v.funder) or pledge:
            many += [(first, likely, v.holder if pledge else v.funder)] * 2
        return Proposal(AssertPayment(number, self.sequence(v.sequence), *terms), self.rng.choice(many))  # type: ignore[arg-type]

    def _paying(self) -> tuple[Any, Voucher]:
        return self.voucher(lambda _, v: bool(v.locks & Lock.PAYMENT))

    def _payees(self, number: Any, v: Voucher) -> tuple[Any, ...]:
        """The payee, and of a pledged voucher the holder too."""
        payment = self.world.payments.get(number)
        return (v.holder,) if payment is None or payment.payee == v.holder else (payment.payee, v.holder)

    def _confirm_payment(self) -> Proposal:
        number, v = self._paying()
        new = ConfirmPayment(number, self.sequence(v.sequence), self.deadline())
        return Proposal(new, self._payees(number, v))

    def _contest_payment(self) -> Proposal:
        number, v = self._paying()
        by = self.party() if self.rarely() else self.rng.choice(self._payees(number, v))
        new = ContestPayment(number, self.sequence(v.sequence), by, self.word(), self.deadline())
        return Proposal(new, (by,))

    def _withdraw_payment(self) -> Proposal:
        number, v = self._paying()
        new = WithdrawPayment(number, self.sequence(v.sequence), self.deadline())
        return Proposal(new, (v.funder or self.bank(number),))

    def _complete_payment(self) -> Proposal:
        return Proposal(CompletePayment(self._paying()[0]))

    def _ripe(self, number: Any, v: Voucher) -> bool:
        """Contested, and long enough; now and then not quite."""
        payment = self.world.payments.get(number)
        first = payment.contested_on + AWARD_DAYS if payment and payment.contested_on else 0
        return bool(first and v.locks & Lock.CONTESTED and self.today >= first - self.rarely(0.3))

    def _award(self) -> Proposal:
        contested = self.rarely(0.3)
        number, v = self.voucher((lambda _, v: bool(v.locks & Lock.CONTESTED)) if contested else self._ripe)
        arbiter = self.rng.choice([*self._payees(number, v), v.funder, self.bank(number)])
        arbiter = arbiter if self.rarely(0.25) else self.party(Role.ARBITER)
        new = Award(
            number, self.sequence(v.sequence), arbiter, self.rarely(0.5), self.word(), self.deadline()
        )
        return Proposal(new, (self.registrar, arbiter))

    # ------------------------------------------------------------ default, security

    def _declare_overdue(self) -> Proposal:
        early = self.rarely(0.2)
        number, _ = self.voucher(
            lambda n, v: bool(
                v.face
                and not v.locks & (Lock.OVERDUE | Lock.PAYMENT | Lock.FREEZE)
                and self.today >= self.overdue_from(n) - early
            )
        )
        return Proposal(DeclareOverdue(number))

    def _pledge(self) -> Proposal:
        number, v = self.voucher(self.free)
        pledgee = v.holder if self.rarely(0.03) else self.party(Role.FUNDER)
        secured = (
            self.rng.choice([0, 1, v.face, v.face + 1])
            if self.rarely(0.2)
            else self.rng.randint(1, v.face or 1)
        )
        end = self.today + (self.rng.choice([-1, 0]) if self.rarely(0.1) else self.rng.randint(1, 60))
        terms: Any = (pledgee, secured, self.word(), end, self.deadline())
        return Proposal(Pledge(number, self.sequence(v.sequence), *terms), (v.holder, pledgee))

    def _release(self) -> Proposal:
        number, v = self.voucher(lambda _, v: bool(v.locks & Lock.PLEDGE))
        pledge = self.world.pledges.get(number)
        likely = [v.holder, pledge.pledgee, pledge.pledgee] if pledge else [v.holder]
        by = self.party() if self.rarely() else self.rng.choice(likely)
        return Proposal(Release(number, self.sequence(v.sequence), by, self.deadline()), (by,))
