"""The commands that make and move vouchers: issue, transfer, split, discount, rescind."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.agreements import (
    Discount,
    Issue,
    Part,
    Rescind,
    Split,
    Transfer,
)
from ledger.calendar import DayCount, check_tenor, date_of_day
from ledger.discount import Bearer, Fee, Quote, parse_share, price
from ledger.errors import InputError, Refusal
from ledger.members import Contract, parse_line
from ledger.money import Fen, parse_rate, parse_yuan, rate_text, yuan
from ledger.signing import child_id, root_id
from ledger.world import promise_of
from scripts.cli_command import Act
from scripts.cli_conduct import Wanted, deadline, judged, label, line_hint, present
from scripts.cli_installation import Office
from scripts.cli_options import (
    InvoiceOption,
    UntilOption,
    VoucherArgument,
    amount_option,
    day,
    day_option,
    invoices,
    line_option,
    naming,
    part,
    rate_option,
)

NO_HASH = bytes(32)


def issue(
    office: Office,
    issuer: Annotated[str, typer.Option("--issuer", help="Who promises to pay: number or name.")],
    supplier: Annotated[str, typer.Option("--supplier", help="Who is promised: number or name.")],
    line: Annotated[str, line_option("--line", "Credit line, such as 2-1.")],
    face: Annotated[str, amount_option("--face", "Amount in yuan.")],
    due: Annotated[str, day_option("--due", "Due day.")],
    invoice: InvoiceOption = None,
    number: Annotated[
        str | None, typer.Option("--number", help="Readable number; else the next free.")
    ] = None,
    smallest_part: Annotated[str | None, amount_option("--smallest-part", "Yuan; else the line's.")] = None,
    highest_tier: Annotated[
        int, typer.Option("--highest-tier", help="Hops from the issuer.", min=0, max=255)
    ] = 6,
    terms: Annotated[str, typer.Option("--terms", help="The terms; only a salted hash goes on chain.")] = "",
    reason: Annotated[str | None, typer.Option("--reason", help="Why the tenor is above 6 months.")] = None,
    valid_until: UntilOption = None,
) -> Act:
    """An issuer promises to pay a supplier, within its credit line.

    Issuer and supplier sign, and the bank where the line says so. Without --invoice the voucher's own number
    stands for one invoice over the face.

    \b
    Example:
      tallystick issue --issuer 4 --supplier 5 --line 2-1 --face 1000000.00 --due 2026-09-30 --invoice F-881=1000000.00
    """
    dossier, today = office.dossier, office.today
    payer, line_number, amount = office.party(issuer, "--issuer"), parse_line(line), parse_yuan(face)
    world = office.world()
    called = number or dossier.next_number(date_of_day(today).year, payer, world.invoice_uses)
    granted = world.lines.get(line_number)
    if granted is None:
        office.screen.hint = line_hint(office, line_number)
        raise Refusal("UnknownLine", {"line": line_number})
    agreement = Issue(
        issuer=payer,
        line=line_number,
        supplier=office.party(supplier, "--supplier"),
        face=amount,
        due_day=day(due),
        smallest_part=parse_yuan(smallest_part) if smallest_part else Fen(granted.smallest_part),
        highest_tier=highest_tier,
        terms=dossier.terms(called, terms or called),
        tenor_reason=dossier.reason(reason) if reason else NO_HASH,
        issuer_reference=dossier.reason(called),
        deadline=deadline(office, valid_until),
        invoices=invoices(dossier, payer, invoice or [f"{called}={face}"]),
    )
    made = root_id(agreement, office.domain(Contract.LEDGER))
    dossier.number_voucher(called, made, office.pin.ledger)
    wanted = Wanted(agreement=agreement, notes=(f"凭证编号 / voucher number: {called}",))
    _judge_tenor(office, wanted, reason)
    return Act(
        wanted=wanted,
        said=lambda _: f"Issued {called} over {yuan(amount)} yuan, due {due}.",
        facts=lambda _: {"number": called, "voucher": f"0x{made:064x}"},
    )


def _judge_tenor(office: Office, wanted: Wanted, reason: str | None) -> None:
    """The contract's rule first, with its facts; then the calendar's, which is stricter."""
    judged(office, wanted)
    agreement = wanted.agreement
    assert isinstance(agreement, Issue)
    check_tenor(date_of_day(office.today), date_of_day(agreement.due_day), reason=reason)


def transfer(
    office: Office,
    voucher: VoucherArgument,
    giver: Annotated[str, typer.Option("--from", help="The holder.")],
    to: Annotated[str, typer.Option("--to", help="The recipient.")],
    invoice: InvoiceOption = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Accept an overdue voucher (recourse).")] = False,
    valid_until: UntilOption = None,
) -> Act:
    """The holder passes the whole voucher on; holder and recipient sign.

    \b
    Example:
      tallystick transfer P-2026-001 --from 5 --to 6
    """
    number = office.voucher(voucher)
    holder, recipient = office.party(giver, "--from"), office.party(to, "--to")
    agreement = Transfer(
        number,
        present(office, number),
        recipient,
        overdue,
        deadline(office, valid_until),
        invoices(office.dossier, holder, invoice),
    )
    wanted = Wanted(agreement=agreement, named=(holder, recipient), options=("--from", "--to"))
    return Act(
        wanted=wanted,
        said=lambda _: f"Voucher {label(office, number)} now belongs to party {recipient}.",
        facts=lambda _: {"holder": int(recipient)},
    )


def split(
    office: Office,
    voucher: VoucherArgument,
    giver: Annotated[str, typer.Option("--from", help="The holder.")],
    parts: Annotated[list[str], typer.Option("--part", help="PARTY=AMOUNT; repeat for up to 20 parts.")],
    invoice: InvoiceOption = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Accept an overdue voucher (recourse).")] = False,
    valid_until: UntilOption = None,
) -> Act:
    """The holder passes parts on and keeps the rest; holder and all recipients sign.

    \b
    Example:
      tallystick split P-2026-001 --from 5 --part 6=250000.00 --part 7=100000.00
    """
    dossier = office.dossier
    number, holder = office.voucher(voucher), office.party(giver, "--from")
    given = [part(dossier, text) for text in parts]
    sequence = present(office, number)
    agreement = Split(
        number,
        sequence,
        overdue,
        deadline(office, valid_until),
        tuple(Part(party, amount) for party, amount in given),
        invoices(dossier, holder, invoice),
    )
    called, made = _number_parts(office, agreement)
    wanted = Wanted(
        agreement=agreement,
        named=(holder, *(party for party, _ in given)),
        options=("--from", *("--part" for _ in given)),
        notes=made,
    )

    def rest() -> Fen:
        return Fen(office.world().vouchers[number].face)

    return Act(
        wanted=wanted,
        said=lambda _: f"Split off {', '.join(called)}; {yuan(rest())} yuan stay in {label(office, number)}.",
        facts=lambda _: {"parts": called, "rest_fen": rest()},
    )


def _number_parts(office: Office, agreement: Split) -> tuple[dict[str, str], tuple[str, ...]]:
    """Readable numbers of the parts, behind that of their voucher: P-2026-001/3."""
    dossier, known = office.dossier, label(office, agreement.voucher)
    taken, place = set(dossier.numbers.values()), 1
    called: dict[str, str] = {}
    notes = []
    for at, each in enumerate(agreement.parts):
        child = child_id(agreement.voucher, agreement.sequence, at)
        if known.startswith("0x"):
            continue
        while f"{known}/{place}" in taken:
            place += 1
        name = dossier.numbers.get(child) or f"{known}/{place}"  # one that was never sent keeps its number
        if name not in taken:
            taken.add(name)
            dossier.number_voucher(name, child, office.pin.ledger)
        called[name] = f"0x{child:064x}"
        notes.append(f"{name}: {yuan(each.face)} 元 → {each.recipient}")
    return called, tuple(notes)


def discount(
    office: Office,
    voucher: VoucherArgument,
    seller: Annotated[str, typer.Option("--seller", help="The holder.")],
    funder: Annotated[str, typer.Option("--funder", help="The bank or factor that buys.")],
    rate: Annotated[str, rate_option("--rate", "Percent a year, such as 3.60.")],
    value_day: Annotated[str, day_option("--value-day", "Day of the money.")],
    pay_by: Annotated[str | None, day_option("--pay-by", "Last day to pay; else the value day.")] = None,
    basis: Annotated[str, typer.Option("--basis", help="ACT/360, ACT/365 or 30/360.")] = "ACT/360",
    recourse: Annotated[bool, typer.Option("--recourse/--no-recourse", help="Who loses if unpaid.")] = False,
    fee_basis_points: Annotated[
        int, typer.Option("--fee-bp", help="Fee, basis points of the face.", min=0)
    ] = 0,
    fee_minimum: Annotated[str, amount_option("--fee-minimum", "Lowest fee in yuan.")] = "0.00",
    bearer: Annotated[str, typer.Option("--bearer", help="Who bears interest: supplier, issuer, shared.")] = (
        "supplier"
    ),
    issuer_share: Annotated[
        str | None, typer.Option("--issuer-share", help="Percent of shared interest, such as 40.")
    ] = None,
    issuer_ceiling: Annotated[
        str | None, amount_option("--issuer-ceiling", "Most interest the issuer signed for, yuan.")
    ] = None,
    valid_until: UntilOption = None,
) -> Act:
    """The holder sells a voucher to a funder at a quote; both sign, and it is locked until it is paid.

    Only the quote's salted hash goes on chain; the quote itself is kept in the dossier.

    \b
    Example:
      tallystick discount P-2026-001 --seller 5 --funder 2 --rate 3.60 --value-day 2026-04-15
    """
    dossier = office.dossier
    number = office.voucher(voucher)
    holder, buyer = office.party(seller, "--seller"), office.party(funder, "--funder")
    sequence = present(office, number)
    world = office.world()
    face = Fen(world.vouchers[number].face)
    if face == 0:
        raise Refusal("VoucherEnded", {"voucher": number})
    quote = Quote(
        recourse=recourse,
        funder=buyer,
        rate=parse_rate(rate),
        basis=_basis(basis),
        value_day=day(value_day),
        due_day=world.promises[promise_of(number)].due_day,
        fee=Fee(fee_basis_points, parse_yuan(fee_minimum)),
        bearer=_bearer(bearer),
        issuer_share=naming("--issuer-share", parse_share, issuer_share) if issuer_share else 0,
        issuer_ceiling=parse_yuan(issuer_ceiling) if issuer_ceiling else None,
    )
    priced = price(face, quote)
    agreement = Discount(
        number,
        sequence,
        buyer,
        dossier.quote(quote, priced, number, contract=office.pin.ledger),
        day(pay_by or value_day),
        deadline(office, valid_until),
    )
    terms = f"{rate_text(quote.rate)} %, {quote.basis.value}, {priced.days} d"
    notes = (
        f"面额 / face {yuan(priced.face)}，利息 / interest {yuan(priced.interest)} ({terms})，"
        f"手续费 / fee {yuan(priced.fee)}",
        f"供应商实得 / proceeds {yuan(priced.proceeds)}，追索 / recourse: {'yes' if recourse else 'no'}",
    )
    wanted = Wanted(agreement=agreement, named=(holder, buyer), options=("--seller", "--funder"), notes=notes)
    return Act(
        wanted=wanted,
        said=lambda _: (
            f"Sold {label(office, number)} to party {buyer} for {yuan(priced.proceeds)} yuan; locked until paid."
        ),
        facts=lambda _: {"proceeds_fen": priced.proceeds, "interest_fen": priced.interest},
    )


def _basis(text: str) -> DayCount:
    for each in DayCount:
        if text == each.value:
            return each
    raise InputError(f"--basis {text!r} is none of {', '.join(each.value for each in DayCount)}")


def _bearer(text: str) -> Bearer:
    for each in Bearer:
        if text == each.value:
            return each
    raise InputError(f"--bearer {text!r} is none of {', '.join(each.value for each in Bearer)}")


def rescind(
    office: Office,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="Funder or holder.")],
    valid_until: UntilOption = None,
) -> Act:
    """Ends a discount that was not paid: the funder at any time, the holder from the second day after pay-by.

    \b
    Example:
      tallystick rescind P-2026-001 --by 2
    """
    number, party = office.voucher(voucher), office.party(by, "--by")
    agreement = Rescind(number, present(office, number), party, deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"The discount of {label(office, number)} has ended.",
    )
