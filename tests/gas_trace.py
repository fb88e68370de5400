"""Where the gas of one call goes: a trace of its steps, added up by what they do.

A step costs what is left before it less what is left after it; a call costs what it does not hand on to the called.
It measures and does not judge; that the parts make the whole is checked here, so that no step is forgotten or counted
twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from web3.types import RPCEndpoint

from ledger.rpc_chain import RpcChain

TRANSACTION: Final = 21_000
ECRECOVER: Final = 3_000
REFUND_SHARE: Final = 5
"""At most a fifth of the gas is given back (EIP-3529)."""
STORAGE: Final = ("cold read", "warm read", "new word", "changed word", "journal head")
CALLS: Final = ("CALL", "STATICCALL", "DELEGATECALL")
HASHING: Final = "hashing"

Step = Mapping[str, Any]


def calldata_gas(data: bytes) -> int:
    """4 for a zero byte, 16 for another (EIP-2028)."""
    zeros = data.count(0)
    return 4 * zeros + 16 * (len(data) - zeros)


def trace(chain: RpcChain, to: str, data: bytes, *, gas: int, head_slot: int) -> Counter[str]:
    """What this call would cost in the next block, by kind; the parts add up to the receipt's figure.

    `head_slot` is where the called contract keeps its journal head. Parts inside a read-only call of another contract
    or of itself are named `check: …`.
    """
    call = {"from": chain.account, "to": to, "data": "0x" + data.hex(), "gas": hex(gas)}
    options = {"enableMemory": False, "disableStorage": True}
    answer = chain.web3.provider.make_request(RPCEndpoint("debug_traceCall"), [call, "latest", options])
    found = answer["result"]
    assert not found["failed"], f"the call is refused: {found['returnValue']}"
    parts = Counter({"transaction": TRANSACTION, "calldata": calldata_gas(data)})
    for kind, cost in _steps(found["structLogs"], head_slot):
        parts[kind] += cost
    spent = parts.total()
    parts["refund"] = -min(int(found["structLogs"][-1]["refund"]), spent // REFUND_SHARE)
    assert parts.total() == found["gas"], (parts, parts.total(), found["gas"])
    return parts


def storage_gas(parts: Mapping[str, int]) -> int:
    """Reads and writes of storage, the registry's too, less what is given back for cleared words."""
    kinds = (*STORAGE, *(f"check: {kind}" for kind in STORAGE), "refund")
    return sum(parts.get(kind, 0) for kind in kinds)


def _steps(steps: Sequence[Step], head_slot: int) -> Iterator[tuple[str, int]]:
    inside = [False]  # by depth: is this frame part of a read-only call?
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        depth = step["depth"]
        del inside[depth:]
        kind, cost = _kind(step, head_slot), int(step["gasCost"])
        if step["op"] in CALLS:
            assert after is not None
            if after["depth"] > depth:
                cost -= int(after["gas"])
                inside.append(inside[-1] or step["op"] == "STATICCALL")
            else:  # a precompile: the one that is asked is ecrecover
                cost = int(step["gas"]) - int(after["gas"]) - ECRECOVER
                yield "signature", ECRECOVER
        yield (f"check: {kind}" if inside[depth - 1] else kind), cost


def _kind(step: Step, head_slot: int) -> str:
    op, cost = step["op"], int(step["gasCost"])
    if op in ("SLOAD", "SSTORE") and int(step["stack"][-1], 16) == head_slot:
        return "journal head"
    match op:
        case "SLOAD":
            return "cold read" if cost >= 2_100 else "warm read"
        case "SSTORE":
            return "new word" if cost >= 20_000 else "changed word"
        case "KECCAK256":
            return HASHING
        case "STATICCALL" | "DELEGATECALL" | "CALL":
            return "call"
    return "event" if op.startswith("LOG") else "computing"
