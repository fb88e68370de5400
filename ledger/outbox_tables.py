"""The tables of what is to be sent and of how it was sent, as SQLAlchemy 2 classes.

    outbox            one row per signed agreement: an item
    outbox_calls      what was signed, and the call that carries it: written once
    batches           items that go to the chain together, under one nonce of one account
    transactions      the signed bytes of a batch: the first ones, and dearer ones that replaced them
    relay_accounts    the accounts that pay, and which process works each of them at present
    wallet_gas        what contract wallets' signature checks were given, per party and day
    operator_acts     what people did to items and accounts, and why
    halts             which service has had to stop, and why

A batch's bytes, once signed, can land for as long as its nonce is unused, whatever is written here. So an open batch
out of which an operator takes something (`withdraw`, `retry`) is *left*: its bytes are handed over no more, and a
filler that offers more than they did uses up its nonce. Until one of them is mined a withdrawn item may still land: it
is withdrawn, and some open batch has it among its items. If the filler is mined, that is over; if the bytes are, it is
final after all (or another item of the same agreement is), and an alarm says so.

A batch whose account's key is gone can be neither made dearer nor filled: its bytes are handed over again for a
bounded time, then its items are unknown. Tried again they go out by another account. Their old batch, left and open,
is watched until its nonce is used; a relay with the key fills it.

Times are Unix seconds, fees wei per unit of gas as decimal text, days China-time day numbers. Nothing here can be
made again from the chain: these are the tables to back up.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ledger.columns import ADDRESS, SUM, Base

SERIAL: Final = BigInteger().with_variant(Integer, "sqlite")
_LIVE: Final = text("status not in ('refused', 'withdrawn')")
_NOT_VOID: Final = text("status <> 'void'")
_ELSEWHERE: Final = text("batch is null and block is not null")


class OutboxRow(Base):
    """A signed agreement, or a call that nobody signs, to be sent in the order of its number: an item.

    `digest` is the agreement's (where nobody signs, a hash of the call and the voucher's sequence): one digest is
    in the box once, unless refused or withdrawn. `signers` are party numbers, NULL where they were not named.

    What the relay wants to know of it without reading the agreement, NULL in rows of an older version: `keys`, per
    consent the address of the verifier that it names or null; `floor`, the gas that it needs apart from contract
    wallets and listed verifiers; `event` and `subject`, the event that says that it has landed (`subject` NULL where
    the agreement does not say it); `sequence`, the voucher's that it consumes (NULL: none), `deadline`.

    `status`: signed, sent (in an open batch), mined (it landed), final (so deep that it stays), refused, unknown
    (the relay has given up: somebody must look), withdrawn (by an operator; see above). `block` to `log_index` say
    where it landed, or at which block it was refused; `refusal` and `facts` of a signed item say why it came back.
    `attempts` counts batches.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_once", "contract", "digest", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("outbox_by_status", "status", "number"),
        Index("outbox_by_batch", "batch"),
        Index("outbox_elsewhere", "block", sqlite_where=_ELSEWHERE, postgresql_where=_ELSEWHERE),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    contract: Mapped[str] = mapped_column(ADDRESS)
    digest: Mapped[bytes]
    verb: Mapped[str] = mapped_column(String(32))
    signers: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    keys: Mapped[list[str | None] | None] = mapped_column(JSON(none_as_null=True))
    floor: Mapped[int | None]
    event: Mapped[str | None] = mapped_column(String(32))
    subject: Mapped[bytes | None]
    sequence: Mapped[int | None]
    deadline: Mapped[int | None]
    queued_at: Mapped[int]
    status: Mapped[str] = mapped_column(String(12))
    batch: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("batches.number"))
    attempts: Mapped[int] = mapped_column(Integer)
    tx_hash: Mapped[bytes | None]
    block: Mapped[int | None]
    block_hash: Mapped[bytes | None]
    log_index: Mapped[int | None]
    refusal: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    call: Mapped[CallRow] = relationship(innerjoin=True, cascade="save-update, merge, delete")


class CallRow(Base):
    """What an item's signers agreed to, and the call that carries it to the contract.

    Apart from the item, whose row is written anew twice on its way: most of its bytes stand here and stay.
    """

    __tablename__ = "outbox_calls"
    number: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("outbox.number"), primary_key=True, autoincrement=False
    )
    agreement: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    consents: Mapped[list[str]] = mapped_column(JSON)
    calldata: Mapped[str] = mapped_column(Text)


class BatchRow(Base):
    """Items in their order under one nonce. `contract` NULL and no items: a filler for a hole in the nonces.

    `status`: open, mined, final, or void (somebody else's transaction used its nonce, or it reverted). `why` says
    what is the matter with it, where something is. `left_at`: when an operator first took something out of it while
    it was open; `items` stay what its bytes carry.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index(
            "batches_once",
            "account",
            "nonce",
            unique=True,
            sqlite_where=_NOT_VOID,
            postgresql_where=_NOT_VOID,
        ),
        Index("batches_by_status", "status", "account"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    account: Mapped[str] = mapped_column(ADDRESS)
    nonce: Mapped[int]
    contract: Mapped[str | None] = mapped_column(ADDRESS)
    gas: Mapped[int]
    items: Mapped[list[int]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[int]
    why: Mapped[str | None] = mapped_column(Text)
    left_at: Mapped[int | None]


class TransactionRow(Base):
    """Signed bytes of a batch. `fee` is the highest price of gas that they allow, `tip` what of it goes to the block's
    maker (NULL where the network knows no base fee).

    `status`: signed (stored, not handed over), sent (handed over, no answer), seen (the node has it), mined, final,
    replaced (another transaction of the same nonce was mined). `height` is the head when it was signed.
    `filler`: it carries nothing, and uses up the nonce (NULL: no).
    """

    __tablename__ = "transactions"
    __table_args__ = (Index("transactions_by_batch", "batch"), Index("transactions_by_block", "block"))
    tx_hash: Mapped[bytes] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(BigInteger, ForeignKey("batches.number"))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    fee: Mapped[int] = mapped_column(SUM)
    tip: Mapped[int | None] = mapped_column(SUM)
    height: Mapped[int]
    status: Mapped[str] = mapped_column(String(8))
    sends: Mapped[int] = mapped_column(Integer)
    first_sent_at: Mapped[int | None]
    last_sent_at: Mapped[int | None]
    block: Mapped[int | None]
    block_hash: Mapped[bytes | None]
    filler: Mapped[bool | None]


class AccountRow(Base):
    """An account that pays gas. `owner` works it until `leased_until`; `foreign` counts nonces that somebody else has
    used; `alarm` is what an operator has to know about it, a line for each time."""

    __tablename__ = "relay_accounts"
    account: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    next_nonce: Mapped[int]
    owner: Mapped[str] = mapped_column(String(64))
    leased_until: Mapped[int]
    foreign: Mapped[int]
    alarm: Mapped[str | None] = mapped_column(Text)


class WalletGasRow(Base):
    """Gas that the checks of a party's contract wallet were given on a China-time day."""

    __tablename__ = "wallet_gas"
    party: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    gas: Mapped[int]


class ActRow(Base):
    """What somebody did to an item (`retry`, `withdraw`) or to an account (`clear-alarm`), and the reason that was
    given. `cleared`: the alarm that was taken away."""

    __tablename__ = "operator_acts"
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    item: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("outbox.number"))
    account: Mapped[str | None] = mapped_column(ADDRESS)
    act: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    cleared: Mapped[str | None] = mapped_column(Text)


class HaltRow(Base):
    """That a service (`relay`, `index`) had to stop, when and why; gone when it works again. `reason`: in one word, as
    the numbers say it."""

    __tablename__ = "halts"
    service: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[int]
    reason: Mapped[str] = mapped_column(String(32))
    what: Mapped[str] = mapped_column(Text)
