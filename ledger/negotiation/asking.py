"""Asking a service of somebody else's over HTTP: with a limit on time and length, and never where it points to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import requests

SECONDS: Final = 10
"""To connect, and between two parts of an answer."""
MOST_BYTES: Final = 64 * 1024


class Unanswered(Exception):
    """There is no answer, or one that is too long; `why` names the kind of trouble and nothing secret."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def ask(
    address: str,
    *,
    form: Mapping[str, str] | bytes | None = None,
    media_type: str | None = None,
    login: tuple[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and content of a GET, or with `form` of a POST; `media_type` of a form that is bytes; `login`: HTTP basic.
    Unanswered."""
    try:
        with requests.request(
            "GET" if form is None else "POST",
            address,
            data=form,
            headers={} if media_type is None else {"Content-Type": media_type},
            auth=login,
            timeout=SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            content = bytearray()
            for part in answer.iter_content(16 * 1024):
                content += part
                if len(content) > MOST_BYTES:
                    raise Unanswered(f"an answer longer than {MOST_BYTES:,} bytes")
            return answer.status_code, bytes(content)
    except requests.RequestException as away:
        raise Unanswered(type(away).__name__) from None
