"""Commands of operators for a person: what was asked, and what became of it, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.pilot_records import CommandRecord

_ASKED = {
    "REVERSE_ADJUSTMENT": "reverse adjustment {adjustment}",
    "PAUSE": "pause {target}",
    "RESUME": "resume {target}",
    "STOP": "stop {target}",
}
_NEXT_REVIEW = "The next review of the session takes it up."
_NEXT_SEGMENT = "The run takes it up at the end of its segment."
_NEXT_COHORT = "The sweep takes it up before its next cohort."


def given(command: CommandRecord) -> str:
    """Return what an operator asked, as a sentence."""
    whole = "the run" if command.sweep_id is None else "the sweep"
    target = whole if command.account is None else f"the session of {command.account}"
    asked = _ASKED[command.kind].format(adjustment=command.adjustment, target=target)
    return f"Command {command.ordinal}, given at {command.given_at:%Y-%m-%d %H:%M}: {asked}."


def became(command: CommandRecord) -> str:
    """Return what became of a command, as a sentence."""
    if command.block is not None:
        verb = "was taken up before" if command.account is None else "holds from"
        return f"It {verb} block {command.block:,}{'' if command.account is None else ' on'}."
    if command.reason:
        return f"Refused: {command.reason}"
    if command.sweep_id is not None:
        return _NEXT_COHORT if command.status == "PENDING" else "It was taken up."
    return _NEXT_REVIEW if command.adjustment is not None else _NEXT_SEGMENT
