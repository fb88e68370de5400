"""The payment commands: assert, confirm, contest, withdraw, complete. The ledger never moves money; it records who
said that it was moved, and who agreed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.agreements import (
    Agreement,
    AssertPayment,
    ConfirmPayment,
    ContestPayment,
    PartyNumber,
    Purpose,
    VoucherId,
    WithdrawPayment,
)
from ledger.calendar import date_of_day
from ledger.errors import InputError
from ledger.money import Fen, parse_yuan, shown, yuan
from ledger.payment import silence_from
from ledger.world import Lock, promise_of
from scripts.cli_conduct import Wanted, complete, conduct, deadline, label, present, require_text
from scripts.cli_envelope import saver
from scripts.cli_installation import Office, opened
from scripts.cli_options import (
    HERE,
    DirectoryOption,
    JsonOption,
    NodeOption,
    SaveOption,
    UntilOption,
    VoucherArgument,
    YesOption,
    day,
    screen_of,
)

app = typer.Typer(
    help="Payments: asserted by who paid, then confirmed, contested or completed by silence.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("assert")
def assert_(
    ctx: typer.Context,
    voucher: VoucherArgument,
    purpose: Annotated[str, typer.Option("--for", help="disbursement or settlement.")],
    by: Annotated[str, typer.Option("--by", help="Who paid: the funder, or the line's bank.")],
    reference: Annotated[str, typer.Option("--reference", help="The bank's reference, as on the statement.")],
    agreed: Annotated[
        bool, typer.Option("--agreed", help="The payee signs too: it takes effect now.")
    ] = False,
    payee: Annotated[str | None, typer.Option("--payee", help="Else the holder.")] = None,
    amount: Annotated[str | None, typer.Option("--amount", help="Yuan; else the face, or 0.00.")] = None,
    value_day: Annotated[str | None, typer.Option("--value-day", help="YYYY-MM-DD; else today.")] = None,
    valid_until: UntilOption = None,
    save: SaveOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Who paid says so: the funder of a discount (disbursement), or the line's bank (settlement).

    The voucher locks until the payee confirms or contests, or its silence has lasted as long as the line's
    window. With --agreed the payee signs the same agreement and it takes effect at once.

    \b
    Example:
      tallystick pay assert P-2026-001 --for settlement --by 2 --reference DF-2026-0930 --agreed
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        dossier, number = office.dossier, office.dossier.voucher(voucher)
        sequence = present(office, number)
        known = office.world().vouchers[number]
        kind = _purpose(purpose)
        face = Fen(known.face if kind is Purpose.SETTLEMENT else 0)
        agreement = AssertPayment(
            number,
            sequence,
            kind,
            dossier.party(payee) if payee else known.holder,
            parse_yuan(amount) if amount else face,
            day(value_day) if value_day else office.today,
            dossier.reference(require_text(reference, "the payment reference")),
            deadline(office, valid_until),
        )
        asserter = dossier.party(by)
        named: tuple[PartyNumber, ...] = (asserter, agreement.payee) if agreed else (asserter,)
        if agreed and _needs_three(office, agreement):
            named = (asserter, known.holder, known.funder)
        wanted = Wanted(agreement=agreement, named=named, consents=len(named))
        happened = conduct(office, wanted, yes=yes, save=saver(office, save))
        if happened is not None:
            office.screen.say(_standing(office, number))
            office.screen.answer({**happened.facts(), "reference": reference})


def _needs_three(office: Office, agreement: AssertPayment) -> bool:
    """From the due day on an unfinished disbursement takes bank, holder and funder."""
    world = office.world()
    known = world.vouchers[agreement.voucher]
    due = office.today >= world.promises[promise_of(agreement.voucher)].due_day
    unfinished = Lock.DISCOUNT | Lock.PAYMENT
    return agreement.purpose is Purpose.SETTLEMENT and due and known.locks & unfinished == unfinished


def _purpose(text: str) -> Purpose:
    for each in Purpose:
        if text == each.name.lower():
            return each
    raise InputError(f"purpose {shown(text)} is neither disbursement nor settlement")


@app.command()
def confirm(
    ctx: typer.Context,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="The payee.")],
    valid_until: UntilOption = None,
    save: SaveOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """The payee has the money: the payment is completed.

    \b
    Example:
      tallystick pay confirm P-2026-001 --by 5
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        number = office.dossier.voucher(voucher)
        agreement = ConfirmPayment(number, present(office, number), deadline(office, valid_until))
        _answer(office, agreement, by=office.dossier.party(by), yes=yes, save=save, voucher=number)


@app.command()
def contest(
    ctx: typer.Context,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="The payee.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; only a salted hash goes on chain.")],
    valid_until: UntilOption = None,
    save: SaveOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """The payee does not have the money: silence never completes this payment any more.

    \b
    Example:
      tallystick pay contest P-2026-001 --by 5 --reason "nothing has arrived"
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        number, party = office.dossier.voucher(voucher), office.dossier.party(by)
        why = office.dossier.reason(require_text(reason, "the reason"))
        agreement = ContestPayment(number, present(office, number), party, why, deadline(office, valid_until))
        _answer(office, agreement, by=party, yes=yes, save=save, voucher=number)


@app.command()
def withdraw(
    ctx: typer.Context,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="Who asserted it.")],
    valid_until: UntilOption = None,
    save: SaveOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Who asserted a payment takes it back, because the money came back or was never sent.

    \b
    Example:
      tallystick pay withdraw P-2026-001 --by 2
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        number = office.dossier.voucher(voucher)
        agreement = WithdrawPayment(number, present(office, number), deadline(office, valid_until))
        _answer(office, agreement, by=office.dossier.party(by), yes=yes, save=save, voucher=number)


@app.command("complete")
def complete_(
    ctx: typer.Context,
    voucher: VoucherArgument,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Completes a payment after the payee's silence; anyone may, and nobody signs.

    \b
    Example:
      tallystick pay complete P-2026-001
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        number = office.dossier.voucher(voucher)
        happened = complete(office, number)
        office.screen.say(_standing(office, number))
        office.screen.answer(happened.facts())


def _answer(
    office: Office,
    agreement: Agreement,
    *,
    by: PartyNumber,
    yes: bool,
    save: Path | None,
    voucher: VoucherId,
) -> None:
    wanted = Wanted(agreement=agreement, named=(by,))
    happened = conduct(office, wanted, yes=yes, save=saver(office, save))
    if happened is not None:
        office.screen.say(_standing(office, voucher))
        office.screen.answer(happened.facts())


def _standing(office: Office, number: VoucherId) -> str:
    """How the voucher stands now, in a sentence."""
    world = office.world()
    known, name = world.vouchers[number], label(office, number)
    if known.face == 0:
        return f"Voucher {name} is paid: nothing is owed on it any more."
    payment = world.payments.get(number)
    if payment is None:
        return f"No payment is under way on {name}; party {known.holder} holds {yuan(Fen(known.face))} yuan."
    if payment.contested_on:
        return f"The payment on {name} is contested since {date_of_day(payment.contested_on)}."
    silence = silence_from(world, number, payment)
    until = f"; silence completes it from {date_of_day(silence)} on" if silence is not None else ""
    return f"A payment on {name} is asserted: party {payment.payee} confirms or contests{until}."
