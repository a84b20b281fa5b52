"""When Asterisk has closed a leg's two files they become one recording, and the log says so before the sources go.

A crash anywhere in between repeats the joining, with the same result.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from recordings.events import RecordingDropped
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.view import View
from server.telephony.recording import media
from server.warned import warned

_log = structlog.get_logger("joiner")
_RETRY = 5.0


class Joiner:
    """Joins one recording at a time, away from the loop. `problem` says why one cannot be joined at the moment.

    What cannot be joined yet goes to the end of the queue, so that it holds up nobody else's.

    `key(recording, at)` names a recording in the store, `day(at)` tells the hotline's day of an instant. From `allowed`
    seconds after its conversation on one that is neither joined nor missing is overdue.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        store: media.Store,
        key: Callable[[int, float], str],
        day: Callable[[float], str],
        allowed: float = 60.0,
    ) -> None:
        self.problem = ""
        self._dispatcher, self._view = dispatcher, view
        self._store, self._key, self._day, self._allowed = store, key, day, allowed
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._waiting: set[int] = set()

    def final(self, recording: int) -> None:
        """Asterisk writes no more to this leg's files."""
        if recording not in self._waiting:
            self._waiting.add(recording)
            self._queue.put_nowait(recording)

    def overdue(self) -> int:
        """How many recordings are overdue."""
        return len(self._view.recordings.overdue(time.time(), self._allowed))

    def alarm(self) -> str:
        """A sentence about the recordings that are overdue, for as long as they are; empty when there are none."""
        late = self._view.recordings.overdue(time.time(), self._allowed)
        if not late:
            return ""
        first = late[0]
        more = f", and {len(late) - 1} more" if len(late) > 1 else ""
        return warned(
            "recordings_late",
            f"recording {first.recording} of call {first.call} is neither joined nor missing {self._allowed:g} s after "
            f"its conversation{more}: the files are {first.caller_file} and {first.agent_file}; see log/server.log",
            recording=first.recording,
            call=first.call,
            seconds=round(self._allowed),
            count=len(late),
        )

    async def run(self) -> None:
        """Join each recording that is final, until cancelled; files that crashed writers left in the store go first."""
        try:
            if left := await asyncio.to_thread(self._store.sweep):
                _log.info("half-written recordings were removed: they are joined again", files=left)
        except OSError as error:
            _log.warning("the store cannot be swept", error=str(error))
        while True:
            recording = await self._queue.get()
            try:
                await self._join(recording)
            except NotLeading:
                self._waiting.discard(recording)
            except Exception as error:
                sentence = f"recording {recording} cannot be joined ({error}): make room or mend the disk"
                self.problem = warned("joining", sentence, recording=recording, error=str(error))
                _log.exception("a recording cannot be joined yet", recording=recording)
                asyncio.get_running_loop().call_later(_RETRY, self._queue.put_nowait, recording)
            else:
                self.problem = ""
                self._waiting.discard(recording)

    async def _join(self, recording: int) -> None:
        def over(state: object) -> bool:
            found = self._view.recordings.get(recording)
            return found is not None and found.ended_at is not None

        # The log may be behind what Asterisk has told: as long as nothing can be recorded, this waits.
        while not await self._dispatcher.until(over, _RETRY) and self._dispatcher.problem:
            pass
        started = self._view.recordings.get(recording)
        if started is None:
            return
        sources = media.Sources(Path(started.caller_file), Path(started.agent_file))
        if why := self._view.recording_pauses.left_out(recording):
            await asyncio.to_thread(media.discard, sources)
            await self._dispatcher.record(RecordingDropped(recording, why))
            return
        key = self._key(recording, started.started_at)
        result = await asyncio.to_thread(media.join, sources, self._store, key, started.lasted, started.talked)
        closed = media.concluded(recording, result, started.talked, day=self._day(time.time()), started=started)
        await self._dispatcher.record(closed)
        await asyncio.to_thread(media.set_aside if isinstance(result, media.Nothing) else media.discard, sources)
