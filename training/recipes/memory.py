"""How the allocator treats the large tensors of a training step."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of `mallopt` in the GNU C library."""
KEPT_BYTES = 2**31 - 1


def keep_freed_memory() -> None:
    """Let freed tensors stay with the process, for the next step to take.

    The GNU C library returns large blocks to the system at once and asks for fresh, zeroed pages
    when the next layer wants the same size: half the time of a step on a CPU. Elsewhere nothing
    changes.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
