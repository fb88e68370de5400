"""A ledger that takes over from another: what the old one still says binds the new one.

A contract is never changed; it is run off. Its successor, on the same registry, asks it (and through it the
predecessors of that) two things at each issue: how much of an invoice is used, and whether the issuer is stopped
or overdue. Here the same is said of Worlds:

    inherited     what a successor of this ledger takes over now; put it into the successor's World
    use_of        an invoice's use, the predecessors' included (the contract's `inheritedUseOf`)
    standing_of   an issuer's standing, the predecessors' included (`inheritedStandingOf`)

Nothing is refused here, and a predecessor goes on living: who judges a successor by an old `Inherited` judges by
yesterday's payments.
"""

from __future__ import annotations

from ledger.agreements import PartyNumber
from ledger.world import Inherited, InvoiceUse, IssuerRecord, World, issuer_of

_UNUSED = InvoiceUse(0, 0)


def inherited(world: World, *, predecessor: str) -> Inherited:
    """What a successor takes over from the ledger of this World, whose address errors name as `predecessor`."""
    before = world.inherited
    issuers = world.issuers.keys() | (before.issuers.keys() if before else set())
    invoices = world.invoice_uses.keys() | (before.invoice_uses.keys() if before else set())
    return Inherited(
        predecessor=predecessor,
        run_off=world.settings.run_off,
        issuers={issuer: standing_of(world, issuer) for issuer in issuers},
        invoice_uses={
            (payer, fingerprint): use_of(world, payer, fingerprint) for payer, fingerprint in invoices
        },
    )


def use_of(world: World, payer: PartyNumber, fingerprint: bytes) -> InvoiceUse:
    """An invoice's total and use in fen, here and in all predecessors; the total is that of the last use."""
    own = world.invoice_uses.get((payer, fingerprint), _UNUSED)
    return joined_use(own, prior_use(world, payer, fingerprint))


def prior_use(world: World, payer: PartyNumber, fingerprint: bytes) -> InvoiceUse | None:
    """As `use_of`, without this ledger's own; None where it has no predecessor."""
    before = world.inherited
    return None if before is None else before.invoice_uses.get((payer, fingerprint), _UNUSED)


def joined_use(own: InvoiceUse, prior: InvoiceUse | None) -> InvoiceUse:
    """Own and prior use together."""
    if prior is None:
        return own
    return InvoiceUse(own.total if own.used else prior.total, own.used + prior.used)


def standing_of(world: World, issuer: PartyNumber) -> IssuerRecord:
    """An issuer's overdue face in fen, here and in all predecessors, and whether one of them stopped it."""
    own, prior = issuer_of(world, issuer), prior_standing(world, issuer)
    return IssuerRecord(overdue=own.overdue + prior.overdue, stopped=own.stopped or prior.stopped)


def prior_standing(world: World, issuer: PartyNumber) -> IssuerRecord:
    """As `standing_of`, without this ledger's own."""
    before = world.inherited
    return (before and before.issuers.get(issuer)) or IssuerRecord()
