"""Time stamps from outside (RFC 3161): an authority signs that a statement was there at a second.

    Authority      whom to ask, and whose word is believed
    state          writes down a statement about a notice, in the transaction of the act
    stamp_waiting  asks for the stamps that are missing

Anybody can check a stamp without this installation, for example with `openssl ts -verify -data STATEMENT -in STAMP
-CAfile ROOT`. A statement waits for its stamp as long as it takes: no act waits for the authority, and an answer that
was lost is asked for again. Whatever the authority answers is believed only when its signature, its certificate, the
statement's hash and the question's nonce fit.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger.document_tables import NoticeProofRow
from ledger.errors import TallystickError
from ledger.negotiation.asking import Unanswered, ask
from ledger.store import Store

LOG: Final = logging.getLogger("ledger.time_stamps")
ADDRESS: Final = "TALLYSTICK_TIME_STAMPS"
"""The setting that names the authority's http(s) address."""
ROOTS: Final = "TALLYSTICK_TIME_STAMP_ROOTS"
"""Files of the root certificates that its certificate must come from, as PATH lists them."""
SENT: Final = "sent"
ACKNOWLEDGED: Final = "acknowledged"
AT_A_TIME: Final = 50


class StampUnusable(TallystickError):
    """There is no time stamp to be had at present, or none that can be believed."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamping authority: `address` takes RFC 3161's questions by POST; `roots`: whose certificates it has."""

    address: str
    roots: tuple[x509.Certificate, ...] = field(repr=False)

    def stamp(self, statement: bytes) -> tuple[bytes, int]:
        """The authority's response over the statement, and the Unix second that it says. StampUnusable."""
        question = TimestampRequestBuilder().data(statement).hash_algorithm(HashAlgorithm.SHA256).build()
        asked = {"form": question.as_bytes(), "media_type": "application/timestamp-query"}
        try:
            status, content = ask(self.address, **asked)  # type: ignore[arg-type]
        except Unanswered as away:
            raise StampUnusable(f"the time-stamping authority cannot be reached ({away.why})") from None
        if status != 200:
            raise StampUnusable(f"the time-stamping authority answered with status {status}")
        verifier = VerifierBuilder.from_request(question)
        return content, self._read(content, statement, verifier)

    def verified(self, stamp: bytes, statement: bytes) -> int:
        """The Unix second of a stamp that is kept. StampUnusable where it is not the authority's word on this."""
        return self._read(stamp, statement, VerifierBuilder())

    def _read(self, content: bytes, statement: bytes, verifier: VerifierBuilder) -> int:
        for root in self.roots:
            verifier = verifier.add_root_certificate(root)
        try:
            response: TimeStampResponse = decode_timestamp_response(content)
            verifier.build().verify_message(response, statement)
            return int(response.tst_info.gen_time.timestamp())
        except (ValueError, VerificationError) as unfit:
            raise StampUnusable(
                f"the time-stamping authority answered with no stamp that fits: {unfit}"
            ) from None


def state(session: Session, notice: int, act: str, said: Mapping[str, Any]) -> None:
    """Writes down what is to be stamped: JSON with its keys sorted, the same bytes for whoever checks it."""
    text = json.dumps({"act": act, **said}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    session.add(NoticeProofRow(notice=notice, act=act, statement=text, stamp=None, stamped_at=None))
    session.flush()


def stamp_waiting(store: Store, authority: Authority) -> int:
    """Gets the stamps of the oldest statements that wait; gives how many. StampUnusable: the rest waits on."""
    with store.reading() as session:
        waiting = select(NoticeProofRow.number, NoticeProofRow.statement).where(
            NoticeProofRow.stamp.is_(None)
        )
        found = session.execute(waiting.order_by(NoticeProofRow.number).limit(AT_A_TIME)).all()
    for number, statement in found:
        stamp, at = authority.stamp(statement.encode())
        with store.writing() as session:
            mine = (NoticeProofRow.number == number, NoticeProofRow.stamp.is_(None))
            session.execute(update(NoticeProofRow).where(*mine).values(stamp=stamp, stamped_at=at))
    return len(found)
