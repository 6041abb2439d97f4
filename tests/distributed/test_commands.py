"""The real commands: what they print, how they end, and what they say when what they need is not there."""

from __future__ import annotations

import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

import homes
import psutil
import pytest
from busy import busy_scenario
from ray._private import services

from cluster.connect import start_ray
from cluster.errors import UsageError
from storage import embedded

PAPERDEX = Path(sys.executable).with_name("paperdex")


@pytest.fixture
def home():
    """Make a folder for a command's embedded server, where the server's own user can enter, and stop it afterwards."""
    with homes.a_home() as home:
        yield home
        embedded.start(home / "postgres").stop()


@pytest.fixture
def closed_port():
    """Return a port where nothing listens: it is bound and does not."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_run_prints_one_json_object_even_when_a_session_is_killed(home, tmp_path):
    """The summary alone is on stdout; progress, and what Ray says of the dead process, are on stderr.

    The command stands still while it is looked at: so it has segments left when the session dies. The cluster of its
    own asks for no token, so none of its processes may listen where other machines can come.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PAPERDEX_"))}
    command = [
        PAPERDEX,
        "run",
        "--blocks",
        "900",
        "--segment-blocks",
        "50",
        "--accounts",
        "2",
        "--seed",
        "7",
        "--json",
    ]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**environment, "PAPERDEX_HOME": str(home)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        said, heard_at = [], []
        for line in process.stderr:
            said.append(line)
            if line.startswith("block ") and not any("killed" in earlier for earlier in said):
                process.send_signal(signal.SIGSTOP)
                heard_at = _listening_at(process.pid)
                _kill_a_session(process.pid)
                process.send_signal(signal.SIGCONT)
                said.append("killed\n")
        stdout = process.stdout.read()
    stderr = "".join(said)
    assert process.returncode == 0, stderr
    assert " 1 restart" in said[-1], stderr
    assert len(heard_at) > 5
    assert {str(ip_address(where.removeprefix("::ffff:"))) for where in heard_at} == {"127.0.0.1"}
    assert stdout.count("\n") == 1
    summary = json.loads(stdout)
    assert list(summary) == [
        "run_id", "status", "digest", "seed", "blocks", "trades", "decisions", "wall_seconds", "writer", "accounts", "failures",
    ]  # fmt: skip
    assert (summary["seed"], summary["blocks"], len(summary["accounts"])) == (7, 900, 2)
    assert list(summary["accounts"][0]) == [
        "name", "strategy", "return_percent", "max_drawdown_percent", "sharpe_ratio", "win_rate_percent", "trades", "gas_usd",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == []
    logged = [json.loads(line) for line in (home / "log" / "paperdex.log").read_text().splitlines()]
    assert [line["message"] for line in logged] == ["run begun", "actor lost", "run ended"]
    assert {line["run"] for line in logged} == {summary["run_id"]}
    assert logged[-1]["digest"] == summary["digest"]


def _listening_at(pid):
    """Return the addresses at which a command and the processes below it listen."""
    command = psutil.Process(pid)
    connections = [one for child in (command, *command.children(recursive=True)) for one in child.net_connections()]
    return [one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN]


def _kill_a_session(pid):
    """Kill one of the processes below a command's that hold a session."""
    sessions = [child for child in psutil.Process(pid).children(recursive=True) if "AccountSession" in child.name()]
    sessions[0].kill()


def test_another_seed_is_another_run_and_a_balance_altered_in_it_is_named_with_status_1(
    paperdex, run, url, store, sql, undisturbed
):
    digest = run(busy_scenario(seed=8)).digest
    assert digest != undisturbed.summary.digest
    assert paperdex("digest", "latest", "--database-url", url) == (0, f"{digest}\n", "")
    assert paperdex("db", "check", "--database-url", url) == (0, "Nothing found.\n", "")
    sql("UPDATE paper_trading_accounts SET current_balance_usd = current_balance_usd + 0.000001 WHERE name = 'plain'")
    assert [(finding.table, finding.account, finding.column) for finding in store.check()] == [
        ("paper_trading_accounts", "plain", "current_balance_usd"),
        ("runs", "", "digest"),
    ]
    status, stdout, _ = paperdex("db", "check", "latest", "--database-url", url)
    assert status == 1
    assert "paper_trading_accounts.current_balance_usd of account plain" in stdout


def test_a_run_that_is_not_there_is_one_sentence(paperdex, url):
    status, stdout, stderr = paperdex("report", "cafe", "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr.startswith("There is no run cafe")
    assert stderr.count("\n") == 1


def test_a_dashboard_port_in_use_is_one_sentence_and_nothing_is_written(paperdex, url, store):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        status, stdout, stderr = paperdex("run", "--dashboard-port", str(port), "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr == f"--dashboard-port {port} is in use; name a free port or leave it out.\n"
    assert store.runs() == []


@pytest.mark.parametrize("command", [["run"], ["db", "check"], ["db", "upgrade"], ["report", "latest"]], ids=" ".join)
def test_a_database_that_does_not_listen_is_one_sentence(paperdex, closed_port, command):
    status, stdout, stderr = paperdex(*command, "--database-url", f"postgresql://me:secret@127.0.0.1:{closed_port}/db")
    assert (status, stdout) == (2, "")
    assert stderr.splitlines()[-1] == (
        f"The database at 127.0.0.1:{closed_port}/db cannot be reached: nothing listens at that host and port."
    )
    assert "secret" not in stderr


def test_a_port_that_does_not_speak_postgres_is_one_sentence(paperdex):
    class Web(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1024)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Web) as server:
        answering = threading.Thread(target=server.serve_forever)
        answering.start()
        port = server.server_address[1]
        status, stdout, stderr = paperdex("db", "check", "--database-url", f"postgresql://127.0.0.1:{port}/db")
        server.shutdown()
        answering.join()
    assert (status, stdout) == (2, "")
    assert stderr == f"The database at 127.0.0.1:{port}/db cannot be reached: what listens there is not Postgres.\n"


def test_a_ray_cluster_that_does_not_listen_is_one_sentence_and_nothing_is_written(paperdex, closed_port, url, store):
    address = f"127.0.0.1:{closed_port}"
    status, stdout, stderr = paperdex("run", "--database-url", url, "--ray-address", address, "--blocks", "10")
    assert (status, stdout) == (2, "")
    assert stderr.splitlines()[-1] == f"--ray-address {address} does not answer; name the address of a running cluster."
    assert store.runs() == []


def test_a_cluster_of_which_this_machine_is_no_node_is_one_sentence_at_once(ray_address, monkeypatch):
    monkeypatch.setattr(services, "_find_address_from_flag", lambda _flag: {"00"})  # of the processes here
    with pytest.raises(UsageError, match=f"{ray_address} has no node on this machine; call this on one of its nodes"):
        start_ray(ray_address, "nowhere", None)
