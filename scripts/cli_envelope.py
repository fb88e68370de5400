"""A signed agreement as a file, for parties whose keys are kept elsewhere.

    --save FILE   of any verb: signs as far as keys are here
    sign FILE     adds the consent of one more party
    send FILE     sends it when all have signed

The file names chain and contract; a file of another installation is refused. It holds nothing secret, and whoever
has changed it has spoilt its signatures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ledger.agreements import Agreement, Issue, PartyNumber, from_json, to_json
from ledger.errors import InputError
from ledger.members import parse_hex
from ledger.sentences import sentences
from scripts.cli_conduct import Happened, Wanted, deliver, signer_of
from scripts.cli_installation import Office

FORMAT: Final = "tallystick-agreement-1"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An agreement with the consents that are there; `consents` in the order of `signers`."""

    chain_id: int
    contract: str
    agreement: Agreement
    issued: Issue | None
    signers: tuple[PartyNumber, ...]
    consents: tuple[bytes | None, ...]

    @property
    def missing(self) -> tuple[PartyNumber, ...]:
        """Whose consent is not there yet."""
        return tuple(p for p, consent in zip(self.signers, self.consents, strict=True) if consent is None)


def write(path: Path, envelope: Envelope) -> None:
    """Writes the file; InputError where that fails."""
    content = {
        "format": FORMAT,
        "chain_id": envelope.chain_id,
        "contract": envelope.contract,
        "agreement": to_json(envelope.agreement),
        "issued": None if envelope.issued is None else to_json(envelope.issued),
        "signers": [int(party) for party in envelope.signers],
        "consents": [None if consent is None else "0x" + consent.hex() for consent in envelope.consents],
    }
    try:
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as failed:
        raise InputError(f"{path} cannot be written: {failed.strerror}") from None


def read(path: Path) -> Envelope:
    """Reads a file that anybody may have written; InputError naming what is wrong with it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise InputError(f"{path} cannot be read: {missing.strerror}") from None
    except ValueError:
        raise InputError(
            f"{path} is no signed agreement: expected the file that --save has written"
        ) from None
    try:
        if content["format"] != FORMAT:
            raise ValueError
        issued = None if content["issued"] is None else from_json(content["issued"])
        if issued is not None and not isinstance(issued, Issue):
            raise ValueError
        envelope = Envelope(
            chain_id=int(content["chain_id"]),
            contract=str(content["contract"]),
            agreement=from_json(content["agreement"]),
            issued=issued,
            signers=tuple(PartyNumber(int(party)) for party in content["signers"]),
            consents=tuple(
                None if each is None else parse_hex(each, "consent") for each in content["consents"]
            ),
        )
        if len(envelope.signers) != len(envelope.consents):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"{path} is no signed agreement of this version: have it written again") from None
    return envelope


def saver(office: Office, path: Path | None) -> Callable[[Wanted, Sequence[PartyNumber]], None] | None:
    """What `conduct` calls instead of sending; None where it is to be sent."""
    if path is None:
        return None

    def save(wanted: Wanted, duties: Sequence[PartyNumber]) -> None:
        domain = office.domain(wanted.agreement.contract)
        blank = Envelope(
            domain.chain_id,
            domain.address,
            wanted.agreement,
            wanted.issued,
            tuple(duties),
            (None,) * len(duties),
        )
        here = set(office.ring.parties())
        envelope = blank
        for party in dict.fromkeys(duties):
            if party in here:
                envelope = with_consent(office, envelope, party)
        write(path, envelope)
        lacking = ", ".join(str(party) for party in envelope.missing)
        office.screen.say(
            f"Written to {path}; " + (f"still to sign: {lacking}" if lacking else "all have signed")
        )
        office.screen.answer({"saved": str(path), "missing": [int(party) for party in envelope.missing]})

    return save


def require_ours(office: Office, envelope: Envelope) -> None:
    """InputError where the agreement is for another chain or contract."""
    domain = office.domain(envelope.agreement.contract)
    if (envelope.chain_id, envelope.contract) != (domain.chain_id, domain.address):
        raise InputError(
            f"the agreement is for contract {envelope.contract} on chain {envelope.chain_id}; this installation "
            f"is {domain.address} on chain {domain.chain_id}: give it to the right one, or have it signed anew"
        )


def with_consent(office: Office, envelope: Envelope, party: PartyNumber) -> Envelope:
    """Signed by one more party; InputError where it has nothing to sign or its key is not here."""
    if party not in envelope.signers:
        asked = ", ".join(str(each) for each in envelope.signers)
        raise InputError(f"party {party} has nothing to sign here: the agreement asks for {asked}")
    domain = office.domain(envelope.agreement.contract)
    consent = office.ring.sign(
        party, envelope.agreement, domain=domain, signer=signer_of(office.world(), party)
    )
    consents = tuple(
        consent if each == party else old
        for each, old in zip(envelope.signers, envelope.consents, strict=True)
    )
    return replace(envelope, consents=consents)


def read_out(office: Office, envelope: Envelope) -> None:
    """Shows what is signed."""
    for sentence in sentences(envelope.agreement, names=office.screen.names):
        office.screen.say(f"  {sentence.zh}")
        office.screen.say(f"  {sentence.en}")


def send(office: Office, envelope: Envelope) -> Happened:
    """Sends it; InputError while somebody has not signed, Refusal where the contract says no."""
    if envelope.missing:
        lacking = ", ".join(str(party) for party in envelope.missing)
        raise InputError(f"not everybody has signed yet: have party {lacking} sign it first")
    consents = [consent for consent in envelope.consents if consent is not None]
    return deliver(office, envelope.agreement, consents, signers=envelope.signers, issued=envelope.issued)
