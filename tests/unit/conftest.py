"""Tests of this folder stay in their process."""

from __future__ import annotations

import pytest
from hermetic import hermetic  # noqa: F401 -- a fixture for every test of the folder


@pytest.fixture
def house(monkeypatch):
    """Return a function that makes a house whose actors meet the given fates."""
    from house import House  # brings Ray, which few of these tests need

    return lambda **fates: House(monkeypatch, fates)
