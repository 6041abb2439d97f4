"""The repository reads itself: what the written style asks for and a program can see."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys

import pytest
from repository import PACKAGES, ROOT, modules

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
CLOCKS_AND_LUCK = {"time", "random", "secrets"}
LEFT_FOR_LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"""(?<![\w.~$}/-])/(home/(?!ray/)|Users/|root/|work/|mnt/|opt/)""")
"""The home in Ray's own container image is nobody's."""
FOLDERS = (*PACKAGES, "tests", "benchmarks", "docs", "examples")
TEXT = {".py", ".toml", ".yaml", ".md", ".mako", ".sql", ".txt"}


def functions(module):
    """Yield the functions of a module, nested ones and methods too."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(module):
    """Yield (line, dotted name) of every call in a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def written_files():
    """Return the text files that people wrote, this test aside, which names what it looks for."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    paths += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in paths if path.suffix in TEXT and path.name != "test_tidy.py"]


def found(pattern):
    """Return where a pattern stands in the written files."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in written_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{module.name}:{function.lineno} {function.name}"
        for module in modules()
        for function in functions(module)
        if function.end_lineno - function.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_no_file_holds_too_much():
    assert [module.name for module in modules() if module.text.count("\n") > FILE_LINES_MAX] == []


def test_every_module_says_what_it_knows():
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


def test_nothing_is_left_for_later():
    assert found(LEFT_FOR_LATER) == []


def test_nothing_names_a_path_of_one_machine():
    assert found(MACHINE_PATH) == []


def test_only_the_command_line_prints():
    printing = [
        f"{module.name}:{line}"
        for module in modules("simulation", "storage", "actors")
        for line, name in calls(module)
        if name == "print"
    ]
    assert printing == []


def test_the_simulation_reads_no_clock_and_draws_no_luck_of_its_own():
    impure = [
        f"{module.name}: {name}"
        for module in modules("simulation")
        for name in sorted(module.imported())
        if name.split(".")[0] in CLOCKS_AND_LUCK or name.startswith("numpy.random")
    ]
    impure += [
        f"{module.name}:{line}: {name}"
        for module in modules("simulation")
        for line, name in calls(module)
        if name.endswith((".now", ".utcnow", ".today")) or name.startswith(("np.random", "numpy.random"))
    ]
    assert impure == []


@pytest.mark.parametrize("folder", ["unit", "properties", "vectors", "postgres", "distributed"])
def test_a_test_folder_is_no_package_that_could_shadow_the_real_ones(folder):
    assert not (ROOT / "tests" / folder / "__init__.py").exists()


def test_no_two_test_files_share_a_name():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("script", ["kernel.py", "luck.py", "market.py", "pools.py"])
def test_a_benchmark_can_be_started(script):
    """A renamed function in one of them is found here, not by whoever measures next."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    code = f"import runpy; runpy.run_path({str(ROOT / 'benchmarks' / script)!r}, run_name='imported')"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
