"""The errors skandi raises: one tree, each message says what came, what is needed, what to do."""


class SkandiError(Exception):
    """Root of every error raised on purpose by skandi."""


class TrajectoryError(SkandiError, ValueError):
    """The input cannot be read as trajectories."""


class RecipeError(SkandiError, ValueError):
    """A simulation was asked for that its model or recipe does not define."""


class TracksFileError(SkandiError, ValueError):
    """A file of tracks cannot be read or written."""


class WeightsError(SkandiError, ValueError):
    """A weight file is missing, damaged, or made for another version."""


class TrainingError(SkandiError, RuntimeError):
    """Training cannot go on; what was learnt so far is in the checkpoint, if one was asked for."""


class JobError(SkandiError, RuntimeError):
    """A large prediction cannot go on; the partitions that are done are kept."""


class MissingExtraError(SkandiError, ImportError):
    """An optional dependency is needed; the message names the extra that installs it."""


class VersionWarning(UserWarning):
    """A pickle was made by another version of skandi."""


class LongTrackWarning(UserWarning):
    """Tracks are longer than what the networks were trained on, and were read in parts."""


class ShortTrackWarning(UserWarning):
    """Tracks are so short that they were left out, or may have been meant as something else."""


class SlowArithmeticWarning(UserWarning):
    """A precision was asked for that this processor is slower in."""
