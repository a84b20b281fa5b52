"""Numbers that the fallback took while no server was there are imported into the log, each exactly once.

The spool's file goes only after its entry is in the log, and an entry that is in the log is not taken again. A file
that is no entry is set aside and holds up no other.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
from watchfiles import awatch

import acd.events as acd
import ivr.events as flow_events
from acd.callbacks.events import PromiseAsked
from server import bounds
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.promising import asked_back
from server.hotline.standing import is_vip
from server.hotline.view import View
from server.telephony.caller.brief_calls import BriefCalls
from server.telephony.caller.promises import checked

T = TypeVar("T")
LARGEST = 65_536
"""Bytes of a file: an entry has some three hundred."""
NUMBER = 80
"""Characters of a number, however it is written, and of any other text of an entry."""
_log = structlog.get_logger("spool_import")


@dataclass(frozen=True, slots=True)
class Taken:
    """One entry of the spool. `call` is the server's number for the call, if a server had it before."""

    id: str
    caller: str
    number: str
    category: str
    called: str
    taken_at: float
    call: int | None = None
    language: str = ""
    full: bool = False
    """The line was full: a server was there, and admitted no more callers."""
    channel: str = ""
    """Asterisk's unique id of the caller's channel."""

    @property
    def source(self) -> str:
        """Where the number was taken."""
        return "line_full" if self.full else "fallback"


def read_entry(file: Path, now: float) -> Taken:
    """Raises ValueError with a sentence when the file is not an entry.

    A number is not lost for an instant that cannot be, as of a machine that started with a wrong clock: it counts as
    taken now. A call that cannot be is none.
    """
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise ValueError(f"it has {size} bytes")
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Taken(
            _text(data["id"]),
            _text(data.get("caller")),
            _text(data["number"]),
            _text(data.get("category")),
            _text(data.get("called")),
            _or(now, lambda: bounds.happened(data["taken_at"], now)),
            _or(None, lambda: bounds.whole(data.get("call")) or None),
            _text(data.get("language")),
            data.get("full") is True,
            _text(data.get("channel")),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} is not an entry of the spool: {error}") from None


def _text(value: object) -> str:
    return bounds.line(str(value or ""), NUMBER)


def _or(otherwise: T, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError:
        return otherwise


class SpoolImport:
    """Watches the spool. `definitions` gives those of now; `changes` a value whenever something in the spool may have
    changed."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        spool: Path,
        node: str,
        definitions: Callable[[], Definitions],
        brief: BriefCalls,
        changes: Callable[[Path], AsyncIterator[Any]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._spool, self._node = dispatcher, view, spool, node
        self._definitions, self._brief, self._clock = definitions, brief, clock
        self._changes = changes or (lambda path: awatch(path, recursive=False))

    async def run(self) -> None:
        """Import the files that are there, then each that is added, until cancelled."""
        self._spool.mkdir(parents=True, exist_ok=True)
        watching = self._changes(self._spool)
        await self.swept()
        async for _ in watching:
            await self.swept()

    async def swept(self) -> None:
        """Import what is there; a file that cannot be imported now stays in the spool for the next sweep."""
        try:
            await self.sweep()
        except (OSError, NotLeading):
            _log.exception("numbers in the spool could not be taken in: they stay there", spool=str(self._spool))

    async def sweep(self) -> int:
        """Take in every entry there is, the oldest first; how many were new. A bad one is set aside, named `.bad`."""
        entries: list[tuple[Taken, Path]] = []
        for file in self._spool.glob("*.json"):
            try:
                entries.append((read_entry(file, self._clock()), file))
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as error:
                self._set_aside(file, error)
        new = 0
        for taken, file in sorted(entries, key=lambda entry: (entry[0].taken_at, entry[0].id)):
            if not self._view.calls.was_taken(taken.id):
                try:
                    await self._take(taken)
                except (OSError, NotLeading):
                    raise
                except Exception as error:
                    self._set_aside(file, error)
                    continue
                new += 1
            await asyncio.to_thread(file.unlink, missing_ok=True)
        return new

    def _set_aside(self, file: Path, error: Exception) -> None:
        _log.error("a callback entry cannot be taken in: it is set aside", file=file.name, error=str(error))
        file.rename(file.with_suffix(".bad"))

    async def _take(self, taken: Taken) -> None:
        calls = self._view.calls
        of_call = taken.call or self._brief.call_of(taken.channel)
        known = of_call is not None and calls.was_given(of_call)
        call = of_call if of_call is not None and known else calls.next_call()
        self._brief.remember(taken.channel, call)
        caller = self._definitions().party(taken.caller).shown
        number = self._number(call, taken)
        about = [
            flow_events.FieldSet(call, name, value)
            for name, value in (("business", "complaint"), ("category", taken.category))
            if taken.category
        ]
        if known:
            # A server had this call before: it is the same call.
            await self._dispatcher.record(*about, number)
        else:
            await self._dispatcher.record(
                acd.CallArrived(call, caller, taken.called, "", f"spool-{taken.id}", taken.taken_at, self._node),
                *about,
                number,
                acd.CallEnded(call, "line_full" if taken.full else "hotline_hung_up", taken.taken_at),
            )
        when = "while the line was full" if taken.full else "while no server was there"
        _log.info(f"a number taken {when} is in the log", number=taken.number[-4:], call=call)

    def _number(self, call: int, taken: Taken) -> PromiseAsked:
        """The number that was keyed in, else the one that the caller rang from; nobody checked them until now."""
        definitions = self._definitions()
        found = [checked(self._view, definitions, number) for number in (taken.number, taken.caller)]
        fits = next((each.number for each in found if each.number), "")
        if not fits:
            _log.error("a number from the fallback cannot be called back", call=call, why=found[0].sentence)
        return asked_back(
            fits or taken.number,
            taken.source,
            call=call,
            live=self._view.calls.get(call),
            category=taken.category,
            language=taken.language,
            caller=definitions.party(taken.caller).shown,
            called=taken.called,
            priority=definitions.numbers.of(taken.called).priority,
            vip=is_vip(self._view.customers, definitions, taken.caller),
            taken_at=taken.taken_at,
            spool_id=taken.id,
            unconfirmed="" if fits else found[0].sentence,
        )
