"""One caller's line: what is played on it and which digits come from it.

Digits are taken from the AMI's DTMFEnd events, which miss none between two commands; what an AGI command returns
only tells that a prompt was interrupted, and serves alone while the AMI link is down. Either may tell a key first:
Asterisk gives a key that was short to the channel only when it has lasted long enough, after AMI has told it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from ivr.saying import LANGUAGES
from server.hotline import own_prompts
from server.tasks import first_of
from server.telephony.agi.server import AgiCall, AgiHangup, AgiRefused

_log = structlog.get_logger("hotline")

ANY_DIGIT = "0123456789*#"
_DIGIT_LAG = 2.0
"""Seconds that the AMI stream and the AGI command that a key broke off may be apart."""
_REMEMBERED = 8
"""Keys that AMI told; commands tell them again in their order, and no more than a telephone sends in that time."""
_AGAIN = 0.3
"""Seconds within which AMI tells that a key which it told just now was pressed once more."""


class CallerAudio:
    """The audio side of one AGI session. `prompts` is the folder with one folder of WAVs per language."""

    def __init__(
        self,
        agi: AgiCall,
        prompts: Path,
        language: str = LANGUAGES[0],
        *,
        hears_digits: Callable[[], bool] = lambda: True,
        own: Path | None = None,
    ) -> None:
        self.agi = agi
        self.language = language
        self._prompts, self._own = prompts, own
        self._hears_digits = hears_digits
        self._digits: deque[str] = deque()
        self._arrived = asyncio.Event()
        self.keyed = ""
        """What came of the answer that is being keyed, until another question is put."""
        self._owed: tuple[str, float] | None = None
        """A key that a command told already, and until when AMI may tell it again (the loop's clock)."""
        self._told: deque[tuple[str, float]] = deque(maxlen=_REMEMBERED)
        """The keys that AMI told lately, and until when a command may tell each again."""
        self.quiet = True
        """Whether no music begins by itself; the dialplan starts it before it asks a server, Asterisk after a Dial."""

    # Digits

    def digit(self, digit: str) -> None:
        """A digit came from the caller."""
        owed, self._owed = self._owed, None
        if owed is not None and owed[0] == digit and asyncio.get_running_loop().time() < owed[1]:
            return
        self.told_again(digit)
        self._digits.append(digit)
        self._arrived.set()

    def told_again(self, digit: str) -> None:
        """A telephone sent this key in a second way: a command may tell it once more, and it is no other key."""
        self._told.append((digit, asyncio.get_running_loop().time() + _DIGIT_LAG))

    @property
    def typed(self) -> bool:
        """Whether there are digits that nobody has taken."""
        return bool(self._digits)

    def next_digit(self) -> str | None:
        """Take the oldest digit that was keyed, if there is one."""
        return self._digits.popleft() if self._digits else None

    async def pressed(self) -> None:
        """Wait until a digit is there; takes none."""
        while not self._digits:
            self._arrived.clear()
            await self._arrived.wait()

    def forget_digits(self) -> None:
        """What was keyed until now answers nothing."""
        self._digits.clear()

    def spent(self, digit: str | None) -> None:
        """A command took this key for itself: neither it nor what was keyed before answers anything else."""
        if digit is not None and digit not in self._digits:
            self._owe(digit)
        self.forget_digits()

    def _owe(self, digit: str) -> None:
        """AMI may tell this key once more."""
        if self._hears_digits():
            self._owed = digit, asyncio.get_running_loop().time() + _DIGIT_LAG

    def _told_before(self, digit: str) -> bool:
        """Whether AMI has told already the key that a command tells now."""
        now = asyncio.get_running_loop().time()
        for told in self._told:
            if told[0] == digit and now < told[1]:
                self._told.remove(told)
                return True
        return False

    # Sound

    def path(self, prompt: str) -> str:
        """A prompt's file in the caller's language, as Asterisk wants it: absolute, without extension."""
        if self._own is not None and own_prompts.is_own(prompt):
            return str(own_prompts.file(self._own, prompt, self.language).with_suffix(""))
        if self._own is not None and (own := self._own / self.language / f"{prompt}.wav").exists():
            return str(own.with_suffix(""))
        return str(self._prompts / self.language / prompt)

    async def play(self, prompts: Sequence[str], *, interruptible: bool = True) -> bool:
        """Play prompts one after the other; False when a digit cut them short, which is kept for the next `gather`."""
        for prompt in prompts:
            if interruptible and self._digits:
                return False
            if not await self._played(prompt, ANY_DIGIT if interruptible else ""):
                return False
        return True

    async def _played(self, prompt: str, escape: str) -> bool:
        """Play one prompt; False when a digit cut it short. A key that was taken before cuts nothing short."""
        while (pressed := await self._sound(prompt, escape)) is not None:
            before = self._told_before(pressed)
            if self._digits or await self._arrives(_AGAIN if before else _DIGIT_LAG):
                return False
            if not before:
                self._digits.append(pressed)
                self._owe(pressed)
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
            self.forget_digits()
        self.keyed = ""
        await self.play(prompts, interruptible=interruptible)
        while len(self.keyed) < max_digits and not (self.keyed and self.keyed[-1] in terminators):
            digit = await self._next(digit_timeout if self.keyed else first_timeout)
            if digit is None:
                break
            self.keyed += digit
        return self.keyed

    async def announce(self, prompt: str) -> None:
        """Play one prompt that no digit ends; AMI's ControlPlayback can stop it."""
        try:
            await self.agi.control_stream_file(self.path(prompt))
        except AgiRefused as error:
            self._missing(prompt, error)

    async def music(self, on: bool, music: str = "") -> None:
        """Start or stop music on hold; it plays on without any command until something else is played."""
        await self.agi.set_music(on, music)
        self.quiet = not on

    async def _sound(self, prompt: str, escape: str) -> str | None:
        try:
            pressed = await self.agi.stream_file(self.path(prompt), escape)
            self.quiet = True
            return pressed
        except AgiRefused as error:
            self._missing(prompt, error)
            return None

    def _missing(self, prompt: str, error: AgiRefused) -> None:
        """A prompt that cannot be played is passed over: the caller goes on, the log says which it was."""
        if isinstance(error, AgiHangup):
            raise error
        _log.error("a prompt cannot be played: see `sansheng check`", prompt=self.path(prompt), error=str(error))

    async def _next(self, timeout: float) -> str | None:
        if not self._digits and not self.quiet:
            await self.music(False)
        if not self._digits and not self._hears_digits():
            return await self.agi.wait_for_digit(int(timeout * 1000))
        if not self._digits:
            await self._arrives(timeout)
        return self.next_digit()

    async def _arrives(self, timeout: float) -> bool:
        """Wait for the AMI stream to bring a digit; at once False while it cannot."""
        if not self._hears_digits():
            return False
        over = await first_of(self.pressed(), self.agi.wait_hangup(), timeout=timeout)
        if 1 in over and not self._digits:
            raise AgiHangup("the caller hung up")
        return bool(self._digits)
