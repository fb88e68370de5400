"""The payment commands: assert, confirm, contest, withdraw, award, complete.

The ledger never moves money; it records who said that it was moved, and who agreed.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.agreements import (
    Agreement,
    AssertPayment,
    Award,
    ConfirmPayment,
    ContestPayment,
    PartyNumber,
    Purpose,
    VoucherId,
    WithdrawPayment,
)
from ledger.calendar import date_of_day
from ledger.errors import InputError, Refusal
from ledger.money import Fen, parse_yuan, shown, yuan
from ledger.payment import CompletePayment, silence_from
from ledger.world import Lock, Voucher, promise_of
from scripts.cli_command import Act, Saying, saying, signing
from scripts.cli_conduct import Wanted, deadline, label, present, require_text
from scripts.cli_installation import Office
from scripts.cli_options import UntilOption, VoucherArgument, amount_option, day, day_option

app = typer.Typer(
    help="Payments: asserted by who paid, then confirmed, contested or completed by silence.\n\n"
    "\b\nExample:\n  tallystick pay confirm P-2026-001 --by 5",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def assert_(
    office: Office,
    voucher: VoucherArgument,
    purpose: Annotated[str, typer.Option("--for", help="disbursement or settlement.")],
    by: Annotated[str, typer.Option("--by", help="Who paid: the funder, or the line's bank.")],
    reference: Annotated[str, typer.Option("--reference", help="The bank's reference, as on the statement.")],
    agreed: Annotated[
        bool, typer.Option("--agreed", help="The payee signs too: it takes effect now.")
    ] = False,
    payee: Annotated[str | None, typer.Option("--payee", help="Else the pledgee, or the holder.")] = None,
    amount: Annotated[
        str | None, amount_option("--amount", "Yuan; else all that is payable, or 0.00 for a disbursement.")
    ] = None,
    value_day: Annotated[str | None, day_option("--value-day", "Day of the money; else today.")] = None,
    valid_until: UntilOption = None,
) -> Act:
    """Who paid says so: the funder of a discount (disbursement), or the line's bank (settlement).

    The voucher locks until the payee confirms or contests, or its silence has lasted as long as the line's
    window. With --agreed the payee signs the same agreement and it takes effect at once. From the due day on
    --amount may be less than the face: the rest stays owed. A pledged voucher is paid in two: the pledgee first,
    up to the secured sum, then the holder.

    \b
    Example:
      tallystick pay assert P-2026-001 --for settlement --by 2 --reference DF-2026-0930 --amount 400000.00 --agreed
    """
    number = office.voucher(voucher)
    sequence = present(office, number)
    world = office.world()
    known, kind, pledge = world.vouchers[number], _purpose(purpose), world.pledges.get(number)
    payable, to = Fen(known.face), known.holder
    if kind is Purpose.DISBURSEMENT:
        payable = Fen(0)
    elif pledge is not None:
        payable, to = Fen(pledge.secured), pledge.pledgee
    valued = day(value_day) if value_day else office.today
    promise = world.promises.get(promise_of(number))
    if promise is None:
        raise Refusal("VoucherEnded", {"voucher": number})  # its issue was revoked before it landed
    if valued < promise.issued_on:
        raise InputError(
            f"--value-day: {date_of_day(valued)} is before {label(office, number)} was issued, on "
            f"{date_of_day(promise.issued_on)}: give the day on which the money moved"
        )
    agreement = AssertPayment(
        number,
        sequence,
        kind,
        office.party(payee, "--payee") if payee else to,
        parse_yuan(amount) if amount else payable,
        valued,
        office.dossier.reference(require_text(reference, "--reference")),
        deadline(office, valid_until),
    )
    asserter = office.party(by, "--by")
    named = _all_who_agree(office, agreement, known, by=asserter) if agreed else (asserter,)
    notes: tuple[str, ...] = ()
    if kind is Purpose.SETTLEMENT and not agreed and valued < promise.due_day:
        due = date_of_day(promise.due_day)
        notes = (f"注意：起息日早于到期日 {due} / note: the value day is before the due day, {due}",)
    return Act(
        wanted=Wanted(
            agreement=agreement,
            named=named,
            options=("--by", "--payee"),
            consents=len(named),
            notes=notes,
        ),
        said=lambda _: _standing(office, number),
        facts=lambda _: {"reference": reference, "face_fen": office.world().vouchers[number].face},
    )


def _all_who_agree(
    office: Office, agreement: AssertPayment, known: Voucher, *, by: PartyNumber
) -> tuple[PartyNumber, ...]:
    """Who signs with the asserter: the payee; the holder too of a pledged voucher; holder and funder of a
    disbursement that is unfinished on the due day."""
    if agreement.purpose is Purpose.DISBURSEMENT:
        return by, agreement.payee
    due = office.today >= office.world().promises[promise_of(agreement.voucher)].due_day
    unfinished = Lock.DISCOUNT | Lock.PAYMENT
    if due and known.locks & unfinished == unfinished:
        return by, known.holder, known.funder
    return (by, agreement.payee, known.holder) if known.locks & Lock.PLEDGE else (by, agreement.payee)


def _purpose(text: str) -> Purpose:
    for each in Purpose:
        if text == each.name.lower():
            return each
    raise InputError(f"--for: purpose {shown(text)} is neither disbursement nor settlement")


def confirm(
    office: Office,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="The payee.")],
    valid_until: UntilOption = None,
) -> Act:
    """The payee has the money: the payment is completed. Where the payee is the pledgee the holder signs too.

    \b
    Example:
      tallystick pay confirm P-2026-001 --by 5
    """
    number, payee = office.voucher(voucher), office.party(by, "--by")
    agreement = ConfirmPayment(number, present(office, number), deadline(office, valid_until))
    world = office.world()
    payment, holder = world.payments.get(number), world.vouchers[number].holder
    pledged = payment is not None and payment.payee == payee != holder
    return _answer(office, agreement, named=(payee, holder) if pledged else (payee,), voucher=number)


def contest(
    office: Office,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="The payee, or the holder of a pledged voucher.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; only a salted hash goes on chain.")],
    valid_until: UntilOption = None,
) -> Act:
    """The payee does not have the money: silence never completes this payment any more.

    \b
    Example:
      tallystick pay contest P-2026-001 --by 5 --reason "nothing has arrived"
    """
    number, party = office.voucher(voucher), office.party(by, "--by")
    why = office.dossier.reason(require_text(reason, "--reason"))
    agreement = ContestPayment(number, present(office, number), party, why, deadline(office, valid_until))
    return _answer(office, agreement, named=(party,), voucher=number)


def withdraw(
    office: Office,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="Who asserted it.")],
    valid_until: UntilOption = None,
) -> Act:
    """Who asserted a payment takes it back, because the money came back or was never sent.

    \b
    Example:
      tallystick pay withdraw P-2026-001 --by 2
    """
    number = office.voucher(voucher)
    agreement = WithdrawPayment(number, present(office, number), deadline(office, valid_until))
    return _answer(office, agreement, named=(office.party(by, "--by"),), voucher=number)


def award(
    office: Office,
    voucher: VoucherArgument,
    arbiter: Annotated[str, typer.Option("--arbiter", help="Who decides with the registrar.")],
    paid: Annotated[bool, typer.Option("--paid/--not-paid", help="What they have found.")],
    ruling: Annotated[str, typer.Option("--ruling", help="Its number; only a salted hash goes on chain.")],
    valid_until: UntilOption = None,
) -> Act:
    """Registrar and arbiter end a contest, from the thirtieth day after it on: it was paid, or it was not.

    \b
    Example:
      tallystick pay award P-2026-001 --arbiter 9 --not-paid --ruling "SAC-2026-17"
    """
    number = office.voucher(voucher)
    agreement = Award(
        number,
        present(office, number),
        office.party(arbiter, "--arbiter"),
        paid,
        office.dossier.reason(require_text(ruling, "--ruling")),
        deadline(office, valid_until),
    )
    return Act(wanted=Wanted(agreement=agreement), said=lambda _: _standing(office, number))


def complete(office: Office, voucher: VoucherArgument) -> Saying:
    """Completes a payment after the payee's silence; anyone may, and nobody signs.

    \b
    Example:
      tallystick pay complete P-2026-001
    """
    number = office.voucher(voucher)
    return Saying(verb=CompletePayment(number), question=(), said=lambda _: _standing(office, number))


def _answer(
    office: Office, agreement: Agreement, *, named: tuple[PartyNumber, ...], voucher: VoucherId
) -> Act:
    return Act(
        wanted=Wanted(agreement=agreement, named=named, options=("--by",)),
        said=lambda _: _standing(office, voucher),
    )


def _standing(office: Office, number: VoucherId) -> str:
    """How the voucher stands now, in a sentence."""
    world = office.world()
    known, name = world.vouchers[number], label(office, number)
    if known.face == 0:
        return f"Voucher {name} is paid: nothing is owed on it any more."
    payment = world.payments.get(number)
    if payment is None:
        owed = f"party {known.holder} holds {yuan(Fen(known.face))} yuan"
        secured = world.pledges.get(number)
        pledged = (
            f", pledged to party {secured.pledgee} for {yuan(Fen(secured.secured))} yuan" if secured else ""
        )
        return f"No payment is under way on {name}; {owed}{pledged}."
    if payment.contested_on:
        return f"The payment on {name} is contested since {date_of_day(payment.contested_on)}."
    silence = silence_from(world, number, payment)
    until = f"; silence completes it from {date_of_day(silence)} on" if silence is not None else ""
    return f"A payment on {name} is asserted: party {payment.payee} confirms or contests{until}."


for name, verb in (
    ("assert", assert_),
    ("confirm", confirm),
    ("contest", contest),
    ("withdraw", withdraw),
    ("award", award),
):
    app.command(name)(signing(verb))
app.command("complete")(saying(complete, asks=False))
