"""Connecting to Ray: a private cluster on this machine by default, or one that is named."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

from cluster.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECT_STORE_BYTES = 256 * 1024 * 1024
"""A few segments and batches; Ray's own default would claim a third of the machine."""

LOOPBACK = "127.0.0.1"


def quiet_ray() -> None:
    """Set what Ray reads at import: how it authenticates and what it prints."""
    # A private cluster listens on the loopback address alone. Ray's own default would write a token into the
    # user's home, which turns authentication on for every other cluster that is started there.
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")


def check_port_is_free(port: int) -> None:
    """Refuse a dashboard port that another process listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UsageError(f"--dashboard-port {port} is in use; name a free port or leave it out.") from error


@contextlib.contextmanager
def ray_cluster(address: str | None, namespace: str, dashboard_port: int | None) -> Iterator[str]:
    """Connect to the cluster at ``address``, or start one here, for the length of a block; yield the dashboard's URL."""
    import ray  # noqa: PLC0415 -- half a second that commands without actors need not pay

    try:
        if address is None:
            context = ray.init(
                address="local",
                namespace=namespace,
                _node_ip_address=LOOPBACK,
                dashboard_host=LOOPBACK,
                dashboard_port=dashboard_port,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
            )
        else:
            context = ray.init(
                address=address, namespace=namespace, log_to_driver=False, logging_level="ERROR"
            )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = "here" if address is None else f"at --ray-address {address}"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"No Ray cluster could be reached or started {where}: {reason.rstrip('.')}.") from error
    try:
        yield str(context.dashboard_url or "")
    finally:
        ray.shutdown()
