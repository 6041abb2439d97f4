"""Searches over the settings of an account: what a sweep file says, and which point each trial is. Runs nothing."""
