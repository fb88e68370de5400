"""The one SQLite file that keeps an embedded chain: py-evm's key-value store, one commit per block.

It refuses a second opener, and it keeps nothing half written: what was not flushed is dropped.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from eth.db.backends.base import BaseDB

from ledger.errors import ChainError

FACTS = b"tallystick:facts"
APPLICATION = 0x7A115  # SQLite's application id: our mark in the file's header


class BlockFile(BaseDB):
    """Opens the file, locked for this process alone. `create` makes an empty one when there is none.

    Raises ChainError: no file, a file of another kind, open in another process, a disk that refuses.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._holder = path.with_name(path.name + ".pid")
        self._pending: dict[bytes, bytes | None] = {}  # None: to be deleted
        if not path.exists():
            if not create:
                raise ChainError(f"there is no chain at {path}: create it first (tallystick deploy)")
            _touch_private(path)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            self._take()
        except sqlite3.Error as refused:
            self._db.close()
            raise ChainError(self._why(refused)) from None
        self._note_holder()

    @property
    def facts(self) -> bytes | None:
        """What the chain says of itself; None in a file that is still empty."""
        return self.get(FACTS, None)

    @facts.setter
    def facts(self, text: bytes) -> None:
        self[FACTS] = text

    def __getitem__(self, key: bytes) -> bytes:
        if key in self._pending:
            value = self._pending[key]
        else:
            row = self._read(key)
            value = row[0] if row else None
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending[key] = bytes(value)

    def __delitem__(self, key: bytes) -> None:
        self[key]  # KeyError, as a dict gives
        self._pending[key] = None

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def _read(self, key: bytes) -> tuple[bytes] | None:
        try:
            found: tuple[bytes] | None = self._db.execute("select v from kv where k = ?", (key,)).fetchone()
        except sqlite3.Error as broken:
            raise ChainError(f"{self.path} cannot be read ({broken}): closed, or damaged") from None
        return found

    def flush(self) -> None:
        """Commits all writes since the last flush, or none. Raises ChainError when the disk refuses."""
        kept = [(key, value) for key, value in self._pending.items() if value is not None]
        gone = [(key,) for key, value in self._pending.items() if value is None]
        try:
            self._db.execute("begin immediate")
            self._db.executemany("insert or replace into kv (k, v) values (?, ?)", kept)
            self._db.executemany("delete from kv where k = ?", gone)
            self._db.execute("commit")
        except sqlite3.Error as refused:
            raise ChainError(
                f"{self.path} cannot be written ({refused}): make room, then try again"
            ) from None
        finally:
            if self._db.in_transaction:
                self._db.execute("rollback")
        self._pending.clear()

    def drop(self) -> None:
        """Forgets all writes since the last flush."""
        self._pending.clear()

    def copy(self, to: Path) -> None:
        """Writes what is flushed into a new file that only its owner can read. ChainError when the disk refuses."""
        _touch_private(to)
        try:
            with closing(sqlite3.connect(to)) as other:
                self._db.backup(other)
        except sqlite3.Error as refused:
            raise ChainError(f"{self.path} cannot be copied to {to} ({refused}): make room") from None

    def close(self) -> None:
        """Gives the file free; unflushed writes are lost."""
        self.drop()
        self._holder.unlink(missing_ok=True)
        self._db.close()

    def _take(self) -> None:
        # Exclusive before WAL: SQLite then needs no shared memory, and the lock lasts until close or death.
        self._db.execute("pragma locking_mode = exclusive")
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")  # a block survives a power cut, too: 2 ms
        self._db.execute("begin exclusive")
        if not self._db.execute("select count(*) from sqlite_master").fetchone()[0]:
            self._db.execute("create table kv (k blob primary key, v blob not null) without rowid")
            self._db.execute(f"pragma application_id = {APPLICATION}")
        self._db.execute("commit")
        if self._db.execute("pragma application_id").fetchone()[0] != APPLICATION:
            raise sqlite3.DatabaseError("a database of another kind")

    def _why(self, refused: sqlite3.Error) -> str:
        if "locked" not in str(refused):
            return f"{self.path} cannot be opened as a chain ({refused}): wrong file, read-only or damaged"
        try:
            holder = f"process {int(self._holder.read_text(encoding='ascii'))}"
        except (OSError, ValueError):
            holder = "another process"
        return f"{self.path} is open in {holder}: end that first; two at once would fork the chain"

    def _note_holder(self) -> None:
        self._holder.write_text(str(os.getpid()), encoding="ascii")


def _touch_private(path: Path) -> None:
    """An empty file that only its owner can read: the key of the relay account will be in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as refused:
        raise ChainError(f"{path} cannot be created ({refused.strerror}): name another place") from None
