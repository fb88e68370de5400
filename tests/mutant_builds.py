"""Compiles a contract of which one source reads otherwise, for `tests.mutants`; nothing in the tree is changed.

By the pinned compiler, with fewer steps of its optimizer than what is deployed: in less than half the time, to half
as much code again, which behaves the same but for its gas and runs only in tests, without a limit of size (see
`tests.stand_in`). What was compiled once is kept below .pytest_cache, by the hash of all that it is made of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import solcx
import solcx.exceptions

from ledger import artifacts
from ledger.artifacts import Artifact
from ledger.errors import ChainError
from tests.engines import ROOT

CONTRACTS: Final = ROOT / "contracts"
KEPT: Final = ROOT / ".pytest_cache" / "mutants"
QUICK: Final[Mapping[str, Any]] = {
    **artifacts.SETTINGS,
    "optimizer": {
        "enabled": True,
        "runs": 200,
        "details": {
            "cse": False,
            "constantOptimizer": False,
            "yulDetails": {"stackAllocation": True, "optimizerSteps": "dhfoDgvulfnTUtnul:fDnTOcmu"},
        },
    },
}


@cache
def sources() -> Mapping[str, str]:
    """Every source of ours that is deployed, by its path below contracts/."""
    paths = [*CONTRACTS.glob("*.sol"), *CONTRACTS.glob("interfaces/*.sol"), *CONTRACTS.glob("lib/*.sol")]
    return {path.relative_to(CONTRACTS).as_posix(): path.read_text("utf-8") for path in sorted(paths)}


@dataclass(frozen=True, slots=True)
class Variant:
    """A contract as it would be if one source (a path below contracts/) had this text; both empty: as it is."""

    contract: str
    file: str = ""
    text: str = ""

    def artifact(self) -> Artifact:
        """Of it only name, creation code and ABI (the committed one) say something. Raises ChainError where it does
        not compile."""
        kept = self.kept()
        if not kept.exists():
            code = self._compile()
            KEPT.mkdir(parents=True, exist_ok=True)
            draft = kept.with_suffix(f".{id(self)}")
            draft.write_bytes(code)
            draft.replace(kept)
        code = kept.read_bytes()
        return replace(artifacts.load(self.contract), bytecode=code, deployed_bytecode=b"", settings=QUICK)

    def kept(self) -> Path:
        """Where its code is kept, once it is compiled."""
        made_of = {
            "compiler": artifacts.COMPILER,
            "contract": self.contract,
            "packages": (CONTRACTS / "package-lock.json").read_text("utf-8"),
            "settings": QUICK,
            "sources": {**sources(), **self._change()},
        }
        return KEPT / hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()

    def _change(self) -> dict[str, str]:
        return {self.file: self.text} if self.file else {}

    def _compile(self) -> bytes:
        main = f"{self.contract}.sol"  # which imports the others from the tree
        request = {
            "language": "Solidity",
            "sources": {
                name: {"content": text} for name, text in {main: sources()[main], **self._change()}.items()
            },
            "settings": {**QUICK, "outputSelection": {main: {self.contract: ["evm.bytecode.object"]}}},
        }
        try:
            answer = solcx.compile_standard(
                request, base_path=CONTRACTS, allow_paths=".", solc_binary=CONTRACTS / "solc"
            )
        except solcx.exceptions.SolcError as refused:
            raise ChainError(f"it does not compile: {(refused.message or '').strip()}") from None
        return bytes.fromhex(answer["contracts"][main][self.contract]["evm"]["bytecode"]["object"])


def keep_only(variants: Iterable[Variant]) -> None:
    """Deletes what is kept of all others: of other sources, mostly."""
    wanted = {each.kept() for each in variants}
    for file in KEPT.glob("*"):
        if file not in wanted:
            file.unlink()
