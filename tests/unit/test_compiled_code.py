"""What is compiled as a part of what, and where it is kept: numba runs what it finds there, so nobody else may write there."""

from __future__ import annotations

import os

import pytest

from actors import warming
from simulation import compiling, jit


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


def alone(function):
    """Compile a function as those of the simulation are, but keep nothing on disk."""
    return compiling.CompiledFunction(function, targetoptions={"nopython": True})


@alone
def doubled(number):
    return number + number


@alone
def doubled_twice(number):
    return doubled(doubled(number))


@alone
def doubled_thrice(number):
    return doubled(doubled_twice(number))


@alone
def never_doubled(number):
    return doubled_twice(number) if number != number else number  # noqa: PLR0124 -- no integer is, as LLVM knows


@alone
def doubled_after_all(number):
    return never_doubled(number) + doubled_twice(number)


def is_part(function):
    return [compiling._is_part(made) for made in function.overloads.values()]


def test_what_another_function_calls_is_its_part_until_python_calls_it():
    assert doubled_thrice(5) == 40
    assert [is_part(function) for function in (doubled_thrice, doubled_twice, doubled)] == [[False], [True], [True]]
    assert doubled_twice(5) == 20
    assert [is_part(function) for function in (doubled_thrice, doubled_twice, doubled)] == [[False], [False], [True]]
    assert doubled(5) == 10
    assert doubled_thrice(5.0) == 40.0  # of wholes and of new parts


def test_what_only_an_optimised_away_function_called_first_is_linked_all_the_same():
    assert doubled_after_all(5) == 25


def test_a_part_is_not_kept_on_disk(monkeypatch):
    @jit.compiled
    def within(number):
        return number + 1

    @jit.compiled
    def around(number):
        return within(number) * 2

    kept = []
    monkeypatch.setattr(compiling.FunctionCache, "load_overload", lambda *_: None)
    monkeypatch.setattr(
        compiling.FunctionCache, "save_overload", lambda cache, *_: kept.append(cache._py_func.__name__)
    )
    assert around(1) == 4
    assert kept == ["around"]
    assert within(1) == 2
    assert kept == ["around", "within"]


def test_old_code_is_forgotten_but_for_the_newest_though_another_process_does_so_at_the_same_time(
    tmp_path, monkeypatch
):
    current = tmp_path / "current"
    for name in ("current", *map(str, range(warming.CACHES_KEPT + 2))):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (int(name) if name != "current" else 0,) * 2)
    changed_at = warming._changed_at

    def removed_meanwhile(folder):
        if folder.name == "5":
            folder.rmdir()
        return changed_at(folder)

    monkeypatch.setattr(warming, "_changed_at", removed_meanwhile)
    warming._forget_old(current)
    assert {folder.name for folder in tmp_path.iterdir()} == {"current", *map(str, {*range(1, 10)} - {5})}
