"""All rows as they stand, and which of them are new since the last look: what the log marked is drawn again.

A row is encoded once for all who see it alike: whole, with its number hidden, and as its own agent sees it. Rows that
hang together (the places in a queue, the queues, the modes) are drawn when `all_queues` asks for it; what is equal is
not told. Then the rows are those that a new board would draw.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from server.hotline.changes import Changed, Changes
from server.hotline.definitions import Definitions
from server.hotline.view import View
from server.web.live.drawing import Drawing, Place, hidden, placed
from server.web.live.events import KEYS
from server.web.live.figures import ALL
from server.web.live.rows import AgentRow, CallbackRow, CallRow, Row
from server.web.live.ticket_rows import Standing, standing, ticket_row

Key = Hashable
_encode = msgspec.json.Encoder().encode
NOBODY: frozenset[str] = frozenset()
SHARED = ("agents", "calls", "queues", "modes", "figures", "callbacks", "bulletins", "alarms")
"""The kinds whose rows are the same for everybody who sees them whole, and stand in a snapshot."""


class Kept:
    """One row, encoded when it is first told so: whole, with its number masked, and as its own agents see it."""

    __slots__ = ("_masked", "_own", "_whole", "row", "viewers")

    def __init__(self, row: Row, viewers: frozenset[str]) -> None:
        self.row, self.viewers = row, viewers
        """`viewers`: the agents whose row it is."""
        self._whole = self._masked = self._own = b""

    @property
    def whole(self) -> bytes:
        """With everything."""
        self._whole = self._whole or _encode(self.row)
        return self._whole

    @property
    def masked(self) -> bytes:
        """For who may not see the caller's number."""
        if not self._masked:
            shown = _without_number(self.row)
            self._masked = self.whole if shown is self.row else _encode(shown)
        return self._masked

    @property
    def own(self) -> bytes:
        """For the agents whose row it is: a call without the supervisors who take part, a promise as lists show it."""
        if not self._own:
            row = self.row
            if isinstance(row, CallbackRow):
                self._own = self.masked
            elif isinstance(row, CallRow) and row.monitors:
                self._own = _encode(replace(row, monitors=()))
            else:
                self._own = self.whole
        return self._own


def _without_number(row: Row) -> Row:
    if isinstance(row, CallRow):
        number, name = hidden(row.number, row.name)
        return replace(row, number=number, name=name, masked=True) if row.number or name != row.name else row
    if isinstance(row, CallbackRow):
        return replace(row, number=hidden(row.number, "")[0], masked=True)
    return row


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is new or has changed; `kept` is None for one that is gone. `viewers` are those of before, too."""

    kind: str
    key: Key
    kept: Kept | None
    viewers: frozenset[str]


class Board:
    """The rows. `warnings` gives what the hotline warns of."""

    def __init__(
        self,
        view: View,
        definitions: Callable[[], Definitions],
        drawing: Drawing,
        warnings: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._view, self._definitions, self._drawing = view, definitions, drawing
        self._warnings, self._clock = warnings, clock
        self._rows: dict[str, dict[Any, Kept]] = {kind: {} for kind in (*SHARED, "tickets")}
        self._open: dict[int, Standing] | None = None
        """Every open ticket; None before the first look."""
        self._places: dict[int, Place] = {}
        self._marks: Changes | None = None
        self._drawn_with: tuple[object, int] = (None, 0)
        """Definitions, and changes of customers, that the rows were drawn with."""
        self._board_changes = -1
        self.readers: set[str] = set()
        """Agents whose own row or bulletins may have changed since they were last taken."""
        self.everybody = False
        """Whether those of all agents may have."""
        self.access = False
        """Whether teams have changed: who may see which number."""
        self.users: set[str] = set()
        """Users who were changed."""

    def rows(self, kind: str) -> Mapping[Key, Kept]:
        """The rows of one kind as of the last refresh."""
        return self._rows[kind]

    def refresh(self, *, all_queues: bool = True, figures: bool = False) -> list[Change]:
        """Draw again what has changed, all at once."""
        return [change for change in self.changes(all_queues=all_queues, figures=figures) if change is not None]

    def changes(self, *, all_queues: bool = True, figures: bool = False) -> Iterator[Change | None]:
        """Draw again what has changed, row by row; None for a row that is as it was. What is marked meanwhile is drawn
        the next time, too.

        `all_queues`: the queues, the modes, and the place of each waiting call, too; `figures`: those of the day, and
        the warnings.
        """
        for change in self._drawn(all_queues=all_queues, figures=figures):
            if change is not None and change.kind in ("agents", "calls"):
                self.readers |= change.viewers
            yield change

    def _drawn(self, *, all_queues: bool, figures: bool) -> Iterator[Change | None]:
        marks, view = self._view.changes, self._view
        changed = marks.take()
        of = (self._definitions(), view.customers.changes)
        if marks is not self._marks or of[0] is not self._drawn_with[0]:
            changed.everything = True
        calls = changed.everything or of[1] != self._drawn_with[1]
        self._marks, self._drawn_with = marks, of
        self.access |= changed.everything
        self.users |= changed.users
        changed.agents |= self._drawing.figures.take_agents()
        self.readers |= changed.agents | changed.readers
        yield from self._calls(changed, all_of_them=calls, all_places=all_queues)
        yield from self._agents(changed, all_of_them=changed.everything)
        if all_queues or changed.everything:
            yield from self._some("queues", self._drawing.queues())
            yield from self._some("modes", self._drawing.modes())
        yield from self._promises(changed)
        yield from self._tickets(changed)
        if changed.everything or changed.alarms or figures:
            yield from self._some("alarms", self._drawing.alarms(self._warnings()))
        board_changes = view.board.changes
        if changed.everything or figures or board_changes != self._board_changes:
            yield from self._some("bulletins", self._drawing.bulletins("", self._clock()))
            only_read = board_changes - self._board_changes == len(changed.readers)
            self.everybody |= changed.everything or not only_read
            self._board_changes = board_changes
        if changed.everything or figures:
            yield from self._some("figures", self._figures())

    # Kinds

    def _agents(self, changed: Changed, *, all_of_them: bool) -> Iterator[Change | None]:
        rows = self._rows["agents"]
        numbers = {*self._drawing.agents(), *rows} if all_of_them else changed.agents
        for number in numbers:
            row = self._drawing.agent(str(number))
            known = rows.get(number)
            if row is not None and known is not None and isinstance(known.row, AgentRow):
                self.access |= known.row.teams != row.teams
            if row is not None or known is not None:
                yield from self._put("agents", number, row, frozenset({str(number)}))

    def _calls(self, changed: Changed, *, all_of_them: bool, all_places: bool) -> Iterator[Change | None]:
        rows, view = self._rows["calls"], self._view
        numbers = set(changed.calls)
        if all_of_them:
            numbers |= {*rows, *(live.id for live in view.calls)}
        elif changed.tickets:
            numbers |= {live.id for live in view.calls if live.ticket in changed.tickets}
        for number in numbers:
            place = self._drawing.place(number)
            if place is None:
                self._places.pop(number, None)
            else:
                self._places[number] = place
            row = self._drawing.call(number, place)
            if row is not None or number in rows:
                mine = frozenset({row.agent, row.asked} - {""}) if row is not None else NOBODY
                yield from self._put("calls", number, row, mine)
        if all_places:
            yield from self._moved()

    def _moved(self) -> Iterator[Change | None]:
        """Calls that nothing happened to, and whose place in the queue is another one."""
        rows, before = self._rows["calls"], self._places
        self._places = self._drawing.places()
        for number, place in self._places.items():
            if before.get(number) != place and (known := rows.get(number)) is not None:
                assert isinstance(known.row, CallRow)
                yield from self._put("calls", number, placed(known.row, place), known.viewers)
        for number in before.keys() - self._places.keys():
            if (row := self._drawing.call(number, None)) is not None:
                yield from self._put("calls", number, row, frozenset({row.agent, row.asked} - {""}))

    def _promises(self, changed: Changed) -> Iterator[Change | None]:
        rows = self._rows["callbacks"]
        numbers = {*self._drawing.promises(), *rows} if changed.everything else changed.promises
        for number in numbers:
            row = self._drawing.callback(int(str(number)))
            if row is not None or number in rows:
                yield from self._put("callbacks", number, row, frozenset({row.owner} - {""}) if row else NOBODY)

    def _tickets(self, changed: Changed) -> Iterator[Change | None]:
        """Open tickets are too many for a snapshot: those that change after the first look are told."""
        register, rows = self._view.tickets, self._rows["tickets"]
        if self._open is None:
            self._open = {case.ticket: standing(case) for case in register}
            return
        known, numbers = self._open, set(changed.tickets)
        if changed.everything:
            now = {case.ticket: standing(case) for case in register}
            numbers |= {number for number in {*known, *now} if known.get(number) != now.get(number)}
        for number in numbers:
            before = known.get(number)
            viewers = before[1] if before is not None else NOBODY
            if number not in register:
                rows.pop(number, None)
                if known.pop(number, None) is not None:
                    yield Change("tickets", number, None, viewers)
            elif before != (after := standing(case := register.case(number))):
                known[number] = after
                rows[number] = kept = Kept(ticket_row(case), after[1])
                yield Change("tickets", number, kept, viewers | after[1])

    def _figures(self) -> Iterator[Row]:
        drawing = self._drawing
        yield drawing.figures.row(ALL, drawing.oldest(ALL), drawing.staff())
        for name in self._view.floor.state.queues:
            if name != ALL:
                yield drawing.figures.row(name, drawing.oldest(name), None)

    def _some(self, kind: str, rows: Iterable[Row]) -> Iterator[Change | None]:
        """These are all rows of this kind."""
        name = KEYS.get(kind, "id")
        found = {}
        for row in rows:
            found[getattr(row, name)] = row
            yield None
        for key in [key for key in self._rows[kind] if key not in found]:
            yield from self._put(kind, key, None, NOBODY)
        for key, row in found.items():
            yield from self._put(kind, key, row, NOBODY)

    def _put(self, kind: str, key: Key, row: Row | None, viewers: frozenset[str]) -> Iterator[Change | None]:
        rows = self._rows[kind]
        known = rows.get(key)
        if row is None:
            if known is not None:
                del rows[key]
                yield Change(kind, key, None, known.viewers)
            return
        if known is not None and known.row == row:
            yield None
            return
        rows[key] = kept = Kept(row, viewers)
        yield Change(kind, key, kept, viewers | known.viewers if known is not None else viewers)
