"""What every test of a verb begins with."""

from __future__ import annotations

import pytest

from tests.rig import Revm, Rig


@pytest.fixture
def rig() -> Rig:
    """Both contracts on revm, the cast admitted, the line of 10,000,000.00 granted."""
    rig = Rig(Revm())
    rig.grant()
    return rig
