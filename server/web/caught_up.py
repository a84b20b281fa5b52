"""An answer to a change shows the change: it waits, not for ever, until the records tell of it."""

from __future__ import annotations

from typing import Protocol

from server.eventlog.log import id_order
from server.hotline.dispatcher import Dispatcher
from server.hotline.state import HotlineState

LAG = 2.0
"""Seconds for which an answer waits."""


class Following(Protocol):
    """Records that follow the log."""

    async def caught_up(self) -> None: ...


class House(Protocol):
    """What this stands on."""

    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def records(self) -> Following: ...


async def shown(house: House) -> None:
    """Wait until the records show what has happened up to now, with the notes that follow from it."""
    upto = id_order(house.dispatcher.state.position)

    def written(state: HotlineState) -> bool:
        return not state.unwritten or id_order(state.unwritten[0].after) > upto

    await house.dispatcher.until(written, LAG)
    await house.records.caught_up()
