"""Logs for machines: one JSON object a line, with the ids that it is about, and never a secret.

    write_logs    from here on this process logs to a stream (standard error), as JSON
    JsonLines     the form: time, level, logger, event, and whatever of `IDS` was given as `extra`

A line has the numbers of its items, the hash of its transaction, the blocks of its stretch, the id of its request. What
is told to be secret is starred out wherever it turns up, and so is what an address carries besides its host: user,
password, path and query (a node's key often stands in its path). Nothing is logged here, and no file is opened.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO
from urllib.parse import parse_qsl, quote, unquote, urlsplit

IDS: Final = (
    "item",
    "items",
    "digest",
    "verb",
    "refusal",
    "batch",
    "nonce",
    "account",
    "tx",
    "replaced",
    "block",
    "blocks",
    "events",
    "contract",
    "request",
    "method",
    "path",
    "status",
    "seconds",
)
"""What a line may say it is about, in this order; bytes are written as 0x text."""
OURS: Final = ("ledger", "gateway")
"""The loggers whose lines are ours."""
STARS: Final = "***"
LONG: Final = 16
"""Letters from which on a piece of an address is taken for a key."""
_ADDRESS: Final = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*)://[^\s'\"<>]+")
_PASSWORD: Final = re.compile(
    r"(?i)\b((?:ssl)?password|passphrase|pgpassword)(\s*[=:]\s*)(?!\*\*\*)[^\s,;&'\"]+"
)
_STARRED: Final = rf"\1\2{STARS}"


class JsonLines(logging.Formatter):
    """Writes a record as one line. `secrets`: texts that must not get out, in whatever way they are quoted."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        known = {form for secret in secrets if secret.strip() for form in _forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if known else None

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: record.__dict__[name] for name in IDS if record.__dict__.get(name) is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(self._clean(line), ensure_ascii=False)

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, bytes):
            return self._clean("0x" + value.hex())
        if isinstance(value, Mapping):
            return {str(key): self._clean(each) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset | range):
            return [self._clean(each) for each in value]
        return self._starred(str(value))

    def _starred(self, text: str) -> str:
        if self._secret is not None:
            text = self._secret.sub(STARS, text)
        if "://" in text:
            text = _ADDRESS.sub(_host_alone, text)
        return _PASSWORD.sub(_STARRED, text) if "pass" in text.lower() else text


def write_logs(
    *, secrets: Iterable[str] = (), stream: TextIO | None = None, level: int = logging.INFO
) -> logging.Handler:
    """Logs of this process go to the stream (None: standard error): ours from `level` on, those of libraries from
    WARNING on. Once more: instead of before. Gives the handler, for who wants to take it away again."""
    root = logging.getLogger()
    for present in [each for each in root.handlers if isinstance(each.formatter, JsonLines)]:
        root.removeHandler(present)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for ours in OURS:
        logging.getLogger(ours).setLevel(level)
    logging.captureWarnings(True)
    return handler


def secrets_in(address: str) -> list[str]:
    """What of the address of a node or database is not to be seen: its password, and what is so long that it may be
    a key (in a user, a path or a query)."""
    try:
        parts = urlsplit(address)
        password = parts.password
    except ValueError:
        return [address]
    named = [value for name, value in parse_qsl(parts.query) if name.lower().endswith("password")]
    pieces = re.split(r"[/&=?]", "/".join((parts.username or "", parts.path, parts.query)))
    return [each for each in (password, *named, *(each for each in pieces if len(each) >= LONG)) if each]


# Inside


def _forms(secret: str) -> set[str]:
    secret = secret.strip()
    bare = re.sub("^0[xX]", "", secret) if len(secret) > 32 else secret
    return {form for text in (secret, bare) for form in (text, quote(text, safe=""), unquote(text)) if form}


def _host_alone(found: re.Match[str]) -> str:
    """An address with its host and, of a database, its name."""
    try:
        parts = urlsplit(found.group(0))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{found.group(1)}://{STARS}"
    where = host + (f":{port}" if port else "")
    database = parts.path if parts.scheme.startswith(("postgres", "sqlite")) else ""
    return f"{parts.scheme}://{where}{database}"
