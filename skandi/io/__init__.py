"""Files of tracks: readers, one module a format, and writers."""

from skandi.io.branches import BRANCH_POLICIES
from skandi.io.challenge import (
    read_challenge,
    read_challenge_labels,
    write_challenge,
    write_challenge_labels,
)
from skandi.io.detect import detect_format
from skandi.io.duplicates import DUPLICATE_POLICIES
from skandi.io.formats import (
    FORMATS,
    WRITE_FORMATS,
    read_tracks,
    sample_tracks_path,
    write_tracks,
)
from skandi.io.gaps import GAP_POLICIES
from skandi.io.napari import napari_array, napari_features
from skandi.io.results import check_results_path, write_results
from skandi.io.tracks import ReadReport, ReadStep, Tracks

__all__ = [
    "read_tracks",
    "write_tracks",
    "Tracks",
    "ReadReport",
    "ReadStep",
    "FORMATS",
    "WRITE_FORMATS",
    "GAP_POLICIES",
    "BRANCH_POLICIES",
    "DUPLICATE_POLICIES",
    "detect_format",
    "sample_tracks_path",
    "napari_array",
    "napari_features",
    "read_challenge",
    "read_challenge_labels",
    "write_challenge",
    "write_challenge_labels",
    "check_results_path",
    "write_results",
]
