"""Law: a child that answers nothing is told at once, and is frozen only after all the time that it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

EVERY = 1.0
"""Seconds between two questions."""
WITHIN = 2.0
"""Seconds within which a child answers, unless something is wrong."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """How a child is asked whether it lives: `ask(within)` returns when it has answered, and raises when it does not
    within so many seconds.

    `seconds`: a child that answered nothing for so long is frozen.
    """

    ask: Callable[[float], Awaitable[object]]
    seconds: float
    every: float = EVERY
    within: float = WITHIN


async def frozen(liveness: Liveness, tell: Callable[[float], None]) -> None:
    """Return when the child is frozen. `tell` hears after each question how long it has been silent; 0: it answers.

    A time in which this process itself slept counts as one question, whatever it lasted.
    """
    clock = asyncio.get_running_loop().time
    silent = 0.0
    while silent < liveness.seconds:
        await asyncio.sleep(liveness.every)
        asked = clock()
        try:
            await liveness.ask(liveness.within)
        except Exception:
            silent += min(clock() - asked, liveness.within) + liveness.every
        else:
            silent = 0.0
        tell(silent)
