-- Sweeps and their trials as they began; later changes are migrations of their own.

CREATE TABLE sweeps (
    sweep_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    spec JSON NOT NULL,
    spec_hash VARCHAR(64) NOT NULL,
    markets JSONB NOT NULL,
    points BIGINT NOT NULL,
    version VARCHAR(50) NOT NULL,
    status VARCHAR(20) DEFAULT 'RUNNING' NOT NULL,
    digest VARCHAR(64),
    error_message TEXT DEFAULT '' NOT NULL,
    verdict JSONB,
    incarnation BIGINT DEFAULT 1 NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sweeps PRIMARY KEY (sweep_id),
    CONSTRAINT ck_sweeps_spec CHECK (json_typeof(spec) = 'object'),
    CONSTRAINT ck_sweeps_spec_hash CHECK (spec_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_sweeps_markets CHECK (jsonb_typeof(markets) = 'array'),
    CONSTRAINT ck_sweeps_points CHECK (points > 0),
    CONSTRAINT ck_sweeps_status CHECK (status IN ('RUNNING', 'COMPLETED', 'ERROR', 'STOPPED')),
    CONSTRAINT ck_sweeps_verdict CHECK (jsonb_typeof(verdict) = 'object'),
    CONSTRAINT ck_sweeps_incarnation CHECK (incarnation > 0)
);
CREATE INDEX ix_sweeps_name ON sweeps (name);
CREATE INDEX ix_sweeps_started_at ON sweeps (started_at);
COMMENT ON TABLE sweeps IS 'One search over the settings of an account, on one market or several.';
COMMENT ON COLUMN sweeps.sweep_id IS 'Key of the sweep; all its rows'' keys begin with the same 48 bits.';
COMMENT ON COLUMN sweeps.name IS 'Name of the sweep.';
COMMENT ON COLUMN sweeps.spec IS 'The sweep as it was begun, its fields in their order.';
COMMENT ON COLUMN sweeps.spec_hash IS 'SHA-256 of what defines its results.';
COMMENT ON COLUMN sweeps.markets IS 'The scenario of each market, in order.';
COMMENT ON COLUMN sweeps.points IS 'Settings to try on each market.';
COMMENT ON COLUMN sweeps.version IS 'Version of paperdex that began the sweep.';
COMMENT ON COLUMN sweeps.status IS 'How far the sweep has come.';
COMMENT ON COLUMN sweeps.digest IS 'Hash of its trials, once it has ended.';
COMMENT ON COLUMN sweeps.error_message IS 'Why the sweep ended in ERROR.';
COMMENT ON COLUMN sweeps.verdict IS 'Whether luck is a sufficient explanation of the winner, in figures.';
COMMENT ON COLUMN sweeps.incarnation IS 'Number of its current conductor; an older one is refused.';
COMMENT ON COLUMN sweeps.started_at IS 'Wall-clock time of the beginning.';
COMMENT ON COLUMN sweeps.finished_at IS 'Wall-clock time of the end.';
CREATE TABLE sweep_cohorts (
    cohort_id UUID NOT NULL,
    sweep_id UUID NOT NULL,
    market INTEGER NOT NULL,
    first_point BIGINT NOT NULL,
    n_points INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sweep_cohorts PRIMARY KEY (cohort_id),
    CONSTRAINT uq_sweep_cohorts_sweep_id_market_first_point UNIQUE (sweep_id, market, first_point),
    CONSTRAINT fk_sweep_cohorts_sweep_id FOREIGN KEY(sweep_id) REFERENCES sweeps (sweep_id) ON DELETE RESTRICT,
    CONSTRAINT ck_sweep_cohorts_market CHECK (market >= 0),
    CONSTRAINT ck_sweep_cohorts_first_point CHECK (first_point >= 0),
    CONSTRAINT ck_sweep_cohorts_n_points CHECK (n_points > 0),
    CONSTRAINT ck_sweep_cohorts_skipped CHECK (skipped >= 0)
);
COMMENT ON TABLE sweep_cohorts IS 'Trials that were committed together: what a sweep that is taken up need not do again.';
COMMENT ON COLUMN sweep_cohorts.cohort_id IS 'Key of the cohort.';
COMMENT ON COLUMN sweep_cohorts.sweep_id IS 'The sweep.';
COMMENT ON COLUMN sweep_cohorts.market IS 'Number of the market in the sweep.';
COMMENT ON COLUMN sweep_cohorts.first_point IS 'Number of its first setting.';
COMMENT ON COLUMN sweep_cohorts.n_points IS 'How many settings it has.';
COMMENT ON COLUMN sweep_cohorts.skipped IS 'How many of them a constraint forbids.';
COMMENT ON COLUMN sweep_cohorts.recorded_at IS 'Wall-clock time at which the row was written last.';
CREATE TABLE trials (
    trial_id UUID NOT NULL,
    sweep_id UUID NOT NULL,
    market INTEGER NOT NULL,
    point BIGINT NOT NULL,
    settings JSONB NOT NULL,
    status VARCHAR(20) NOT NULL,
    error_message TEXT DEFAULT '' NOT NULL,
    blocks BIGINT NOT NULL,
    equity_usd NUMERIC(20, 6) NOT NULL,
    return_percent DOUBLE PRECISION NOT NULL,
    sharpe_ratio DOUBLE PRECISION NOT NULL,
    max_drawdown_percent DOUBLE PRECISION NOT NULL,
    total_trades INTEGER NOT NULL,
    failed_trades INTEGER NOT NULL,
    winning_trades INTEGER NOT NULL,
    losing_trades INTEGER NOT NULL,
    won_usd NUMERIC(20, 6) NOT NULL,
    lost_usd NUMERIC(20, 6) NOT NULL,
    gas_paid_usd NUMERIC(20, 6) NOT NULL,
    fee_usd NUMERIC(20, 6) NOT NULL,
    price_impact_usd NUMERIC(20, 6) NOT NULL,
    drift_usd NUMERIC(20, 6) NOT NULL,
    sandwich_usd NUMERIC(20, 6) NOT NULL,
    failure_usd NUMERIC(20, 6) NOT NULL,
    periods INTEGER NOT NULL,
    return_mean DOUBLE PRECISION NOT NULL,
    return_deviation DOUBLE PRECISION NOT NULL,
    skewness DOUBLE PRECISION NOT NULL,
    kurtosis DOUBLE PRECISION NOT NULL,
    part_sums BYTEA NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_trials PRIMARY KEY (trial_id),
    CONSTRAINT uq_trials_sweep_id_point_market UNIQUE (sweep_id, point, market),
    CONSTRAINT fk_trials_sweep_id FOREIGN KEY(sweep_id) REFERENCES sweeps (sweep_id) ON DELETE RESTRICT,
    CONSTRAINT ck_trials_market CHECK (market >= 0),
    CONSTRAINT ck_trials_point CHECK (point >= 0),
    CONSTRAINT ck_trials_settings CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT ck_trials_status CHECK (status IN ('COMPLETED', 'PRUNED', 'ERROR')),
    CONSTRAINT ck_trials_blocks CHECK (blocks >= 0),
    CONSTRAINT ck_trials_equity_usd CHECK (equity_usd >= 0),
    CONSTRAINT ck_trials_max_drawdown_percent CHECK (max_drawdown_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_trials_total_trades CHECK (total_trades >= 0),
    CONSTRAINT ck_trials_failed_trades CHECK (failed_trades >= 0),
    CONSTRAINT ck_trials_winning_trades CHECK (winning_trades >= 0),
    CONSTRAINT ck_trials_losing_trades CHECK (losing_trades >= 0),
    CONSTRAINT ck_trials_won_usd CHECK (won_usd >= 0),
    CONSTRAINT ck_trials_lost_usd CHECK (lost_usd >= 0),
    CONSTRAINT ck_trials_gas_paid_usd CHECK (gas_paid_usd >= 0),
    CONSTRAINT ck_trials_periods CHECK (periods >= 0),
    CONSTRAINT ck_trials_return_deviation CHECK (return_deviation >= 0)
);
CREATE INDEX ix_trials_sweep_id_return_percent ON trials (sweep_id, return_percent);
CREATE INDEX ix_trials_sweep_id_sharpe_ratio ON trials (sweep_id, sharpe_ratio);
COMMENT ON TABLE trials IS 'One setting on one market, and what it came to.';
COMMENT ON COLUMN trials.trial_id IS 'Key of the trial.';
COMMENT ON COLUMN trials.sweep_id IS 'The sweep.';
COMMENT ON COLUMN trials.market IS 'Number of the market in the sweep.';
COMMENT ON COLUMN trials.point IS 'Number of the setting in the sweep.';
COMMENT ON COLUMN trials.settings IS 'The setting: values by the path of their field.';
COMMENT ON COLUMN trials.status IS 'How it ended.';
COMMENT ON COLUMN trials.error_message IS 'Why it ended in ERROR.';
COMMENT ON COLUMN trials.blocks IS 'Blocks that it traded.';
COMMENT ON COLUMN trials.equity_usd IS 'Cash and value of what is held in the end.';
COMMENT ON COLUMN trials.return_percent IS 'Equity less that of the beginning, in percent of it.';
COMMENT ON COLUMN trials.sharpe_ratio IS 'Annualised Sharpe ratio of the returns of its periods.';
COMMENT ON COLUMN trials.max_drawdown_percent IS 'Largest fall of equity from its peak.';
COMMENT ON COLUMN trials.total_trades IS 'Orders that have ended.';
COMMENT ON COLUMN trials.failed_trades IS 'Orders that were not filled.';
COMMENT ON COLUMN trials.winning_trades IS 'Positions closed with a profit after gas.';
COMMENT ON COLUMN trials.losing_trades IS 'Positions closed without one.';
COMMENT ON COLUMN trials.won_usd IS 'Sum of profits.';
COMMENT ON COLUMN trials.lost_usd IS 'Sum of losses, as a positive number.';
COMMENT ON COLUMN trials.gas_paid_usd IS 'Gas paid.';
COMMENT ON COLUMN trials.fee_usd IS 'Kept by the pools of its orders.';
COMMENT ON COLUMN trials.price_impact_usd IS 'Lost to the size of its orders.';
COMMENT ON COLUMN trials.drift_usd IS 'Lost to moves while its orders waited.';
COMMENT ON COLUMN trials.sandwich_usd IS 'Lost to attacks on its orders.';
COMMENT ON COLUMN trials.failure_usd IS 'Gas of its orders that were not filled.';
COMMENT ON COLUMN trials.periods IS 'Review periods that its returns are of.';
COMMENT ON COLUMN trials.return_mean IS 'Mean return of a period.';
COMMENT ON COLUMN trials.return_deviation IS 'Deviation of those returns, ddof 1.';
COMMENT ON COLUMN trials.skewness IS 'Skewness of those returns; 0 where they do not differ.';
COMMENT ON COLUMN trials.kurtosis IS 'Kurtosis of those returns; 3 where they do not differ.';
COMMENT ON COLUMN trials.part_sums IS 'Sums and sums of squares of the returns in equal parts of its time: little-endian doubles.';
COMMENT ON COLUMN trials.recorded_at IS 'Wall-clock time at which the row was written last.';
