"""What every part of the Store stands on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection


class Verbs(ABC):
    """A part of the Store; every method is one transaction."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Connection]:
        """Begin a transaction, and commit it where nothing is raised."""
