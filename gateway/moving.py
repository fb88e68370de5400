"""Requests that change something: named by `Idempotency-Key`, done once, answered the same each time.

    moving.do(work)   the work and its answer in one transaction (`ledger.negotiation.once`)

A database that was busy is tried again a few times: nothing was written then, and the same work is still to be done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from gateway.bodies import RAW
from gateway.callers import CallerHere, GatewayHere
from gateway.gateway import Gateway
from gateway.problems import MEDIA_TYPE, answer, is_answer, problem_of
from ledger.database import DatabaseBusy
from ledger.errors import Refusal, TallystickError
from ledger.negotiation.access import Caller
from ledger.negotiation.once import LONGEST_KEY, Answer, Named, perform

HEADER: Final = "Idempotency-Key"
ATTEMPTS: Final = 3
PURPOSE: Final = "answers 1"
"""For which the key file seals answers that are secret."""
UNSEEN: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a change is answered with. `secret`: what is in it is shown to nobody else, so it is kept sealed under the
    key file, for who sends the same request again because the answer was lost."""

    status: int
    content: BaseModel | None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Moving:
    """A change that somebody asks for."""

    gateway: Gateway
    caller: Caller
    named: Named

    def about(self, content: bytes) -> Moving:
        """The same change, known again by what was uploaded and not by how that was packed."""
        return replace(self, named=replace(self.named, body=content))

    def do(self, work: Callable[[Session], Reply]) -> Response:
        """Does it, or gives the answer that it got before."""

        def once(session: Session) -> Answer:
            return self._kept(work(session))

        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._response(perform(self.gateway.store, self.named, once, refused=_refused))
            except DatabaseBusy:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(0.05 * attempt)
        raise AssertionError("every attempt returns or raises")

    def _kept(self, reply: Reply) -> Answer:
        content = None if reply.content is None else reply.content.model_dump(mode="json")
        text = json.dumps({"headers": dict(reply.headers), "content": content}, ensure_ascii=False)
        if reply.secret:
            sealed = self.gateway.setting.ring.seal(PURPOSE, text.encode(), label=self._label)
            text = json.dumps({"sealed": sealed.hex()})
        return Answer(reply.status, text)

    def _response(self, kept: Answer) -> Response:
        read = json.loads(kept.text)
        if "sealed" in read:
            sealed = bytes.fromhex(read["sealed"])
            read = json.loads(self.gateway.setting.ring.unseal(PURPOSE, sealed, label=self._label))
        if kept.status == 204:
            return Response(None, kept.status, headers=read["headers"])
        media_type = MEDIA_TYPE if kept.status >= 400 else "application/json"
        text = json.dumps(read["content"], ensure_ascii=False, separators=(",", ":"))
        return Response(text, kept.status, headers=read["headers"], media_type=media_type)

    @property
    def _label(self) -> str:
        return f"request {self.named.organisation} {self.named.key}"


async def moving_of(  # not worth a thread
    request: Request,
    gateway: GatewayHere,
    caller: CallerHere,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="A name of the request's own. Sent again with the same name it is not done again.",
            examples=["0b6ff2c2-order-881"],
        ),
    ] = None,
) -> Moving:
    """Refusal KeyMissing without a name, or with one that is too long or not plain ASCII."""
    if key is None or not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Refusal("KeyMissing")
    named = Named(
        organisation=caller.organisation,
        who=caller.who,
        key=key,
        endpoint=f"{request.method} {request.url.path}",
        body=request.scope.get(RAW, b""),
        at=gateway.now(),
    )
    return Moving(gateway, caller, named)


MovingHere = Annotated[Moving, Depends(moving_of)]


def _refused(error: TallystickError) -> Answer | None:
    if not is_answer(error):
        return None
    response = answer(problem_of(error))
    content = {"headers": {"Cache-Control": "no-store"}, "content": json.loads(bytes(response.body))}
    return Answer(response.status_code, json.dumps(content, ensure_ascii=False))
