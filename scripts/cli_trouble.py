"""The commands for what goes wrong with a voucher: overdue, pledge and release, a court's freeze and its end.

Recourse is `transfer` and `split` with --overdue, a partial payment `pay assert` with --amount, an arbiter's decision
`pay award`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.agreements import Freeze, Pledge, Release, Unfreeze
from ledger.errors import Refusal
from ledger.money import Fen, parse_yuan, yuan
from ledger.payment import DeclareOverdue
from ledger.world import issuer_of, promise_of
from scripts.cli_command import Act, Saying
from scripts.cli_conduct import Wanted, deadline, label, present, require_text
from scripts.cli_installation import Office
from scripts.cli_options import UntilOption, VoucherArgument, amount_option, day, day_option

OrderOption = Annotated[
    str, typer.Option("--order", help="Number of the court order; only a salted hash goes on chain.")
]


def overdue(office: Office, voucher: VoucherArgument) -> Saying:
    """Declares a voucher overdue after due day and grace; anyone may, and nobody signs.

    Its issuer cannot issue until it is paid, and it can be passed back up the chain (transfer --overdue).

    \b
    Example:
      tallystick overdue P-2026-001
    """
    number = office.voucher(voucher)
    present(office, number)
    world = office.world()
    name, face = label(office, number), yuan(Fen(world.vouchers[number].face))
    promise = world.promises.get(promise_of(number))
    if promise is None:
        raise Refusal("VoucherEnded", {"voucher": number})  # its issue was revoked before it landed
    issuer = promise.issuer

    def said(_: Office) -> str:
        total = yuan(Fen(issuer_of(office.world(), issuer).overdue))
        return (
            f"Voucher {name} is overdue over {face} yuan; party {issuer} is overdue over {total} yuan in all."
        )

    question = (
        f"凭证 {name} 逾期，未付 {face} 元；付清前 {issuer} 号参与方不能再开立。",
        f"Voucher {name} is overdue, {face} yuan unpaid; until it is paid party {issuer} can issue nothing.",
    )
    return Saying(verb=DeclareOverdue(number), question=question, said=said)


def pledge(
    office: Office,
    voucher: VoucherArgument,
    holder: Annotated[str, typer.Option("--from", help="The holder.")],
    pledgee: Annotated[str, typer.Option("--to", help="The bank or factor that it is pledged to.")],
    secured: Annotated[str, amount_option("--secured", "Yuan, at most the face.")],
    filing: Annotated[
        str, typer.Option("--filing", help="Number of the filing; only a salted hash goes on chain.")
    ],
    end: Annotated[str, day_option("--end-day", "Last day; after it the holder can release it alone.")],
    valid_until: UntilOption = None,
) -> Act:
    """The holder pledges a voucher: it stays the holder's and cannot move, and the pledgee is paid first.

    \b
    Example:
      tallystick pledge P-2026-001 --from 5 --to 2 --secured 600000.00 --filing 4403-2026 --end-day 2026-12-31
    """
    number, giver, taker = (
        office.voucher(voucher),
        office.party(holder, "--from"),
        office.party(pledgee, "--to"),
    )
    agreement = Pledge(
        number,
        present(office, number),
        taker,
        parse_yuan(secured),
        office.dossier.reason(require_text(filing, "--filing")),
        day(end),
        deadline(office, valid_until),
    )
    return Act(
        wanted=Wanted(agreement=agreement, named=(giver, taker), options=("--from", "--to")),
        said=lambda _: (
            f"Voucher {label(office, number)} is pledged to party {taker} for {yuan(agreement.secured)} yuan."
        ),
        facts=lambda _: {"pledgee": int(taker), "secured_fen": agreement.secured},
    )


def release(
    office: Office,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="The pledgee; after the last day the holder too.")],
    valid_until: UntilOption = None,
) -> Act:
    """Ends a pledge: the pledgee at any time, the holder after the pledge's last day, not on the record day.

    \b
    Example:
      tallystick release P-2026-001 --by 2
    """
    number, party = office.voucher(voucher), office.party(by, "--by")
    agreement = Release(number, present(office, number), party, deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"The pledge of {label(office, number)} has ended.",
    )


def freeze(
    office: Office,
    voucher: VoucherArgument,
    order: OrderOption,
    until: Annotated[str, day_option("--until", "Last day of the freeze.")],
    valid_until: UntilOption = None,
) -> Act:
    """The registrar carries out a court order: the voucher cannot move through that day.

    \b
    Example:
      tallystick freeze P-2026-001 --order "(2026)粤03民初17号" --until 2026-12-31
    """
    number = office.voucher(voucher)
    hashed = office.dossier.order(require_text(order, "--order"))
    agreement = Freeze(number, hashed, day(until), deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"Voucher {label(office, number)} is frozen through {until}.",
    )


def unfreeze(
    office: Office, voucher: VoucherArgument, order: OrderOption, valid_until: UntilOption = None
) -> Act:
    """The registrar ends a freeze before its day, by an order of its own.

    \b
    Example:
      tallystick unfreeze P-2026-001 --order "(2026)粤03执17号"
    """
    number = office.voucher(voucher)
    hashed = office.dossier.order(require_text(order, "--order"))
    agreement = Unfreeze(number, hashed, deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"The freeze of {label(office, number)} has ended.",
    )
