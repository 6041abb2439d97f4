"""Lengths of time as users write them, and which runs are meant."""

from __future__ import annotations

import pytest

from cluster.commands.upkeep import seconds_of
from cluster.errors import UsageError

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 30 * DAY),
        ("12h", DAY // 2),
        ("2w", 14 * DAY),
        ("90m", 5_400),
        ("90min", 5_400),
        ("0d", 0),
        ("1 day", DAY),
        (" 3  Days ", 3 * DAY),
        ("1 week 2 days", 9 * DAY),
        ("1w2d12h", 9 * DAY + DAY // 2),
        ("45 minutes", 2_700),
    ],
)
def test_a_length_of_time_is_a_number_and_a_unit(text, seconds):
    assert seconds_of(text, "--older-than") == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "30", "d", "30x", "30d!", "-3d", "1.5d", "30 d ays", "1d and 2h", "1y", "٣d x"]
)
def test_anything_else_is_refused_in_a_sentence_that_shows_how(text):
    with pytest.raises(UsageError) as refusal:
        seconds_of(text, "--older-than")
    assert str(refusal.value) == (
        f"--older-than {text!r} is no length of time; write a number and a unit: 30d, 12h, 2w, 90min."
    )


def test_a_time_beyond_any_calendar_is_refused():
    with pytest.raises(UsageError, match="more than a hundred years"):
        seconds_of("999999999w", "--older-than")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["db", "archive"], "Say which runs: --older-than TIME, such as 30d, or --run RUN, and not both."),
        (["db", "archive", "--older-than", "1d", "--run", "latest"], "Say which runs"),
        (["db", "archive", "--older-than", "soon"], "--older-than 'soon' is no length of time"),
        (["db", "archive", "--older-than", "1d", "--to", "file"], "--to file is a file; name a folder."),
        (["db", "prune"], "Say which runs"),
        (["db", "restore"], "Missing argument 'FOLDER'."),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_mistake_is_one_line_and_status_2_before_any_database_is_asked(paperdex, tmp_path, arguments, said):
    (tmp_path / "file").write_text("")
    status, stdout, stderr = paperdex(*arguments)
    assert (status, stdout) == (2, "")
    assert stderr.count("\n") == 1
    assert said in stderr
