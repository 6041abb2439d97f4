"""Runs as jobs of a cluster that was started by hand, whose nodes do not have the project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import head_node
import pytest
import yaml
from busy import busy_scenario
from tenacity import retry, stop_after_delay, wait_fixed

TOKEN = "a token of these tests, which is long enough"


@pytest.fixture(scope="module", params=[TOKEN, pytest.param(None, marks=pytest.mark.slow)], ids=["token", "no token"])
def node(request, server, execute, template):
    """Start the cluster; its nodes find the database's URL in a file."""
    name = f"jobs_{'token' if request.param else 'open'}"
    execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    node = head_node.start(server.url(name), request.param)
    yield node
    node.stop()


@pytest.fixture
def url(node):
    """Let ``store`` open the database of the jobs."""
    return node.database_url


@pytest.fixture
def paperdex(node, tmp_path):
    """Return a function that runs a command beside the cluster, in a folder with a scenario."""
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(busy_scenario().model_dump(mode="json")))

    def paperdex(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "cluster.cli", *arguments, "--address", node.dashboard],
            cwd=tmp_path, env={**os.environ, **node.environment, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return paperdex


def test_a_run_as_a_job_is_followed_and_comes_to_the_same_on_a_node_without_the_project(paperdex, undisturbed, store):
    done = paperdex("submit", "run", "mine.yaml", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["digest"] == undisturbed.summary.digest
    assert store.run(result["run_id"]).digest == result["digest"]
    (job,) = re.findall(r"^Job (paperdex-run-[0-9a-f]{8})$", done.stderr, re.MULTILINE)
    assert re.search(r"^block 1,200 of 1,200", done.stderr, re.MULTILINE)
    (told,) = [one for one in json.loads(paperdex("status", "--json").stdout) if one["job"] == job]
    assert (told["status"], told["exit_status"], told["command"]) == ("SUCCEEDED", 0, "paperdex run mine.yaml --json")


def test_the_exit_status_of_a_job_is_the_command_s(paperdex):
    done = paperdex("submit", "run", "--resume", "0123")
    assert done.returncode == 2
    assert "0123" in done.stdout


def test_a_job_that_is_stopped_closes_its_run(paperdex, store):
    name = paperdex("submit", "run", "mine.yaml", "--blocks", "1000000", "--no-wait").stdout.strip()
    _trades(store)
    stopped = paperdex("stop", name)
    assert (stopped.returncode, stopped.stdout) == (
        0,
        f"{name} is being stopped; `paperdex status {name}` tells when.\n",
    )
    told = _ended(paperdex, name)
    assert (told["status"], told["exit_status"]) == ("STOPPED", 130)
    assert store.run(store.resolve_run("latest")).status == "STOPPED"
    assert paperdex("stop", name).stderr == f"{name} has ended already, STOPPED.\n"


@retry(stop=stop_after_delay(90), wait=wait_fixed(0.5), reraise=True)
def _trades(store):
    run = store.run(store.resolve_run("latest"))
    assert run.status == "RUNNING"
    assert store.counts(run.run_id).trades > 0


@retry(stop=stop_after_delay(90), wait=wait_fixed(0.5), reraise=True)
def _ended(paperdex, name):
    told = json.loads(paperdex("status", name, "--json").stdout)
    assert told["ended_at"]
    return told


def test_what_a_cluster_cannot_do_is_one_sentence(paperdex, node):
    nobody = paperdex("status", "paperdex-run-0")
    assert (nobody.returncode, nobody.stderr) == (2, f"paperdex-run-0 is no job of the cluster at {node.dashboard}.\n")
    if node.environment["RAY_AUTH_MODE"] == "token":
        stranger = paperdex("status", RAY_AUTH_TOKEN="another token, which is as long", RAY_AUTH_TOKEN_PATH="")
        assert (stranger.returncode, stranger.stderr) == (2, (
            f"--address {node.dashboard} wants another token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file "
            "that its nodes have too.\n"
        ))  # fmt: skip
