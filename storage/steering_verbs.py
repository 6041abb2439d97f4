"""What the Store does about commands: takes them from operators, and hands them to conductors."""

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
    """The part of the Store that is about commands to sessions, runs and sweeps."""

    def command(self, name: str, kind: str) -> CommandRecord:
        """Command a session, a run or a sweep that goes on to PAUSE, RESUME or STOP; durable on return.

        Raises SessionNotFound, RunNotFound, NothingSoCalled, AmbiguousRun or NotCommanded.
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

    def take_up_commands_of_sweep(self, sweep_id: UUID, conductor: int = conducting.FIRST) -> str:
        """Accept what a sweep is commanded; return PAUSE or STOP where it is not to go on, else nothing."""
        with self._transaction() as connection:
            return steering.take_up_of_sweep(connection, sweep_id, conductor)

    def commands_of(self, whole: UUID) -> list[CommandRecord]:
        """Return all commands of a run or a sweep, in their order."""
        with self._transaction() as connection:
            return commands.of_whole(connection, whole)
