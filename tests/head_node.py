"""A Ray cluster as an operator starts it: `ray start --head`, on this machine, whose node does not have the project."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tenacity import retry, stop_after_delay, wait_fixed

UNINSTALLED = """\
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "paperdex" not in getattr(finder, "__module__", "")]
"""
"""What Python does at its start on the node: forget the editable installation of the project."""

OBJECT_STORE_BYTES = 128 * 1024 * 1024
PATIENCE_SECONDS = 90


@dataclass
class HeadNode:
    """A running cluster of one node."""

    home: Path
    dashboard: str
    database_url: str
    environment: dict[str, str]
    process: subprocess.Popen

    @property
    def discovery(self):
        """The file in which Ray tells Prometheus where metrics are."""
        return self.home / "ray" / "prom_metrics_service_discovery.json"

    @property
    def address(self):
        """Where Ray's own clients find it."""
        return (self.home / "ray" / "ray_current_cluster").read_text(encoding="utf-8")

    def log(self):
        """Return what the service has logged on it."""
        text = (self.home / "ray" / "session_latest" / "logs" / "paperdex.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def stop(self):
        """Stop all that it started, and forget its data."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_SECONDS)
        shutil.rmtree(self.home)


def start(database_url, token=None):
    """Start a head node that finds its database in a file and asks for this token, or for none."""
    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    (home / "database").write_text(database_url + "\n")
    (home / "sitecustomize.py").write_text(UNINSTALLED)
    auth = {"RAY_AUTH_MODE": "disabled"}
    if token is not None:
        (home / "token").write_text(token)
        auth = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(home / "token")}
    port, dashboard, agent, grpc, metrics, client = free_ports(6)
    programs = Path(sys.executable).parent
    with (home / "said").open("w") as said:
        started = subprocess.Popen(
            [
                programs / "ray", "start", "--head", "--block", "--port", port, "--node-ip-address", "127.0.0.1",
                "--dashboard-host", "127.0.0.1", "--dashboard-port", dashboard, "--dashboard-agent-listen-port", agent,
                "--dashboard-agent-grpc-port", grpc, "--metrics-export-port", metrics, "--ray-client-server-port", client,
                "--num-cpus", "2", "--object-store-memory", str(OBJECT_STORE_BYTES), "--temp-dir", home / "ray",
                "--disable-usage-stats",
            ],
            cwd=home, stdout=said, stderr=subprocess.STDOUT,
            env={**os.environ, **auth, "PYTHONPATH": str(home), "PAPERDEX_DATABASE_URL_FILE": str(home / "database"),
                 "RAY_metrics_report_interval_ms": "1000",
                 "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip
    node = HeadNode(home, f"http://127.0.0.1:{dashboard}", database_url, auth, started)
    _wait_for(node)
    return node


@retry(stop=stop_after_delay(PATIENCE_SECONDS), wait=wait_fixed(0.2), reraise=True)
def _wait_for(node):
    """Return when its dashboard answers, and it has written down where it is."""
    assert node.process.poll() is None, (node.home / "said").read_text()
    assert node.address
    host, _, port = node.dashboard.rpartition("//")[2].partition(":")
    socket.create_connection((host, int(port)), timeout=1).close()


def free_ports(count):
    """Return ports on which nobody listens, as text."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
