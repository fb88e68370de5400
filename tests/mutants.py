"""Breaks the contracts in one place after another, and each time one named test has to fail: `python -m tests.mutants`.

    python -m tests.mutants              break, compile, test; exit 1 where a mutant survives
    python -m tests.mutants --only L4    the named ones alone
    python -m tests.mutants --table      write the table of tests/README.md, break nothing

The mutants stand in tests/mutants.csv: in which file of contracts/ which text, that has to occur there once, gives way
to which other, and the test that notices. First every named test has to pass on contracts that are compiled like the
mutants but not broken. A mutant is killed where its test fails because the contract answered otherwise than it expects;
a test that cannot begin, or that breaks over something else, is no kill. Mutants that no test can tell from the
contract, because they do the same, have no place in the list. The tree is never changed.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from ledger.artifacts import Artifact
from ledger.errors import ChainError, TallystickError
from tests.engines import ROOT
from tests.mutant_builds import Variant, keep_only, sources
from tests.rig import compiled

FILE: Final = ROOT / "tests" / "mutants.csv"
README: Final = ROOT / "tests" / "README.md"
BEGIN, END = "<!-- mutants: begin -->", "<!-- mutants: end -->"
BROKEN: Final = ("PartyRegistry", "VoucherLedger", "Signatories", "RSAVerifier")
"""The contracts that a mutant can be compiled into."""
SOUND: Final = tuple(Variant(contract) for contract in BROKEN)
SECONDS: Final = 600
"""A test that takes longer does not end."""


class Misfit(TallystickError):
    """A mutant that does not fit the sources, or a list that is none."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One row. `old` occurs once in `file` (a path below contracts/); `killed_by` is a test as pytest names it."""

    id: str
    contract: str
    file: str
    old: str
    new: str
    killed_by: str
    mutation: str

    def text(self) -> str:
        """The whole file with the mutation. Raises Misfit where `old` does not occur exactly once."""
        found = sources().get(self.file, "").count(self.old)
        if found != 1 or self.old == self.new or self.contract not in BROKEN:
            raise Misfit(f"{self.id}: {self.old!r} occurs {found} times in {self.file}")
        return sources()[self.file].replace(self.old, self.new)

    def variant(self) -> Variant:
        return Variant(self.contract, self.file, self.text())

    def place(self) -> str:
        """The file, and the function or the like in which the mutation begins."""
        before = sources()[self.file][: sources()[self.file].index(self.old) + 1]
        around = re.findall(r"^ *(?:function|modifier|library) (\w+)|^ *(constructor)\b", before, re.M)
        return f"`contracts/{self.file}`" + (f" `{around[-1][0] or around[-1][1]}`" if around else "")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one test ended. `answered`: it failed because a contract did something else than it expects."""

    test: str
    passed: bool
    answered: bool
    why: str

    def is_of(self, named: str) -> bool:
        """Whether it is the test that is named, or one of its cases."""
        return self.test == named or self.test.startswith(f"{named}[")


def read() -> list[Mutant]:
    """The list. Raises Misfit where it has other columns."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != [each.name for each in fields(Mutant)]:
            raise Misfit(f"{FILE.name} has other columns: {rows.fieldnames}")
        return [Mutant(**row) for row in rows]


def table(mutants: Sequence[Mutant]) -> str:
    """What stands between the markers in tests/README.md."""
    lines = [f"{len(mutants)} mutants.", "", "| id | place | mutation | killed by |", "|---|---|---|---|"]
    for each in mutants:
        file, _, test = each.killed_by.removeprefix("tests/").removeprefix("contract/").partition("::")
        lines.append(f"| {each.id} | {each.place()} | {each.mutation} | `{file}` `{test}` |")
    return "\n".join(lines)


def split_readme(text: str) -> tuple[str, str, str]:
    """What stands before, between and behind the markers. Raises Misfit where they are not there."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise Misfit(f"{README.name} needs {BEGIN} and {END}, once each")
    before, rest = text.split(BEGIN)
    between, behind = rest.split(END)
    return before + BEGIN, between.strip(), END + behind


def why_alive(ended: Sequence[Ended], named: str) -> str:
    """Why the tests that were run on a mutant do not kill it; empty where they do."""
    own = [each for each in ended if each.is_of(named)]
    if not own:
        return "the test did not run"
    failed = [each for each in own if not each.passed]
    if not failed:
        return "SURVIVED"
    unanswered = [each for each in failed if not each.answered]
    return f"the test broke over something else: {unanswered[0].why}" if unanswered else ""


# ------------------------------------------------------------ running


def run_tests(tests: Sequence[str], *folders: Path, first_failure_ends: bool = True) -> list[Ended]:
    """Runs the named tests in a process of their own, on the artifacts of these folders."""
    with tempfile.TemporaryDirectory() as place:
        verdicts = Path(place) / "verdicts"
        verdicts.touch()
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.stand_in"]
        command += ["-x"] if first_failure_ends else []
        command += [f"--stand-ins={folder}" for folder in folders] + [f"--verdicts={verdicts}", *tests]
        try:
            subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return []
        return [Ended(**json.loads(line)) for line in verdicts.read_text("utf-8").splitlines()]


def shelve(folder: Path, found: Mapping[str, Artifact]) -> None:
    for name, artifact in found.items():
        (folder / f"{name}.json").write_text(artifact.to_json(), "utf-8")


def judge(mutant: Mutant, sound: Path) -> str:
    """Why the mutant is alive; empty where its test kills it. `sound` holds all contracts, unbroken."""
    try:
        broken = mutant.variant().artifact()
    except ChainError as refused:
        return str(refused)
    with tempfile.TemporaryDirectory() as place:
        shelve(Path(place), {mutant.contract: broken})
        return why_alive(run_tests([mutant.killed_by], sound, Path(place)), mutant.killed_by)


def unsound(mutants: Sequence[Mutant], sound: Path) -> list[str]:
    """The named tests that do not pass on contracts that nobody broke, and why."""
    named = sorted({each.killed_by for each in mutants})
    ended = run_tests(named, sound, first_failure_ends=False)
    found = []
    for test in named:
        own = [each for each in ended if each.is_of(test)]
        why = next((each.why for each in own if not each.passed), "" if own else "it did not run")
        if why or not own:
            found.append(f"{test} fails on the sound contracts: {why}")
    return found


def hunt(mutants: Sequence[Mutant], *, jobs: int) -> int:
    """Judges them all, `jobs` at a time; the number of those that are alive, or of named tests that fail anyhow."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(jobs) as pool:
        sound = Path(place)
        shelve(sound, compiled())
        shelve(sound, {each.contract: each.artifact() for each in SOUND})
        if wrong := unsound(mutants, sound):
            print("\n".join(wrong))
            return len(wrong)
        alive = 0
        for mutant, why in zip(mutants, pool.map(lambda each: judge(each, sound), mutants), strict=True):
            alive += why != ""
            print(
                f"{mutant.id:<5}{why or 'killed'}" + (f"\n     {mutant.mutation}" if why else ""), flush=True
            )
    print(f"{len(mutants) - alive} of {len(mutants)} killed in {time.monotonic() - began:.0f} s")
    return alive


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every mutant is killed; 1: one is not, or does not fit, or a named test fails without it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", nargs="+", metavar="ID", help="these mutants alone")
    parser.add_argument("--table", action="store_true", help="write the table of tests/README.md")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")
    given = parser.parse_args(arguments)
    try:
        mutants = read()
        if given.only:
            if unknown := set(given.only) - {each.id for each in mutants}:
                raise Misfit(f"no such mutant: {' '.join(sorted(unknown))}")
            mutants = [each for each in mutants if each.id in given.only]
        for each in mutants:
            each.text()
        if given.table:
            before, _, behind = split_readme(README.read_text("utf-8"))
            README.write_text(f"{before}\n{table(read())}\n{behind}", "utf-8")
            return 0
        alive = hunt(mutants, jobs=given.jobs)
    except TallystickError as wrong:
        print(wrong)
        return 1
    if not given.only:
        keep_only([*SOUND, *(each.variant() for each in mutants)])
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
