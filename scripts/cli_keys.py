"""The commands about parties and their signers: admit, suspend, rekey, and the recovery of a lost key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.agreements import (
    Admit,
    FinishRekey,
    PartyNumber,
    ProposeRekey,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.calendar import date_of_day
from ledger.errors import InputError, Refusal
from ledger.money import shown
from ledger.world import Party, Role
from scripts.cli_command import Act
from scripts.cli_conduct import Wanted, deadline, require_text, signer_of
from scripts.cli_installation import Office
from scripts.cli_options import UntilOption
from scripts.cli_signer import (
    AddressOption,
    AuthorityOption,
    CertificateOption,
    Choice,
    KeepOption,
    KeyOption,
    NewSigner,
    PublicKeyOption,
    SignatureGasOption,
    new_signer,
)

PartyArgument = Annotated[str, typer.Argument(help="Number or name.", metavar="PARTY")]


def admit(
    office: Office,
    name: Annotated[str, typer.Argument(help="The registered name.", metavar="NAME")],
    code: Annotated[str, typer.Option("--code", help="Unified social credit code, 18 characters.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="issuer, bank, funder or arbiter; none: a holder.")
    ] = None,
    sponsor: Annotated[str, typer.Option("--sponsor", help="The sponsor bank: number or name.")] = "2",
    party: Annotated[
        int | None, typer.Option("--party", help="Its number; else the next free one.", min=1, max=2**32 - 1)
    ] = None,
    key: KeyOption = None,
    keep: KeepOption = False,
    public_key: PublicKeyOption = None,
    certificate: CertificateOption = None,
    authority: AuthorityOption = None,
    address: AddressOption = None,
    signature_gas: SignatureGasOption = 0,
    valid_until: UntilOption = None,
) -> Act:
    """The registrar admits a party that a bank sponsors. Without a key, certificate or address a wallet key is drawn
    and sealed here.

    Name and code stay in the dossier: only a salted hash of them goes on chain.

    \b
    Example:
      tallystick admit "青峰制造" --role issuer --code 91350100M000100Y43
    """
    number = PartyNumber(party) if party is not None else PartyNumber(max(office.world().parties) + 1)
    bank = office.party(sponsor, "--sponsor")
    profile = office.dossier.name_party(number, name, code)
    office.screen.names = office.dossier.names
    signer = _signer(
        office,
        number,
        (key, keep),
        public=(public_key, certificate, authority),
        wallet=(address, signature_gas),
    )
    agreement = Admit(
        number,
        _roles(role or []),
        bank,
        signer.signature_gas,
        profile,
        deadline(office, valid_until),
        signer.encoded,
    )
    return Act(
        wanted=Wanted(agreement=agreement, new_signer=signer),
        said=lambda _: f"Admitted {name} as party {number}.",
        facts=lambda _: {"party": int(number), "signer": signer.address},
    )


def _signer(
    office: Office,
    party: PartyNumber,
    private: tuple[Path | None, bool],
    *,
    public: tuple[Path | None, Path | None, list[Path] | None],
    wallet: tuple[str | None, int],
) -> NewSigner:
    choice = Choice(
        key=private[0],
        keep=private[1],
        public_key=public[0],
        certificate=public[1],
        authorities=public[2] or (),
        address=wallet[0],
        signature_gas=wallet[1],
    )
    return new_signer(choice, party, office.world(), at=office.now())


def _roles(given: list[str]) -> int:
    bits = 0
    for text in given:
        known = {role.name.lower(): role for role in Role if role.name}
        if text not in known:
            raise InputError(f"--role: role {shown(text)} is none of {', '.join(known)}")
        bits |= int(known[text])
    return bits


def suspend(
    office: Office,
    party: PartyArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; only a salted hash goes on chain.")],
    reinstate: Annotated[bool, typer.Option("--end", help="End the suspension instead.")] = False,
    valid_until: UntilOption = None,
) -> Act:
    """The registrar suspends a party (it can no longer issue, receive or pass on), or with --end reinstates it.

    \b
    Example:
      tallystick suspend 6 --reason "licence revoked"
    """
    number, known = _known(office, party)
    why = office.dossier.reason(require_text(reason, "--reason"))
    kind = Reinstate if reinstate else Suspend
    return Act(
        wanted=Wanted(agreement=kind(number, known.sequence, why, deadline(office, valid_until))),
        said=lambda _: f"Party {number} is {'reinstated' if reinstate else 'suspended'}.",
    )


# A signer is replaced


def rekey(
    office: Office,
    party: PartyArgument,
    key: KeyOption = None,
    keep: KeepOption = False,
    public_key: PublicKeyOption = None,
    certificate: CertificateOption = None,
    authority: AuthorityOption = None,
    address: AddressOption = None,
    signature_gas: SignatureGasOption = 0,
    valid_until: UntilOption = None,
) -> Act:
    """A party hands over from its signer to a new one, at once; both sign. The old one is never taken again.

    \b
    Example:
      tallystick rekey 5 --certificate yunshan.pem --authority root.pem --save rekey.json
    """
    number, known = _known(office, party)
    signer = _signer(
        office,
        number,
        (key, keep),
        public=(public_key, certificate, authority),
        wallet=(address, signature_gas),
    )
    until = deadline(office, valid_until)
    agreement = Rekey(number, known.sequence, signer.signature_gas, until, signer.encoded)
    return Act(
        wanted=Wanted(agreement=agreement, new_signer=signer),
        said=lambda _: _replaced(office, number),
        facts=lambda _: {"party": int(number), "signer": signer.address},
    )


def propose_rekey(
    office: Office,
    party: PartyArgument,
    key: KeyOption = None,
    keep: KeepOption = False,
    public_key: PublicKeyOption = None,
    certificate: CertificateOption = None,
    authority: AuthorityOption = None,
    address: AddressOption = None,
    signature_gas: SignatureGasOption = 0,
    valid_until: UntilOption = None,
) -> Act:
    """Registrar and sponsor bank start the recovery of a lost key: seven days in which the old signer can object.

    \b
    Example:
      tallystick propose-rekey 5
    """
    number, known = _known(office, party)
    signer = _signer(
        office,
        number,
        (key, keep),
        public=(public_key, certificate, authority),
        wallet=(address, signature_gas),
    )
    until = deadline(office, valid_until)
    agreement = ProposeRekey(number, known.sequence, signer.signature_gas, until, signer.encoded)
    return Act(
        wanted=Wanted(agreement=agreement, new_signer=signer),
        said=lambda _: _recovery_text(office, number),
        facts=lambda _: {"party": int(number), "signer": signer.address},
    )


def veto_rekey(office: Office, party: PartyArgument, valid_until: UntilOption = None) -> Act:
    """The old signer objects to a recovery: it then takes thirty days and an arbiter.

    \b
    Example:
      tallystick veto-rekey 5
    """
    number, known = _known(office, party)
    return Act(
        wanted=Wanted(agreement=VetoRekey(number, known.sequence, deadline(office, valid_until))),
        said=lambda _: _recovery_text(office, number),
    )


def withdraw_rekey(office: Office, party: PartyArgument, valid_until: UntilOption = None) -> Act:
    """Registrar and sponsor bank take a recovery back; the old signer stays.

    \b
    Example:
      tallystick withdraw-rekey 5
    """
    number, known = _known(office, party)
    return Act(
        wanted=Wanted(agreement=WithdrawRekey(number, known.sequence, deadline(office, valid_until))),
        said=lambda _: f"The recovery of party {number} is taken back: its signer stays.",
    )


def finish_rekey(
    office: Office,
    party: PartyArgument,
    arbiter: Annotated[str | None, typer.Option("--arbiter", help="Who signs, after a veto.")] = None,
    valid_until: UntilOption = None,
) -> Act:
    """Puts the recovered signer in place: anyone after seven days, after a veto an arbiter and thirty days.

    \b
    Example:
      tallystick finish-rekey 5
    """
    number, known = _known(office, party)
    judge = PartyNumber(0) if arbiter is None else office.party(arbiter, "--arbiter")
    return Act(
        wanted=Wanted(agreement=FinishRekey(number, known.sequence, judge, deadline(office, valid_until))),
        said=lambda _: _replaced(office, number),
        facts=lambda _: {"party": int(number), "signer": signer_of(office.world(), number)},
    )


def _known(office: Office, text: str) -> tuple[PartyNumber, Party]:
    number = office.party(text, "PARTY")
    known = office.world().parties.get(number)
    if known is None:
        raise Refusal("UnknownParty", {"party": number})
    return number, known


def _recovery_text(office: Office, number: PartyNumber) -> str:
    ready_on = date_of_day(office.world().recoveries[number].ready_on)
    return f"The recovery of party {number} can be finished from {ready_on} on, with: tallystick finish-rekey {number}"


def _replaced(office: Office, number: PartyNumber) -> str:
    """Says who signs now. A replaced key is worth nothing on the chain any more, but stays in the key file, where
    what it has signed can still be shown."""
    return f"Party {number} signs by {signer_of(office.world(), number)} from now on."
