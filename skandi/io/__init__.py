"""Files of tracks: readers, one module a format, and writers."""

from skandi.io.challenge import (
    read_challenge,
    read_challenge_labels,
    write_challenge,
    write_challenge_labels,
)
from skandi.io.formats import (
    FORMATS,
    detect_format,
    read_tracks,
    sample_tracks_path,
    write_tracks,
)
from skandi.io.gaps import GAP_POLICIES
from skandi.io.results import check_results_path, write_results
from skandi.io.tracks import ReadReport, ReadStep, Tracks

__all__ = [
    "read_tracks",
    "write_tracks",
    "Tracks",
    "ReadReport",
    "ReadStep",
    "FORMATS",
    "GAP_POLICIES",
    "detect_format",
    "sample_tracks_path",
    "read_challenge",
    "read_challenge_labels",
    "write_challenge",
    "write_challenge_labels",
    "check_results_path",
    "write_results",
]
