"""Adjusting the parameters of a running session, within bounds."""
