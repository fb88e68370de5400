"""The near side of a process that reads events beside this one (`reading_child.py`).

Python does one thing at a time: while it takes a node's answers apart it writes nothing down. Where there is much to
read, a second process does the former. It is no part that has to work: while it is not ready yet, when it has ended,
and where an answer is not as expected, there is no answer from here, and whoever asked asks the node himself.
"""

from __future__ import annotations

import marshal
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ledger.errors import ChainError
from ledger.reading_child import Answer, received, sent

PIPE: Final = 1 << 20
"""Bytes that wait between the two processes: an answer goes through in one or two steps, not in twenty."""
_FOLDER: Final = str(Path(__file__).resolve().parent.parent)
_START: Final = "import sys; sys.path.insert(0, sys.argv[1]); from ledger.reading_child import main; main()"


class ReadingApart:
    """A process that reads the events of one node. `url` may have a password in it, and so goes through the pipe;
    `timeout`: seconds without a sign of life of the node, or of the process; `names`: those of the events that are
    asked for, by their first topic as 0x text."""

    def __init__(self, url: str, *, timeout: float, names: Mapping[str, str]) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._ready = self._over = False
        self._asked: tuple[int, int, tuple[str, ...]] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, _FOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=PIPE,
        )
        self._send(marshal.dumps((url, timeout, dict(names))))

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, first: int, last: int, contracts: Sequence[str]) -> None:
        """Asks what these contracts said in these blocks, both included, and waits for nothing. What was asked before
        is dropped where nobody has waited for it."""
        question = first, last, tuple(contracts)
        with self._lock:
            if self._is_ready() and question != self._asked:
                if self._asked is not None:
                    self._answer()
                self._asked = question if self._send(marshal.dumps(question)) else None

    def answer(self, first: int, last: int, contracts: Sequence[str]) -> Answer | None:
        """What these contracts said in these blocks, both included, asked before or now; None where the process has no
        answer. ChainError where the node, or the process, says nothing in time: to ask again would take as long."""
        self.ask(first, last, contracts)
        with self._lock:
            return None if self._asked is None else self._answer()

    def close(self) -> None:
        """Ends the process, whatever it does; one that is waiting for its answer has none then."""
        self._process.kill()
        with self._lock:
            self._end()

    def _answer(self) -> Answer | None:
        assert self._asked is not None
        (first, last, _), self._asked = self._asked, None
        if not self._has_said(2 * self._timeout):
            self._end()
            raise ChainError(
                f"the process that reads blocks {first} to {last} beside this one stands still: it was ended"
            )
        answer = self._received()
        if answer is not None and not answer:  # as `LATE`
            raise ChainError(
                f"the node did not tell the events of blocks {first} to {last} within {self._timeout:g} s"
            )
        return answer

    def _is_ready(self) -> bool:
        if not self._over and not self._ready and self._has_said(0):
            self._received()
            self._ready = not self._over
        return self._ready and not self._over

    def _has_said(self, seconds: float) -> bool:
        assert self._process.stdout is not None
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        return bool(poll.poll(seconds * 1_000))

    def _send(self, message: bytes) -> bool:
        assert self._process.stdin is not None
        try:
            sent(self._process.stdin, message)
        except OSError:
            self._end()
            return False
        return True

    def _received(self) -> Answer | None:
        assert self._process.stdout is not None
        message = received(self._process.stdout)
        if message is None:
            self._end()
            return None
        answer: Answer | None = marshal.loads(message)
        return answer

    def _end(self) -> None:
        if self._over:
            return
        self._over, self._asked = True, None
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not sent any more
                pipe.close()
