"""The guards of this folder's tests are up."""

from __future__ import annotations

import socket

import psycopg2
import pytest
import ray
from hermetic import NotHereError


def test_a_unit_test_cannot_start_ray():
    with pytest.raises(NotHereError, match="move it to tests/distributed"):
        ray.init()


@pytest.mark.parametrize("method", ["bind", "connect", "connect_ex"])
def test_a_unit_test_cannot_open_a_socket(method):
    with socket.socket() as probe, pytest.raises(NotHereError, match="may not open a socket"):
        getattr(probe, method)(("127.0.0.1", 9))


def test_a_unit_test_cannot_connect_to_postgres():
    with pytest.raises(NotHereError, match="move it to tests/postgres"):
        psycopg2.connect("postgresql:///nowhere")
