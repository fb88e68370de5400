"""A wire to a PostgreSQL server that breaks when a test wants it to, exactly at a COMMIT too.

with hostile_wire(server.port) as wire:
    store = open_store(wire.url(address))
    wire.cut_commit(arrives=False)     the next COMMIT never reaches the server
    wire.cut_commit(arrives=True)      the server commits, its word never comes back
    wire.cut()                         all connections at once, now
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import make_url

_COMMIT = b"COMMIT\x00"
"""The text of the statement, as every driver sends it."""


@dataclass
class HostileWire:
    """The wire as a test holds it. `commits` counts those that went by or were cut."""

    server: int
    port: int = 0
    commits: int = 0
    _armed: list[bool] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[socket.socket] = field(default_factory=set)

    def url(self, address: str) -> str:
        """The address of the database behind this wire."""
        return make_url(address).set(port=self.port).render_as_string(hide_password=False)

    def cut_commit(self, *, arrives: bool) -> None:
        """The connection of the next COMMIT breaks, before the server has it or before its answer is delivered."""
        with self._lock:
            self._armed.append(arrives)

    def cut(self) -> None:
        """Breaks every connection that is open now."""
        with self._lock:
            for each in self._open:
                _end(each)

    def carry(self, client: socket.socket) -> None:
        """Serves one connection until one of the two ends closes it or it is cut."""
        try:
            server = socket.create_connection(("127.0.0.1", self.server))
        except OSError:  # the server is down
            client.close()
            return
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
        last_word = threading.Event()
        back = threading.Thread(target=self._carry_back, args=(server, client, last_word), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                arrives = self._verdict(data)
                if arrives is False:
                    break
                if arrives:
                    last_word.set()
                server.sendall(data)
                if arrives:
                    back.join()
                    break
        for each in (client, server):
            _end(each)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _carry_back(self, server: socket.socket, client: socket.socket, last_word: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65_536)) and not last_word.is_set():
                client.sendall(data)
        _end(client)

    def _verdict(self, data: bytes) -> bool | None:
        """Whether the COMMIT in this data arrives at the server; None where nothing is to be cut."""
        if _COMMIT not in data:
            return None
        with self._lock:
            self.commits += 1
            return self._armed.pop(0) if self._armed else None


@contextmanager
def hostile_wire(server: int) -> Iterator[HostileWire]:
    """A wire on a free port to the server on this port of the machine."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        wire = HostileWire(server, port=int(door.getsockname()[1]))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = door.accept()
                    threading.Thread(target=wire.carry, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield wire
        finally:
            door.shutdown(socket.SHUT_RDWR)
            wire.cut()


def _end(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
