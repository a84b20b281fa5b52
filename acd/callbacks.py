"""Callback mode and the book of promises, as one sans-IO object beside the floor.

callbacks = Callbacks()
commands = callbacks.receive(event, now)        # the event is in the log already
commands += callbacks.observe(pressures, now)   # how busy each queue is after it: modes turn by themselves
callbacks.next_timer()                          # when to append the next Tick, or None
Callbacks.restore(callbacks.snapshot())
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from acd.callback_rules import CallbackPolicy
from acd.commands import Command
from acd.promises import ModeView, Pressure, PromiseView


class Callbacks:
    """Which queues take numbers instead of holding callers, and every promise that is not settled yet."""

    def receive(self, event: object, now: float) -> list[Command]:
        """Play one event of the log. Never raises for what it says."""
        raise NotImplementedError

    def observe(self, pressures: Iterable[Pressure], now: float) -> list[Command]:
        """See how busy the queues are after an event."""
        raise NotImplementedError

    def next_timer(self) -> float | None:
        """The instant at which something is due, or None."""
        raise NotImplementedError

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        raise NotImplementedError

    @staticmethod
    def restore(data: dict[str, Any]) -> Callbacks:
        """The inverse of `snapshot`."""
        raise NotImplementedError

    @property
    def policy(self) -> CallbackPolicy:
        """The rules in force."""
        raise NotImplementedError

    def mode(self, queue: str) -> ModeView:
        """The mode of one queue, whether its own choice or everybody's. Unknown queues have everybody's."""
        raise NotImplementedError

    def modes(self) -> list[ModeView]:
        """The choice for all (scope "all") first, then every queue by name."""
        raise NotImplementedError

    def promise(self, promise: int) -> PromiseView | None:
        """One promise that is not settled yet, or was lately."""
        raise NotImplementedError

    def promises(self) -> list[PromiseView]:
        """Every promise that is live, or a task, by number."""
        raise NotImplementedError

    def live(self, number: str, category: str | None = None) -> PromiseView | None:
        """The live promise of a number: for this category, or (None) the oldest of any."""
        raise NotImplementedError

    def due(self) -> list[PromiseView]:
        """Promises whose time has come and for which no call stands in line: what `PlaceCall` asked for."""
        raise NotImplementedError

    def why_not(self, number: str, category: str, now: float) -> str:
        """Why no promise can be made to this number now, as a sentence; empty when one can, or one is live already."""
        raise NotImplementedError
