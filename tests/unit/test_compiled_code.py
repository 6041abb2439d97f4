"""Where compiled code is kept when its user has no home: numba runs what it finds there, so nobody else may write to it."""

from __future__ import annotations

import pytest

from simulation import jit


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Let the user have no home, and a temporary folder of this test's own."""
    (tmp_path / "home").write_text("not a folder")
    monkeypatch.setattr(jit.platformdirs, "user_cache_path", lambda name: tmp_path / "home" / name)
    monkeypatch.setattr(jit, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_without_a_home_it_is_a_folder_of_the_users_own_and_the_same_again(temporary):
    root = jit.cache_folder().parent
    assert root.parent == temporary
    assert root.stat().st_mode & 0o777 == 0o700
    assert jit.cache_folder().parent == root


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file"])
def test_a_folder_that_somebody_else_may_have_prepared_is_not_used(kind, temporary):
    usual = jit.cache_folder().parent
    usual.rmdir()
    if kind == "open to others":
        usual.mkdir()
        usual.chmod(0o777)
    elif kind == "a link":
        (temporary / "theirs").mkdir()
        usual.symlink_to(temporary / "theirs")
    else:
        usual.write_text("")
    root = jit.cache_folder().parent
    assert root != usual
    assert root.stat().st_mode & 0o777 == 0o700
