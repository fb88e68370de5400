"""Where gas is measured: parties, lines and vouchers in the state that a scene begins with.

It prepares many of a kind in one batch and never the same twice. What is done with them, and what that
costs, is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.agreements import (
    Admit,
    Agreement,
    AssertPayment,
    Discount,
    Freeze,
    GrantLine,
    Issue,
    ProposeRekey,
    Purpose,
    Reinstate,
    Suspend,
)
from ledger.members import Contract, line_id
from ledger.signing import calldata, root_id
from tests.rig import BANK, FACTOR, GRACE, ISSUER, REGISTRAR, WINDOW, YUAN, Rig, key_of

SUPPLIERS: Final = tuple(range(101, 113))
FACE: Final = 1_000_000 * YUAN
PART: Final = 300_000 * YUAN
LIMIT: Final = 10**15  # no scene reaches it
HASH: Final = bytes(
    range(1, 33)
)  # stands where a salted hash would: it has no zero byte, which is the dear case
DEADLINE: Final = 1_800_000_255  # in 2027; its four bytes are not zero either


class Item(NamedTuple):
    """One call of a verb, and how many signatures it carries."""

    call: bytes
    signatures: int


class Held(NamedTuple):
    """A voucher that was just issued: sequence 1, and a supplier that never held it."""

    voucher: int
    holder: int
    recipient: int
    issue: Issue


@dataclass
class Yard:
    """Where scenes are prepared. Numbers are used once."""

    rig: Rig
    number: int = 0
    parties: int = 1_000
    lines: int = 10

    def __post_init__(self) -> None:
        for supplier in SUPPLIERS:
            self.rig.admit(supplier, 0)
        self.rig.grant(limit=LIMIT)
        self.rig.pass_days(1)

    def item(self, agreement: Agreement, *signers: int | PrivateKey, issued: Issue | None = None) -> Item:
        consents = self.rig.consents(agreement, signers)
        return Item(calldata(agreement, consents, issued=issued), len(signers))

    def prepare(self, contract: Contract, items: Sequence[Item]) -> None:
        """Sends what is not measured."""
        sent = self.rig.batch(contract, [item.call for item in items])
        assert not self.rig.refused(sent), self.rig.refused(sent)

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

    def admission(self) -> Item:
        self.parties += 1
        party = self.parties
        self.rig.keys[party] = key_of(party)
        return self.item(
            Admit(party, 0, BANK, 0, HASH, DEADLINE, address_of(key_of(party))),  # type: ignore[arg-type]
            REGISTRAR,
            BANK,
            party,
        )

    def admitted(self, count: int) -> list[int]:
        self.prepare(Contract.REGISTRY, [self.admission() for _ in range(count)])
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

    def payment(self, held: Held, purpose: Purpose, sequence: int, *signers: int) -> Item:
        amount = FACE if purpose is Purpose.SETTLEMENT else 0
        agreement = AssertPayment(
            held.voucher, sequence, purpose, held.holder, amount, self.rig.today, HASH, DEADLINE  # type: ignore[arg-type]
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

    def frozen(self, count: int) -> list[Held]:
        held = self.issued(count)
        self.prepare(Contract.LEDGER, [self.freezing(each) for each in held])
        return held

    def freezing(self, held: Held) -> Item:
        agreement = Freeze(held.voucher, HASH, self.rig.today + 30, DEADLINE)  # type: ignore[arg-type]
        return self.item(agreement, REGISTRAR)

    def standing(self, kind: type[Suspend] | type[Reinstate], party: int, sequence: int) -> Item:
        return self.item(kind(party, sequence, HASH, DEADLINE), REGISTRAR)  # type: ignore[arg-type]

    def proposal(self, party: int) -> Item:
        new = key_of(party, 1)
        agreement = ProposeRekey(party, 1, 0, DEADLINE, address_of(new))  # type: ignore[arg-type]
        return self.item(agreement, REGISTRAR, BANK, new)

    def recovering(self, count: int) -> list[int]:
        parties = self.admitted(count)
        self.prepare(Contract.REGISTRY, [self.proposal(party) for party in parties])
        return parties


def address_of(key: PrivateKey) -> bytes:
    return bytes(key.public_key.to_canonical_address())
