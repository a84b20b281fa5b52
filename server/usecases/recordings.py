"""Acts on recordings: reading, listening, copying out. Each listening is in the audit before a byte leaves.

What is handed out was hashed before; a file that is not what was recorded is refused, and an alarm from then on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from recordings.access import Purpose, purpose_of
from recordings.events import RecordingFaultFound
from server.eventlog.access_events import ActAudited
from server.hotline.dispatcher import NotLeading
from server.storage.derivation.workshop import Busy
from server.storage.integrity import Integrity
from server.storage.queries.records import Queries
from server.storage.sound import NotAsRecorded, NotYet, Sound, SoundFiles
from server.storage.stores import Store
from server.usecases.audit import audited
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal, Role
from server.usecases.records import RecordActs
from server.usecases.server import Server

PATIENCE = 30.0
"""Seconds for which an answer waits until a copy is made."""
ONE_LISTENING = 900.0
"""Seconds within which the requests of one player are one listening."""
_MOST_LISTENINGS = 10_000
_T = TypeVar("_T")


class Drawn(Protocol):
    """What was drawn for a reviewer."""

    async def __call__(self, who: Principal, call: int) -> bool:
        """Whether this reviewer may hear the call; everything where nothing was ever drawn."""


async def _everything(who: Principal, call: int) -> bool:
    return True


class RecordingActs(RecordActs):
    """Reading recordings' data and sound: an agent's are those of the agent's own conversations.

    Acts raise Forbidden and NotFound; those about sound Conflict for what cannot be heard (now), and NotLeading.
    """

    kind, act = "recordings", Act.READ_RECORDINGS

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.drawn_for: Drawn = _everything
        self._heard: dict[tuple[str, int, str, str], float] = {}

    async def listen(self, who: Principal, number: int, purpose: str = "", opus: bool = False) -> Sound:
        """The recording's sound: the stereo WAV, or the Opus copy, which is made if there is none yet."""
        row, why = await self._may_hear(who, number, purpose)
        key, sha256 = row["path"], row["sha256"]
        files = self._server.sound
        sound: Sound
        if opus:
            sound = await self._found(number, row, files.opus(key, sha256, PATIENCE))
        else:
            sound = await self._found(number, row, asyncio.to_thread(files.original, key, sha256))
        try:
            await self._audit(who, number, why, "opus" if opus else "wav")
        except BaseException:
            sound.file.close()
            raise
        return sound

    async def shape(self, who: Principal, number: int, purpose: str = "") -> dict[str, Any]:
        """Peaks, levels, and the marks on the time line: talk-over, long silence, pauses."""
        row, why = await self._may_hear(who, number, purpose)
        shape = await self._found(number, row, self._server.sound.shape(row["path"], row["sha256"], PATIENCE))
        await self._audit(who, number, why, "peaks")
        shown = {name: shape[name] for name in ("seconds", "per_second", "peaks", "level", "silence")}
        marks = [*shape["marks"], *row["pauses"]]
        return shown | {"marks": sorted(marks, key=lambda mark: (mark["at"], mark["kind"]))}

    async def prepare(self, number: int) -> None:
        """Have the copies made of a recording that was sampled or attached; nothing happens when it is busy."""
        row = await self._server.records.one("recordings", number)
        if row is not None and row["path"]:
            with suppress(Busy):
                self._server.sound.prepare(row["path"], row["sha256"])

    async def prepare_of(self, calls: Sequence[int]) -> None:
        """Have the copies made of these calls' recordings, as many as there is time for."""
        for call in calls:
            page = await self._server.records.page("recordings", {"call": str(call)}, 100, None)
            for row in page["items"]:
                await self.prepare(row["id"])

    async def prepare_attached(self, call: int) -> None:
        """Have the copies made of a call's recordings, if the call has a ticket."""
        await self._server.records.caught_up()
        page = await self._server.records.page("recordings", {"call": str(call)}, 100, None)
        for row in page["items"]:
            if row["ticket"] is not None:
                await self.prepare(row["id"])

    async def check(self, who: Principal, number: int) -> dict[str, Any]:
        """Hash the file now; returns the recording's row. What is wrong with it is an alarm."""
        self.permissions.require(who, Act.VERIFY_RECORDINGS)
        row = _with_sound(await self._row(number))
        checking = asyncio.to_thread(self._server.sound.check, row["path"], row["sha256"])
        await self._found(number, row, checking)
        return row

    def integrity(self) -> Integrity:
        """What compares log, records, chains and files; for the server's own verification."""
        return self._server.records.integrity(self._server.sound.store)

    async def _may_hear(self, who: Principal, number: int, purpose: str) -> tuple[dict[str, Any], str]:
        """The row and the purpose, if this principal may hear the recording."""
        agents = self.permissions.agents(who, Act.PULL_RECORDING)
        row = await self._row(number)
        if agents is not None and row["agent"] not in agents:
            reach = reach_of(who, Act.PULL_RECORDING)
            raise Forbidden(f"recording {number} is not yours: {Act.PULL_RECORDING} reaches {reach} recordings")
        if who.role is Role.QA and not await self.drawn_for(who, row["call"] or 0):
            raise Forbidden(f"recording {number} was not drawn for {who.name}")
        try:
            found = purpose_of(who.role, purpose)
        except ValueError as error:
            if purpose in tuple(Purpose):
                raise Forbidden(str(error)) from None
            raise Invalid("purpose", str(error)) from None
        return _with_sound(row), found

    async def _row(self, number: int) -> dict[str, Any]:
        row = await self._server.records.one("recordings", number)
        if row is None:
            raise NotFound(f"there is no recording {number}")
        return row

    async def _found(self, number: int, row: dict[str, Any], finding: Any) -> Any:
        try:
            return await finding
        except NotAsRecorded as error:
            fault = RecordingFaultFound(number, error.kind, str(error), row["day"] or "")
            if not self._view.recording_alarms.knows(number, str(error)):
                with suppress(NotLeading):
                    await self._lead.record(fault)
            raise Conflict(f"recording {number} is not what was recorded: {error}") from None
        except (NotYet, Busy) as error:
            raise Conflict(str(error)) from None
        except OSError as error:
            raise Conflict(f"the store of the recordings cannot give it now: {error}") from None

    async def _audit(self, who: Principal, number: int, purpose: str, form: str) -> None:
        """An entry of the audit, once for all the requests of one player."""
        now, listening = self._clock(), (who.name, number, purpose, form)
        if now - self._heard.get(listening, float("-inf")) < ONE_LISTENING:
            return
        await self._record(who, Act.PULL_RECORDING, subject=f"recording {number} ({form})", reason=purpose)
        if len(self._heard) >= _MOST_LISTENINGS:
            self._heard = {key: at for key, at in self._heard.items() if now - at < ONE_LISTENING}
        self._heard[listening] = now


class RecordingPulls:
    """Copies of recordings, with or without a running server. `audit` keeps an entry of the audit durably."""

    def __init__(self, records: Queries, store: Store, audit: Callable[[ActAudited], None]) -> None:
        self._records, self._files, self._audit = records, SoundFiles(store), audit

    def pull(self, who: Principal, number: int, to: Path, reason: str = "", *, purpose: str = "") -> dict[str, Any]:
        """Copy a recording's stereo WAV (caller left, agent right) to the file `to`; returns its row. The audit has the
        purpose, the role's usual one unless named, and the reason.

        Raises Forbidden, NotFound, Conflict for a recording without a file or with another one than was recorded,
        Invalid for a file that cannot be written.
        """
        if reach_of(who, Act.PULL_RECORDING) is not Reach.ALL:
            raise Forbidden(f"{who.name} does not reach all recordings, and here no server says which: ask the server")
        try:
            wanted = purpose_of(who.role, purpose)
        except ValueError as error:
            raise Invalid("purpose", str(error)) from None
        found = self._records.recording_show(number)
        if found is None:
            raise NotFound(f"there is no recording {number}: see `sansheng recording list`")
        if not found["path"]:
            raise Conflict(without_sound(found))
        try:
            sound = self._files.original(found["path"], found["sha256"])
        except NotAsRecorded as error:
            raise Conflict(
                f"recording {number} is {'missing' if error.kind == 'removed' else error.kind}: {error}"
            ) from None
        except OSError as error:
            raise Conflict(f"the store of the recordings cannot give recording {number} now: {error}") from None
        half_done = to.with_name(f".{to.name}.part")
        try:
            with sound.file, half_done.open("wb") as target:
                for entry in audited(
                    who, Act.PULL_RECORDING, f"recording {number}", f"{wanted}: {reason}" if reason else wanted
                ):
                    self._audit(entry)
                for block in sound.read(0, sound.size):
                    target.write(block)
            os.replace(half_done, to)
        except OSError as error:
            with suppress(OSError):
                half_done.unlink()
            raise Invalid("file", f"{to} cannot be written: {error.strerror}") from None
        return found


def _with_sound(row: dict[str, Any]) -> dict[str, Any]:
    if not row["path"]:
        raise Conflict(without_sound(row))
    return row


def without_sound(row: dict[str, Any]) -> str:
    """Why a recording has no file."""
    if row["state"] == "deleted":
        return f"recording {row['id']} was deleted: {row['problem'] or 'its time was over'}"
    return f"recording {row['id']} is {row['state']}: {row['problem'] or 'it is not joined yet'}"
