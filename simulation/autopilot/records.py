"""What a review writes: a record for each adjustment and each outcome, in numbers alone.

All that is told of one follows from its record (``simulation.autopilot.words``); words are made where a row of the log
is written, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.autopilot.triggers import Metric
from simulation.instructions import NONE_GIVEN
from simulation.state import SESSION
from simulation.tuning import PARAMETERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

OWN_REVERSAL, BY_OPERATOR = -1, -2
"""In the place of a trigger: what is undone did harm; an operator undoes it."""

MARKET = np.dtype(
    [
        ("trend", np.float64),
        ("risk_percent", np.float64),
        ("volatility_percent", np.float64),
        ("gas_percent", np.float64),
        ("base_fee_gwei", np.float64),
        ("regime", np.int64),
    ],
    align=True,
)
"""``Conditions`` and their regime; one record an analyst."""

ADJUSTMENT = np.dtype(
    [
        ("session", np.int64),  # ordinal in the run
        ("row", np.int64),  # of the session in the cohort
        ("block", np.int64),  # first one that trades with the new value
        ("trigger", np.int64),  # row of the table; of a reversal, whose it is
        ("type", np.int64),
        ("parameter", np.int64),
        ("old", np.int64),
        ("wanted", np.int64),
        ("new", np.int64),
        ("bound", np.int64),  # Bound
        ("regime", np.int64),
        ("confidence", np.float64),
        ("reverses", np.int64),  # entry of the session's log; -1 for one that reverses nothing
        ("difference", np.float64),  # of a reversal of its own: mean of returns a period, session minus twin
        ("metrics", np.float64, (len(Metric),)),  # that the trigger looked at; zeros for a reversal
        ("market", MARKET),
    ],
    align=True,
)
"""One parameter change of one session."""

JUDGEMENT = np.dtype(
    [
        ("session", np.int64),  # ordinal in the run
        ("row", np.int64),
        ("block", np.int64),
        ("log", np.int64),  # entry of the session's log that was judged
        ("type", np.int64),
        ("regime", np.int64),
        ("kind", np.int64),  # OutcomeKind
        ("disables", np.int64),  # 1: the last failure that was borne
        ("by_operator", np.int64),  # 1: a command has ended the comparison
        ("periods", np.int64),
        ("trades", np.int64),
        ("mean", np.float64),  # difference of returns a period, session minus twin
        ("m2", np.float64),  # sum of its squared deviations
        ("metrics", np.float64, (len(Metric),)),
    ],
    align=True,
)
"""The outcome of the adjustment of a session that was being judged."""


class Changes(NamedTuple):
    """What sessions carry out before a segment: the judgements and adjustments of a review, then what operators say."""

    judgements: NDArray[np.void]  # JUDGEMENT
    adjustments: NDArray[np.void]  # ADJUSTMENT
    instructions: NDArray[np.void] = NONE_GIVEN  # INSTRUCTION


UNCHANGED = Changes(np.zeros(0, JUDGEMENT), np.zeros(0, ADJUSTMENT))

assert SESSION.fields is not None
COLUMNS = np.array([SESSION.fields[name][1] // 8 for name in PARAMETERS], np.int64)
"""Where the parameters stand in a SESSION record taken as integers of 64 bits."""


def integers_of(sessions: NDArray[np.void]) -> NDArray[np.int64]:
    """Return SESSION records in one piece as integers of 64 bits, ``(n_sessions, n_integers)``, without a copy."""
    return sessions.view(np.int64).reshape(len(sessions), SESSION.itemsize // 8)
