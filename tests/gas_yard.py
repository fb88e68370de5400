"""Where gas is measured: parties, lines and vouchers in the state that a scene begins with.

It prepares many of a kind in one batch and never the same twice, everything signed by wallet keys; then the parties
that are to sign what is measured are rekeyed to the kind of signer that is asked for. What is done with them, and what
that costs, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from eth_utils.crypto import keccak

from ledger.agreements import (
    Admit,
    Agreement,
    AssertPayment,
    ContestPayment,
    Discount,
    Freeze,
    GrantLine,
    Issue,
    Pledge,
    ProposeRekey,
    Purpose,
    Reinstate,
    Rekey,
    Suspend,
)
from ledger.members import Contract, line_id
from ledger.signing import calldata, declare_overdue_calldata, digest, root_id
from tests.gas_node import PLENTY
from tests.gas_signers import WALLET, Kind, Signer, Signers, wallet
from tests.rig import BANK, FACTOR, GRACE, ISSUER, LATER, REGISTRAR, WINDOW, YUAN, Rig, key_of

CAST: Final = 1_000
"""The highest number of a party that is there in the beginning."""
SUPPLIERS: Final = tuple(range(101, 113))
FACE: Final = 1_000_000 * YUAN
PART: Final = 300_000 * YUAN
SECURED: Final = 800_000 * YUAN
LIMIT: Final = 10**15  # no scene reaches it
HASH: Final = bytes(
    range(1, 33)
)  # stands where a salted hash would: it has no zero byte, which is the dear case
DEADLINE: Final = 1_800_000_255  # in 2027; its four bytes are not zero either


@dataclass(frozen=True, slots=True)
class Item:
    """One agreement, who signs it (a party as it signs when the call is made, or a signer that is new), and its digest.

    `call` instead of all that for a verb without an agreement.
    """

    agreement: Agreement | None = None
    signers: tuple[int | Signer, ...] = ()
    digest: bytes = b""
    issued: Issue | None = None
    call: bytes = b""


class Held(NamedTuple):
    """A voucher that was just issued: sequence 1, and a supplier that never held it."""

    voucher: int
    holder: int
    recipient: int
    issue: Issue


@dataclass
class Yard:
    """Where one scene is prepared. Numbers are used once. `kind`: that of the signers that the scene is about."""

    rig: Rig
    signers: Signers
    kind: Kind = WALLET
    number: int = 0
    parties: int = CAST
    lines: int = 10
    lots: int = 0
    present: dict[int, Signer] = field(default_factory=dict)

    def item(self, agreement: Agreement, *signers: int | Signer, issued: Issue | None = None) -> Item:
        hashed = digest(agreement, self.rig.domain(agreement.contract))
        return Item(agreement, signers, hashed, issued)

    def call(self, item: Item) -> bytes:
        """The item with the consents of those who sign for the parties at present."""
        if item.agreement is None:
            return item.call
        signing = (self.signer_of(each) if isinstance(each, int) else each for each in item.signers)
        return calldata(item.agreement, [each.consent(item.digest) for each in signing], issued=item.issued)

    def signer_of(self, party: int) -> Signer:
        """Who signs for it now; in the beginning its wallet key."""
        if party not in self.present:
            self.present[party] = wallet(key_of(party).to_bytes())
        return self.present[party]

    def prepare(self, contract: Contract, items: Sequence[Item]) -> None:
        """Sends what is not measured."""
        sent = self.rig.batch(contract, [self.call(item) for item in items], gas=PLENTY)
        assert not self.rig.refused(sent), self.rig.refused(sent)

    def rekey(self, cast: Sequence[int], kind: Kind) -> None:
        """From now on these of the cast, who signed with wallet keys so far, sign as this kind does."""
        for party in cast:
            self.present.pop(party, None)
        if kind is WALLET or not cast:
            return
        made = kind.make(self.signers, cast)
        changes = [
            self.item(Rekey(party, 1, new.cap, LATER, new.named), party, new)  # type: ignore[arg-type]
            for party, new in zip(cast, made, strict=True)
        ]
        self.prepare(Contract.REGISTRY, changes)
        self.present |= dict(zip(cast, made, strict=True))

    def issue(self, **terms: Any) -> Issue:
        self.number += 1
        terms |= {"deadline": DEADLINE}
        terms["issuer_reference"] = keccak(b"reference %d" % self.number)  # as dear as a reference can be
        return self.rig.issue_of(FACE, supplier=SUPPLIERS[self.number % 12], **terms)

    def issued(self, count: int, **terms: Any) -> list[Held]:
        issues = [self.issue(**terms) for _ in range(count)]
        self.prepare(Contract.LEDGER, [self.item(each, ISSUER, each.supplier) for each in issues])
        domain = self.rig.domain(Contract.LEDGER)
        after = dict(zip(SUPPLIERS, SUPPLIERS[1:] + SUPPLIERS[:1], strict=True))
        return [Held(root_id(each, domain), each.supplier, after[each.supplier], each) for each in issues]

    def new_signers(self, count: int) -> list[Signer]:
        """So many signers of the scene's kind that serve nobody yet."""
        self.lots += 1
        return self.kind.make(self.signers.of_lot(self.lots), range(count))

    def admissions(self, count: int) -> list[Item]:
        """Of parties with a signer of the scene's kind."""
        first, made = self.parties + 1, self.new_signers(count)
        self.parties += count
        return [self.admission(party, new) for party, new in enumerate(made, start=first)]

    def admission(self, party: int, signer: Signer) -> Item:
        self.present[party] = signer
        agreement = Admit(party, 0, BANK, signer.cap, HASH, DEADLINE, signer.named)  # type: ignore[arg-type]
        return self.item(agreement, REGISTRAR, BANK, signer)

    def admitted(self, count: int) -> list[int]:
        self.prepare(Contract.REGISTRY, self.admissions(count))
        return list(range(self.parties - count + 1, self.parties + 1))

    def line(self) -> tuple[int, Item]:
        self.lines += 1
        line = line_id(BANK, self.lines)
        agreement = GrantLine(
            line=line,
            issuer=ISSUER,  # type: ignore[arg-type]
            parent=0,  # type: ignore[arg-type]
            limit=LIMIT,  # type: ignore[arg-type]
            expiry=self.rig.today + 365,  # type: ignore[arg-type]
            smallest_part=100 * YUAN,  # type: ignore[arg-type]
            window=WINDOW,
            grace=GRACE,
            countersign=False,
            deadline=DEADLINE,  # type: ignore[arg-type]
        )
        return line, self.item(agreement, BANK, ISSUER)

    def granted(self, count: int) -> list[int]:
        made = [self.line() for _ in range(count)]
        self.prepare(Contract.LEDGER, [item for _, item in made])
        return [line for line, _ in made]

    # ------------------------------------------------------------ agreements that several scenes need

    def sale(self, held: Held) -> Item:
        pay_by = self.rig.today + 3
        sale = Discount(held.voucher, 1, FACTOR, HASH, pay_by, DEADLINE)  # type: ignore[arg-type]
        return self.item(sale, held.holder, FACTOR)

    def sold(self, count: int) -> list[Held]:
        held = self.issued(count)
        self.prepare(Contract.LEDGER, [self.sale(each) for each in held])
        return held

    def payment(self, held: Held, purpose: Purpose, sequence: int, *signers: int, **terms: int) -> Item:
        face = FACE if purpose is Purpose.SETTLEMENT else 0
        payee, amount = terms.get("payee", held.holder), terms.get("amount", face)
        agreement = AssertPayment(
            held.voucher, sequence, purpose, payee, amount, self.rig.today, HASH, DEADLINE  # type: ignore[arg-type]
        )  # fmt: skip
        return self.item(agreement, *signers)

    def disbursed(self, count: int) -> list[Held]:
        """Sold, and the disbursement asserted: sequence 3."""
        held = self.sold(count)
        items = [self.payment(each, Purpose.DISBURSEMENT, 2, FACTOR) for each in held]
        self.prepare(Contract.LEDGER, items)
        return held

    def due(self, count: int) -> list[Held]:
        """On their due day."""
        held = self.issued(count, due_day=self.rig.today + 3)
        self.rig.pass_days(3)
        return held

    def pledged_and_due(self, count: int) -> list[Held]:
        held = self.pledged(count, due_day=self.rig.today + 3)
        self.rig.pass_days(3)
        return held

    def frozen(self, count: int) -> list[Held]:
        held = self.issued(count)
        self.prepare(Contract.LEDGER, [self.freezing(each) for each in held])
        return held

    def freezing(self, held: Held) -> Item:
        agreement = Freeze(held.voucher, HASH, self.rig.today + 30, DEADLINE)  # type: ignore[arg-type]
        return self.item(agreement, REGISTRAR)

    def contested(self, count: int) -> list[Held]:
        """Sold, the disbursement asserted and contested: sequence 4."""
        held = self.disbursed(count)
        self.prepare(Contract.LEDGER, [self.contest(each) for each in held])
        return held

    def contest(self, held: Held) -> Item:
        agreement = ContestPayment(held.voucher, 3, held.holder, HASH, DEADLINE)  # type: ignore[arg-type]
        return self.item(agreement, held.holder)

    def unpaid(self, count: int) -> list[Held]:
        """Beyond their days of grace, and not declared overdue."""
        held = self.issued(count, due_day=self.rig.today + 3)
        self.rig.pass_days(3 + GRACE + 1)
        return held

    def overdue(self, count: int) -> list[Held]:
        """Declared overdue: sequence 2."""
        held = self.unpaid(count)
        self.prepare(Contract.LEDGER, [self.declaration(each) for each in held])
        return held

    def declaration(self, held: Held) -> Item:
        return Item(call=declare_overdue_calldata(held.voucher))  # type: ignore[arg-type]

    def pledge(self, held: Held) -> Item:
        agreement = Pledge(held.voucher, 1, FACTOR, SECURED, HASH, self.rig.today + 90, DEADLINE)  # type: ignore[arg-type]
        return self.item(agreement, held.holder, FACTOR)

    def pledged(self, count: int, **terms: Any) -> list[Held]:
        """Pledged for less than their face: sequence 2."""
        held = self.issued(count, **terms)
        self.prepare(Contract.LEDGER, [self.pledge(each) for each in held])
        return held

    def standing(self, kind: type[Suspend] | type[Reinstate], party: int, sequence: int) -> Item:
        return self.item(kind(party, sequence, HASH, DEADLINE), REGISTRAR)  # type: ignore[arg-type]

    def proposals(self, parties: Sequence[int]) -> list[Item]:
        """Of a signer of the scene's kind for each."""
        return [
            self.item(ProposeRekey(party, 1, new.cap, DEADLINE, new.named), REGISTRAR, BANK, new)  # type: ignore[arg-type]
            for party, new in zip(parties, self.new_signers(len(parties)), strict=True)
        ]

    def recovering(self, count: int) -> list[int]:
        """Parties for whom a new signer is proposed: sequence 2."""
        parties = self.admitted(count)
        self.prepare(Contract.REGISTRY, self.proposals(parties))
        return parties


@dataclass(frozen=True, slots=True)
class Scene:
    """A verb in one of its cases. `make` gives so many of it, prepared.

    `by_kind`: what is prepared has signers of the kind that is measured, and so is prepared for each kind anew.
    `most`: so many there can be in a batch.
    """

    contract: Contract
    verb: str
    case: str
    make: Callable[[Yard, int], list[Item]]
    by_kind: bool = False
    most: int = 1_000_000
