"""The `backup` command: everything of an installation that no chain can give back, in one folder.

The outbox, the keys and the dossier are on no chain; an embedded chain is on no other machine. The database is copied
first and the rest after it, so that the dossier knows whatever the database does. Commands may run meanwhile; on an
embedded chain they wait outside. All of it is for its owner's eyes: folder 0700, files 0600.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from ledger.block_file import BlockFile
from ledger.database import SECRET_OPTIONS
from ledger.database import place as place_of
from ledger.errors import InputError
from ledger.installation import CHAIN, DATABASE, DOSSIER, KEYS, database_of
from scripts.cli_options import HERE, DirectoryOption, JsonOption, screen_of
from scripts.cli_unfinished import MARK

DUMP: Final = "database.dump"
PROGRAM: Final = "pg_dump"


def backup(
    ctx: typer.Context,
    to: Annotated[Path, typer.Argument(help="A folder that is to be made.", metavar="FOLDER")],
    without_database: Annotated[
        bool,
        typer.Option("--without-database", help="Files alone: the database was just dumped by other means."),
    ] = False,
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Copies database, keys and dossier, and an embedded chain, into a new folder. Nothing has to be stopped.

    PostgreSQL is dumped by its own pg_dump. To restore: copy the folder back to where the installation was (and load
    the dump with pg_restore into an empty database), then: tallystick index, tallystick verify.

    \b
    Example:
      tallystick backup /backups/tallystick-2026-04-15
    """
    screen, to = screen_of(ctx), to.absolute()
    database = database_of(directory)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError(f"{to} is there already: name a folder that is to be made")
    place = to.with_name(f".{to.name}.unfinished")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    try:
        _copy_all(directory, database, place, with_database=not without_database)
        if to.exists():
            to.rmdir()
        place.rename(to)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    names = sorted(each.name for each in to.iterdir())
    screen.say(f"Copied to {to}: {', '.join(names)}.")
    if KEYS not in names:
        screen.say(f"There is no {KEYS} here: whoever keeps the keys has to copy them.")
    screen.answer({"folder": str(to), "files": names})


def _copy_all(directory: Path, database: str, place: Path, *, with_database: bool) -> None:
    if not (directory / CHAIN).is_file():
        _copy_the_rest(directory, database, place, with_database=with_database)
        return
    with closing(
        BlockFile(directory / CHAIN, create=False)
    ) as chain:  # so that chain and database fit together
        chain.copy(place / CHAIN)
        _copy_the_rest(directory, database, place, with_database=with_database)


def _copy_the_rest(directory: Path, database: str, place: Path, *, with_database: bool) -> None:
    url = make_url(database)
    if not with_database:
        pass
    elif url.drivername.startswith("sqlite"):
        _copy_sqlite(Path(str(url.database)), place / DATABASE)
    else:
        _dump(url, place / DUMP)
    marks = [path.name for path in directory.glob(f"{MARK}*")]
    for name in (DOSSIER, KEYS, *marks):
        if (directory / name).is_file():
            _copy_file(directory / name, place / name)


def _copy_file(kept: Path, to: Path) -> None:
    to.touch(mode=0o600)
    with kept.open("rb") as source, to.open("wb") as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())


def _copy_sqlite(kept: Path, to: Path) -> None:
    """By SQLite's online backup: one moment of the database, whoever writes meanwhile."""
    to.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"file:{kept}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(to)) as copy,
        ):
            source.backup(copy)
            copy.execute("pragma journal_mode = delete")  # one file, without a log beside it
            found = copy.execute("pragma quick_check").fetchone()[0]
    except sqlite3.Error as refused:
        raise InputError(f"the database {kept} cannot be copied to {to}: {refused}") from None
    if found != "ok":
        raise InputError(f"the database {kept} is damaged ({found}): nothing was copied")


def _dump(url: URL, to: Path) -> None:
    shown = url.difference_update_query(SECRET_OPTIONS)
    bare = URL.create("postgresql", shown.username, None, shown.host, shown.port, shown.database, shown.query)
    words = ["--format=custom", "--no-owner", f"--dbname={bare.render_as_string()}"]
    found = shutil.which(PROGRAM)
    if found is None:
        by_hand = shlex.join([PROGRAM, *words, f"--file={DUMP}"])
        raise InputError(
            f"{PROGRAM} is not installed here: dump the database {place_of(url)} where it is, with\n  {by_hand}\n"
            "and then copy the rest with --without-database"
        )
    to.touch(mode=0o600)
    password = str(url.password or url.query.get("password") or "")
    own = {"PGPASSWORD": password} if password else {}
    done = subprocess.run(
        [found, *words, "--no-password", f"--file={to}"],
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = next(iter(done.stderr.strip().splitlines()[-1:]), f"exit code {done.returncode}")
        raise InputError(
            f"{PROGRAM} could not dump the database {place_of(url)}: "
            f"{said.replace(password, '***') if password else said}"
        )
