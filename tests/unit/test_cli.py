"""The command line: what a user does wrong is one line on stderr and status 2, and nothing else happens."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from cluster.commands import preparing
from cluster.scenarios import Overrides, load
from simulation.scenario import Scenario

MARKET = """
market:
  source: synthetic
  tokens: [{symbol: WETH, name: Wrapped Ether, token_class: major, price_usd: 3000, pools: [{liquidity_usd: 250_000_000}]}]
"""
HEADER = "timestamp,closeTick,currentLiquidity\n"


@pytest.fixture
def refused(paperdex, tmp_path):
    """Return a function that runs a command which must be refused, and returns the sentence."""

    def refused(*arguments):
        before = sorted(tmp_path.rglob("*"))
        status, stdout, stderr = paperdex(*arguments)
        assert (status, stdout) == (2, "")
        assert stderr.count("\n") == 1, stderr
        assert "Traceback" not in stderr
        assert sorted(tmp_path.rglob("*")) == before
        return stderr.strip()

    return refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fly"], "No such command 'fly'."),
        (["db", "drop"], "No such command 'drop'."),
        (["run", "--speed", "9"], "No such option: --speed"),
        (["run", "--blocks"], "Option '--blocks' requires an argument."),
        (["run", "--blocks", "-5"], "'--blocks': Input should be greater than or equal to 1, not '-5'."),
        (["run", "--blocks", "0"], "'--blocks': Input should be greater than or equal to 1, not '0'."),
        (["run", "--blocks", "1.5"], "'--blocks': Input should be a valid integer, unable to parse string as an integer, not '1.5'."),
        (["run", "--accounts", "0"], "'--accounts': Input should be greater than or equal to 1, not '0'."),
        (["run", "--accounts", "1001"], "'--accounts': Input should be less than or equal to 1000, not '1001'."),
        (["run", "--seed", "x"], "'--seed': Input should be a valid integer, unable to parse string as an integer, not 'x'."),
        (["run", "--seed", "-1"], "'--seed': Input should be greater than or equal to 0, not '-1'."),
        (["run", "--seed", str(2**63)], f"seed {2**63}: input should be less than {2**63}."),
        (["run", "--segment-blocks", "0"], "'--segment-blocks': Input should be greater than or equal to 1, not '0'."),
        (["run", "--segment-blocks", "100001"], "segment_blocks 100001: input should be less than or equal to 100000."),
        (["run", "--dashboard-port", "70000"], "'--dashboard-port': Input should be less than or equal to 65535, not '70000'."),
        (["run", "one.yaml", "two.yaml"], "Got unexpected extra argument(s) (two.yaml)."),
        (["run", "nowhere.yaml"], "Scenario nowhere.yaml cannot be read: No such file or directory; name a YAML file."),
        (["run", "--market", "nowhere.csv"], "nowhere.csv: can't be read (No such file or directory)"),
        (["run", "--market", "."], "can't be read"),
        (["run", "--report", "no/where.html"], "--report no/where.html: the folder no does not exist"),
        (["market", "preview", "-o", "no/where.html"], "--output no/where.html: the folder no does not exist"),
        (["report"], "Missing argument 'RUN|SWEEP'."),
        (["sweep"], "SWEEP.yaml is missing; name a file, or a sweep to --resume."),
        (["sweep", "nowhere.yaml"], "Sweep nowhere.yaml cannot be read: No such file or directory"),
        (["sweep", "nowhere.yaml", "--resume", "latest"], "--resume latest takes the file that the sweep began with"),
        (["sweep", "--workers", "0"], "'--workers': Input should be greater than or equal to 1, not '0'."),
        (["sweep", "run", "nowhere.yaml"], "Sweep nowhere.yaml cannot be read: No such file or directory"),
        (["sweep", "export"], "Missing argument 'SWEEP'."),
        (["sweep", "export", "latest", "-o", "no/where.parquet"], "--output no/where.parquet: the folder no does not exist"),
        (["sweep", "export", "latest", "-o", "."], "--output . is a folder; name a file such as ./output.parquet."),
        (["sweep", "export", "latest", "-o", "a.csv"], "--output a.csv: what is written is a Parquet file; name it a.parquet."),
        (["sweep", "export", "latest", "-o", "all"], "--output all: what is written is a Parquet file; name it all.parquet."),
        (["sweep", "promote", "--as", "mine"], "Missing argument 'TRIAL'."),
        (["sweep", "promote", "key"], "Missing option '--as'."),
        (["sweep", "promote", "key", "--as", "mine", "-o", "no/where.yaml"], "--output no/where.yaml: the folder no does not exist"),
        (["show", "sweep"], "Missing argument 'SWEEP'."),
        (["digest"], "Missing argument 'RUN'."),
        (["scenario", "check"], "Missing argument 'SCENARIO.yaml'."),
        (["scenario", "check", "nowhere.yaml"], "Scenario nowhere.yaml cannot be read: No such file or directory"),
        (["db", "check", "--database-url", "nonsense"], "database URL is not of the form postgresql://"),
        (["db", "url", "--database-url", "postgresql://host:port/db"], "database URL is not of the form postgresql://"),
        (["db", "upgrade", "--database-url", "postgresql://host"], "it names no database"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)  # fmt: skip
def test_a_mistake_on_the_command_line_is_one_line_and_status_2(refused, arguments, said):
    assert said in refused(*arguments)


@pytest.mark.parametrize("command", [["run", "bad.yaml"], ["scenario", "check", "bad.yaml"]], ids=" ".join)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "bad.yaml holds nothing"),
        ("a: [1,\n", "bad.yaml is not valid YAML at line 2"),
        (f"{MARKET}\naccounts: [{{name: A, initial_balance_usd: -1}}]", "accounts.0.initial_balance_usd -1: input should"),
        (f"{MARKET}\naccounts: [{{name: A, ballance: 1}}]", "accounts.0.ballance is not a known field"),
        (
            f"{MARKET}\naccounts: [{{name: A, strategy: {{allowed_tokens: [DOGE]}}}}]",
            "accounts.A.strategy.allowed_tokens: token DOGE has no pool; the market has WETH.",
        ),
        (f"{MARKET}\naccounts: [{{name: '[red]A'}}, {{name: '[red]A'}}]", "account '[red]A' is listed twice."),
        ("market: {source: replay, recordings: [{path: gone.csv}]}\naccounts: [{name: A}]", "gone.csv: can't be read"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_scenario_is_one_line_and_status_2(refused, tmp_path, command, text, said):
    (tmp_path / "bad.yaml").write_text(text)
    assert said in refused(*command)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "bars.csv: is empty; a recording is a CSV or Parquet file with a header"),
        (b"\n\n", "bars.csv: is empty"),
        (HEADER.encode(), "bars.csv: holds 0 bars; at least two are needed"),
        (b"one,two\n1,2\n3,4\n", "bars.csv: the columns 'one, two' are of no known format"),
        (f"{HEADER}2024-01-05 00:00:00,abc,1e18\n2024-01-05 00:01:00,1,1e18\n".encode(), "line 2, column closeTick: 'abc'"),
        (f"{HEADER}2024-01-05 00:00:00,200000\n2024-01-05 00:01:00,200000,1e18\n".encode(), "line 2 has 2 cells"),
        (f"{HEADER}yesterday,200000,1e18\n2024-01-05 00:01:00,200000,1e18\n".encode(), "'yesterday' is not a time"),
        (b"\x00\xff\xfe\x80", "is not UTF-8 text; a recording is a CSV or Parquet file"),
        (b'timestamp,"closeTick\n', "is not CSV"),
    ],
)  # fmt: skip
def test_a_recording_that_cannot_be_read_is_one_line_and_status_2(refused, tmp_path, content, said):
    (tmp_path / "bars.csv").write_bytes(content)
    assert said in refused("run", "--market", "bars.csv")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("rungs: [{at_percent: 0.1}]", "bad.yaml: rungs.0.at_percent 0.1: "),
        ("account: nobody", "bad.yaml: account 'nobody' is not in the scenario, which has A."),
        ("bracket: 4096", "bad.yaml: bracket is what is compared at rungs, and there are none; give rungs, or leave it out."),
        ("budget: 9", "bad.yaml: budget is not a known field; `paperdex scenario sweep-schema` lists them all."),
    ],
)  # fmt: skip
def test_a_mistake_in_a_sweep_is_one_line_that_names_its_file(refused, tmp_path, written, said):
    (tmp_path / "base.yaml").write_text(f"{MARKET}\naccounts: [{{name: A}}]")
    vary = "vary: {strategy.stop_loss_percent: {grid: [1, 2]}}"
    (tmp_path / "bad.yaml").write_text(f"scenario: base.yaml\n{vary}\nsampler: {{kind: grid}}\n{written}\n")
    assert said in refused("sweep", "bad.yaml")


def test_an_account_whose_name_looks_like_markup_is_shown_as_it_is(paperdex, tmp_path):
    (tmp_path / "[red]one.yaml").write_text(f"{MARKET}\naccounts: [{{name: '[/]'}}]")
    assert paperdex("scenario", "check", "[red]one.yaml") == (
        0,
        "[red]one.yaml: 1 account, 1 token, 21,600 blocks.\n",
        "",
    )


def test_no_password_is_repeated_in_a_complaint(refused):
    assert "secret" not in refused("db", "url", "--database-url", "mysql://me:secret@host/db")


def test_the_database_url_may_come_from_the_environment(refused, monkeypatch):
    monkeypatch.setenv("PAPERDEX_DATABASE_URL", "mysql://host/db")
    assert "it begins with mysql" in refused("db", "url")


@pytest.mark.parametrize(
    "command",
    [
        ["--help"], ["run", "--help"], ["report", "--help"], ["digest", "--help"], ["db", "--help"],
        ["db", "check", "--help"], ["sweep", "run", "--help"], ["sweep", "mine.yaml", "--help"], ["scenario", "--help"], ["scenario", "new", "--help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_help_is_shown_with_status_0(paperdex, command):
    status, stdout, stderr = paperdex(*command)
    assert (status, stderr) == (0, "")
    assert "Usage: " in stdout


def test_run_says_of_each_option_what_it_does(paperdex):
    shown = paperdex("run", "--help")[1]
    for option in (
        "--accounts",
        "--blocks",
        "--seed",
        "--segment-blocks",
        "--market",
        "--database-url",
        "--ray-address",
    ):
        assert option in shown
    assert "--no-autopilot" in shown
    assert "--json" in shown


def test_sweep_tells_of_its_commands_and_of_the_options_of_the_search(paperdex):
    status, shown, _ = paperdex("sweep", "--help")
    assert status == 0
    for said in ("[SWEEP.yaml] | COMMAND", "export", "promote", "--workers", "--resume"):
        assert said in shown


@pytest.mark.parametrize("command", [[], ["db"], ["scenario"]], ids=["paperdex", "db", "scenario"])
def test_a_command_without_its_verb_shows_the_help(paperdex, command):
    _, stdout, stderr = paperdex(*command)
    assert "Usage: " in stdout + stderr
    assert "Traceback" not in stderr


def test_the_schema_is_json_that_names_every_field(paperdex):
    status, stdout, stderr = paperdex("scenario", "schema")
    schema = json.loads(stdout)
    assert (status, stderr) == (0, "")
    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert schema["additionalProperties"] is False


def test_a_new_scenario_is_commented_and_can_be_run(paperdex, tmp_path):
    status, stdout, stderr = paperdex("scenario", "new")
    assert (status, stderr) == (0, "")
    assert stdout.startswith("# ")
    (tmp_path / "mine.yaml").write_text(stdout)
    assert load(tmp_path / "mine.yaml", Overrides()) == load(None, Overrides())
    assert paperdex("scenario", "check", "mine.yaml")[:2] == (0, "mine.yaml: 8 accounts, 7 tokens, 21,600 blocks.\n")


def test_a_new_scenario_uses_fields_that_the_schema_has(paperdex):
    document = yaml.safe_load(paperdex("scenario", "new")[1])
    assert set(document) <= set(json.loads(paperdex("scenario", "schema")[1])["properties"])


def test_what_nobody_foresaw_is_one_line_and_status_1(paperdex, monkeypatch):
    monkeypatch.delenv("PAPERDEX_TRACEBACK")
    monkeypatch.setattr(preparing, "built_in", lambda: 1 / 0)
    status, stdout, stderr = paperdex("scenario", "new")
    assert (status, stdout) == (1, "")
    assert re.fullmatch(r"paperdex failed: ZeroDivisionError: division by zero \(.*PAPERDEX_TRACEBACK=1.*\)\n", stderr)


def test_an_interrupt_is_one_line_and_status_130(paperdex, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(preparing, "built_in", interrupted)
    assert paperdex("scenario", "new") == (130, "", "Stopped; what was committed is kept.\n")
