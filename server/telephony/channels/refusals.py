"""Attempts of strangers that were refused, counted by the interface at which they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from server.telephony.agi.server import AgiFactory
from server.telephony.ami.link import Ami, AmiEvent

_log = structlog.get_logger("refusals")


class Refusals:
    """Counts from the time at which this server began to lead."""

    def __init__(self, ami: Ami, agi: AgiFactory, passwords: Callable[[], int] = lambda: 0) -> None:
        self._ami, self._agi, self._passwords = ami, agi, passwords
        self._numbers = self._names = 0

    def counts(self) -> Mapping[str, int]:
        """`number`: calls refused for control characters in a number; `name`: callers whose name was mended;
        `agi`: connections that were not Asterisk's; `ami`: events that were not framed or not believed; `password`:
        wrong passwords of agents' phones."""
        return {
            "number": self._numbers,
            "name": self._names,
            "agi": self._agi.refused,
            "ami": self._ami.refused,
            "password": self._passwords(),
        }

    def user_event(self, event: AmiEvent) -> None:
        """The dialplan tells of a call that it refused, or of a name that it mended."""
        if event.get("UserEvent") != "SanshengOdd":
            return
        if event.get("What") == "name":
            self._names += 1
        else:
            self._numbers += 1
            _log.warning("a call was refused: a number held control characters", channel=event["Channel"])
