"""The embedded chain between processes: one opener, nothing reported is ever lost, no foreign transaction, no
time travel outside a demo."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.block_file import BlockFile
from ledger.chain import Address, Fees, NonceTooHigh, NonceTooLow, Underpriced, decode_output, encode_call
from ledger.embedded import CHAIN_ID_TO, CLOCK_SLACK, EmbeddedChain
from ledger.errors import ChainError
from tests.engines import EPOCH, ROOT
from tests.ledger.till import till

GAS = 200_000
OWNER: Address = to_checksum_address("0x" + "11" * 20)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: int = EPOCH) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def demo_at(path: Path) -> EmbeddedChain:
    return EmbeddedChain(path, clock=Clock(), create=True, demo=True)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[EmbeddedChain]:
    with demo_at(tmp_path / "demo.sqlite") as chain:
        yield chain


def put(amount: int) -> bytes:
    return encode_call(till().abi, "put", [amount])


def total(chain: EmbeddedChain, address: Address) -> int:
    return int(
        decode_output(till().abi, "total", chain.call(address, encode_call(till().abi, "total", [])))[0]
    )


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


# ---- files that are refused --------------------------------------------------------------------------------


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="there is no chain at"):
        EmbeddedChain(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"not a database at all, but longer than a header" * 9, b"SQLite format 3\0"]
)
def test_a_damaged_file_is_refused_and_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.sqlite"
    path.write_bytes(content)
    with pytest.raises(ChainError, match=r"broken\.sqlite"):
        EmbeddedChain(path, create=True)
    assert path.read_bytes() == content


def test_a_database_of_another_kind_is_refused_and_gets_no_table(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("create table loans (id integer)")
    other.close()
    with pytest.raises(ChainError, match="another kind"):
        EmbeddedChain(path, create=True)
    with sqlite3.connect(path) as other:
        assert other.execute("select name from sqlite_master").fetchall() == [("loans",)]
    other.close()


def test_a_creation_that_was_cut_off_is_finished_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "half.sqlite"
    BlockFile(path, create=True).close()
    with pytest.raises(ChainError, match="never finished"):
        EmbeddedChain(path)
    with EmbeddedChain(path, clock=Clock(), create=True) as chain:
        assert (chain.height(), chain.now()) == (0, EPOCH)


def test_a_second_opener_in_this_process_is_refused(demo: EmbeddedChain, tmp_path: Path) -> None:
    with pytest.raises(ChainError, match=f"open in process {os.getpid()}"):
        EmbeddedChain(tmp_path / "demo.sqlite")
    assert demo.height() == 0


def test_a_second_opener_in_another_process_is_told_who_holds_the_file(
    demo: EmbeddedChain, tmp_path: Path
) -> None:
    program = "import sys; from pathlib import Path; from ledger.embedded import EmbeddedChain\n"
    program += "try: EmbeddedChain(Path(sys.argv[1]))\nexcept Exception as e: print(type(e).__name__, e)"
    told, _ = run(program, str(tmp_path / "demo.sqlite")).communicate(timeout=60)
    assert told.startswith("ChainError") and f"open in process {os.getpid()}" in told
    assert demo.wait(demo.send(b"", to=OWNER, gas=21_000)).ok


def test_a_closed_chain_says_so_and_frees_the_file(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    first = demo_at(path)
    first.close()
    with pytest.raises(ChainError, match="closed"):
        first.height()
    with EmbeddedChain(path) as second:
        assert second.demo
    assert [file.name for file in tmp_path.iterdir()] == ["chain.sqlite"]


def test_a_full_disk_loses_the_block_but_not_the_chain(demo: EmbeddedChain, tmp_path: Path) -> None:
    address = demo.deploy(till(), [OWNER]).address
    head = demo.block_hash(demo.height())
    demo._file._db.execute("pragma max_page_count = 1")  # SQLite's own way to be full

    def fill() -> None:
        nonlocal head
        for _ in range(200):
            demo.send(put(1), to=address, gas=GAS)
            head = demo.block_hash(demo.height())

    with pytest.raises(ChainError, match="cannot be written"):
        fill()
    height = demo.height()
    assert demo.block_hash(height) == head
    assert total(demo, address) == demo.nonce(demo.account) - 1 == height - 1
    demo._file._db.execute("pragma max_page_count = 1000000")
    assert demo.wait(demo.send(put(1), to=address, gas=GAS)).block == height + 1


# ---- identity ----------------------------------------------------------------------------------------------


def test_two_installations_differ_in_all_that_names_them(tmp_path: Path) -> None:
    with demo_at(tmp_path / "a") as a, demo_at(tmp_path / "b") as b:
        assert a.chain_id != b.chain_id
        assert a.account != b.account
        assert a.genesis_hash != b.genesis_hash
        for chain in (a, b):
            assert 2**30 <= chain.chain_id < CHAIN_ID_TO
            assert (chain.web3.eth.chain_id, chain.web3.net.version) == (chain.chain_id, str(chain.chain_id))


def test_the_file_is_private_because_the_relay_key_is_in_it(demo: EmbeddedChain, tmp_path: Path) -> None:
    assert (tmp_path / "demo.sqlite").stat().st_mode & 0o077 == 0


def test_a_transaction_of_another_installation_or_of_none_is_refused(tmp_path: Path) -> None:
    with demo_at(tmp_path / "a") as a, demo_at(tmp_path / "b") as b:
        foreign = b.sign(b"", to=OWNER, gas=21_000, nonce=0, fees=b.fees())
        with pytest.raises(ChainError, match=f"signed for chain {b.chain_id}, this is {a.chain_id}"):
            a.send_raw(foreign)
        fields = {"nonce": 0, "gas": 21_000, "to": OWNER, "value": 0, "gasPrice": 10**9}
        anywhere = bytes(a._signer.sign_transaction(fields).raw_transaction)
        with pytest.raises(ChainError, match="signed for no chain"):
            a.send_raw(anywhere)
        with pytest.raises(ChainError, match="signed for chain"):
            a.web3.eth.send_raw_transaction(foreign)
        assert a.height() == 0
        assert b.wait(b.send_raw(foreign)).ok


def test_a_code_delegation_is_refused_for_it_may_be_valid_on_any_chain(demo: EmbeddedChain) -> None:
    other = Account.from_key("0x" + "22" * 32)
    delegation = other.sign_authorization({"chainId": 0, "address": OWNER, "nonce": 0})
    fields = {"chainId": demo.chain_id, "nonce": 0, "gas": GAS, "to": OWNER, "value": 0, "data": b""}
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0, "authorizationList": [delegation]}
    raw = bytes(demo._signer.sign_transaction({**fields, **fees}).raw_transaction)
    with pytest.raises(ChainError, match="type 4"):
        demo.send_raw(raw)


def test_a_wrong_nonce_and_an_empty_purse_change_nothing(demo: EmbeddedChain) -> None:
    head = demo.block_hash(0)
    with pytest.raises(NonceTooHigh, match="has nonce 7, its sender's next is 0"):
        demo.send_raw(demo.sign(b"", to=OWNER, gas=21_000, nonce=7, fees=demo.fees()))
    with pytest.raises(Underpriced, match="offers 1 wei for gas"):
        demo.send_raw(demo.sign(b"", to=OWNER, gas=21_000, nonce=0, fees=Fees(1, 0)))
    poor = Account.from_key("0x" + "22" * 32)
    fields = {
        "chainId": demo.chain_id,
        "nonce": 0,
        "gas": 21_000,
        "to": OWNER,
        "value": 1,
        "gasPrice": 10**10,
    }
    with pytest.raises(ChainError, match="cannot be mined"):
        demo.send_raw(bytes(poor.sign_transaction(fields).raw_transaction))
    assert (demo.height(), demo.block_hash(0), demo.nonce(demo.account)) == (0, head, 0)
    first = demo.sign(b"", to=OWNER, gas=21_000, nonce=0, fees=demo.fees())
    assert demo.wait(demo.send_raw(first)).block == 1
    assert demo.send_raw(first) == keccak(first)  # it has it
    with pytest.raises(NonceTooLow, match="has nonce 0, its sender's next is 1"):
        demo.send_raw(demo.sign(b"", to=OWNER, gas=21_001, nonce=0, fees=demo.fees()))
    assert demo.height() == 1


# ---- time --------------------------------------------------------------------------------------------------


def test_time_cannot_be_set_outside_a_demo(tmp_path: Path) -> None:
    path = tmp_path / "real.sqlite"
    with EmbeddedChain(path, clock=Clock(), create=True) as chain:
        with pytest.raises(ChainError, match="not created as a demo"):
            chain.travel_to(EPOCH + 1_000)
        for method in ("time_travel", "mine_block"):
            arguments = [EPOCH + 1_000] if method == "time_travel" else []
            with pytest.raises(ChainError, match="closed"):
                getattr(chain.web3.provider.ethereum_tester, method)(*arguments)  # type: ignore[attr-defined]
        for endpoint in ("testing_timeTravel", "evm_mine", "evm_revert", "eth_sendTransaction"):
            assert "error" in chain.web3.provider.make_request(endpoint, [1])  # type: ignore[arg-type]
        assert (chain.height(), chain.now()) == (0, EPOCH)
    with pytest.raises(ChainError, match="not a demo"):
        demo_at(path)


def test_blocks_never_run_ahead_of_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    with EmbeddedChain(tmp_path / "real.sqlite", clock=clock, create=True) as chain:
        for now in (EPOCH, EPOCH, EPOCH + 5, EPOCH + 5, EPOCH + 90_000):
            clock.now = now
            receipt = chain.wait(chain.send(b"", to=OWNER, gas=21_000))
            assert chain.block_timestamp(receipt.block) == chain.now() == now


def test_a_clock_set_far_back_stops_mining_until_it_is_right(tmp_path: Path) -> None:
    clock = Clock()
    with EmbeddedChain(tmp_path / "real.sqlite", clock=clock, create=True) as chain:
        clock.now = EPOCH - CLOCK_SLACK
        chain.send(b"", to=OWNER, gas=21_000)
        assert chain.now() == EPOCH
        clock.now = EPOCH - CLOCK_SLACK - 1
        with pytest.raises(ChainError, match="set the machine's clock"):
            chain.send(b"", to=OWNER, gas=21_000)
        assert chain.height() == 1


def test_a_demo_ignores_the_clock_moves_on_by_hand_and_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "demo.sqlite"
    with demo_at(path) as chain:
        chain.send(b"", to=OWNER, gas=21_000)
        assert chain.now() == EPOCH + 1
        with pytest.raises(ChainError, match="the past"):
            chain.travel_to(EPOCH)
        chain.travel_to(EPOCH + 1)
        assert chain.height() == 1
        chain.travel_to(EPOCH + 86_400)
        assert (chain.height(), chain.now()) == (2, EPOCH + 86_400)
    with EmbeddedChain(path, clock=Clock(EPOCH + 10**8)) as chain:
        chain.send(b"", to=OWNER, gas=21_000)
        assert chain.now() == EPOCH + 86_401


def test_a_demo_that_is_served_goes_on_from_where_it_stood_and_is_found_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ticks = tmp_path / "demo.sqlite", Clock(500)
    monkeypatch.setattr("ledger.embedded.time.monotonic", ticks)
    with demo_at(path) as chain:
        ticks.now += 60
        assert chain.next_time() == EPOCH + 1  # it stands still
        chain.let_time_run()
        ticks.now += 60
        chain.let_time_run()  # runs already: nothing begins anew
        assert chain.next_time() == EPOCH + 60
        chain.send(b"", to=OWNER, gas=21_000)
        assert chain.now() == EPOCH + 60
        chain.travel_to(EPOCH + 86_400)
        ticks.now += 30
        assert chain.next_time() == EPOCH + 86_430
        chain.keep_time()
        assert chain.now() == EPOCH + 86_430
    with demo_at(path) as chain:
        assert chain.next_time() == EPOCH + 86_431
    real = EmbeddedChain(tmp_path / "real.sqlite", clock=Clock(), create=True)
    with real, pytest.raises(ChainError, match="the machine's"):
        real.let_time_run()


# ---- many transactions, and other processes ----------------------------------------------------------------


def test_many_transactions_share_a_block_or_none_of_them_happens(demo: EmbeddedChain) -> None:
    address = demo.deploy(till(), [OWNER]).address
    raws = [demo.sign(put(n), to=address, gas=GAS, nonce=1 + n, fees=demo.fees()) for n in range(20)]
    with pytest.raises(ChainError, match="cannot be mined"):
        demo.mine([*raws[:5], raws[7]])
    assert (demo.height(), total(demo, address), demo.nonce(demo.account)) == (1, 0, 1)
    receipts = [demo.wait(tx_hash) for tx_hash in demo.mine(raws)]
    assert [receipt.block for receipt in receipts] == [2] * 20
    assert [receipt.tx_index for receipt in receipts] == list(range(20))
    assert all(21_000 < receipt.gas_used < 80_000 for receipt in receipts)
    assert total(demo, address) == sum(range(20))
    logs = demo.logs(2, 2, addresses=[address])
    assert [log.log_index for log in logs] == list(range(20))
    assert [log.tx_hash for log in logs] == [receipt.tx_hash for receipt in receipts]
    assert receipts[3].logs == (logs[3],)


def test_another_process_finds_state_events_and_identity_again(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with demo_at(path) as chain:
        address = chain.deploy(till(), [OWNER]).address
        chain.send(put(42), to=address, gas=GAS)
        want = f"{chain.chain_id} {chain.genesis_hash.hex()} {chain.height()} {chain.block_hash(2).hex()}"
    program = "import sys; from pathlib import Path; from ledger.embedded import EmbeddedChain\n"
    program += "c = EmbeddedChain(Path(sys.argv[1])); log, = c.logs(0, 9, addresses=[sys.argv[2]])\n"
    program += "print(c.chain_id, c.genesis_hash.hex(), c.height(), c.block_hash(2).hex(), int(log.data[-1]))"
    told, _ = run(program, str(path), address).communicate(timeout=60)
    assert told.strip() == want + " 42"


MINER = """
import sys
from pathlib import Path
from ledger.embedded import EmbeddedChain
chain = EmbeddedChain(Path(sys.argv[1]))
while True:
    receipt = chain.wait(chain.send(bytes.fromhex(sys.argv[3]), to=sys.argv[2], gas=200_000))
    print(receipt.block, receipt.block_hash.hex(), flush=True)
"""


def test_after_kill_9_every_reported_block_is_there_and_mining_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with demo_at(path) as chain:
        address = chain.deploy(till(), [OWNER]).address
    reported: dict[int, str] = {}
    for blocks in (7, 23):
        miner = run(MINER, str(path), address, put(1).hex())
        assert miner.stdout is not None
        for _ in range(blocks):
            number, block_hash = miner.stdout.readline().split()
            reported[int(number)] = block_hash
        miner.send_signal(signal.SIGKILL)
        for line in miner.stdout.read().splitlines():  # told after the last one we read, before the kill
            if len(line.split()) == 2 and len(line.split()[1]) == 64:
                reported[int(line.split()[0])] = line.split()[1]
        miner.wait()
    with EmbeddedChain(path) as chain:
        assert len(reported) >= 30
        assert {number: chain.block_hash(number).hex() for number in reported} == reported
        assert total(chain, address) == chain.nonce(chain.account) - 1 == chain.height() - 1
        assert chain.wait(chain.send(put(1), to=address, gas=GAS)).ok
