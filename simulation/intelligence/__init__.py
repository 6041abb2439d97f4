"""What a session thinks: features, signals and the words for a decision."""
