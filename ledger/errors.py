"""Every error that this product raises on purpose.

    TallystickError
    ├── InputError            what somebody gave us cannot be used; nothing was done
    │   ├── FileError         ... a file, with all bad rows named at once
    │   └── CredentialError   ... a key, a signature, a passkey's answer, a certificate: one class per reason, below;
    │                             on the chain each of them is BadSignature(party)
    ├── Refusal               a rule says no: the same name and facts as the contract's custom error
    ├── ChainError            the node, the embedded chain or a pin of the database
    ├── VerificationError     the chain, the journal and the database do not agree
    └── SealError             a key file or passphrase

A message names the facts and what to do next. Nothing in here is ever shown as a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class TallystickError(Exception):
    """Root of the tree. `str(error)` is one or more sentences for the person in front of it."""


class InputError(TallystickError):
    """Unusable input: an amount, a date, a code, an option."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One bad cell of a file. `row` counts from 1 with the header as row 1; 0 means the whole file."""

    row: int
    column: str
    problem: str

    def __str__(self) -> str:
        if self.row == 0:
            return self.problem
        where = f"row {self.row}" + (f", column {self.column}" if self.column else "")
        return f"{where}: {self.problem}"


class FileError(InputError):
    """A file that was refused whole; `problems` lists every bad cell at once."""

    def __init__(self, path: str, problems: Sequence[RowProblem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{path}: {len(self.problems)} problem(s), nothing was imported\n{lines}")


class Refusal(TallystickError):
    """A rule of the contract says no. `name` is the custom error's name, `facts` its named arguments."""

    def __init__(self, name: str, facts: Mapping[str, object] | None = None) -> None:
        self.name = name
        self.facts = dict(facts or {})
        inside = ", ".join(f"{key}={value}" for key, value in self.facts.items())
        super().__init__(f"{name}({inside})")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refusal) and (self.name, self.facts) == (other.name, other.facts)

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.facts.items())))


class ChainError(TallystickError):
    """The node cannot be used: unreachable, locked, another chain than the one pinned, out of gas."""


class VerificationError(TallystickError):
    """The chain, the journal and the database do not agree."""


class SealError(TallystickError):
    """A key file cannot be opened: wrong passphrase or damaged file."""


# Credentials: what is refused before the chain is asked


class CredentialError(InputError):
    """A key, a signature, a passkey's answer or a certificate that is not taken."""


class MalformedKey(CredentialError):
    """Bytes that are no key: DER that breaks off, another encoding, another length."""


class WrongKeyType(CredentialError):
    """A readable key of another algorithm, size or exponent than the verifiers take."""


class WrongCurve(CredentialError):
    """An elliptic-curve key that is not on P-256."""


class PointOffCurve(CredentialError):
    """Two coordinates that are no point of P-256."""


class MalformedSignature(CredentialError):
    """Bytes that are no signature: bad DER, another length, numbers out of range, another ABI encoding."""


class HighS(CredentialError):
    """A signature with the higher of its two possible s, which the chain does not take."""


class WrongSignature(CredentialError):
    """A well-formed signature that this key did not make over this agreement."""


class MalformedAssertion(CredentialError):
    """A passkey's answer that cannot be read, or is none to a request to sign."""


class OtherOrigin(CredentialError):
    """A passkey's answer given to another site, or to a page inside another site's page."""


class OtherChallenge(CredentialError):
    """A passkey's answer to another agreement."""


class OtherRelyingParty(CredentialError):
    """A passkey that belongs to another domain name (RP id)."""


class UserAbsent(CredentialError):
    """A passkey's answer that nobody touched the device for."""


class UserUnverified(CredentialError):
    """A passkey's answer without PIN, finger or face."""


class MalformedCertificate(CredentialError):
    """Bytes that are no X.509 certificate in PEM or DER."""


class CertificateExpired(CredentialError):
    """A certificate, or one above it, that ended before the moment in question."""


class CertificateNotYetValid(CredentialError):
    """A certificate, or one above it, that begins after the moment in question."""


class CertificateNotTrusted(CredentialError):
    """A certificate that leads to none of the configured authorities."""


class CertificateUnfit(CredentialError):
    """A certificate that was not issued for signing: an authority's own, or for another use."""


class QuorumNotMet(CredentialError):
    """Fewer good signatures than a k-of-n wallet wants."""


class NotAMember(CredentialError):
    """A signer that is not one of a k-of-n wallet's."""
