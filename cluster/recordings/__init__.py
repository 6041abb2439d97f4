"""Recorded markets: files of several formats, stitched in time, to the Recording that the simulation replays."""

from cluster.recordings.markets import Read, read_market
from cluster.recordings.tables import RecordingError

__all__ = ["Read", "RecordingError", "read_market"]
