"""The preview of a market as one HTML page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from cluster import page_words as words
from cluster.market_charts import fees_chart, prices_chart, token_chart
from cluster.page import SEPARATOR, chart, document, footer, gain, key_figures, legend, swatch, table

if TYPE_CHECKING:
    from cluster.market_preview import FeePreview, MarketPreview, PoolPreview, SwapCost, TokenPreview
    from simulation.market.segment import PoolInfo

USD = "USDC"

ZOOM = '<span class="mouse">Drag over a chart to look closer, double-click to return.</span>'


def render(market: MarketPreview) -> str:
    """Return the preview as the text of one HTML file."""
    body = "".join(
        (
            _header(market),
            _key_figures(market),
            _prices_section(market),
            _tokens_section(market),
            _fees_section(market),
            *(_token_section(market, place) for place in range(len(market.tokens))),
            _footer(market),
        )
    )
    charts: dict[str, dict[str, Any]] = {"prices": prices_chart(market), "fees": fees_chart(market)}
    charts |= {_name(place): token_chart(market, place) for place in range(len(market.tokens))}
    return document(f"{market.name}{SEPARATOR}paperdex market", body, charts)


def pool_in_words(pool: PoolInfo) -> str:
    """Return a pool as venue, fee, and the other side where that is not USDC."""
    against = "" if pool.against == USD else f" against {pool.against}"
    return f"{pool.venue} {pool.fee_bp} bp{against}"


def _header(market: MarketPreview) -> str:
    start, end = words.day(market.clock.start_at), words.day(market.end_at)
    when = f"on {start}" if start == end else f"from {start} to {end}"
    pools = [pool for token in market.tokens for pool in token.pools]
    venues = words.listed(list(dict.fromkeys(pool.info.venue for pool in pools)))
    sentence = (
        f"{words.length(market.end_at - market.clock.start_at)}, {when} (UTC), of {market.market} with "
        f"seed {market.seed}: {words.listed([token.symbol for token in market.tokens])} in "
        f"{words.count(len(pools), 'pool')} of {venues}."
    )
    return f'<header><h1>{escape(market.name)}</h1><p class="lead">{escape(sentence)}</p></header>\n'


def _key_figures(market: MarketPreview) -> str:
    blocks = f"{words.significant(market.clock.block_time_ms / 1000)} seconds each"
    measured = [token for token in market.tokens if token.volatility_percent is not None]
    wildest = max(measured, key=lambda token: token.volatility_percent or 0.0, default=None)
    falls = max(market.tokens, key=lambda token: token.max_drawdown_percent)
    figures = [
        ("Blocks", f"{market.blocks:,}", blocks),
        ("Base fee", words.significant(market.base_fee_gwei.mean), f"gwei; {_bounds(market.base_fee_gwei)}"),
        ("Gas of a swap", words.significant(market.swap_usd.mean), f"USD; {_bounds(market.swap_usd)}"),
    ]
    if wildest is not None:
        figures.append(("Wildest", _percent(wildest.volatility_percent), f"a day: {wildest.symbol}"))
    figures.append(("Deepest fall", words.percent(falls.max_drawdown_percent, 1), f"below its peak: {falls.symbol}"))
    return key_figures(figures)


def _bounds(fee: FeePreview) -> str:
    return f"from {words.significant(fee.low)} to {words.significant(fee.high)}"


def _prices_section(market: MarketPreview) -> str:
    buttons = legend("prices", enumerate(token.symbol for token in market.tokens), "Tokens shown")
    drawn = chart("prices", "Price of each token over time, against its first", "small")
    return f'<section><h2>Prices</h2><p class="note">{ZOOM}</p>{buttons}{drawn}</section>\n'


def _tokens_section(market: MarketPreview) -> str:
    first, returns = escape(market.tokens[0].symbol), words.span(market.return_span)
    note = (
        f"Volatility of a day and the correlation with {first} are measured on returns over {returns}; the drawdown is "
        "the deepest. The last column is what buying for 1,000 USD costs at the first block against the mid price, "
        "through the best route: the pools' fees and the order's own impact, gas aside."
    )
    headings = (("Token", ""), ("Pools, depth of one side", ""), ("Change", "number"), ("Volatility", "number"),
                ("Drawdown", "number"), ("Correlation", "number"), ("1,000 USD swap", "number"))  # fmt: skip
    rows = "".join(_token_row(token, place) for place, token in enumerate(market.tokens))
    return f'<section><h2>Tokens</h2><p class="note">{note}</p>{table(headings, rows)}</section>\n'


def _token_row(token: TokenPreview, place: int) -> str:
    pools = "".join(f'<div class="pool">{_pool(pool)}</div>' for pool in token.pools)
    numbers = (
        gain(token.change_percent),
        _percent(token.volatility_percent),
        words.percent(token.max_drawdown_percent, 1),
        "\u2013" if token.correlation is None else words.ratio(token.correlation),
        _swap(token.swap),
    )
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    symbol = f"{swatch(place)}<bdi>{escape(token.symbol)}</bdi>"
    named = f'<td class="account drawn">{symbol}<div class="aside">{_class(token)}</div></td>'
    return f"<tr>{named}<td>{pools}</td>{cells}</tr>"


def _pool(pool: PoolPreview) -> str:
    depth = words.short(pool.start_depth_usd)
    return f'{escape(pool_in_words(pool.info))} <span class="when">{depth}{words.THIN_SPACE}USD</span>'


def _swap(cost: SwapCost | None) -> str:
    if cost is None:
        return "not possible"
    total = f"{words.usd(cost.fee_usd + cost.impact_usd)}{words.THIN_SPACE}USD"
    via = "" if cost.usd_pool is None else f" via {cost.pool.against}"
    parts = f"fee {words.usd(cost.fee_usd)}, impact {words.usd(cost.impact_usd)}"
    route = f"{cost.pool.venue} {cost.pool.fee_bp} bp{via}"
    return f'{total}<div class="aside">{parts}<br>{escape(route)}</div>'


def _fees_section(market: MarketPreview) -> str:
    pool = market.tokens[0].pools[0].info
    note = f"The gas of one swap is that of one hop through {escape(pool.venue)} at base fee and tip."
    key = f'<div class="pools"><span>{swatch(0)}base fee</span><span>{swatch(1)}tip</span></div>'
    drawn = chart("fees", "Base fee and tip in gwei, and the gas of a swap in USD, over time", "small")
    return f'<section><h2>Gas</h2><p class="note">{note}</p>{key}{drawn}</section>\n'


def _token_section(market: MarketPreview, place: int) -> str:
    token = market.tokens[place]
    key = "".join(
        f"<span>{swatch(place + column)}{escape(pool_in_words(pool.info))}</span>"
        for column, pool in enumerate(token.pools)
    )
    note = f"{escape(token.name)}. Volatility over {words.span(market.window_span)}"
    if token.class_volatility_percent is not None:
        note += f", dashed the {_percent(token.class_volatility_percent)} of its class"
    drawn = chart(_name(place), f"Price, pools and volatility of {token.symbol} over time", "token")
    return (
        f'<section><h2>{escape(token.symbol)}</h2><p class="note">{note}.</p><div class="pools">{key}</div>'
        f"{drawn}</section>\n"
    )


def _footer(market: MarketPreview) -> str:
    facts = (("Run it", f"paperdex run scenario.yaml --seed {market.seed} --blocks {market.blocks}"),)
    said = "The scenario: kept as scenario.yaml, it has this market again"
    return footer(facts, market.scenario_yaml, said, market.version)


def _name(place: int) -> str:
    return f"token-{place}"


def _class(token: TokenPreview) -> str:
    return "recorded" if token.token_class is None else token.token_class.replace("_", " ")


def _percent(value: float | None) -> str:
    """Return a volatility; small ones with two decimals, as those of stable coins are."""
    if value is None:
        return "\u2013"
    return words.percent(value, 1 if value >= 1 else 2)
