"""What the simulator's parties agree on: good agreements, whose end is known before, and bad ones with their reason.

    People.agree(rng)    the next agreement, signed; the model moves on as if it had landed

An agreement is theirs until the outbox has acknowledged it, and again when a database is put back that does not have
it. What they expect is kept beside the product, by the simplest of models: who holds what, at which sequence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from sqlalchemy import select

from ledger.agreements import Agreement, Issue, Part, PartyNumber, Split, Transfer, VoucherId
from ledger.calendar import Timestamp
from ledger.money import Fen
from ledger.outbox import FINAL, REFUSED
from ledger.outbox_tables import OutboxRow
from ledger.signing import child_id, digest, root_id
from tests.ledger.office import FACE, ISSUER, LATER, YUAN, A, B, C, Office

PARTIES: Final = (A, B, C)
LEAST: Final = 100 * YUAN
MOST_TIERS: Final = 6


@dataclass(frozen=True, slots=True)
class Act:
    """A signed agreement. `refusals`: empty where it has to land, else why it may be refused; `may_land`: where only
    time decides."""

    what: str
    agreement: Agreement
    consents: tuple[bytes, ...]
    digest: bytes
    refusals: frozenset[str] = frozenset()
    may_land: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """A voucher as its parties see it."""

    holder: PartyNumber
    face: int
    sequence: int = 1
    tier: int = 1


@dataclass
class People:
    """The parties. `vouchers`: as they will be when everything has landed; `perhaps`: those that time decides on."""

    office: Office
    vouchers: dict[VoucherId, Holding] = field(default_factory=dict)
    perhaps: set[VoucherId] = field(default_factory=set)
    drawn: int = 0

    def agree(self, rng: Random) -> Act:
        """Something that can be agreed on now."""
        kinds = (self._issue, self._transfer, self._split, self._bad)
        return rng.choices(kinds, (4, 5, 2, 2))[0](rng)

    def _act(
        self,
        what: str,
        agreement: Agreement,
        *signers: int,
        refusals: tuple[str, ...] = (),
        may_land: bool = False,
    ) -> Act:
        consents = tuple(self.office.consents(agreement, *signers))
        own = digest(agreement, self.office.domain())
        return Act(what, agreement, consents, own, frozenset(refusals), may_land)

    def _new(self, rng: Random) -> tuple[Issue, PartyNumber]:
        self.drawn += 1
        supplier = rng.choice(PARTIES)
        issue = self.office.issue_of(rng.randrange(1, 50) * LEAST, supplier=supplier)
        return replace(issue, deadline=LATER), supplier

    def _issue(self, rng: Random) -> Act:
        issue, supplier = self._new(rng)
        voucher = root_id(issue, self.office.domain())
        self.vouchers[voucher] = Holding(supplier, issue.face)
        return self._act(f"issue {issue.face} to {supplier}", issue, ISSUER, supplier)

    def _movable(self, rng: Random, least: int = LEAST) -> tuple[VoucherId, Holding] | None:
        there = [(v, h) for v, h in self.vouchers.items() if h.face >= least and h.tier < MOST_TIERS]
        return rng.choice(there) if there else None

    def _transfer(self, rng: Random) -> Act:
        found = self._movable(rng)
        if found is None:
            return self._issue(rng)
        voucher, held = found
        recipient = rng.choice([party for party in PARTIES if party != held.holder])
        self.vouchers[voucher] = Holding(recipient, held.face, held.sequence + 1, held.tier + 1)
        transfer = Transfer(voucher, held.sequence, recipient, False, LATER, ())
        return self._act(f"transfer at {held.sequence} to {recipient}", transfer, held.holder, recipient)

    def _split(self, rng: Random) -> Act:
        found = self._movable(rng, 3 * LEAST)
        if found is None:
            return self._issue(rng)
        voucher, held = found
        count = rng.choice((1, 2, 2))
        recipients = [rng.choice(PARTIES) for _ in range(count)]
        whole = held.face == count * LEAST or rng.random() < 0.3
        face = held.face // count // LEAST * LEAST if whole else LEAST
        parts = [Part(party, Fen(face)) for party in recipients]
        if whole:
            parts[0] = Part(recipients[0], Fen(held.face - face * (count - 1)))
        for place, part in enumerate(parts):
            tier = held.tier if part.recipient == held.holder else held.tier + 1
            child = child_id(voucher, held.sequence, place)
            self.vouchers[child] = Holding(part.recipient, part.face, tier=tier)
        rest = held.face - sum(part.face for part in parts)
        self.vouchers[voucher] = replace(held, face=rest, sequence=held.sequence + 1)
        split = Split(voucher, held.sequence, False, LATER, tuple(parts), ())
        return self._act(
            f"split at {held.sequence} into {count}, {rest} left", split, held.holder, *recipients
        )

    def _bad(self, rng: Random) -> Act:
        kinds = (self._too_much, self._unknown, self._stolen, self._stale, self._expired, self._in_time)
        return rng.choice(kinds)(rng)

    def _too_much(self, rng: Random) -> Act:
        issue, supplier = self._new(rng)
        issue = replace(issue, face=Fen(60 * FACE), smallest_part=Fen(FACE), invoices=())
        return self._act("issue above the limit", issue, ISSUER, supplier, refusals=("LimitExceeded",))

    def _unknown(self, rng: Random) -> Act:
        nobody = VoucherId(rng.getrandbits(256))
        transfer = Transfer(nobody, 1, B, False, LATER, ())
        return self._act("transfer of what is not there", transfer, A, B, refusals=("UnknownVoucher",))

    def _stolen(self, rng: Random) -> Act:
        found = self._movable(rng)
        if found is None:
            return self._unknown(rng)
        voucher, held = found
        thief = rng.choice([party for party in PARTIES if party != held.holder])
        transfer = Transfer(voucher, held.sequence, thief, False, Timestamp(LATER - 1), ())
        # Before it is looked at, the voucher may have moved on, or not be there yet.
        said = ("BadSignature", "WrongSequence", "UnknownVoucher", "VoucherEnded")
        return self._act("transfer by a thief", transfer, thief, thief, refusals=said)

    def _stale(self, rng: Random) -> Act:
        with self.office.store.reading() as session:
            under_way = select(OutboxRow.subject).where(OutboxRow.status.not_in((FINAL, REFUSED)))
            # what is still on its way may be overtaken by this, which was signed by the same hand
            going = {subject[:20] for subject in session.scalars(under_way) if subject}
        moved = [
            (v, h) for v, h in self.vouchers.items() if h.sequence > 1 and v.to_bytes(32)[:20] not in going
        ]
        if not moved:
            return self._unknown(rng)
        voucher, held = rng.choice(moved)
        sequence = rng.randrange(1, held.sequence)
        transfer = Transfer(voucher, sequence, ISSUER, False, LATER, ())
        said = ("WrongSequence", "BadSignature", "UnknownVoucher", "VoucherEnded")
        return self._act("transfer at a past sequence", transfer, held.holder, ISSUER, refusals=said)

    def _expired(self, rng: Random) -> Act:
        issue, supplier = self._new(rng)
        issue = replace(issue, deadline=Timestamp(self.office.chain.now() - 1))
        return self._act("issue after its deadline", issue, ISSUER, supplier, refusals=("AgreementExpired",))

    def _in_time(self, rng: Random) -> Act:
        issue, supplier = self._new(rng)
        issue = replace(issue, deadline=Timestamp(self.office.chain.now() + rng.randrange(120)))
        self.perhaps.add(root_id(issue, self.office.domain()))
        said = ("AgreementExpired",)
        return self._act("issue with a near deadline", issue, ISSUER, supplier, refusals=said, may_land=True)
