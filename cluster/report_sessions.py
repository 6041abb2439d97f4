"""What a report tells of sessions: which failed, and those that followed one another on one account."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cluster import page_words as words
from cluster.page import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.records import SessionFailure, SessionLine

FAILURES_MAX = 20
"""Failed sessions that are named one by one."""

SESSIONS_MAX = 300
"""Sessions in the table; the first, when there were more."""


def failures_of(failures: Sequence[SessionFailure]) -> str:
    """Return a warning for each session that failed: its account is as it was at that block."""
    told = [
        f"<bdi>{escape(failure.account)}</bdi> failed, {words.clock(failure.at)}. {escape(failure.message)}"
        for failure in failures[:FAILURES_MAX]
    ]
    hidden = len(failures) - len(told)
    if hidden:
        told.append(f"So did {words.count(hidden, 'more session')}.")
    return "".join(f'<p class="warning">{line}</p>' for line in told)


def sessions_section(sessions: Sequence[SessionLine]) -> str:
    """Return the sessions of accounts that had several; nothing where none had."""
    if not sessions:
        return ""
    note = "Accounts that went on with another strategy. Trades, result and gas are those of the session alone."
    if len(sessions) > SESSIONS_MAX:
        note += f" Listed are the first {SESSIONS_MAX:,} of {len(sessions):,}."
    headings = (("Account", ""), ("Strategy", ""), ("From", ""), ("To", ""), ("Trades", "number"),
                ("Realised USD", "number"), ("Gas USD", "number"), ("Equity USD", "number"), ("Ended", ""))  # fmt: skip
    rows = "".join(_row(session) for session in sessions[:SESSIONS_MAX])
    return f'<section><h2>Sessions</h2><p class="note">{note}</p>{table(headings, rows)}</section>\n'


def _row(session: SessionLine) -> str:
    cells = (
        ("account", f"<bdi>{escape(session.account)}</bdi>"),
        ("", escape(session.strategy)),
        ("when", words.clock(session.started_at)),
        ("when", words.clock(session.stopped_at) if session.stopped_at is not None else ""),
        ("number", f"{session.trades:,}"),
        ("number", words.usd(session.realized_pnl_usd)),
        ("number", words.usd(session.gas_usd)),
        ("number", words.usd(session.equity_usd)),
        ("reason", escape(f"{session.status}. {session.status_reason}".strip())),
    )
    return (
        "<tr>"
        + "".join(f'<td class="{css}">{text}</td>' if css else f"<td>{text}</td>" for css, text in cells)
        + "</tr>"
    )
