"""Numbers that the fallback took while no server was there: taken into the log, each exactly once.

The spool's file goes only after its entry is in the log, and an entry that is in the log is not taken again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from watchfiles import awatch

import acd.events as acd
import ivr.events as flow_events
from server.definitions import Definitions
from server.dispatcher import Dispatcher, NotLeading
from server.telephony.caller_promises import checked

_log = structlog.get_logger("intake")


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


def read_entry(file: Path) -> Taken:
    """Raises ValueError with a sentence when the file is not an entry."""
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Taken(
            str(data["id"]),
            str(data.get("caller", "")),
            str(data["number"]),
            str(data.get("category") or ""),
            str(data.get("called", "")),
            float(data["taken_at"]),
            int(data["call"]) if data.get("call") else None,
            str(data.get("language") or ""),
        )
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not an entry of the spool: {error}") from None


class Intake:
    """Watches the spool. `definitions` gives those of now; `changes` a value whenever something in the spool may have
    changed."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        spool: Path,
        node: str,
        definitions: Callable[[], Definitions],
        changes: Callable[[Path], AsyncIterator[Any]] | None = None,
    ) -> None:
        self._dispatcher, self._spool, self._node = dispatcher, spool, node
        self._definitions = definitions
        self._changes = changes or (lambda path: awatch(path, recursive=False))

    async def run(self) -> None:
        """Take in what is there, then whatever comes, until cancelled."""
        self._spool.mkdir(parents=True, exist_ok=True)
        watching = self._changes(self._spool)
        await self.swept()
        async for _ in watching:
            await self.swept()

    async def swept(self) -> None:
        """What cannot be taken in now stays in the spool for the next sweep."""
        try:
            await self.sweep()
        except (OSError, NotLeading):
            _log.exception("numbers in the spool could not be taken in: they stay there", spool=str(self._spool))

    async def sweep(self) -> int:
        """Take in every entry there is, the oldest first; how many were new. A bad one is set aside, named `.bad`."""
        entries: list[tuple[Taken, Path]] = []
        for file in self._spool.glob("*.json"):
            try:
                entries.append((read_entry(file), file))
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as error:
                _log.error("a callback entry cannot be read: it is set aside", error=str(error))
                file.rename(file.with_suffix(".bad"))
        new = 0
        for taken, file in sorted(entries, key=lambda entry: (entry[0].taken_at, entry[0].id)):
            if not self._dispatcher.state.calls.was_taken(taken.id):
                await self._take(taken)
                new += 1
            await asyncio.to_thread(file.unlink, missing_ok=True)
        return new

    async def _take(self, taken: Taken) -> None:
        calls = self._dispatcher.state.calls
        known = taken.call is not None and calls.was_given(taken.call)
        call = taken.call if taken.call is not None and known else calls.next_call()
        number = self._number(call, taken)
        about = [
            flow_events.FieldSet(call, name, value)
            for name, value in (("business", "complaint"), ("category", taken.category))
            if taken.category
        ]
        if known:
            # The caller was in the house when the server went away: it is the same call.
            await self._dispatcher.record(*about, number)
        else:
            await self._dispatcher.record(
                acd.CallArrived(call, taken.caller, taken.called, "", f"spool-{taken.id}", taken.taken_at, self._node),
                *about,
                number,
                acd.CallEnded(call, "hotline_hung_up", taken.taken_at),
            )
        _log.info("a number taken while no server was there is in the log", number=taken.number[-4:], call=call)

    def _number(self, call: int, taken: Taken) -> flow_events.NumberTaken:
        """The number that was keyed in, else the one that the caller rang from; nobody checked them until now."""
        state, definitions = self._dispatcher.state, self._definitions()
        found = [checked(state, definitions, number) for number in (taken.number, taken.caller)]
        fits = next((each.number for each in found if each.number), "")
        if not fits:
            _log.error("a number from the fallback cannot be called back", call=call, why=found[0].sentence)
        return flow_events.NumberTaken(
            call,
            fits or taken.number,
            taken.category,
            "fallback",
            taken.taken_at,
            taken.id,
            queue="complaint" if taken.category else "inquiry",
            language=taken.language,
            vip=definitions.is_vip(taken.caller),
            refused="" if fits else found[0].sentence,
        )
