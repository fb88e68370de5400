"""The registry's part of the next World: parties, keys and recoveries, verifiers, the registrar's office.

Called by `fold.py` alone, which says what an event leaves unsaid. A replaced signer ends a recovery: while one is
under way no other way of replacing it is open.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.agreements import PartyNumber
from ledger.calendar import Day
from ledger.errors import VerificationError
from ledger.events import (
    HandOverAccepted,
    HandOverProposed,
    PartyAdmitted,
    PartyRekeyed,
    PartySuspension,
    RegistryEvent,
    RekeyProposed,
    RekeyVetoed,
    RekeyWithdrawn,
    VerifierListed,
)
from ledger.impossible import known, next_sequence
from ledger.world import Draft, Party, Recovery, Status, VerifierRecord


def fold_registry(draft: Draft, event: RegistryEvent) -> None:
    """Writes what the event changes; VerificationError where it cannot follow."""
    match event:
        case PartyAdmitted():
            _admit(draft, event)
        case VerifierListed() | HandOverProposed() | HandOverAccepted():
            _fold_settings(draft, event)
        case _:
            _fold_party(draft, event)


def _admit(draft: Draft, event: PartyAdmitted) -> None:
    if event.party in draft.parties:
        raise VerificationError(f"party {event.party} was admitted twice")
    draft.parties[event.party] = Party(
        signer=event.signer,
        kind=event.kind,
        signature_gas=event.signature_gas,
        roles=event.roles,
        sponsor=event.sponsor,
        profile=event.profile,
    )
    draft.signers[event.signer] = event.party


def _fold_party(
    draft: Draft, event: PartySuspension | PartyRekeyed | RekeyProposed | RekeyVetoed | RekeyWithdrawn
) -> None:
    party = known(draft.parties, event.party, "party")
    party = replace(party, sequence=next_sequence(party.sequence, event.sequence, f"party {event.party}"))
    match event:
        case PartySuspension():
            flag = Status.SUSPENDED
            party = replace(party, status=party.status | flag if event.suspended else party.status & ~flag)
        case RekeyProposed():
            party = replace(party, status=party.status | Status.RECOVERING)
            draft.recoveries[event.party] = Recovery(
                signer=event.signer,
                kind=event.kind,
                signature_gas=event.signature_gas,
                ready_on=event.ready_on,
            )
            draft.signers[event.signer] = event.party
        case RekeyVetoed():
            recovery = known(draft.recoveries, event.party, "recovery of party")
            draft.recoveries[event.party] = replace(recovery, vetoed=True, ready_on=event.ready_on)
        case RekeyWithdrawn():
            party = _recovered(draft, event.party, party, event.recovered_on)
        case PartyRekeyed():
            party = _recovered(draft, event.party, party, event.recovered_on)
            party = replace(party, signer=event.signer, kind=event.kind, signature_gas=event.signature_gas)
            draft.signers[event.signer] = event.party
    draft.parties[event.party] = party


def _recovered(draft: Draft, number: PartyNumber, party: Party, recovered_on: Day) -> Party:
    draft.recoveries.pop(number, None)
    return replace(party, status=party.status & ~Status.RECOVERING, recovered_on=recovered_on)


def _fold_settings(draft: Draft, event: VerifierListed | HandOverProposed | HandOverAccepted) -> None:
    settings = draft.registry_settings
    sequence = next_sequence(settings.sequence, event.sequence, "the registry's settings")
    settings = replace(settings, sequence=sequence)
    match event:
        case VerifierListed():
            if event.verifier in draft.verifiers:
                raise VerificationError(f"verifier {event.verifier:#042x} was listed twice")
            draft.verifiers[event.verifier] = VerifierRecord(
                signature_gas=event.signature_gas, active_on=event.active_on, code_hash=event.code_hash
            )
        case HandOverProposed():
            # to the registrar itself: an offer was taken back
            taken_back = event.to == settings.registrar
            settings = replace(
                settings,
                next_registrar=PartyNumber(0) if taken_back else event.to,
                next_registrar_from=Day(0) if taken_back else event.ready_on,
            )
        case HandOverAccepted():
            if event.registrar != settings.next_registrar:
                raise VerificationError(
                    f"party {event.registrar} took the registrar's office, which was offered to party "
                    f"{settings.next_registrar}"
                )
            settings = replace(
                settings,
                registrar=event.registrar,
                next_registrar=PartyNumber(0),
                next_registrar_from=Day(0),
            )
    draft.registry_settings = settings
