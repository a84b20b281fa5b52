"""Callers who hang up before they are served. One who waited long is called back, where the queue's rules say so. One
who asked for a callback, and hears the own number read back, has been promised it. One who was asked for another number
leaves the keys pressed so far, as a task for an agent.

The log says which callers hung up; their numbers are checked as any other. A number that may not be called, or was
promised enough calls today, is passed over. A number that its caller did not confirm is never dialled by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from acd.callbacks.commands import CallBackAbandoned
from acd.callbacks.events import PromiseAsked
from acd.commands import Command
from acd.events import CallEnded
from ivr.session import number_begun, number_offered
from server.eventlog.log import Entry
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.live_call import LiveCall
from server.hotline.promising import asked_back
from server.hotline.standing import is_vip, why_not_called
from server.hotline.view import View
from server.telephony.caller.promises import checked
from server.telephony.channels.legs import KEYED

_log = structlog.get_logger("abandoned")

YES = "1"
"""The key that takes the number which is read back."""


class AbandonedCallers:
    """Promises a callback to callers who hung up in the queue. `definitions` gives those of now."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        definitions: Callable[[], Definitions],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._definitions, self._clock = dispatcher, view, definitions, clock

    def begin(self) -> None:
        """Answer what an earlier leader was told and left unanswered."""
        for gone in self._view.callbacks.given_up():
            self._promise(gone)
        for live in self._view.calls.begun():
            self._leave(live)

    def follow(self, entry: Entry, commands: Sequence[Command]) -> None:
        """Promise a call when an entry says that a caller gave up."""
        if isinstance(entry.event, CallEnded):
            for live in self._view.calls.begun():
                if live.id == entry.event.call:
                    self._leave(live)
        for command in commands:
            if isinstance(command, CallBackAbandoned):
                self._promise(command)

    def _promise(self, gone: CallBackAbandoned) -> None:
        number, _, why = checked(self._view, self._definitions(), gone.number)
        why = why or self._view.callbacks.why_not(number, gone.category or gone.queue, self._clock())
        why = why or why_not_called(self._view.customers, self._definitions(), number, self._clock())
        if why:
            _log.info("a caller who gave up is not called back", call=gone.call, why=why)
            return
        self._dispatcher.submit(
            asked_back(
                number,
                "abandoned",
                call=gone.call,
                queue=gone.queue,
                category=gone.category,
                caller=gone.number,
                called=self._view.calls.called_by(gone.call),
                language=gone.language,
                queued_at=gone.queued_at,
                priority=gone.priority,
                vip=gone.vip,
                reason="gave up after a long wait",
                ticket=self._view.tickets.ticket_of(gone.call),
            )
        )

    def _leave(self, live: LiveCall) -> None:
        """Promise a callback to the own number that was read back. Else leave the number keyed to an agent, if it may
        be called; else the caller's own; else the keys as they are; nothing of a caller who withheld the number and
        keyed none.
        """
        definitions = self._definitions()
        offered = number_offered(live.flow_state)
        if offered and live.fields.get(KEYED, YES) == YES:
            self._dispatcher.submit(self._accepted(live, offered))
            return
        keyed = number_begun(live.flow_state) or live.fields.get(KEYED, "")
        found = (checked(self._view, definitions, number).number for number in (keyed, live.caller))
        number = next((number for number in found if number), keyed)
        if number:
            why = "hung up before they confirmed the number"
            vip = is_vip(self._view.customers, definitions, live.caller)
            asked = asked_back(number, "hung_up", call=live.id, live=live, vip=vip, called=live.called, unconfirmed=why)
            self._dispatcher.submit(asked)

    def _accepted(self, live: LiveCall, number: str) -> PromiseAsked:
        """The caller had asked for the callback: only the last key is missing."""
        definitions = self._definitions()
        more: dict[str, Any] = (
            {} if live.asked is not None else {"priority": definitions.numbers.of(live.called).priority}
        )
        return asked_back(
            number,
            "flow" if live.asked is None else "queue",
            call=live.id,
            live=live,
            vip=is_vip(self._view.customers, definitions, live.caller),
            called=live.called,
            reason="hung up while their own number was read back",
            **more,
        )
