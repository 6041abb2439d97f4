-- The schema as it began: every table, its rules, its indexes and its comments.
-- Generated once from storage/models and frozen; later changes are migrations of their own.

CREATE TABLE runs (
    run_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    seed BIGINT NOT NULL,
    scenario JSONB NOT NULL,
    scenario_hash VARCHAR(64) NOT NULL,
    tokens JSONB NOT NULL,
    version VARCHAR(50) NOT NULL,
    blocks BIGINT NOT NULL,
    status VARCHAR(20) DEFAULT 'RUNNING' NOT NULL,
    digest VARCHAR(64),
    error_message TEXT DEFAULT '' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_runs PRIMARY KEY (run_id),
    CONSTRAINT ck_runs_seed CHECK (seed >= 0),
    CONSTRAINT ck_runs_scenario CHECK (jsonb_typeof(scenario) = 'object'),
    CONSTRAINT ck_runs_scenario_hash CHECK (scenario_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_runs_tokens CHECK (jsonb_typeof(tokens) = 'array'),
    CONSTRAINT ck_runs_blocks CHECK (blocks > 0),
    CONSTRAINT ck_runs_status CHECK (status IN ('RUNNING', 'COMPLETED', 'ERROR', 'STOPPED'))
);
CREATE INDEX ix_runs_name ON runs (name);
CREATE INDEX ix_runs_started_at ON runs (started_at);
CREATE INDEX ix_runs_status ON runs (status);
COMMENT ON TABLE runs IS 'One execution of a scenario.';
COMMENT ON COLUMN runs.run_id IS 'Key of the run; all its rows'' keys begin with the same 48 bits.';
COMMENT ON COLUMN runs.name IS 'Name of the scenario.';
COMMENT ON COLUMN runs.seed IS 'Seed of all random numbers of the run.';
COMMENT ON COLUMN runs.scenario IS 'The scenario as it was run.';
COMMENT ON COLUMN runs.scenario_hash IS 'SHA-256 of the scenario without its segment length, which changes nothing.';
COMMENT ON COLUMN runs.tokens IS 'The market''s tokens and pools.';
COMMENT ON COLUMN runs.version IS 'Version of paperdex that began the run.';
COMMENT ON COLUMN runs.blocks IS 'Length of the run in blocks.';
COMMENT ON COLUMN runs.status IS 'How far the run has come.';
COMMENT ON COLUMN runs.digest IS 'Hash of the content of the run, once it has ended.';
COMMENT ON COLUMN runs.error_message IS 'Why the run ended in ERROR.';
COMMENT ON COLUMN runs.started_at IS 'Wall-clock time of the beginning.';
COMMENT ON COLUMN runs.finished_at IS 'Wall-clock time of the end.';

CREATE TABLE users (
    user_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (user_id),
    CONSTRAINT uq_users_name UNIQUE (name)
);
COMMENT ON TABLE users IS 'Who owns accounts.';
COMMENT ON COLUMN users.user_id IS 'Key of the user.';
COMMENT ON COLUMN users.name IS 'Name of the user.';
COMMENT ON COLUMN users.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_trading_accounts (
    account_id UUID NOT NULL,
    user_id UUID NOT NULL,
    run_id UUID NOT NULL,
    ordinal INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    initial_balance_usd NUMERIC(20, 6) DEFAULT 10000.00 NOT NULL,
    current_balance_usd NUMERIC(20, 6) DEFAULT 10000.00 NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_activity TIMESTAMP WITH TIME ZONE NOT NULL,
    total_trades INTEGER DEFAULT 0 NOT NULL,
    winning_trades INTEGER DEFAULT 0 NOT NULL,
    losing_trades INTEGER DEFAULT 0 NOT NULL,
    total_profit_loss_usd NUMERIC(20, 6) DEFAULT 0.00 NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_trading_accounts PRIMARY KEY (account_id),
    CONSTRAINT uq_paper_trading_accounts_run_id_name UNIQUE (run_id, name),
    CONSTRAINT uq_paper_trading_accounts_run_id_ordinal UNIQUE (run_id, ordinal),
    CONSTRAINT ck_paper_trading_accounts_scores CHECK (winning_trades + losing_trades <= total_trades),
    CONSTRAINT fk_paper_trading_accounts_user_id FOREIGN KEY(user_id) REFERENCES users (user_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_trading_accounts_run_id FOREIGN KEY(run_id) REFERENCES runs (run_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_trading_accounts_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_paper_trading_accounts_initial_balance_usd CHECK (initial_balance_usd >= 0),
    CONSTRAINT ck_paper_trading_accounts_current_balance_usd CHECK (current_balance_usd >= 0),
    CONSTRAINT ck_paper_trading_accounts_total_trades CHECK (total_trades >= 0),
    CONSTRAINT ck_paper_trading_accounts_winning_trades CHECK (winning_trades >= 0),
    CONSTRAINT ck_paper_trading_accounts_losing_trades CHECK (losing_trades >= 0)
);
CREATE INDEX ix_paper_trading_accounts_created_at ON paper_trading_accounts (created_at);
CREATE INDEX ix_paper_trading_accounts_user_id_is_active ON paper_trading_accounts (user_id, is_active);
COMMENT ON TABLE paper_trading_accounts IS 'A virtual trading account of a run: its balance and its score.';
COMMENT ON COLUMN paper_trading_accounts.account_id IS 'Key of the account.';
COMMENT ON COLUMN paper_trading_accounts.user_id IS 'Who owns the account.';
COMMENT ON COLUMN paper_trading_accounts.run_id IS 'The run that the account trades in.';
COMMENT ON COLUMN paper_trading_accounts.ordinal IS 'Place of the account in the scenario, from 0.';
COMMENT ON COLUMN paper_trading_accounts.name IS 'Name of the account, unique in its run.';
COMMENT ON COLUMN paper_trading_accounts.description IS 'What the account is for.';
COMMENT ON COLUMN paper_trading_accounts.initial_balance_usd IS 'Cash at the beginning, in USD.';
COMMENT ON COLUMN paper_trading_accounts.current_balance_usd IS 'Cash now, in USD, promised to orders or not.';
COMMENT ON COLUMN paper_trading_accounts.is_active IS 'Whether the account trades.';
COMMENT ON COLUMN paper_trading_accounts.created_at IS 'Simulated time of the beginning.';
COMMENT ON COLUMN paper_trading_accounts.last_activity IS 'Simulated time up to which the account has traded.';
COMMENT ON COLUMN paper_trading_accounts.total_trades IS 'Orders that have ended, filled or not.';
COMMENT ON COLUMN paper_trading_accounts.winning_trades IS 'Positions closed with a profit after gas.';
COMMENT ON COLUMN paper_trading_accounts.losing_trades IS 'Positions closed without one.';
COMMENT ON COLUMN paper_trading_accounts.total_profit_loss_usd IS 'Profit of closed positions less all gas paid, in USD.';
COMMENT ON COLUMN paper_trading_accounts.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_strategy_configs (
    config_id UUID NOT NULL,
    account_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    decision_interval_blocks INTEGER DEFAULT 50 NOT NULL,
    enable_dca BOOLEAN DEFAULT false NOT NULL,
    enable_grid BOOLEAN DEFAULT false NOT NULL,
    enable_twap BOOLEAN DEFAULT false NOT NULL,
    enable_vwap BOOLEAN DEFAULT false NOT NULL,
    dca_num_intervals INTEGER DEFAULT 5 NOT NULL,
    dca_interval_hours INTEGER DEFAULT 2 NOT NULL,
    grid_num_levels INTEGER DEFAULT 7 NOT NULL,
    grid_profit_target_percent NUMERIC(5, 2) DEFAULT 2.0 NOT NULL,
    trading_mode VARCHAR(20) DEFAULT 'MODERATE' NOT NULL,
    intel_level INTEGER DEFAULT 5 NOT NULL,
    use_fast_lane BOOLEAN DEFAULT true NOT NULL,
    use_smart_lane BOOLEAN DEFAULT false NOT NULL,
    fast_lane_threshold_usd NUMERIC(20, 6) DEFAULT 100 NOT NULL,
    max_position_size_percent NUMERIC(5, 2) DEFAULT 5.0 NOT NULL,
    max_trade_size_usd NUMERIC(20, 6) DEFAULT 1000.00 NOT NULL,
    stop_loss_percent NUMERIC(5, 2) DEFAULT 5.0 NOT NULL,
    take_profit_percent NUMERIC(6, 2) DEFAULT 10.0 NOT NULL,
    max_hold_hours INTEGER DEFAULT 72 NOT NULL,
    max_daily_trades INTEGER DEFAULT 20 NOT NULL,
    max_concurrent_positions INTEGER DEFAULT 5 NOT NULL,
    min_liquidity_usd NUMERIC(20, 6) DEFAULT 10000 NOT NULL,
    max_slippage_percent NUMERIC(5, 2) DEFAULT 1.0 NOT NULL,
    confidence_threshold NUMERIC(5, 2) DEFAULT 60 NOT NULL,
    allowed_tokens JSONB DEFAULT '[]'::jsonb NOT NULL,
    blocked_tokens JSONB DEFAULT '[]'::jsonb NOT NULL,
    custom_parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    autopilot_enabled BOOLEAN DEFAULT false NOT NULL,
    autopilot_started_at TIMESTAMP WITH TIME ZONE,
    autopilot_adjustments_count INTEGER DEFAULT 0 NOT NULL,
    autopilot_last_adjustment TIMESTAMP WITH TIME ZONE,
    min_position_size_percent NUMERIC(5, 2) DEFAULT 1.0 NOT NULL,
    max_position_size_percent_limit NUMERIC(5, 2) DEFAULT 20.0 NOT NULL,
    min_confidence_threshold NUMERIC(5, 2) DEFAULT 40.0 NOT NULL,
    max_confidence_threshold_limit NUMERIC(5, 2) DEFAULT 95.0 NOT NULL,
    learning_rate NUMERIC(5, 4) DEFAULT 0.1000 NOT NULL,
    adaptation_aggressiveness VARCHAR(20) DEFAULT 'MODERATE' NOT NULL,
    performance_window_trades INTEGER DEFAULT 20 NOT NULL,
    adjustment_cooldown_minutes INTEGER DEFAULT 30 NOT NULL,
    max_daily_adjustments INTEGER DEFAULT 10 NOT NULL,
    auto_disable_after_failures INTEGER DEFAULT 5 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_strategy_configs PRIMARY KEY (config_id),
    CONSTRAINT uq_paper_strategy_configs_account_id_name UNIQUE (account_id, name),
    CONSTRAINT ck_paper_strategy_configs_position_size_bounds CHECK (min_position_size_percent <= max_position_size_percent_limit),
    CONSTRAINT ck_paper_strategy_configs_confidence_bounds CHECK (min_confidence_threshold <= max_confidence_threshold_limit),
    CONSTRAINT ck_paper_strategy_configs_a_lane_is_open CHECK (use_fast_lane OR use_smart_lane),
    CONSTRAINT fk_paper_strategy_configs_account_id FOREIGN KEY(account_id) REFERENCES paper_trading_accounts (account_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_strategy_configs_decision_interval_blocks CHECK (decision_interval_blocks BETWEEN 1 AND 7200),
    CONSTRAINT ck_paper_strategy_configs_dca_num_intervals CHECK (dca_num_intervals BETWEEN 2 AND 20),
    CONSTRAINT ck_paper_strategy_configs_dca_interval_hours CHECK (dca_interval_hours BETWEEN 1 AND 168),
    CONSTRAINT ck_paper_strategy_configs_grid_num_levels CHECK (grid_num_levels BETWEEN 3 AND 20),
    CONSTRAINT ck_paper_strategy_configs_grid_profit_target_percent CHECK (grid_profit_target_percent BETWEEN 0.1 AND 10.0),
    CONSTRAINT ck_paper_strategy_configs_trading_mode CHECK (trading_mode IN ('CONSERVATIVE', 'MODERATE', 'AGGRESSIVE', 'CUSTOM')),
    CONSTRAINT ck_paper_strategy_configs_intel_level CHECK (intel_level BETWEEN 1 AND 10),
    CONSTRAINT ck_paper_strategy_configs_fast_lane_threshold_usd CHECK (fast_lane_threshold_usd >= 0),
    CONSTRAINT ck_paper_strategy_configs_max_position_size_percent CHECK (max_position_size_percent BETWEEN 0.1 AND 100),
    CONSTRAINT ck_paper_strategy_configs_max_trade_size_usd CHECK (max_trade_size_usd BETWEEN 10 AND 100000),
    CONSTRAINT ck_paper_strategy_configs_stop_loss_percent CHECK (stop_loss_percent BETWEEN 0.1 AND 50),
    CONSTRAINT ck_paper_strategy_configs_take_profit_percent CHECK (take_profit_percent BETWEEN 0.1 AND 1000),
    CONSTRAINT ck_paper_strategy_configs_max_hold_hours CHECK (max_hold_hours BETWEEN 1 AND 720),
    CONSTRAINT ck_paper_strategy_configs_max_daily_trades CHECK (max_daily_trades BETWEEN 1 AND 1000),
    CONSTRAINT ck_paper_strategy_configs_max_concurrent_positions CHECK (max_concurrent_positions BETWEEN 1 AND 100),
    CONSTRAINT ck_paper_strategy_configs_min_liquidity_usd CHECK (min_liquidity_usd >= 0),
    CONSTRAINT ck_paper_strategy_configs_max_slippage_percent CHECK (max_slippage_percent BETWEEN 0.01 AND 10),
    CONSTRAINT ck_paper_strategy_configs_confidence_threshold CHECK (confidence_threshold BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_strategy_configs_allowed_tokens CHECK (jsonb_typeof(allowed_tokens) = 'array'),
    CONSTRAINT ck_paper_strategy_configs_blocked_tokens CHECK (jsonb_typeof(blocked_tokens) = 'array'),
    CONSTRAINT ck_paper_strategy_configs_custom_parameters CHECK (jsonb_typeof(custom_parameters) = 'object'),
    CONSTRAINT ck_paper_strategy_configs_autopilot_adjustments_count CHECK (autopilot_adjustments_count >= 0),
    CONSTRAINT ck_paper_strategy_configs_min_position_size_percent CHECK (min_position_size_percent BETWEEN 0.1 AND 25),
    CONSTRAINT ck_paper_strategy_configs_max_position_size_percent_limit CHECK (max_position_size_percent_limit BETWEEN 1 AND 50),
    CONSTRAINT ck_paper_strategy_configs_min_confidence_threshold CHECK (min_confidence_threshold BETWEEN 10 AND 95),
    CONSTRAINT ck_paper_strategy_configs_max_confidence_threshold_limit CHECK (max_confidence_threshold_limit BETWEEN 50 AND 100),
    CONSTRAINT ck_paper_strategy_configs_learning_rate CHECK (learning_rate BETWEEN 0.0001 AND 1.0),
    CONSTRAINT ck_paper_strategy_configs_adaptation_aggressiveness CHECK (adaptation_aggressiveness IN ('CONSERVATIVE', 'MODERATE', 'AGGRESSIVE')),
    CONSTRAINT ck_paper_strategy_configs_performance_window_trades CHECK (performance_window_trades BETWEEN 5 AND 100),
    CONSTRAINT ck_paper_strategy_configs_adjustment_cooldown_minutes CHECK (adjustment_cooldown_minutes BETWEEN 1 AND 1440),
    CONSTRAINT ck_paper_strategy_configs_max_daily_adjustments CHECK (max_daily_adjustments BETWEEN 1 AND 100),
    CONSTRAINT ck_paper_strategy_configs_auto_disable_after_failures CHECK (auto_disable_after_failures BETWEEN 1 AND 20)
);
CREATE INDEX ix_paper_strategy_configs_account_id_is_active ON paper_strategy_configs (account_id, is_active);
CREATE INDEX ix_paper_strategy_configs_autopilot_enabled ON paper_strategy_configs (autopilot_enabled);
CREATE INDEX ix_paper_strategy_configs_created_at ON paper_strategy_configs (created_at);
CREATE INDEX ix_paper_strategy_configs_updated_at ON paper_strategy_configs (updated_at);
COMMENT ON TABLE paper_strategy_configs IS 'How an account''s session decides, what it may risk, and how far Auto Pilot may go.';
COMMENT ON COLUMN paper_strategy_configs.config_id IS 'Key of the strategy.';
COMMENT ON COLUMN paper_strategy_configs.account_id IS 'The account it trades for.';
COMMENT ON COLUMN paper_strategy_configs.name IS 'Name of the strategy, unique in its account.';
COMMENT ON COLUMN paper_strategy_configs.is_active IS 'Whether it is in use.';
COMMENT ON COLUMN paper_strategy_configs.decision_interval_blocks IS 'A session analyses each token once in so many blocks.';
COMMENT ON COLUMN paper_strategy_configs.enable_dca IS 'Whether it buys in instalments.';
COMMENT ON COLUMN paper_strategy_configs.enable_grid IS 'Whether it trades a price grid.';
COMMENT ON COLUMN paper_strategy_configs.enable_twap IS 'Whether it spreads orders evenly in time.';
COMMENT ON COLUMN paper_strategy_configs.enable_vwap IS 'Whether it spreads orders by volume.';
COMMENT ON COLUMN paper_strategy_configs.dca_num_intervals IS 'Instalments.';
COMMENT ON COLUMN paper_strategy_configs.dca_interval_hours IS 'Hours between instalments.';
COMMENT ON COLUMN paper_strategy_configs.grid_num_levels IS 'Levels of the grid.';
COMMENT ON COLUMN paper_strategy_configs.grid_profit_target_percent IS 'Profit of one level of the grid.';
COMMENT ON COLUMN paper_strategy_configs.trading_mode IS 'Preset that filled the limits left open.';
COMMENT ON COLUMN paper_strategy_configs.intel_level IS 'Depth of analysis.';
COMMENT ON COLUMN paper_strategy_configs.use_fast_lane IS 'Whether the FAST lane is open.';
COMMENT ON COLUMN paper_strategy_configs.use_smart_lane IS 'Whether the SMART lane is open.';
COMMENT ON COLUMN paper_strategy_configs.fast_lane_threshold_usd IS 'Trades up to this size take the FAST lane when both are open.';
COMMENT ON COLUMN paper_strategy_configs.max_position_size_percent IS 'Largest purchase, in percent of equity.';
COMMENT ON COLUMN paper_strategy_configs.max_trade_size_usd IS 'Largest purchase, in USD.';
COMMENT ON COLUMN paper_strategy_configs.stop_loss_percent IS 'Loss at which a position is left.';
COMMENT ON COLUMN paper_strategy_configs.take_profit_percent IS 'Profit at which a position is left.';
COMMENT ON COLUMN paper_strategy_configs.max_hold_hours IS 'Longest time a position is held, in hours.';
COMMENT ON COLUMN paper_strategy_configs.max_daily_trades IS 'Most orders a simulated day.';
COMMENT ON COLUMN paper_strategy_configs.max_concurrent_positions IS 'Most positions at a time.';
COMMENT ON COLUMN paper_strategy_configs.min_liquidity_usd IS 'Smallest USD side of a pool that is traded in.';
COMMENT ON COLUMN paper_strategy_configs.max_slippage_percent IS 'Shortfall against the quote beyond which a swap reverts.';
COMMENT ON COLUMN paper_strategy_configs.confidence_threshold IS 'Confidence that a purchase needs, in percent.';
COMMENT ON COLUMN paper_strategy_configs.allowed_tokens IS 'Symbols that may be traded; empty means all.';
COMMENT ON COLUMN paper_strategy_configs.blocked_tokens IS 'Symbols that may not be traded.';
COMMENT ON COLUMN paper_strategy_configs.custom_parameters IS 'Parameters of a user''s own.';
COMMENT ON COLUMN paper_strategy_configs.autopilot_enabled IS 'Whether Auto Pilot may adjust it.';
COMMENT ON COLUMN paper_strategy_configs.autopilot_started_at IS 'Simulated time since which it may.';
COMMENT ON COLUMN paper_strategy_configs.autopilot_adjustments_count IS 'Adjustments made.';
COMMENT ON COLUMN paper_strategy_configs.autopilot_last_adjustment IS 'Simulated time of the last adjustment.';
COMMENT ON COLUMN paper_strategy_configs.min_position_size_percent IS 'Lower bound of Auto Pilot for the position size.';
COMMENT ON COLUMN paper_strategy_configs.max_position_size_percent_limit IS 'Upper bound of Auto Pilot for the position size.';
COMMENT ON COLUMN paper_strategy_configs.min_confidence_threshold IS 'Lower bound of Auto Pilot for the confidence threshold.';
COMMENT ON COLUMN paper_strategy_configs.max_confidence_threshold_limit IS 'Upper bound of Auto Pilot for the confidence threshold.';
COMMENT ON COLUMN paper_strategy_configs.learning_rate IS 'Scales Auto Pilot''s steps.';
COMMENT ON COLUMN paper_strategy_configs.adaptation_aggressiveness IS 'Scales Auto Pilot''s steps.';
COMMENT ON COLUMN paper_strategy_configs.performance_window_trades IS 'Closed trades that Auto Pilot judges by.';
COMMENT ON COLUMN paper_strategy_configs.adjustment_cooldown_minutes IS 'Simulated minutes between adjustments.';
COMMENT ON COLUMN paper_strategy_configs.max_daily_adjustments IS 'Most adjustments a simulated day.';
COMMENT ON COLUMN paper_strategy_configs.auto_disable_after_failures IS 'Failed adjustments in a row after which Auto Pilot disables itself.';
COMMENT ON COLUMN paper_strategy_configs.created_at IS 'Simulated time of the beginning.';
COMMENT ON COLUMN paper_strategy_configs.updated_at IS 'Simulated time of the last change.';
COMMENT ON COLUMN paper_strategy_configs.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_trading_configs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account_id UUID NOT NULL,
    base_slippage_percent NUMERIC(5, 2) DEFAULT 0.5 NOT NULL,
    gas_price_multiplier NUMERIC(5, 2) DEFAULT 1.0 NOT NULL,
    execution_delay_ms INTEGER DEFAULT 500 NOT NULL,
    max_position_size_percent NUMERIC(5, 2) DEFAULT 10.0 NOT NULL,
    max_daily_trades INTEGER DEFAULT 50 NOT NULL,
    stop_loss_percent NUMERIC(5, 2) DEFAULT 5.0 NOT NULL,
    simulate_network_issues BOOLEAN DEFAULT true NOT NULL,
    simulate_mev BOOLEAN DEFAULT true NOT NULL,
    failure_rate_percent NUMERIC(5, 2) DEFAULT 2.0 NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_trading_configs PRIMARY KEY (id),
    CONSTRAINT uq_paper_trading_configs_account_id UNIQUE (account_id),
    CONSTRAINT fk_paper_trading_configs_account_id FOREIGN KEY(account_id) REFERENCES paper_trading_accounts (account_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_trading_configs_base_slippage_percent CHECK (base_slippage_percent BETWEEN 0 AND 10),
    CONSTRAINT ck_paper_trading_configs_gas_price_multiplier CHECK (gas_price_multiplier BETWEEN 0.1 AND 10),
    CONSTRAINT ck_paper_trading_configs_execution_delay_ms CHECK (execution_delay_ms >= 0),
    CONSTRAINT ck_paper_trading_configs_max_position_size_percent CHECK (max_position_size_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_trading_configs_max_daily_trades CHECK (max_daily_trades >= 0),
    CONSTRAINT ck_paper_trading_configs_stop_loss_percent CHECK (stop_loss_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_trading_configs_failure_rate_percent CHECK (failure_rate_percent BETWEEN 0 AND 100)
);
COMMENT ON TABLE paper_trading_configs IS 'How real the simulated exchange is to one account.';
COMMENT ON COLUMN paper_trading_configs.id IS 'Number of the row.';
COMMENT ON COLUMN paper_trading_configs.account_id IS 'The account.';
COMMENT ON COLUMN paper_trading_configs.base_slippage_percent IS 'Largest adverse price move just before an order in its block.';
COMMENT ON COLUMN paper_trading_configs.gas_price_multiplier IS 'Scales the account''s gas bid.';
COMMENT ON COLUMN paper_trading_configs.execution_delay_ms IS 'Time from decision to sending, in milliseconds.';
COMMENT ON COLUMN paper_trading_configs.max_position_size_percent IS 'Largest purchase of the account, in percent of its equity.';
COMMENT ON COLUMN paper_trading_configs.max_daily_trades IS 'Most orders a simulated day.';
COMMENT ON COLUMN paper_trading_configs.stop_loss_percent IS 'Loss at which the account leaves a position.';
COMMENT ON COLUMN paper_trading_configs.simulate_network_issues IS 'Whether some orders arrive late.';
COMMENT ON COLUMN paper_trading_configs.simulate_mev IS 'Whether orders may be sandwiched.';
COMMENT ON COLUMN paper_trading_configs.failure_rate_percent IS 'Share of included orders that revert for reasons of their own.';
COMMENT ON COLUMN paper_trading_configs.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_trading_sessions (
    session_id UUID NOT NULL,
    account_id UUID NOT NULL,
    strategy_config_id UUID,
    status VARCHAR(20) DEFAULT 'RUNNING' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    stopped_at TIMESTAMP WITH TIME ZONE,
    last_activity TIMESTAMP WITH TIME ZONE NOT NULL,
    total_trades INTEGER DEFAULT 0 NOT NULL,
    successful_trades INTEGER DEFAULT 0 NOT NULL,
    failed_trades INTEGER DEFAULT 0 NOT NULL,
    equity_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    reserved_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    gas_paid_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    realized_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    max_drawdown_percent NUMERIC(5, 2) DEFAULT 0 NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    error_message TEXT DEFAULT '' NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_trading_sessions PRIMARY KEY (session_id),
    CONSTRAINT ck_paper_trading_sessions_trades_add_up CHECK (total_trades = successful_trades + failed_trades),
    CONSTRAINT fk_paper_trading_sessions_account_id FOREIGN KEY(account_id) REFERENCES paper_trading_accounts (account_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_trading_sessions_strategy_config_id FOREIGN KEY(strategy_config_id) REFERENCES paper_strategy_configs (config_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_trading_sessions_status CHECK (status IN ('RUNNING', 'PAUSED', 'STOPPED', 'COMPLETED', 'ERROR')),
    CONSTRAINT ck_paper_trading_sessions_total_trades CHECK (total_trades >= 0),
    CONSTRAINT ck_paper_trading_sessions_successful_trades CHECK (successful_trades >= 0),
    CONSTRAINT ck_paper_trading_sessions_failed_trades CHECK (failed_trades >= 0),
    CONSTRAINT ck_paper_trading_sessions_equity_usd CHECK (equity_usd >= 0),
    CONSTRAINT ck_paper_trading_sessions_reserved_usd CHECK (reserved_usd >= 0),
    CONSTRAINT ck_paper_trading_sessions_gas_paid_usd CHECK (gas_paid_usd >= 0),
    CONSTRAINT ck_paper_trading_sessions_max_drawdown_percent CHECK (max_drawdown_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_trading_sessions_metadata CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX ix_paper_trading_sessions_account_id_status ON paper_trading_sessions (account_id, status);
CREATE INDEX ix_paper_trading_sessions_started_at ON paper_trading_sessions (started_at);
CREATE INDEX ix_paper_trading_sessions_status ON paper_trading_sessions (status);
CREATE INDEX ix_paper_trading_sessions_strategy_config_id ON paper_trading_sessions (strategy_config_id);
CREATE UNIQUE INDEX unique_running_session_per_account ON paper_trading_sessions (account_id) WHERE status = 'RUNNING';
COMMENT ON TABLE paper_trading_sessions IS 'One strategy trading on one account from start to stop.';
COMMENT ON COLUMN paper_trading_sessions.session_id IS 'Key of the session.';
COMMENT ON COLUMN paper_trading_sessions.account_id IS 'The account that it trades on.';
COMMENT ON COLUMN paper_trading_sessions.strategy_config_id IS 'The strategy that it follows.';
COMMENT ON COLUMN paper_trading_sessions.status IS 'How far the session has come.';
COMMENT ON COLUMN paper_trading_sessions.started_at IS 'Simulated time of the start.';
COMMENT ON COLUMN paper_trading_sessions.stopped_at IS 'Simulated time of the stop.';
COMMENT ON COLUMN paper_trading_sessions.last_activity IS 'Simulated time up to which it has traded.';
COMMENT ON COLUMN paper_trading_sessions.total_trades IS 'Orders that have ended.';
COMMENT ON COLUMN paper_trading_sessions.successful_trades IS 'Orders that were filled.';
COMMENT ON COLUMN paper_trading_sessions.failed_trades IS 'Orders that were not.';
COMMENT ON COLUMN paper_trading_sessions.equity_usd IS 'Cash and value of what is held.';
COMMENT ON COLUMN paper_trading_sessions.reserved_usd IS 'Cash promised to orders in flight.';
COMMENT ON COLUMN paper_trading_sessions.gas_paid_usd IS 'Gas paid.';
COMMENT ON COLUMN paper_trading_sessions.realized_pnl_usd IS 'Proceeds of sales less their cost basis, before gas.';
COMMENT ON COLUMN paper_trading_sessions.max_drawdown_percent IS 'Largest fall of equity from its peak.';
COMMENT ON COLUMN paper_trading_sessions.metadata IS 'Anything else.';
COMMENT ON COLUMN paper_trading_sessions.error_message IS 'Why it ended in ERROR.';
COMMENT ON COLUMN paper_trading_sessions.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE autopilot_logs (
    log_id UUID NOT NULL,
    strategy_config_id UUID NOT NULL,
    session_id UUID,
    ordinal BIGINT NOT NULL,
    block BIGINT NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    adjustment_type VARCHAR(50) NOT NULL,
    parameter_name VARCHAR(50) NOT NULL,
    old_value NUMERIC(20, 6) NOT NULL,
    new_value NUMERIC(20, 6) NOT NULL,
    change_percent NUMERIC(20, 2) NOT NULL,
    reason TEXT NOT NULL,
    trigger_metric VARCHAR(50) NOT NULL,
    trigger_value DOUBLE PRECISION NOT NULL,
    trigger_threshold DOUBLE PRECISION DEFAULT 0 NOT NULL,
    performance_before JSONB DEFAULT '{}'::jsonb NOT NULL,
    performance_after JSONB DEFAULT '{}'::jsonb,
    outcome VARCHAR(20) DEFAULT 'PENDING' NOT NULL,
    outcome_evaluated_at TIMESTAMP WITH TIME ZONE,
    outcome_notes TEXT DEFAULT '' NOT NULL,
    trades_since_adjustment INTEGER DEFAULT 0 NOT NULL,
    market_conditions JSONB DEFAULT '{}'::jsonb NOT NULL,
    confidence_in_adjustment NUMERIC(5, 2) DEFAULT 50 NOT NULL,
    is_reversal BOOLEAN DEFAULT false NOT NULL,
    reverses_log_id UUID,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_autopilot_logs PRIMARY KEY (log_id),
    CONSTRAINT uq_autopilot_logs_session_id_ordinal UNIQUE (session_id, ordinal),
    CONSTRAINT ck_autopilot_logs_reversal_names_what_it_undoes CHECK (is_reversal = (reverses_log_id IS NOT NULL)),
    CONSTRAINT ck_autopilot_logs_does_not_undo_itself CHECK (reverses_log_id <> log_id),
    CONSTRAINT fk_autopilot_logs_strategy_config_id FOREIGN KEY(strategy_config_id) REFERENCES paper_strategy_configs (config_id) ON DELETE RESTRICT,
    CONSTRAINT fk_autopilot_logs_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT fk_autopilot_logs_reverses_log_id FOREIGN KEY(reverses_log_id) REFERENCES autopilot_logs (log_id) ON DELETE RESTRICT,
    CONSTRAINT ck_autopilot_logs_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_autopilot_logs_block CHECK (block >= 0),
    CONSTRAINT ck_autopilot_logs_adjustment_type CHECK (adjustment_type IN ('POSITION_SIZE_INCREASE', 'POSITION_SIZE_DECREASE', 'CONFIDENCE_INCREASE', 'CONFIDENCE_DECREASE', 'FREQUENCY_INCREASE', 'FREQUENCY_DECREASE', 'STOP_LOSS_TIGHTEN', 'STOP_LOSS_LOOSEN', 'TAKE_PROFIT_INCREASE', 'TAKE_PROFIT_DECREASE', 'PAUSE_TRADING', 'RESUME_TRADING', 'GAS_STRATEGY_ADJUST', 'RISK_TOLERANCE_ADJUST')),
    CONSTRAINT ck_autopilot_logs_performance_before CHECK (jsonb_typeof(performance_before) = 'object'),
    CONSTRAINT ck_autopilot_logs_performance_after CHECK (jsonb_typeof(performance_after) = 'object'),
    CONSTRAINT ck_autopilot_logs_outcome CHECK (outcome IN ('PENDING', 'POSITIVE', 'NEUTRAL', 'NEGATIVE', 'UNKNOWN')),
    CONSTRAINT ck_autopilot_logs_trades_since_adjustment CHECK (trades_since_adjustment >= 0),
    CONSTRAINT ck_autopilot_logs_market_conditions CHECK (jsonb_typeof(market_conditions) = 'object'),
    CONSTRAINT ck_autopilot_logs_confidence_in_adjustment CHECK (confidence_in_adjustment BETWEEN 0 AND 100)
);
CREATE INDEX ix_autopilot_logs_adjustment_type ON autopilot_logs (adjustment_type);
CREATE INDEX ix_autopilot_logs_outcome ON autopilot_logs (outcome);
CREATE INDEX ix_autopilot_logs_reverses_log_id ON autopilot_logs (reverses_log_id);
CREATE INDEX ix_autopilot_logs_session_id_timestamp ON autopilot_logs (session_id, timestamp);
CREATE INDEX ix_autopilot_logs_strategy_config_id_timestamp ON autopilot_logs (strategy_config_id, timestamp);
CREATE INDEX ix_autopilot_logs_timestamp ON autopilot_logs (timestamp);
COMMENT ON TABLE autopilot_logs IS 'One parameter change of one session, with its reason.';
COMMENT ON COLUMN autopilot_logs.log_id IS 'Key of the adjustment.';
COMMENT ON COLUMN autopilot_logs.strategy_config_id IS 'The strategy adjusted.';
COMMENT ON COLUMN autopilot_logs.session_id IS 'The session adjusted.';
COMMENT ON COLUMN autopilot_logs.ordinal IS 'Number of the adjustment in its session.';
COMMENT ON COLUMN autopilot_logs.block IS 'First block that trades with the new value.';
COMMENT ON COLUMN autopilot_logs.timestamp IS 'Simulated time of that block.';
COMMENT ON COLUMN autopilot_logs.adjustment_type IS 'What kind of change it is.';
COMMENT ON COLUMN autopilot_logs.parameter_name IS 'The parameter changed.';
COMMENT ON COLUMN autopilot_logs.old_value IS 'Its value before.';
COMMENT ON COLUMN autopilot_logs.new_value IS 'Its value from that block on.';
COMMENT ON COLUMN autopilot_logs.change_percent IS 'The change in percent of the value before, rounded down; 0 if that was 0.';
COMMENT ON COLUMN autopilot_logs.reason IS 'Why, as a sentence.';
COMMENT ON COLUMN autopilot_logs.trigger_metric IS 'The figure that called for it.';
COMMENT ON COLUMN autopilot_logs.trigger_value IS 'That figure.';
COMMENT ON COLUMN autopilot_logs.trigger_threshold IS 'What it was held against.';
COMMENT ON COLUMN autopilot_logs.performance_before IS 'Figures before the change.';
COMMENT ON COLUMN autopilot_logs.performance_after IS 'Figures at the evaluation.';
COMMENT ON COLUMN autopilot_logs.outcome IS 'What it turned out to be.';
COMMENT ON COLUMN autopilot_logs.outcome_evaluated_at IS 'Simulated time of the evaluation.';
COMMENT ON COLUMN autopilot_logs.outcome_notes IS 'How it was judged.';
COMMENT ON COLUMN autopilot_logs.trades_since_adjustment IS 'Trades that the evaluation rests on.';
COMMENT ON COLUMN autopilot_logs.market_conditions IS 'The market at the change.';
COMMENT ON COLUMN autopilot_logs.confidence_in_adjustment IS 'How sure Auto Pilot was, in percent.';
COMMENT ON COLUMN autopilot_logs.is_reversal IS 'Whether it undoes an earlier one.';
COMMENT ON COLUMN autopilot_logs.reverses_log_id IS 'The one that it undoes.';
COMMENT ON COLUMN autopilot_logs.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_performance_metrics (
    metric_id UUID NOT NULL,
    session_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    block BIGINT NOT NULL,
    period_start TIMESTAMP WITH TIME ZONE NOT NULL,
    period_end TIMESTAMP WITH TIME ZONE NOT NULL,
    equity_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    cash_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    gas_paid_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    total_trades INTEGER DEFAULT 0 NOT NULL,
    winning_trades INTEGER DEFAULT 0 NOT NULL,
    losing_trades INTEGER DEFAULT 0 NOT NULL,
    win_rate DOUBLE PRECISION DEFAULT 0 NOT NULL,
    total_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    total_pnl_percent DOUBLE PRECISION DEFAULT 0 NOT NULL,
    average_win_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    average_loss_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    largest_win_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    largest_loss_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    max_drawdown_percent DOUBLE PRECISION DEFAULT 0 NOT NULL,
    sharpe_ratio DOUBLE PRECISION DEFAULT 0 NOT NULL,
    profit_factor DOUBLE PRECISION DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_performance_metrics PRIMARY KEY (metric_id),
    CONSTRAINT uq_paper_performance_metrics_session_id_ordinal UNIQUE (session_id, ordinal),
    CONSTRAINT ck_paper_performance_metrics_period CHECK (period_start <= period_end),
    CONSTRAINT ck_paper_performance_metrics_scores CHECK (winning_trades + losing_trades <= total_trades),
    CONSTRAINT fk_paper_performance_metrics_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_performance_metrics_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_paper_performance_metrics_block CHECK (block >= 0),
    CONSTRAINT ck_paper_performance_metrics_equity_usd CHECK (equity_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_cash_usd CHECK (cash_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_gas_paid_usd CHECK (gas_paid_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_total_trades CHECK (total_trades >= 0),
    CONSTRAINT ck_paper_performance_metrics_winning_trades CHECK (winning_trades >= 0),
    CONSTRAINT ck_paper_performance_metrics_losing_trades CHECK (losing_trades >= 0),
    CONSTRAINT ck_paper_performance_metrics_win_rate CHECK (win_rate BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_performance_metrics_average_win_usd CHECK (average_win_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_average_loss_usd CHECK (average_loss_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_largest_win_usd CHECK (largest_win_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_largest_loss_usd CHECK (largest_loss_usd >= 0),
    CONSTRAINT ck_paper_performance_metrics_max_drawdown_percent CHECK (max_drawdown_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_performance_metrics_profit_factor CHECK (profit_factor >= 0)
);
CREATE INDEX ix_paper_performance_metrics_session_id_period_end ON paper_performance_metrics (session_id, period_end);
CREATE INDEX ix_paper_performance_metrics_total_pnl_percent ON paper_performance_metrics (total_pnl_percent);
CREATE INDEX ix_paper_performance_metrics_win_rate ON paper_performance_metrics (win_rate);
COMMENT ON TABLE paper_performance_metrics IS 'A session''s figures since its start, at the end of a review period.';
COMMENT ON COLUMN paper_performance_metrics.metric_id IS 'Key of the row.';
COMMENT ON COLUMN paper_performance_metrics.session_id IS 'The session.';
COMMENT ON COLUMN paper_performance_metrics.ordinal IS 'Number of the mark in its session.';
COMMENT ON COLUMN paper_performance_metrics.block IS 'Last block of the period.';
COMMENT ON COLUMN paper_performance_metrics.period_start IS 'Simulated time of the session''s start.';
COMMENT ON COLUMN paper_performance_metrics.period_end IS 'Simulated time of the end of that block.';
COMMENT ON COLUMN paper_performance_metrics.equity_usd IS 'Cash and value of what is held.';
COMMENT ON COLUMN paper_performance_metrics.cash_usd IS 'Cash.';
COMMENT ON COLUMN paper_performance_metrics.gas_paid_usd IS 'Gas paid.';
COMMENT ON COLUMN paper_performance_metrics.total_trades IS 'Orders that have ended.';
COMMENT ON COLUMN paper_performance_metrics.winning_trades IS 'Positions closed with a profit after gas.';
COMMENT ON COLUMN paper_performance_metrics.losing_trades IS 'Positions closed without one.';
COMMENT ON COLUMN paper_performance_metrics.win_rate IS 'Share of closed positions with a profit, in percent.';
COMMENT ON COLUMN paper_performance_metrics.total_pnl_usd IS 'Equity less the initial balance.';
COMMENT ON COLUMN paper_performance_metrics.total_pnl_percent IS 'The same in percent of the initial balance.';
COMMENT ON COLUMN paper_performance_metrics.average_win_usd IS 'Average profit of a win.';
COMMENT ON COLUMN paper_performance_metrics.average_loss_usd IS 'Average loss of a losing position, as a positive number.';
COMMENT ON COLUMN paper_performance_metrics.largest_win_usd IS 'Largest profit.';
COMMENT ON COLUMN paper_performance_metrics.largest_loss_usd IS 'Largest loss, as a positive number.';
COMMENT ON COLUMN paper_performance_metrics.max_drawdown_percent IS 'Largest fall of equity from its peak.';
COMMENT ON COLUMN paper_performance_metrics.sharpe_ratio IS 'Annualised Sharpe ratio of the returns from mark to mark.';
COMMENT ON COLUMN paper_performance_metrics.profit_factor IS 'Sum of profits over sum of losses.';
COMMENT ON COLUMN paper_performance_metrics.created_at IS 'Simulated time of the mark.';
COMMENT ON COLUMN paper_performance_metrics.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_positions (
    position_id UUID NOT NULL,
    account_id UUID NOT NULL,
    session_id UUID NOT NULL,
    strategy_config_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    opened_block BIGINT NOT NULL,
    closed_block BIGINT,
    token_address VARCHAR(42) NOT NULL,
    token_symbol VARCHAR(20) NOT NULL,
    token_name VARCHAR(100) NOT NULL,
    token_decimals INTEGER NOT NULL,
    quantity NUMERIC(78, 0) DEFAULT 0 NOT NULL,
    average_entry_price_usd NUMERIC(38, 18) DEFAULT 0 NOT NULL,
    total_invested_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    cost_basis_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    current_price_usd NUMERIC(38, 18) DEFAULT 0 NOT NULL,
    current_value_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    unrealized_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    realized_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    is_open BOOLEAN DEFAULT true NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_positions PRIMARY KEY (position_id),
    CONSTRAINT uq_paper_positions_session_id_ordinal UNIQUE (session_id, ordinal),
    CONSTRAINT ck_paper_positions_closed_at_when_closed CHECK (is_open = (closed_at IS NULL)),
    CONSTRAINT ck_paper_positions_closed_block_when_closed CHECK (is_open = (closed_block IS NULL)),
    CONSTRAINT ck_paper_positions_open_while_held CHECK (is_open = (quantity > 0)),
    CONSTRAINT ck_paper_positions_cost_basis_within_invested CHECK (cost_basis_usd <= total_invested_usd),
    CONSTRAINT ck_paper_positions_unrealized CHECK (unrealized_pnl_usd = current_value_usd - cost_basis_usd),
    CONSTRAINT fk_paper_positions_account_id FOREIGN KEY(account_id) REFERENCES paper_trading_accounts (account_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_positions_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_positions_strategy_config_id FOREIGN KEY(strategy_config_id) REFERENCES paper_strategy_configs (config_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_positions_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_paper_positions_opened_block CHECK (opened_block >= 0),
    CONSTRAINT ck_paper_positions_closed_block CHECK (closed_block >= opened_block),
    CONSTRAINT ck_paper_positions_token_address CHECK (token_address ~ '^0x[0-9a-f]{40}$'),
    CONSTRAINT ck_paper_positions_token_decimals CHECK (token_decimals BETWEEN 0 AND 18),
    CONSTRAINT ck_paper_positions_quantity CHECK (quantity >= 0),
    CONSTRAINT ck_paper_positions_average_entry_price_usd CHECK (average_entry_price_usd >= 0),
    CONSTRAINT ck_paper_positions_total_invested_usd CHECK (total_invested_usd >= 0),
    CONSTRAINT ck_paper_positions_cost_basis_usd CHECK (cost_basis_usd >= 0),
    CONSTRAINT ck_paper_positions_current_price_usd CHECK (current_price_usd >= 0),
    CONSTRAINT ck_paper_positions_current_value_usd CHECK (current_value_usd >= 0)
);
CREATE INDEX ix_paper_positions_account_id_is_open ON paper_positions (account_id, is_open);
CREATE INDEX ix_paper_positions_opened_at ON paper_positions (opened_at);
CREATE INDEX ix_paper_positions_strategy_config_id ON paper_positions (strategy_config_id);
CREATE INDEX ix_paper_positions_token_address ON paper_positions (token_address);
CREATE UNIQUE INDEX unique_open_position_per_token ON paper_positions (account_id, token_address) WHERE is_open;
COMMENT ON TABLE paper_positions IS 'A token held by an account, from its first purchase to its sale.';
COMMENT ON COLUMN paper_positions.position_id IS 'Key of the position.';
COMMENT ON COLUMN paper_positions.account_id IS 'The account that holds it.';
COMMENT ON COLUMN paper_positions.session_id IS 'The session that opened it.';
COMMENT ON COLUMN paper_positions.strategy_config_id IS 'The strategy of that session.';
COMMENT ON COLUMN paper_positions.ordinal IS 'Number of the position in its session.';
COMMENT ON COLUMN paper_positions.opened_block IS 'Block of the first purchase.';
COMMENT ON COLUMN paper_positions.closed_block IS 'Block of the sale.';
COMMENT ON COLUMN paper_positions.token_address IS 'Address of the token.';
COMMENT ON COLUMN paper_positions.token_symbol IS 'Symbol of the token.';
COMMENT ON COLUMN paper_positions.token_name IS 'Name of the token.';
COMMENT ON COLUMN paper_positions.token_decimals IS 'Decimals of the token.';
COMMENT ON COLUMN paper_positions.quantity IS 'Amount held, in base units of the token.';
COMMENT ON COLUMN paper_positions.average_entry_price_usd IS 'USD paid for one whole token, gas not included, rounded down.';
COMMENT ON COLUMN paper_positions.total_invested_usd IS 'USD paid for all of it, gas not included; stays when it is sold.';
COMMENT ON COLUMN paper_positions.cost_basis_usd IS 'The part of that which belongs to the amount still held.';
COMMENT ON COLUMN paper_positions.current_price_usd IS 'Pool price of one whole token at the last update, rounded down.';
COMMENT ON COLUMN paper_positions.current_value_usd IS 'The amount held at that price, rounded down.';
COMMENT ON COLUMN paper_positions.unrealized_pnl_usd IS 'Value less cost basis.';
COMMENT ON COLUMN paper_positions.realized_pnl_usd IS 'Proceeds of sales less their cost basis, before gas.';
COMMENT ON COLUMN paper_positions.is_open IS 'Whether any of it is held.';
COMMENT ON COLUMN paper_positions.opened_at IS 'Simulated time of the first purchase.';
COMMENT ON COLUMN paper_positions.closed_at IS 'Simulated time of the sale.';
COMMENT ON COLUMN paper_positions.last_updated IS 'Simulated time of the price.';
COMMENT ON COLUMN paper_positions.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE session_checkpoints (
    session_id UUID NOT NULL,
    incarnation BIGINT DEFAULT 0 NOT NULL,
    seq BIGINT DEFAULT 0 NOT NULL,
    next_block BIGINT DEFAULT 0 NOT NULL,
    state BYTEA DEFAULT ''::bytea NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_session_checkpoints PRIMARY KEY (session_id),
    CONSTRAINT fk_session_checkpoints_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT ck_session_checkpoints_seq CHECK (seq >= 0),
    CONSTRAINT ck_session_checkpoints_next_block CHECK (next_block >= 0)
);
COMMENT ON TABLE session_checkpoints IS 'Where a session stands: what its next owner goes on from.';
COMMENT ON COLUMN session_checkpoints.session_id IS 'The session.';
COMMENT ON COLUMN session_checkpoints.incarnation IS 'Number of the session''s current owner; older owners'' batches are refused.';
COMMENT ON COLUMN session_checkpoints.seq IS 'Number of the last committed batch.';
COMMENT ON COLUMN session_checkpoints.next_block IS 'First block not traded yet.';
COMMENT ON COLUMN session_checkpoints.state IS 'The session''s state before that block.';
COMMENT ON COLUMN session_checkpoints.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE autopilot_performance_snapshots (
    snapshot_id UUID NOT NULL,
    strategy_config_id UUID NOT NULL,
    session_id UUID,
    ordinal BIGINT NOT NULL,
    block BIGINT NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    current_parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    win_rate DOUBLE PRECISION DEFAULT 0 NOT NULL,
    total_trades INTEGER DEFAULT 0 NOT NULL,
    winning_trades INTEGER DEFAULT 0 NOT NULL,
    losing_trades INTEGER DEFAULT 0 NOT NULL,
    total_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    average_profit_per_trade NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    average_win_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    average_loss_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    largest_win_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    largest_loss_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    max_drawdown_percent DOUBLE PRECISION DEFAULT 0 NOT NULL,
    sharpe_ratio DOUBLE PRECISION DEFAULT 0 NOT NULL,
    profit_factor DOUBLE PRECISION DEFAULT 0 NOT NULL,
    market_volatility NUMERIC(5, 2) DEFAULT 0 NOT NULL,
    avg_gas_price_gwei NUMERIC(20, 9) DEFAULT 0 NOT NULL,
    market_trend VARCHAR(20) DEFAULT 'neutral' NOT NULL,
    market_conditions_detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    autopilot_active BOOLEAN DEFAULT false NOT NULL,
    adjustments_made_count INTEGER DEFAULT 0 NOT NULL,
    last_adjustment_log_id UUID,
    last_adjustment_type VARCHAR(50) DEFAULT '' NOT NULL,
    snapshot_period_hours NUMERIC(12, 6) DEFAULT 1 NOT NULL,
    notes TEXT DEFAULT '' NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_autopilot_performance_snapshots PRIMARY KEY (snapshot_id),
    CONSTRAINT uq_autopilot_performance_snapshots_session_id_ordinal UNIQUE (session_id, ordinal),
    CONSTRAINT ck_autopilot_performance_snapshots_scores CHECK (winning_trades + losing_trades <= total_trades),
    CONSTRAINT fk_autopilot_performance_snapshots_strategy_config_id FOREIGN KEY(strategy_config_id) REFERENCES paper_strategy_configs (config_id) ON DELETE RESTRICT,
    CONSTRAINT fk_autopilot_performance_snapshots_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT fk_autopilot_performance_snapshots_last_adjustment_log_id FOREIGN KEY(last_adjustment_log_id) REFERENCES autopilot_logs (log_id) ON DELETE RESTRICT,
    CONSTRAINT ck_autopilot_performance_snapshots_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_block CHECK (block >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_current_parameters CHECK (jsonb_typeof(current_parameters) = 'object'),
    CONSTRAINT ck_autopilot_performance_snapshots_win_rate CHECK (win_rate BETWEEN 0 AND 100),
    CONSTRAINT ck_autopilot_performance_snapshots_total_trades CHECK (total_trades >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_winning_trades CHECK (winning_trades >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_losing_trades CHECK (losing_trades >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_average_win_usd CHECK (average_win_usd >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_average_loss_usd CHECK (average_loss_usd >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_largest_win_usd CHECK (largest_win_usd >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_largest_loss_usd CHECK (largest_loss_usd >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_max_drawdown_percent CHECK (max_drawdown_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_autopilot_performance_snapshots_profit_factor CHECK (profit_factor >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_market_volatility CHECK (market_volatility BETWEEN 0 AND 100),
    CONSTRAINT ck_autopilot_performance_snapshots_avg_gas_price_gwei CHECK (avg_gas_price_gwei >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_market_trend CHECK (market_trend IN ('bullish', 'neutral', 'bearish')),
    CONSTRAINT ck_autopilot_performance_snapshots_market_conditions_detail CHECK (jsonb_typeof(market_conditions_detail) = 'object'),
    CONSTRAINT ck_autopilot_performance_snapshots_adjustments_made_count CHECK (adjustments_made_count >= 0),
    CONSTRAINT ck_autopilot_performance_snapshots_snapshot_period_hours CHECK (snapshot_period_hours >= 0)
);
CREATE INDEX ix_autopilot_performance_snapshots_autopilot_active ON autopilot_performance_snapshots (autopilot_active);
CREATE INDEX ix_autopilot_performance_snapshots_last_adjustment_log_id ON autopilot_performance_snapshots (last_adjustment_log_id);
CREATE INDEX ix_autopilot_performance_snapshots_session_id_timestamp ON autopilot_performance_snapshots (session_id, timestamp);
CREATE INDEX ix_autopilot_performance_snapshots_strategy_config_id_timestamp ON autopilot_performance_snapshots (strategy_config_id, timestamp);
CREATE INDEX ix_autopilot_performance_snapshots_timestamp ON autopilot_performance_snapshots (timestamp);
CREATE INDEX ix_autopilot_performance_snapshots_win_rate ON autopilot_performance_snapshots (win_rate);
COMMENT ON TABLE autopilot_performance_snapshots IS 'A session''s parameters and figures at the end of a review period, with the market they met.';
COMMENT ON COLUMN autopilot_performance_snapshots.snapshot_id IS 'Key of the snapshot.';
COMMENT ON COLUMN autopilot_performance_snapshots.strategy_config_id IS 'The strategy.';
COMMENT ON COLUMN autopilot_performance_snapshots.session_id IS 'The session.';
COMMENT ON COLUMN autopilot_performance_snapshots.ordinal IS 'Number of the mark in its session.';
COMMENT ON COLUMN autopilot_performance_snapshots.block IS 'Last block of the period.';
COMMENT ON COLUMN autopilot_performance_snapshots.timestamp IS 'Simulated time of the end of that block.';
COMMENT ON COLUMN autopilot_performance_snapshots.current_parameters IS 'The parameters then, in the units of the session''s state.';
COMMENT ON COLUMN autopilot_performance_snapshots.win_rate IS 'Share of closed positions with a profit, in percent.';
COMMENT ON COLUMN autopilot_performance_snapshots.total_trades IS 'Orders that have ended.';
COMMENT ON COLUMN autopilot_performance_snapshots.winning_trades IS 'Positions closed with a profit after gas.';
COMMENT ON COLUMN autopilot_performance_snapshots.losing_trades IS 'Positions closed without one.';
COMMENT ON COLUMN autopilot_performance_snapshots.total_pnl_usd IS 'Equity less the initial balance.';
COMMENT ON COLUMN autopilot_performance_snapshots.average_profit_per_trade IS 'Realised profit of a closed position, before gas, rounded down.';
COMMENT ON COLUMN autopilot_performance_snapshots.average_win_usd IS 'Average profit of a win.';
COMMENT ON COLUMN autopilot_performance_snapshots.average_loss_usd IS 'Average loss of a losing position, as a positive number.';
COMMENT ON COLUMN autopilot_performance_snapshots.largest_win_usd IS 'Largest profit.';
COMMENT ON COLUMN autopilot_performance_snapshots.largest_loss_usd IS 'Largest loss, as a positive number.';
COMMENT ON COLUMN autopilot_performance_snapshots.max_drawdown_percent IS 'Largest fall of equity from its peak.';
COMMENT ON COLUMN autopilot_performance_snapshots.sharpe_ratio IS 'Annualised Sharpe ratio of the returns from mark to mark.';
COMMENT ON COLUMN autopilot_performance_snapshots.profit_factor IS 'Sum of profits over sum of losses.';
COMMENT ON COLUMN autopilot_performance_snapshots.market_volatility IS 'Mean volatility score of the tokens at the mark: 0 calm, 100 wild.';
COMMENT ON COLUMN autopilot_performance_snapshots.avg_gas_price_gwei IS 'Base fee and usual priority fee at the mark, in gwei.';
COMMENT ON COLUMN autopilot_performance_snapshots.market_trend IS 'Mean trend score of the tokens at the mark, as a word.';
COMMENT ON COLUMN autopilot_performance_snapshots.market_conditions_detail IS 'Mean scores of the tokens and fees at the mark.';
COMMENT ON COLUMN autopilot_performance_snapshots.autopilot_active IS 'Whether Auto Pilot could adjust the session.';
COMMENT ON COLUMN autopilot_performance_snapshots.adjustments_made_count IS 'Adjustments since the start.';
COMMENT ON COLUMN autopilot_performance_snapshots.last_adjustment_log_id IS 'The last of them.';
COMMENT ON COLUMN autopilot_performance_snapshots.last_adjustment_type IS 'Its kind.';
COMMENT ON COLUMN autopilot_performance_snapshots.snapshot_period_hours IS 'Length of the review period, in simulated hours.';
COMMENT ON COLUMN autopilot_performance_snapshots.notes IS 'Anything else.';
COMMENT ON COLUMN autopilot_performance_snapshots.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_trades (
    trade_id UUID NOT NULL,
    account_id UUID NOT NULL,
    session_id UUID NOT NULL,
    strategy_config_id UUID NOT NULL,
    position_id UUID,
    ordinal BIGINT NOT NULL,
    finished_ordinal BIGINT,
    decision_ordinal BIGINT NOT NULL,
    decided_block BIGINT NOT NULL,
    deadline_block BIGINT,
    block BIGINT,
    lane VARCHAR(20) DEFAULT 'FAST' NOT NULL,
    reason VARCHAR(30) NOT NULL,
    failure VARCHAR(20) DEFAULT 'NONE' NOT NULL,
    trade_type VARCHAR(10) NOT NULL,
    token_in_address VARCHAR(42) NOT NULL,
    token_in_symbol VARCHAR(20) NOT NULL,
    token_in_decimals INTEGER NOT NULL,
    token_out_address VARCHAR(42) NOT NULL,
    token_out_symbol VARCHAR(20) NOT NULL,
    token_out_decimals INTEGER NOT NULL,
    amount_in NUMERIC(78, 0) DEFAULT 0 NOT NULL,
    amount_in_usd NUMERIC(20, 6) DEFAULT 10.00 NOT NULL,
    expected_amount_out NUMERIC(78, 0) DEFAULT 0 NOT NULL,
    min_amount_out NUMERIC(78, 0) DEFAULT 0 NOT NULL,
    actual_amount_out NUMERIC(78, 0),
    simulated_gas_price_gwei NUMERIC(20, 9) DEFAULT 1.0 NOT NULL,
    simulated_gas_used BIGINT DEFAULT 21000 NOT NULL,
    simulated_gas_cost_usd NUMERIC(20, 6) DEFAULT 0.50 NOT NULL,
    simulated_slippage_percent NUMERIC(20, 4) DEFAULT 0.50 NOT NULL,
    cost_basis_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    realized_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    net_pnl_usd NUMERIC(20, 6) DEFAULT 0 NOT NULL,
    cash_after_usd NUMERIC(20, 6),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    executed_at TIMESTAMP WITH TIME ZONE,
    execution_time_ms BIGINT,
    delay_ms BIGINT DEFAULT 0 NOT NULL,
    status VARCHAR(20) DEFAULT 'pending' NOT NULL,
    error_message TEXT DEFAULT '' NOT NULL,
    mock_tx_hash VARCHAR(66) NOT NULL,
    mock_block_number BIGINT,
    strategy_name VARCHAR(100) NOT NULL,
    execution_dex VARCHAR(50) DEFAULT 'uniswap_v3' NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_trades PRIMARY KEY (trade_id),
    CONSTRAINT uq_paper_trades_session_id_ordinal UNIQUE (session_id, ordinal),
    CONSTRAINT uq_paper_trades_session_id_finished_ordinal UNIQUE (session_id, finished_ordinal),
    CONSTRAINT ck_paper_trades_received_when_completed CHECK ((status = 'completed') = (actual_amount_out IS NOT NULL)),
    CONSTRAINT ck_paper_trades_minimum_respected CHECK (actual_amount_out >= min_amount_out),
    CONSTRAINT ck_paper_trades_failure_has_a_cause CHECK ((status IN ('failed', 'cancelled')) = (failure <> 'NONE')),
    CONSTRAINT ck_paper_trades_finished CHECK ((status IN ('pending', 'executing')) = (finished_ordinal IS NULL)),
    CONSTRAINT ck_paper_trades_block_when_finished CHECK ((finished_ordinal IS NULL) = (block IS NULL)),
    CONSTRAINT ck_paper_trades_cash_when_finished CHECK ((finished_ordinal IS NULL) = (cash_after_usd IS NULL)),
    CONSTRAINT ck_paper_trades_executed_at CHECK ((status IN ('completed', 'failed')) = (executed_at IS NOT NULL)),
    CONSTRAINT ck_paper_trades_position_when_completed CHECK (status <> 'completed' OR position_id IS NOT NULL),
    CONSTRAINT fk_paper_trades_account_id FOREIGN KEY(account_id) REFERENCES paper_trading_accounts (account_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_trades_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_trades_strategy_config_id FOREIGN KEY(strategy_config_id) REFERENCES paper_strategy_configs (config_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_trades_position_id FOREIGN KEY(position_id) REFERENCES paper_positions (position_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_trades_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_paper_trades_finished_ordinal CHECK (finished_ordinal >= 0),
    CONSTRAINT ck_paper_trades_decision_ordinal CHECK (decision_ordinal >= 0),
    CONSTRAINT ck_paper_trades_decided_block CHECK (decided_block >= 0),
    CONSTRAINT ck_paper_trades_block CHECK (block >= decided_block),
    CONSTRAINT ck_paper_trades_lane CHECK (lane IN ('FAST', 'SMART')),
    CONSTRAINT ck_paper_trades_reason CHECK (reason IN ('SIGNAL', 'STOP_LOSS', 'TAKE_PROFIT', 'HOLD_TIME', 'NO_OPPORTUNITY', 'LOW_CONFIDENCE', 'LOW_LIQUIDITY', 'DAILY_TRADES', 'CONCURRENT_POSITIONS', 'INSUFFICIENT_CASH', 'GAS_UNAFFORDABLE', 'PAUSED')),
    CONSTRAINT ck_paper_trades_failure CHECK (failure IN ('NONE', 'SLIPPAGE', 'REVERTED', 'EXPIRED', 'UNAFFORDABLE')),
    CONSTRAINT ck_paper_trades_trade_type CHECK (trade_type IN ('buy', 'sell', 'swap')),
    CONSTRAINT ck_paper_trades_token_in_address CHECK (token_in_address ~ '^0x[0-9a-f]{40}$'),
    CONSTRAINT ck_paper_trades_token_in_decimals CHECK (token_in_decimals BETWEEN 0 AND 18),
    CONSTRAINT ck_paper_trades_token_out_address CHECK (token_out_address ~ '^0x[0-9a-f]{40}$'),
    CONSTRAINT ck_paper_trades_token_out_decimals CHECK (token_out_decimals BETWEEN 0 AND 18),
    CONSTRAINT ck_paper_trades_amount_in CHECK (amount_in >= 0),
    CONSTRAINT ck_paper_trades_amount_in_usd CHECK (amount_in_usd >= 0),
    CONSTRAINT ck_paper_trades_expected_amount_out CHECK (expected_amount_out >= 0),
    CONSTRAINT ck_paper_trades_min_amount_out CHECK (min_amount_out >= 0),
    CONSTRAINT ck_paper_trades_actual_amount_out CHECK (actual_amount_out >= 0),
    CONSTRAINT ck_paper_trades_simulated_gas_price_gwei CHECK (simulated_gas_price_gwei >= 0),
    CONSTRAINT ck_paper_trades_simulated_gas_used CHECK (simulated_gas_used >= 0),
    CONSTRAINT ck_paper_trades_simulated_gas_cost_usd CHECK (simulated_gas_cost_usd >= 0),
    CONSTRAINT ck_paper_trades_cost_basis_usd CHECK (cost_basis_usd >= 0),
    CONSTRAINT ck_paper_trades_cash_after_usd CHECK (cash_after_usd >= 0),
    CONSTRAINT ck_paper_trades_execution_time_ms CHECK (execution_time_ms >= 0),
    CONSTRAINT ck_paper_trades_delay_ms CHECK (delay_ms >= 0),
    CONSTRAINT ck_paper_trades_status CHECK (status IN ('pending', 'executing', 'completed', 'failed', 'cancelled')),
    CONSTRAINT ck_paper_trades_mock_tx_hash CHECK (mock_tx_hash ~ '^0x[0-9a-f]{64}$'),
    CONSTRAINT ck_paper_trades_execution_dex CHECK (execution_dex IN ('uniswap_v3', 'uniswap_v2', 'sushiswap', 'curve')),
    CONSTRAINT ck_paper_trades_metadata CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX ix_paper_trades_account_id_status ON paper_trades (account_id, status);
CREATE INDEX ix_paper_trades_created_at ON paper_trades (created_at);
CREATE INDEX ix_paper_trades_execution_dex ON paper_trades (execution_dex);
CREATE INDEX ix_paper_trades_position_id ON paper_trades (position_id);
CREATE INDEX ix_paper_trades_strategy_config_id ON paper_trades (strategy_config_id);
CREATE INDEX ix_paper_trades_trade_type ON paper_trades (trade_type);
COMMENT ON TABLE paper_trades IS 'An order and what became of it.';
COMMENT ON COLUMN paper_trades.trade_id IS 'Key of the trade.';
COMMENT ON COLUMN paper_trades.account_id IS 'The account that traded.';
COMMENT ON COLUMN paper_trades.session_id IS 'The session that traded.';
COMMENT ON COLUMN paper_trades.strategy_config_id IS 'The strategy of that session.';
COMMENT ON COLUMN paper_trades.position_id IS 'The position it opened or reduced.';
COMMENT ON COLUMN paper_trades.ordinal IS 'Number of the order in its session.';
COMMENT ON COLUMN paper_trades.finished_ordinal IS 'Place among the session''s ended orders, from 0, in the order they ended.';
COMMENT ON COLUMN paper_trades.decision_ordinal IS 'Number of the decision behind it.';
COMMENT ON COLUMN paper_trades.decided_block IS 'Block of that decision.';
COMMENT ON COLUMN paper_trades.deadline_block IS 'Block at which it expires, while it is pending.';
COMMENT ON COLUMN paper_trades.block IS 'Block in which it ended.';
COMMENT ON COLUMN paper_trades.lane IS 'FAST: public mempool; SMART: private routing.';
COMMENT ON COLUMN paper_trades.reason IS 'Why the session decided so.';
COMMENT ON COLUMN paper_trades.failure IS 'Why it did not fill.';
COMMENT ON COLUMN paper_trades.trade_type IS 'Direction, seen from the traded token.';
COMMENT ON COLUMN paper_trades.token_in_address IS 'Address of the token paid with.';
COMMENT ON COLUMN paper_trades.token_in_symbol IS 'Symbol of the token paid with.';
COMMENT ON COLUMN paper_trades.token_in_decimals IS 'Decimals of the token paid with.';
COMMENT ON COLUMN paper_trades.token_out_address IS 'Address of the token received.';
COMMENT ON COLUMN paper_trades.token_out_symbol IS 'Symbol of the token received.';
COMMENT ON COLUMN paper_trades.token_out_decimals IS 'Decimals of the token received.';
COMMENT ON COLUMN paper_trades.amount_in IS 'Amount paid, in base units.';
COMMENT ON COLUMN paper_trades.amount_in_usd IS 'The same in USD; for a sale what the pool promised for it.';
COMMENT ON COLUMN paper_trades.expected_amount_out IS 'Amount promised at the decision block, in base units.';
COMMENT ON COLUMN paper_trades.min_amount_out IS 'Least amount accepted, in base units.';
COMMENT ON COLUMN paper_trades.actual_amount_out IS 'Amount received, in base units.';
COMMENT ON COLUMN paper_trades.simulated_gas_price_gwei IS 'Gas price paid, in gwei.';
COMMENT ON COLUMN paper_trades.simulated_gas_used IS 'Gas burnt.';
COMMENT ON COLUMN paper_trades.simulated_gas_cost_usd IS 'Gas paid, in USD.';
COMMENT ON COLUMN paper_trades.simulated_slippage_percent IS 'Shortfall of the amount received against the amount promised.';
COMMENT ON COLUMN paper_trades.cost_basis_usd IS 'Cost basis that a purchase added or a sale removed.';
COMMENT ON COLUMN paper_trades.realized_pnl_usd IS 'A sale''s proceeds less that cost basis, before gas.';
COMMENT ON COLUMN paper_trades.net_pnl_usd IS 'That less the gas of the sale and of the position''s purchase.';
COMMENT ON COLUMN paper_trades.cash_after_usd IS 'Cash of the account once it had ended.';
COMMENT ON COLUMN paper_trades.created_at IS 'Simulated time of the decision.';
COMMENT ON COLUMN paper_trades.executed_at IS 'Simulated time of inclusion.';
COMMENT ON COLUMN paper_trades.execution_time_ms IS 'Simulated time from decision to end, in milliseconds.';
COMMENT ON COLUMN paper_trades.delay_ms IS 'Part of that before it reached the chain, in milliseconds.';
COMMENT ON COLUMN paper_trades.status IS 'What became of it.';
COMMENT ON COLUMN paper_trades.error_message IS 'The failure as a sentence.';
COMMENT ON COLUMN paper_trades.mock_tx_hash IS 'Hash of the simulated transaction.';
COMMENT ON COLUMN paper_trades.mock_block_number IS 'Block that included it, filled or reverted.';
COMMENT ON COLUMN paper_trades.strategy_name IS 'Name of the strategy.';
COMMENT ON COLUMN paper_trades.execution_dex IS 'Exchange that it was sent to.';
COMMENT ON COLUMN paper_trades.metadata IS 'Anything else.';
COMMENT ON COLUMN paper_trades.recorded_at IS 'Wall-clock time at which the row was written last.';

CREATE TABLE paper_ai_thought_logs (
    thought_id UUID NOT NULL,
    account_id UUID NOT NULL,
    session_id UUID NOT NULL,
    strategy_config_id UUID NOT NULL,
    paper_trade_id UUID,
    ordinal BIGINT NOT NULL,
    block BIGINT NOT NULL,
    decision_type VARCHAR(20) NOT NULL,
    reason VARCHAR(30) NOT NULL,
    observed_value BIGINT NOT NULL,
    limit_value BIGINT NOT NULL,
    token_address VARCHAR(42) NOT NULL,
    token_symbol VARCHAR(20) NOT NULL,
    confidence_level VARCHAR(20) NOT NULL,
    confidence_percent NUMERIC(5, 2) NOT NULL,
    risk_score NUMERIC(5, 2) NOT NULL,
    opportunity_score NUMERIC(5, 2) NOT NULL,
    primary_reasoning TEXT NOT NULL,
    risk_assessment TEXT NOT NULL,
    key_factors JSONB DEFAULT '[]'::jsonb NOT NULL,
    positive_signals JSONB DEFAULT '[]'::jsonb NOT NULL,
    negative_signals JSONB DEFAULT '[]'::jsonb NOT NULL,
    market_data JSONB DEFAULT '{}'::jsonb NOT NULL,
    strategy_name VARCHAR(100) NOT NULL,
    lane_used VARCHAR(20) DEFAULT 'FAST' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    analysis_time_ms INTEGER DEFAULT 0 NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paper_ai_thought_logs PRIMARY KEY (thought_id),
    CONSTRAINT uq_paper_ai_thought_logs_session_id_ordinal UNIQUE (session_id, ordinal),
    CONSTRAINT fk_paper_ai_thought_logs_account_id FOREIGN KEY(account_id) REFERENCES paper_trading_accounts (account_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_ai_thought_logs_session_id FOREIGN KEY(session_id) REFERENCES paper_trading_sessions (session_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_ai_thought_logs_strategy_config_id FOREIGN KEY(strategy_config_id) REFERENCES paper_strategy_configs (config_id) ON DELETE RESTRICT,
    CONSTRAINT fk_paper_ai_thought_logs_paper_trade_id FOREIGN KEY(paper_trade_id) REFERENCES paper_trades (trade_id) ON DELETE RESTRICT,
    CONSTRAINT ck_paper_ai_thought_logs_ordinal CHECK (ordinal >= 0),
    CONSTRAINT ck_paper_ai_thought_logs_block CHECK (block >= 0),
    CONSTRAINT ck_paper_ai_thought_logs_decision_type CHECK (decision_type IN ('BUY', 'SELL', 'HOLD', 'SKIP', 'STOP_LOSS', 'TAKE_PROFIT')),
    CONSTRAINT ck_paper_ai_thought_logs_reason CHECK (reason IN ('SIGNAL', 'STOP_LOSS', 'TAKE_PROFIT', 'HOLD_TIME', 'NO_OPPORTUNITY', 'LOW_CONFIDENCE', 'LOW_LIQUIDITY', 'DAILY_TRADES', 'CONCURRENT_POSITIONS', 'INSUFFICIENT_CASH', 'GAS_UNAFFORDABLE', 'PAUSED')),
    CONSTRAINT ck_paper_ai_thought_logs_token_address CHECK (token_address ~ '^0x[0-9a-f]{40}$'),
    CONSTRAINT ck_paper_ai_thought_logs_confidence_level CHECK (confidence_level IN ('VERY_HIGH', 'HIGH', 'MEDIUM', 'LOW', 'VERY_LOW')),
    CONSTRAINT ck_paper_ai_thought_logs_confidence_percent CHECK (confidence_percent BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_ai_thought_logs_risk_score CHECK (risk_score BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_ai_thought_logs_opportunity_score CHECK (opportunity_score BETWEEN 0 AND 100),
    CONSTRAINT ck_paper_ai_thought_logs_key_factors CHECK (jsonb_typeof(key_factors) = 'array'),
    CONSTRAINT ck_paper_ai_thought_logs_positive_signals CHECK (jsonb_typeof(positive_signals) = 'array'),
    CONSTRAINT ck_paper_ai_thought_logs_negative_signals CHECK (jsonb_typeof(negative_signals) = 'array'),
    CONSTRAINT ck_paper_ai_thought_logs_market_data CHECK (jsonb_typeof(market_data) = 'object'),
    CONSTRAINT ck_paper_ai_thought_logs_lane_used CHECK (lane_used IN ('FAST', 'SMART')),
    CONSTRAINT ck_paper_ai_thought_logs_analysis_time_ms CHECK (analysis_time_ms >= 0)
);
CREATE INDEX ix_paper_ai_thought_logs_account_id_created_at ON paper_ai_thought_logs (account_id, created_at);
CREATE INDEX ix_paper_ai_thought_logs_confidence_level ON paper_ai_thought_logs (confidence_level);
CREATE INDEX ix_paper_ai_thought_logs_decision_type ON paper_ai_thought_logs (decision_type);
CREATE INDEX ix_paper_ai_thought_logs_paper_trade_id ON paper_ai_thought_logs (paper_trade_id);
CREATE INDEX ix_paper_ai_thought_logs_strategy_config_id ON paper_ai_thought_logs (strategy_config_id);
CREATE INDEX ix_paper_ai_thought_logs_token_address ON paper_ai_thought_logs (token_address);
COMMENT ON TABLE paper_ai_thought_logs IS 'A decision about a token, with the numbers and the reasons it was made for.';
COMMENT ON COLUMN paper_ai_thought_logs.thought_id IS 'Key of the thought.';
COMMENT ON COLUMN paper_ai_thought_logs.account_id IS 'The account it was made for.';
COMMENT ON COLUMN paper_ai_thought_logs.session_id IS 'The session that made it.';
COMMENT ON COLUMN paper_ai_thought_logs.strategy_config_id IS 'The strategy of that session.';
COMMENT ON COLUMN paper_ai_thought_logs.paper_trade_id IS 'The order that it sent.';
COMMENT ON COLUMN paper_ai_thought_logs.ordinal IS 'Number of the decision in its session.';
COMMENT ON COLUMN paper_ai_thought_logs.block IS 'Block of the decision.';
COMMENT ON COLUMN paper_ai_thought_logs.decision_type IS 'What was decided.';
COMMENT ON COLUMN paper_ai_thought_logs.reason IS 'Which rule decided.';
COMMENT ON COLUMN paper_ai_thought_logs.observed_value IS 'What the rule saw, in the unit of the reason.';
COMMENT ON COLUMN paper_ai_thought_logs.limit_value IS 'What the rule held it against, in the same unit.';
COMMENT ON COLUMN paper_ai_thought_logs.token_address IS 'Address of the token.';
COMMENT ON COLUMN paper_ai_thought_logs.token_symbol IS 'Symbol of the token.';
COMMENT ON COLUMN paper_ai_thought_logs.confidence_level IS 'Confidence as a word.';
COMMENT ON COLUMN paper_ai_thought_logs.confidence_percent IS 'Confidence, in percent.';
COMMENT ON COLUMN paper_ai_thought_logs.risk_score IS 'Risk, from 0 to 100.';
COMMENT ON COLUMN paper_ai_thought_logs.opportunity_score IS 'Opportunity, from 0 to 100.';
COMMENT ON COLUMN paper_ai_thought_logs.primary_reasoning IS 'The reason as a sentence.';
COMMENT ON COLUMN paper_ai_thought_logs.risk_assessment IS 'The risk as a sentence.';
COMMENT ON COLUMN paper_ai_thought_logs.key_factors IS 'Factors and their weights.';
COMMENT ON COLUMN paper_ai_thought_logs.positive_signals IS 'What spoke for it.';
COMMENT ON COLUMN paper_ai_thought_logs.negative_signals IS 'What spoke against it.';
COMMENT ON COLUMN paper_ai_thought_logs.market_data IS 'The market that it was based on.';
COMMENT ON COLUMN paper_ai_thought_logs.strategy_name IS 'Name of the strategy.';
COMMENT ON COLUMN paper_ai_thought_logs.lane_used IS 'Lane that it was made in.';
COMMENT ON COLUMN paper_ai_thought_logs.created_at IS 'Simulated time of the decision.';
COMMENT ON COLUMN paper_ai_thought_logs.analysis_time_ms IS 'Simulated time that the analysis took, in milliseconds.';
COMMENT ON COLUMN paper_ai_thought_logs.recorded_at IS 'Wall-clock time at which the row was written last.';
