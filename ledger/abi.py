"""Contract ABI both ways: call data in, answers and reverts out.

Encoding is web3's own, so that what is sent is what every other client would send. It refuses to guess: what
no ABI names stays raw and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_typing import ABI, HexStr
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import Web3Exception

from ledger.artifacts import Artifact
from ledger.errors import ChainError, Refusal

Abi = Sequence[Mapping[str, Any]]

PANICS = {
    0x01: "assertion",
    0x11: "overflow",
    0x12: "division by zero",
    0x21: "bad enum",
    0x32: "index out of range",
}

_CODER = Web3()


def encode_call(abi: Abi, name: str, args: Sequence[Any]) -> bytes:
    """Call data of the function `name`. Raises ChainError when the arguments do not fit the ABI."""
    try:
        return bytes.fromhex(_CODER.eth.contract(abi=_typed(abi)).encode_abi(name, list(args))[2:])
    except (Web3Exception, TypeError, ValueError) as unfit:
        raise ChainError(f"{name} cannot be encoded: {unfit}") from None


def decode_output(abi: Abi, name: str, data: bytes) -> tuple[Any, ...]:
    """The values that the function `name` returned. Raises ChainError when `data` is not that."""
    outputs = [part for entry in abi if entry.get("name") == name for part in entry.get("outputs", ())]
    return _decode([collapse_if_tuple(part) for part in outputs], data, name)


def view_call(signature: str, *words: int) -> bytes:
    """Call data of a function whose arguments are words, by its Solidity signature: fast, and no ABI wanted."""
    return _selector(signature) + b"".join(word.to_bytes(32) for word in words)


def words_of(output: bytes) -> tuple[int, ...]:
    """The words that such a function returned. Raises ChainError where they are none."""
    if len(output) % 32:
        raise ChainError(f"an answer of {len(output)} bytes is no row of words: is this the pinned contract?")
    return tuple(int.from_bytes(output[at : at + 32]) for at in range(0, len(output), 32))


def creation_data(artifact: Artifact, args: Sequence[Any]) -> bytes:
    """Bytecode and constructor arguments. Raises ChainError when they do not fit."""
    contract = _CODER.eth.contract(abi=_typed(artifact.abi), bytecode=HexStr("0x" + artifact.bytecode.hex()))
    try:
        return bytes.fromhex(str(contract.constructor(*args).data_in_transaction)[2:])
    except (Web3Exception, TypeError, ValueError) as unfit:
        raise ChainError(f"the constructor of {artifact.name} cannot be encoded: {unfit}") from None


def decode_revert(data: bytes, abis: Iterable[Abi]) -> Refusal:
    """Names the custom error in revert data, with its facts by name: bytes as 0x text, numbers as int.

    Also Solidity's own `Error` (message) and `Panic` (code, meaning). No data at all is `EmptyRevert` (want
    of gas looks like that); what no ABI knows, or is cut off, is `UnknownError` with selector and data.
    """
    selector, body = data[:4], data[4:]
    unknown = Refusal("UnknownError", {"selector": "0x" + selector.hex(), "data": "0x" + data.hex()})
    if not data:
        return Refusal("EmptyRevert")
    try:
        if selector == _selector("Error(string)"):
            return Refusal("Error", {"message": abi_decode(["string"], body)[0]})
        if selector == _selector("Panic(uint256)"):
            code = abi_decode(["uint256"], body)[0]
            return Refusal("Panic", {"code": code, "meaning": PANICS.get(code, "see Solidity's manual")})
        for entry in (entry for abi in abis for entry in abi if entry.get("type") == "error"):
            types = [collapse_if_tuple(part) for part in entry["inputs"]]
            if selector == _selector(f"{entry['name']}({','.join(types)})"):
                names = [part["name"] or f"arg{n}" for n, part in enumerate(entry["inputs"])]
                values = map(_fact, abi_decode(types, body), types)
                return Refusal(entry["name"], dict(zip(names, values, strict=True)))
    except DecodingError:
        return unknown
    return unknown


def _fact(value: Any, kind: str) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return to_checksum_address(value) if kind == "address" else value


@cache
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def _decode(types: Sequence[str], data: bytes, what: str) -> tuple[Any, ...]:
    try:
        return tuple(abi_decode(types, data))
    except DecodingError as wrong:
        raise ChainError(
            f"the answer to {what} cannot be read ({wrong}): is this the pinned contract?"
        ) from None


def _typed(abi: Abi) -> ABI:
    return abi  # type: ignore[return-value]
