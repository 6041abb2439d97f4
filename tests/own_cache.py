"""A cache of compiled code for each process of ``pytest -n``, and all that it starts.

Two processes that compile different signatures of one function into the same cache at the same time can leave one's
code under the other's name. Imported before anything that reads where the cache is.
"""

from __future__ import annotations

import os

import platformdirs

NAME = os.environ.get("PYTEST_XDIST_WORKER")

if NAME is not None:
    os.environ["XDG_CACHE_HOME"] = str(platformdirs.user_cache_path("paperdex-tests") / NAME)
