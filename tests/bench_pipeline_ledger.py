"""What a plain double-entry ledger in PostgreSQL does: one transfer per transaction, nothing batched.

Two entries and two balances per transfer, the rows of both accounts locked in the order of their ids, so that no two
transfers wait for each other for ever, and a balance that may not go below zero. PostgreSQL plans a statement once and
syncs every commit. There are no signatures in it, no chain and no history of its own: it is the least that keeps books
right, written as its users would, once with psycopg and once with SQLAlchemy.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any, Final

import psycopg
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, create_engine, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.bench_pipeline_table import Took, timed

ACCOUNTS: Final = 1_000
OPENING: Final = 10**12
"""Fen on each account at the start: no transfer is refused."""
AMOUNT: Final = 100
_STEP: Final = 7
"""From which account to which: apart, so that two connections seldom want the same row."""


class Base(DeclarativeBase):
    """Tables of this ledger alone."""


class Account(Base):
    """A balance in fen."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("balance >= 0"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    balance: Mapped[int] = mapped_column(BigInteger)


class Move(Base):
    """A transfer."""

    __tablename__ = "moves"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reference: Mapped[str]


class Entry(Base):
    """One of the two sides of a transfer."""

    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    move: Mapped[int] = mapped_column(BigInteger, ForeignKey("moves.id"))
    account: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    amount: Mapped[int] = mapped_column(BigInteger)


def prepare(url: str) -> None:
    """The tables, and accounts with money on them."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            insert(Account), [{"id": number, "balance": OPENING} for number in range(ACCOUNTS)]
        )
    engine.dispose()


def sides(number: int) -> tuple[int, int]:
    """Who gives and who takes in the transfer of this number."""
    giver = number * _STEP % ACCOUNTS
    return giver, (giver + _STEP) % ACCOUNTS


def with_psycopg(url: str, count: int, first: int = 0) -> None:
    """Statements as they are, prepared by the driver after a few times."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.autocommit = True
        for number in range(first, first + count):
            giver, taker = sides(number)
            with connection.transaction():
                connection.execute(
                    "select id, balance from accounts where id in (%s, %s) order by id for update",
                    (giver, taker),
                )
                [move] = connection.execute(
                    "insert into moves (reference) values (%s) returning id", (f"transfer {number}",)
                ).fetchall()
                connection.execute(
                    "insert into entries (move, account, amount) values (%s, %s, %s), (%s, %s, %s)",
                    (move[0], giver, -AMOUNT, move[0], taker, AMOUNT),
                )
                connection.execute(
                    "update accounts set balance = balance - %s where id = %s", (AMOUNT, giver)
                )
                connection.execute(
                    "update accounts set balance = balance + %s where id = %s", (AMOUNT, taker)
                )


def with_sqlalchemy(url: str, count: int, first: int = 0) -> None:
    """The same with a session and its objects."""
    engine = create_engine(url)
    with Session(engine) as session:
        for number in range(first, first + count):
            both = sides(number)
            accounts = session.scalars(
                select(Account).where(Account.id.in_(both)).order_by(Account.id).with_for_update()
            )
            found = {account.id: account for account in accounts}
            move = Move(reference=f"transfer {number}")
            session.add(move)
            session.flush()
            for account, amount in zip(both, (-AMOUNT, AMOUNT), strict=True):
                session.add(Entry(move=move.id, account=account, amount=amount))
                found[account].balance += amount
            session.commit()
    engine.dispose()


def with_core(url: str, count: int, first: int = 0) -> None:
    """The same with SQLAlchemy's statements, without objects."""
    engine = create_engine(url)
    with engine.connect() as connection:
        for number in range(first, first + count):
            giver, taker = sides(number)
            with connection.begin():
                locked = select(Account.id, Account.balance).where(Account.id.in_((giver, taker)))
                connection.execute(locked.order_by(Account.id).with_for_update()).all()
                made = insert(Move).values(reference=f"transfer {number}").returning(Move.id)
                move = connection.execute(made).scalar_one()
                amounts = ((giver, -AMOUNT), (taker, AMOUNT))
                connection.execute(
                    insert(Entry),
                    [{"move": move, "account": each, "amount": amount} for each, amount in amounts],
                )
                for each, amount in amounts:
                    changed = update(Account).where(Account.id == each)
                    connection.execute(changed.values(balance=Account.balance + amount))
    engine.dispose()


WAYS: Final[dict[str, Callable[[str, int], None]]] = {
    "psycopg": with_psycopg,
    "SQLAlchemy, statements": with_core,
    "SQLAlchemy, objects": with_sqlalchemy,
}


def together(url: str, count: int, *, connections: int) -> Took:
    """The psycopg one from so many processes at once, from when all of them have begun."""
    apart, each = multiprocessing.get_context("spawn"), count // connections
    begun = apart.Barrier(connections + 1)
    workers = [
        apart.Process(target=_beside, args=(begun, url, each, number * each), daemon=True)
        for number in range(connections)
    ]
    for worker in workers:
        worker.start()
    begun.wait()

    def work() -> None:
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0, "a ledger process has failed"

    return timed(work)


def _beside(begun: Any, url: str, count: int, first: int) -> None:
    begun.wait()
    with_psycopg(url, count, first)
