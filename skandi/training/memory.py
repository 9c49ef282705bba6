"""Memory that stays with the process while a network learns.

Each step of training asks for the same large arrays and gives them back. The allocator of Linux
(glibc) maps those above 32 MiB anew every time, and the kernel fills them with zeros first, which
in float32 costs WADNet a good part of each step.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_NEVER = -1
_USUAL_MMAP_MAX = 65_536
# What glibc comes to by itself once large arrays have been given back.
_USUAL_MMAP_THRESHOLD, _USUAL_TRIM_THRESHOLD = 32 << 20, 64 << 20

_LOCK = threading.Lock()
_inside = 0


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep memory that is given back for the next array, and return it to the system at the end.

    Nothing is changed on systems with another allocator, or where the environment has settings for
    this one.
    """
    global _inside
    allocator = _glibc()
    if allocator is None:
        yield
        return
    with _LOCK:
        _inside += 1
        allocator.mallopt(_MMAP_MAX, 0)
        allocator.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                allocator.mallopt(_MMAP_MAX, _USUAL_MMAP_MAX)
                allocator.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP_THRESHOLD)
                allocator.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM_THRESHOLD)
                allocator.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    settled = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if not sys.platform.startswith("linux") or settled:
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
