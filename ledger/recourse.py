"""What a voucher costs when it goes back to who passed it on.

    recourse    an overdue voucher, tier by tier up the chain of its sellers
    buy_back    a discounted voucher before its due day

The rule of recourse: who takes the voucher back pays what the issuer would have had to pay on that day: the face that
is still owed, and late interest from the day after the due day on all that was paid late (`late_interest.py`). The
price of the earlier sale plays no part: what a discount cost was the price of time that has passed. The rule of the
buy-back: the seller pays the face less the interest that the funder has not earned yet, counted on the quote's own
day count; the fee is not given back. Only the voucher moves on chain; these sums move at banks.

Whether somebody has to take a voucher back is for the contracts between them; here only a quote without recourse is
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ledger.agreements import PartyNumber
from ledger.calendar import Day, DayCount, date_of_day, days_between
from ledger.discount import Part, Quote, half_up
from ledger.errors import InputError
from ledger.late_interest import LateRate, Receipt, late_interest
from ledger.money import Fen, allocate, yuan


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Who takes the voucher back, on which day, and the late interest agreed with who gives it back.

    `rate` None: nothing was agreed, so that it is the statute's.
    """

    party: PartyNumber
    on: Day
    rate: LateRate | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One step up the chain: `payer` takes the voucher and pays `face` + `interest` = `amount` (fen) to `payee`."""

    payer: PartyNumber
    payee: PartyNumber
    on: Day
    face: Fen
    interest: Fen
    amount: Fen


@dataclass(frozen=True, slots=True)
class Net:
    """What recourse comes to for one party, in fen.

    `from_issuer` came while the voucher was the party's, `from_next` when it gave the voucher back, `paid` when it
    took it. `net` = from_issuer + from_next - paid.
    """

    party: PartyNumber
    from_issuer: Fen
    from_next: Fen
    paid: Fen
    net: Fen


@dataclass(frozen=True, slots=True)
class Recourse:
    """The way back. The nets of all parties add up to what the issuer has paid up to the last hop.

    `left` is the face that the last party is still owed by the issuer.
    """

    hops: tuple[Hop, ...]
    nets: tuple[Net, ...]
    left: Fen


def recourse(
    face: Fen,
    due_day: Day,
    *,
    holder: PartyNumber,
    back_to: Sequence[TakeBack],
    receipts: Sequence[Receipt] = (),
    quote: Quote | None = None,
) -> Recourse:
    """What each party pays and gets when an overdue voucher goes back from its holder, tier by tier.

    `receipts` are what the issuer has paid of the face; one on a hop's own day still belongs to who gives the voucher
    back, one after the last hop is left out. `quote` is the one under which a funder holds it. Each hop's late
    interest rounds half a fen up, which favours who gives back. InputError for a day on or before the due day, hops
    out of order, a party that appears twice, no hop, nothing left to take back, a quote without recourse or of
    another funder, and what `late_interest` refuses.
    """
    _require_way_back(due_day, holder, back_to)
    if quote is not None and (not quote.recourse or quote.funder != holder):
        raise InputError(
            f"party {holder} bought without recourse: it has no claim on the seller"
            if quote.funder == holder
            else f"the quote is of funder {quote.funder}, the holder is party {holder}"
        )
    hops = tuple(
        _hop(face, due_day, payee=payee, taking=taking, receipts=receipts)
        for payee, taking in zip(
            (holder, *(each.party for each in back_to[:-1])),
            back_to,
            strict=True,
        )
    )
    last = back_to[-1].on
    nets = tuple(_net(party, hops, receipts) for party in (holder, *(each.party for each in back_to)))
    left = Fen(face - sum(each.amount for each in receipts if each.value_day <= last))
    return Recourse(hops, nets, left)


def _require_way_back(due_day: Day, holder: PartyNumber, back_to: Sequence[TakeBack]) -> None:
    if not back_to:
        raise InputError("name at least one party that takes the voucher back")
    if back_to[0].on <= due_day:
        raise InputError(
            f"{date_of_day(back_to[0].on)} is not after the due day {date_of_day(due_day)}: before it a voucher is "
            "bought back, not taken back as overdue"
        )
    for before, after in pairwise(back_to):
        if after.on < before.on:
            raise InputError(
                f"party {after.party} cannot take the voucher back on {date_of_day(after.on)}, before party "
                f"{before.party} has it on {date_of_day(before.on)}"
            )
    parties = [holder, *(each.party for each in back_to)]
    twice = next((party for party in parties if parties.count(party) > 1), None)
    if twice is not None:
        raise InputError(f"party {twice} is in the way back twice: a voucher goes back to each tier once")


def _hop(
    face: Fen, due_day: Day, *, payee: PartyNumber, taking: TakeBack, receipts: Sequence[Receipt]
) -> Hop:
    late = late_interest(face, due_day, as_of=taking.on, receipts=receipts, rate=taking.rate)
    if late.left == 0:
        raise InputError(
            f"the face of {yuan(face)} yuan was paid by {date_of_day(taking.on)}: nothing is left"
        )
    return Hop(taking.party, payee, taking.on, late.left, late.interest, Fen(late.left + late.interest))


def _net(party: PartyNumber, hops: Sequence[Hop], receipts: Sequence[Receipt]) -> Net:
    taken = next((hop for hop in hops if hop.payer == party), None)
    given = next((hop for hop in hops if hop.payee == party), None)
    until = hops[-1].on if given is None else given.on
    from_issuer = sum(
        each.amount
        for each in receipts
        if each.value_day <= until and (taken is None or each.value_day > taken.on)
    )
    from_next = 0 if given is None else given.amount
    paid = 0 if taken is None else taken.amount
    return Net(party, Fen(from_issuer), Fen(from_next), Fen(paid), Fen(from_issuer + from_next - paid))


@dataclass(frozen=True, slots=True)
class BuyBack:
    """A discount undone before the due day, in fen.

    earned + unearned = the part's interest. Of the unearned interest `to_supplier` is taken off what the seller pays
    and `to_issuer` goes back to the issuer: `seller_pays` = face - to_supplier. Days on `basis`.
    """

    basis: DayCount
    days_held: int
    days_left: int
    earned: Fen
    unearned: Fen
    to_supplier: Fen
    to_issuer: Fen
    seller_pays: Fen


def buy_back(part: Part, quote: Quote, on: Day) -> BuyBack:
    """What the seller pays the funder for a voucher that it takes back before the due day.

    `part` is the voucher's own price, alone or out of its lot. earned = interest x days held / days, half a fen up,
    which favours the funder, as in `price`; the unearned rest goes back to who bore the interest, by largest
    remainder, the supplier first among equal fractions. InputError for a day before the quote's value day, and for
    the due day or a later one.
    """
    if not quote.value_day <= on < quote.due_day:
        raise InputError(
            f"a buy-back on {date_of_day(on)} is not between the value day {date_of_day(quote.value_day)} and the "
            f"day before the due day {date_of_day(quote.due_day)}"
        )
    total = days_between(quote.value_day, quote.due_day, quote.basis)
    held = days_between(quote.value_day, on, quote.basis)
    earned = half_up(part.interest * held, total) if total else Fen(0)
    unearned = Fen(part.interest - earned)
    shares = (part.supplier_interest, part.issuer_interest)
    to_supplier, to_issuer = allocate(unearned, shares) if part.interest else shares
    return BuyBack(
        basis=quote.basis,
        days_held=held,
        days_left=total - held,
        earned=earned,
        unearned=unearned,
        to_supplier=to_supplier,
        to_issuer=to_issuer,
        seller_pays=Fen(part.face - to_supplier),
    )
