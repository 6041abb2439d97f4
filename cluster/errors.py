"""What a user did wrong, in one sentence; the command line prints it and exits with status 2."""

from __future__ import annotations


class UsageError(Exception):
    """The input cannot be used; the message names the field, the value and what would do."""
