"""Every answered call has its row: also one that no session saw, because its caller was gone or turned away before.

The dialplan tells of an answered call that ends before a server was asked for it. The spool's entries name their
channel, so a caller who was turned away and left a number has one row.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

import acd.events as acd
from server import bounds
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.telephony.ami.link import AmiEvent

EVENT = "SanshengBrief"
REMEMBERED = 1_000
"""Channels of which it is known which call they were."""
_CAUSES = {"full": "line_full", "silent": "hotline_hung_up"}
"""Why the hotline ended the call; any other call was ended by its caller."""

_log = structlog.get_logger("brief_calls")


class BriefCalls:
    """Writes the rows. In one second no more calls are written than are admitted: a flood must not fill the log."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        definitions: Callable[[], Definitions],
        node: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._definitions = dispatcher, view, definitions
        self._node, self._clock = node, clock
        self._calls: dict[str, int] = {}
        self._second = self._in_second = self._left_out = 0

    def call_of(self, unique_id: str) -> int | None:
        """The call that this channel was, if it has its row already."""
        return self._calls.get(unique_id)

    def remember(self, unique_id: str, call: int) -> None:
        """The channel has its row, under this number."""
        if unique_id:
            self._calls[unique_id] = call
            while len(self._calls) > REMEMBERED:
                del self._calls[next(iter(self._calls))]

    def user_event(self, event: AmiEvent) -> None:
        """The dialplan tells of an answered call that is over and that no server was asked for."""
        if event.get("UserEvent") != EVENT:
            return
        unique_id, now = event["Uniqueid"], self._clock()
        if unique_id in self._calls or self._view.calls.by_unique_id(unique_id) is not None or not self._may_write(now):
            return
        call, definitions = self._view.calls.next_call(), self._definitions()
        self.remember(unique_id, call)
        number, name = (_known(event.get(key, "")) for key in ("CallerIDNum", "CallerIDName"))
        caller = definitions.party(number, name, bounds.line(event.get("SaidBy", ""), 20))
        invited = _instant(event.get("Invited", ""), now)
        cause = _CAUSES.get(event.get("Why", ""), "caller_hung_up")
        called = bounds.line(event.get("Called", ""), 80)
        self._dispatcher.submit(
            acd.CallArrived(
                call,
                caller.shown,
                called,
                event["Channel"],
                unique_id,
                invited,
                self._node,
                invited,
                caller.name,
                caller.told_by,
            ),
            acd.CallEnded(call, cause, now),
        )

    def _may_write(self, now: float) -> bool:
        most = self._definitions().admission.max_calls_per_second
        if int(now) != self._second:
            if self._left_out:
                _log.warning("calls that ended at once are not in the log: there were too many", calls=self._left_out)
            self._second, self._in_second, self._left_out = int(now), 0, 0
        self._in_second += 1
        fits = not most or self._in_second <= most
        self._left_out += not fits
        return fits


def _known(text: str) -> str:
    """Asterisk writes `<unknown>` where there is nothing."""
    return "" if text == "<unknown>" else text


def _instant(text: str, now: float) -> float:
    try:
        return bounds.happened(text, now)
    except ValueError:
        return now
