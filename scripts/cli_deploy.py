"""The commands that put contracts on a chain: deploy, succeed, the verifiers, a wallet of several members."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import to_checksum_address

from ledger.artifacts import load
from ledger.calendar import date_of_day
from ledger.chain import NOBODY, Address
from ledger.credentials import Verifiers, read_signer, signer_of
from ledger.deployment import deploy_successor, pin_successor
from ledger.errors import InputError, Refusal
from ledger.members import parse_hex
from ledger.money import shown
from ledger.pin import Pin, predecessor_of
from ledger.quorums import Quorum
from ledger.relay import alone
from ledger.rows import world_of
from ledger.store import pins
from ledger.verifiers import ARTIFACTS, verifiers_of
from scripts.cli_conduct import ask
from scripts.cli_installation import Office, create, ledger_text, opened
from scripts.cli_options import HERE, DirectoryOption, JsonOption, NodeOption, YesOption, day, screen_of
from scripts.cli_rules import VERIFIER_GAS
from scripts.cli_signer import read_public

WALLET_GAS = 500_000


def deploy(
    ctx: typer.Context,
    bank: Annotated[
        list[str] | None, typer.Option("--bank", help="A founding bank; repeat for more.")
    ] = None,
    registrar: Annotated[str, typer.Option("--registrar", help="Who admits parties.")] = "登记机构",
    demo_from: Annotated[
        str | None, typer.Option("--demo-from", help="A demo chain that begins on this day and can travel.")
    ] = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Makes an installation: a chain with both contracts, a database, sealed keys of registrar and banks.

    The registrar is party 1, the banks are parties 2, 3, …. With --node the contracts go to a JSON-RPC node.

    \b
    Example:
      tallystick deploy --bank "江城银行" --bank "海州银行"
    """
    screen = screen_of(ctx)
    begin = day(demo_from) if demo_from else None
    with screen.progress("Deploying"):
        pin = create(screen, directory, registrar=registrar, banks=bank or [], node=node, demo_from=begin)
    starts = f", its days begin on {date_of_day(begin)}" if begin is not None else ""
    screen.say(f"Installation in {directory}: ledger {pin.ledger} on chain {pin.chain_id}{starts}.")
    screen.say("Next: tallystick admit NAME --role issuer --code CODE")
    screen.answer(
        {
            "directory": str(directory),
            "chain_id": pin.chain_id,
            "registry": pin.registry,
            "ledger": pin.ledger,
            "banks": list(range(2, 2 + len(bank or []))),
        }
    )


def succeed(
    ctx: typer.Context,
    deployed: Annotated[
        str | None, typer.Option("--deployed", help="A successor that is on the chain already; only add it.")
    ] = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Deploys the ledger that takes over from the newest one, and adds it to the installation.

    Registry, parties and keys stay; lines are granted anew. The new ledger issues nothing before the old one runs
    off (tallystick stop-issue --whole-ledger --ledger 1); the old one's vouchers live on in it until they are paid.
    Used-up invoices and overdue issuers of the old one count in the new one.

    \b
    Example:
      tallystick succeed
    """
    screen = screen_of(ctx)
    with opened(screen, directory, node, sends=True) as office:
        office.follow()
        address = None if deployed is None else _address(deployed, "--deployed")
        known = next((pin for pin in office.pins if pin.ledger == address), None)
        if known is not None:
            screen.say(
                f"Ledger {ledger_text(office.pins, known)} is in place already. Nothing is left to do."
            )
            screen.answer(_succession(office, office.pins, known))
            return
        last = office.pins[-1]
        if address is not None:
            _require_successor(office, address)
        screen.say(f"  账本 {ledger_text(office.pins, last)} 将由新账本接续，登记簿不变。")
        screen.say(
            f"  Ledger {ledger_text(office.pins, last)} is to be followed by a new one on the same registry."
        )
        ask(office, "Add it?" if deployed else "Deploy?", yes=yes, keys=False)
        pin = _successor(office, last, address)
        office.follow()
        with office.store.reading() as session:
            present = pins(session)
        facts = _succession(office, present, pin)
        screen.say(
            f"Ledger {ledger_text(present, pin)} is in place; without --ledger new lines and issues go there."
        )
        if not facts["predecessor_runs_off"]:
            before = next(place for place, each in enumerate(present, 1) if each.ledger == pin.predecessor)
            screen.say(
                "It issues once the old one runs off: "
                f"tallystick stop-issue --whole-ledger --ledger {before} --reason TEXT"
            )
        screen.answer(facts)


def _succession(office: Office, present: Sequence[Pin], pin: Pin) -> dict[str, object]:
    """Where a ledger stands among all, and whether the one before it runs off; of the first there is none before."""
    runs_off = None
    if pin.predecessor != NOBODY:
        with office.store.reading() as session:
            runs_off = world_of(session, pin.predecessor).settings.run_off
    return {
        "ledger": pin.ledger,
        "place": present.index(pin) + 1,
        "predecessor": None if pin.predecessor == NOBODY else pin.predecessor,
        "predecessor_runs_off": runs_off,
    }


def _require_successor(office: Office, address: Address) -> None:
    """InputError where there is no contract, or one that does not follow the installation's newest ledger."""
    if not office.chain.code(address):
        raise InputError(f"--deployed: there is no contract at {address} on this chain")
    before = predecessor_of(office.chain, address)
    if before != office.pins[-1].ledger:
        after = "none" if before == NOBODY else before
        raise InputError(
            f"--deployed: ledger {address} succeeds {after}, not this installation's newest, ledger "
            f"{ledger_text(office.pins, office.pins[-1])}: name one that succeeds that"
        )


def _successor(office: Office, last: Pin, deployed: Address | None) -> Pin:
    """Deployed and pinned; where a crash comes between the two, the address that was said is there to go on with."""
    if deployed is None:
        with office.screen.progress("Deploying"), alone(office.store, office.chain):
            ledger = deploy_successor(office.chain, predecessor=last).ledger
        office.screen.say(
            f"Deployed at {ledger}. Should this stop here: tallystick succeed --deployed {ledger}"
        )
    else:
        ledger = deployed
    return pin_successor(office.store, office.chain, ledger=ledger)


def deploy_verifiers(
    ctx: typer.Context,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Deploys the verifiers of P-256, RSA and WebAuthn (passkey) keys; each is then to be listed.

    \b
    Example:
      tallystick deploy-verifiers
    """
    screen = screen_of(ctx)
    with opened(screen, directory, node, sends=True) as office:
        screen.say(
            "  部署三个签名验证合约 / Three verifiers of signatures are deployed; nobody can change them."
        )
        ask(office, "Deploy?", yes=yes, keys=False)
        made: dict[str, str] = {}
        for kind, name in ARTIFACTS.items():
            with screen.progress(f"Deploying {name}"), alone(office.store, office.chain):
                made[kind.value] = office.chain.deploy(load(name), []).address
            screen.say(f"{name} at {made[kind.value]}")
        screen.say(f"Next, for each: tallystick list-verifier ADDRESS --signature-gas {VERIFIER_GAS}")
        office.follow()
        screen.answer({"verifiers": made})


def deploy_wallet(
    ctx: typer.Context,
    members: Annotated[
        list[str],
        typer.Option("--member", help="Address, signer bytes (0x…), or public-key file; repeat for more."),
    ],
    threshold: Annotated[int, typer.Option("--threshold", help="How many of them sign.")],
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Deploys a wallet of several members, some number of whom sign: for a registrar or a bank.

    Its members never change. A party signs by it after: tallystick admit or rekey with --address.

    \b
    Example:
      tallystick deploy-wallet --threshold 2 --member anna.pem --member bo.pem --member cai.pem
    """
    screen = screen_of(ctx)
    with opened(screen, directory, node, sends=True) as office:
        office.follow()
        verifiers = verifiers_of(office.world())
        quorum = Quorum(tuple(_member(text, verifiers) for text in members), threshold)
        screen.say(
            f"  {len(members)} 位成员中须 {threshold} 位签署 / {threshold} of {len(members)} members sign:"
        )
        for member in quorum.members:
            screen.say(f"  0x{member.hex()}")
        ask(office, "Deploy?", yes=yes, keys=False)
        with screen.progress("Deploying"), alone(office.store, office.chain):
            address = office.chain.deploy(load("Signatories"), [list(quorum.members), threshold]).address
        screen.say(
            f"The wallet is at {address}. Next: tallystick rekey PARTY --address {address} --signature-gas {WALLET_GAS}"
        )
        office.follow()
        screen.answer({"wallet": address, "threshold": threshold, "members": len(members)})


def _member(text: str, verifiers: Verifiers) -> bytes:
    """Signer bytes of a member; a key is one that a listed verifier checks."""
    if not text.startswith("0x"):
        return signer_of(read_public(Path(text), "--member"), verifiers)
    signer = parse_hex(text, "--member")
    try:
        return read_signer(signer, verifiers).encoded
    except Refusal:
        raise InputError(
            f"--member {shown(text)}: no address, and no key of a listed verifier: give 20 bytes, or a verifier's "
            "address followed by a key"
        ) from None


def _address(text: str, option: str) -> Address:
    return to_checksum_address(parse_hex(text, option, length=20))
