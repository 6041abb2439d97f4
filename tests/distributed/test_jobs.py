"""Runs as jobs of a cluster that was started by hand, whose nodes do not have the project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import head_node
import prometheus
import pytest
import small_sweeps
import yaml
from busy import busy_scenario
from queries import ALERTS, FOLDER, OF_PANELS, RECORDED, RULES, compared
from questions import questions
from tenacity import retry, stop_after_delay, wait_fixed
from waiting import until

TOKEN = "a token of these tests, which is long enough"
LONG_RUN_BLOCKS = 1_000_000
LONG_SWEEP = {
    "name": "long",
    "scenario": busy_scenario(accounts=busy_scenario().accounts[1:2]).model_dump(mode="json"),
    "vary": {
        "strategy.stop_loss_percent": {"uniform": [0.5, 50], "step": 0.01},
        "strategy.decision_interval_blocks": {"integer": [4, 400]},
    },
    "markets": {"seeds": [9, 10]},
    "sampler": {"kind": "grid"},
}
TRIALS = """
    SELECT to_jsonb(trials) - 'trial_id' - 'sweep_id' - 'recorded_at' FROM trials WHERE sweep_id = %s ORDER BY point, market
"""
"""All of a sweep's trials that is a function of its file."""


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


@pytest.fixture(scope="module")
def command(node, tmp_path_factory):
    """Return a function that runs a command beside the cluster, in a folder with scenarios and sweeps."""
    folder = tmp_path_factory.mktemp("jobs")
    scenarios = {"mine": busy_scenario(), "short": busy_scenario(segment_blocks=10)}
    documents = {name: scenario.model_dump(mode="json") for name, scenario in scenarios.items()}
    for name, document in {**documents, "sweep": LONG_SWEEP, "exits": small_sweeps.file()}.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def command(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "cluster.cli", *arguments],
            cwd=folder, env={**os.environ, **node.environment, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return command


@pytest.fixture(scope="module")
def paperdex(node, command):
    """Return a function that runs a command which asks the dashboard of the cluster."""
    return lambda *arguments, **environment: command(*arguments, "--address", node.dashboard, **environment)


@pytest.fixture(scope="module")
def long_run(paperdex):
    """Start a run that goes on until it is stopped, and return its job."""
    return paperdex("submit", "run", "mine.yaml", "--blocks", str(LONG_RUN_BLOCKS), "--no-wait").stdout.strip()


@pytest.fixture(scope="module")
def scraped(node, tmp_path_factory):
    """Start a Prometheus beside the cluster."""
    if not prometheus.HERE:
        pytest.skip("Prometheus is not installed; Debian's package prometheus is what this test asks")
    started = prometheus.start(node.discovery, tmp_path_factory.mktemp("prometheus"))
    yield started
    started.stop()


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


@pytest.mark.slow  # a job more; sweeps themselves are in test_sweeps.py
def test_a_sweep_as_a_job_is_followed_and_comes_to_the_same_table_as_one_beside_its_cluster(paperdex, whole, sql):
    done = paperdex("submit", "sweep", "exits.yaml", "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    of_its_own = {"sweep_id": result["sweep_id"], "wall_seconds": result["wall_seconds"]}
    assert result == json.loads(json.dumps(whole[0].as_json())) | of_its_own
    with questions(whole[1]) as sql_of_whole:
        assert sql(TRIALS, result["sweep_id"]) == sql_of_whole(TRIALS, str(whole[0].sweep_id))
    (job,) = re.findall(r"^Job (paperdex-sweep-[0-9a-f]{8})$", done.stderr, re.MULTILINE)
    assert re.search(
        r"^trial 144 of 144 · .* million session-blocks/s · 0 s left · best trial so far ", done.stderr, re.MULTILINE
    )
    (told,) = [one for one in json.loads(paperdex("status", "--json").stdout) if one["job"] == job]
    command = "paperdex sweep exits.yaml --workers 2 --json"
    assert (told["status"], told["exit_status"], told["command"]) == ("SUCCEEDED", 0, command)


def test_the_exit_status_of_a_job_is_the_command_s(paperdex):
    done = paperdex("submit", "run", "--resume", "0123")
    assert done.returncode == 2
    assert "0123" in done.stdout


@pytest.mark.usefixtures("long_run")
def test_prometheus_has_an_answer_to_every_query_of_dashboard_and_rules(scraped, paperdex, store):
    sweep = paperdex("submit", "sweep", "sweep.yaml", "--workers", "1", "--no-wait").stdout.strip()
    run = str(_trades(store).run_id)[:8]
    for query in (*OF_PANELS, *RECORDED, *map(compared, ALERTS)):
        _answered(scraped, query)
    paperdex("stop", sweep)
    assert scraped.ask(f'ray_paperdex_run_length_blocks{{run="{run}"}}')[0][1] == LONG_RUN_BLOCKS
    assert dict(_by(scraped, f'ray_paperdex_sessions{{run="{run}"}}', "state")) == {
        "RUNNING": 3, "PAUSED": 0, "ERROR": 0, "STOPPED": 0, "COMPLETED": 0,
    }  # fmt: skip
    assert [(rule["name"], rule["health"]) for rule in scraped.rules()] == [
        (rule.get("record") or rule["alert"], "ok") for rule in RULES
    ]


@retry(stop=stop_after_delay(prometheus.PATIENCE_SECONDS), wait=wait_fixed(0.5), reraise=True)
def _answered(scraped, query):
    assert scraped.ask(query.expression), query


def _by(scraped, expression, label):
    return ((labels[label], value) for labels, value in scraped.ask(expression))


@pytest.mark.skipif(not prometheus.HERE, reason="Prometheus is not installed")
@pytest.mark.parametrize(("what", "file"), [("config", "prometheus.yml"), ("rules", "rules.yml")])
def test_prometheus_finds_no_mistake_in_what_it_is_given(what, file):
    checked = subprocess.run(["promtool", "check", what, FOLDER / file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_job_that_is_stopped_closes_its_run(node, paperdex, long_run, store):
    run = _trades(store)
    stopped = paperdex("stop", long_run)
    assert (stopped.returncode, stopped.stdout) == (
        0,
        f"{long_run} is being stopped; `paperdex status {long_run}` tells when.\n",
    )
    until(lambda: store.run(run.run_id).status != "RUNNING")  # which costs less to ask than Ray
    told = _ended(paperdex, long_run)
    assert (told["status"], told["exit_status"]) == ("STOPPED", 130)
    assert store.run(run.run_id).status == "STOPPED"
    assert paperdex("stop", long_run).stderr == f"{long_run} has ended already, STOPPED.\n"
    logged = [line for line in node.log() if line.get("run") == str(run.run_id)]
    assert [line["message"] for line in logged] == ["run begun", "run ended"]
    assert (logged[-1]["status"], logged[-1]["digest"]) == ("STOPPED", store.run(run.run_id).digest)


@retry(stop=stop_after_delay(90), wait=wait_fixed(0.5), reraise=True)
def _trades(store):
    """Return the run that goes on as a job, once it has traded."""
    run = store.run(store.resolve_run("latest"))
    assert run.status == "RUNNING"
    assert store.counts(run.run_id).trades > 0
    return run


@retry(stop=stop_after_delay(90), wait=wait_fixed(0.5), reraise=True)
def _ended(paperdex, name):
    told = json.loads(paperdex("status", name, "--json").stdout)
    assert told["ended_at"]
    return told


@pytest.mark.slow  # a run that is begun, paused, taken down and up again, by a command each
def test_a_cluster_whose_nodes_do_not_have_the_project_conducts_a_run_and_takes_it_up_again(
    node, command, paperdex, undisturbed, store, sql
):
    where = ("--database-url", node.database_url, "--ray-address", node.address)
    begun = command("up", "short.yaml", "--writers", "2", *where)
    assert (begun.returncode, begun.stderr) == (0, "")
    run = begun.stdout.strip()
    assert store.command(run, "PAUSE").status == "PENDING"
    until(lambda: sql("SELECT block FROM commands WHERE run_id = %s AND status = 'ACCEPTED'", run))
    assert run in [one["job"] for one in json.loads(paperdex("status", "--json").stdout)]
    ended = command("down", run, *where)
    assert (ended.returncode, ended.stdout) == (0, f"Run {run} is STOPPED, and none of its actors is left.\n")
    assert run not in [one["job"] for one in json.loads(paperdex("status", "--json").stdout)]
    again = command("up", "--resume", run, "--writers", "2", *where)
    assert (again.returncode, again.stdout, again.stderr) == (0, f"{run}\n", "")
    until(lambda: store.run(UUID(run)).status != "RUNNING")
    assert store.run(UUID(run)).digest == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # commands that bring Ray
def test_what_up_cannot_reach_is_one_sentence(node, command):
    dashboard = node.dashboard.rpartition("/")[2]
    nobody = command("up", "--database-url", node.database_url, "--ray-address", dashboard)
    assert (nobody.returncode, nobody.stderr) == (2, (
        f"--ray-address {dashboard} is not Ray's; name the address that `ray start` printed. A service needs a cluster that "
        "outlives it: `ray start --head`.\n"
    ))  # fmt: skip
    if node.environment["RAY_AUTH_MODE"] == "token":
        where = ("--database-url", node.database_url, "--ray-address", node.address)
        for stranger in ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN_PATH": os.devnull}):
            refused = command("up", *where, **stranger)
            assert (refused.returncode, refused.stderr) == (2, (
                f"--ray-address {node.address} wants another token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the "
                "file that its nodes have too.\n"
            ))  # fmt: skip


SERVICE = """
import ray

class Service:
    pass

ray.init("auto", namespace="paperdex-{run}")
ray.get(ray.remote(Service).options(name="Conductor", lifetime="detached").remote().__ray_ready__.remote())
"""


@pytest.mark.slow  # a job more; the cluster's own list of its actors
def test_a_run_that_the_cluster_conducts_is_listed_beside_the_jobs(paperdex, node):
    run = "0199c0de-0000-8000-8000-000000000000"
    submit = [Path(sys.executable).with_name("ray"), "job", "submit", "--address", node.dashboard, "--", "python", "-c"]
    subprocess.run([*submit, SERVICE.format(run=run)], env={**os.environ, **node.environment}, check=True)
    (told,) = [one for one in json.loads(paperdex("status", "--json").stdout) if one["job"] == run]
    assert (told["status"], told["command"]) == ("RUNNING", "paperdex up")
    assert run in paperdex("status").stdout


def test_what_a_cluster_cannot_do_is_one_sentence(paperdex, node):
    nobody = paperdex("status", "paperdex-run-0")
    assert (nobody.returncode, nobody.stderr) == (2, f"paperdex-run-0 is no job of the cluster at {node.dashboard}.\n")
    if node.environment["RAY_AUTH_MODE"] == "token":
        stranger = paperdex("status", RAY_AUTH_TOKEN="another token, which is as long", RAY_AUTH_TOKEN_PATH="")
        assert (stranger.returncode, stranger.stderr) == (2, (
            f"--address {node.dashboard} wants another token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file "
            "that its nodes have too.\n"
        ))  # fmt: skip
