"""A database that refuses in the middle of a run, real commands on a real server: a right, a password, a full disk."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from busy import busy_scenario
from command import Command
from questions import drop_role, questions
from sqlalchemy.engine import make_url

from storage.store import Store

REFUSED_AT = 3
"""The tenth of the run at which the database begins to refuse."""

SMALL, LARGE = "size=192k", "size=64m"
"""Of a disk that a run fills, and of one that it does not."""

GOES_ON = r"; `paperdex run --resume [0-9a-f-]{36}` goes on from what was committed last\."


@pytest.fixture
def file(tmp_path):
    """Write the busy scenario in short segments."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))
    return str(file)


@pytest.fixture
def login(new_url, execute):
    """Return the URLs of a database for its administrator and for a login of its writer role."""
    url = new_url()
    name = make_url(url).database
    with closing(Store(url)) as store:
        store.upgrade()
        execute(f"CREATE ROLE {name}_trader LOGIN PASSWORD 'first' IN ROLE {name}_writer")
        writer = make_url(url).set(username=f"{name}_trader", password="first")
        yield url, writer.render_as_string(hide_password=False)
        store.downgrade("base")
    drop_role(execute, f"{name}_trader")


@pytest.fixture
def guarded(server, execute, login):
    """Let the server ask that login for its password; return both URLs."""
    rules = server.folder / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all {make_url(login[1]).username} scram-sha-256\n{before}")
    execute("SELECT pg_reload_conf()")
    yield login
    rules.write_text(before)
    execute("SELECT pg_reload_conf()")


def begun(url, ray_address, *what, **variables):
    """Start a run, or go on with one."""
    return Command([*what, "--database-url", url, "--ray-address", ray_address], **variables)


def refused(command, act):
    """Act at a tenth of the run, and return the last that the command says, which ends with status 2.

    Before it, it may say that it waits: a connection that is cut looks like a server that will come back.
    """
    for tenth in command.tenths():
        if tenth >= REFUSED_AT:
            act()
            break
    status, stdout, stderr = command.end()
    assert (status, stdout) == (2, "")
    *waited, sentence = [line for line in stderr.splitlines() if line.startswith("The database")]
    assert all("The run waits for it" in line for line in waited), waited
    return sentence


def run_of(url):
    """Return the one run of a database, in which a check finds nothing."""
    with closing(Store(url)) as store:
        assert store.check() == []
        (run,) = store.runs()
        return run


@pytest.mark.slow
def test_a_revoked_right_ends_the_command_and_once_it_is_granted_the_run_goes_on(login, file, ray_address, undisturbed):
    url, writer = login
    name = make_url(url).database
    with questions(url) as sql:
        sentence = refused(
            begun(writer, ray_address, file), lambda: sql(f"REVOKE INSERT ON paper_trades FROM {name}_writer")
        )
        assert re.fullmatch(
            r"The database at \S+ refuses this login: permission denied for table paper_trades; "
            f"nothing but another right, password or URL helps{GOES_ON}",
            sentence,
        )
        assert run_of(url).status == "RUNNING"
        sql(f"GRANT INSERT ON paper_trades TO {name}_writer")
    assert begun(writer, ray_address, "--resume", "latest").summary()["digest"] == undisturbed.summary.digest
    assert run_of(url).status == "COMPLETED"


@pytest.mark.slow
def test_a_changed_password_ends_the_command_and_with_the_new_one_the_run_goes_on(
    guarded, execute, file, ray_address, undisturbed, tmp_path
):
    url, writer = guarded
    user, log = make_url(writer).username, tmp_path / "log"

    def change():
        execute(f"ALTER ROLE {user} PASSWORD 'second'")
        execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '{user}'")

    sentence = refused(begun(writer, ray_address, file, PAPERDEX_LOG_FILE=str(log)), change)
    assert re.fullmatch(
        r"The database at \S+ refuses this login: the user name or the password is wrong; "
        f"nothing but another right, password or URL helps{GOES_ON}",
        sentence,
    )
    logged = log.read_text()
    assert [json.loads(line)["message"] for line in logged.splitlines()][-1] == "left running"
    assert "first" not in logged
    assert run_of(url).status == "RUNNING"
    new = make_url(writer).set(password="second").render_as_string(hide_password=False)
    assert begun(new, ray_address, "--resume", "latest").summary()["digest"] == undisturbed.summary.digest
    assert run_of(url).status == "COMPLETED"


@pytest.fixture
def disk(server, new_url, template, execute):
    """Put the decisions of a new database on a disk of its own, too small for a run; return its URL and its folder."""
    folder = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", SMALL, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no disk can be made to be filled: {mounted.stderr.strip()}")
    postmaster = psutil.Process(int((server.folder / "postmaster.pid").read_text().split()[0]))
    subprocess.run(["chown", postmaster.username(), str(folder)], check=True)
    execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
    url = new_url(template)
    with questions(url) as sql:
        sql("ALTER TABLE paper_ai_thought_logs SET TABLESPACE small")
    yield url, folder
    with questions(url) as sql:
        sql("ALTER TABLE paper_ai_thought_logs SET TABLESPACE pg_default")
    execute("DROP TABLESPACE small")
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.slow  # a server that is away is waited for in test_absent_database.py
def test_a_run_whose_disk_is_full_waits_and_goes_on_when_there_is_room(disk, file, ray_address, undisturbed):
    url, folder = disk
    command = begun(url, ray_address, file)
    for line in command.lines():
        if "waits for it" in line:
            break
    assert re.fullmatch(
        r"The database at \S+ has run out of disk, memory or connections: could not extend file .*: No space left on "
        r"device; make room, nothing else is needed\. The run waits for it, 0 s so far\.",
        line,
    )
    assert run_of(url).status == "RUNNING"
    subprocess.run(["mount", "-o", f"remount,{LARGE}", str(folder)], check=True)
    assert command.summary()["digest"] == undisturbed.summary.digest
    assert run_of(url).status == "COMPLETED"
