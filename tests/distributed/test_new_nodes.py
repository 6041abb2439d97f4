"""A node on which nobody has compiled: its actors do it once, one of them for all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from repository import ROOT

COMPILE = """
from actors.warming import compile_kernel, compile_sessions, is_compiled, SMALLEST
from simulation.scenario import Scenario
from numba.core.compiler import CompilerBase

compiled, compile_extra = [], CompilerBase.compile_extra
CompilerBase.compile_extra = lambda self, function: (compiled.append(function), compile_extra(self, function))[1]
compile_sessions()
assert is_compiled(Scenario.model_validate(SMALLEST))
print(len(compiled))
"""


@pytest.mark.slow  # it compiles everything anew
@pytest.mark.timeout(1800)
def test_of_two_processes_on_a_new_node_one_compiles_and_the_other_waits_for_it(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", COMPILE], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    fewest, most = sorted(int(process.communicate()[0]) for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert fewest == 0
    assert most > 50
