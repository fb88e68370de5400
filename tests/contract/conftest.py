"""What every test of a verb begins with."""

from __future__ import annotations

import pytest

from tests.contract.verifying import KEYS, allow
from tests.rig import Revm, Rig


@pytest.fixture
def rig() -> Rig:
    """Both contracts on revm, the cast admitted, the line of 10,000,000.00 granted."""
    rig = Rig(Revm())
    rig.grant()
    return rig


@pytest.fixture
def open_rig(rig: Rig) -> Rig:
    """As `rig`, with OpenZeppelin's three verifiers listed and active."""
    allow(rig, *(key.verifier for key in KEYS))
    return rig
