"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_WINDOWS = os.name == "nt"
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_IN_USE = "is open in another program or protected from writing, close it and try again"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    r"""A path to write to that takes the place of `path` once the block ends without an error.

    The file is written beside its target, in the same file system, so that the exchange is one
    step; after an error what was there before is untouched. It is on the disk before the exchange,
    so that a loss of power leaves the old file or the new one too. A device or pipe cannot be
    exchanged and is written to directly.

    Windows replaces no file that a program has open. Those that look at every new file, such as
    virus scanners, are waited for; of others the error tells.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "tracks.csv"
    >>> with replacing(target) as aside:
    ...     _ = aside.write_text("track,frame,x\n")
    >>> target.read_text()
    'track,frame,x\n'
    """
    target = Path(os.path.realpath(path))  # a symbolic link stays one
    if target.is_dir():
        raise IsADirectoryError(21, "is a directory, a file name is needed", str(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(2, "no such directory", str(target.parent))
    if target.exists() and not target.is_file():
        yield target
        return
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield aside
        _set_mode(aside, target)
        _to_disk(aside)
        _exchange(aside, target)
        _folder_to_disk(target.parent)
    finally:
        with suppress(OSError):  # Windows deletes no file that a failed writer left open
            aside.unlink(missing_ok=True)


def _set_mode(aside: Path, target: Path) -> None:
    """Give a new file the mode of the old one, or that of any file.

    Some writers make files that nobody else may read. On a share, who may write need not own what
    is written, and cannot change its mode.
    """
    try:
        if target.exists():
            shutil.copymode(target, aside)
        else:
            aside.chmod(0o666 & ~_umask())
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def require_replaceable(path: str | os.PathLike[str]) -> None:
    """Find out before the work that Windows will not let a file be replaced: a program has it.

    Raises
    ------
    PermissionError
        If there is such a file and it cannot be opened for writing.
    """
    if _WINDOWS and Path(path).is_file():
        try:
            Path(path).open("rb+").close()
        except PermissionError as error:
            raise PermissionError(error.errno, _IN_USE, str(path)) from error


def _exchange(aside: Path, target: Path) -> None:
    for pause in (*_PAUSES, None):
        try:
            os.replace(aside, target)
            return
        except PermissionError as error:
            if not _WINDOWS:
                raise
            if pause is None:
                raise PermissionError(error.errno, _IN_USE, str(target)) from error
            time.sleep(pause)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:  # Windows wants it open for writing
        os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse it for folders
            os.fsync(opened)
    finally:
        os.close(opened)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
