"""What the log has changed since somebody last looked, as keys: whose rows are to be drawn again.

To mark costs a few insertions into sets for each entry. While nobody takes the marks they do not grow without end: from
so many on, everything counts as changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import recordings.events as rec
from acd.commands import Offer
from knowledge.events import BulletinRead
from server.eventlog.user_events import UserChanged
from server.hotline.live_calls import Calls

MOST = 20_000
"""Keys that are told apart."""
_OF_AGENTS = ("agent", "to", "by", "owner")
"""Fields that name an agent, or something else that no agent is called."""


@dataclass(slots=True)
class Changed:
    """Keys of what changed. `everything`: so much, or so deeply, that each row is to be drawn again."""

    everything: bool = False
    agents: set[str] = field(default_factory=set)
    calls: set[int] = field(default_factory=set)
    promises: set[int] = field(default_factory=set)
    tickets: set[int] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    """Agents who have read a bulletin."""
    alarms: bool = False
    users: set[str] = field(default_factory=set)
    """Users whose role, agent or teams have changed."""

    def __len__(self) -> int:
        return len(self.agents) + len(self.calls) + len(self.promises) + len(self.tickets) + len(self.readers)


class Changes:
    """Marks, until they are taken."""

    def __init__(self) -> None:
        self._changed = Changed(everything=True)
        self.on_offer: Callable[[], None] = lambda: None
        """Called at every offer: the agent's page is to know of the caller before the phone rings."""
        self.on_change: Callable[[], None] = lambda: None
        """Called at every entry that is played."""

    def take(self) -> Changed:
        """What changed since the last time."""
        changed, self._changed = self._changed, Changed()
        return changed

    def before(self, event: Any, calls: Calls) -> None:
        """An entry is about to be played: an offer that it ends is not known afterwards."""
        changed = self._changed
        if changed.everything:
            return
        if (offer := getattr(event, "offer", 0)) and (live := calls.of_offer(offer)) is not None:
            changed.calls.add(live.id)
            if live.leg is not None:
                changed.agents.add(live.leg.agent)

    def after(self, event: Any, commands: Iterable[Any], notes: Iterable[Any]) -> None:
        """An entry was played, with these commands and notes."""
        self.on_change()
        changed = self._changed
        if changed.everything:
            return
        for told in (event, *commands, *notes):
            self._mark(told)
            if isinstance(told, Offer):
                self.on_offer()
        if isinstance(event, rec.Event):
            changed.alarms = True
        elif isinstance(event, UserChanged):
            changed.users.add(event.user)
        elif isinstance(event, BulletinRead):
            changed.readers.add(event.agent)
        if len(changed) > MOST:
            self._changed = Changed(everything=True)

    def _mark(self, told: Any) -> None:
        changed = self._changed
        if call := getattr(told, "call", 0) or getattr(getattr(told, "decision", None), "call", 0):
            changed.calls.add(call)
        if promise := getattr(told, "promise", 0):
            changed.promises.add(promise if isinstance(promise, int) else promise.id)
        if ticket := getattr(told, "ticket", 0):
            changed.tickets.add(ticket)
        for name in _OF_AGENTS:
            if agent := getattr(told, name, ""):
                changed.agents.add(agent)
