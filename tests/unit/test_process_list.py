"""No process list shows the password of a database."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from repository import ROOT

from cluster.process_list import VARIABLE, without_password

URL = "postgresql://me:s3cret@localhost/paperdex"

SHOW = """
import os, pathlib
from cluster.process_list import VARIABLE, hide_password
hide_password()
print(pathlib.Path("/proc/self/cmdline").read_text(), os.environ[VARIABLE], sep=chr(1))
"""


def test_a_command_that_is_given_a_password_goes_on_without_it_on_its_command_line():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SHOW, "db", "check", "--database-url", URL, "latest"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    shown, kept = told.strip().split("\1")
    assert shown.split("\0")[-4:] == ["db", "check", "latest", ""]
    assert "s3cret" not in shown
    assert kept == URL


@pytest.mark.parametrize(
    "url", [URL, "postgresql:///paperdex?password=s3cret", "postgresql:///p?a=b&sslpassword=s3cret"]
)
@pytest.mark.parametrize("written", [["--database-url", "{}"], ["--database-url={}"]], ids=["two words", "one word"])
def test_a_url_with_a_password_is_found_however_it_is_written(url, written):
    given = ["paperdex", "run", *(word.format(url) for word in written), "--seed", "7"]
    assert without_password(given) == (["paperdex", "run", "--seed", "7"], url)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--database-url", "postgresql://me@localhost:5432/paperdex", "--json"],
        ["run", "--database-url=postgresql:///paperdex?host=/tmp"],
        ["run", "mine.yaml", "--seed=7"],
        ["run", "--database-url"],
    ],
)
def test_any_other_command_line_stays_as_it_is(arguments):
    assert without_password(arguments) == (arguments, None)


def test_the_variable_is_the_one_that_commands_read():
    assert VARIABLE in (ROOT / "cluster" / "options.py").read_text(encoding="utf-8")
