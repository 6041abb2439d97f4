"""How soon a run is past the death of Ray's control service, where that keeps its tables on a disk.

    .venv/bin/python benchmarks/control_service.py [--away 5]

A run of the built-in scenario with ten accounts in segments of 300 blocks, on a Ray cluster of its own on this machine.
The control service is killed and started again so many seconds later: alone, then with a session that is killed right
after it, whose replacement has to wait for it. The time goes from the blow until every session has committed the fourth
segment from there on, as in live.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from heading import heading
from live import Striker, run

from cluster.connect import OBJECT_STORE_BYTES, quiet_ray
from storage import embedded

if TYPE_CHECKING:
    from cluster.conductor import Progress

ALONE, WITH_A_SESSION = "the control service", "it and a session"
ACCOUNTS, SEGMENTS = 10, 900


class ControlStriker(Striker):
    """Kills the control service, and has it started again by a thread that outlives the run: Ray ends it with that."""

    def __init__(self, url: str, node: Any, beside: ThreadPoolExecutor, away_seconds: float) -> None:
        super().__init__(url, (ALONE, WITH_A_SESSION))
        self._node, self._beside, self._away_seconds = node, beside, away_seconds
        self._back: Future[None] | None = None

    def show(self, progress: Progress) -> None:
        """Deal the next blow, once the control service is back from the last one."""
        if self._back is None or self._back.done():
            super().show(progress)

    def strike(self, kind: str) -> None:
        """Kill the control service, and a session too if the blow says so."""
        self._node.kill_gcs_server()
        self._back = self._beside.submit(self._start_again)
        if kind == WITH_A_SESSION:
            super().strike("AccountSession")

    def _start_again(self) -> None:
        time.sleep(self._away_seconds)
        self._node.start_gcs_server()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description="What does the death of Ray's control service cost?")
    parser.add_argument("--away", type=float, default=5, help="seconds until it is started again")
    away_seconds = parser.parse_args().away
    quiet_ray()
    from ray.cluster_utils import Cluster  # noqa: PLC0415 -- Ray reads what was just set at its import

    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    home.chmod(0o755)
    print(heading())
    server = embedded.start(home / "postgres")
    tables = {"gcs_storage": "rocksdb", "gcs_storage_path": str(home / "tables")}
    with ThreadPoolExecutor(max_workers=1) as beside:
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": os.cpu_count(),
                "include_dashboard": False,
                "dashboard_port": None,
                "object_store_memory": OBJECT_STORE_BYTES,
                "_system_config": tables,
            },
        )
        try:
            striker = ControlStriker(server.url(), cluster.head_node, beside, away_seconds)
            run(server, embedded.DATABASE, ACCOUNTS, SEGMENTS, striker, cluster.address)
        finally:
            cluster.shutdown()
            server.stop()
            shutil.rmtree(home)
    print(f"{'killed':20}{'seconds':>8}  with the control service away for {away_seconds:g} s")
    for kind, seconds in striker.seconds.items():
        print(f"{kind:20}{seconds:8.2f}")


if __name__ == "__main__":
    main()
