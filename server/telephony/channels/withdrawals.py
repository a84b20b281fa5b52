"""An offer that the floor took back is recorded as that, with its reason, whatever became of the phone that rang."""

from __future__ import annotations

from collections.abc import Sequence

import acd.events as acd
from acd.commands import Command, Withdraw
from server.eventlog.log import Entry
from server.hotline.dispatcher import Dispatcher


class Withdrawals:
    """Follows the log: the end of each offer that is withdrawn. The floor knows it, and the records need it."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def follow(self, entry: Entry, commands: Sequence[Command]) -> None:
        """Record the end of the offers that were withdrawn on this entry."""
        for command in commands:
            if isinstance(command, Withdraw):
                self._dispatcher.submit(acd.OfferFailed(command.offer, command.outcome, command.why))
