"""What the Store does about Auto Pilot: tells of it, keeps what it knows, and takes commands against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import adjustments, commands, conducting, knowledge
from storage.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from simulation.autopilot.commanding import Answer, Reversal
    from simulation.autopilot.knowledge import Knowledge
    from storage.pilot_records import AdjustmentRecord, CommandRecord, KnowledgeRecord, PilotedSession


class PilotVerbs(Verbs):
    """The part of the Store that is about Auto Pilot."""

    def autopilot_history(self, run_id: UUID) -> list[AdjustmentRecord]:
        """Return every adjustment of a run in the order of simulated time."""
        with self._transaction() as connection:
            return adjustments.history(connection, run_id)

    def piloted(self, name: str) -> list[PilotedSession]:
        """Return the sessions that Auto Pilot may adjust of a run, or one by its own key or its strategy's.

        Raises RunNotFound or AmbiguousRun.
        """
        with self._transaction() as connection:
            return adjustments.piloted(connection, name)

    def reverse_adjustment(self, log_id: str) -> CommandRecord:
        """Command a run that goes on to reverse an adjustment; raises NoSuchAdjustment or NotReversed."""
        with self._transaction() as connection:
            return commands.give_reversal(connection, log_id)

    def due_reversals(self, run_id: UUID, block: int, conductor: int = conducting.FIRST) -> list[Reversal]:
        """Return what sessions are commanded at the review before ``block``, all earlier batches being stored.

        Commands that can't be carried out any more are refused.
        """
        with self._transaction() as connection:
            return commands.due(connection, run_id, block, conductor)

    def settle_commands(
        self, run_id: UUID, block: int, answers: Sequence[Answer], conductor: int = conducting.FIRST
    ) -> None:
        """Write what became of commands at the review before ``block``; repeats are harmless."""
        with self._transaction() as connection:
            commands.settle(connection, run_id, block, answers, conductor)

    def knowledge(self, version: int) -> Knowledge:
        """Return what Auto Pilot knows by a version; raises NoSuchKnowledge or AlteredKnowledge."""
        with self._transaction() as connection:
            return knowledge.knowledge(connection, version)

    def knowledge_versions(self) -> list[KnowledgeRecord]:
        """Return the versions of what Auto Pilot knows, in order."""
        with self._transaction() as connection:
            return knowledge.versions(connection)

    def learn(self, run_id: UUID) -> Knowledge:
        """Add the outcomes of a run to what Auto Pilot knows; return the new version. Raises NothingToLearn."""
        with self._transaction() as connection:
            return knowledge.learn(connection, run_id)
