"""Passwords: kept as argon2id hashes, compared in the same time whether or not the account exists."""

from __future__ import annotations

import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.errors import InputError

SHORTEST: Final = 12
LONGEST: Final = 256
"""Characters; a longer one only costs whoever has to hash it."""


class Passwords:
    """argon2id with the library's own parameters (RFC 9106, low memory), or cheaper ones for a test."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    def sealed(self, password: str, *, login: str) -> str:
        """The hash to keep. InputError for a password that is too short, too long, or holds the login."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InputError(
                f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(password)}"
            )
        if login in password.lower() or len(set(password)) < 5:
            raise InputError("this password is easily guessed: take several words, and not the login")
        return self._hasher.hash(password)

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the password. `kept` None: there is no such account, which takes as long to find out."""
        try:
            self._hasher.verify(self._nobodys if kept is None else kept, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def is_weak(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's, and should be made anew."""
        return self._hasher.check_needs_rehash(kept)

    def renewed(self, password: str) -> str:
        """The hash of a password that fits, with today's parameters."""
        return self._hasher.hash(password)
