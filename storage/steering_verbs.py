"""What the Store does about commands: takes them from operators, and hands them to the conductor of their run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import commands, conducting, steering
from storage.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from storage.pilot_records import CommandRecord
    from storage.steering import Steered


class SteeringVerbs(Verbs):
    """The part of the Store that is about commands to sessions and runs."""

    def command(self, name: str, kind: str) -> CommandRecord:
        """Command a session or a run that goes on to PAUSE, RESUME or STOP; durable on return.

        Raises SessionNotFound, RunNotFound, AmbiguousRun or NotCommanded.
        """
        with self._transaction() as connection:
            return steering.give(connection, name, kind)

    def asked_for(self, run_id: UUID, block: int) -> frozenset[str]:
        """Return the kinds of the commands of a run that are pending, or were accepted for ``block``."""
        with self._transaction() as connection:
            return commands.asked_for(connection, run_id, block)

    def take_up_commands(
        self, run_id: UUID, block: int, living: Mapping[UUID, int], conductor: int = conducting.FIRST
    ) -> Steered:
        """Accept or refuse what a run and its sessions are commanded before ``block``; return what holds from there.

        ``living`` are the sessions that can trade on, with the first block that each has not traded.
        """
        with self._transaction() as connection:
            return steering.take_up(connection, run_id, block, living, conductor)

    def commands_of(self, run_id: UUID) -> list[CommandRecord]:
        """Return all commands of a run, in their order."""
        with self._transaction() as connection:
            return commands.of_run(connection, run_id)
