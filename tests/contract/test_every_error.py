"""Every custom error of the contracts, provoked. An error that is declared and has no row here fails the first test."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger import artifacts
from ledger.abi import creation_data
from ledger.agreements import (
    Admit,
    FinishRekey,
    FreezeLine,
    Invoice,
    ProposeRekey,
    Reinstate,
    ResizeLine,
    VetoRekey,
    WithdrawRekey,
)
from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import batch_calldata
from tests.contract.failing import (
    award,
    contested,
    declare,
    due,
    overdue,
    pledge,
    pledged,
    release_of,
    set_cap,
    stop,
    succeed,
)
from tests.contract.handing_over import NEXT, acceptance, offer
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
    settlement_of,
    settling,
    start_recovery,
    suspend,
    unfreeze_of,
)
from tests.contract.verifying import list_verifier
from tests.contract.wallets import YES, admit_wallet
from tests.engines import ROOT
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    OTHER_ISSUER,
    REGISTRAR,
    WINDOW,
    YUAN,
    ZERO,
    A,
    B,
    C,
    Rig,
    compiled,
    fingerprint,
    key_of,
)

BY_OPENZEPPELIN = {"InvalidShortString", "StringTooLong"}
"""Of its EIP-712 code, for names of more than 31 bytes; ours are shorter, so that neither can come."""

FACE = 1_000_000 * YUAN
SLICE = FACE // 20
NOBODY, NEW = 99, 77
GIVEN_LITTLE = 150_000

Provoke = Callable[[Rig], Any]


def admission(
    rig: Rig, *, number: int = NEW, key: int = NEW, signer: bytes = b"", cap: int = 0, roles: int = 0
) -> None:
    address = signer or key_of(key).public_key.to_canonical_address()
    agreement = Admit(number, roles, BANK, cap, ZERO, LATER, address)  # type: ignore[arg-type]
    rig.do(agreement, REGISTRAR, BANK, key_of(key))


def proposal(rig: Rig, party: int) -> None:
    address = key_of(party, 1).public_key.to_canonical_address()
    agreement = ProposeRekey(party, 1, 0, LATER, address)  # type: ignore[arg-type]
    rig.do(agreement, REGISTRAR, BANK, key_of(party, 1))


def veto(rig: Rig, sequence: int) -> None:
    rig.do(VetoRekey(A, sequence, LATER), A)  # type: ignore[arg-type]


def issue(rig: Rig, face: int = FACE, **terms: Any) -> None:
    rig.do(rig.issue_of(face, **terms), ISSUER, A)


def invoiced(rig: Rig, *invoices: tuple[int, int, int]) -> None:
    """An issue on these invoices: number, amount, total."""
    used = tuple(Invoice(fingerprint(number), amount, total) for number, amount, total in invoices)  # type: ignore[arg-type]
    issue(rig, sum(amount for _, amount, _ in invoices), invoices=used)


def after(*steps: Provoke) -> Provoke:
    """One after the other; the last one is refused."""

    def provoke(rig: Rig) -> None:
        for step in steps:
            step(rig)

    return provoke


def on_voucher(*steps: Callable[[Rig, int], Any], start: Callable[[Rig], int] = Rig.issued) -> Provoke:
    """The steps on a voucher that A holds; the last one is refused."""

    def provoke(rig: Rig) -> None:
        voucher = start(rig)
        for step in steps:
            step(rig, voucher)

    return provoke


def days(count: int) -> Callable[..., None]:
    return lambda rig, *_: rig.pass_days(count)


def move(rig: Rig, voucher: int, **terms: Any) -> None:
    rig.do(rig.transfer_of(voucher, B, **terms), A, B)


def part(rig: Rig, voucher: int, *faces: int) -> None:
    rig.do(rig.split_of(voucher, *((B, face) for face in faces)), A, *[B] * len(faces))


def sell(rig: Rig, voucher: int, **terms: Any) -> None:
    rig.do(discount_of(rig, voucher, **terms), A, FACTOR)


def disburse(rig: Rig, voucher: int, **terms: Any) -> None:
    rig.do(disbursement_of(rig, voucher, **terms), FACTOR)


def settle(rig: Rig, voucher: int, **terms: Any) -> None:
    rig.do(settlement_of(rig, voucher, **terms), BANK, A)


def confirm(rig: Rig, voucher: int) -> None:
    rig.do(confirm_of(rig, voucher), A)


def contest(rig: Rig, voucher: int) -> None:
    rig.do(contest_of(rig, voucher, A), A)


def cancel(rig: Rig, voucher: int) -> None:
    rig.do(cancel_of(rig, voucher), ISSUER, A)


def cancel_with_another_issue(rig: Rig) -> None:
    whole = rig.issue_of()
    rig.do(whole, ISSUER, A)
    voucher = rig.issued()
    rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=whole)


def starve(rig: Rig) -> None:
    admit_wallet(rig, NEW, "SlowWallet", 150_000, cap=200_000)
    data = rig.call(rig.transfer_of(rig.issued(), NEW), A, YES)
    rig.send(rig.ledger, data, gas=GIVEN_LITTLE)


def nest(rig: Rig) -> None:
    sent = rig.batch(Contract.LEDGER, [batch_calldata([], False)])
    raise rig.refused(sent)[0]


def resize(rig: Rig, limit: int, *, expiry: int) -> None:
    rig.do(ResizeLine(LINE, 1, limit, rig.today + expiry, LATER), BANK)  # type: ignore[arg-type]


DOOR: dict[str, Provoke] = {
    "AgreementExpired": on_voucher(lambda rig, v: move(rig, v, deadline=1)),
    "ConsentCount": on_voucher(lambda rig, v: rig.do(rig.transfer_of(v, B), A)),
    "GasTooLow": starve,
    "BatchStopped": lambda rig: rig.batch(Contract.LEDGER, [b""]),
    "NestedBatch": nest,
    "WrongSequence": on_voucher(lambda rig, v: move(rig, v, sequence=2)),
}

REGISTRY: dict[str, Provoke] = {
    "UnknownParty": on_voucher(lambda rig, v: rig.do(rig.transfer_of(v, NOBODY), A, A)),
    "PartyNumberTaken": lambda rig: admission(rig, number=A),
    "PartySuspended": on_voucher(lambda rig, _: suspend(rig, A), move),
    "PartyRecovering": on_voucher(lambda rig, _: start_recovery(rig, A), move),
    "MissingRole": on_voucher(lambda rig, v: rig.do(discount_of(rig, v, funder=B), A, B)),
    "BadSignature": on_voucher(lambda rig, v: rig.do(rig.transfer_of(v, B), A, C)),
    "SignerInUse": lambda rig: admission(rig, key=A),
    "SignerNotAllowed": lambda rig: admission(rig, signer=b"\x01" * 19),
    "SignatureGasTooHigh": lambda rig: admission(rig, cap=500_001),
    "NoSponsor": lambda rig: proposal(rig, REGISTRAR),
    "RegistrarStays": lambda rig: suspend(rig, REGISTRAR),
    "AlreadySuspended": after(lambda rig: suspend(rig, A), lambda rig: suspend(rig, A)),
    "NotSuspended": lambda rig: rig.do(Reinstate(A, 1, ZERO, LATER), REGISTRAR),  # type: ignore[arg-type]
    "NoRecovery": lambda rig: rig.do(WithdrawRekey(A, 1, LATER), REGISTRAR, BANK),  # type: ignore[arg-type]
    "RecoveryNotReady": after(
        lambda rig: start_recovery(rig, A),
        lambda rig: rig.do(FinishRekey(A, 2, 0, LATER)),  # type: ignore[arg-type]
    ),
    "AlreadyVetoed": after(
        lambda rig: start_recovery(rig, A), lambda rig: veto(rig, 2), lambda rig: veto(rig, 3)
    ),
    "ArbiterExpected": after(
        lambda rig: start_recovery(rig, A),
        days(7),
        lambda rig: rig.do(FinishRekey(A, 2, ARBITER, LATER), ARBITER),  # type: ignore[arg-type]
    ),
    "ArbiterConcerned": after(
        lambda rig: start_recovery(rig, A),
        lambda rig: veto(rig, 2),
        days(30),
        lambda rig: rig.do(FinishRekey(A, 3, BANK, LATER), BANK),  # type: ignore[arg-type]
    ),
}

SETTINGS_OF_THE_REGISTRY: dict[str, Provoke] = {
    "VerifierNotAllowed": lambda rig: admission(rig, signer=b"\x01" * 21),
    "SignatureGasOutOfRange": lambda rig: list_verifier(rig, rig.ledger, signature_gas=0),
    "VerifierTaken": lambda rig: [list_verifier(rig, rig.ledger) for _ in range(2)],
    "VerifierCodeDiffers": lambda rig: list_verifier(rig, rig.ledger, code_hash=ZERO),
    "RolesUnfit": lambda rig: admission(rig, roles=9),
    "RegistrarUnfit": lambda rig: offer(rig, BANK),
    "NoHandOver": lambda rig: rig.do(acceptance(rig), NEXT),
    "HandOverNotReady": after(offer, lambda rig: rig.do(acceptance(rig), NEXT)),
}

LINES_AND_ISSUES: dict[str, Provoke] = {
    "LineTaken": lambda rig: rig.grant(),
    "UnknownLine": lambda rig: issue(rig, line=LINE + 1),
    "WrongIssuer": lambda rig: rig.do(rig.issue_of(issuer=OTHER_ISSUER), OTHER_ISSUER, A),
    "ParentLineUnfit": lambda rig: rig.grant(LINE + 1, parent=LINE + 2),
    "WindowOutOfRange": lambda rig: rig.grant(LINE + 1, window=16),
    "GraceOutOfRange": lambda rig: rig.grant(LINE + 1, grace=31),
    "SmallestPartTooSmall": lambda rig: rig.grant(LINE + 1, smallest_part=99),
    "LineIsFrozen": after(
        lambda rig: rig.do(FreezeLine(LINE, 1, True, ZERO, LATER), BANK),  # type: ignore[arg-type]
        issue,
    ),
    "LineExpired": after(lambda rig: resize(rig, FACE, expiry=-1), issue),
    "LimitExceeded": after(lambda rig: resize(rig, FACE - 1, expiry=1), issue),
    "ZeroAmount": lambda rig: invoiced(rig, (1, 0, FACE), (2, FACE, FACE)),
    "InvoiceCount": lambda rig: invoiced(rig, *((n, SLICE, FACE) for n in range(11))),
    "InvoicesDoNotMatch": lambda rig: issue(rig, invoices=()),
    "InvoiceTotalDiffers": lambda rig: invoiced(rig, (1, SLICE, FACE), (1, SLICE, 2 * FACE)),
    "InvoiceExceeded": lambda rig: invoiced(rig, (1, SLICE, SLICE), (1, SLICE, SLICE)),
    "DueDayPassed": lambda rig: issue(rig, due_day=rig.today),
    "TenorTooLong": lambda rig: issue(rig, due_day=rig.today + 367),
    "TenorNeedsReason": lambda rig: issue(rig, due_day=rig.today + 185),
    "TooManyParts": lambda rig: issue(rig, 1_000_100 * YUAN),
}

VOUCHERS: dict[str, Provoke] = {
    "UnknownVoucher": lambda rig: rig.do(revoke_of(rig, 7), A),
    "VoucherEnded": on_voucher(cancel, cancel),
    "VoucherTaken": lambda rig: [rig.do(each, ISSUER, A) for each in [rig.issue_of()] * 2],
    "Locked": on_voucher(move, start=discounted),
    "InFreeze": on_voucher(freeze, move),
    "RecordDay": on_voucher(days(120), move),
    "OverdueDiffers": on_voucher(lambda rig, v: move(rig, v, overdue=True)),
    "SameParty": on_voucher(lambda rig, v: rig.do(rig.transfer_of(v, A), A, A)),
    "PartCount": on_voucher(part),
    "PartTooSmall": on_voucher(lambda rig, v: part(rig, v, 1)),
    "PartsExceedFace": on_voucher(lambda rig, v: part(rig, v, FACE, 100 * YUAN)),
    "TierTooHigh": lambda rig: issue(rig, highest_tier=0),
    "OrderSpent": on_voucher(freeze, freeze),
    "FreezeOutOfRange": on_voucher(lambda rig, v: rig.do(freeze_of(rig, v, days=367), REGISTRAR)),
    "NotFrozen": on_voucher(lambda rig, v: rig.do(unfreeze_of(rig, v), REGISTRAR)),
    "NotUndivided": cancel_with_another_issue,
}

SALES_AND_PAYMENTS: dict[str, Provoke] = {
    "PayByPassed": on_voucher(lambda rig, v: sell(rig, v, pay_by=rig.today - 1)),
    "PayByTooLate": on_voucher(lambda rig, v: sell(rig, v, pay_by=rig.today + 120)),
    "NotDiscounted": on_voucher(lambda rig, v: rig.do(rescind_of(rig, v, A), A)),
    "NotConcerned": on_voucher(lambda rig, v: rig.do(rescind_of(rig, v, B), B), start=discounted),
    "RescindTooEarly": on_voucher(lambda rig, v: rig.do(rescind_of(rig, v, A), A), start=discounted),
    "NoPayment": on_voucher(confirm),
    "PaymentPending": on_voucher(disburse, start=disbursing),
    "PaymentIsContested": on_voucher(contest, contest, start=disbursing),
    "PaymentIsConfirmed": on_voucher(freeze, confirm, confirm, start=disbursing),
    "AssertTooLate": on_voucher(days(5), disburse, start=discounted),
    "ValueDayAhead": on_voucher(lambda rig, v: settle(rig, v, value_day=rig.today + 1)),
    "WrongAmount": on_voucher(lambda rig, v: settle(rig, v, amount=1)),
    "WrongPayee": on_voucher(lambda rig, v: settle(rig, v, payee=B)),
    "HolderMustSign": on_voucher(lambda rig, v: rig.do(settlement_of(rig, v), BANK)),
    "WindowOpen": on_voucher(Rig.complete, start=settling),
    "WindowEnded": on_voucher(days(WINDOW + 1), contest, start=settling),
    "PayeeRecovering": on_voucher(
        lambda rig, _: start_recovery(rig, A), days(WINDOW + 1), Rig.complete, start=disbursing
    ),
}

SETTINGS_OF_THE_LEDGER: dict[str, Provoke] = {
    "TenorCapOutOfRange": lambda rig: set_cap(rig, 0),
    "NoticeTooShort": lambda rig: set_cap(rig, 90, in_force_from=rig.today),
    "StopIsFinal": lambda rig: stop(rig, 0, stopped=False),
    "IssueUnchanged": lambda rig: stop(rig, ISSUER, stopped=False),
    "InRunOff": after(lambda rig: stop(rig, 0), issue),
    "IssuerStopped": after(lambda rig: stop(rig, ISSUER), issue),
    "IssuerOverdue": after(overdue, issue),
    "PredecessorIssues": after(succeed, Rig.grant, issue),
}

DEFAULT_AND_SECURITY: dict[str, Provoke] = {
    "NotYetOverdue": on_voucher(declare, start=due),
    "AlreadyOverdue": on_voucher(declare, start=overdue),
    "SecuredOutOfRange": on_voucher(lambda rig, v: pledge(rig, v, secured=FACE + 1)),
    "EndDayPassed": on_voucher(lambda rig, v: pledge(rig, v, end_day=rig.today - 1)),
    "NotPledged": on_voucher(lambda rig, v: rig.do(release_of(rig, v, A), A)),
    "ReleaseTooEarly": on_voucher(lambda rig, v: rig.do(release_of(rig, v, A), A), start=pledged),
    "NotContested": on_voucher(award, start=settling),
    "AwardTooEarly": on_voucher(award, start=contested),
}

PROVOKED = DOOR | REGISTRY | SETTINGS_OF_THE_REGISTRY | LINES_AND_ISSUES | VOUCHERS | SALES_AND_PAYMENTS
PROVOKED |= SETTINGS_OF_THE_LEDGER | DEFAULT_AND_SECURITY


def in_the_abis() -> set[str]:
    entries = [entry for name in artifacts.CONTRACTS for entry in compiled()[name].abi]
    return {entry["name"] for entry in entries if entry["type"] == "error"} - BY_OPENZEPPELIN


def test_every_custom_error_has_a_row() -> None:
    assert set(PROVOKED) | {"PredecessorUnfit"} == in_the_abis()


def test_a_ledger_of_another_registry_is_nobody_s_predecessor(rig: Rig) -> None:
    elsewhere = Rig(rig.engine, admitted=False)
    code = creation_data(compiled()["VoucherLedger"], [rig.registry, elsewhere.ledger])
    with pytest.raises(RuntimeError, match=keccak(b"PredecessorUnfit(address)")[:4].hex()):
        rig.engine.deploy(code)


def test_the_interfaces_declare_every_error_and_the_contracts_use_every_one() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "contracts/interfaces").glob("*.sol")]
    declared = {name for source in sources for name in re.findall(r"^\s*error (\w+)\(", source, re.M)}
    assert declared == in_the_abis()
    bodies = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "contracts").glob("*.sol"))
    assert {name for name in declared if not re.search(rf"revert {name}\(", bodies)} == set()


@pytest.mark.parametrize("name", PROVOKED)
def test_the_error_is_provoked(rig: Rig, name: str) -> None:
    with pytest.raises(Refusal) as said:
        PROVOKED[name](rig)
    assert said.value.name == name
