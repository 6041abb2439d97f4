"""Sweeps: files, the conductor of cohorts, and what to make of the trials."""
