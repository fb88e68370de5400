"""What every route works with, put together once when the process starts."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import Request

from gateway.limits import Limits
from gateway.watch import Watch
from ledger.embedded import EmbeddedChain
from ledger.negotiation.business_registry import BusinessRegister
from ledger.negotiation.disbursements import DEFAULT_HOURS, Hours
from ledger.negotiation.passwords import Passwords
from ledger.negotiation.provider import Provider
from ledger.negotiation.setting import Setting
from ledger.negotiation.targets import Targets
from ledger.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """`token_key` signs programs' tokens. `secure`: cookies go over HTTPS only. `watch` says how the
    process and its pipeline are doing. `register` is the public register that applications are compared
    with, `authorities` the certificate authorities that are trusted, PEM or DER; `provider` the outside provider of
    sign-ins, where there is one. `hours`: until when of a day banks take payments for that day.
    `sandbox`: its chain, whose days partners move on, where every answer says that nothing here counts."""

    store: Store
    setting: Setting
    watch: Watch
    passwords: Passwords
    token_key: bytes = field(repr=False)
    secure: bool = True
    register: BusinessRegister | None = None
    authorities: tuple[bytes, ...] = ()
    provider: Provider | None = None
    hours: Hours = DEFAULT_HOURS
    sandbox: EmbeddedChain | None = None
    targets: Targets = field(default_factory=Targets)
    limits: Limits = field(default_factory=Limits)

    def now(self) -> int:
        """The machine's time, Unix seconds: for sessions, tokens and throttling."""
        return self.setting.machine_clock()


async def gateway_of(request: Request) -> Gateway:  # not worth a thread
    """The gateway that the app was made with."""
    found = request.app.state.gateway
    assert isinstance(found, Gateway)
    return found
