"""When Asterisk has closed a leg's two files they become one recording, and the log says so before the sources go.

A crash anywhere in between repeats the joining, with the same result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from server.dispatcher import Dispatcher, NotLeading
from server.telephony import media

_log = structlog.get_logger("joiner")
_RETRY = 5.0


class Joiner:
    """Joins one recording at a time, away from the loop. `problem` says why one cannot be joined at the moment.

    What cannot be joined yet goes to the end of the queue, so that it holds up nobody else's.

    `key(recording, at)` names a recording in the store.
    """

    def __init__(self, dispatcher: Dispatcher, store: media.Store, key: Callable[[int, float], str]) -> None:
        self.problem = ""
        self._dispatcher, self._store, self._key = dispatcher, store, key
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._waiting: set[int] = set()

    def final(self, recording: int) -> None:
        """Asterisk writes no more to this leg's files."""
        if recording not in self._waiting:
            self._waiting.add(recording)
            self._queue.put_nowait(recording)

    async def run(self) -> None:
        """Join whatever is final, until cancelled."""
        while True:
            recording = await self._queue.get()
            try:
                await self._join(recording)
            except NotLeading:
                self._waiting.discard(recording)
            except Exception as error:
                self.problem = f"recording {recording} cannot be joined ({error}): make room or mend the disk"
                _log.exception("a recording cannot be joined yet", recording=recording)
                asyncio.get_running_loop().call_later(_RETRY, self._queue.put_nowait, recording)
            else:
                self.problem = ""
                self._waiting.discard(recording)

    async def _join(self, recording: int) -> None:
        def known(state: object) -> bool:
            return recording in self._dispatcher.state.calls.open_recordings

        # The log may be behind what Asterisk has told: as long as nothing can be recorded, this waits.
        while not await self._dispatcher.until(known, _RETRY):
            if not self._dispatcher.problem:
                return
        started = self._dispatcher.state.calls.open_recordings[recording]
        sources = media.Sources(Path(started.caller_file), Path(started.agent_file))
        result = await asyncio.to_thread(media.join, sources, self._store, self._key(recording, started.at))
        await self._dispatcher.record(media.concluded(recording, result, started.talked))
        await asyncio.to_thread(media.set_aside if isinstance(result, media.Nothing) else media.discard, sources)
