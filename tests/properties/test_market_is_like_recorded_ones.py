"""The built-in market, at its full length and few seeds, within the bands that recorded markets set."""

from __future__ import annotations

from cluster import market_check


def test_every_check_of_the_built_in_market_holds() -> None:
    findings = market_check.compare(market_check.simulate(range(1, 5), 730), {}, None, 730)
    assert len(findings.rows) > 50
    assert [f"{row.check.group} {row.check.name}" for row in findings.rows if not row.holds] == []
