"""The real contracts on a real EVM, with a small cast that tests can name.

`Rig` deploys both contracts on any engine, signs for the parties that a test names, sends, and turns a revert into
the `Refusal` that a user would get. Engines: `Revm` (fast, in process, state can be thrown away) and `OnChain` (the
embedded chain or anvil, through the client that the product uses).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import pyrevm
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger import artifacts
from ledger.abi import creation_data, decode_revert
from ledger.agreements import Admit, Agreement, GrantLine, Invoice, Issue, Part, Split, Transfer
from ledger.calendar import Day, day_of, start_of_day
from ledger.embedded import EmbeddedChain
from ledger.errors import Refusal
from ledger.members import Contract, line_id
from ledger.rpc_chain import RpcChain
from ledger.signing import (
    Domain,
    batch_calldata,
    calldata,
    child_id,
    complete_payment_calldata,
    root_id,
    sign,
)
from tests.engines import EPOCH, ROOT, travel_to

REGISTRAR, BANK, OTHER_BANK, FACTOR, ARBITER = 1, 2, 3, 4, 5
ISSUER, OTHER_ISSUER = 10, 20
A, B, C, D, E, F = 11, 12, 13, 14, 15, 16  # suppliers
ROLE_ISSUER, ROLE_BANK, ROLE_FUNDER, ROLE_ARBITER = 1, 2, 4, 8
LINE = line_id(BANK, 1)
WINDOW, GRACE = 5, 10
YUAN = 100
ZERO = bytes(32)
LATER = 2**39  # a deadline that no test reaches
GAS = 15_000_000
SENDER = "0x" + "ee" * 20


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a call: gas in units, logs as (topics, data) of both contracts."""

    ok: bool
    output: bytes
    gas: int
    logs: tuple[tuple[str, tuple[bytes, ...], bytes], ...]


class Signer(Protocol):
    """Who consents in another way than a wallet key does: with a key of another kind, or as several members."""

    def consent(self, agreement: Agreement, domain: Domain) -> bytes: ...


Signing = int | PrivateKey | Signer | bytes
"""A party by its number, a wallet key, another signer, or a consent just as it is."""


class Engine(Protocol):
    chain_id: int

    def deploy(self, code: bytes) -> str: ...
    def send(self, to: str, data: bytes, *, sender: str, gas: int) -> Sent: ...
    def view(self, to: str, data: bytes) -> bytes: ...
    def code_hash(self, address: str) -> bytes: ...
    def now(self) -> int: ...
    def travel(self, timestamp: int) -> None: ...


class Revm:
    """revm through pyrevm, cancun rules."""

    def __init__(self, *, chain_id: int = 31_337, start: int = EPOCH) -> None:
        self.chain_id = chain_id
        self._timestamp = start
        block = pyrevm.BlockEnv(number=1, timestamp=start, gas_limit=30_000_000)
        env = pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id), block=block)
        self.evm = pyrevm.EVM(env=env, spec_id="CANCUN", gas_limit=30_000_000)

    def deploy(self, code: bytes) -> str:
        self.evm.set_balance(SENDER, 10**24)
        return to_checksum_address(self.evm.deploy(SENDER, code))

    def send(self, to: str, data: bytes, *, sender: str = SENDER, gas: int = GAS) -> Sent:
        self.evm.reset_transient_storage()
        try:
            output = self.evm.message_call(sender, to, data, gas=gas)
        except RuntimeError as stopped:
            found = re.search(r"output: 0x([0-9a-f]*)", str(stopped))
            used = re.search(r"gas_used: (\d+)", str(stopped))
            return Sent(False, bytes.fromhex(found[1]) if found else b"", int(used[1]) if used else gas, ())
        result = self.evm.result
        assert result is not None
        logs = tuple(
            (log.address, tuple(bytes.fromhex(t[2:]) for t in log.topics), bytes(log.data[1]))
            for log in result.logs
        )
        return Sent(True, bytes(output), result.gas_used, logs)

    def view(self, to: str, data: bytes) -> bytes:
        return bytes(self.evm.message_call(SENDER, to, data, is_static=True))

    def code_hash(self, address: str) -> bytes:
        return bytes(self.evm.basic(address).code_hash or ZERO)

    def now(self) -> int:
        return self._timestamp

    def travel(self, timestamp: int) -> None:
        assert timestamp >= self._timestamp
        self._timestamp = timestamp
        self.evm.set_block_env(pyrevm.BlockEnv(number=1, timestamp=timestamp, gas_limit=30_000_000))


class OnChain:
    """A chain of the product: embedded or JSON-RPC. The sender is always the chain's own account."""

    def __init__(self, chain: EmbeddedChain | RpcChain) -> None:
        self.chain = chain
        self.chain_id = chain.chain_id

    def deploy(self, code: bytes) -> str:
        receipt = self.chain.wait(self.chain.send(code, to=None, gas=GAS))
        assert receipt.contract is not None
        return str(receipt.contract)

    def send(self, to: str, data: bytes, *, sender: str = SENDER, gas: int = GAS) -> Sent:
        outcome = self.chain.simulate(to, data, sender=self.chain.account, gas=gas)  # type: ignore[arg-type]
        if not outcome.ok:
            return Sent(False, outcome.output, 0, ())
        receipt = self.chain.wait(self.chain.send(data, to=to, gas=gas))  # type: ignore[arg-type]
        logs = tuple((str(log.address), tuple(log.topics), log.data) for log in receipt.logs)
        return Sent(receipt.ok, outcome.output, receipt.gas_used, logs)

    def view(self, to: str, data: bytes) -> bytes:
        return self.chain.call(to, data)  # type: ignore[arg-type]

    def code_hash(self, address: str) -> bytes:
        return keccak(self.chain.code(address))  # type: ignore[arg-type]

    def now(self) -> int:
        return self.chain.now()

    def travel(self, timestamp: int) -> None:
        travel_to(self.chain, timestamp)


@cache
def compiled() -> Mapping[str, artifacts.Artifact]:
    """The committed contracts (a test compares them with the sources), and the test wallets, built once a session."""
    files = sorted((ROOT / "contracts/test").glob("*.sol"))
    sources = {f"contracts/test/{file.name}": file.read_text() for file in files}
    built = artifacts.compile_sources(sources, solc=ROOT / "contracts/solc")
    return built | {name: artifacts.load(name) for name in artifacts.PUBLISHED}


def key_of(party: int, generation: int = 0) -> PrivateKey:
    """The wallet key of a party; `generation` counts its replacements."""
    return PrivateKey(keccak(f"test key {party} {generation}".encode()))


def fingerprint(number: int) -> bytes:
    return keccak(f"invoice {number}".encode())


@dataclass
class Rig:
    """Both contracts, the cast, and the verbs that most tests begin with."""

    engine: Engine
    admitted: bool = True
    registry: str = ""
    ledger: str = ""
    keys: dict[int, PrivateKey] = field(default_factory=dict)
    signers: dict[int, Signer] = field(default_factory=dict)
    invoices: int = 0

    def __post_init__(self) -> None:
        code = compiled()
        founders = [(key_of(p).public_key.to_checksum_address(), 0, keccak(bytes([p]))) for p in (1, 2, 3)]
        self.registry = self.engine.deploy(creation_data(code["PartyRegistry"], [founders[0], founders[1:]]))
        zero = "0x" + "00" * 20
        self.ledger = self.engine.deploy(creation_data(code["VoucherLedger"], [self.registry, zero]))
        self.keys = {p: key_of(p) for p in (1, 2, 3)}
        if self.admitted:
            self.admit(FACTOR, ROLE_FUNDER)
            self.admit(ARBITER, ROLE_ARBITER)
            for party in (ISSUER, OTHER_ISSUER):
                self.admit(party, ROLE_ISSUER)
            for party in (A, B, C, D, E, F):
                self.admit(party, 0, sponsor=OTHER_BANK if party == F else BANK)

    # ------------------------------------------------------------ sending

    def domain(self, contract: Contract) -> Domain:
        return Domain(contract, self.engine.chain_id, self.address(contract))

    def address(self, contract: Contract) -> str:
        return self.registry if contract is Contract.REGISTRY else self.ledger

    def consents(self, agreement: Agreement, signers: Sequence[Signing]) -> list[bytes]:
        """Consents in order; a number signs with that party's signer or key, bytes are taken as they are."""
        domain = self.domain(agreement.contract)
        out = []
        for signer in signers:
            if isinstance(signer, bytes):
                out.append(signer)
            else:
                key = (self.signers.get(signer) or self.keys[signer]) if isinstance(signer, int) else signer
                if isinstance(key, PrivateKey):
                    out.append(sign(agreement, domain, key.to_bytes()))
                else:
                    out.append(key.consent(agreement, domain))
        return out

    def call(self, agreement: Agreement, *signers: Signing, issued: Issue | None = None) -> bytes:
        return calldata(agreement, self.consents(agreement, signers), issued=issued)

    def send(self, to: str, data: bytes, *, sender: str = SENDER, gas: int = GAS) -> Sent:
        """Sends and returns what was sent; a revert is raised as its Refusal."""
        sent = self.engine.send(to, data, sender=sender, gas=gas)
        if not sent.ok:
            raise self.refusal(sent.output)
        return sent

    def do(
        self, agreement: Agreement, *signers: Signing, issued: Issue | None = None, sender: str = SENDER
    ) -> Sent:
        data = self.call(agreement, *signers, issued=issued)
        return self.send(self.address(agreement.contract), data, sender=sender)

    def batch(
        self, contract: Contract, items: Sequence[bytes], *, whole: bool = False, gas: int = GAS
    ) -> Sent:
        return self.send(self.address(contract), batch_calldata(items, whole), gas=gas)

    def complete(self, voucher: int) -> Sent:
        return self.send(self.ledger, complete_payment_calldata(voucher))  # type: ignore[arg-type]

    def refusal(self, output: bytes) -> Refusal:
        code = compiled()
        return decode_revert(output, [code["VoucherLedger"].abi, code["PartyRegistry"].abi])

    def refused(self, sent: Sent) -> dict[int, Refusal]:
        """The items of a batch that were refused, by index."""
        topic = keccak(b"Refused(uint256,bytes)")
        found = {}
        for _, topics, data in sent.logs:
            if topics[0] == topic:
                index, reason = abi_decode(["uint256", "bytes"], data)
                found[index] = self.refusal(reason)
        return found

    # ------------------------------------------------------------ reading

    def view(self, contract: Contract, signature: str, args: Sequence[Any], returns: Sequence[str]) -> Any:
        types = signature[signature.index("(") + 1 : -1]
        data = keccak(signature.encode())[:4] + abi_encode(types.split(",") if types else [], list(args))
        out = abi_decode(list(returns), self.engine.view(self.address(contract), data))
        return out[0] if len(out) == 1 else out

    def word(self, name: str, key: int, kind: str = "uint256") -> int:
        return int(self.view(Contract.LEDGER, f"{name}({kind})", [key], ["uint256"]))

    def voucher(self, voucher: int) -> VoucherWord:
        return VoucherWord.read(self.word("voucherOf", voucher))

    def drawn(self, line: int = LINE) -> int:
        return int(self.word("lineOf", line, "uint64") >> 64 & (2**64 - 1))

    def head(self, contract: Contract = Contract.LEDGER) -> bytes:
        return bytes(self.view(contract, "journalHead()", [], ["bytes32"]))

    @property
    def today(self) -> Day:
        return day_of(self.engine.now())

    def pass_days(self, days: int) -> None:
        """Travels to 12:00 China time, so many days ahead."""
        self.engine.travel(start_of_day(Day(self.today + days)) + 43_200)

    # ------------------------------------------------------------ what most lives begin with

    def admit(self, party: int, roles: int, *, sponsor: int = BANK) -> None:
        self.keys[party] = key_of(party)
        address = bytes(self.keys[party].public_key.to_canonical_address())
        agreement = Admit(party, roles, sponsor, 0, keccak(bytes([party])), LATER, address)  # type: ignore[arg-type]
        self.do(agreement, REGISTRAR, sponsor, party)

    def grant(self, line: int = LINE, *, limit: int = 10_000_000 * YUAN, **terms: Any) -> None:
        values: dict[str, Any] = {
            "issuer": ISSUER,
            "parent": 0,
            "expiry": self.today + 365,
            "smallest_part": 100 * YUAN,
            "window": WINDOW,
            "grace": GRACE,
            "countersign": False,
            "deadline": LATER,
        } | terms
        self.do(GrantLine(line=line, limit=limit, **values), line >> 32, values["issuer"])  # type: ignore[arg-type]

    def issue_of(self, face: int = 1_000_000 * YUAN, **terms: Any) -> Issue:
        """An issue agreement with one new invoice of the whole face, due in 120 days."""
        self.invoices += 1
        values: dict[str, Any] = {
            "line": LINE,
            "issuer": ISSUER,
            "supplier": A,
            "due_day": self.today + 120,
            "smallest_part": 100 * YUAN,
            "highest_tier": 6,
            "terms": keccak(b"terms"),
            "tenor_reason": ZERO,
            "issuer_reference": self.invoices.to_bytes(32, "big"),
            "deadline": LATER,
            "invoices": (Invoice(fingerprint(self.invoices), face, face),),  # type: ignore[arg-type]
        } | terms
        return Issue(face=face, **values)  # type: ignore[arg-type]

    def issued(self, face: int = 1_000_000 * YUAN, **terms: Any) -> int:
        """Issues and returns the root voucher's id."""
        issue = self.issue_of(face, **terms)
        self.do(issue, issue.issuer, issue.supplier)
        return root_id(issue, self.domain(Contract.LEDGER))

    def transfer_of(self, voucher: int, recipient: int, **terms: Any) -> Transfer:
        values: dict[str, Any] = {
            "sequence": self.voucher(voucher).sequence,
            "overdue": False,
            "deadline": LATER,
            "invoices": (),
        } | terms
        return Transfer(voucher=voucher, recipient=recipient, **values)  # type: ignore[arg-type]

    def transfer(self, voucher: int, recipient: int) -> Sent:
        return self.do(self.transfer_of(voucher, recipient), self.voucher(voucher).holder, recipient)

    def split_of(self, voucher: int, *parts: tuple[int, int], **terms: Any) -> Split:
        values: dict[str, Any] = {
            "sequence": self.voucher(voucher).sequence,
            "overdue": False,
            "deadline": LATER,
            "parts": tuple(Part(recipient, face) for recipient, face in parts),  # type: ignore[arg-type]
            "invoices": (),
        } | terms
        return Split(voucher=voucher, **values)  # type: ignore[arg-type]

    def split(self, voucher: int, *parts: tuple[int, int]) -> list[int]:
        """Splits and returns the ids of the parts."""
        before = self.voucher(voucher)
        self.do(self.split_of(voucher, *parts), before.holder, *(recipient for recipient, _ in parts))
        return [child_id(voucher, before.sequence, n) for n in range(len(parts))]  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class VoucherWord:
    """State.sol's voucher word, unpacked."""

    face: int
    holder: int
    counterparty: int
    sequence: int
    pay_by: int
    tier: int
    locks: int

    @classmethod
    def read(cls, word: int) -> VoucherWord:
        def part(start: int, bits: int) -> int:
            return int(word >> start & (2**bits - 1))

        return cls(
            face=part(0, 64),
            holder=part(64, 32),
            counterparty=part(96, 32),
            sequence=part(128, 32),
            pay_by=part(160, 24),
            tier=part(184, 8),
            locks=part(192, 8),
        )
