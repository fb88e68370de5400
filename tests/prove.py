"""Proves the rules about face and limits on the compiled contract: `python -m tests.prove` (also `make prove`).

Runs halmos over `contracts/test/proofs` on the ledger's own bytecode, from a state and a time of which nothing is known
but what the proofs assume. It says which property holds and which does not; a property whose paths all revert, whose
loops were cut short or whose solver gave up counts as not proved. With `--doubt` it breaks the contract instead, in one
place after another, and each time one proof has to fail.

It needs two programs that the project does not install (MISSING says how), and is no part of `make test`.
Exit code 0: all is proved (with --doubt: all is noticed); 1: something is not; 2: it could not run.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger import artifacts
from ledger.errors import TallystickError
from tests.engines import ROOT

CONTRACTS: Final = ROOT / "contracts"
PROOFS: Final = ("SettlementProof", "SplitProof", "IssueProof", "SuccessorProof", "OtherVerbsProof")
HALMOS: Final = "0.3.3"
LOOPS: Final = 25
"""Rounds of a loop that are followed; a split has at most 20 parts."""
SOLVERS: Final = ("yices", "z3")
"""The second, which comes with halmos, is asked where the first gave up."""
SOLVER_SECONDS: Final = 300
GAVE_UP: Final = 2
"""halmos' exit code for a solver that ran out of time."""
WORKERS: Final = 2
MISSING: Final = {
    "halmos": f"python3 -m venv FOLDER && FOLDER/bin/pip install halmos=={HALMOS}; put FOLDER/bin on PATH",
    "forge": "npm install --prefix FOLDER @foundry-rs/forge-linux-amd64@1.7.1; put FOLDER/node_modules/.bin on PATH",
    "node": "`make prove` brings one; else put node's folder on PATH",
}


class CannotRun(TallystickError):
    """A program is missing, or the contracts or proofs do not compile."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one property. `paths` are those that end without a revert."""

    name: str
    proved: bool
    why: str
    paths: int
    seconds: float

    def __str__(self) -> str:
        sentence = self.name.removeprefix("check_").replace("_", " ")
        result = "proved    " if self.proved else "NOT PROVED"
        return f"{result} {sentence} ({self.paths:,} paths, {self.seconds:,.0f} s{self.why})"


SPLIT: Final = "check_a_split_into_1_keeps_the_face"
COMPLETED: Final = "check_a_payment_completed_falls_by_its_amount"
CANCELLED: Final = "check_a_cancelled_voucher_falls_by_its_face"
ISSUED: Final = "check_an_issue_on_1_invoice_stays_within_every_limit"
SUCCEEDED: Final = "check_a_successor_issues_within_what_its_predecessor_left"
OVERDUE: Final = "check_an_overdue_face_is_counted_once"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One line of a contract broken, and the property that must not survive it."""

    file: str
    old: str
    new: str
    proof: str
    name: str


DOUBTS: Final = (
    Doubt("VoucherLedger.sol", "rest -= face;", "rest -= face - 1;", "SplitProof", SPLIT),
    Doubt("VoucherLedger.sol", "_requirePart(rest, p)", "_requirePart(v.face(), p)", "SplitProof", SPLIT),
    Doubt("Credit.sol", "p.released(face, paid)", "p.released(face, 0)", "SettlementProof", COMPLETED),
    Doubt("Credit.sol", "_lines[parent].releasedBy(face)", "_lines[parent]", "SettlementProof", CANCELLED),
    Doubt("Credit.sol", "if (overdue) _issuers", "if (false) _issuers", "SettlementProof", CANCELLED),
    Doubt("VoucherLedger.sol", ".paid(amount)", ".paid(0)", "SettlementProof", COMPLETED),
    Doubt("Credit.sol", "if (face > available)", "if (face > line.limit())", "IssueProof", ISSUED),
    Doubt("VoucherLedger.sol", "if (line.parent() != 0)", "if (false)", "IssueProof", ISSUED),
    Doubt(
        "Credit.sol",
        "> total) revert InvoiceExceeded",
        "> 2 * total) revert InvoiceExceeded",
        "IssueProof",
        ISSUED,
    ),
    Doubt("Credit.sol", "before.settingsOf().runOff()", "(false)", "SuccessorProof", SUCCEEDED),
    Doubt("VoucherLedger.sol", ".owing(v.face())", ".owing(1)", "OtherVerbsProof", OVERDUE),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything is proved (or, with --doubt, noticed); 1: not everything; 2: it could not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--only", default="check_", help="properties whose name begins so (default: all)")
    parser.add_argument(
        "--lay-out",
        type=Path,
        metavar="FOLDER",
        help="only write a foundry project of all contracts, for slither",
    )
    parser.add_argument("--doubt", action="store_true", help="break the contract, and see the proofs fail")
    given = parser.parse_args(arguments)
    if given.lay_out is not None:
        _lay_out(given.lay_out, [*CONTRACTS.glob("*.sol")])
        return 0
    began = time.monotonic()
    try:
        _require_programs()
        good = _doubt() if given.doubt else _prove(given.only)
    except CannotRun as refused:
        print(refused, file=sys.stderr)
        return 2
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - began:,.0f} s, {used.ru_utime + used.ru_stime:,.0f} s of them on processors")
    return 0 if good else 1


def _require_programs() -> None:
    missing = [f"{name} is missing: {how}" for name, how in MISSING.items() if shutil.which(name) is None]
    if not (CONTRACTS / "node_modules" / "solc").is_dir():
        missing.append("contracts/node_modules is missing: npm ci in contracts/")
    if missing:
        raise CannotRun("\n".join(missing))


def _prove(prefix: str) -> bool:
    """Proves every property of that prefix, two at a time."""
    properties = [(proof, name) for proof, name in _properties() if name.startswith(prefix)]
    if not properties:
        raise CannotRun(f"no property begins with {prefix}")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        _lay_out(project, _proved())
        _build(project)
        _require_committed_code(project)
        with ThreadPoolExecutor(WORKERS) as pool:
            verdicts = list(pool.map(lambda one: _told(_verdict(project, *one)), properties))
    proved = sum(verdict.proved for verdict in verdicts)
    print(f"{proved} of {len(verdicts)} properties proved")
    return proved == len(verdicts)


def _properties() -> Iterator[tuple[str, str]]:
    """The contract and the name of every property, the slow ones first."""
    for proof in PROOFS:
        text = (CONTRACTS / "test" / "proofs" / f"{proof}.sol").read_text("utf-8")
        for name in re.findall(r"function (check_\w+)\(", text):
            yield proof, name


def _doubt() -> bool:
    """Breaks one line after another; whether each was noticed by its proof."""
    noticed = 0
    for doubt in DOUBTS:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            _lay_out(project, _proved())
            source = project / "src" / doubt.file
            text = source.read_text("utf-8")
            if doubt.old not in text:
                raise CannotRun(f"{doubt.file} has no {doubt.old!r} any more: correct DOUBTS")
            source.write_text(text.replace(doubt.old, doubt.new), "utf-8")
            _build(project)
            found = not _verdict(project, doubt.proof, doubt.name).proved
        noticed += found
        print(f"{'noticed' if found else 'MISSED '} {doubt.file}: {doubt.old} -> {doubt.new}", flush=True)
    print(f"{noticed} of {len(DOUBTS)} noticed")
    return noticed == len(DOUBTS)


def _told(verdict: Verdict) -> Verdict:
    print(verdict, flush=True)
    return verdict


# The project that forge and halmos see


def _lay_out(project: Path, contracts: Sequence[Path]) -> None:
    """Makes a foundry project: these contracts, what they import, the compiler's pinned settings."""
    inner = [path for name in ("interfaces", "lib") for path in (CONTRACTS / name).glob("*.sol")]
    for file in (*contracts, *inner):
        copy = project / "src" / file.relative_to(CONTRACTS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text("utf-8"), "utf-8")
    (project / "node_modules").symlink_to(CONTRACTS / "node_modules")
    (project / "foundry.toml").write_text(_foundry_settings(), "utf-8")


def _proved() -> Sequence[Path]:
    """The ledger alone, which compiles in half the time, and the proofs."""
    ledger = [CONTRACTS / f"{name}.sol" for name in ("Door", "Credit", "VoucherLedger", "State", "Types")]
    return [*ledger, *(CONTRACTS / "test" / "proofs").glob("*.sol")]


def _foundry_settings() -> str:
    """foundry.toml with `ledger.artifacts.SETTINGS`, so that forge makes the bytes that are committed."""
    settings = artifacts.SETTINGS
    optimizer, metadata = settings["optimizer"], settings["metadata"]
    yul = optimizer["details"]["yulDetails"]
    profile: Mapping[str, Any] = {
        "src": "src",
        "test": "src/test",
        "libs": ["node_modules"],
        "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
        "solc": str(CONTRACTS / "solc"),
        "offline": True,
        "evm_version": settings["evmVersion"],
        "via_ir": settings["viaIR"],
        "optimizer": optimizer["enabled"],
        "optimizer_runs": optimizer["runs"],
        "bytecode_hash": metadata["bytecodeHash"],
        "cbor_metadata": metadata["appendCBOR"],
    }
    tables = {
        "profile.default": profile,
        "profile.default.optimizer_details": {"yul": True},
        "profile.default.optimizer_details.yulDetails": yul,
        "lint": {"lint_on_build": False},
    }
    # JSON's strings, numbers, booleans and lists are TOML's too
    return "\n".join(
        line
        for name, table in tables.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()))
    )


def _build(project: Path) -> None:
    command = [
        "forge",
        "build",
        "--ast",
        "--extra-output",
        "storageLayout",
        "metadata",
        "--root",
        str(project),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"forge cannot build the proofs:\n{done.stdout}{done.stderr}".strip())


def _require_committed_code(project: Path) -> None:
    built = json.loads((project / "out/VoucherLedger.sol/VoucherLedger.json").read_text("utf-8"))
    code = bytes.fromhex(built["bytecode"]["object"][2:])
    if code != artifacts.load("VoucherLedger").bytecode:
        raise CannotRun("contracts/ compiles to other code than is committed: run scripts/build_contracts.py")
    print(f"about the committed VoucherLedger, {len(code):,} bytes of creation code", flush=True)


# One run of halmos


REASONS: Final = {
    1: ", a counterexample",
    GAVE_UP: ", the solvers gave up",
    3: ", a path is stuck",
    4: ", all paths revert",
}


def _verdict(project: Path, proof: str, name: str) -> Verdict:
    """What halmos says of one property, with the first solver that does not give up."""
    seconds = 0.0
    for solver in SOLVERS:
        code, result = _asked(project, proof, name, solver=solver)
        seconds += result["time"][0] if result["time"] else 0.0
        if code != GAVE_UP:
            break
    (_, ended, stuck), cut = result["num_paths"] or (0, 0, 0), result["num_bounded_loops"] or 0
    why = REASONS.get(code, ", halmos failed") if code else ""
    if not why and (stuck or cut or not ended):
        why = ", not all paths were followed"
    return Verdict(name, not why, why, ended, seconds)


def _asked(project: Path, proof: str, name: str, *, solver: str) -> tuple[int, Mapping[str, Any]]:
    """One run of halmos: its exit code for the property, and what it found."""
    answer = project / f"{name}.json"
    answer.unlink(missing_ok=True)
    options = {
        "--root": str(project),
        "--contract": proof,
        "--match-test": rf"^{name}\(",
        "--loop": str(LOOPS),
        "--solver": solver,
        "--solver-threads": "1",
        "--solver-timeout-assertion": f"{SOLVER_SECONDS}s",
        "--json-output": str(answer),
    }
    command = ["halmos", "--no-status", *(word for option in options.items() for word in option)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not answer.is_file():
        raise CannotRun(f"halmos gave no answer for {name}:\n{(done.stdout + done.stderr)[-2_000:]}")
    results: Mapping[str, Any] = json.loads(answer.read_text("utf-8"))["test_results"]
    found = [result for of_contract in results.values() for result in of_contract]
    if not found:
        raise CannotRun(f"halmos did not come to {name}:\n{(done.stdout + done.stderr)[-2_000:]}")
    (result,) = found
    return result["exitcode"], result


if __name__ == "__main__":
    sys.exit(main())
