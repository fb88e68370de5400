"""The gateway's process killed while it works on a request, and started again."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ledger.crash_points import REQUEST_POINTS
from tests.gateway.served import SECONDS, accepted, desk, serving, until
from tests.ledger.office import A


def test_killed_between_request_and_answer_at_one_step_after_the_other_it_is_done_once_all_the_same(
    installation: tuple[Path, dict[str, Any]],
) -> None:
    directory, offer = installation
    for point in REQUEST_POINTS:
        with serving(directory, dies_at=point) as (process, url), desk(url, A) as supplier:
            with pytest.raises(httpx2.TransportError):
                accepted(supplier, offer["id"])
            assert process.wait(SECONDS) == -signal.SIGKILL, point
    with serving(directory) as (process, url), desk(url, A) as supplier:
        again = accepted(supplier, offer["id"])
        assert (again.status_code, again.json()["status"]) == (202, "complete")
        until(lambda: supplier.get(f"/vouchers/{offer['voucher']}").status_code == 200, process, directory)
        assert len(supplier.get("/vouchers", params={"held": True}).json()["items"]) == 1
