"""Acts on the hand-over book 交接本. The incoming leader signs what the outgoing one did, and nothing else."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from server.eventlog.report_events import HandoverSigned
from server.storage.figures.handover import BookState, Side, SignatureRefused, signed
from server.storage.queries import handover
from server.usecases.errors import Conflict
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts


class HandoverActs(Acts):
    """Every act raises Forbidden, and QueryError for what is no shift."""

    async def books(self, who: Principal, team: str | None, limit: int, cursor: str | None = None) -> dict[str, Any]:
        """A page of the books that were signed, newest first."""
        self.permissions.require(who, Act.READ_REPORTS)
        return await self._server.records.asked(handover.books, team, limit, cursor)

    async def book(self, who: Principal, team: str, since: datetime, until: datetime) -> dict[str, Any]:
        """The book of a shift: as it was signed, or else as things are now."""
        self.permissions.require(who, Act.READ_REPORTS)
        return await self._book(team, since, until)

    async def sign(
        self, who: Principal, team: str, since: datetime, until: datetime, side: Side, note: str
    ) -> dict[str, Any]:
        """Sign the book of a shift; the book. Raises Conflict for a signature that does not fit, and NotLeading."""
        self.permissions.require(who, Act.SIGN_HANDOVER)
        await self.shown()
        book = await self._book(team, since, until)
        try:
            signed(BookState(book["state"]), side, who.name, book["outgoing"] or "")
        except SignatureRefused as refusal:
            raise Conflict(str(refusal)) from None
        content = handover.as_signed(book["content"]) if side is Side.OUTGOING else ""
        digest = hashlib.sha256(content.encode()).hexdigest() if content else book["digest"]
        ends = until.timestamp()
        event = HandoverSigned(team, since.timestamp(), ends, side.value, who.name, digest, content, note)
        subject = f"hand-over of {team or 'all'} at {until.astimezone(UTC):%Y-%m-%dT%H:%MZ} as {side.value}"
        await self._record(who, Act.SIGN_HANDOVER, event, subject=subject, reason=note)
        await self.shown()
        found = await self._book(team, since, until)
        if found[side.value] != who.name or (side is Side.OUTGOING and found["digest"] != digest):
            raise Conflict(f"{found[side.value]} signed at the same time: read the book again")
        return found

    async def _book(self, team: str, since: datetime, until: datetime) -> dict[str, Any]:
        zone = self._server.definitions.calendar.zone
        now = datetime.fromtimestamp(self._clock(), UTC)
        return await self._server.records.asked(
            handover.book, team, since.astimezone(UTC), until.astimezone(UTC), zone, now
        )
