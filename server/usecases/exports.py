"""Exports: a list or a report as a file, for whoever another person allows it, or whose role allows it outright.

The file holds what its asker reaches, with numbers masked as the role has it. It is made when it is first fetched, and
kept for a day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from acd.callbacks.states import PromiseState
from server import bounds
from server.eventlog.export_events import ExportApproved, ExportAsked, ExportRefused
from server.hotline.exports import KEPT, Export, Exports, ExportState
from server.storage.sheets import FORMATS, MOST_ROWS, Row, Sheet, write
from server.usecases.audit import audited
from server.usecases.callbacks import CallbackActs
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal, Role
from server.usecases.records import RecordActs
from server.usecases.server import Acts, Server

PAGE = 1000
_INSTANTS = ("since", "until")
_TERMS = {"within": (1, 3600), "days": (1, 31)}
"""T of the service level in seconds, and N of repeats in days: the least and the most."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be exported: its columns, its filters, and `rows(who, filters)`, which checks both and the role."""

    columns: Sequence[str]
    filters: Sequence[str]
    rows: Callable[[Principal, Mapping[str, str], int], AsyncIterator[Sequence[Row]]]
    """`rows(who, filters, page)` gives the rows page by page."""


class ExportActs(Acts):
    """Acts raise Forbidden, NotFound, Invalid, Conflict, QueryError, and NotLeading where they change something."""

    def __init__(
        self,
        server: Server,
        calls: RecordActs,
        tickets: RecordActs,
        recordings: RecordActs,
        callbacks: CallbackActs,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(server, clock)
        self._asking, self._making = asyncio.Lock(), asyncio.Lock()
        self.kinds: dict[str, Kind] = {
            "calls": Kind(
                columns(
                    "id offered_at caller called queue category agent ticket recordings answered_at queued_at "
                    "connected_at ended_at outcome satisfaction"
                ),
                ("since", "until", "outcome", "agent", "queue", "caller", "direction"),
                lambda who, filters, page: pages(lambda cursor: calls.page(who, filters, page, cursor)),
            ),
            "tickets": Kind(
                ("id", "opened_at", "call", "category", "grade", "state"),
                ("state", "category", "caller"),
                lambda who, filters, page: pages(lambda cursor: tickets.page(who, filters, page, cursor)),
            ),
            "recordings": Kind(
                ("id", "call", "agent", "ticket", "seconds", "channels", "sha256"),
                ("call", "agent"),
                lambda who, filters, page: pages(lambda cursor: recordings.page(who, filters, page, cursor)),
            ),
            "callbacks": Kind(
                columns(
                    "id number category queue state attempts promised_at queued_at due_at call reason source "
                    "connected_at"
                ),
                ("state", "number", "queue", "category", "task", "since", "until"),
                lambda who, filters, page: pages(
                    lambda cursor: callbacks.page(who, _of_promises(filters), page, cursor)
                ),
            ),
            "callback-report": Kind(
                columns(
                    "from to queue offered accepted promised connected kept broken expired cancelled open "
                    "attempts abandoned_by_us outcomes wait"
                ),
                ("day", "interval", "queue"),
                lambda who, filters, page: _report(callbacks, who, filters),
            ),
        }
        """Name of each kind → what it is. Others may be added: a table of named columns and rows."""

    async def ask(self, who: Principal, kind: str, form: str, filters: Mapping[str, str], reason: str) -> Export:
        """Ask for a list as a file. It is approved at once where the role may export outright."""
        self.permissions.require(who, Act.ASK_EXPORT)
        if kind not in self.kinds:
            raise Invalid("kind", f"there is no list {kind[:80]}: there are {', '.join(self.kinds)}")
        if form not in FORMATS:
            raise Invalid("format", f"there is no format {form[:80]}: there are {', '.join(FORMATS)}")
        filters = self._checked(kind, filters)
        async for _ in self.kinds[kind].rows(who, filters, 1):
            break  # the role, and whether the filters fit
        outright = reach_of(who, Act.EXPORT_OUTRIGHT) is not Reach.NONE
        async with self._asking:
            number = self._exports.last + 1
            asked = ExportAsked(
                number,
                kind,
                form,
                tuple(sorted(filters.items())),
                who.name,
                who.role.value,
                who.agent,
                tuple(sorted(who.scopes)),
                reason,
            )
            events: list[object] = [asked]
            if outright:
                events.append(ExportApproved(number, who.name, "the role may export outright"))
            subject = f"export {number}: {kind} {_words(filters)}".strip()
            await self._record(who, Act.ASK_EXPORT, *events, subject=subject, reason=reason)
        return self._known(number)

    def list(self, who: Principal) -> Sequence[Export]:
        """The exports of the last 30 days, newest first: one's own, or all for who may approve."""
        all_ = self._may(who, Act.APPROVE_EXPORT)
        if not all_:
            self.permissions.require(who, Act.ASK_EXPORT)
        found = [each for each in self._exports if all_ or each.asked.by == who.name]
        return sorted(found, key=lambda each: each.id, reverse=True)

    def show(self, who: Principal, number: int) -> Export:
        """One export."""
        found = [each for each in self.list(who) if each.id == number]
        if not found:
            raise NotFound(f"there is no export {number} of yours: see `sansheng export list`")
        return found[0]

    async def approve(self, who: Principal, number: int, reason: str = "") -> Export:
        """Allow another's export."""
        self.permissions.require(who, Act.APPROVE_EXPORT)
        known = self._waiting(number)
        if known.asked.by == who.name:
            raise Forbidden(f"export {number} is your own: another person approves it")
        await self._decide(who, ExportApproved(number, who.name, reason), "approved", reason)
        return self._known(number)

    async def refuse(self, who: Principal, number: int, reason: str) -> Export:
        """Refuse an export, another's or one's own."""
        self.permissions.require(who, Act.APPROVE_EXPORT)
        self._waiting(number)
        await self._decide(who, ExportRefused(number, who.name, reason), "refused", reason)
        return self._known(number)

    async def fetch(self, who: Principal, number: int) -> Path:
        """The file, for its asker or for who may export outright; the audit has it before a byte leaves."""
        self.permissions.require(who, Act.ASK_EXPORT)
        known = self.show(who, number)
        if known.asked.by != who.name and not self._may(who, Act.EXPORT_OUTRIGHT):
            raise Forbidden(f"export {number} is for {known.asked.by} alone")
        if (state := known.state(self._clock())) is not ExportState.APPROVED:
            raise Conflict(f"export {number} is {state}: {_ADVICE[state]}")
        await self._lead.record(*audited(who, Act.ASK_EXPORT, f"export {number}: fetched"))
        self.tidy()
        file = self._folder / f"{number}.{known.asked.format}"
        async with self._making:
            if not file.exists():
                await self._make(known, file)
        return file

    def state(self, export: Export) -> ExportState:
        """The state of the export now."""
        return export.state(self._clock())

    def tidy(self) -> None:
        """Delete files that are over."""
        with suppress(OSError):
            for file in self._folder.iterdir():
                if file.stat().st_mtime < self._clock() - KEPT:
                    file.unlink()

    async def keep_tidy(self) -> None:
        """Delete files that are over, every few minutes, until cancelled."""
        while True:
            await asyncio.to_thread(self.tidy)
            await asyncio.sleep(300)

    @property
    def _folder(self) -> Path:
        return self._server.home / "exports"

    @property
    def _exports(self) -> Exports:
        return self._view.exports

    async def _make(self, export: Export, file: Path) -> None:
        """Write the file in a thread, while its rows are fetched here."""
        asked = export.asked
        who = Principal(asked.by, Role(asked.role), "export", asked.agent, frozenset(asked.scopes))
        kind, zone = self.kinds[asked.kind], self._server.definitions.calendar.zone
        loop, pages_ = asyncio.get_running_loop(), kind.rows(who, dict(asked.filters), PAGE)

        async def following() -> Sequence[Row] | None:
            return await anext(pages_, None)

        def rows() -> Iterable[Row]:
            count = 0
            while (page := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
                for row in page:
                    count += 1
                    if count > MOST_ROWS:
                        raise Conflict(f"these are more than {MOST_ROWS} rows: ask for fewer, such as one month")
                    yield {name: _local(name, value, zone) for name, value in row.items()}

        def made() -> None:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            write(Sheet(asked.kind, kind.columns, rows()), asked.format, file)

        await asyncio.to_thread(made)

    def _checked(self, kind: str, filters: Mapping[str, str]) -> dict[str, str]:
        found = {name: value for name, value in filters.items() if value}
        for name, value in found.items():
            if name not in self.kinds[kind].filters:
                known = ", ".join(self.kinds[kind].filters)
                raise Invalid("filter", f"{kind} have no filter {name[:80]}: there are {known}")
            try:
                if name in _INSTANTS:
                    found[name] = bounds.instant(value, self._server.definitions.calendar.zone).isoformat()
                elif name in ("day", "first", "last"):
                    found[name] = bounds.day(value).isoformat()
                elif name in ("call", "interval", "list"):
                    found[name] = str(bounds.whole(value))
                elif name in _TERMS:
                    found[name] = str(_within(value, *_TERMS[name]))
                elif name == "task" and value not in ("true", "false"):
                    raise ValueError("write true or false")
                elif name == "state" and kind == "callbacks":
                    PromiseState(value)
            except ValueError as error:
                raise Invalid("filter", f"{name}: {error}") from None
        return found

    async def _decide(self, who: Principal, event: object, what: str, reason: str) -> None:
        number = getattr(event, "export", 0)
        subject = f"export {number} of {self._known(number).asked.by}: {what}"
        await self._record(who, Act.APPROVE_EXPORT, event, subject=subject, reason=reason)

    def _may(self, who: Principal, act: Act) -> bool:
        return reach_of(who, act) is not Reach.NONE

    def _known(self, number: int) -> Export:
        found = self._exports.get(number)
        if found is None:
            raise NotFound(f"there is no export {number}: see `sansheng export list`")
        return found

    def _waiting(self, number: int) -> Export:
        known = self._known(number)
        if (state := known.state(self._clock())) is not ExportState.WAITING:
            raise Conflict(f"export {number} is {state}: nothing is left to be decided")
        return known


_ADVICE = {
    ExportState.WAITING: "another person has to approve it first",
    ExportState.REFUSED: "it is not to be had",
    ExportState.EXPIRED: "ask for it again",
}


def _within(value: str, least: int, most: int) -> int:
    number = bounds.whole(value)
    if not least <= number <= most:
        raise ValueError(f"must be from {least} to {most}")
    return number


def columns(names: str) -> tuple[str, ...]:
    """Names of columns, with a space between."""
    return tuple(names.split())


async def pages(page: Callable[[str | None], Any]) -> AsyncIterator[Sequence[Row]]:
    """The rows of every page; `page` gives that of a cursor."""
    cursor: str | None = None
    while True:
        found = await page(cursor)
        yield found["items"]
        cursor = found["next"]
        if cursor is None:
            return


async def _report(acts: CallbackActs, who: Principal, filters: Mapping[str, str]) -> AsyncIterator[Sequence[Row]]:
    day = bounds.day(filters["day"]) if "day" in filters else None
    found = await acts.report(who, day, int(filters.get("interval", "1800")), filters.get("queue"))
    yield found["intervals"]


def _of_promises(filters: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = dict(filters)
    for name in _INSTANTS:
        if name in found:
            found[name] = datetime.fromisoformat(found[name])
    if "task" in found:
        found["task"] = found["task"] == "true"
    return found


def _local(name: str, value: Any, zone: ZoneInfo) -> Any:
    """Instants in the zone of the hotline, as people there read them."""
    if isinstance(value, str) and (name.endswith("_at") or name in ("from", "to")):
        with suppress(ValueError):
            return datetime.fromisoformat(value).astimezone(zone).isoformat(timespec="seconds")
    return value


def _words(filters: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(filters.items()))
