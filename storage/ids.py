"""Row keys as functions of what a row is: the run, the kind, the session and the ordinal within it.

A key is a UUID of version 8 (RFC 9562): 48 bits of the run's random prefix, 4 bits version, 12 bits kind, 2 bits
variant, 22 bits session ordinal, 40 bits row ordinal. Two runs of one scenario differ in the prefix only, so
everything after it (the tail) can be compared and hashed; and a row that is sent twice has the same key twice.
"""

from __future__ import annotations

import secrets
from enum import IntEnum
from uuid import UUID

PREFIX_BITS = 48
KIND_BITS = 12
SESSION_BITS = 22
ORDINAL_BITS = 40
ORDINAL_DIGITS = ORDINAL_BITS // 4
"""So many digits end the text of a key and are the row's ordinal in hex."""
TAIL_START = 14
"""Where the tail begins in the text of a key, counted from one as SQL does: after the prefix's 12 digits and dash."""

_VERSION = 8 << 76
_VARIANT = 0b10 << 62


class Kind(IntEnum):
    """What a key names."""

    RUN = 1
    USER = 2
    ACCOUNT = 3
    STRATEGY = 4
    SESSION = 5
    TRADE = 6
    POSITION = 7
    THOUGHT = 8
    METRIC = 9
    LOG = 10
    SNAPSHOT = 11
    SWEEP = 12
    COHORT = 13
    TRIAL = 14
    COMMAND = 15


def new_prefix() -> int:
    """Return the prefix of a new run, the one random thing about it."""
    return secrets.randbits(PREFIX_BITS)


def derive(prefix: int, kind: Kind, session: int, ordinal: int) -> UUID:
    """Return the key of row ``ordinal`` of ``kind`` in session ``session`` of the run with ``prefix``."""
    assert 0 <= prefix < 1 << PREFIX_BITS
    assert 0 < kind < 1 << KIND_BITS
    assert 0 <= session < 1 << SESSION_BITS
    assert 0 <= ordinal < 1 << ORDINAL_BITS
    high = prefix << 80 | _VERSION | kind << 64
    return UUID(int=high | _VARIANT | session << ORDINAL_BITS | ordinal)


def stem_of(prefix: int, kind: Kind, session: int) -> str:
    """Return what the keys of all such rows of a session begin with as text; their ordinal in hex follows."""
    return str(derive(prefix, kind, session, 0))[:-ORDINAL_DIGITS]


def run_id_of(prefix: int) -> UUID:
    """Return the key of the run with ``prefix``."""
    return derive(prefix, Kind.RUN, 0, 0)


def prefix_of(key: UUID) -> int:
    """Return the run prefix of any of its keys."""
    return key.int >> 80


def kind_of(text: str) -> int:
    """Return what a key names, from its text; 0 for what is no key."""
    try:
        return UUID(text).int >> 64 & ((1 << KIND_BITS) - 1)
    except ValueError:
        return 0


def key_range(prefix: int) -> tuple[UUID, UUID]:
    """Return the lowest and the highest UUID that begin with ``prefix``."""
    low = prefix << 80
    return UUID(int=low), UUID(int=low | (1 << 80) - 1)


LOCAL_USER_ID = derive(0, Kind.USER, 0, 0)
"""The user that owns every account until there are others."""
