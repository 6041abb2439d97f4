"""A cache of compiled code for each process of ``pytest -n``, and all that it starts.

Two processes that compile different signatures of one function into the same cache at the same time can leave one's
code under the other's name. Each begins with what the user's own cache has, so that nobody compiles that again.
Imported before anything that compiles.
"""

from __future__ import annotations

import os
import shutil

import numba
import platformdirs

from simulation import jit

NAME = os.environ.get("PYTEST_XDIST_WORKER")

if NAME is not None:
    users = jit.cache_folder()
    os.environ["XDG_CACHE_HOME"] = str(platformdirs.user_cache_path("paperdex-tests") / NAME)
    own = jit.cache_folder()
    numba.config.CACHE_DIR = str(own)
    if any(users.glob("*.compiled")) and not own.exists():
        shutil.copytree(users, own)
