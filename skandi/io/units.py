"""Units as programs write them, and as skandi writes them."""

from __future__ import annotations

from contextlib import suppress

from skandi.io.localisations import Localisations

_KNOWN = {
    "µm": ("um", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"),
    "nm": ("nanometer", "nanometers", "nanometre", "nanometres"),
    "mm": ("millimeter", "millimeters", "millimetre", "millimetres"),
    "px": ("pixel", "pixels"),
    "s": ("sec", "secs", "second", "seconds"),
    "ms": ("msec", "millisec", "millisecond", "milliseconds"),
    "min": ("mins", "minute", "minutes"),
    "h": ("hour", "hours", "hr"),
    "frame": ("frames",),
}
_SHORT = {word: unit for unit, words in _KNOWN.items() for word in words}
_GREEK_MU, _MICRO = "\u03bc", "\u00b5"


def clean_unit(text: str | None) -> str | None:
    """A unit without brackets and with its µ repaired, under its usual symbol; None if empty.

    UTF-8 that was read as Latin-1 turns µm into Âµm, which is undone.

    Examples
    --------
    >>> [clean_unit(text) for text in ("(micron)", "Âµm", "sec", "pixel", "(counts)", "", None)]
    ['µm', 'µm', 's', 'px', 'counts', None, None]
    """
    if text is None:
        return None
    unit = text.strip().removeprefix("(").removesuffix(")").strip().replace("\\u00B5", _MICRO)
    with suppress(UnicodeError):  # then it was right already
        unit = unit.encode("latin-1").decode("utf-8")
    unit = unit.replace(_GREEK_MU, _MICRO)
    return _SHORT.get(unit.lower(), unit) or None


def calibrate(
    table: Localisations, interval: float | None, time_unit: str | None, space_unit: str | None
) -> None:
    """Note the frame interval and the units that TrackMate wrote, and when to doubt them.

    TrackMate takes 1 for the interval of an image that has none, and calls it seconds.
    """
    table.frame_interval = interval
    table.time_unit = clean_unit(time_unit)
    table.space_unit = clean_unit(space_unit)
    if interval == 1 and table.time_unit not in (None, "frame"):
        table.note(
            "interval_doubtful",
            f"a frame interval of exactly 1 {table.time_unit} is also what TrackMate writes when "
            "the image has none: give frame_interval if it is not right",
        )
