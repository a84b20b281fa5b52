"""No orphans: what a process of tests starts ends with it, even when it is killed and its fixtures with it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import partial

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def end_with_parent(number: int) -> None:
    """This process gets this signal when the one that it was forked from is gone, however that ended."""
    _libc.prctl(PR_SET_PDEATHSIG, number)


def with_parent(number: int) -> Callable[[], None] | None:
    """For `preexec_fn`: the child ends by this signal when the process that starts it is gone.

    None in a thread beside the first: Linux takes the end of the thread that forked for the end of the process.
    """
    return partial(end_with_parent, number) if threading.current_thread() is threading.main_thread() else None
