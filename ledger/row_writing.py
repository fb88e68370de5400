"""Many rows into a table at once, in the transaction of a session.

    add      new rows; one that is there already is an error
    adding_lines   the same, of rows that are text already, while something else is done
    change   some columns of rows that are there, found by contract and key
    one_of   the condition that a column has one of many values

On PostgreSQL rows are copied (`COPY`), into the table itself or, to change many, into a temporary table beside it; on
SQLite one prepared statement takes them all. Which rows to write, and what stands in them, is for the caller; the
column types of `columns.py` turn values into what the database keeps, as they do everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from psycopg import Error as PsycopgError
from sqlalchemy import ARRAY, ColumnElement, Connection, any_, bindparam, literal, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.columns import Base

Values = tuple[Any, ...]
PLAIN: Final = MappingProxyType({"synchronize_session": False})
"""Options of a statement that changes rows of which the session keeps no objects: it need not look for them."""
MANY: Final = 50
"""Rows from which on a temporary table is worth its making."""
AT_ONCE: Final = 200
"""Plain rows that are handed to the driver in one piece."""


def add(
    session: Session, table: type[Base], names: Sequence[str], rows: Sequence[Values], *, kept: bool = False
) -> None:
    """Inserts rows that have these columns, in this order. `kept`: their values are already as the database keeps
    them, plain numbers and words."""
    if not rows:
        return
    connection = session.connection()
    if kept and connection.dialect.name == "postgresql":
        _copy_plain(connection, _quoted(connection, table.__tablename__), names, rows)
        return
    values = rows if kept else _as_kept(connection, table, names, rows)
    if connection.dialect.name == "postgresql":
        _copy(connection, _quoted(connection, table.__tablename__), names, values)
        return
    _insert(connection, table, names, list(values))


@contextmanager
def adding_lines(
    session: Session, table: type[Base], names: Sequence[str], lines: Sequence[str]
) -> Iterator[None]:
    """As `add`, of rows that are text already: as the database keeps them, with a tab between two columns and a line
    feed after each row, some rows in each of the texts. They have neither a NULL nor a backslash.

    PostgreSQL takes them in while the caller does something else, for which the session is of no use."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        with _copying(connection, _quoted(connection, table.__tablename__), names, lines):
            yield
        return
    rows = [tuple(line.split("\t")) for text in lines for line in text.splitlines()]
    if rows:
        _insert(connection, table, names, rows)
    yield


def change(
    session: Session, table: type[Base], names: Sequence[str], rows: Sequence[Values], *, keys: int
) -> None:
    """Updates rows by the first `keys` of these columns, the table's key; the others are set."""
    if not rows or len(names) == keys:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql" and len(rows) >= MANY:
        _change_many(connection, table, names, rows, keys=keys)
        return
    columns = table.__table__.c
    found = [columns[name] == bindparam(f"key_{name}", type_=columns[name].type) for name in names[:keys]]
    set_to = {name: bindparam(f"set_{name}", type_=columns[name].type) for name in names[keys:]}
    marks = [f"key_{name}" for name in names[:keys]] + [f"set_{name}" for name in names[keys:]]
    statement = update(table).where(*found).values(set_to)
    connection.execute(statement, [dict(zip(marks, row, strict=True)) for row in rows])


def one_of(
    session: Session, column: InstrumentedAttribute[Any] | ColumnElement[Any], values: Collection[Any]
) -> Any:
    """That the column has one of these values. On PostgreSQL they are one parameter, however many they are: so the
    statement stays the same, and is taken apart and planned once; elsewhere databases set limits to them."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    return column.in_(values)


def among(column: ColumnElement[Any], name: str, *, on_postgres: bool) -> ColumnElement[bool]:
    """The same for a statement that is built once: the values are its parameter of this name."""
    if on_postgres:
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    return column.in_(bindparam(name, expanding=True, type_=column.type))


def _change_many(
    connection: Connection, table: type[Base], names: Sequence[str], rows: Sequence[Values], *, keys: int
) -> None:
    of, beside = _quoted(connection, table.__tablename__), f"changed_{table.__tablename__}"
    columns = [_quoted(connection, name) for name in names]
    connection.exec_driver_sql(
        f"create temporary table {beside} on commit drop as select {', '.join(columns)} from {of} with no data"
    )
    _copy(connection, beside, names, _as_kept(connection, table, names, rows))
    set_to = ", ".join(f"{column} = {beside}.{column}" for column in columns[keys:])
    same = " and ".join(f"{of}.{column} = {beside}.{column}" for column in columns[:keys])
    connection.exec_driver_sql(f"update {of} set {set_to} from {beside} where {same}")
    connection.exec_driver_sql(f"drop table {beside}")


def _copy(connection: Connection, into: str, names: Sequence[str], rows: Iterable[Values]) -> None:
    statement = f"copy {into} ({', '.join(_quoted(connection, name) for name in names)}) from stdin"
    driver: Any = connection.connection.driver_connection
    with _as_sqlalchemy(connection, statement), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _copy_plain(connection: Connection, into: str, names: Sequence[str], rows: Sequence[Values]) -> None:
    """As `_copy`, in half the time, of values that no form of writing has to be found for."""
    form = "\t".join(["%s"] * len(names)) + "\n"
    parts = range(0, len(rows), AT_ONCE)
    texts = ("".join([form % row for row in rows[at : at + AT_ONCE]]) for at in parts)
    with _copying(connection, into, names, texts):
        pass


@contextmanager
def _copying(connection: Connection, into: str, names: Sequence[str], texts: Iterable[str]) -> Iterator[None]:
    """Hands the rows over; the database may still be taking them in while the caller goes on, and has them at the
    end."""
    columns = ", ".join(_quoted(connection, name) for name in names)
    statement = f"copy {into} ({columns}) from stdin (null 'None')"
    driver: Any = connection.connection.driver_connection
    with _as_sqlalchemy(connection, statement), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for lines in texts:
            if "\\" in lines:  # a tab or a new line too many is refused by the database
                raise ValueError(f"a row for {into} has a value that is neither a number nor a plain word")
            copy.write(lines)
        yield


def _insert(connection: Connection, table: type[Base], names: Sequence[str], rows: list[Values]) -> None:
    columns = ", ".join(_quoted(connection, name) for name in names)
    marks = ", ".join("?" * len(names))
    into = _quoted(connection, table.__tablename__)
    connection.exec_driver_sql(f"insert into {into} ({columns}) values ({marks})", rows)


@contextmanager
def _as_sqlalchemy(connection: Connection, statement: str) -> Iterator[None]:
    """What goes wrong in the driver, in the form in which it comes from everywhere else."""
    try:
        yield
    except PsycopgError as broken:
        if broken.sqlstate is None or broken.sqlstate.startswith(("08", "57P")):
            connection.invalidate(broken)
        raise DBAPIError.instance(
            statement,
            None,
            broken,
            PsycopgError,
            dialect=connection.dialect,
        ) from broken


def _as_kept(
    connection: Connection, table: type[Base], names: Sequence[str], rows: Sequence[Values]
) -> Iterator[Values]:
    """The rows as the database keeps them: each column through its type."""
    columns = table.__table__.c
    by_column: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for at, name in enumerate(names):
        write = _writer(connection, columns[name].type)
        if write is not None:
            by_column[at] = list(map(write, by_column[at]))
    return zip(*by_column, strict=True)


def _writer(connection: Connection, of: Any) -> Callable[[Any], Any] | None:
    write: Callable[[Any], Any] | None = of.dialect_impl(connection.dialect).bind_processor(
        connection.dialect
    )
    return write


def _quoted(connection: Connection, name: str) -> str:
    return str(connection.dialect.identifier_preparer.quote(name))
