"""Our gas beside the public ERC-3525 reference, OpenZeppelin's ERC-721, and the floor of the EVM's own prices.

    python -m tests.bench_gas            measure all in one run, print, and write contracts/bench_gas.csv
    python -m tests.bench_gas --check    measure, print, compare; exit 1 where the file differs

Ours by wallet keys, all signatures checked on chain, the recipient has never held a voucher; theirs sent by the
holder, once where it is the recipient's first token and once where it is one more (in ours the two are the same).
Figures are gas for each, alone and in a batch of 100 to twelve recipients, on anvil with cancun rules. What they do for
it differs: only ours knows parties, signatures, limits, invoices, due days and states, and only ours can be submitted
by anybody. They have owner counts and approvals, which ours has not; the reference also lists all tokens. The floor is
that of our duties (tests/bench_floor.py): ERC-721, which checks no signature, can be below it in a batch.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

from tests.bench_floor import floor_of
from tests.bench_peers import FIRST_ONE, ONE_MORE, RECIPIENTS, Peer
from tests.engines import ROOT, anvil
from tests.gas_measure import SCENES, Place
from tests.gas_signers import WALLET

FILE: Final = ROOT / "contracts" / "bench_gas.csv"
DUTIES: Final = {"issue": "one new invoice", "transfer": "whole", "split": "one part, remainder kept"}
"""The scene of ours; the reference mints, transfers a token, transfers value to a new token."""
BATCHES: Final = (1, 100)


@dataclass(frozen=True, slots=True)
class Line:
    """One duty in one batch. Gas for each; ratios with two digits; empty where ERC-721 has no such thing."""

    duty: str
    batch: int
    recipients_token: str
    ours: int
    erc3525: int | None
    erc721: int | None
    floor: int
    ours_to_erc3525: str
    ours_to_erc721: str
    ours_to_floor: str
    erc3525_to_floor: str
    erc721_to_floor: str


def measured() -> list[Line]:
    """All of it, on one node."""
    with anvil("cancun", accounts=RECIPIENTS + 1) as node:
        place = Place.on(node)
        peers = [Peer(place.meter, name) for name in ("PeerERC3525", "PeerERC721")]
        place.start = place.meter.mark()
        lines = []
        for duty, case in DUTIES.items():
            scene = next(each for each in SCENES if (each.verb, each.case) == (duty, case))
            ours = {row.batch: row.gas for row, _ in place.measure(scene, (WALLET,), BATCHES)}
            items = place.items(scene, max(BATCHES))
            for batch in BATCHES:
                floor = -(-floor_of(duty, items[:batch]) // batch)
                for recipient in (FIRST_ONE, ONE_MORE):
                    theirs = [peer.gas(duty, batch, recipient) for peer in peers]
                    lines.append(line_of(duty, batch, recipient, ours[batch], theirs, floor))
        return lines


def line_of(
    duty: str, batch: int, recipient: str, ours: int, theirs: Sequence[int | None], floor: int
) -> Line:
    erc3525, erc721 = theirs
    return Line(
        duty=duty,
        batch=batch,
        recipients_token=recipient,
        ours=ours,
        erc3525=erc3525,
        erc721=erc721,
        floor=floor,
        ours_to_erc3525=ratio(ours, erc3525),
        ours_to_erc721=ratio(ours, erc721),
        ours_to_floor=ratio(ours, floor),
        erc3525_to_floor=ratio(erc3525, floor),
        erc721_to_floor=ratio(erc721, floor),
    )


def ratio(gas: int | None, other: int | None) -> str:
    return "" if gas is None or other is None else f"{gas / other:.2f}"


def as_csv(lines: list[Line]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([each.name for each in fields(Line)])
    table.writerows(astuple(line) for line in lines)
    return out.getvalue()


def as_text(lines: list[Line]) -> str:
    """A table for people, as narrow as its figures."""
    heads = (
        "",
        "at once",
        "recipient's",
        "ours",
        "ERC-3525",
        "ours to it",
        "ERC-721",
        "ours to it",
        "floor",
        "ours to it",
    )
    rows = [heads] + [
        (
            line.duty,
            str(line.batch),
            line.recipients_token,
            *(_shown(each) for each in (line.ours, line.erc3525)),
            line.ours_to_erc3525 or "-",
            _shown(line.erc721),
            line.ours_to_erc721 or "-",
            _shown(line.floor),
            line.ours_to_floor,
        )
        for line in lines
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    return "".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        + "\n"
        for row in rows
    )


def _shown(gas: int | None) -> str:
    return "-" if gas is None else f"{gas:,}"


def main(arguments: list[str] | None = None) -> int:
    """0 done or equal, 1 a figure differs from the committed one."""
    parser = argparse.ArgumentParser(description="Compare our gas with others' and with the least possible.")
    parser.add_argument(
        "--check", action="store_true", help="compare with contracts/bench_gas.csv, write nothing"
    )
    options = parser.parse_args(arguments)
    lines = measured()
    print(as_text(lines), end="")
    if not options.check:
        FILE.write_text(as_csv(lines), encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != as_csv(lines):
        print(f"{FILE.name} differs from what is measured: run this without --check", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
