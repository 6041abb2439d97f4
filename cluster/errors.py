"""What a user can mend, in one sentence; the command line prints it and exits with status 2."""

from __future__ import annotations


class UsageError(Exception):
    """The input cannot be used; the message names the field, the value and what would do."""


class NoCluster(UsageError):
    """No Ray cluster was reached or started; the message says where, and what would do."""


class LeftRunning(UsageError):
    """The database is away or refuses what the run asks of it; the message says why, and how to go on with the run."""


class Stopped(Exception):
    """A run or a sweep was stopped where the user asked for it; the message says which, and how to go on with it."""
