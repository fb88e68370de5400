"""Every kind of agreement, faultless and about to land, and the error that its second landing gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eth_keys.datatypes import PrivateKey

from ledger.agreements import (
    AcceptHandOver,
    Admit,
    Agreement,
    FinishRekey,
    FreezeLine,
    GrantLine,
    Issue,
    ProposeRekey,
    Reinstate,
    Rekey,
    ResizeLine,
    RevokeIssue,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.members import Contract
from ledger.signing import Domain, promise_id, root_id, sign
from tests.contract.failing import (
    award_of,
    cap_of,
    contested_a_month,
    pledge_of,
    pledged,
    release_of,
    stop_of,
)
from tests.contract.handing_over import NEXT, NOTICE, acceptance, hand_over_to, offer
from tests.contract.paying import (
    cancel_of,
    cancel_whole_of,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discount_of,
    discounted,
    freeze,
    freeze_of,
    rescind_of,
    revoke_of,
    start_recovery,
    suspend,
    unfreeze_of,
    withdraw_of,
)
from tests.contract.verifying import listing
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    REGISTRAR,
    ROLE_ISSUER,
    YUAN,
    ZERO,
    A,
    B,
    Rig,
    key_of,
)

FACE = 1_000_000 * YUAN
NEW = 77
NEW_KEY = key_of(NEW)
NEW_SIGNER = bytes(NEW_KEY.public_key.to_canonical_address())


@dataclass(frozen=True, slots=True)
class Ready:
    """An agreement that is about to land, who signs it, and the error that its second landing gets."""

    agreement: Agreement
    signers: tuple[int | PrivateKey, ...]
    again: str
    issued: Issue | None = None

    def land(self, rig: Rig, domain: Domain | None = None) -> None:
        """Sends it, signed for this domain instead of the right one where one is given."""
        domain = domain or rig.domain(self.agreement.contract)
        keys = [rig.keys[each] if isinstance(each, int) else each for each in self.signers]
        consents = [sign(self.agreement, domain, key.to_bytes()) for key in keys]
        rig.do(self.agreement, *consents, issued=self.issued)


def _recovering(rig: Rig) -> int:
    start_recovery(rig, A)
    return A


def _vetoed(rig: Rig) -> FinishRekey:
    start_recovery(rig, A)
    rig.do(VetoRekey(A, 2, LATER), A)  # type: ignore[arg-type]
    rig.pass_days(30)
    return FinishRekey(A, 3, ARBITER, LATER)  # type: ignore[arg-type]


def _suspended(rig: Rig) -> Reinstate:
    suspend(rig, A)
    return Reinstate(A, 2, ZERO, LATER)  # type: ignore[arg-type]


def _rekey(kind: type[Rekey] | type[ProposeRekey]) -> Rekey | ProposeRekey:
    return kind(A, 1, 0, LATER, NEW_SIGNER)  # type: ignore[arg-type]


def _offered(rig: Rig) -> AcceptHandOver:
    offer(rig)
    rig.pass_days(NOTICE)
    return acceptance(rig)


def _grant(rig: Rig) -> GrantLine:
    terms = (LINE + 9, ISSUER, 0, FACE, rig.today + 365, 100 * YUAN, 5, 10, False, LATER)
    return GrantLine(*terms)  # type: ignore[arg-type]


def _admit() -> Admit:
    return Admit(NEW, ROLE_ISSUER, BANK, 0, ZERO, LATER, NEW_SIGNER)  # type: ignore[arg-type]


def landed(rig: Rig) -> tuple[Issue, int]:
    """An issue that has landed, and its voucher."""
    issue = rig.issue_of()
    rig.do(issue, ISSUER, A)
    return issue, root_id(issue, rig.domain(Contract.LEDGER))


def _whole(rig: Rig) -> Ready:
    issue, voucher = landed(rig)
    return Ready(cancel_whole_of(rig, voucher), (ISSUER, A), "NotUndivided", issue)


def issue_revocation(rig: Rig) -> Ready:
    """The supplier's revocation of an issue that has not landed."""
    issue = rig.issue_of()
    revocation = RevokeIssue(promise_id(issue, rig.domain(Contract.LEDGER)), A, LATER)  # type: ignore[arg-type]
    return Ready(revocation, (A,), "VoucherTaken", issue)


def _frozen(rig: Rig) -> int:
    voucher = rig.issued()
    freeze(rig, voucher)
    return voucher


SEQUENCE = "WrongSequence"
READY: dict[str, Callable[[Rig], Ready]] = {
    "Admit": lambda _: Ready(_admit(), (REGISTRAR, BANK, NEW_KEY), "PartyNumberTaken"),
    "Suspend": lambda _: Ready(Suspend(A, 1, ZERO, LATER), (REGISTRAR,), SEQUENCE),  # type: ignore[arg-type]
    "Reinstate": lambda rig: Ready(_suspended(rig), (REGISTRAR,), SEQUENCE),
    "Rekey": lambda _: Ready(_rekey(Rekey), (A, NEW_KEY), "BadSignature"),
    "ProposeRekey": lambda _: Ready(_rekey(ProposeRekey), (REGISTRAR, BANK, NEW_KEY), SEQUENCE),
    "VetoRekey": lambda rig: Ready(VetoRekey(_recovering(rig), 2, LATER), (A,), SEQUENCE),  # type: ignore[arg-type]
    "WithdrawRekey": lambda rig: Ready(
        WithdrawRekey(_recovering(rig), 2, LATER),  # type: ignore[arg-type]
        (REGISTRAR, BANK),
        SEQUENCE,
    ),
    "FinishRekey": lambda rig: Ready(_vetoed(rig), (ARBITER,), SEQUENCE),
    "ListVerifier": lambda rig: Ready(listing(rig, rig.ledger), (REGISTRAR,), SEQUENCE),
    "HandOver": lambda rig: Ready(hand_over_to(rig, NEXT), (REGISTRAR,), SEQUENCE),
    "AcceptHandOver": lambda rig: Ready(_offered(rig), (NEXT,), SEQUENCE),
    "GrantLine": lambda rig: Ready(_grant(rig), (BANK, ISSUER), "LineTaken"),
    "ResizeLine": lambda rig: Ready(
        ResizeLine(LINE, 1, FACE, rig.today + 300, LATER),  # type: ignore[arg-type]
        (BANK,),
        SEQUENCE,
    ),
    "FreezeLine": lambda _: Ready(FreezeLine(LINE, 1, True, ZERO, LATER), (BANK,), SEQUENCE),  # type: ignore[arg-type]
    "SetTenorCap": lambda rig: Ready(cap_of(rig, 90), (REGISTRAR,), SEQUENCE),
    "StopIssue": lambda rig: Ready(stop_of(rig, ISSUER), (REGISTRAR,), SEQUENCE),
    "Issue": lambda rig: Ready(rig.issue_of(), (ISSUER, A), "VoucherTaken"),
    "Split": lambda rig: Ready(rig.split_of(rig.issued(), (B, 1_000 * YUAN)), (A, B), SEQUENCE),
    "Transfer": lambda rig: Ready(rig.transfer_of(rig.issued(), B), (A, B), SEQUENCE),
    "Discount": lambda rig: Ready(discount_of(rig, rig.issued()), (A, FACTOR), SEQUENCE),
    "Rescind": lambda rig: Ready(rescind_of(rig, discounted(rig), FACTOR), (FACTOR,), SEQUENCE),
    "AssertPayment": lambda rig: Ready(disbursement_of(rig, discounted(rig)), (FACTOR,), SEQUENCE),
    "ConfirmPayment": lambda rig: Ready(confirm_of(rig, disbursing(rig)), (A,), SEQUENCE),
    "ContestPayment": lambda rig: Ready(contest_of(rig, disbursing(rig), A), (A,), SEQUENCE),
    "WithdrawPayment": lambda rig: Ready(withdraw_of(rig, disbursing(rig)), (FACTOR,), SEQUENCE),
    "Award": lambda rig: Ready(
        award_of(rig, contested_a_month(rig), paid=False), (REGISTRAR, ARBITER), SEQUENCE
    ),
    "Pledge": lambda rig: Ready(pledge_of(rig, rig.issued()), (A, FACTOR), SEQUENCE),
    "Release": lambda rig: Ready(release_of(rig, pledged(rig), FACTOR), (FACTOR,), SEQUENCE),
    "Freeze": lambda rig: Ready(freeze_of(rig, rig.issued()), (REGISTRAR,), "OrderSpent"),
    "Unfreeze": lambda rig: Ready(unfreeze_of(rig, _frozen(rig)), (REGISTRAR,), "NotFrozen"),
    "Cancel": lambda rig: Ready(cancel_of(rig, rig.issued()), (ISSUER, A), "VoucherEnded"),
    "CancelWhole": _whole,
    "Revoke": lambda rig: Ready(revoke_of(rig, rig.issued()), (A,), SEQUENCE),
    "RevokeIssue": issue_revocation,
}
