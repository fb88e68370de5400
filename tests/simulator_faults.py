"""The faults that the simulator draws from: what the pipeline has to survive, each as a function of a round.

A fault gives a few words for the trace, or None where it could not happen just then. None of them heals by itself but
those that are meant for a number of calls; the round ends with everything healed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from eth_account import Account
from sqlalchemy import select, update

from ledger.errors import InputError
from ledger.outbox import SENT, UNKNOWN
from ledger.outbox_acts import retry, withdraw
from ledger.outbox_tables import BatchRow, OutboxRow
from tests.hostile_node import (
    EVERY,
    Fault,
    changed,
    cut,
    failed_after,
    garbage,
    half_json,
    lost_reply,
    skipped_logs,
    status,
    truncated,
)
from tests.simulator_node import SimNode
from tests.simulator_state import ACCOUNTS, BASE_FEE, CHAIN_ID, KEYS, decoded
from tests.simulator_wire import Line, from_an_older_block, late, late_answer

if TYPE_CHECKING:
    from tests.simulator_round import Round

DEAR: Final = 40 * BASE_FEE
_READS: Final = (
    "eth_getBlockByNumber",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_blockNumber",
    "eth_getLogs",
    "eth_call",
)


def _some_line(world: Round) -> Line:
    return world.rng.choice([each for host, each in world.lines.items() if not host.startswith("judge")])


def _wire(fault: Callable[[], Fault], *methods: str) -> Callable[[Round], str]:
    def happen(world: Round) -> str:
        line, times = _some_line(world), world.rng.choice((1, 1, 2, 5))
        method = world.rng.choice(methods or (EVERY, *_READS))
        line.script(method, fault(), times=times)
        return f"{method} x{times} at {line.url}"

    return happen


def _lost_answer(world: Round) -> str:
    line = world.rng.choice([each for host, each in world.lines.items() if host.startswith("relay")])
    fault = world.rng.choice((lost_reply, late_answer, failed_after(504), truncated))
    line.script("eth_sendRawTransaction", fault, times=world.rng.choice((1, 2)))
    return f"{line.url}"


def _behind(world: Round) -> str:
    line = _some_line(world)
    assert line.node is not None
    line.height_limit = max(line.node.head.number - world.rng.randrange(1, 8), 1)
    return f"{line.url} at {line.height_limit}"


def _old_answer(world: Round) -> str:
    line, method = _some_line(world), world.rng.choice(_READS)
    line.script(method, from_an_older_block(world.rng.randrange(1, 6)), times=world.rng.choice((1, 3)))
    return f"{method} at {line.url}"


def _skips(world: Round) -> str:
    line = _some_line(world)
    assert line.node is not None
    top = line.node.head.number
    line.script(
        "eth_getLogs", skipped_logs(top - world.rng.randrange(6), top), times=world.rng.choice((1, 2, 4))
    )
    return line.url


def _without_logs(receipt: Any) -> Any:
    return receipt and receipt | {"logs": []}


def _other_genesis(block: Any) -> Any:
    return block | {"hash": "0x" + "cd" * 32} if block and block["number"] == "0x0" else block


def _other_chain(world: Round) -> str:
    line = _some_line(world)
    line.script("eth_getBlockByNumber", changed(_other_genesis), times=None)
    for worker in world.works.workers:  # who is put before another node, begins anew
        if worker.line is line or worker.witness is line:
            world.works.kill(worker)
            world.works.start(worker)
    return line.url


def _well(world: Round) -> str:
    for line in world.lines.values():
        line.heal()
    for node in world.network.nodes:
        node.floor = node.mining_floor = 0
    world.disk.make_room()
    return ""


# ---- the chain -----------------------------------------------------------------------------------------------


def _nodes(world: Round) -> tuple[SimNode, ...]:
    """Those that a change of the chain concerns: both, or one where they are parted."""
    return (world.rng.choice(world.network.nodes),) if world.network.parted else world.network.nodes


def _reorganisation(world: Round) -> str | None:
    return _fork(world, world.rng.choice(world.network.nodes), world.rng.choice((1, 1, 2, 3, 5, 8, 13, 20)))


def _deep(world: Round) -> str | None:
    """Deeper than the margin of some workers, from below a block that was mined with all that waited."""
    node = world.rng.choice(world.network.nodes)
    node.mine(node.ready(node.senders()))
    world.network.share(node)
    for worker in world.works.workers:
        world.works.turn(worker)
    for _ in range(6):
        node.mine()
    world.network.share(node)
    for worker in world.works.workers:
        world.works.turn(worker)
    return _fork(world, node, 8)


def _fork(world: Round, node: SimNode, depth: int) -> str | None:
    depth = min(depth, len(node.blocks) - (len(world.base.blocks) - 20))
    if depth < 1:
        return None
    keeping = world.rng.random() < 0.7
    node.fall_back(depth, keeping=keeping)
    for _ in range(depth + 1):
        senders = node.senders()
        world.rng.shuffle(senders)
        node.mine(node.ready(senders) if world.rng.random() < 0.5 else ())
    world.network.share(node)
    return f"of {depth} on {node.name}, {'kept' if keeping else 'lost'}"


def _older_state(world: Round) -> str | None:
    nodes = _nodes(world)
    room = min(len(node.blocks) for node in nodes) - (len(world.base.blocks) - 20)
    depth = min(world.rng.randrange(1, 8), room)
    if depth < 1:
        return None
    for node in nodes:
        node.fall_back(depth, keeping=False)
        node.pool.clear()
    return f"{depth} blocks"


def _restarted(world: Round) -> str:
    for node in _nodes(world):
        node.pool.clear()
    return ""


def _dropped(world: Round) -> str | None:
    waiting = sorted({key for node in world.network.nodes for key in node.pool})
    if not waiting:
        return None
    key = world.rng.choice(waiting)
    for node in world.network.nodes:
        node.pool.pop(key, None)
    return f"nonce {key[1]} of {key[0][:6]}"


def _stuck(world: Round) -> str:
    for node in world.network.nodes:
        node.mining_floor = world.rng.choice((DEAR, 3 * DEAR))
    return ""


def _underpriced(world: Round) -> str:
    for node in world.network.nodes:
        node.floor = DEAR
    return ""


def _stranger(world: Round) -> str:
    place = world.rng.randrange(2)
    node = world.rng.choice(world.network.nodes)
    account, key = ACCOUNTS[place], KEYS[place]
    nonce = node.head.nonces.get(account, 0) + world.rng.choice((0, 0, 1))
    fee = 10_000 * BASE_FEE
    told = {"chainId": CHAIN_ID, "nonce": nonce, "gas": 21_000, "value": 1, "to": account, "data": b""}
    signed = Account.from_key(key).sign_transaction(told | {"maxFeePerGas": fee, "maxPriorityFeePerGas": fee})
    tx = decoded(bytes(signed.raw_transaction))
    node.hear(tx)
    assert node.said is not None
    node.said(node, tx)
    return f"nonce {nonce} of relay {place}"


def _parted(world: Round) -> str:
    if world.network.parted:
        world.network.meet()
        return "no more"
    world.network.parted = True
    return ""


def _stalled(world: Round) -> str:
    world.stalled = world.rng.randrange(2, 8)
    return f"for {world.stalled}"


def _time_jumps(world: Round) -> str:
    days = world.rng.choice((1, 3))
    world.ahead += days * 86_400
    return f"{days} days"


# ---- the database and the processes --------------------------------------------------------------------------


def _commit_lost(*, arrives: bool) -> Callable[[Round], str]:
    def happen(world: Round) -> str:
        world.disk.lose_commit(arrives=arrives)
        return ""

    return happen


def _full(world: Round) -> str:
    world.disk.fill()
    return ""


def _taken_out(world: Round) -> str | None:
    """An operator takes items out of an open batch that was given up: for good, to sign them anew, or to try again."""
    if world.disk.full or world.disk.losing:
        return None
    with world.desk.writing() as session:
        query = select(BatchRow).where(BatchRow.status == "open", BatchRow.left_at.is_(None))
        batches = [batch for batch in session.scalars(query.order_by(BatchRow.number)) if batch.items]
        if not batches:
            return None
        batch = world.rng.choice(batches)
        mine = (OutboxRow.batch == batch.number, OutboxRow.status.in_((SENT, UNKNOWN)))
        rows = list(session.scalars(select(OutboxRow).where(*mine).order_by(OutboxRow.number)))
        families = [
            (row.number, bytes(row.subject or b"")[:20]) for row in session.scalars(select(OutboxRow))
        ]
        session.execute(update(OutboxRow).where(*mine).values(status=UNKNOWN))
        # what others were signed to follow keeps its place before them
        last = [
            row.number
            for row in rows
            if not any(
                number > row.number and row.subject[:20] == of for number, of in families if row.subject
            )
        ]
        numbers = [row.number for row in rows]
    told: dict[str, Any] = {"who": "operator", "reason": "it hangs", "clock": lambda: world.now}
    for number in last:
        if world.rng.random() < 0.6:
            withdraw(world.desk, number, **told)
            world.again(number)
    for number in numbers:
        with suppress(InputError):  # it was withdrawn, or went on with another one
            retry(world.desk, number, **told)
    return f"from batch {batch.number} with {numbers}"


def _copied(world: Round) -> str:
    world.disk.back_up(world.copy)
    world.kept_in_copy = len(world.kept)
    return f"with {world.kept_in_copy} items"


def _put_back(world: Round) -> str:
    world.restore()
    return ""


def _killed(world: Round) -> str:
    worker = world.rng.choice(world.works.workers)
    world.works.kill(worker)
    return worker.name


def _doomed(world: Round) -> str:
    worker = world.rng.choice(world.works.workers)
    return f"{worker.name} {world.works.doom(worker, world.rng)}"


FAULTS: Final[Mapping[str, Callable[[Any], str | None]]] = MappingProxyType(
    {
        "502": _wire(lambda: status(502)),
        "429": _wire(lambda: status(429)),
        "no answer in time": _wire(lambda: late),
        "garbage": _wire(garbage),
        "half an answer": _wire(lambda: half_json),
        "connection cut": _wire(lambda: cut),
        "answer lost after the node took it": _lost_answer,
        "node behind": _behind,
        "answer of an older block": _old_answer,
        "skipped logs": _skips,
        "receipt without logs": _wire(lambda: changed(_without_logs), "eth_getTransactionReceipt"),
        "another chain": _other_chain,
        "reorganisation": _reorganisation,
        "deep reorganisation": _deep,
        "older state": _older_state,
        "node restarted": _restarted,
        "dropped": _dropped,
        "stuck": _stuck,
        "underpriced": _underpriced,
        "foreign transaction": _stranger,
        "nodes that disagree": _parted,
        "stalled": _stalled,
        "block time jumps": _time_jumps,
        "commit lost, and it took effect": _commit_lost(arrives=True),
        "commit lost, and it did not": _commit_lost(arrives=False),
        "disk full": _full,
        "taken out by an operator": _taken_out,
        "database copied": _copied,
        "database put back": _put_back,
        "killed": _killed,
        "killed at a crash point": _doomed,
        "all is well for a while": _well,
    }
)
"""By name, as `Round.met` counts them."""
