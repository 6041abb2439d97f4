from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from report_samples import START, curve_of

from cluster import page_words as words
from cluster.page_charts import COLOURS, mark_of
from cluster.report_charts import POINTS_MAX, figure, line_of


def test_equity_is_drawn_in_percent_of_the_start() -> None:
    line = line_of(curve_of(200, 220, 150))

    assert line.change_percent == (0.0, 10.0, -25.0)


def test_drawdown_is_measured_from_the_peak_so_far() -> None:
    line = line_of(curve_of(100, 200, 150, 300))

    assert line.drawdown_percent == (0.0, 0.0, -25.0, 0.0)


def test_a_long_curve_is_thinned_without_losing_its_ends_and_extremes() -> None:
    values = [1000 + (place * 7919) % 500 for place in range(20_000)]
    values[7_001], values[12_345] = 5_000, 1
    line = line_of(curve_of(*values))

    assert len(line.times) <= POINTS_MAX
    assert (line.times[0], line.times[-1]) == (START, START + timedelta(hours=19_999))
    assert max(line.change_percent) == 400.0
    assert min(line.change_percent) == -99.9
    assert min(line.drawdown_percent) == -99.98


def test_thirty_accounts_are_drawn_in_thirty_ways() -> None:
    assert len({mark_of(place) for place in range(30)}) == 30


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("page", ["#ffffff", "#15171a"])
def test_a_colour_stands_out_from_light_and_dark_pages(colour: str, page: str) -> None:
    lighter, darker = sorted((luminance(colour), luminance(page)), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 3.0


def test_an_account_without_adjustments_has_no_marks() -> None:
    chart = figure({"careful": line_of(curve_of(100, 101))}, {})

    assert [trace["mode"] for trace in chart["data"]] == ["lines", "lines"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1.256", "+1.26\u202f%"),
        ("-1.256", "\u22121.26\u202f%"),
        ("-0.001", "0.00\u202f%"),
        ("1234.5", "+1,234.50\u202f%"),
    ],
)
def test_a_signed_percentage_shows_its_sign_unless_it_is_zero(value: str, said: str) -> None:
    assert words.signed_percent(Decimal(value)) == said


@pytest.mark.parametrize(("stored", "said"), [("60.000000", "60"), ("4.750000", "4.75"), ("100", "100"), ("0E-6", "0")])
def test_a_stored_number_loses_the_zeros_of_its_column(stored: str, said: str) -> None:
    assert words.plain(Decimal(stored)) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(days=3), "3 simulated days"),
        (timedelta(days=1), "1 simulated day"),
        (timedelta(hours=36), "1.5 simulated days"),
        (timedelta(minutes=90), "1.5 simulated hours"),
        (timedelta(minutes=12), "12 simulated minutes"),
    ],
)
def test_a_length_is_said_in_the_unit_that_fits(span: timedelta, said: str) -> None:
    assert words.length(span) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(4.764, "4.76"), (0.01234, "0.0123"), (12_345, "12,345"), (2.0, "2"), (0, "0"), (-1.5, "\u22121.5")],
)
def test_a_number_of_any_size_is_said_with_three_digits(value: float, said: str) -> None:
    assert words.significant(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (249_600_000, "250\u202fM"),
        (1_480_000, "1.48\u202fM"),
        (999_600, "1\u202fM"),
        (392_000, "392\u202fk"),
        (42, "42"),
        (3.1e9, "3.1\u202fG"),
    ],
)
def test_a_large_number_is_said_with_its_unit(value: float, said: str) -> None:
    assert words.short(value) == said


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(hours=1), "an hour"),
        (timedelta(hours=6), "6 hours"),
        (timedelta(days=2.5), "2.5 days"),
        (timedelta(minutes=12), "12 minutes"),
        (timedelta(seconds=12), "12 seconds"),
    ],
)
def test_a_span_of_time_is_said_with_its_article_or_number(time: timedelta, said: str) -> None:
    assert words.span(time) == said


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert words.usd(Decimal("-0.001")) == "0.00"


def test_a_list_in_a_sentence_ends_with_and() -> None:
    assert [words.listed(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb as WCAG defines it."""
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
