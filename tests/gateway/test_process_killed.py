"""The gateway's process killed at each step of requests of every desk, and started again: each is done once."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.bodies import CSV
from ledger.crash_points import REQUEST_POINTS
from ledger.installation import DATABASE
from tests.gateway.banking import opened_sale, statement_xml, with_accounts, working_day
from tests.gateway.house import NAMES, House, embedded_copy
from tests.gateway.lives import lives_of
from tests.gateway.served import SECONDS, signed_in
from tests.gateway.trading import asked, asserted
from tests.gateway.trading import sold as sold_here
from tests.ledger.office import BANK, FACTOR, ISSUER, A, B

DIFFERING = (
    "sessions",
    "batches",
    "transactions",
    "relay_accounts",
    "wallet_gas",
    "blocks",
    "cursors",
    "webhook_cursors",
)
"""Tables that tell who has signed in, and how relay, index and webhooks went about it."""
UNSETTLED = """
select (select count(*) from outbox where status in ('signed', 'sent', 'mined'))
     + (select count(*) from offers where status = 'recalling')
     + (select coalesce(max(outbox.block), 0) > (select min(block) from cursors) from outbox)
"""


@dataclass(frozen=True)
class Step:
    """A request that changes something. Path, body and file are filled with what is known of the `Story`; the id in the
    answer is known as `gives` from then on. `waits`: what was signed before has to have landed."""

    login: str
    path: str
    body: Any = None
    file: Callable[[dict[str, str]], bytes] | None = None
    gives: str = ""
    waits: bool = False


@dataclass
class Story:
    """One after the other, what people of all desks ask of an installation."""

    directory: Path
    steps: list[Step]
    known: dict[str, str]
    client: httpx2.Client
    people: dict[str, dict[str, str]] = field(default_factory=dict)

    def asks(self, url: str, place: int) -> httpx2.Response:
        """Sends the request of this place, under the same name each time."""
        step = self.steps[place]
        if step.waits:
            settled(self)
        if step.login not in self.people:
            self.people[step.login] = signed_in(self.client, step.login, at=f"{url}/api/v1")
        told = {**self.people[step.login], "Idempotency-Key": f"step {place}"}
        path = f"{url}/api/v1{step.path.format_map(self.known)}"
        if step.file is None:
            return self.client.post(path, json=step.body, headers=told)
        content = step.file(self.known)
        if "bulk" in path:
            return self.client.post(path, content=content, headers={**told, "Content-Type": CSV})
        return self.client.post(path, files={"file": ("file", content)}, headers=told)

    def told(self, place: int, answer: httpx2.Response) -> None:
        """Learns from the answer what the next steps want to know."""
        step = self.steps[place]
        assert answer.status_code < 300, f"{step.path}: {answer.text}"
        if step.gives:
            self.known[step.gives] = str(answer.json()["id"])
            if step.gives == "run":
                self.known["payment"] = answer.json()["items"][0]["end_to_end"]


def story_of(directory: Path, house: House, client: httpx2.Client) -> Story:
    """Brings the house to where each step can be taken."""
    with_accounts(house)
    promised, recallable = (
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference=f"PO {name}"))
        for name in ("promised", "recallable")
    )
    split, guest, bought = (house.held(reference=f"PO {name}") for name in ("split", "guest", "bought"))
    total = opened_sale(house, bought, BANK)
    paid = sold_here(house)["voucher"]
    asserted(house, paid)
    request = asked(house, house.held(reference="PO quoted"), FACTOR)
    quote = request.quoted(FACTOR)
    request.open()
    head = "reference,line,supplier,face,due,invoice_number,invoice_amount,invoice_total"
    rows = f"{head}\nPO file,2-1,{A},500.00,{house.day(90)},F,500.00,500.00\n".encode()
    items = [{"voucher": bought, "account_name": NAMES[A], "filing": "08123456001234567890"}]
    run = {"items": items, "value_day": working_day(house), "count": 1, "total": total}
    lines = statement_xml(house, ("payment", total)).decode().replace("payment", "{payment}")
    later = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    letter = {"reader": BANK, "until": later, "purpose": "a look at the books"}
    people = {"A": f"signatory.{A}", "issuer": f"signatory.{ISSUER}", "bank": f"signatory.{BANK}"}
    steps = [
        Step(people["issuer"], "/issuer/promise-offers", house.promise(reference="PO killed")),
        Step(people["A"], "/offers/{promised}/signatures", {"custodial": True}),
        Step(people["issuer"], "/offers/{recallable}/recall", {"reason": "sent twice"}),
        Step(people["issuer"], "/issuer/bulk-runs?form=csv", file=lambda _: rows, gives="file"),
        Step(people["issuer"], "/issuer/bulk-runs/{file}/next", {"sign": True}),
        Step(people["issuer"], "/issuer/programmes", {"name": "spring", "longest_tenor": 90}),
        Step(
            people["A"],
            "/supplier/split-offers",
            {"voucher": split, "parts": [{"recipient": B, "face": "400.00"}], "sign": True},
            gives="split",
        ),
        Step(people["A"], "/supplier/quotes/{quote}/accept", {"sign": True}),
        Step(people["A"], "/vouchers/{paid}/confirm-payment", {"sign": True}),
        Step(people["A"], "/supplier/invited-transfers", {"voucher": guest, "name": "a new workshop"}),
        Step(people["A"], "/documents?name=contract", file=lambda _: b"%PDF-1.7 contract", gives="document"),
        Step(people["A"], "/documents/{document}/readers", {"party": BANK}),
        Step(people["A"], "/letters", letter),
        Step(people["A"], "/notices", {"voucher": split, "text": "you pay us"}),
        Step(people["bank"], "/bank/disbursement-runs", run, gives="run"),
        Step(f"reviewer.{BANK}", "/bank/disbursement-runs/{run}/release"),
        Step(f"operator.{BANK}", "/bank/disbursement-runs/{run}/export"),
        Step(
            people["bank"],
            "/bank/disbursement-confirmations",
            file=lambda known: lines.format_map(known).encode(),
        ),
        Step(people["bank"], "/clients", {"name": "ERP", "roles": ["signatory"]}),
        Step(people["bank"], "/invitations", {"name": "a new workshop"}),
        Step(f"signatory.{B}", f"/parties/{B}/rekey-offers", {"signer": {"kind": "custodial"}, "sign": True}),
        Step(f"signatory.{B}", "/offers/{split}/signatures", {"custodial": True}, waits=True),
        Step(people["A"], "/webhooks", {"url": "https://erp.invalid/x", "events": ["payment.contested"]}),
    ]
    known = {"promised": promised["id"], "recallable": recallable["id"]}
    return Story(directory, steps, {**known, "quote": quote["id"], "paid": paid}, client)


def settled(story: Story) -> None:
    """All that was signed has landed, and nothing of it is under way any more."""
    end = time.monotonic() + SECONDS
    with closing(sqlite3.connect(story.directory / DATABASE)) as database:
        while database.execute(UNSETTLED).fetchone()[0]:
            assert time.monotonic() < end, (story.directory / "log").read_text()
            time.sleep(0.1)


def left(story: Story) -> dict[str, Any]:
    """How many rows there are of each kind, acts by name, offers and items by what became of them."""
    with closing(sqlite3.connect(story.directory / DATABASE)) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        found: dict[str, Any] = {
            name: database.execute(f'select count(*) from "{name}"').fetchone()[0]
            for name in names
            if name not in DIFFERING
        }
        for table, columns in (
            ("audit", "organisation, act"),
            ("offers", "verb, status"),
            ("outbox", "status"),
        ):
            asked = f"select {columns}, count(*) from {table} group by {columns} order by {columns}"
            found[f"{table} by {columns}"] = database.execute(asked).fetchall()
    return found


def undisturbed(story: Story) -> dict[str, Any]:
    with lives_of(story.directory) as lives, lives.life() as life:
        for place in range(len(story.steps)):
            story.told(place, story.asks(life.url, place))
        settled(story)
    return left(story)


def killed_at_every_step(story: Story) -> dict[str, Any]:
    """The answer to a request whose change was committed before the process was killed is learnt from the next life,
    which is killed while it works on the request after it."""
    with lives_of(story.directory) as lives:
        for place in range(len(story.steps)):
            for point in REQUEST_POINTS:
                with lives.life(dies_at=point) as life:
                    if place and point == REQUEST_POINTS[0]:
                        story.told(place - 1, story.asks(life.url, place - 1))
                    with pytest.raises(httpx2.TransportError):
                        story.asks(life.url, place)
                    assert life.ended() == -signal.SIGKILL
        with lives.life() as life:
            last = len(story.steps) - 1
            story.told(last, story.asks(life.url, last))
            settled(story)
    return left(story)


def test_killed_at_each_step_of_each_request_it_leaves_what_it_leaves_when_nothing_happens(
    tmp_path: Path, founded: Path
) -> None:
    first, second = tmp_path / "undisturbed", tmp_path / "killed"
    with httpx2.Client(timeout=SECONDS) as client:
        with embedded_copy(founded, first) as house:
            story = story_of(first, house, client)
        shutil.copytree(first, second)
        other = Story(second, story.steps, dict(story.known), client)
        assert killed_at_every_step(other) == undisturbed(story)
