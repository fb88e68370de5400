"""`python -m gateway --directory tallystick-data`: serves an installation that is there already.

Logs on standard error, one JSON object a line. Settings: TALLYSTICK_PASSPHRASE opens the keys; TALLYSTICK_CHAIN_URL,
TALLYSTICK_GAS_KEY and TALLYSTICK_DATABASE_URL name other engines, TALLYSTICK_DEPTH the blocks that make an item final,
TALLYSTICK_OIDC_ISSUER, _CLIENT, _SECRET and _LANDING an outside provider of sign-ins.
Exit codes: 0 after SIGTERM or SIGINT, 2 for what cannot be used.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from gateway.request_log import InRequest
from gateway.service import PROVIDER, serve
from ledger.errors import TallystickError
from ledger.installation import CHAIN_URL, DATABASE_URL, GAS_KEY
from ledger.logs import secrets_in, write_logs
from ledger.relay_terms import Terms

PASSPHRASE = "TALLYSTICK_PASSPHRASE"
RELAY = ("margin", "gas_budget", "highest_fee", "linger", "wallet_budget")
"""Of `relay_terms.Terms`, as `tallystick relay` takes them."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
UNUSABLE = 2


def main() -> int:
    """The entry point."""
    parser = argparse.ArgumentParser(
        prog="tallystick-gateway", description="Serves the API of an installation."
    )
    parser.add_argument("--directory", "-d", type=Path, default=Path("tallystick-data"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8_400)
    parser.add_argument(
        "--insecure-cookies",
        action="store_true",
        help="let cookies go over plain HTTP; without it they do on this machine only",
    )
    parser.add_argument("--sandbox", action="store_true", help="say with every answer that nothing counts")
    for name in RELAY:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Terms(), name))
    given = parser.parse_args()
    passphrase = os.environ.pop(PASSPHRASE, "") or getpass.getpass("Passphrase of the key file: ")
    database, node = os.environ.get(DATABASE_URL, ""), os.environ.get(CHAIN_URL, "")
    client = os.environ.get(f"{PROVIDER}SECRET", "")
    secrets = (passphrase, os.environ.get(GAS_KEY, ""), client, *secrets_in(database), *secrets_in(node))
    write_logs(secrets=secrets).addFilter(InRequest())
    secure = not given.insecure_cookies and given.host not in LOOPBACK
    try:
        serve(
            given.directory,
            passphrase=passphrase,
            host=given.host,
            port=given.port,
            secure=secure,
            sandbox=given.sandbox,
            terms=Terms(**{name: getattr(given, name) for name in RELAY}),
        )
    except TallystickError as unusable:
        print(unusable, file=sys.stderr)
        return UNUSABLE
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
