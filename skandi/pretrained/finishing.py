"""Weight files that appear when everything that belongs to them is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from skandi.files import replacing
from skandi.pretrained import novelty_path


@contextmanager
def finished_weights(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path for a weight file that takes its place, with its statistics of novelty, at the end.

    Weights without their corrections look like any others, and answer with wrong intervals. After
    an error or an interruption what was there before is untouched.
    """
    target = Path(path)
    with TemporaryDirectory(
        prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True
    ) as folder:
        aside = Path(folder) / target.name
        yield aside
        for made, place in ((novelty_path(aside), novelty_path(target)), (aside, target)):
            if made.exists():
                with replacing(place) as written:  # which may be elsewhere, through a link
                    shutil.copyfile(made, written)
