"""Calls as they arrive, honest or not: an Item is call data and what the walk knows about it.

    honest    the right parties sign what is submitted
    ATTACKS   by name: forged, tampered, for another chain, cut short, … all made from an honest proposal

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
    Release,
    Rescind,
    Revoke,
    Suspend,
    VetoRekey,
    VoucherId,
    WithdrawPayment,
    WithdrawRekey,
)
from ledger.errors import InputError, Refusal
from ledger.events import journal_start
from ledger.members import Contract, Form, members_of
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.signing import (
    RESUPPLIED,
    WITH_NEW_SIGNER,
    Domain,
    batch_calldata,
    calldata,
    complete_payment_calldata,
    declare_overdue_calldata,
    digest,
    packed,
    root_id,
    type_string,
)
from tests.rig import SENDER
from tests.walk_cast import EMPTY, ORDERS, Consent
from tests.walk_draws import Proposal
from tests.walk_verbs import Proposer

UNREADABLE: Final = Refusal("EmptyRevert")
NOBODY_KNOWN: Final = int(SENDER, 16)
_TWINS: Final[tuple[tuple[type[Agreement], ...], ...]] = (
    (Cancel, Revoke, ConfirmPayment, WithdrawPayment),
    (Suspend, Reinstate),
    (VetoRekey, WithdrawRekey),
    (Rekey, ProposeRekey),
    (Rescind, Release),
)
"""Types with the same members: one must never do for the other."""


@dataclass(frozen=True, slots=True)
class Item:
    """A call of a door. `how` it came about; `root` of the issue that is made or resupplied; `through`: the contract
    wallet (number) that its owner has send it; `fixed`: what it gets whatever the World is; `cut_short`: its last
    consent claims to be longer than it is; `unreadable`: a member does not fit its type, so any refusal will do;
    `idle`: a view, which does nothing."""

    door: int
    data: bytes
    how: str
    agreement: Agreement | Unsigned | None = None
    consents: tuple[Consent, ...] = ()
    digest: bytes = b""
    root: VoucherId | None = None
    issued: Issue | None = None
    sender: int = NOBODY_KNOWN
    through: int = 0
    fixed: Refusal | None = None
    cut_short: bool = False
    unreadable: bool = False
    idle: bool = False


def honest(p: Proposer, proposal: Proposal, how: str = "honest") -> Item:
    """The proposal, signed by whom it names, for the ledger that is looked at or the registry."""
    agreement = proposal.agreement
    if isinstance(agreement, Unsigned):
        return Item(p.door, unsigned_calldata(agreement), how, agreement)
    door = p.door if agreement.contract is Contract.LEDGER else 0
    signed = digest(agreement, p.ring.lineage.domain(door))
    return assembled(p, proposal, consents_over(p, proposal, signed), door=door, signed=signed, how=how)


def unsigned_calldata(verb: Unsigned) -> bytes:
    """The call of a verb that nobody signs."""
    completes = isinstance(verb, CompletePayment)
    return complete_payment_calldata(verb.voucher) if completes else declare_overdue_calldata(verb.voucher)


def consents_over(p: Proposer, proposal: Proposal, signed: bytes) -> tuple[Consent, ...]:
    """What the proposal's signers make of a digest; a new signer's proof comes last."""
    numbers = [p.ring.signer_of(party) for party in proposal.signers]  # type: ignore[arg-type]
    if proposal.claim:
        numbers.append(proposal.claim)
    return tuple(p.ring.sign(number, signed) for number in numbers)


def assembled(
    p: Proposer, proposal: Proposal, consents: tuple[Consent, ...], *, door: int, signed: bytes, how: str
) -> Item:
    """The call of a proposal with these consents; `signed` is the digest that the contract will work out."""
    agreement, issued, root = proposal.agreement, proposal.issued, None
    assert not isinstance(agreement, Unsigned)
    if isinstance(agreement, Issue):
        root = VoucherId(int.from_bytes(signed[-20:]) << 96)
    elif issued is not None:
        root = root_id(issued, p.ring.lineage.domain(door))
    data = calldata(agreement, [consent.raw for consent in consents], issued=issued)
    return Item(door, data, how, agreement, consents, signed, root, issued)


def _signed_again(p: Proposer, item: Item, consents: tuple[Consent, ...]) -> Item:
    assert isinstance(item.agreement, Agreement)
    raws = [consent.raw for consent in consents]
    return replace(item, data=calldata(item.agreement, raws, issued=item.issued), consents=consents)


def _with(p: Proposer, item: Item, place: int, consent: Consent) -> Item:
    return _signed_again(p, item, (*item.consents[:place], consent, *item.consents[place + 1 :]))


def _agreeing(p: Proposer, item: Item, agreement: Agreement) -> Item:
    """Another agreement with the same consents, for the same door."""
    signed = digest(agreement, p.ring.lineage.domain(item.door))
    proposal = Proposal(agreement, issued=item.issued if isinstance(agreement, RESUPPLIED) else None)
    return assembled(p, proposal, item.consents, door=item.door, signed=signed, how=item.how)


# Attacks; each is given an honest item with at least one consent, and says None where it does not apply


def forged(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature by a stranger's key."""
    return _with(p, item, p.rng.randrange(len(item.consents)), p.ring.sign(p.ring.fresh(), item.digest))


def old_key(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature by a key that served, or is to serve, the party, or serves another."""
    place = p.rng.randrange(len(item.consents))
    mine = proposal.signers[place] if place < len(proposal.signers) else 0
    known = [n for n, party in p.world.signers.items() if party == mine and n != p.ring.signer_of(party)]
    number = p.rng.choice(known if known and p.rarely(0.8) else list(p.world.signers))
    return _with(p, item, place, p.ring.sign(number, item.digest))


def missing(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One consent is not there."""
    place = p.rng.randrange(len(item.consents))
    if proposal.claim and place == len(item.consents) - 1:
        return None
    return _signed_again(p, item, item.consents[:place] + item.consents[place + 1 :])


def extra(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One consent too many."""
    return _signed_again(p, item, (p.rng.choice([EMPTY, item.consents[0]]), *item.consents))


def swapped(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Consents in another order."""
    return _signed_again(p, item, tuple(p.rng.sample(item.consents, len(item.consents))))


def spoilt(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """One signature with a high s, of another length, with a bit changed, of too few members, …"""
    place = p.rng.randrange(len(item.consents))
    return _with(p, item, place, p.ring.spoilt(item.consents[place], p.rng))


def ordered(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Whoever does what it is told is told to burn its gas, to revert, to answer too much or too little."""
    order = p.rng.choice(ORDERS)
    numbers = [*map(p.ring.signer_of, proposal.signers), *([proposal.claim] if proposal.claim else [])]  # type: ignore[arg-type]
    consents = tuple(
        p.ring.sign(number, item.digest, order) if consent.key == number else consent
        for number, consent in zip(numbers, item.consents, strict=True)
    )
    return _signed_again(p, item, consents)


def unsigned(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Empty consents; the sender is one of the signers, so that one of them may count."""
    place = p.rng.randrange(len(item.consents))
    numbers = [*map(p.ring.signer_of, proposal.signers), *([proposal.claim] if proposal.claim else [])]  # type: ignore[arg-type]
    sender = p.rng.choice([numbers[place]] * 4 + [NOBODY_KNOWN, p.rng.choice(list(p.ring.keys))])
    blank = p.rng.choice([range(len(numbers)), [place]])
    consents = tuple(EMPTY if n in blank else consent for n, consent in enumerate(item.consents))
    wallet = p.ring.wallets.get(sender)
    if wallet is not None and not wallet.owner:
        return None
    return replace(_signed_again(p, item, consents), sender=sender, through=sender if wallet else 0)


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
        other = value[:-1] + bytes([value[-1] ^ 1]) if value else b"\0"
    elif value:
        other = (*value[1:], value[0]) if p.rng.random() < 0.5 else (*value, value[0])
    else:
        return None
    changed = type(value)(other) if isinstance(value, int) and 0 <= int(other) <= 1 else other
    try:
        return _agreeing(p, item, replace(agreement, **{name: changed}))
    except (InputError, ValueError):
        return None


def relabelled(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """The consents to one agreement, handed in with another one of the same members."""
    agreement: Any = item.agreement
    for kinds in _TWINS:
        if type(agreement) in kinds:
            kind = p.rng.choice([each for each in kinds if each is not type(agreement)])
            return _agreeing(p, item, kind(*(getattr(agreement, each.name) for each in fields(agreement))))
    if isinstance(agreement, CancelWhole):
        return _agreeing(p, item, Cancel(agreement.voucher, agreement.sequence, agreement.deadline))
    return None


def elsewhere(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Signed for another chain, another installation, or another contract of this chain."""
    here = p.ring.lineage.domain(item.door)
    others = [address for door, address in enumerate(p.ring.lineage.doors) if door != item.door]
    foreign = p.rng.choice(
        [
            Domain(here.contract, here.chain_id + 1, here.verifying_contract),
            Domain(here.contract, here.chain_id, "0x" + "77" * 20),
            *(Domain(here.contract, here.chain_id, address) for address in others),
        ]
    )
    assert isinstance(item.agreement, Agreement)
    return _signed_again(p, item, consents_over(p, proposal, digest(item.agreement, foreign)))


def another_ledger(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """Handed in at the predecessor or the successor of the ledger that it was signed for."""
    others = [door for door in range(1, p.ring.lineage.newest + 1) if door != item.door]
    return at_another(p, item, p.rng.choice(others)) if item.door and others else None


def at_another(p: Proposer, item: Item, door: int) -> Item:
    """The same call data for another ledger, which works out another digest."""
    assert item.agreement is not None
    if isinstance(item.agreement, Unsigned):
        return replace(item, door=door)
    signed = digest(item.agreement, p.ring.lineage.domain(door))
    proposal = Proposal(item.agreement, issued=item.issued)
    moved = assembled(p, proposal, item.consents, door=door, signed=signed, how=item.how)
    return replace(item, door=door, digest=moved.digest, root=moved.root)


def overlong(p: Proposer, proposal: Proposal, item: Item) -> Item | None:
    """The last consent says that it is longer than what is there."""
    if isinstance(item.agreement, WITH_NEW_SIGNER):
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
    """Sent to the registry instead of a ledger, or the reverse."""
    return replace(item, door=0 if item.door else p.ring.lineage.newest, fixed=UNREADABLE)


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
    width = 1 if narrow else 160 if member.form is Form.ADDRESS else int(member.solidity.removeprefix("uint"))
    at = 4 + 32 * place
    word = int.from_bytes(item.data[at : at + 32]) ^ 1 << p.rng.randrange(width, 256)
    data = item.data[:at] + word.to_bytes(32) + item.data[at + 32 :]
    words = keccak(text=type_string(type(item.agreement))) + data[4 : 4 + 32 * len(members)]
    separator = journal_start(p.ring.lineage.domain(item.door))
    signed = keccak(b"\x19\x01" + separator + keccak(words))
    consents = consents_over(p, proposal, signed)
    old, new = packed([c.raw for c in item.consents]), packed([c.raw for c in consents])
    if len(old) != len(new):
        return None
    return replace(item, data=data.replace(old, new), consents=consents, digest=signed, unreadable=True)


ATTACKS: Final[dict[str, Callable[[Proposer, Proposal, Item], Item | None]]] = {
    attack.__name__: attack
    for attack in (
        forged, old_key, missing, extra, swapped, spoilt, ordered, unsigned, tampered, relabelled, elsewhere,
        another_ledger, overlong, truncated, extended, misdirected, dirty,
    )
}  # fmt: skip


def nested(door: int) -> Item:
    """A batch, to be an item of a batch."""
    return Item(door, batch_calldata([], False), "nested", fixed=Refusal("NestedBatch"))


def looking(door: int) -> Item:
    """A view, which anybody may put between agreements."""
    return Item(door, keccak(text="settingsOf()")[:4], "looking", idle=True)


def outrun(p: Proposer, item: Item) -> Item | None:
    """What a stranger may say of the voucher of this item before it lands."""
    number = getattr(item.agreement, "voucher", None)
    if number is None or not item.door:
        return None
    verb = CompletePayment(number) if p.world.payments.get(number) else DeclareOverdue(number)
    return Item(item.door, unsigned_calldata(verb), "outrunning", verb)


def attack(p: Proposer, name: str) -> Item:
    """An item attacked so; an honest one where the attack does not apply to what was drawn."""
    proposal = p.draw()
    item = honest(p, proposal)
    if not item.consents or (name in ("relabelled", "dirty") and isinstance(item.agreement, RESUPPLIED[1:])):
        return item
    return replace(ATTACKS[name](p, proposal, item) or item, how=name)
