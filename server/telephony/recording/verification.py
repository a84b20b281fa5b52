"""Law: every night the server that leads compares every recording with log, records, chain and file, and tells the log.

The comparing is done by a thread of its own at the lowest priority: calls do not notice.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog

from recordings.events import RecordingFaultFound, RecordingsVerified
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.view import View
from server.storage.integrity import Finding, Integrity
from server.storage.recording_store import StoreAway
from server.warned import warned

_log = structlog.get_logger("verification")
LOWEST = 19
MOST = 200
"""Findings that become alarms in one night; more are only counted."""
_RETRY = 600.0
T = TypeVar("T")


class Verification:
    """`at` is a time of day such as 03:30, or `never`; `integrity` makes what compares. `problem`: why it failed.

    `before` deletes what is over before.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        integrity: Callable[[], Integrity],
        at: str,
        zone: Callable[[], ZoneInfo],
        before: Callable[[], Awaitable[object]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.problem = ""
        self._dispatcher, self._view, self._integrity = dispatcher, view, integrity
        self._at, self._zone, self._before, self._clock = at, zone, before, clock

    async def run(self) -> None:
        """Verify at that time of each day, until cancelled."""
        while self._at != "never":
            now = self._clock()
            await asyncio.sleep(next_at(self._at, now, self._zone()) - now)
            done = await self.verify()
            while not done:
                await asyncio.sleep(_RETRY)
                done = await self.verify()

    async def verify(self) -> bool:
        """Verify all days now; False when it could not be done to the end."""
        integrity = self._integrity()
        try:
            if self._before is not None:
                await self._before()
            found = await in_idle_thread(lambda: list(integrity.findings()))
        except StoreAway as error:
            sentence = f"not all recordings could be verified ({error}): it is tried again"
            self.problem = warned("verification", sentence, error=str(error))
            return False
        except Exception as error:
            sentence = f"not all recordings could be verified ({error}): it is tried again, see log/server.log"
            self.problem = warned("verification", sentence, error=str(error))
            _log.exception("the recordings could not be verified")
            return False
        self.problem = ""
        count = sum(each.recordings for each in integrity.days)
        newest = integrity.days[-1] if integrity.days else None
        end = RecordingsVerified(count, len(found), newest.day if newest else "", newest.last if newest else "")
        with suppress(NotLeading):
            await self._dispatcher.record(*self._faults(found), end)
        _log.info("the recordings were verified", recordings=count, problems=len(found))
        return True

    def _faults(self, found: list[Finding]) -> list[RecordingFaultFound]:
        """What no alarm tells of yet."""
        new = []
        for each in found[:MOST]:
            number = each.recording or 0
            if not self._view.recording_alarms.knows(number, each.sentence):
                new.append(RecordingFaultFound(number, each.kind.value, each.sentence, each.day))
        return new


def next_at(time_of_day: str, now: float, zone: ZoneInfo) -> float:
    """The next instant at which it is 03:30 or so in the zone, in UTC epoch seconds; later than `now`."""
    hour, minute = map(int, time_of_day.split(":"))
    here = datetime.fromtimestamp(now, zone)
    then = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if then.timestamp() <= now:
        then = (then + timedelta(days=1)).replace(hour=hour, minute=minute)
    return then.timestamp()


async def in_idle_thread(work: Callable[[], T]) -> T:
    """The work's result, done by a thread that the kernel runs when nothing else wants the core."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def give(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, LOWEST)  # of a thread, on Linux
        try:
            result, error = work(), None
        except BaseException as caught:
            result, error = None, caught
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(give, result, error)

    threading.Thread(target=run, name="verification", daemon=True).start()
    return await done
