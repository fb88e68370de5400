"""The commands around the gateway: who may sign in, and serving.

The gateway is a program of its own (`python -m gateway`), which `serve` becomes once there is an installation to serve.
A new one gets a person in each role for each party, with one password, drawn and shown once.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import select

from ledger.agreements import PartyNumber
from ledger.errors import InputError
from ledger.forks import MARGIN
from ledger.installation import CHAIN_URL, DATABASE_URL, DOSSIER, KEYS, SANDBOX, database_of
from ledger.negotiation.access import StaffRole
from ledger.negotiation.organisations import enlist as enlist_person
from ledger.negotiation.organisations import found, give_account
from ledger.negotiation.passwords import Passwords
from ledger.organisation_tables import OrganisationRow
from ledger.store import Store, open_store
from scripts.business import own_directory, play
from scripts.cli_dossier import DossierFile
from scripts.cli_installation import create
from scripts.cli_options import (
    HERE,
    TERMS,
    DirectoryOption,
    GasBudgetOption,
    HighestFeeOption,
    JsonOption,
    LingerOption,
    MarginOption,
    NodeOption,
    WalletBudgetOption,
    naming,
    screen_of,
)
from scripts.cli_screen import PASSPHRASE, Screen

PASSWORD: Final = "TALLYSTICK_PASSWORD"
DEMO_PORT: Final = 8_400


def enlist(
    ctx: typer.Context,
    login: Annotated[str, typer.Argument(help="What the person types to sign in.")],
    party: Annotated[str, typer.Option("--party", help="For whom: number or name.")],
    role: Annotated[
        list[str], typer.Option("--role", help="operator, reviewer, signatory, registrar, auditor, partner.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="What the person is called; else the login.")
    ] = None,
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Lets somebody sign in to the gateway for a party. The password is asked for, or in TALLYSTICK_PASSWORD.

    \b
    Example:
      tallystick enlist li.wei --party 4 --role signatory --role operator
    """
    screen = screen_of(ctx)
    dossier = DossierFile.load(directory / DOSSIER)
    number = naming("--party", dossier.party, party)
    roles = {naming("--role", _role, text) for text in role}
    password = os.environ.get(PASSWORD) or str(
        typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=screen.json)
    )
    with open_store(database_of(directory)) as store:
        _seat(
            store,
            dossier.names,
            {login: (number, roles, name or login)},
            password=password,
            passwords=Passwords(),
        )
    screen.say(f"{login} can sign in for party {number} as {', '.join(sorted(roles))}.")
    screen.answer({"login": login, "party": int(number), "roles": sorted(roles)})


def account_(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="The bank account, as the bank writes it.")],
    party: Annotated[str, typer.Option("--party", help="Whose: number or name.")],
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Gives a party's organisation its bank account, which it is paid at and pays from.

    Applicants give theirs themselves. Founding banks have not applied; and to change one is for whoever runs the
    installation, on paper that two people have signed. It stands in the organisation's audit trail.

    \b
    Example:
      tallystick account "6222 0000 1234" --party 2
    """
    screen = screen_of(ctx)
    dossier = DossierFile.load(directory / DOSSIER)
    whose = naming("--party", dossier.party, party)
    with open_store(database_of(directory)) as store, store.writing() as session:
        row = session.scalar(select(OrganisationRow).where(OrganisationRow.party == whose))
        if row is None:
            raise InputError(f"party {whose} has no organisation here: enlist somebody for it first")
        give_account(session, row, number, at=int(time.time()))
    screen.say(f"Party {whose} has the account {number}.")
    screen.answer({"party": int(whose), "account": number})


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=1, max=65_535)] = DEMO_PORT,
    bank: Annotated[
        list[str] | None,
        typer.Option("--bank", help="A founding bank of a new installation; repeat for more."),
    ] = None,
    seeded: Annotated[
        bool, typer.Option("--seeded", help="A new installation plays the sample business.")
    ] = False,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="For partners to try things: seeded, a chain of its own, marked so."),
    ] = False,
    margin: MarginOption = MARGIN,
    gas_budget: GasBudgetOption = TERMS.gas_budget,
    highest_fee: HighestFeeOption = TERMS.highest_fee,
    linger: LingerOption = TERMS.linger,
    wallet_budget: WalletBudgetOption = TERMS.wallet_budget,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
) -> None:
    """Serves the API: the gateway, the relay and the index in one process. Makes an installation where there is none.

    A sandbox has the sample business on an embedded chain of its own, and a partner for each party who may do there
    what everybody of that party may. What is signed there counts on no other chain; every answer says what it is.

    \b
    Example:
      tallystick serve --seeded -d tallystick-data
      tallystick serve --sandbox -d tallystick-sandbox
    """
    screen = screen_of(ctx)
    _require_apart(directory, sandbox=sandbox, node=node)
    passphrase = screen.passphrase(new=not (directory / KEYS).exists())
    if not (directory / KEYS).exists():
        seeded = seeded or sandbox
        _make(screen, directory, bank or ["江城银行"], node=node, seeded=seeded, passphrase=passphrase)
        if sandbox:
            open_to_partners(screen, directory, DossierFile.load(directory / DOSSIER).names)
    environment = {**os.environ, PASSPHRASE: passphrase} | ({} if node is None else {CHAIN_URL: node})
    words = ["--directory", str(directory), "--host", host, "--port", str(port)]
    words += ["--sandbox"] if sandbox else []
    words += ["--margin", str(margin), "--gas-budget", str(gas_budget), "--highest-fee", str(highest_fee)]
    words += ["--linger", str(linger), "--wallet-budget", str(wallet_budget)]
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "gateway", *words], environment)


def _require_apart(directory: Path, *, sandbox: bool, node: str | None) -> None:
    """InputError where a sandbox and an installation that counts would be taken for each other."""
    marked = (directory / SANDBOX).exists()
    if sandbox and (node or os.environ.get(CHAIN_URL) or os.environ.get(DATABASE_URL)):
        raise InputError(
            f"--sandbox: it has a chain and a database of its own, leave --node, {CHAIN_URL} and {DATABASE_URL} away"
        )
    if sandbox and not marked and (directory / KEYS).exists():
        raise InputError(f"--sandbox: {directory} has an installation that is none, name another directory")
    if marked and not sandbox:
        raise InputError(f"{directory} is a sandbox: serve it with --sandbox")


def open_to_partners(screen: Screen, directory: Path, names: Mapping[PartyNumber, str]) -> None:
    """Marks a new installation as a sandbox, and lets a partner in for each party, in every role that it has."""
    password = secrets.token_urlsafe(12)
    people = {
        f"partner.all.{party}": (party, {role for role in StaffRole if _may_be(role, party)}, name)
        for party, name in names.items()
    }
    with open_store(database_of(directory)) as store:
        _seat(store, names, people, password=password, passwords=Passwords())
    (directory / SANDBOX).touch()
    screen.say(f"Partners sign in as partner.all.PARTY with the password {password}")


def _make(
    screen: Screen, directory: Path, banks: list[str], *, node: str | None, seeded: bool, passphrase: str
) -> None:
    if seeded and node is not None:
        raise InputError("--seeded: the sample business is played on a chain of its own, leave --node away")
    if seeded:
        screen.say("Playing the sample business; that takes a while.")
        with own_directory(directory), play(directory, passphrase=passphrase):
            pass
    else:
        create(screen, directory, registrar="登记机构", banks=banks, node=node, demo_from=None)
    names = DossierFile.load(directory / DOSSIER).names
    password = secrets.token_urlsafe(12)
    people = {
        f"{role}.{party}": (party, {role}, f"{role} {party}")
        for party in names
        for role in StaffRole
        if _may_be(role, party)
    }
    with open_store(database_of(directory)) as store:
        _seat(store, names, people, password=password, passwords=Passwords())
        if seeded:
            with store.writing() as session:
                for row in session.scalars(select(OrganisationRow).order_by(OrganisationRow.number)):
                    give_account(session, row, f"6222 0000 {row.party:04}", at=int(time.time()))
    screen.say(f"Everybody signs in as ROLE.PARTY, such as signatory.2, with the password {password}")
    screen.say("Parties: " + ", ".join(f"{party} {name}" for party, name in names.items()))


def _seat(
    store: Store,
    names: Mapping[PartyNumber, str],
    people: Mapping[str, tuple[PartyNumber, set[StaffRole], str]],
    *,
    password: str,
    passwords: Passwords,
) -> None:
    """People by login, and an organisation for each party that has none yet."""
    now, login_of = int(time.time()), next(iter(people))
    sealed = passwords.sealed(password, login=login_of)
    with store.writing() as session:
        for login, (party, roles, name) in people.items():
            row = session.scalar(select(OrganisationRow).where(OrganisationRow.party == party))
            if row is None:
                row = found(session, party=party, name=names.get(party, f"party {party}"), at=now)
            enlist_person(
                session,
                row,
                login=login,
                name=name,
                sealed=sealed,
                roles=roles,
                at=now,
            )


def _role(text: str) -> StaffRole:
    for role in StaffRole:
        if text == role:
            return role
    raise InputError(f"{text!r} is none of {', '.join(StaffRole)}")


def _may_be(role: StaffRole, party: PartyNumber) -> bool:
    """The registrar, party 1 of a new installation, has registrars."""
    return role is not StaffRole.REGISTRAR or party == 1
