"""The registry's verbs: parties and their keys, the verifiers' allow-list, the registrar's office.

Plans as in `consent.py`, whose names are given on from here: who has to sign, and what then happens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.agreements import (
    AcceptHandOver,
    Admit,
    FinishRekey,
    HandOver,
    ListVerifier,
    PartyNumber,
    ProposeRekey,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.calendar import Day
from ledger.consent import (
    HIGHEST_SIGNATURE_GAS,
    Call,
    Claim,
    Duty,
    Need,
    Plan,
    agree,
    is_suspended,
    registrar_signs,
    signers_of,
    silent_since,
)
from ledger.errors import Refusal
from ledger.events import (
    Event,
    HandOverAccepted,
    HandOverProposed,
    PartyAdmitted,
    PartyRekeyed,
    PartySuspension,
    RekeyProposed,
    RekeyVetoed,
    RekeyWithdrawn,
    VerifierListed,
)
from ledger.world import Party, Recovery, Role, Status, World

__all__ = ["Call", "Claim", "Duty", "Need", "Plan", "agree", "is_suspended", "registrar_signs"]
__all__ += ["accept_hand_over", "admit", "finish_rekey", "hand_over", "list_verifier", "propose_rekey"]
__all__ += ["rekey", "signers_of", "silent_since", "stand", "veto_rekey", "withdraw_rekey"]

RECOVERY_DAYS: Final = 7
VETOED_RECOVERY_DAYS: Final = 30
NOTICE_DAYS: Final = 7
"""From a setting's agreement to the first day on which it holds."""
_ARBITER_AND_ISSUER: Final = Role.ARBITER | Role.ISSUER  # who owes does not judge whether it has paid
NO_CODE: Final = (bytes(32), keccak(b""))
"""What EXTCODEHASH says of an address without code: unknown to the chain, or an account of a key."""


# Parties and keys


def admit(world: World, a: Admit, call: Call) -> Plan:
    """Registrar, sponsor bank and the new signer make a party."""
    number = a.party
    if number == 0 or number in world.parties:
        raise Refusal("PartyNumberTaken", {"party": number})
    if Role(a.roles) & _ARBITER_AND_ISSUER == _ARBITER_AND_ISSUER:
        raise Refusal("RolesUnfit", {"roles": int(a.roles)})
    claim = Claim(party=number, signer=a.signer, signature_gas=a.signature_gas)

    def act() -> tuple[Event, ...]:
        return (
            PartyAdmitted(
                number,
                Role(a.roles),
                a.sponsor,
                claim.number,
                claim.kind,
                a.signature_gas,
                a.profile,
            ),
        )

    return Plan((registrar_signs(world), Duty(a.sponsor, Need.BANK)), act, claim)


def stand(world: World, a: Suspend | Reinstate, call: Call) -> Plan:
    """The registrar suspends or reinstates a party."""
    number, suspended = a.party, isinstance(a, Suspend)

    def act() -> tuple[Event, ...]:
        if suspended and number == world.registry_settings.registrar:
            raise Refusal("RegistrarStays", {"party": number})
        party = _steady(world, number, a.sequence)
        if bool(party.status & Status.SUSPENDED) == suspended:
            raise Refusal("AlreadySuspended" if suspended else "NotSuspended", {"party": number})
        return (PartySuspension(number, party.sequence, suspended, a.reason),)

    return Plan((registrar_signs(world),), act)


def rekey(world: World, a: Rekey, call: Call) -> Plan:
    """The old signer puts a new one in its place."""
    number = a.party
    claim = Claim(party=number, signer=a.signer, signature_gas=a.signature_gas)

    def act() -> tuple[Event, ...]:
        party = _advanced(world, number, a.sequence)
        return (
            PartyRekeyed(
                number, party.sequence, claim.number, claim.kind, a.signature_gas, party.recovered_on
            ),
        )

    return Plan((Duty(number, Need.SIGN),), act, claim)


def propose_rekey(world: World, a: ProposeRekey, call: Call) -> Plan:
    """Registrar and sponsor bank start a recovery."""
    number = a.party
    party = _steady(world, number, a.sequence)
    if party.sponsor == 0:
        raise Refusal("NoSponsor", {"party": number})
    claim = Claim(party=number, signer=a.signer, signature_gas=a.signature_gas)
    ready_on = Day(call.today + RECOVERY_DAYS)

    def act() -> tuple[Event, ...]:
        return (RekeyProposed(number, party.sequence, claim.number, claim.kind, a.signature_gas, ready_on),)

    return Plan((registrar_signs(world), Duty(party.sponsor, Need.BANK)), act, claim)


def veto_rekey(world: World, a: VetoRekey, call: Call) -> Plan:
    """The old signer objects."""
    number = a.party

    def act() -> tuple[Event, ...]:
        party = _advanced(world, number, a.sequence)
        if _recovery(world, number).vetoed:
            raise Refusal("AlreadyVetoed", {"party": number})
        return (RekeyVetoed(number, party.sequence, Day(call.today + VETOED_RECOVERY_DAYS)),)

    return Plan((Duty(number, Need.DEFEND),), act)


def withdraw_rekey(world: World, a: WithdrawRekey, call: Call) -> Plan:
    """The proposers take a recovery back."""
    number = a.party
    party = _advanced(world, number, a.sequence)
    _recovery(world, number)
    return Plan(
        (registrar_signs(world), Duty(party.sponsor, Need.BANK)),
        lambda: (RekeyWithdrawn(number, party.sequence, call.today),),
    )


def finish_rekey(world: World, a: FinishRekey, call: Call) -> Plan:
    """The recovered signer is put in place; after a veto with an arbiter, not the party or its sponsor."""
    number, arbiter = a.party, a.arbiter
    party = _advanced(world, number, a.sequence)
    recovery = _recovery(world, number)
    if call.today < recovery.ready_on:
        raise Refusal("RecoveryNotReady", {"readyOn": recovery.ready_on, "today": call.today})
    if recovery.vetoed != (arbiter != 0):
        raise Refusal("ArbiterExpected", {"vetoed": recovery.vetoed, "arbiter": arbiter})
    if recovery.vetoed and arbiter in (number, party.sponsor, world.registry_settings.registrar):
        raise Refusal("ArbiterConcerned", {"party": arbiter})

    def act() -> tuple[Event, ...]:
        return (
            PartyRekeyed(
                number,
                party.sequence,
                recovery.signer,
                recovery.kind,
                recovery.signature_gas,
                call.today,
            ),
        )

    return Plan((Duty(arbiter, Need.ARBITRATE),) if recovery.vetoed else (), act)


# Settings


def list_verifier(world: World, a: ListVerifier, call: Call) -> Plan:
    """The registrar allows a verifier, whose code is the one that it names, for good."""
    sequence = _settings_sequence(world, a.sequence)
    number, verifier = int.from_bytes(a.verifier), to_checksum_address(a.verifier)
    if not 1 <= a.signature_gas <= HIGHEST_SIGNATURE_GAS:
        raise Refusal(
            "SignatureGasOutOfRange",
            {"given": a.signature_gas, "lowest": 1, "highest": HIGHEST_SIGNATURE_GAS},
        )
    if number in world.verifiers:
        raise Refusal("VerifierTaken", {"verifier": verifier})
    present = a.code_hash if call.code_hash is None else call.code_hash
    if present != a.code_hash or present in NO_CODE:
        raise Refusal(
            "VerifierCodeDiffers",
            {"verifier": verifier, "present": "0x" + present.hex(), "given": "0x" + a.code_hash.hex()},
        )
    active_on = Day(call.today + NOTICE_DAYS)
    return Plan(
        (registrar_signs(world),),
        lambda: (VerifierListed(number, sequence, a.signature_gas, a.code_hash, active_on),),
    )


def hand_over(world: World, a: HandOver, call: Call) -> Plan:
    """The registrar offers its office to a party without a role; to itself: an offer is taken back."""
    sequence = _settings_sequence(world, a.sequence)
    to = world.parties.get(a.to)
    if to is None:
        raise Refusal("UnknownParty", {"party": a.to})
    if to.roles:
        raise Refusal("RegistrarUnfit", {"party": a.to, "roles": int(to.roles)})
    taken_back = a.to == world.registry_settings.registrar
    ready_on = Day(0 if taken_back else call.today + NOTICE_DAYS)
    return Plan((registrar_signs(world),), lambda: (HandOverProposed(a.to, sequence, ready_on),))


def accept_hand_over(world: World, a: AcceptHandOver, call: Call) -> Plan:
    """Who was offered the registrar's office takes it."""
    sequence = _settings_sequence(world, a.sequence)
    settings = world.registry_settings
    successor = settings.next_registrar
    if successor == 0:
        raise Refusal("NoHandOver")
    if call.today < settings.next_registrar_from:
        raise Refusal("HandOverNotReady", {"from": settings.next_registrar_from, "today": call.today})
    return Plan((Duty(successor, Need.SIGN),), lambda: (HandOverAccepted(successor, sequence),))


def _settings_sequence(world: World, given: int) -> int:
    """The settings' sequence consumed."""
    present = world.registry_settings.sequence
    if given != present:
        raise Refusal("WrongSequence", {"id": 0, "given": given, "present": present})
    return present + 1


# What the verbs share


def _steady(world: World, number: PartyNumber, sequence: int) -> Party:
    """Not while a recovery is under way: whoever moves the sequence then would outrun the old signer's veto."""
    party = _advanced(world, number, sequence)
    if party.status & Status.RECOVERING:
        raise Refusal("PartyRecovering", {"party": number})
    return party


def _advanced(world: World, number: PartyNumber, sequence: int) -> Party:
    """The party with its sequence consumed."""
    party = world.parties.get(number)
    if party is None:
        raise Refusal("UnknownParty", {"party": number})
    if party.sequence != sequence:
        raise Refusal("WrongSequence", {"id": number, "given": sequence, "present": party.sequence})
    return replace(party, sequence=sequence + 1)


def _recovery(world: World, number: PartyNumber) -> Recovery:
    if number not in world.recoveries:
        raise Refusal("NoRecovery", {"party": number})
    return world.recoveries[number]
