"""Chain the rows of the Auto Pilot's log by hashes; keep twins' equity, why it switched itself off and what it knows.

Rows of earlier runs get their hashes here: from now on the chain vouches for what they were at this moment.
"""

# ruff: noqa: S608 -- the statements are put together from constants of this file

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LOGS, SNAPSHOTS, STRATEGIES = "autopilot_logs", "autopilot_performance_snapshots", "paper_strategy_configs"
KNOWLEDGE = "autopilot_knowledge"
HASHES = ("row_hash", "outcome_hash")
HEX = "{0} ~ '^[0-9a-f]{{64}}$'"

_CONTENT = """
    substr({0}.log_id::text, 14), substr({0}.strategy_config_id::text, 14), substr({0}.session_id::text, 14),
    {0}.ordinal, {0}.block, extract(epoch FROM {0}.timestamp), {0}.adjustment_type, {0}.parameter_name, {0}.old_value,
    {0}.new_value, {0}.change_percent, {0}.reason, {0}.trigger_metric, {0}.trigger_value, {0}.trigger_threshold,
    {0}.performance_before, {0}.market_conditions, {0}.confidence_in_adjustment, {0}.is_reversal,
    substr({0}.reverses_log_id::text, 14), {0}.regime
"""
_OUTCOME = """
    outcome, extract(epoch FROM outcome_evaluated_at), outcome_notes, trades_since_adjustment, performance_after
"""
_HASH = "encode(sha256(convert_to({0} || jsonb_build_array({1})::text, 'UTF8')), 'hex')"

CHAIN = f"""
    WITH RECURSIVE placed AS (
        SELECT logs.*, row_number() OVER (PARTITION BY session_id ORDER BY ordinal) AS place FROM {LOGS} AS logs
    ), chained AS (
        SELECT placed.log_id, placed.session_id, placed.place,
            {_HASH.format("''", _CONTENT.format("placed"))} AS row_hash
        FROM placed WHERE place = 1
        UNION ALL
        SELECT placed.log_id, placed.session_id, placed.place,
            {_HASH.format("chained.row_hash", _CONTENT.format("placed"))}
        FROM chained JOIN placed ON placed.session_id = chained.session_id AND placed.place = chained.place + 1
    )
    UPDATE {LOGS} SET row_hash = chained.row_hash FROM chained WHERE chained.log_id = {LOGS}.log_id
"""
JUDGED = f"UPDATE {LOGS} SET outcome_hash = {_HASH.format('row_hash', _OUTCOME)} WHERE outcome <> 'PENDING'"

FILLED = (
    "outcome, outcome_evaluated_at, outcome_notes, trades_since_adjustment, performance_after, outcome_hash,"
    " recorded_at"
)
"""What a writer may fill in; it appends rows with their hashes and changes nothing else of them."""

_FOR_ROLES = """
DO $$
DECLARE
    stem text := CASE WHEN octet_length(current_database()) <= 56 THEN current_database()
        ELSE 'paperdex_' || md5(current_database()) END;
    role_name text := stem || '_{1}';
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
        EXECUTE format('{0} %I', role_name);
    END IF;
END $$
"""
"""The roles of migration 0011; there are none where whoever migrated might not make any."""


def upgrade() -> None:
    """Apply the change; the hashes of stored rows are those of what they hold now."""
    op.add_column(LOGS, sa.Column("regime", sa.Integer(), comment=REGIME))
    op.add_column(LOGS, sa.Column("row_hash", sa.String(64), comment=ROW_HASH))
    op.add_column(LOGS, sa.Column("outcome_hash", sa.String(64), comment=OUTCOME_HASH))
    op.execute(CHAIN)
    op.execute(JUDGED)
    op.alter_column(LOGS, "row_hash", nullable=False)
    op.create_check_constraint(op.f(f"ck_{LOGS}_regime"), LOGS, "regime BETWEEN 0 AND 11")
    for name in HASHES:
        op.create_check_constraint(op.f(f"ck_{LOGS}_{name}"), LOGS, HEX.format(name))
    op.create_check_constraint(
        op.f(f"ck_{LOGS}_outcome_has_a_hash"), LOGS, "(outcome = 'PENDING') = (outcome_hash IS NULL)"
    )
    op.add_column(SNAPSHOTS, sa.Column("twin_equity_usd", sa.Numeric(20, 6), comment=TWIN))
    op.create_check_constraint(op.f(f"ck_{SNAPSHOTS}_twin_equity_usd"), SNAPSHOTS, "twin_equity_usd >= 0")
    op.add_column(
        STRATEGIES,
        sa.Column(
            "autopilot_disabled_reason", sa.Text(), server_default=sa.text("''"), nullable=False, comment=DISABLED
        ),
    )
    _make_knowledge()
    _tell("writer", f"GRANT UPDATE ({FILLED}) ON {LOGS} TO")
    _tell("writer", f"GRANT SELECT, INSERT ON {KNOWLEDGE} TO")
    _tell("reader", f"GRANT SELECT ON {KNOWLEDGE} TO")
    _tell("owner", f"ALTER TABLE {KNOWLEDGE} OWNER TO")


def downgrade() -> None:
    """Undo the change; hashes, regimes, twins' equity, why Auto Pilot switched itself off and what it knew are lost."""
    op.drop_table(KNOWLEDGE)
    _tell("writer", f"REVOKE UPDATE ({FILLED}) ON {LOGS} FROM")
    op.drop_column(STRATEGIES, "autopilot_disabled_reason")
    op.drop_column(SNAPSHOTS, "twin_equity_usd")
    op.drop_constraint(op.f(f"ck_{LOGS}_outcome_has_a_hash"), LOGS)
    for name in (*HASHES, "regime"):
        op.drop_column(LOGS, name)


def _tell(role: str, statement: str) -> None:
    """Execute a statement that ends with a role of the database, where there is one."""
    op.get_bind().connection.cursor().execute(_FOR_ROLES.format(statement, role))  # not by SQLAlchemy, as in 0011


def _make_knowledge() -> None:
    op.create_table(
        KNOWLEDGE,
        sa.Column(
            "version", sa.Integer(), nullable=False, autoincrement=False, comment="Number of the version, from 1."
        ),
        sa.Column("from_version", sa.Integer(), nullable=False, comment="The version that was added to, 0 for none."),
        sa.Column(
            "from_run",
            sa.Uuid(),
            nullable=False,
            comment="Key of the run whose outcomes were added, which may be archived by now.",
        ),
        sa.Column("outcomes", sa.Integer(), nullable=False, comment="How many outcomes that were."),
        sa.Column(
            "counts", JSONB(), nullable=False, comment="Outcomes of each type and regime: POSITIVE, NEUTRAL, NEGATIVE."
        ),
        sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of version and counts."),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Wall-clock time at which the row was written last.",
        ),
        sa.PrimaryKeyConstraint("version", name=op.f(f"pk_{KNOWLEDGE}")),
        sa.UniqueConstraint("from_run", name=op.f(f"uq_{KNOWLEDGE}_from_run")),
        sa.CheckConstraint("version > 0", name=op.f(f"ck_{KNOWLEDGE}_version")),
        sa.CheckConstraint("from_version = version - 1", name=op.f(f"ck_{KNOWLEDGE}_from_version")),
        sa.CheckConstraint("outcomes > 0", name=op.f(f"ck_{KNOWLEDGE}_outcomes")),
        sa.CheckConstraint("jsonb_typeof(counts) = 'array'", name=op.f(f"ck_{KNOWLEDGE}_counts")),
        sa.CheckConstraint(HEX.format("hash"), name=op.f(f"ck_{KNOWLEDGE}_hash")),
        comment=(
            "Outcomes counted over earlier runs, by type of adjustment and market regime; a version is never changed."
        ),
    )


REGIME = "Number of the market's regime, of volatility, trend and gas."
ROW_HASH = "SHA-256 of the row as it was written and of the hash of the session's row before."
OUTCOME_HASH = "SHA-256 of that hash and the outcome, once it is there."
TWIN = "Equity of the twin that trades without the adjustment being judged."
DISABLED = "Why Auto Pilot has switched itself off, as a sentence; nothing while it has not."
