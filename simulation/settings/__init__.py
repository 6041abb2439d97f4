"""Parts of a scenario that have a file of their own."""
