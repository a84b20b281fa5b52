"""A run that is ended by SIGTERM ends in order, as by Ctrl-C: fixtures end the servers and calls that they started.

A pytest plugin. The process that hands out the tests tells those that run them. One that takes longer than xdist waits
is killed, and its fixtures with it: so what a fixture starts ends with its process (`tests/orphans.py`).
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

PATIENCE = 30
"""Seconds in which a process that runs tests ends its servers before xdist kills it."""


def pytest_configure() -> None:
    """Only a process's first thread may say what a signal does."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready() -> None:
    """This process hands out the tests to others, its children, and runs none."""
    from xdist.workermanage import NodeManager

    NodeManager.EXIT_TIMEOUT = PATIENCE
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end_all)


def _end_all(number: int, frame: object) -> None:
    for listed in Path("/proc/self/task").glob("*/children"):
        for pid in listed.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
    _end(number, frame)
