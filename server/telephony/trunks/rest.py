"""A trunk that takes no calls is left alone for a while: agents are not rung for calls that cannot be made.

One that says that it is unavailable (503) stands behind the others before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

_log = structlog.get_logger("trunk")

ENOUGH = 3
"""Attempts in a row, for any customers, that the trunk did not take."""


class TrunkRest:
    """Rests for `first` seconds, twice as long each time that nothing got better, `longest` at most; then `over()`."""

    def __init__(
        self, over: Callable[[], None], name: str = "", *, first: float = 60.0, longest: float = 900.0
    ) -> None:
        self._over, self._name, self._first, self._longest = over, name, first, longest
        self._failed = 0
        self._lasts = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._behind_until = 0.0

    @property
    def resting(self) -> bool:
        return self._rest is not None

    @property
    def behind(self) -> bool:
        """Whether the other trunks are tried first."""
        return self._behind_until > 0.0 and asyncio.get_running_loop().time() < self._behind_until

    @property
    def problem(self) -> str:
        """A sentence while the trunk takes no calls; empty otherwise."""
        if self._failed < ENOUGH:
            return ""
        if self._name:
            none = f"trunk {self._name} took none of the last {self._failed} calls"
            return f"{none}: `sansheng trunk test NUMBER --call` says why; it is tried again by itself"
        none = f"the trunk took none of the last {self._failed} calls"
        return f"{none}: see whether what SANSHENG_TRUNK names is there; it is tried again by itself"

    def failed(self) -> None:
        """The trunk did not take a call."""
        self._failed += 1
        if self._failed >= ENOUGH and self._rest is None:
            self._lasts = min(self._lasts * 2 or self._first, self._longest)
            _log.warning(
                "the trunk takes no calls: it is left alone for a while",
                trunk=self._name or "default",
                failed=self._failed,
                s=self._lasts,
            )
            self._rest = asyncio.get_running_loop().call_later(self._lasts, self._end)

    def unavailable(self, seconds: float) -> None:
        """The trunk is to stand behind the others for so long: Asterisk does not hand over when it would be back."""
        self._behind_until = asyncio.get_running_loop().time() + seconds

    def worked(self) -> None:
        """It took one."""
        self._failed, self._lasts, self._behind_until = 0, 0.0, 0.0
        if self._rest is not None:
            self._rest.cancel()
            self._end()

    def _end(self) -> None:
        self._rest = None
        self._over()
