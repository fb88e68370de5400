"""The compiled contracts: what the chain runs, committed beside this file, so that running needs no compiler.

`load` reads the committed JSON. `compile_contracts` makes it anew from `contracts/`, always with the one
compiler version and the one set of settings below, so that anyone gets the same bytes. It refuses to guess:
no other compiler version, no download of a compiler, no artifact out of a source with a compiler error.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ledger.errors import ChainError

COMPILER = "0.8.37"
CONTRACTS = ("PartyRegistry", "VoucherLedger")
"""The two that every installation has."""
_IMPORTED = ("ERC7913P256Verifier", "ERC7913WebAuthnVerifier")
VERIFIERS = (*_IMPORTED, "RSAVerifier")
"""For the allow-list: OpenZeppelin's for P-256 keys and passkeys as npm brings them; for RSA with one rule more."""
PUBLISHED = (*CONTRACTS, "Signatories", *VERIFIERS)
"""All that is committed: the two, the wallet of several members, the verifiers."""

# Cancun is the oldest rule set with the transient storage that the contracts use. No metadata in the
# bytecode: its hash would change with a comment.
# A variation of the compiler's own sequence: 2,000 bytes less for the ledger at 0.1 to 0.6 % more gas.
OPTIMIZER_STEPS = (
    "dhfoDgvulfnTUtnIf[xa[r]EscLMcCTUtTOntnfDIulLculLcul [j]Tpeulxa[rul]xa[r]cLgvixa[rul]fCTUca[r]LSsTOtfDnca[r]Iulc]"
    "jmul[jul] VcTODTOcul jmul:fDnTOcmu"
)
SETTINGS: Mapping[str, Any] = {
    "evmVersion": "cancun",
    "viaIR": True,
    "optimizer": {
        "enabled": True,
        "runs": 200,
        "details": {"yulDetails": {"stackAllocation": True, "optimizerSteps": OPTIMIZER_STEPS}},
    },
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}
OUTPUTS = ("abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout", "metadata")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    `source_hash` is the SHA-256 of the compiler's metadata, which names the hash of every source that the
    contract is made of (OpenZeppelin's included), the compiler and the settings. `deployed_bytecode` has
    zeros where the constructor writes immutables: code on a chain is compared by the hash kept since.
    """

    name: str
    abi: Sequence[Mapping[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    storage_layout: Mapping[str, Any]
    source_hash: str
    compiler: str
    settings: Mapping[str, Any]

    def to_json(self) -> str:
        """The text of the committed file: the same artifact always gives the same bytes."""
        fields = {
            "abi": self.abi,
            "bytecode": "0x" + self.bytecode.hex(),
            "compiler": self.compiler,
            "deployed_bytecode": "0x" + self.deployed_bytecode.hex(),
            "name": self.name,
            "settings": self.settings,
            "source_hash": self.source_hash,
            "storage_layout": self.storage_layout,
        }
        return json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def from_json(text: str) -> Artifact:
    """The reverse of `Artifact.to_json`. Raises ChainError for text that is no artifact."""
    try:
        fields = json.loads(text)
        return Artifact(
            name=fields["name"],
            abi=fields["abi"],
            bytecode=bytes.fromhex(fields["bytecode"][2:]),
            deployed_bytecode=bytes.fromhex(fields["deployed_bytecode"][2:]),
            storage_layout=fields["storage_layout"],
            source_hash=fields["source_hash"],
            compiler=fields["compiler"],
            settings=fields["settings"],
        )
    except (ValueError, KeyError, TypeError) as broken:
        raise ChainError(f"damaged contract artifact ({broken}): run scripts/build_contracts.py") from None


def load(name: str) -> Artifact:
    """The committed artifact of one that is PUBLISHED. Raises ChainError when there is none."""
    file = resources.files(__name__).joinpath(f"{name}.json")
    if not file.is_file():
        raise ChainError(f"no compiled contract {name}: run scripts/build_contracts.py (it needs node)")
    return from_json(file.read_text(encoding="utf-8"))


def compile_contracts(root: Path, *, include_tests: bool = False) -> dict[str, Artifact]:
    """Compiles every .sol below `root`/contracts, and the verifiers that npm brings.

    Contracts that cannot be deployed (interfaces, abstract ones) are left out; those of contracts/test come
    only with `include_tests`. Raises ChainError with the compiler's own text.
    """
    folder = root / "contracts"
    sources = {path.relative_to(folder).as_posix(): _text(path) for path in _sources(folder)}
    if not include_tests:
        sources = {name: text for name, text in sources.items() if not name.startswith("test/")}
    modules = folder / "node_modules"
    sources |= {file: _text(modules / file) for file in (f"{_VERIFIERS}/{name}.sol" for name in _IMPORTED)}
    return compile_sources(sources, solc=folder / "solc")


def compile_sources(sources: Mapping[str, str], *, solc: Path) -> dict[str, Artifact]:
    """Compiles the named sources with the executable `solc`; else as `compile_contracts`."""
    try:
        import solcx  # here, because running needs no compiler
        import solcx.exceptions
    except ImportError:
        raise ChainError("py-solc-x is missing: install the package with its dev extra") from None

    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sorted(sources.items())},
        "settings": {**SETTINGS, "outputSelection": {name: {"*": list(OUTPUTS)} for name in sorted(sources)}},
    }
    try:
        answer = solcx.compile_standard(request, solc_binary=solc.resolve(), allow_paths=".")
    except solcx.exceptions.SolcError as refused:
        text = refused.message or (refused.stderr_data or "")
        raise ChainError(f"the contracts do not compile:\n{text.strip()}") from None
    except (OSError, ValueError, subprocess.SubprocessError) as missing:
        raise ChainError(
            f"the compiler {solc.name} cannot run ({missing}): it needs node, and npm ci in contracts/"
        ) from None

    found: dict[str, Artifact] = {}
    for file in sorted(answer.get("contracts", {})):
        for name, output in sorted(answer["contracts"][file].items()):
            if not output["evm"]["bytecode"]["object"]:
                continue
            if name in found:
                raise ChainError(f"two contracts are called {name}: rename one")
            found[name] = _artifact(name, output)
    return found


def _artifact(name: str, output: Mapping[str, Any]) -> Artifact:
    version = json.loads(output["metadata"])["compiler"]["version"]
    if version.split("+")[0] != COMPILER:
        raise ChainError(f"compiled by solc {version}, pinned is {COMPILER}: run npm ci in contracts/")
    return Artifact(
        name=name,
        abi=output["abi"],
        bytecode=bytes.fromhex(output["evm"]["bytecode"]["object"]),
        deployed_bytecode=bytes.fromhex(output["evm"]["deployedBytecode"]["object"]),
        storage_layout=output["storageLayout"],
        source_hash=hashlib.sha256(output["metadata"].encode()).hexdigest(),
        compiler=version,
        settings=SETTINGS,
    )


_VERIFIERS = "@openzeppelin/contracts/utils/cryptography/verifiers"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ChainError(f"{path.name} is missing: run npm ci in contracts/") from None


def _sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if name != "node_modules"]
        found += [Path(place) / name for name in files if name.endswith(".sol")]
    return sorted(found)
