"""Who gets what, where an issuer pays less than falls due on one day.

The sum is shared over the vouchers of that due day in the proportion of what is owed on each. What a voucher gets
goes to its pledgee up to the sum that is still secured, and then to its holder. The result is what the line's bank
asserts on chain, one settlement after the other: the contract takes amounts and shares nothing. Late interest is no
part of it, and no voucher is served before another for being larger, older or held by somebody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day, date_of_day
from ledger.errors import InputError
from ledger.members import voucher_text
from ledger.money import Fen, allocate, yuan

_NOBODY = PartyNumber(0)
_NOTHING = Fen(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A voucher with what is still owed on it: `face`, and of that `secured` to the pledgee (fen; 0: no pledge)."""

    voucher: VoucherId
    due_day: Day
    holder: PartyNumber
    face: Fen
    pledgee: PartyNumber = _NOBODY
    secured: Fen = _NOTHING

    def __post_init__(self) -> None:
        named = voucher_text(self.voucher)
        if self.face <= 0:
            raise InputError(f"voucher {named}: {yuan(self.face)} yuan are owed, nothing can be shared on it")
        if not 0 <= self.secured <= self.face or (self.secured == 0) != (self.pledgee == _NOBODY):
            raise InputError(
                f"voucher {named}: party {self.pledgee} is secured for {yuan(self.secured)} of "
                f"{yuan(self.face)} yuan: name a pledgee and a sum up to the face, or neither"
            )
        if self.pledgee == self.holder:
            raise InputError(f"voucher {named}: party {self.holder} cannot be holder and pledgee of it")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the bank asserts: so much (fen) of this voucher is paid to this party."""

    voucher: VoucherId
    payee: PartyNumber
    amount: Fen


def share_shortfall(paid: Fen, claims: Sequence[Claim]) -> tuple[Settlement, ...]:
    """Share what an issuer has paid (fen) over the vouchers of one due day.

    Largest remainder over the faces: exact to the fen, each voucher within one fen of its exact share, and of equal
    fractions the lower voucher id gets the fen, which is whom the rounding favours; the order of `claims` makes no
    difference. By voucher id, a pledgee before the holder: in this order they are to be asserted, the holder's when
    the pledgee's is completed. Nobody gets 0. Raises InputError for less than 0 or more than is owed, for no claim,
    a voucher named twice, and claims of several due days, which are shared one day after the other.
    """
    if not claims:
        raise InputError("no voucher falls due on that day: nothing can be shared")
    days = {claim.due_day for claim in claims}
    if len(days) > 1:
        named = ", ".join(str(date_of_day(day)) for day in sorted(days))
        raise InputError(f"the vouchers fall due on {named}: share what was paid for one due day at a time")
    twice = [voucher for voucher, count in Counter(claim.voucher for claim in claims).items() if count > 1]
    if twice:
        raise InputError(f"voucher {voucher_text(min(twice))} is named twice")
    owed = sum(claim.face for claim in claims)
    if not 0 <= paid <= owed:
        raise InputError(f"{yuan(paid)} yuan cannot be shared on {yuan(Fen(owed))} that are owed")
    in_order = sorted(claims, key=lambda claim: claim.voucher)
    shares = allocate(paid, [claim.face for claim in in_order])
    settlements: list[Settlement] = []
    for claim, share in zip(in_order, shares, strict=True):
        to_pledgee = min(share, claim.secured)
        for payee, amount in ((claim.pledgee, to_pledgee), (claim.holder, share - to_pledgee)):
            if amount:
                settlements.append(Settlement(claim.voucher, payee, Fen(amount)))
    return tuple(settlements)
