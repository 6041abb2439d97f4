"""What keeps a unit test one: it can neither start Ray nor reach a socket or a database."""

from __future__ import annotations

import socket

import psycopg2
import pytest
import ray


class NotHereError(RuntimeError):
    """The test left its process."""


@pytest.fixture(autouse=True, scope="module")
def hermetic():
    """Refuse Ray, sockets and databases, and say where tests that need them belong."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "init", _refuse("start Ray", "distributed"))
        patch.setattr(psycopg2, "connect", _refuse("connect to Postgres", "postgres"))
        for method in ("bind", "connect", "connect_ex"):
            patch.setattr(socket.socket, method, _refuse("open a socket", "distributed"))
        yield


def _refuse(what, folder):
    def refused(*_arguments, **_options):
        raise NotHereError(
            f"a test of this folder may not {what}, so that it is fast and means the same everywhere; "
            f"move it to tests/{folder}"
        )

    return refused
