"""Has Chromium's virtual authenticator make a passkey and sign an agreement with it, as a person would in a browser.

    python -m tests.passkey_vector      writes tests/vectors/passkey.json anew

The vector is a real answer of a real browser, kept so that the checks are held against the same bytes on every
machine; a test makes a fresh one besides. Rerun it when the type of the signed agreement changes.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.signing import digest
from tests.browser import Page, chromium, empty_site
from tests.engines import ROOT
from tests.ledger.samples import LEDGER, TRANSFER

VECTOR: Final = ROOT / "tests/vectors/passkey.json"
RP_ID: Final = "localhost"

REGISTER: Final = """async (rpId) => {
    const made = await navigator.credentials.create({publicKey: {
        challenge: new Uint8Array(32), rp: {id: rpId, name: "Tallystick"},
        user: {id: new Uint8Array([1]), name: "supplier", displayName: "Supplier"},
        pubKeyCredParams: [{type: "public-key", alg: -7}, {type: "public-key", alg: -257}]}});
    return made.toJSON();
}"""
SIGN: Final = """async (rpId, id, challenge, verification) => {
    const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
    const made = await navigator.credentials.get({publicKey: {
        challenge: bytes(challenge), rpId, userVerification: verification,
        allowCredentials: [{type: "public-key", id: bytes(id)}]}});
    return made.toJSON();
}"""


@dataclass(frozen=True)
class Passkey:
    """A passkey in a tab's authenticator. `public_key` is base64url of its DER."""

    page: Page
    id: str
    public_key: str

    def sign(self, challenge: bytes, *, verification: str = "required") -> dict[str, Any]:
        """The browser's answer to a request to sign, as the page would send it."""
        text = urlsafe_b64encode(challenge).decode().rstrip("=")
        return dict(self.page.run(SIGN, RP_ID, self.id, text, verification))


def register(page: Page) -> Passkey:
    """Makes a passkey with the tab's authenticator."""
    made = page.run(REGISTER, RP_ID)
    return Passkey(page, made["id"], made["response"]["publicKey"])


def make(path: Path = VECTOR) -> None:
    """Writes the vector."""
    signed = digest(TRANSFER, LEDGER)
    with chromium() as browser, empty_site() as origin:
        page = browser.open(origin)
        page.add_authenticator()
        passkey = register(page)
        vector = {
            "browser": browser.call("Browser.getVersion")["product"],
            "rp_id": RP_ID,
            "origin": origin,
            "digest": signed.hex(),
            "public_key": passkey.public_key,
            "answer": passkey.sign(signed),
        }
    path.write_text(json.dumps(vector, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make()
