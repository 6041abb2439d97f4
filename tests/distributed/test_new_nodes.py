"""A node on which nobody has compiled: its actors do it once, one of them for all. One without the project is brought it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import head_node
import pytest
import small_sweeps
from busy import busy_scenario
from command import Command
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


@pytest.fixture
def bare(url):
    """Start a cluster whose node has what the project depends on, and not the project."""
    node = head_node.start(url)
    yield node
    node.stop()


@pytest.mark.slow  # it starts a cluster of its own; what travels with a job is in test_jobs.py
@pytest.mark.parametrize("has_it", [False, True])
def test_nodes_are_brought_the_project_where_they_do_not_have_it_as_it_is_here(
    request, url, undisturbed, whole, tmp_path, monkeypatch, has_it
):
    monkeypatch.chdir(tmp_path)  # Ray lets actors on this machine import from where the command was called
    (tmp_path / "run.yaml").write_text(json.dumps(busy_scenario().model_dump(mode="json")))
    (tmp_path / "sweep.yaml").write_text(json.dumps(small_sweeps.file()))
    if has_it:
        address = request.getfixturevalue("ray_address")
    else:
        node = request.getfixturevalue("bare")
        address = node.address  # to which paperdex has come with a job, and is nevertheless not there
        job = Command(["run", "run.yaml", "--address", node.dashboard], what="submit", **node.environment)
        assert job.end()[0] == 0
    where = ["--database-url", url, "--ray-address", address]
    for what, digest in (("run", undisturbed.summary.digest), ("sweep", whole[0].digest)):
        status, stdout, stderr = Command([f"{what}.yaml", *where], what=what, RAY_AUTH_MODE="disabled").end()
        assert status == 0, stderr
        assert json.loads(stdout)["digest"] == digest
        assert ("bringing paperdex to the nodes" in stderr) is not has_it
        assert "Traceback" not in stderr
