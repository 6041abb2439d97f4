"""An actor's name is one's at a time: the next waits for it, while Ray may still be about to miss the one before."""

from __future__ import annotations

import pytest
from ray.exceptions import ActorAlreadyExistsError

from actors import remote


class Taken:
    """A wrapped class whose name is taken so many times."""

    def __init__(self, times):
        self.times, self.names = times, []

    def options(self, *, name, **_share):
        self.names.append(name)
        return self

    def remote(self, *arguments):
        self.times -= 1
        if self.times >= 0:
            raise ActorAlreadyExistsError("The name Market is already taken.")
        return arguments


@pytest.fixture
def spawn(monkeypatch):
    monkeypatch.setattr(remote, "_is_in_an_actor", bool)
    monkeypatch.setattr(remote, "NAME_WAIT_SECONDS", 0)

    def spawn(wrapped):
        monkeypatch.setattr(remote, "_wrapped", lambda _plain: wrapped)
        return remote._spawn(object, "Market", {}, "what", "it is told")

    return spawn


def test_an_actor_whose_name_is_taken_for_a_moment_is_started_once_it_is_free(spawn):
    wrapped = Taken(3)
    assert spawn(wrapped) == ("what", "it is told")
    assert wrapped.names == ["Market"]


def test_an_actor_whose_name_stays_taken_is_not_started(spawn, monkeypatch):
    monkeypatch.setattr(remote, "NAME_SECONDS", 0)
    with pytest.raises(ActorAlreadyExistsError, match="Market"):
        spawn(Taken(10))
