"""Connecting to Ray: a private cluster on this machine by default, or one that is named."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

from cluster.errors import UsageError

OBJECT_STORE_BYTES = 256 * 1024 * 1024
"""A few segments and batches; Ray's own default would claim a third of the machine."""

ROTATION_MAX_BYTES, ROTATION_BACKUP_COUNT = 16 * 1024 * 1024, 4
"""How large a log grows before it is rotated, and how many old ones are kept: of Ray's processes, and our own."""

TASKS_SHOWN_MAX = 10_000
"""So many of the latest calls the dashboard can show."""

LOOPBACK = "127.0.0.1"
PROBE_SECONDS = 5

MAY_LEAVE_THIS_MACHINE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Read by Ray at its import, on every system: "0" binds all ports of a cluster to the loopback address.

Ray takes an address of 127.0.0.1 for the machine's own one, and would listen to the network without a token.
"""


def quiet_ray() -> None:
    """Set what Ray reads at import: how it authenticates and what it prints."""
    # A private cluster listens on the loopback address alone. Ray's own default would write a token into the
    # user's home, which turns authentication on for every other cluster that is started there.
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would run the actors at the lowest priority, behind its own dashboard while that starts.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # Commits that a database refused while it was away are sent again as others; Ray would print each one's traceback.
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    # What an actor prints, a user's analyst for one, is never rotated otherwise.
    os.environ.setdefault("RAY_ROTATION_MAX_BYTES", str(ROTATION_MAX_BYTES))
    os.environ.setdefault("RAY_ROTATION_BACKUP_COUNT", str(ROTATION_BACKUP_COUNT))
    # Every call of a run is an event that Ray's control service keeps for the dashboard, by default 100,000 of them.
    os.environ.setdefault("RAY_task_events_max_num_task_in_gcs", str(TASKS_SHOWN_MAX))


def check_port_is_free(port: int) -> None:
    """Refuse a dashboard port that another process listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UsageError(f"--dashboard-port {port} is in use; name a free port or leave it out.") from error


def start_ray(address: str | None, namespace: str, dashboard_port: int | None) -> str:
    """Connect to the cluster at ``address``, or start a private one here; return the dashboard's URL."""
    if address is None:
        os.environ[MAY_LEAVE_THIS_MACHINE] = "0"
    import ray  # noqa: PLC0415 -- half a second that commands without actors need not pay

    private = {
        "dashboard_host": LOOPBACK,
        "dashboard_port": dashboard_port,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
    if address is not None and address != "auto":
        check_speaks_grpc(address)
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        context = ray.init(
            address=address or "local",
            namespace=namespace,
            log_to_driver=False,
            logging_level="ERROR",
            **(private if address is None else {}),
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = "here" if address is None else f"at --ray-address {address}"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"No Ray cluster could be reached or started {where}: {reason.rstrip('.')}.") from error
    signal.signal(signal.SIGTERM, on_terminate)  # Ray's own handler would leave without closing the run
    return str(context.dashboard_url or "")


def is_connected() -> bool:
    """Tell whether this process is connected to a cluster."""
    ray = sys.modules.get("ray")
    return bool(getattr(ray, "is_initialized", bool)())


def stop_ray() -> None:
    """Leave the cluster; a private one ends with it."""
    import ray  # noqa: PLC0415 -- as above

    ray.shutdown()


def ray_log_folder() -> Path:
    """Return where Ray keeps the logs of this node, to whose cluster this process is connected."""
    import ray  # noqa: PLC0415 -- as above

    return Path(ray._private.worker.global_worker.node.get_logs_dir_path())  # noqa: SLF001 -- no public name for it


def check_speaks_grpc(address: str) -> None:
    """Refuse an address at which no Ray listens: Ray itself would try for minutes.

    A gRPC server answers the opening of an HTTP/2 connection with a SETTINGS frame, whose type is the fourth byte.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"--ray-address {address} is not of the form HOST:PORT; auto finds the one on this machine.")
    try:
        with socket.create_connection((host, int(port)), timeout=PROBE_SECONDS) as probe:
            probe.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            answer = probe.recv(9)
    except OSError as error:
        raise UsageError(f"--ray-address {address} does not answer; name the address of a running cluster.") from error
    if len(answer) < 4 or answer[3] != 4:
        raise UsageError(f"--ray-address {address} is not Ray's; name the address that `ray start` printed.")
