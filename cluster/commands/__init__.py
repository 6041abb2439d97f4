"""The commands of ``paperdex``, by what they work on. Each imports what takes its time when it is called."""
