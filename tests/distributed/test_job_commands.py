"""What cannot be given to a cluster is refused here, before anything is sent."""

from __future__ import annotations

import socket

import pytest

from cluster.database import open_store
from cluster.errors import UsageError

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dance"], "paperdex submit dance: run and sweep are what a cluster can be given."),
        (["run", "--bloks", "9"], "No such option: --bloks (Possible options: --blocks, --segment-blocks)."),
        (
            ["run", "--blocks", "-9"],
            "Invalid value for '--blocks': Input should be greater than or equal to 1, not '-9'.",
        ),
        (["run", "none.yaml"], "Scenario none.yaml cannot be read: No such file or directory; name a YAML file."),
        (
            ["run", "/tmp/none.yaml"],
            "/tmp/none.yaml: a job has a copy of the current folder; name a file within it, from there.",
        ),
        (
            ["sweep", "../none.yaml"],
            "../none.yaml: a job has a copy of the current folder; name a file within it, from there.",
        ),
        (["sweep"], "SWEEP.yaml is missing; name a file, or a sweep to --resume."),
        (["run", "--ray-address", "auto"], "--ray-address: a job runs on the cluster at --address; leave it out."),
        (
            ["run", "--dashboard-port", "8265"],
            "--dashboard-port: the cluster at --address has a dashboard; leave it out.",
        ),
        (
            ["run", "--report", "r.html"],
            "--report would stay on the cluster; `paperdex report` writes one from the database.",
        ),
        (["run", "--database-url", "postgresql://a:b@c/d"], "let PAPERDEX_DATABASE_URL_FILE name a file with the URL."),
        (["run", "--blocks", "10"], "name the dashboard of a running cluster, as http://HOST:8265."),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_a_mistake_in_what_is_submitted_is_one_sentence(paperdex, arguments, said):
    status, stdout, stderr = paperdex("submit", *arguments, "--address", NOWHERE)
    assert (status, stdout) == (2, "")
    assert said in stderr
    assert stderr.count("\n") == 1


def test_an_address_that_is_none_is_one_sentence(paperdex):
    said = "--address head is no URL; name the dashboard of a running cluster, as http://HOST:8265.\n"
    assert paperdex("status", "--address", "head") == (2, "", said)


@pytest.mark.parametrize("command", [["status"], ["stop", "paperdex-run-0"]], ids=" ".join)
def test_a_cluster_that_does_not_answer_is_one_sentence(paperdex, command):
    status, stdout, stderr = paperdex(*command, "--address", NOWHERE)
    assert (status, stdout) == (2, "")
    assert (
        stderr
        == f"--address {NOWHERE} does not answer; name the dashboard of a running cluster, as http://HOST:8265.\n"
    )


def test_a_dashboard_that_listens_on_another_machine_alone_is_to_be_reached_by_a_tunnel(paperdex, monkeypatch):
    def refuse(*_where, **_how):
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    _, _, stderr = paperdex("status", "--address", "http://10.77.0.1:8265")
    assert stderr == (
        "--address http://10.77.0.1:8265 does not answer; as a rule a dashboard listens on its head node alone: "
        "`ssh -L 8265:127.0.0.1:8265 10.77.0.1` brings it to http://127.0.0.1:8265.\n"
    )


def test_a_file_that_should_name_the_database_and_does_not_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERDEX_DATABASE_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="none can't be read; name a file with the URL of a database"):
        open_store(None)
