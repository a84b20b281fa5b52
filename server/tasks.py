"""Law: no task is lost, and none is left behind. A wait for the first of several, and tasks in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def first_of(
    *waits: Coroutine[Any, Any, Any] | asyncio.Future[Any], timeout: float | None = None
) -> frozenset[int]:
    """Wait until one of these is over, `timeout` seconds at most; the places of all that are over, counted from 0.

    A coroutine runs for this wait alone: afterwards it is cancelled, and its error is raised. A future is only watched.
    """
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    own = [task for task, wait in zip(tasks, waits, strict=True) if task is not wait]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return frozenset(place for place, task in enumerate(tasks) if task.done())
    finally:
        for task in own:
            task.cancel()
        for task in own:
            with suppress(asyncio.CancelledError):
                await task


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it is over: before Python 3.12 `asyncio.wait_for` may swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


class BackgroundTasks:
    """Tasks that nobody awaits. An error ends its task alone and is logged to `log` with the sentence `failed`.

    An error that is one of `expected` ends its task without a word.
    """

    def __init__(self, log: Any, failed: str, *expected: type[Exception]) -> None:
        self._log, self._failed, self._expected = log, failed, expected
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run this beside everything else, from the loop's next turn on."""
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def over(self) -> None:
        """Wait until none of them runs."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def stop(self) -> None:
        """Cancel what still runs, and return when it is over."""
        for task in list(self._tasks):
            await end(task)

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except self._expected:
            pass
        except Exception:
            self._log.exception(self._failed)
