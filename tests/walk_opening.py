"""How a walk begins: verifiers listed, parties with signers of every kind admitted, lines granted.

What comes out are calls, each made when the one before has landed, and moments to go to. The seed of the walk decides
whether registrar and bank are wallets of several members.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ledger.agreements import Admit, GrantLine, ListVerifier, PartyNumber, Rekey
from ledger.calendar import Day, start_of_day
from ledger.members import line_id
from ledger.party import NOTICE_DAYS
from ledger.world import Role
from tests.walk_attacks import Item, honest
from tests.walk_cast import VERIFIER_CAP
from tests.walk_draws import Proposal
from tests.walk_verbs import Proposer

LATER: Final = 2**39
VERIFIERS: Final = ("ERC7913P256Verifier", "ERC7913WebAuthnVerifier", "RSAVerifier", "HostileVerifier")
_ISSUING = (Role.ISSUER, Role.ISSUER)
ROLES: Final = (
    Role.FUNDER,
    Role.ARBITER,
    *_ISSUING,
    *[Role(0)] * 7,
    Role.FUNDER,
    Role.ARBITER | Role.FUNDER,
    *_ISSUING,
)
"""Of parties 4, 5, …"""
WALLETS: Final = {9: "owned", 10: "slow", 14: "obedient"}
BEHIND: Final = {7: VERIFIERS[0], 11: VERIFIERS[0], 12: VERIFIERS[1], 13: VERIFIERS[2], 15: VERIFIERS[1]}


def opening(p: Proposer) -> Iterator[Item | int]:
    """Verifiers, seven days of notice, parties; a number is a moment to go to."""
    lineage = p.ring.lineage
    for place, name in enumerate(VERIFIERS):
        site = p.ring.site(name).to_bytes(20)
        new = ListVerifier(place, site, VERIFIER_CAP, lineage.code_hash(site), LATER)  # type: ignore[arg-type]
        yield honest(p, Proposal(new, (1,)))
    yield start_of_day(Day(p.today + NOTICE_DAYS))
    for party, role in enumerate(ROLES, start=4):
        if party in BEHIND:
            [site_number] = p.ring.sites[BEHIND[party]]
            number = p.ring.behind(site_number, BEHIND[party])
        else:
            number = p.ring.wallet(WALLETS[party]) if party in WALLETS else p.ring.fresh()
        sponsor = 2 + party % 2
        terms: Any = (p.ring.cap_of(number), p.word(), LATER, p.ring.bytes_of(number))
        new_party = Admit(PartyNumber(party), role, PartyNumber(sponsor), *terms)
        yield honest(p, Proposal(new_party, (1, sponsor), claim=number))
    for party, often in ((1, 0.3), (3, 0.5)):
        if p.rarely(often):
            number = p.ring.wallet("quorum")
            terms = (1, p.ring.cap_of(number), LATER, p.ring.bytes_of(number))
            yield honest(p, Proposal(Rekey(PartyNumber(party), *terms), (party,), claim=number))


def open_ledger(p: Proposer) -> Iterator[Item]:
    """Lines of four issuers, one of them a sub-line, under the ledger that is looked at."""
    for bank, reference, issuer, parent in (
        (2, 1, 6, 0),
        (2, 2, 6, 1),
        (3, 1, 7, 0),
        (2, 3, 17, 0),
        (3, 2, 18, 0),
    ):
        limit = 300_000 if parent else 900_000
        terms: Any = (limit, p.today + 400, 100, 2, 10, False, LATER)
        upper = line_id(bank, parent if parent else 0) if parent else 0
        new = GrantLine(line_id(bank, reference), PartyNumber(issuer), upper, *terms)  # type: ignore[arg-type]
        yield honest(p, Proposal(new, (bank, issuer)))
