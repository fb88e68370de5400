"""A chain with many agreements on it, made quickly: for whoever measures what follows such a chain.

Vouchers are issued, then handed to and fro, a hundred transfers to a block, each signed by both wallets, as the
contracts ask. Nothing here is a shortcut past them: what is on the chain was checked by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coincurve import PrivateKey as Wallet
from eth_account import Account

from ledger.agreements import Transfer, VoucherId
from ledger.chain import Hash
from ledger.members import Contract
from ledger.pin import Pin, pin_of
from ledger.rpc_chain import RpcChain
from ledger.signing import batch_calldata, calldata, digest, root_id
from tests.rig import ISSUER, LATER, LINE, YUAN, A, B, OnChain, Rig

PER_BLOCK: Final = 100
BLOCK_GAS: Final = 28_000_000
FEE: Final = 10**11
"""Wei per gas; far above what the blocks of a fresh node ask."""
_ISSUES: Final = 40
_FACE: Final = 1_000 * YUAN


@dataclass(frozen=True, slots=True)
class Signed:
    """A transfer with the consents of giver and taker."""

    transfer: Transfer
    digest: bytes
    consents: tuple[bytes, bytes]

    @property
    def call(self) -> bytes:
        """The call of the contract."""
        return calldata(self.transfer, self.consents)


class Crowd:
    """Vouchers that go from A to B and back, at most 254 times each: a tier for each hop."""

    def __init__(self, chain: RpcChain, *, key: bytes, vouchers: int) -> None:
        self.chain, self._account = chain, Account.from_key(key)
        self.rig = Rig(OnChain(chain))
        self.rig.grant(limit=vouchers * _FACE)
        self.vouchers = list(self._issued(vouchers))
        self._wallets = {party: Wallet(self.rig.keys[party].to_bytes()) for party in (A, B)}
        self._domain = self.rig.domain(Contract.LEDGER)
        self._hops = dict.fromkeys(self.vouchers, 0)
        self._turn = 0

    @property
    def pin(self) -> Pin:
        """The contracts that all of it is on."""
        rig = self.rig
        return pin_of(self.chain, registry=rig.registry, ledger=rig.ledger)  # type: ignore[arg-type]

    def move(self, count: int, *, per_block: int = PER_BLOCK) -> None:
        """So many more transfers, each voucher in its turn; returns when all are mined."""
        sent: list[Hash] = []
        nonce = self.chain.web3.eth.get_transaction_count(self.chain.account)
        for start in range(0, count, per_block):
            calls = [each.call for each in self.signed(min(per_block, count - start))]
            sent.append(self._send(batch_calldata(calls, True), nonce + len(sent)))
        for tx_hash in sent:
            assert self.chain.wait(tx_hash).ok, "a batch of transfers was refused"

    def _issued(self, count: int) -> Iterator[VoucherId]:
        for start in range(0, count, _ISSUES):
            many = range(min(_ISSUES, count - start))
            issues = [self.rig.issue_of(_FACE, line=LINE, highest_tier=255) for _ in many]
            calls = [self.rig.call(issue, ISSUER, A) for issue in issues]
            self.rig.batch(Contract.LEDGER, calls, whole=True, gas=BLOCK_GAS)
            yield from (root_id(issue, self.rig.domain(Contract.LEDGER)) for issue in issues)

    def signed(self, count: int) -> Iterator[Signed]:
        """So many more transfers in their order, each voucher in its turn; who takes them has to send them."""
        for _ in range(count):
            yield self._next()

    def look_again(self) -> None:
        """Finds out where the vouchers are, after the chain was reorganised."""
        self._hops = {voucher: self.rig.voucher(voucher).sequence - 1 for voucher in self.vouchers}

    def _next(self) -> Signed:
        voucher = self.vouchers[self._turn % len(self.vouchers)]
        hop = self._hops[voucher]
        self._turn, self._hops[voucher] = self._turn + 1, hop + 1
        giver, taker = (A, B) if hop % 2 == 0 else (B, A)
        moved = Transfer(voucher, hop + 1, taker, False, LATER, ())  # type: ignore[arg-type]
        agreed = digest(moved, self._domain)
        return Signed(moved, agreed, (self._consent(agreed, giver), self._consent(agreed, taker)))

    def _consent(self, signed: bytes, party: int) -> bytes:
        raw = self._wallets[party].sign_recoverable(signed, hasher=None)
        return raw[:64] + bytes([27 + raw[64]])

    def _send(self, data: bytes, nonce: int) -> Hash:
        fields = {"chainId": self.chain.chain_id, "nonce": nonce, "to": self.rig.ledger, "data": data}
        fees = {"gas": BLOCK_GAS, "value": 0, "maxFeePerGas": FEE, "maxPriorityFeePerGas": 0}
        return self.chain.send_raw(bytes(self._account.sign_transaction(fields | fees).raw_transaction))
