"""Ten thousand vouchers and two hundred organisations in a house's database.

They are rows that the index would have written: events as the contracts emit them, folded by the product's own
projection. No chain has them, so nothing can be done with them; they are there to be read, and to be in the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.events_ledger import Discounted, Issued, Parted, Transferred
from ledger.events_registry import PartyAdmitted
from ledger.happenings import Happening
from ledger.negotiation.organisations import found
from ledger.projection import project
from ledger.world import Role, SignerKind
from tests.gateway.house import House
from tests.ledger.office import BANK, FACTOR, LINE, YUAN, A, some_hash

ORGANISATIONS: Final = 200
VOUCHERS: Final = 10_000
SEED: Final = 20_261_130
FIRST: Final = 1_000
FACE: Final = 1_000 * YUAN


def crowd(house: House) -> None:
    """Fills the house. A fifth of the vouchers are A's, so that its pages are full."""
    random, office = Random(SEED), house.office
    strangers = [PartyNumber(FIRST + number) for number in range(ORGANISATIONS)]
    places = count(1)

    def told(event: object) -> Happening:
        number = next(places)
        return Happening(event, 1_000_000 + number, 0, some_hash(number), house.office.chain.now())  # type: ignore[arg-type]

    def admitted() -> Iterator[Happening]:
        for party in strangers:
            signer = int.from_bytes(some_hash(party)[:20])
            yield told(
                PartyAdmitted(
                    party, Role(0), BANK, signer, SignerKind.WALLET, 0, some_hash(f"profile {party}")
                )
            )

    def lived() -> Iterator[Happening]:
        made = 0
        while made < VOUCHERS:
            root = VoucherId(int.from_bytes(some_hash(f"crowd {made}")[:20]) << 96)
            holders = [*random.sample(strangers, 2), A]
            random.shuffle(holders)
            yield told(
                Issued(
                    root,
                    LINE,
                    holders[0],
                    FACE,
                    Day(office.today + random.randint(30, 180)),
                    100 * YUAN,
                    6,
                    some_hash("terms"),
                    bytes(32),
                    office.today,
                )
            )
            made += 1
            passed_on = holders[1 : random.randint(1, 3)]
            for holder in passed_on:
                yield told(Transferred(root, holder))
            if random.random() < 0.5:
                for part in range(2):
                    child = VoucherId(root + 1 + part)
                    yield told(
                        Parted(
                            root,
                            child,
                            random.choice(holders),
                            FACE // 2,
                            len(passed_on) + 1,
                            len(passed_on) + 2,
                        )
                    )
                    made += 1
            elif random.random() < 0.2:
                yield told(Discounted(root, FACTOR, some_hash(f"quote {made}"), Day(office.today + 10)))

    with office.store.writing() as session:
        project(session, office.pin.registry, admitted())
        project(session, office.pin.ledger, lived())
        for party in strangers:
            found(session, party=party, name=f"企业{party}", at=house.clock())
