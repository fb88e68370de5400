"""Compiles the contracts into ledger/artifacts/ and prints their deployed sizes.

    python scripts/build_contracts.py            write the artifacts
    python scripts/build_contracts.py --check    write nothing; exit 1 where a committed artifact differs

For developers: it needs node and `npm ci` in contracts/. Running the product needs neither.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ledger.artifacts import PUBLISHED, compile_contracts
from ledger.errors import TallystickError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "ledger" / "artifacts"
SIZE_LIMIT = 24_576  # bytes, EIP-170


def main(arguments: list[str] | None = None) -> int:
    """0 done or equal, 1 different, 2 the contracts cannot be compiled."""
    parser = argparse.ArgumentParser(description="Compile the contracts into ledger/artifacts/.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    check: bool = parser.parse_args(arguments).check
    try:
        compiled = compile_contracts(ROOT)
    except TallystickError as refused:
        print(refused, file=sys.stderr)
        return 2
    missing = [name for name in PUBLISHED if name not in compiled]
    if missing:
        print(f"contracts/ has no deployable contract named {', '.join(missing)}", file=sys.stderr)
        return 2

    different = False
    for name in PUBLISHED:
        text = compiled[name].to_json().encode()
        path = FOLDER / f"{name}.json"
        size = len(compiled[name].deployed_bytecode)
        print(f"{name}: {size:,} of {SIZE_LIMIT:,} bytes deployed")
        if not check:
            path.write_bytes(text)
        elif not path.is_file() or path.read_bytes() != text:
            different = True
            print(
                f"{path.name} differs from what contracts/ compiles to: run this without --check",
                file=sys.stderr,
            )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
