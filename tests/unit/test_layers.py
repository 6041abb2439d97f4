"""Who may know whom: cluster -> actors -> storage -> simulation, and which rooms Ray and numba are kept to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from repository import ROOT, modules

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def test_the_contracts_of_the_layers_hold():
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ray_is_imported_in_cluster_and_in_actors_remote_only():
    lower_rooms = modules("simulation", "storage", "actors")
    assert [module.name for module in lower_rooms if module.imports("ray")] == ["actors/remote.py"]


def test_numba_is_imported_where_things_are_compiled_only():
    assert [module.name for module in modules() if module.imports("numba") or module.imports("llvmlite")] == [
        "simulation/addresses.py",
        "simulation/compiling.py",
        "simulation/jit.py",
        "simulation/wei.py",
        "simulation/wide.py",
    ]
