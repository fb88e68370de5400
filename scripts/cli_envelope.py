"""A signed agreement as a file, for parties whose keys are kept elsewhere.

    --save FILE   of any verb: signs as far as keys are here
    sign FILE     adds the consent of one more party
    send FILE     sends it when all have signed

The file names chain and contract; a file of another installation is refused. It holds nothing secret, and whoever
has changed it has spoilt its signatures. Its `typed_data` is what any wallet takes (eth_signTypedData_v4).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ledger.agreements import Agreement, Issue, PartyNumber, from_json, to_json
from ledger.credentials import require_consent
from ledger.errors import InputError, Refusal
from ledger.members import parse_hex
from ledger.outside import read_json
from ledger.sentences import sentences
from ledger.signing import WITH_NEW_SIGNER, Domain, digest, typed_data
from ledger.verifiers import address_of, is_proof, party_of_claim, verifiers_of
from ledger.world import SignerKind
from scripts.cli_conduct import Happened, Wanted, consents_here, deliver, signer_of
from scripts.cli_installation import Office
from scripts.cli_signer import combined_of, consent_by

FORMAT: Final = "tallystick-agreement-1"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An agreement with the consents that are there; `consents` in the order of `signers`.

    `typed_data` is the same agreement for a wallet; None in a file that was written before there was such a thing.
    """

    chain_id: int
    contract: str
    agreement: Agreement
    issued: Issue | None
    signers: tuple[PartyNumber, ...]
    consents: tuple[bytes | None, ...]
    typed_data: dict[str, Any] | None = None

    @property
    def missing(self) -> tuple[PartyNumber, ...]:
        """Whose consent is not there yet."""
        return tuple(p for p, consent in zip(self.signers, self.consents, strict=True) if consent is None)


def unsigned(
    agreement: Agreement, domain: Domain, *, signers: Sequence[PartyNumber], issued: Issue | None = None
) -> Envelope:
    """An agreement that nobody has signed yet; InputError where the domain is the other contract's."""
    return Envelope(
        domain.chain_id,
        domain.address,
        agreement,
        issued,
        tuple(signers),
        (None,) * len(signers),
        typed_data(agreement, domain),
    )


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
        "typed_data": envelope.typed_data,
    }
    try:
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as failed:
        raise InputError(f"{path} cannot be written: {failed.strerror}") from None


def read(path: Path) -> Envelope:
    """Reads a file that anybody may have written; InputError naming what is wrong with it."""
    try:
        content = read_json(path)
    except OSError as missing:
        raise InputError(f"{path} cannot be read: {missing.strerror}") from None
    except InputError as unread:
        raise InputError(
            f"{path} is no signed agreement: expected the file that --save has written ({unread})"
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
            typed_data=content.get("typed_data"),
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
        blank = unsigned(wanted.agreement, domain, signers=duties, issued=wanted.issued)
        envelope = replace(blank, consents=consents_here(office, wanted, duties))
        write(path, envelope)
        lacking = ", ".join(str(party) for party in envelope.missing)
        office.screen.say(
            f"Written to {path}; " + (f"still to sign: {lacking}" if lacking else "all have signed")
        )
        signed = "0x" + digest(wanted.agreement, domain).hex()
        office.screen.say(f"A wallet signs the file's typed_data; its digest is {signed}.")
        office.screen.answer(
            {"saved": str(path), "missing": [int(party) for party in envelope.missing], "digest": signed}
        )

    return save


def require_ours(office: Office, envelope: Envelope) -> None:
    """InputError where the agreement is for another chain or contract; the command works on its ledger."""
    for pin in office.pins:
        if pin.ledger == envelope.contract:
            office.pin = pin
    domain = office.domain(envelope.agreement.contract)
    if (envelope.chain_id, envelope.contract) != (domain.chain_id, domain.address):
        raise InputError(
            f"the agreement is for contract {envelope.contract} on chain {envelope.chain_id}; this installation "
            f"is {domain.address} on chain {domain.chain_id}: give it to the right one, or have it signed anew"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """By what a party signs: a private key in a file, a signature made elsewhere, the parts of a wallet's members;
    none of them: the key file."""

    key: Path | None = None
    public_key: Path | None = None
    signature: str | None = None
    parts: Sequence[str] = ()

    @property
    def here(self) -> bool:
        """Whether the key file is wanted."""
        return self.key is None and self.signature is None and not self.parts


def place_of(envelope: Envelope, party: PartyNumber, *, new: bool) -> int:
    """Which of the consents is this party's; `new`: as the new signer of an admission or rekey."""
    count = len(envelope.signers)
    for place, each in enumerate(envelope.signers):
        if each == party and is_proof(envelope.agreement, place, count) == new:
            return place
    asked = ", ".join(
        f"{each}{' --new-signer' if is_proof(envelope.agreement, place, count) else ''}"
        for place, each in enumerate(envelope.signers)
    )
    raise InputError(f"party {party} has nothing to sign here: the agreement asks for {asked}")


def with_consent(office: Office, envelope: Envelope, place: int, *, how: How) -> Envelope:
    """Signed at one more place; InputError where the key is not here or the file tells a wallet something else than us,
    the credential errors where it is not the party's or the signature not good. A contract wallet's is looked at when
    it is sent."""
    agreement, party = envelope.agreement, envelope.signers[place]
    _require_same_typed_data(office, envelope)
    domain, proves = office.domain(agreement.contract), is_proof(agreement, place, len(envelope.signers))
    if how.here:
        signer = signer_of(office.world(), party)
        if proves:
            assert isinstance(agreement, WITH_NEW_SIGNER)
            signer = address_of(agreement.signer)
        consent = office.ring.sign(party, agreement, domain=domain, signer=signer)
    else:
        consent = _from_elsewhere(office, envelope, place, how=how)
    consents = (*envelope.consents[:place], consent, *envelope.consents[place + 1 :])
    return replace(envelope, consents=consents)


def _require_same_typed_data(office: Office, envelope: Envelope) -> None:
    told, agreement = envelope.typed_data, envelope.agreement
    expected = typed_data(agreement, office.domain(agreement.contract))
    if told is not None and told != json.loads(json.dumps(expected)):
        raise InputError(
            "the file's typed_data, which a wallet signs, is not its agreement: it was changed; have it written again"
        )


def _from_elsewhere(office: Office, envelope: Envelope, place: int, *, how: How) -> bytes:
    agreement, world = envelope.agreement, office.world()
    domain, verifiers = office.domain(agreement.contract), verifiers_of(world)
    if is_proof(agreement, place, len(envelope.signers)):
        assert isinstance(agreement, WITH_NEW_SIGNER)
        party = party_of_claim(agreement)
    else:
        found = world.parties.get(envelope.signers[place])
        if found is None:
            raise Refusal("UnknownParty", {"party": envelope.signers[place]})
        party = found
    if how.parts:
        if how.key is not None or how.signature is not None or party.kind is not SignerKind.CONTRACT:
            raise InputError("--part: only a wallet of several members has parts, and nothing besides them")
        return combined_of(how.parts, agreement, domain=domain, verifiers=verifiers)
    consent = consent_by(
        how.key,
        how.public_key,
        how.signature,
        agreement=agreement,
        domain=domain,
        party=party,
        verifiers=verifiers,
    )
    if party.kind is not SignerKind.CONTRACT:
        require_consent(consent, agreement, party, domain=domain, verifiers=verifiers)
    return consent


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
