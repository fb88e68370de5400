"""How an agreement shows on the chain: the event that says that exactly this one has landed.

A refusal alone does not tell "done before" from "overtaken by another": both say WrongSequence. The event
does, because it repeats what was signed. Two agreements that differ in nothing but deadline or consents leave
the same event; who asks has to hand each event out once. No chain and no database here.
"""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from ledger import agreements as a
from ledger import events as e
from ledger.agreements import Agreement, VoucherId
from ledger.consent import Claim
from ledger.errors import Refusal
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.signing import child_id

_SHOWS_AS: Final = MappingProxyType(
    {
        a.Admit: e.PartyAdmitted,
        a.Suspend: e.PartySuspension,
        a.Reinstate: e.PartySuspension,
        a.Rekey: e.PartyRekeyed,
        a.ProposeRekey: e.RekeyProposed,
        a.VetoRekey: e.RekeyVetoed,
        a.WithdrawRekey: e.RekeyWithdrawn,
        a.FinishRekey: e.PartyRekeyed,
        a.ListVerifier: e.VerifierListed,
        a.HandOver: e.HandOverProposed,
        a.AcceptHandOver: e.HandOverAccepted,
        a.GrantLine: e.LineGranted,
        a.ResizeLine: e.LineResized,
        a.FreezeLine: e.LineFreezing,
        a.SetTenorCap: e.TenorCapSet,
        a.StopIssue: e.IssueStopped,
        a.Issue: e.Issued,
        a.Split: e.Parted,
        a.Transfer: e.Transferred,
        a.Discount: e.Discounted,
        a.Rescind: e.Rescinded,
        a.AssertPayment: e.PaymentAsserted,
        a.ConfirmPayment: e.PaymentConfirmed,  # while frozen, else as a completion
        a.ContestPayment: e.PaymentContested,
        a.WithdrawPayment: e.PaymentWithdrawn,
        CompletePayment: e.PaymentCompleted,
        a.Award: e.PaymentAwarded,
        DeclareOverdue: e.VoucherOverdue,
        a.Pledge: e.VoucherPledged,
        a.Release: e.PledgeReleased,
        a.Freeze: e.VoucherFrozen,
        a.Unfreeze: e.VoucherUnfrozen,
        a.Cancel: e.Cancelled,
        a.CancelWhole: e.Cancelled,
        a.Revoke: e.Revoked,
        a.RevokeIssue: e.IssueRevoked,
    }
)
_SPENT: Final = frozenset(
    {"VoucherTaken", "LineTaken", "PartyNumberTaken", "VerifierTaken", "OrderSpent", "VoucherEnded"}
    | {"AlreadyOverdue", "InRunOff", "AgreementExpired"}
)


def event_of(agreement: Agreement | Unsigned) -> type:
    """The event that says it has landed."""
    return _SHOWS_AS[type(agreement)]


def subject_of(agreement: Agreement | Unsigned, root: VoucherId | None) -> int | None:
    """The first field of the event: party, line, voucher, verifier or settings sequence. None where the agreement does
    not say it: who accepts the registrar's office. `root`: the id that an issue makes."""
    if isinstance(agreement, a.Issue):
        return int(root or 0)
    if isinstance(agreement, a.RevokeIssue):
        return agreement.promise_id << 96
    if isinstance(agreement, a.AcceptHandOver):
        return None
    if isinstance(agreement, a.SetTenorCap):
        return agreement.sequence + 1
    if isinstance(agreement, a.ListVerifier):
        return int.from_bytes(agreement.verifier)
    for name in ("voucher", "line", "party", "issuer", "to"):
        if hasattr(agreement, name):
            return int(getattr(agreement, name))
    raise TypeError(f"{type(agreement).__name__} changes nothing")  # a new kind, not yet known here


def topics_of(event: str, verb: str) -> tuple[bytes, ...]:
    """The first topics under which an item may have landed, by its event's name and its verb."""
    if verb == a.ConfirmPayment.verb():
        return e.TOPICS[event], e.TOPICS[e.PaymentCompleted.__name__]
    return (e.TOPICS[event],)


def first_child(agreement: Agreement | Unsigned) -> bytes | None:
    """What the data of a split's first event begin with: only this tells it from the events of its other parts."""
    if not isinstance(agreement, a.Split):
        return None
    return child_id(agreement.voucher, agreement.sequence, 0).to_bytes(32)


def shows(
    event: e.Event,
    agreement: Agreement | Unsigned,
    *,
    root: VoucherId | None,
    reached: int | None,
    sequence: int = 0,
) -> bool:
    """Whether this event is what the agreement leaves behind.

    `root`: the voucher id that an issue makes. `reached`: the voucher's sequence after the event, None where
    the order of events already says which of several like ones it is. `sequence`: the one that an item without
    signatures was meant for, since its call names none.
    """
    completes = isinstance(agreement, a.ConfirmPayment) and isinstance(event, e.PaymentCompleted)
    if not completes and type(event) is not event_of(agreement):
        return False
    if subject_of(agreement, root) not in (None, _subject(event)):
        return False
    match agreement, event:
        case a.Split(), e.Parted():  # its first part stands for all of them
            first = agreement.parts[0]
            child = child_id(agreement.voucher, agreement.sequence, 0)
            return (event.child, event.recipient, event.face) == (child, first.recipient, first.face)
        case CompletePayment() | DeclareOverdue(), _:
            return reached is None or reached > sequence
        case a.Suspend() | a.Reinstate(), e.PartySuspension():
            if event.suspended != isinstance(agreement, a.Suspend):
                return False
    said: dict[str, Any] = {each.name: getattr(event, each.name) for each in fields(event)}
    if reached is not None:
        said.setdefault("sequence", reached)
    signed = {name: getattr(agreement, name) for name in agreement.__match_args__ if name in said}
    signed.pop("until", None)  # a further court order may only lengthen a freeze
    if "sequence" in signed:
        signed["sequence"] += 1
    if isinstance(agreement, a.Admit | a.Rekey | a.ProposeRekey):
        given = agreement.signature_gas
        claim = Claim(party=agreement.party, signer=agreement.signer, signature_gas=given)
        signed["signer"] = claim.number
    if "verifier" in signed:
        signed["verifier"] = int.from_bytes(signed["verifier"])
    return all(said[name] == value for name, value in signed.items())


def is_for_good(refusal: Refusal) -> bool:
    """Whether nothing that happens later can make the same agreement good: its deadline is over, or what it
    consumes is gone."""
    if refusal.name == "WrongSequence":
        return bool(int(str(refusal.facts["given"])) < int(str(refusal.facts["present"])))
    return refusal.name in _SPENT


def _subject(event: e.Event) -> int:
    return int(getattr(event, fields(event)[0].name))
