"""One caller's line: what is played on it and which digits come from it.

Digits are taken from the AMI's DTMFEnd events, which miss none between two commands; what an AGI command returns
only tells that a prompt was interrupted, and serves alone while the AMI link is down.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from server.telephony.fastagi import AgiCall

ANY_DIGIT = "0123456789*#"
_DIGIT_LAG = 0.5


class Line:
    """The audio side of one AGI session. `prompts` is the folder with one folder of WAVs per language."""

    def __init__(
        self, agi: AgiCall, prompts: Path, language: str = "zh", *, hears_digits: Callable[[], bool] = lambda: True
    ) -> None:
        self.agi = agi
        self.language = language
        self._prompts = prompts
        self._hears_digits = hears_digits
        self._digits: deque[str] = deque()
        self._arrived = asyncio.Event()

    def digit(self, digit: str) -> None:
        """A digit came from the caller."""
        self._digits.append(digit)
        self._arrived.set()

    def path(self, prompt: str) -> str:
        """A prompt's file in the caller's language, as Asterisk wants it: absolute, without extension."""
        return str(self._prompts / self.language / prompt)

    async def play(self, prompts: Sequence[str], *, interruptible: bool = True) -> bool:
        """Play prompts one after the other; False when a digit cut them short."""
        for prompt in prompts:
            if interruptible and self._digits:
                return False
            if await self.agi.stream_file(self.path(prompt), ANY_DIGIT if interruptible else "") is not None:
                return False
        return True

    async def gather(
        self,
        prompts: Sequence[str],
        *,
        max_digits: int = 1,
        terminators: str = "#",
        first_timeout: float = 5.0,
        digit_timeout: float = 3.0,
        interruptible: bool = True,
        flush: bool = False,
    ) -> str:
        """Play prompts and collect digits, a terminator included; empty when none came in time.

        Digits typed ahead count unless flushed.
        """
        if flush:
            self._digits.clear()
        collected = ""
        for prompt in prompts:
            if interruptible and self._digits:
                break
            pressed = await self.agi.stream_file(self.path(prompt), ANY_DIGIT if interruptible else "")
            if pressed is not None:
                collected = await self._next(_DIGIT_LAG) or pressed
                break
        while len(collected) < max_digits and not (collected and collected[-1] in terminators):
            digit = await self._next(digit_timeout if collected else first_timeout)
            if digit is None:
                break
            collected += digit
        return collected

    async def music(self, on: bool, music: str = "") -> None:
        """Start or stop music on hold; it plays on without any command until something else is played."""
        await self.agi.set_music(on, music)

    async def _next(self, timeout: float) -> str | None:
        if not self._digits and not self._hears_digits():
            return await self.agi.wait_for_digit(int(timeout * 1000))
        if not self._digits:
            self._arrived.clear()
            waiting = asyncio.ensure_future(self._arrived.wait())
            hangup = asyncio.ensure_future(self.agi.wait_hangup())
            try:
                await asyncio.wait({waiting, hangup}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (waiting, hangup):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
        return self._digits.popleft() if self._digits else None
