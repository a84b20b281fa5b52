"""Law: the archived log is trimmed every night by the retention that is set, in a process of its own: no call notices.

Only the server that leads begins it. A night's work is bounded; what is left is trimmed in the next one.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import msgspec
import structlog

from server.config import Settings
from server.storage.trim_worker import Answer, Job
from server.warned import warned

LONGEST = 2 * 3600.0
"""Seconds that a night's trimming may take."""
PAUSE = 0.2
"""Seconds that it rests after each transaction."""
_RETRY = 600.0
_log = structlog.get_logger("retention")


class Trimming:
    """`leads` says whether this server leads, `zone` is the hotline's. `problem` is why it failed."""

    def __init__(
        self,
        settings: Settings,
        zone: Callable[[], ZoneInfo],
        leads: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.time,
        longest: float = LONGEST,
        pause: float = PAUSE,
    ) -> None:
        self.problem = ""
        self._settings, self._zone, self._leads, self._clock = settings, zone, leads, clock
        self._longest, self._pause = longest, pause

    async def run(self) -> None:
        """Trim at that time of each day, until cancelled; nothing to do where the archive is kept for ever."""
        while self._settings.archive_days and self._settings.archive_trimmed_at != "never":
            now = self._clock()
            await asyncio.sleep(next_at(self._settings.archive_trimmed_at, now, self._zone()) - now)
            await self._tonight()

    async def _tonight(self) -> None:
        """Trim if this server leads, again and again until it is done."""
        while self._leads():
            if await self.trim() is not None:
                return
            await asyncio.sleep(_RETRY)

    async def trim(self) -> Answer | None:
        """Trim now; None when it could not be done."""
        zone = self._zone()
        first = datetime.fromtimestamp(self._clock(), zone).date() - timedelta(days=self._settings.archive_days)
        until = datetime.combine(first, time_of_day(), zone).timestamp()
        job = Job(self._settings.records_url, until, zone.key, self._longest, self._pause)
        try:
            answer = await _asked(job)
        except (OSError, ValueError) as error:
            sentence = f"the archived log could not be trimmed ({error}): it is tried again"
            self.problem = warned("trimming", sentence, error=str(error))
            _log.warning("the archived log could not be trimmed", error=str(error))
            return None
        self.problem = ""
        _log.info("the archived log was trimmed", before=f"{first}", entries=answer.entries, whole=answer.whole)
        return answer


def next_at(time_of_day: str, now: float, zone: ZoneInfo) -> float:
    """The next instant at which it is 04:30 or so in the zone, in UTC epoch seconds; later than `now`."""
    hour, minute = map(int, time_of_day.split(":"))
    then = datetime.fromtimestamp(now, zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    if then.timestamp() <= now:
        then = (then + timedelta(days=1)).replace(hour=hour, minute=minute)
    return then.timestamp()


async def _asked(job: Job) -> Answer:
    """What the worker answers. Raises OSError, and ValueError with its last words when it failed."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "server.storage.trim_worker")
    worker = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(msgspec.json.encode(job) + b"\n")
        await worker.stdin.drain()
        line = await worker.stdout.readline()
        if not line:
            assert worker.stderr is not None
            said = (await worker.stderr.read()).decode("utf-8", "replace").strip().splitlines()
            raise ValueError(said[-1][:300] if said else "its process died")
        return msgspec.json.decode(line, type=Answer)
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
