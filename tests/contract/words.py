"""What the contracts keep, read from the chain and unpacked.

The bit positions are State.sol's, written here a second time on purpose: a test that shared the product's reader would
agree with its mistakes. It refuses nothing and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from ledger.members import Contract
from tests.rig import LINE, Rig

SUSPENDED, RECOVERING = 1, 2
FROZEN, COUNTERSIGN = 1, 2
WALLET, CONTRACT, VERIFIER = 0, 1, 2


def _part(word: int, start: int, bits: int) -> int:
    return int(word >> start & (2**bits - 1))


@dataclass(frozen=True, slots=True)
class PartyWord:
    """A party: `signer` as the number of its address, `status` bits, `sequence` 0 where there is none."""

    signer: int
    kind: int
    status: int
    roles: int
    sponsor: int
    sequence: int


def party(rig: Rig, number: int) -> PartyWord:
    """The registry's word of a party."""
    word = int(rig.view(Contract.REGISTRY, "partyOf(uint32)", [number], ["uint256"]))
    return PartyWord(
        signer=_part(word, 0, 160),
        kind=_part(word, 160, 8),
        status=_part(word, 168, 8),
        roles=_part(word, 176, 16),
        sponsor=_part(word, 192, 32),
        sequence=_part(word, 224, 32),
    )


@dataclass(frozen=True, slots=True)
class Detail:
    """What of a party only few checks read: gas units, the day its last recovery ended (0: never)."""

    signature_gas: int
    recovered_on: int


def detail(rig: Rig, number: int) -> Detail:
    """The registry's detail of a party."""
    return Detail(*rig.view(Contract.REGISTRY, "detailOf(uint32)", [number], ["uint32", "uint24"]))


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery under way; all zero where there is none. `ready_on`: the first day on which it can be finished."""

    signer: int
    kind: int
    signature_gas: int
    ready_on: int
    vetoed: bool


def recovery(rig: Rig, number: int) -> Recovery:
    """The registry's record of a party's recovery."""
    types = ["uint160", "uint8", "uint32", "uint24", "bool"]
    return Recovery(*rig.view(Contract.REGISTRY, "recoveryOf(uint32)", [number], types))


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The registrar's settings: parties by number, `next_registrar_from` a day; 0 where the office is not offered."""

    registrar: int
    sequence: int
    next_registrar: int
    next_registrar_from: int


def registry_settings(rig: Rig) -> RegistrySettings:
    """The registry's word of settings."""
    word = int(rig.view(Contract.REGISTRY, "settingsOf()", [], ["uint256"]))
    fields = ((0, 32), (32, 32), (64, 32), (96, 24))
    assert word >> 120 == 0
    return RegistrySettings(*(_part(word, start, bits) for start, bits in fields))


@dataclass(frozen=True, slots=True)
class Verifier:
    """An entry of the allow-list: gas units, a day, the first 25 bytes of the code's hash; all zero: not listed."""

    signature_gas: int
    active_on: int
    code_hash: bytes


def verifier(rig: Rig, address: str) -> Verifier:
    """The registry's entry for the verifier at this address."""
    word = int(rig.view(Contract.REGISTRY, "verifierOf(address)", [address], ["uint256"]))
    return Verifier(_part(word, 0, 32), _part(word, 32, 24), (word >> 56).to_bytes(25))


def party_of_signer(rig: Rig, signer: bytes) -> int:
    """Whom a signer serves or once served; 0: nobody."""
    return int(rig.view(Contract.REGISTRY, "partyOfSigner(bytes32)", [keccak(signer)], ["uint32"]))


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """The registrar's settings of the ledger: caps in days, `next_tenor_cap_from` a day; 0: none announced."""

    sequence: int
    tenor_cap: int
    next_tenor_cap: int
    next_tenor_cap_from: int
    run_off: bool


def ledger_settings(rig: Rig) -> LedgerSettings:
    """The ledger's word of settings."""
    word = int(rig.view(Contract.LEDGER, "settingsOf()", [], ["uint256"]))
    assert word >> 89 == 0
    return LedgerSettings(
        sequence=_part(word, 0, 32),
        tenor_cap=_part(word, 32, 16),
        next_tenor_cap=_part(word, 48, 16),
        next_tenor_cap_from=_part(word, 64, 24),
        run_off=word >> 88 == 1,
    )


@dataclass(frozen=True, slots=True)
class Issuer:
    """What keeps an issuer from issuing: its overdue face in fen, and whether the registrar stopped it."""

    overdue: int
    stopped: bool


def issuer(rig: Rig, number: int) -> Issuer:
    """The ledger's word of an issuer."""
    return _issuer(rig.word("issuerOf", number, "uint32"))


def inherited_standing(rig: Rig, number: int) -> Issuer:
    """As `issuer`, with what all predecessors say."""
    return _issuer(rig.word("inheritedStandingOf", number))


def _issuer(word: int) -> Issuer:
    assert word >> 129 == 0
    return Issuer(_part(word, 0, 128), word >> 128 == 1)


@dataclass(frozen=True, slots=True)
class Pledge:
    """A pledge: `secured` in fen, `end_day` its last day; all 0 where there is none."""

    pledgee: int
    secured: int
    end_day: int


NO_PLEDGE = Pledge(0, 0, 0)


def pledge(rig: Rig, voucher: int) -> Pledge:
    """The ledger's word of a voucher's pledge."""
    word = rig.word("pledgeOf", voucher)
    assert word >> 120 == 0
    return Pledge(*(_part(word, start, bits) for start, bits in ((0, 32), (32, 64), (96, 24))))


@dataclass(frozen=True, slots=True)
class LineWords:
    """Both words of a credit line: amounts in fen, `expiry` a day, `parent` the bank's own reference."""

    limit: int
    drawn: int
    issuer: int
    expiry: int
    parent: int
    smallest_part: int
    flags: int
    sequence: int
    window: int
    grace: int


def line(rig: Rig, number: int = LINE) -> LineWords:
    """The ledger's two words of a line."""
    word, terms = rig.word("lineOf", number, "uint64"), rig.word("lineTermsOf", number, "uint64")
    return LineWords(
        limit=_part(word, 0, 64),
        drawn=_part(word, 64, 64),
        issuer=_part(word, 128, 32),
        expiry=_part(word, 160, 24),
        parent=_part(word, 184, 32),
        smallest_part=_part(word, 216, 32),
        flags=_part(word, 248, 8),
        sequence=_part(terms, 0, 32),
        window=_part(terms, 32, 8),
        grace=_part(terms, 40, 8),
    )


@dataclass(frozen=True, slots=True)
class PromiseWord:
    """A promise: amounts in fen, `due_day` a day."""

    line: int
    due_day: int
    smallest_part: int
    highest_tier: int
    live: int
    settled: int


def promise(rig: Rig, voucher: int) -> PromiseWord:
    """The promise that a voucher is a claim under."""
    word = rig.word("promiseOf", voucher >> 96, "uint160")
    return PromiseWord(
        line=_part(word, 0, 64),
        due_day=_part(word, 64, 24),
        smallest_part=_part(word, 88, 32),
        highest_tier=_part(word, 120, 8),
        live=_part(word, 128, 64),
        settled=_part(word, 192, 64),
    )


def invoice_use(rig: Rig, payer: int, fingerprint: bytes) -> tuple[int, int]:
    """Total and used of one payer's invoice, in fen."""
    args = [payer, fingerprint]
    word = int(rig.view(Contract.LEDGER, "invoiceUseOf(uint32,bytes32)", args, ["uint256"]))
    return _part(word, 128, 128), _part(word, 0, 128)


def inherited_use(rig: Rig, payer: int, fingerprint: bytes) -> tuple[int, int]:
    """As `invoice_use`, with that of all predecessors."""
    args = [payer, fingerprint]
    word = int(rig.view(Contract.LEDGER, "inheritedUseOf(uint256,bytes32)", args, ["uint256"]))
    return _part(word, 128, 128), _part(word, 0, 128)
