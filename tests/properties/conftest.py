"""Tests of this folder stay in their process."""

from __future__ import annotations

from hermetic import hermetic  # noqa: F401 -- a fixture for every test of the folder
