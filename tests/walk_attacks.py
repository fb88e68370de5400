"""Calls as they arrive, honest or not: an Item is call data and what the walk knows about it.

    honest    the right parties sign what is submitted
    ATTACKS   by name: forged, tampered, for another chain, cut short, ... all made from an honest proposal

Nothing is sent and nothing judged here; `walk.py` does both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from eth_utils.crypto import keccak

from ledger.agreements import (
    Agreement,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    Issue,
    ProposeRekey,
    Reinstate,
    Rekey,
    Revoke,
    Suspend,
    VetoRekey,
    WithdrawPayment,
    WithdrawRekey,
)
from ledger.errors import InputError, Refusal
from ledger.events import journal_start
from ledger.members import Contract, Form, members_of
from ledger.payment import CompletePayment
from ledger.signing import (
    RESUPPLIED,
    Domain,
    batch_calldata,
    calldata,
    complete_payment_calldata,
    digest,
    packed,
    type_string,
)
from tests.rig import SENDER
from tests.walk_cast import EMPTY, Consent, high_s
from tests.walk_verbs import Proposal, Proposer

UNREADABLE: Final = Refusal("EmptyRevert")
NOBODY_KNOWN: Final = int(SENDER, 16)
_TWINS: Final[tuple[tuple[type[Agreement], ...], ...]] = (
    (Cancel, Revoke, ConfirmPayment, WithdrawPayment),
    (Suspend, Reinstate),
    (VetoRekey, WithdrawRekey),
    (Rekey, ProposeRekey),
)
"""Types with the same members: one must never do for the other."""


@dataclass(frozen=True, slots=True)
class Item:
    """A call. `how` it came about; `fixed`: what it gets whatever the World is; `cut_short`: its last consent claims
    to be longer than it is; `unreadable`: a member does not fit its type, so any refusal will do."""

    contract: Contract
    data: bytes
    how: str
    agreement: Agreement | CompletePayment | None = None
    consents: tuple[Consent, ...] = ()
    digest: bytes = b""
    issued: Issue | None = None
    sender: int = NOBODY_KNOWN
    fixed: Refusal | None = None
    cut_short: bool = False
    unreadable: bool = False


def honest(p: Proposer, proposal: Proposal, how: str = "honest") -> Item:
    """The proposal, signed by whom it names."""
    if isinstance(proposal.agreement, CompletePayment):
        data = complete_payment_calldata(proposal.agreement.voucher)
        return Item(Contract.LEDGER, data, how, proposal.agreement)
    signed = digest(proposal.agreement, p.ring.twin.rig.domain(proposal.agreement.contract))
    return assembled(proposal, consents_over(p, proposal, signed), signed, how)


def consents_over(p: Proposer, proposal: Proposal, signed: bytes) -> tuple[Consent, ...]:
    """What the proposal's signers make of a digest; a new signer's proof comes last."""
    numbers = [p.ring.signer_of(party) for party in proposal.signers]  # type: ignore[arg-type]
    if proposal.claim:
        numbers.append(proposal.claim)
    return tuple(p.ring.sign(number, signed) for number in numbers)


def assembled(proposal: Proposal, consents: tuple[Consent, ...], signed: bytes, how: str) -> Item:
    """The call of a proposal with these consents; `signed` is the digest that the contract will work out."""
    agreement = proposal.agreement
    assert not isinstance(agreement, CompletePayment)
    data = calldata(agreement, [consent.raw for consent in consents], issued=proposal.issued)
    return Item(agreement.contract, data, how, agreement, consents, signed, proposal.issued)


def _signed_again(item: Item, consents: tuple[Consent, ...]) -> Item:
    assert item.agreement is not None
    return assembled(Proposal(item.agreement, issued=item.issued), consents, item.digest, item.how)


def _with(item: Item, place: int, consent: Consent) -> Item:
    return _signed_again(item, (*item.consents[:place], consent, *item.consents[place + 1 :]))


# Attacks; each is given an honest item with at least one consent, and says None where it does not apply


def forged(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature by a stranger's key."""
    return _with(item, p.rng.randrange(len(item.consents)), p.ring.sign(p.ring.fresh(), item.digest))


def old_key(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature by a key that served, or is to serve, the party, or serves another."""
    place = p.rng.randrange(len(item.consents))
    mine = proposal.signers[place] if place < len(proposal.signers) else 0
    known = [n for n, party in p.world.signers.items() if party == mine and n != p.ring.signer_of(party)]
    number = p.rng.choice(known if known and p.rarely(0.8) else list(p.world.signers))
    return _with(item, place, p.ring.sign(number, item.digest))


def missing(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One consent is not there."""
    place = p.rng.randrange(len(item.consents))
    if proposal.claim and place == len(item.consents) - 1:
        return None
    return _signed_again(item, item.consents[:place] + item.consents[place + 1 :])


def extra(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One consent too many."""
    return _signed_again(item, (p.rng.choice([EMPTY, item.consents[0]]), *item.consents))


def swapped(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Consents in another order."""
    return _signed_again(item, tuple(p.rng.sample(item.consents, len(item.consents))))


def mirrored(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature with a high s."""
    place = p.rng.randrange(len(item.consents))
    return _with(item, place, high_s(item.consents[place]))


def damaged(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature of another length, or with a wrong v."""
    place = p.rng.randrange(len(item.consents))
    raw = item.consents[place].raw
    spoilt = p.rng.choice([raw[:-1], raw + b"\0", raw[:64], raw[:64] + b"\x01", raw[:64] + b"\x00", b"\x1b"])
    return _with(item, place, Consent(spoilt))


def unsigned(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Empty consents; the sender is one of the signers, so that one of them may count."""
    place = p.rng.randrange(len(item.consents))
    numbers = [*map(p.ring.signer_of, proposal.signers), *([proposal.claim] if proposal.claim else [])]  # type: ignore[arg-type]
    sender = numbers[place]
    if sender in p.ring.wallets or not sender:
        return None
    blank = p.rng.choice([range(len(numbers)), [place]])
    consents = tuple(EMPTY if n in blank else consent for n, consent in enumerate(item.consents))
    return replace(_signed_again(item, consents), sender=sender)


def tampered(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """A member is changed after signing."""
    agreement: Any = item.agreement
    name = p.rng.choice([each.name for each in fields(agreement)])
    value = getattr(agreement, name)
    other: Any
    if isinstance(value, bool):
        other = not value
    elif isinstance(value, int):
        other = value + p.rng.choice([-1, 1, 100])
    elif isinstance(value, bytes):
        other = value[:-1] + bytes([value[-1] ^ 1])
    elif value:
        other = (*value[1:], value[0]) if p.rng.random() < 0.5 else (*value, value[0])
    else:
        return None
    changed = type(value)(other) if isinstance(value, int) and 0 <= int(other) <= 1 else other
    try:
        agreement = replace(agreement, **{name: changed})
        new = digest(agreement, p.ring.twin.rig.domain(item.contract))
        return assembled(Proposal(agreement, issued=item.issued), item.consents, new, item.how)
    except (InputError, ValueError):
        return None


def relabelled(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """The consents to one agreement, handed in with another one of the same members."""
    agreement: Any = item.agreement
    for kinds in _TWINS:
        if type(agreement) in kinds:
            kind = p.rng.choice([each for each in kinds if each is not type(agreement)])
            other = kind(*(getattr(agreement, each.name) for each in fields(agreement)))
            new = digest(other, p.ring.twin.rig.domain(other.contract))
            return assembled(Proposal(other), item.consents, new, item.how)
    if isinstance(agreement, CancelWhole):
        other = Cancel(agreement.voucher, agreement.sequence, agreement.deadline)
        new = digest(other, p.ring.twin.rig.domain(other.contract))
        return assembled(Proposal(other), item.consents, new, item.how)
    return None


def elsewhere(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Signed for another chain, another installation, or this chain's other contract."""
    here = p.ring.twin.rig.domain(item.contract)
    other = next(contract for contract in Contract if contract is not item.contract)
    foreign = p.rng.choice(
        [
            Domain(here.contract, here.chain_id + 1, here.verifying_contract),
            Domain(here.contract, here.chain_id, "0x" + "77" * 20),
            Domain(here.contract, here.chain_id, p.ring.twin.rig.address(other)),
        ]
    )
    assert isinstance(item.agreement, Agreement)
    return _signed_again(item, consents_over(p, proposal, digest(item.agreement, foreign)))


def overlong(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """The last consent says that it is longer than what is there."""
    if proposal.claim:
        return None
    old, last = packed([consent.raw for consent in item.consents]), len(item.consents[-1].raw)
    longer = old[: -last - 2] + (last + p.rng.choice([1, 60_000])).to_bytes(2) + old[len(old) - last :]
    at = item.data.rindex(old)
    return replace(item, data=item.data[:at] + longer + item.data[at + len(old) :], cut_short=True)


def truncated(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Call data without its end. Padding that is missing is not missed."""
    raws = [consent.raw for consent in item.consents]
    last = raws[-1] if proposal.claim else packed(raws)
    cut = p.rng.choice([1, 31, 32, 33, p.rng.randint(1, len(item.data))])
    cut = min(cut, len(item.data))
    fixed = None if cut <= -len(last) % 32 else UNREADABLE
    return replace(item, data=item.data[: len(item.data) - cut], fixed=fixed)


def extended(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """More behind the call data, which nobody reads."""
    return replace(item, data=item.data + p.rng.randbytes(p.rng.choice([1, 32, 100])))


def misdirected(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Sent to the other contract."""
    other = next(contract for contract in Contract if contract is not item.contract)
    return replace(item, contract=other, fixed=UNREADABLE)


def dirty(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """A member with bits beyond its type, and signed just so by everybody."""
    assert isinstance(item.agreement, Agreement)
    members = members_of(type(item.agreement))
    if any(member.form in (Form.LIST, Form.BYTES) for member in members):
        return None
    bounded = [n for n, m in enumerate(members) if m.solidity not in ("bytes32", "uint256")]
    if not bounded[:-1]:  # but the deadline, whose high bits only make it later
        return None
    place = p.rng.choice(bounded[:-1])
    member = members[place]
    narrow = member.form in (Form.FLAG, Form.PURPOSE)
    width = 1 if narrow else int(member.solidity.removeprefix("uint"))
    at = 4 + 32 * place
    word = int.from_bytes(item.data[at : at + 32]) ^ 1 << p.rng.randrange(width, 256)
    data = item.data[:at] + word.to_bytes(32) + item.data[at + 32 :]
    words = keccak(text=type_string(type(item.agreement))) + data[4 : 4 + 32 * len(members)]
    separator = journal_start(p.ring.twin.rig.domain(item.contract))
    signed = keccak(b"\x19\x01" + separator + keccak(words))
    consents = consents_over(p, proposal, signed)
    old, new = packed([c.raw for c in item.consents]), packed([c.raw for c in consents])
    return replace(item, data=data.replace(old, new), consents=consents, digest=signed, unreadable=True)


ATTACKS: Final[dict[str, Callable[[Proposer, Proposal, Item], Item | None]]] = {
    attack.__name__: attack
    for attack in (
        forged, old_key, missing, extra, swapped, mirrored, damaged, unsigned, tampered, relabelled, elsewhere,
        overlong, truncated, extended, misdirected, dirty,
    )
}  # fmt: skip


def nested(contract: Contract) -> Item:
    """A batch, to be an item of a batch."""
    return Item(contract, batch_calldata([], False), "nested", fixed=Refusal("NestedBatch"))


def attack(p: Proposer, name: str) -> Item:
    """An item attacked so; an honest one where the attack does not apply to what was drawn."""
    proposal = p.draw()
    item = honest(p, proposal)
    if not item.consents or (name in ("relabelled", "dirty") and isinstance(item.agreement, RESUPPLIED[1:])):
        return item
    return replace(ATTACKS[name](p, proposal, item) or item, how=name)
