"""Recordings are deleted when their time is over, or when a person asks for it; a legal hold wins.

The file goes first, then the log has the tombstone: a crash between them is mended by the next run, and nobody can ever
hear what the log calls deleted.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from recordings.events import RecordingDeleted
from server.storage import privacy
from server.storage.personal_files import STAYS, empty_exports, remove_files
from server.storage.queries import retention
from server.storage.queries.retention import Deletable
from server.storage.recording_store import MARKS, OPUS, day_of, derived_key
from server.usecases.errors import Invalid
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts

RETENTION = "retention"


class RecordingDeletionActs(Acts):
    """Deletion by time, and on a person's request. Acts raise Forbidden, NotLeading."""

    async def expire(self) -> int:
        """Delete the recordings whose time is over; how many. Raises OSError while the store does not answer."""
        rules = self._server.definitions.recordings
        deleted = 0
        while True:
            now = datetime.fromtimestamp(self._clock(), UTC)
            engine = self._server.database.read
            proofs = self._view.lists.recordings_held(self._clock())
            due = await asyncio.to_thread(retention.expired, engine, now, rules.keep, rules.keep_others, proofs)
            for each in due:
                await self._delete(each, each.why, RETENTION)
            deleted += len(due)
            if not due:
                return deleted
            await self.shown()

    async def delete_person(self, who: Principal, number: str, reason: str, dry_run: bool = True) -> dict[str, Any]:
        """Delete all that is kept of the person with this number: `deleted` and `stays`, by what and why.

        With `dry_run` nothing is deleted, and the answer says what would be. Raises Invalid for what is no number.
        """
        self.permissions.require(who, Act.DELETE_PERSON)
        party = self._server.definitions.party(number)
        known = party.number
        if not known or not any(digit.isdigit() for digit in known):
            raise Invalid("number", f"{number[:40]} is no number: write one such as 13800138000")
        spellings = privacy.spellings(known, party.shown, self._server.definitions.callback.region)
        await self.shown()
        database = self._server.database
        found = await asyncio.to_thread(privacy.find, database.read, spellings)
        recordings = await asyncio.to_thread(retention.of_caller, database.read, list(found.calls))
        held = [each for each in recordings if each.held]
        gone = [each for each in recordings if not each.held]
        if not dry_run:
            subject = f"person {privacy.masked(known)}"
            await self._record(who, Act.DELETE_PERSON, subject=subject, reason=reason)
            for each in gone:
                await self._delete(each, f"the person asked for it: {reason}", who.name)
            await asyncio.to_thread(remove_files, self._server.home, found.calls, spellings, found.messages)
            for ticket in found.tickets:
                await self._server.drafts.remove(ticket)
            await self.shown()
            await asyncio.to_thread(privacy.redact, database.write, spellings, found)
            await asyncio.to_thread(empty_exports, self._server.home)
        stays = [{"what": what, "why": why} for what, why in (*found.stays, *STAYS.items())]
        if held:
            numbers = ", ".join(str(each.recording) for each in held)
            stays.insert(0, {"what": f"recordings {numbers}", "why": "a legal hold keeps them: release it first"})
        return {
            "number": privacy.masked(known),
            "done": not dry_run,
            "deleted": {
                "recordings": [each.recording for each in gone],
                "messages": len(found.messages),
                "rows": dict(found.rows),
            },
            "stays": stays,
        }

    async def _delete(self, each: Deletable, why: str, by: str) -> None:
        store = self._server.sound.store
        for key in (derived_key(each.key, OPUS), derived_key(each.key, MARKS), each.key):
            await asyncio.to_thread(store.delete, key)
        zone = self._server.definitions.calendar.zone
        await self._lead.record(RecordingDeleted(each.recording, why, by, day_of(self._clock(), zone)))
