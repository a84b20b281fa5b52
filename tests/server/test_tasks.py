"""Whatever comes first ends a wait, nothing runs on after it, and a task that nobody awaits fails alone."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from structlog.testing import capture_logs

from server.tasks import BackgroundTasks, end, first_of


class Endless:
    """A wait that is never over by itself."""

    cancelled = False

    async def __call__(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def soon() -> None:
    await asyncio.sleep(0)


async def failing() -> None:
    raise ValueError("no")


async def test_the_first_one_that_is_over_is_told_and_the_others_are_cancelled() -> None:
    other = Endless()
    assert await first_of(other(), soon()) == {1}
    assert other.cancelled


async def test_all_that_are_over_at_once_are_told() -> None:
    assert await first_of(soon(), soon()) == {0, 1}


async def test_a_future_is_watched_and_goes_on() -> None:
    watched: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    assert await first_of(watched, soon()) == {1}
    assert not watched.done()
    watched.set_result(None)
    assert await first_of(watched, Endless()()) == {0}


async def test_a_timeout_tells_of_none_and_cancels_all() -> None:
    one, other = Endless(), Endless()
    assert await first_of(one(), other(), timeout=0.01) == set()
    assert one.cancelled
    assert other.cancelled


async def test_the_error_of_a_coroutine_is_raised() -> None:
    with pytest.raises(ValueError, match="no"):
        await first_of(failing(), Endless()())


async def test_a_wait_that_is_cancelled_leaves_nothing_behind() -> None:
    other = Endless()
    waiting = asyncio.ensure_future(first_of(other()))
    await asyncio.sleep(0.01)
    await end(waiting)
    assert waiting.cancelled()
    assert other.cancelled


async def test_an_error_in_the_background_is_logged_and_ends_nothing_else() -> None:
    tasks, done = BackgroundTasks(structlog.get_logger("test"), "a part failed"), asyncio.Event()

    async def after() -> None:
        done.set()

    with capture_logs() as logs:
        tasks.start(failing())
        tasks.start(after())
        await asyncio.wait_for(done.wait(), 5)
    assert [(line["event"], line["log_level"]) for line in logs] == [("a part failed", "error")]


async def test_an_error_that_is_expected_is_not_logged() -> None:
    tasks = BackgroundTasks(structlog.get_logger("test"), "a part failed", ValueError)
    with capture_logs() as logs:
        tasks.start(failing())
        await asyncio.sleep(0.01)
    assert logs == []


async def test_stopping_ends_all_that_still_runs() -> None:
    tasks, running = BackgroundTasks(structlog.get_logger("test"), "a part failed"), Endless()
    tasks.start(running())
    await asyncio.sleep(0)
    await tasks.stop()
    assert running.cancelled
