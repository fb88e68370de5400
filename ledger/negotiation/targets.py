"""Where a webhook may lead, and the one way there.

An organisation names the address, so that it may be anybody's: also one of our own network, where a request from here
is trusted more than one from outside. Therefore only https, no redirect, no proxy, and every address that the name
stands for is looked at when the connection is made, which goes to one that was looked at and to no other: so a name
that means something else a moment later gains nothing. Nothing of the answer is read but its status.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ledger.errors import InputError

LONGEST_URL: Final = 500
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""IPv6 addresses that stand for the IPv4 address in their last 32 bits (RFC 6052, RFC 8215)."""
_PORTS: Final = {"http": 80, "https": 443}
_NUMBER: Final = re.compile("[0-9]+|0x[0-9a-f]*")


class Unreached(Exception):
    """It was not delivered; `why` names the kind of trouble."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """`local`: names of this machine that may be called too, without https, for an installation that is tried out.
    `seconds`: for all of one delivery, once connected."""

    local: frozenset[str] = frozenset()
    seconds: float = 10.0

    def require(self, url: str) -> None:
        """InputError for an address that nothing is ever sent to."""
        self._parts(url)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer. Unreached."""
        try:
            parts = self._parts(url)
        except InputError as unfit:
            raise Unreached(str(unfit)[:100]) from None
        host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        connection = _Pinned(host, port, self._address(host, port), parts.scheme, self.seconds)
        watch = threading.Timer(self.seconds, connection.cut)
        watch.daemon = True
        watch.start()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", path, body, dict(headers))
            status = connection.getresponse().status
            if connection.was_cut:  # what came until then looks like an answer
                raise TimeoutError
            return status
        except (OSError, HTTPException, ValueError) as failed:
            raise Unreached(type(failed).__name__) from None
        finally:
            watch.cancel()
            connection.close()

    def _parts(self, url: str) -> SplitResult:
        unfit = InputError("a webhook's address begins with https:// and names a host of the public internet")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise unfit from None
        if len(url) > LONGEST_URL or not host or not url.isascii() or not url.isprintable() or " " in url:
            raise unfit
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise unfit
        if host in self.local:
            return parts
        try:
            fit = _is_public(ip_address(host))
        except (
            ValueError
        ):  # a name; what ends in a number is an address in a way of writing that resolvers take
            fit = _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is None
        if not fit:
            raise unfit
        if (
            parts.scheme != "https"
            or host.endswith((".local", ".internal", ".localhost"))
            or host == "localhost"
        ):
            raise unfit
        return parts

    def _address(self, host: str, port: int) -> str:
        """One address that the name stands for, where all of them are public."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise Unreached("the host's name is not known") from None
        addresses = [str(each[4][0]).partition("%")[0] for each in found]
        if host not in self.local and not all(_is_public(ip_address(each)) for each in addresses):
            raise Unreached("the host's address is not a public one")
        return addresses[0]


class _Pinned(HTTPConnection):
    """A connection to an address that was looked at, for the host that it was looked up for."""

    def __init__(self, host: str, port: int, address: str, scheme: str, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._address, self._secure = address, scheme == "https"
        self.default_port = _PORTS[scheme]
        self.was_cut = False

    def connect(self) -> None:
        """Only there, and with a certificate for the host."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def cut(self) -> None:
        """Ends it, however little at a time the other side sends."""
        self.was_cut = True
        sock = self.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    inner = _inner(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return _is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
