"""Connecting to Ray: a private cluster on this machine by default, or one that is named."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from cluster.errors import NoCluster, UsageError

PACKAGES = ("simulation", "storage", "actors", "cluster")

OBJECT_STORE_BYTES = 256 * 1024 * 1024
"""A few segments and batches; Ray's own default would claim a third of the machine."""

ROTATION_MAX_BYTES, ROTATION_BACKUP_COUNT = 16 * 1024 * 1024, 4
"""How large a log grows before it is rotated, and how many old ones are kept: of Ray's processes, and our own."""

TASKS_SHOWN_MAX = 10_000
"""So many of the latest calls the dashboard can show."""

LOOPBACK = "127.0.0.1"
PROBE_SECONDS = 5

AUTO = "auto"
"""The address of the cluster that is found on this machine."""

ASKED_FIRST = "/ray.rpc.NodeInfoGcsService/GetClusterId"
"""The call with which every client of a cluster begins; it is asked nothing, so its request is empty."""

REFUSES_THIS = (
    "wants another token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file that its nodes have too."
)

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


def is_itself(host: str) -> bool:
    """Tell whether every machine means itself by this name."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def check_port_is_free(port: int) -> None:
    """Refuse a dashboard port that another process listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UsageError(f"--dashboard-port {port} is in use; name a free port or leave it out.") from error


def paperdex_itself() -> dict[str, Any]:
    """Return the runtime environment by which nodes have paperdex as it is here, whether they have one or not."""
    home = Path(__file__).parent.parent
    return {"py_modules": [str(home / package) for package in PACKAGES]}


def start_ray(
    address: str | None, namespace: str, dashboard_port: int | None, runtime_env: dict[str, Any] | None = None
) -> str:
    """Connect to the cluster at ``address``, or start a private one here; return where its dashboard is.

    ``runtime_env`` is what this process and its actors bring to the nodes; nothing by default.
    """
    if address is None:
        os.environ[MAY_LEAVE_THIS_MACHINE] = "0"
    import ray  # noqa: PLC0415 -- half a second that commands without actors need not pay

    # Whatever errors Ray meets, tracebacks of its own code included, it would print beside what a user is told of them.
    ray._private.worker.print_to_stdstream = _mute  # noqa: SLF001 -- it has no public switch
    private = {
        "dashboard_host": LOOPBACK,
        "dashboard_port": dashboard_port,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
    if address is not None:
        _check_answers(address)
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        context = ray.init(
            address=address or "local",
            namespace=namespace,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env=runtime_env,
            **(private if address is None else {}),
        )
    except ray.exceptions.AuthenticationError as error:
        raise UsageError("RAY_AUTH_MODE=token, and no token; let RAY_AUTH_TOKEN_PATH name a file with one.") from error
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = "here" if address is None else f"at --ray-address {address}"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NoCluster(f"No Ray cluster could be reached or started {where}: {reason.rstrip('.')}.") from error
    signal.signal(signal.SIGTERM, on_terminate)  # Ray's own handler would leave without closing the run
    dashboard = str(context.dashboard_url or "")
    return (
        f"{dashboard} of its head node" if address is not None and is_itself(dashboard.partition(":")[0]) else dashboard
    )


def _mute(*_said: object, **_how: object) -> None:
    """Say nothing; Ray's logs have it."""


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


def _check_answers(address: str) -> None:
    """Refuse an address at which no Ray listens, or one that wants another token: Ray would try for long, and tell so.

    What is asked is what Ray asks first, the cluster's id; of which cluster it is, nothing is known before.
    """
    from ray._private.services import canonicalize_bootstrap_address  # noqa: PLC0415 -- brings Ray

    found = (canonicalize_bootstrap_address(AUTO) or "") if address == AUTO else address.removeprefix("ray://")
    host, _, port = found.rpartition(":")
    if address == AUTO and not found:
        return  # Ray says so at once
    if not (host and "/" not in host and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"--ray-address {address} is not of the form HOST:PORT; auto finds the one on this machine.")
    try:
        socket.create_connection((host, int(port)), timeout=PROBE_SECONDS).close()
    except OSError as error:
        raise NoCluster(f"--ray-address {address} does not answer; name the address of a running cluster.") from error
    answer = _let_in(found, address)
    if not address.startswith("ray://"):
        _check_is_a_node_of_it(answer, address)


def _check_is_a_node_of_it(answer: bytes, address: str) -> None:
    """Refuse a cluster of which this machine is no node: Ray would look for one here for a minute."""
    from ray._private.services import _find_address_from_flag  # noqa: PLC0415 -- brings Ray
    from ray.core.generated.gcs_service_pb2 import GetClusterIdReply  # noqa: PLC0415 -- as above

    cluster = GetClusterIdReply.FromString(answer).cluster_id.hex()
    if cluster and cluster not in _find_address_from_flag("--cluster-id"):
        raise UsageError(
            f"--ray-address {address} has no node on this machine; call this on one of its nodes, or give it a job by "
            "`paperdex submit`."
        )


def _let_in(found: str, address: str) -> bytes:
    """Return what is answered to the first call; raises UsageError for another token, NoCluster for another service."""
    import grpc  # noqa: PLC0415 -- a tenth of a second
    from ray._private.authentication.http_token_authentication import (  # noqa: PLC0415 -- brings Ray
        get_auth_headers_if_auth_enabled,
    )
    from ray.exceptions import AuthenticationError  # noqa: PLC0415 -- as above

    wants = f"--ray-address {address} {REFUSES_THIS}"
    try:
        token = tuple(get_auth_headers_if_auth_enabled({}).items())
    except AuthenticationError as error:
        raise UsageError(wants) from error
    with grpc.insecure_channel(found, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            return bytes(channel.unary_unary(ASKED_FIRST)(b"", timeout=PROBE_SECONDS, metadata=token))
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAUTHENTICATED:
                raise UsageError(wants) from error
            if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                raise NoCluster(
                    f"--ray-address {address} is not Ray's; name the address that `ray start` printed."
                ) from error
            return b""  # Ray tells what else is wrong
