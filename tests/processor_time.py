"""How much processor time each file of tests took: what makes a run long when it waits for nothing.

A pytest plugin. Counted are the process that runs the tests and all that it started: servers, Asterisk, browsers. What
a server that was killed leaves behind counts until then. What files share (a server of the whole session) counts for
the file that had it first, or whose tests used it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHOWN = 15
"""Files at the end of a run."""
ENOUGH = 20.0
"""Seconds of processor time in a whole run below which nothing is shown."""
TICKS = os.sysconf("SC_CLK_TCK")
_taken: Counter[str] = Counter()


class Meter:
    """Of one process that runs tests: what was used since it was last read."""

    def __init__(self) -> None:
        self._before = 0.0

    def read(self) -> float:
        """Seconds, never negative: a process that is nobody's child any more is no longer seen."""
        now = tree_seconds(os.getpid())
        used, self._before = now - self._before, now
        return max(0.0, used)


def tree_seconds(root: int) -> float:
    """Processor seconds of this process and of all below it, with the children that they waited for."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The program's name stands in brackets and may hold anything.
            words = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        pid = int(stat.parent.name)
        parents[pid] = int(words[1])
        ticks[pid] = sum(map(int, words[11:15]))
    below = {root}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(pid, 0) for pid in below) / TICKS


_meter = Meter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Read once a file: to look through all processes takes longer than a small test."""
    result = yield
    if nextitem is None or nextitem.path != item.path:
        _taken[item.nodeid.partition("::")[0]] += _meter.read()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    _taken["(collection)"] += _meter.read()


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["processor_time"] = dict(_taken)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the process that hands the tests out. One that was killed says nothing."""
    _taken.update(getattr(node, "workeroutput", {}).get("processor_time", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    whole = sum(_taken.values())
    if whole < ENOUGH:
        return
    terminalreporter.section(f"most processor time of {whole:.0f} s")
    for file, seconds in _taken.most_common(SHOWN):
        terminalreporter.write_line(f"{seconds:7.1f} s  {file}")
    if where := os.environ.get("PROCESSOR_TIME"):
        lines = [f"{seconds:.2f}\t{file}\n" for file, seconds in _taken.most_common()]
        Path(where).write_text("".join(lines), encoding="utf-8")
