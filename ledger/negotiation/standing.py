"""A party's standing on the registry: suspended and reinstated, its key replaced, a lost key recovered.

    suspension · reinstatement      the registrar's alone
    rekey                           the party's own: the present signer hands over to a new one, at once
    recovery · withdrawal           registrar and sponsor bank together, for a key that is lost
    veto                            the present signer objects: then it takes longer, and an arbiter
    finish                          the recovered signer is put in place; nobody signs, or after a veto the arbiter

Each gives a `Proposal`, which `offers.make` judges and offers: waits, sequences and who may are the registry's rules
and stand in `ledger.party`. Who a party is concerns itself, its sponsor and the registrar; to others it is not there.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.address import to_checksum_address
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import (
    Agreement,
    FinishRekey,
    PartyNumber,
    ProposeRekey,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.calendar import Day
from ledger.consent import ADDRESS_BYTES
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.offers import Proposal
from ledger.negotiation.onboarding import is_registrar, listed_verifiers
from ledger.negotiation.openings import opened
from ledger.negotiation.proposals import deadline
from ledger.negotiation.setting import Setting
from ledger.negotiation.signers import NamedSigner, SignerBytes, signer_bytes
from ledger.tables import PartyRow, SignerRow


def party_seen(session: Session, setting: Setting, caller: Caller, number: PartyNumber) -> PartyRow:
    """A party as the registry has it: the caller's own, one that it sponsors, for the registrar any. Refusal
    NotFound."""
    require(caller, Right.READ)
    row = session.get(PartyRow, (setting.pin.registry, number))
    if row is None or caller.party is None:
        raise not_found("party")
    if caller.party not in (row.party, row.sponsor) and not is_registrar(session, setting, caller):
        raise not_found("party")
    return row


def suspension(
    session: Session,
    setting: Setting,
    caller: Caller,
    number: PartyNumber,
    *,
    reason: str,
    valid_until: Day | None,
) -> Proposal:
    """The party can no longer issue, receive and move; it can still be paid."""
    return _with_reason(session, setting, caller, number, Suspend, reason=reason, valid_until=valid_until)


def reinstatement(
    session: Session,
    setting: Setting,
    caller: Caller,
    number: PartyNumber,
    *,
    reason: str,
    valid_until: Day | None,
) -> Proposal:
    """A suspension ends."""
    return _with_reason(session, setting, caller, number, Reinstate, reason=reason, valid_until=valid_until)


def _with_reason(
    session: Session,
    setting: Setting,
    caller: Caller,
    number: PartyNumber,
    kind: type[Suspend | Reinstate],
    *,
    reason: str,
    valid_until: Day | None,
) -> Proposal:
    row = party_seen(session, setting, caller, number)
    until, hashed = deadline(setting, valid_until), opened(session, caller, "reason", reason)
    return _proposal(setting, kind(number, row.sequence, hashed, until))


def rekey(
    session: Session,
    setting: Setting,
    caller: Caller,
    number: PartyNumber,
    *,
    signer: NamedSigner,
    authorities: Sequence[bytes],
    valid_until: Day | None,
) -> Proposal:
    """The party's signer is replaced by a new one; both sign."""
    row = party_seen(session, setting, caller, number)
    new = _new_signer(session, setting, row, signer, authorities)
    encoded, until = new.encoded or b"", deadline(setting, valid_until)
    return _proposal(setting, Rekey(number, row.sequence, new.gas, until, encoded))


def recovery(
    session: Session,
    setting: Setting,
    caller: Caller,
    number: PartyNumber,
    *,
    signer: NamedSigner,
    authorities: Sequence[bytes],
    valid_until: Day | None,
) -> Proposal:
    """Registrar and sponsor start the recovery of a lost key; the new signer proves itself too."""
    row = party_seen(session, setting, caller, number)
    new = _new_signer(session, setting, row, signer, authorities)
    encoded, until = new.encoded or b"", deadline(setting, valid_until)
    return _proposal(setting, ProposeRekey(number, row.sequence, new.gas, until, encoded))


def withdrawal(
    session: Session, setting: Setting, caller: Caller, number: PartyNumber, *, valid_until: Day | None
) -> Proposal:
    """Registrar and sponsor take a recovery back."""
    row = party_seen(session, setting, caller, number)
    return _proposal(setting, WithdrawRekey(number, row.sequence, deadline(setting, valid_until)))


def veto(
    session: Session, setting: Setting, caller: Caller, number: PartyNumber, *, valid_until: Day | None
) -> Proposal:
    """The party, whose key is said to be lost, objects with it."""
    row = party_seen(session, setting, caller, number)
    return _proposal(setting, VetoRekey(number, row.sequence, deadline(setting, valid_until)))


def finish(
    session: Session,
    setting: Setting,
    caller: Caller,
    number: PartyNumber,
    *,
    arbiter: PartyNumber,
    valid_until: Day | None,
) -> Proposal:
    """The recovered signer is put in place. `arbiter`: who decides after a veto, 0 where there was none."""
    row = party_seen(session, setting, caller, number)
    agreement = FinishRekey(number, row.sequence, arbiter, deadline(setting, valid_until))
    return _proposal(setting, agreement, asked=True)


# Inside


def _proposal(setting: Setting, agreement: Agreement, *, asked: bool = False) -> Proposal:
    return Proposal(agreement=agreement, pin=setting.pin, asked=asked)


def _new_signer(
    session: Session, setting: Setting, row: PartyRow, named: NamedSigner, authorities: Sequence[bytes]
) -> SignerBytes:
    """The signer's bytes; of a key that is to be kept here one that was drawn before and never served, or a new one."""
    verifiers = listed_verifiers(session, setting)
    found = signer_bytes(named, verifiers=verifiers, authorities=authorities, at=setting.chain_clock())
    if found.encoded is not None:
        return found
    number = PartyNumber(row.party)
    query = select(SignerRow.signer).where(
        SignerRow.contract == setting.pin.registry, SignerRow.party == number
    )
    served = {to_checksum_address(each.to_bytes(ADDRESS_BYTES)) for each in session.scalars(query)}
    unused = [each for each in setting.ring.signers(number) if each not in served]
    return SignerBytes(bytes.fromhex((unused[0] if unused else setting.ring.add(number))[2:]))
