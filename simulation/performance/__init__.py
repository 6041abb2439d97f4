"""How well it went: returns, drawdown, ratios."""
