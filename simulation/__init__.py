"""What happens: the market, the accounts and the decisions, as pure functions of scenario and seed.

Nothing here starts a process, opens a file or socket, or reads a clock.
"""
