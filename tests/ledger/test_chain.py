"""What every chain client promises, on both engines: refusals with facts, reads at a block, events."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import NOBODY, Address, CallReverted, Hash, decode_output, decode_revert, encode_call
from ledger.embedded import EmbeddedChain
from ledger.errors import ChainError, Refusal
from ledger.rpc_chain import RpcChain
from tests.engines import EPOCH, anvil, embedded, travel_to
from tests.ledger.till import till

OWNER: Address = to_checksum_address("0x" + "11" * 20)
GAS = 200_000
Engine = EmbeddedChain | RpcChain


@pytest.fixture(scope="module", params=["embedded", "anvil"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "embedded":
        with embedded(tmp_path_factory.mktemp("chain")) as kept:
            yield kept
    else:
        with anvil() as node:
            yield node.chain()


@pytest.fixture
def address(chain: Engine) -> Address:
    return chain.deploy(till(), [OWNER]).address


def put(amount: int) -> bytes:
    return encode_call(till().abi, "put", [amount])


def total(chain: Engine, address: Address, block: int | None = None) -> int:
    answer = chain.call(address, encode_call(till().abi, "total", []), block=block)
    return int(decode_output(till().abi, "total", answer)[0])


# ---- refusals ----------------------------------------------------------------------------------------------


def test_a_constructor_that_refuses_is_reported_with_its_facts_and_leaves_nothing(chain: Engine) -> None:
    before = chain.height()
    with pytest.raises(Refusal) as refused:
        chain.deploy(till(), [NOBODY])
    assert refused.value == Refusal(
        "WrongOwner", {"owner": NOBODY, "proof": "0x" + "07".rjust(64, "0"), "note": "0xc0ffee"}
    )
    assert chain.height() == before


def test_a_simulated_refusal_names_the_custom_error_and_its_facts(chain: Engine, address: Address) -> None:
    outcome = chain.simulate(address, put(101), sender=OWNER, gas=GAS)
    assert not outcome.ok
    assert decode_revert(outcome.output, [[], till().abi]) == Refusal(
        "OverLimit", {"asked": 101, "available": 100}
    )


def test_a_read_that_reverts_carries_its_data(chain: Engine, address: Address) -> None:
    with pytest.raises(CallReverted) as refused:
        chain.call(address, put(500))
    assert decode_revert(refused.value.data, [till().abi]).facts == {"asked": 500, "available": 100}


def test_a_reason_in_words_and_a_panic_are_decoded_without_an_abi(chain: Engine, address: Address) -> None:
    words = chain.simulate(address, encode_call(till().abi, "grumble", []), sender=OWNER, gas=GAS)
    panic = chain.simulate(address, encode_call(till().abi, "overflow", [2**256 - 1]), sender=OWNER, gas=GAS)
    assert decode_revert(words.output, []) == Refusal("Error", {"message": "no business today"})
    assert decode_revert(panic.output, []) == Refusal("Panic", {"code": 0x11, "meaning": "overflow"})


def test_want_of_gas_is_an_empty_revert(chain: Engine, address: Address) -> None:
    outcome = chain.simulate(address, encode_call(till().abi, "spin", []), sender=OWNER, gas=60_000)
    assert not outcome.ok
    assert decode_revert(outcome.output, [till().abi]) == Refusal("EmptyRevert")


def test_a_transaction_that_reverts_is_mined_as_failed(chain: Engine, address: Address) -> None:
    receipt = chain.wait(chain.send(put(101), to=address, gas=GAS))
    assert (receipt.ok, receipt.logs, receipt.contract) == (False, (), None)
    assert total(chain, address) == 0


def test_no_block_no_transaction_no_contract_are_said_so(chain: Engine) -> None:
    with pytest.raises(ChainError, match=str(chain.height() + 5)):
        chain.block_hash(chain.height() + 5)
    unknown = Hash(bytes(32))
    assert chain.receipt(unknown) is None
    with pytest.raises(ChainError, match="0x0000"):
        chain.wait(unknown, seconds=0)
    with pytest.raises(ChainError, match="pinned contract"):
        decode_output(till().abi, "total", chain.call(OWNER, encode_call(till().abi, "total", [])))


def test_a_transaction_signed_for_another_chain_or_for_none_is_refused(
    chain: Engine, address: Address
) -> None:
    stranger = Account.from_key("0x" + "22" * 32)
    plain = {"nonce": 0, "gas": GAS, "to": address, "value": 0, "data": put(1)}
    for fields in (
        {"chainId": chain.chain_id + 1, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0},
        {"chainId": chain.chain_id + 1, "gasPrice": 0},
        {"gasPrice": 0},
    ):
        raw = bytes(stranger.sign_transaction({**plain, **fields}).raw_transaction)
        with pytest.raises(ChainError):
            chain.send_raw(raw)
    assert total(chain, address) == 0


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x02\xc0", b"\xff" * 200, b"\xc0"])
def test_bytes_that_are_no_transaction_are_refused(chain: Engine, raw: bytes) -> None:
    with pytest.raises(ChainError):
        chain.send_raw(raw)


# ---- what is answered --------------------------------------------------------------------------------------


def test_a_send_is_mined_paid_and_logged(chain: Engine, address: Address) -> None:
    first = chain.wait(chain.send(put(3), to=address, gas=GAS))
    second = chain.wait(chain.send(put(4), to=address, gas=GAS))
    assert first.ok and second.ok
    assert 21_000 < second.gas_used < first.gas_used < GAS
    assert second.block == chain.height() == first.block + 1
    assert second.block_hash == chain.block_hash(second.block)
    logs = chain.logs(first.block, second.block, addresses=[address])
    assert logs == [*first.logs, *second.logs]
    assert [log.data for log in logs] == [encode(["uint256"] * 2, [3, 3]), encode(["uint256"] * 2, [4, 7])]
    assert logs[0].topics == (
        keccak(text="Put(address,uint256,uint256)"),
        encode(["address"], [chain.account]),
    )
    assert (logs[1].tx_hash, logs[1].tx_index, logs[1].log_index) == (second.tx_hash, 0, 0)
    assert chain.logs(first.block, second.block, addresses=[OWNER]) == []
    assert chain.logs(first.block, second.block, addresses=[]) == []


def test_a_read_names_its_block(chain: Engine, address: Address) -> None:
    early = chain.height()
    chain.wait(chain.send(put(9), to=address, gas=GAS))
    assert (total(chain, address, early), total(chain, address)) == (0, 9)


def test_a_simulation_and_a_read_change_nothing(chain: Engine, address: Address) -> None:
    before = (chain.height(), chain.block_hash(chain.height()))
    outcome = chain.simulate(address, put(5), sender=OWNER, gas=GAS)
    assert decode_output(till().abi, "put", outcome.output) == (5,)
    assert chain.call(address, put(6), sender=OWNER) == encode(["uint256"], [6])
    assert total(chain, address) == 0
    assert (chain.height(), chain.block_hash(chain.height())) == before


def test_a_party_with_a_purse_may_submit_by_itself(chain: Engine, address: Address) -> None:
    stranger = Account.from_key("0x" + "33" * 32)
    chain.wait(chain.send(b"", to=to_checksum_address(stranger.address), gas=21_000, value=10**18))
    fields = {"chainId": chain.chain_id, "nonce": 0, "gas": GAS, "to": address, "value": 0, "data": put(2)}
    signed = stranger.sign_transaction({**fields, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0})
    receipt = chain.wait(chain.send_raw(bytes(signed.raw_transaction)))
    assert receipt.ok
    assert receipt.logs[0].topics[1] == encode(["address"], [stranger.address])


def test_time_moves_on_and_the_next_block_is_simulated_in_it(chain: Engine, address: Address) -> None:
    later = chain.now() + 86_400
    travel_to(chain, later)
    assert chain.now() == chain.block_timestamp(chain.height()) == later
    outcome = chain.simulate(address, encode_call(till().abi, "moment", []), sender=OWNER, gas=GAS)
    seen = decode_output(till().abi, "moment", outcome.output)[0]
    assert later <= seen <= later + 60
    assert chain.block_timestamp(0) == EPOCH


# ---- decoding, without a chain -----------------------------------------------------------------------------


def test_an_unknown_or_cut_off_revert_says_so_and_shows_its_bytes() -> None:
    selector = keccak(text="OverLimit(uint256,uint256)")[:4]
    for data in (b"\x12\x34\x56\x78rest", b"\x01", selector + bytes(40)):
        assert decode_revert(data, [till().abi]) == Refusal(
            "UnknownError", {"selector": "0x" + data[:4].hex(), "data": "0x" + data.hex()}
        )


def test_arguments_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(ChainError, match="put cannot be encoded"):
        encode_call(till().abi, "put", ["three"])
    with pytest.raises(ChainError, match="nothing cannot be encoded"):
        encode_call(till().abi, "nothing", [])


# ---- nodes that cannot be reached --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["", "localhost:8545", "ftp://host", "http://", "http://host:port", "http://["]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ChainError, match="http://host:port"):
        RpcChain(url, key=b"\x01" * 32)


def test_a_node_that_went_away_is_named_without_its_password_and_with_what_to_do() -> None:
    with anvil() as node:
        chain = RpcChain(node.url.replace("//", "//user:secret@"), key=node.keys[0])
    for asked in (chain.height, chain.now, lambda: chain.send(b"", to=OWNER, gas=21_000)):
        with pytest.raises(ChainError, match="start the node or correct its address") as refused:
            asked()
        assert node.url in str(refused.value) and "secret" not in str(refused.value)


def test_sending_the_same_transaction_to_a_node_again_is_harmless() -> None:
    with anvil() as node:
        chain = node.chain()
        chain.web3.provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
        signer = Account.from_key(node.keys[1])
        fields = {
            "chainId": chain.chain_id,
            "nonce": 0,
            "gas": 21_000,
            "to": OWNER,
            "value": 1,
            "gasPrice": 10**10,
        }
        raw = bytes(signer.sign_transaction(fields).raw_transaction)
        assert chain.send_raw(raw) == chain.send_raw(raw) == keccak(raw)


def test_a_node_that_does_not_answer_in_time_is_not_taken_for_one_that_refused() -> None:
    with anvil() as node:
        chain = RpcChain(node.url, key=node.keys[0], timeout=0.2)
    silent = socket.create_server(("127.0.0.1", int(node.url.rsplit(":")[-1])))
    with silent, pytest.raises(ChainError, match="may have arrived: look it up before sending again"):
        chain.send_raw(b"\x01")


def test_a_send_is_posted_once_even_when_the_node_answers_503() -> None:
    posts: list[bytes] = []

    class Overloaded(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_error(503)

        def log_message(self, *_words: object) -> None:
            pass

    with anvil() as node:
        chain = node.chain()
    with HTTPServer(("127.0.0.1", int(node.url.rsplit(":")[-1])), Overloaded) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with pytest.raises(ChainError, match="HTTPError"):
                chain.send_raw(b"\x01")
        finally:
            server.shutdown()
            thread.join()
    assert len(posts) == 1
