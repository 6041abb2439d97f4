"""Scenario files: what is right becomes a Scenario, what is wrong becomes one sentence."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.errors import UsageError
from cluster.runs import prepare
from cluster.scenarios import Overrides, built_in, load
from simulation.settings.market import ReplayMarket, SyntheticMarket

TOKEN = (
    "{symbol: WETH, name: Wrapped Ether, token_class: major, price_usd: 3000, pools: [{liquidity_usd: 250_000_000}]}"
)
MARKET = f"market: {{source: synthetic, tokens: [{TOKEN}]}}\n"
ACCOUNTS = "accounts: [{name: A}, {name: B, initial_balance_usd: 500}]\n"
GOOD = MARKET + ACCOUNTS


@pytest.fixture
def load_text(tmp_path):
    """Return what loading a scenario file of a text and preparing its run gives."""
    file = tmp_path / "scenario.yaml"

    def load_text(text, **overrides):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return prepare(load(file, Overrides(**overrides))).scenario

    return load_text


def account(fields):
    return MARKET + f"accounts: [{{name: A, {fields}}}]\n"


def strategy(fields):
    return account(f"strategy: {{{fields}}}")


MISTAKES = {
    "an unknown field": (GOOD + "blokcs: 3\n", "blokcs is not a known field; `paperdex scenario schema` lists them all."),
    "an unknown field inside": (strategy("stop_los_percent: 3"), "accounts.0.strategy.stop_los_percent is not a known"),
    "a field that is a number": (GOOD + "1: 2\n", "1 is not the name of a field"),
    "a negative balance": (account("initial_balance_usd: -5"), "accounts.0.initial_balance_usd -5: input should be gre"),
    "a balance that is not a number": (account("initial_balance_usd: .nan"), "initial_balance_usd nan: input should be a"),
    "an infinite balance": (account("initial_balance_usd: 1.0e+400"), "initial_balance_usd inf: input should be a finite"),
    "a balance below a micro-USD": (account("initial_balance_usd: 1.2345678"), "1.2345678: has more than six decimals"),
    "a price that is not a number": (GOOD.replace("3000", ".nan"), "market.tokens.0.price_usd nan: input should be a fin"),
    "a word for a number": (GOOD + "blocks: many\n", "blocks 'many': input should be a valid integer"),
    "half a block": (GOOD + "blocks: 1.5\n", "blocks 1.5: input should be a valid integer"),
    "no blocks": (GOOD + "blocks: 0\n", "blocks 0: input should be greater than or equal to 1"),
    "nothing for a number": (GOOD + "seed:\n", "seed: input should be a valid integer"),
    "a seed beyond 64 bits": (GOOD + f"seed: {10**30}\n", f"seed {10**30}: input should be less than 9223372036854775808"),
    "a number of 5000 digits": (GOOD + f"seed: {'9' * 5000}\n", "holds a value that cannot be read: Exceeds the limit"),
    "a month too many": (GOOD + "start_at: 2026-13-01\n", "holds a value that cannot be read: month must be in 1..12"),
    "a time without a zone": (GOOD + "start_at: 2026-01-01T00:00:00\n", "2026-01-01T00:00:00 has no time zone; append Z"),
    "no market": (ACCOUNTS, "market is missing."),
    "a market without a source": (GOOD.replace("source: synthetic, ", ""), "market is missing its source; give synthetic"),
    "an unknown source": (GOOD.replace("synthetic", "magic"), "market.source 'magic': should be 'synthetic' or 'replay'"),
    "a market that is a list": ("market: []\n" + ACCOUNTS, "market must be a mapping of fields"),
    "a token listed twice": (GOOD.replace(TOKEN, f"{TOKEN}, {TOKEN}"), "market: token WETH is listed twice"),
    "no accounts": (MARKET, "accounts is missing."),
    "an empty list of accounts": (MARKET + "accounts: []\n", "accounts has too few entries"),
    "accounts by name": (MARKET + "accounts: {A: {}}\n", "accounts must be a list"),
    "two accounts of one name": (MARKET + "accounts: [{name: A}, {name: A}]\n", "account 'A' is listed twice"),
    "both lanes closed": (strategy("use_fast_lane: false"), "use_fast_lane and use_smart_lane are both false; open at l"),
    "a lowest size above the highest": (
        strategy("min_position_size_percent: 20, max_position_size_percent_limit: 10"),
        "min_position_size_percent 20 is above max_position_size_percent_limit 10.",
    ),
    "a lowest confidence above the highest": (
        strategy("min_confidence_threshold: 80, max_confidence_threshold_limit: 70"),
        "min_confidence_threshold 80 is above max_confidence_threshold_limit 70.",
    ),
    "a start outside the bounds of Auto Pilot": (
        strategy("autopilot_enabled: true, confidence_threshold: 20"),
        "confidence_threshold 20 is outside the bounds of Auto Pilot, min_confidence_threshold 40",
    ),
    "a parameter that is a list": (
        strategy("custom_parameters: {bias: [1, 2]}"),
        "custom_parameters: bias is [1, 2]; give a number, a text, true or false",
    ),
    "a field given twice": (GOOD + "seed: 1\nseed: 2\n", "seed is given twice"),
    "truth for a number": (GOOD + "seed: true\n", "seed is true, which is no number or text"),
    "a list for a mode": (strategy("trading_mode: [WILD]"), "trading_mode: input should be 'CONSERVATIVE'"),
    "a start at the end of the calendar": (GOOD + "start_at: 9999-12-31T23:59:00Z\n", "leads beyond the year 9000"),
    "a pool with a fee that is no tier": (GOOD.replace("250_000_000}", "250_000_000, fee_bp: 7}"), "fee_bp 7 is no tier"),
    "a pool against a token without one": (
        GOOD.replace("250_000_000}", "250_000_000, against: DOGE}"), "has a pool against DOGE, which is neither USDC nor",
    ),
    "a token without a pool": (
        strategy("allowed_tokens: [DOGE]"),
        "accounts.A.strategy.allowed_tokens: token DOGE has no pool; the market has WETH.",
    ),
    "an unknown mode": (strategy("trading_mode: WILD"), "trading_mode 'WILD': input should be 'CONSERVATIVE', 'MODERATE'"),
    "two mistakes": (GOOD + "seed: -1\nblocks: 0\n", "seed -1: input should be greater than or equal to 0 (1 more)."),
    "malformed YAML": ("market: [1,\naccounts: }", "is not valid YAML at line 2: expected the node content"),
    "a tab": ("market:\n\t- 1\n", "is not valid YAML at line 2: found character '\\t'"),
    "two documents": (GOOD + "---\n" + GOOD, "is not valid YAML at line 3: but found another document"),
    "a control character": ("name: \x01\n", "is not valid YAML: special characters are not allowed"),
    "an empty file": ("", "holds nothing; it must be a mapping of fields"),
    "a file of comments": ("# seed: 7\n", "holds nothing; it must be a mapping of fields"),
    "a list": ("- seed\n", "holds a list; it must be a mapping of fields"),
    "a word": ("scenario\n", "holds a single value; it must be a mapping of fields"),
    "a binary file": (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not text in UTF-8; name a YAML file."),
    "nesting without end": ("seed: " + "[" * 3000 + "]" * 3000, "cannot be read: it is nested too deeply"),
    "a document inside itself": ("&a {market: *a, accounts: *a}\n", "market is missing its source"),
    "an unknown tag": (GOOD + "seed: !foo 3\n", "could not determine a constructor for the tag '!foo'"),
    "a tag that its text belies": (GOOD + "seed: !!bool maybe\n", "its tag and its text do not go together"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_scenario_file_is_one_sentence_that_names_it(load_text, text, said):
    with pytest.raises(UsageError) as raised:
        load_text(text)
    sentence = str(raised.value)
    assert said in sentence
    assert "scenario.yaml" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir", "!!python/object/new:os.mkdir"])
def test_a_tag_that_names_python_code_does_not_run_it(load_text, tmp_path, tag):
    target = tmp_path / "made"
    with pytest.raises(UsageError, match="could not determine a constructor for the tag"):
        load_text(f"{tag} [{target}]\n")
    assert not target.exists()


def test_a_scenario_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(
        UsageError, match=r"nowhere\.yaml cannot be read: No such file or directory; name a YAML file\.$"
    ):
        load(tmp_path / "nowhere.yaml", Overrides())


def test_a_folder_is_no_scenario(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory; name a YAML file\.$"):
        load(tmp_path, Overrides())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100))
def test_whatever_a_file_holds_it_is_a_scenario_or_one_sentence(load_text, content):
    with pytest.raises(UsageError):
        load_text(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["seed", "blocks", "start_at", "market", "gas", "accounts", "name", "record"]), ANYTHING)
def test_whatever_a_field_holds_the_scenario_loads_or_is_refused_in_one_line(load_text, field, value):
    document = {**yaml.safe_load(GOOD), field: value}
    try:
        load_text(yaml.safe_dump(document, allow_unicode=True))
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017 -- whether it is raised depends on the value


def test_the_built_in_scenario_is_the_one_that_is_run_when_none_is_named():
    scenario = load(None, Overrides())
    assert (len(scenario.accounts), scenario.blocks) == (8, 21_600)
    assert {token.symbol for token in scenario.market.tokens} >= {"WETH", "PEPE"}


def test_the_built_in_scenario_can_be_copied_and_loaded(load_text):
    assert load_text(built_in()) == load(None, Overrides())


def test_options_replace_what_the_file_says(load_text):
    scenario = load_text(GOOD + "seed: 3\n", blocks=7, seed=0, segment_blocks=5, autopilot=False)
    assert (scenario.blocks, scenario.seed, scenario.segment_blocks, scenario.autopilot) == (7, 0, 5, False)


def test_options_that_are_not_given_leave_what_the_file_says(load_text):
    scenario = load_text(GOOD + "seed: 3\nblocks: 40\nautopilot: false\n")
    assert (scenario.seed, scenario.blocks, scenario.autopilot) == (3, 40, False)


def test_a_market_option_replays_a_recording(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(GOOD)
    market = load(file, Overrides(market="bars.csv")).market
    assert market == ReplayMarket(source="replay", recordings=[{"path": "bars.csv"}])


def test_a_market_option_keeps_what_a_replay_says_of_its_pool(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "market: {source: replay, speed: 2, recordings: [{path: old.csv, fee_bp: 30, symbol: LINK}]}\n" + ACCOUNTS
    )
    market = load(file, Overrides(market="new.csv")).market
    assert market == ReplayMarket(
        source="replay", speed=2, recordings=[{"path": "new.csv", "fee_bp": 30, "symbol": "LINK"}]
    )


def test_recordings_are_looked_for_beside_the_scenario(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text("market: {source: replay, gas_path: gas.csv, recordings: [{path: bars.csv}]}\n" + ACCOUNTS)
    market = load(file, Overrides()).market
    assert (market.recordings[0].path, market.gas_path) == (str(tmp_path / "bars.csv"), str(tmp_path / "gas.csv"))


def test_the_synthetic_market_of_a_file_is_kept_when_it_is_asked_for(load_text):
    assert [token.symbol for token in load_text(GOOD, market="synthetic").market.tokens] == ["WETH"]


def test_the_built_in_market_stands_in_when_a_replay_is_to_be_synthetic(load_text):
    market = load_text(
        "market: {source: replay, recordings: [{path: old.csv}]}\n" + ACCOUNTS, market="synthetic"
    ).market
    assert isinstance(market, SyntheticMarket)
    assert len(market.tokens) == 7


def names(scenario):
    return [account.name for account in scenario.accounts]


def test_fewer_accounts_are_the_first_ones(load_text):
    assert names(load_text(GOOD, accounts=1)) == ["A"]


def test_more_accounts_are_the_same_again_under_numbered_names(load_text):
    scenario = load_text(GOOD, accounts=5)
    assert names(scenario) == ["A", "B", "A 2", "B 2", "A 3"]
    assert scenario.accounts[3].initial_balance_usd == scenario.accounts[1].initial_balance_usd


def test_numbered_names_step_over_those_that_are_taken(load_text):
    text = MARKET + "accounts: [{name: A}, {name: A 2}]\n"
    assert names(load_text(text, accounts=6)) == ["A", "A 2", "A 3", "A 2 2", "A 4", "A 2 3"]


def test_a_thousand_accounts_have_a_thousand_names(load_text):
    assert len(set(names(load_text(GOOD, accounts=1000)))) == 1000


def test_a_bad_list_of_accounts_is_reported_and_not_repeated(load_text):
    with pytest.raises(UsageError, match="accounts must be a list"):
        load_text(MARKET + "accounts: 3\n", accounts=4)
