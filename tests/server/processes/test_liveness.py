"""A child is frozen when it was silent for as long as it was asked, and not because the one who asks slept."""

from __future__ import annotations

import asyncio
import time

import pytest

from server.processes.liveness import Liveness, frozen


async def test_a_child_is_frozen_after_the_time_it_was_given() -> None:
    told: list[float] = []

    async def ask(within: float) -> None:
        raise TimeoutError

    await asyncio.wait_for(frozen(Liveness(ask, 0.1, every=0.02), told.append), 5)
    assert told == sorted(told)
    assert told[0] < 0.1 <= told[-1]


async def test_a_time_in_which_the_server_slept_is_no_silence_of_its_child() -> None:
    asked, told = 0, []

    async def ask(within: float) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            time.sleep(0.8)  # noqa: ASYNC251  (an event loop that blocks is what is tested)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(frozen(Liveness(ask, 0.5, every=0.02, within=0.05), told.append), 1.5)
    assert 0 < told[0] < 0.1
    assert told[1] == 0
