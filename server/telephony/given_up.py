"""Callers who gave up after a long wait are called back by themselves, once, where a queue's rules say so.

The core says who gave up; here their number is checked as any other. One that may not be called, or was promised
enough calls today, is let go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from acd.callback_events import PromiseAsked
from acd.commands import CallBackAbandoned, Command
from server.definitions import Definitions
from server.dispatcher import Dispatcher
from server.log import Entry
from server.telephony.caller_promises import checked

_log = structlog.get_logger("given_up")


class GivenUp:
    """Promises a call to whoever the core says gave up. `definitions` gives those of now."""

    def __init__(
        self, dispatcher: Dispatcher, definitions: Callable[[], Definitions], clock: Callable[[], float] = time.time
    ) -> None:
        self._dispatcher, self._definitions, self._clock = dispatcher, definitions, clock
        dispatcher.listen(self._entry)

    def begin(self) -> None:
        """Answer what an earlier leader was told and left unanswered."""
        for gone in self._dispatcher.state.callbacks.given_up():
            self._promise(gone)

    def _entry(self, _: Entry, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, CallBackAbandoned):
                self._promise(command)

    def _promise(self, gone: CallBackAbandoned) -> None:
        state = self._dispatcher.state
        number, _, why = checked(state, self._definitions(), gone.number)
        why = why or state.callbacks.why_not(number, gone.category or gone.queue, self._clock())
        if why:
            _log.info("a caller who gave up is not called back", call=gone.call, why=why)
            return
        self._dispatcher.submit(
            PromiseAsked(
                number,
                gone.queue,
                gone.category,
                "abandoned",
                gone.call,
                caller=gone.number,
                language=gone.language,
                queued_at=gone.queued_at,
                priority=gone.priority,
                vip=gone.vip,
                reason="gave up after a long wait",
                ticket=state.desk.ticket_of(gone.call),
            )
        )
