"""The simulator's database: a SQLite file whose commits get lost, whose disk is full, and that is put back from a copy.

disk = Disk(path)
store = disk.store()               as the product opens it, for one process
disk.lose_commit(arrives=True)     the next commit takes effect, and whoever commits is told that the disk failed
disk.fill()                        the file cannot grow; make_room() ends it
disk.back_up(), disk.restore()     the latter while nobody works on it
"""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

from sqlalchemy import Engine, event

from ledger.database import open_engine
from ledger.store import Store

_ROOM: Final = 1_000_000
"""Pages that the file may have while there is room."""


_DISKS: dict[int, Disk] = {}
"""Whose engine opens what."""


class _Connection(sqlite3.Connection):
    disk: Disk

    def commit(self) -> None:
        arrives = self.disk.losing.pop(0) if self.disk.losing and self.in_transaction else None
        if arrives is None:
            super().commit()
            return
        if arrives:
            super().commit()
        else:
            super().rollback()
        failed = sqlite3.OperationalError("disk I/O error")
        failed.sqlite_errorname, failed.sqlite_errorcode = "SQLITE_IOERR_FSYNC", 1_034
        raise failed


@cache
def engine_of(place: int) -> Engine:
    """The engine for the disk in this place. One serves one disk after another: it knows how all statements are
    written in SQL, and to find that out anew would be most of what a round does."""
    engine = open_engine("sqlite:///nowhere?timeout=0.05")

    def connect(_dialect: Any, _record: Any, where: list[Any], options: dict[str, Any]) -> None:
        disk = _DISKS[place]
        where[0] = str(disk.path)
        options["factory"] = type("Connection", (_Connection,), {"disk": disk})

    def connected(connection: Any, _record: object) -> None:
        connection.execute("pragma synchronous = off")  # nobody cuts the power here
        _DISKS[place].opened(connection)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", connected)
    return engine


@dataclass
class Disk:
    """The file, and what is wrong with it. Of two that are there at the same time each has its `place`."""

    path: Path
    place: int = 0
    losing: list[bool] = field(default_factory=list)
    full: bool = False
    _open: WeakSet[_Connection] = field(default_factory=WeakSet)

    def store(self) -> Store:
        """The database, as a process has it."""
        if _DISKS.get(self.place) is not self:
            _DISKS[self.place] = self
            engine_of(self.place).dispose()
        return Store(engine_of(self.place))

    def opened(self, connection: Any) -> None:
        """A new connection."""
        self._open.add(connection)
        self._limit(connection)

    def lose_commit(self, *, arrives: bool) -> None:
        """Whoever commits next is told that it failed; `arrives`: although it took effect."""
        self.losing.append(arrives)

    def fill(self) -> None:
        """From now on the file cannot grow."""
        self.full = True
        for each in list(self._open):
            self._limit(each)

    def make_room(self) -> None:
        """The disk is as it should be."""
        self.full = False
        self.losing.clear()
        for each in list(self._open):
            self._limit(each)

    def _limit(self, connection: Any) -> None:
        try:  # a limit below the present size is the present size
            connection.execute(f"pragma max_page_count = {1 if self.full else _ROOM}")
        except sqlite3.ProgrammingError:  # it was closed in the meantime
            self._open.discard(connection)

    def back_up(self, to: Path) -> None:
        """A copy of the file as of the last commit."""
        to.unlink(missing_ok=True)
        source, target = sqlite3.connect(self.path), sqlite3.connect(to)
        source.backup(target)
        source.close()
        target.close()

    def restore(self, copy: Path) -> None:
        """The file is the copy. Who had it open opens it again."""
        engine_of(self.place).dispose()
        for name in ("-wal", "-shm"):
            self.path.with_name(self.path.name + name).unlink(missing_ok=True)
        shutil.copyfile(copy, self.path)
