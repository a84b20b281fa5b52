"""Streams of live rows. Law: a tick draws what changed once, encodes it once for each audience, waits for no client.

A tick follows the log's next entry, 50 ms after the last tick at the soonest or at once for an offer, and ticks take a
twentieth of the loop at most, averaged over a second. A long one is done in slices: what carries calls goes on between
them. `id` is the log's position: a client that comes again with it is
told what changed since, as far as that is remembered, else everything. A client that does not take what it is told is
cut off. Who may see other things than before is told everything anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import structlog

from server.eventlog.log import START
from server.hotline.view import View
from server.tasks import BackgroundTasks, end
from server.usecases.errors import ActRefused, Conflict
from server.usecases.live import LiveActs
from server.usecases.principal import Principal
from server.web.instants import instant
from server.web.live.audiences import Audience, listener
from server.web.live.board import Board, Change
from server.web.live.drawing import Drawing
from server.web.live.figures import ALL, DayFigures
from server.web.live.memory import Memory
from server.web.live.own_rows import OwnRows
from server.web.live.personal import Personal
from server.web.live.pop import Pops
from server.web.live.queue_turns import QueueTurns
from server.web.live.telling import NOTHING_CHANGED, Event, Stream, Told, server_event

TICK, SHARE, AHEAD = 0.05, 20, 0.05
"""Seconds between two ticks at least, the part of the loop that they take at most, and the seconds of the processor by
which they may exceed it for a while: a tick that draws all queues takes longer than the others."""
SOONEST = 0.005
"""Seconds between two ticks when a call is offered: the pop is there before the phone rings."""
SLICE, TURNS = 0.001, 3
"""Seconds after which a tick lets the loop do what is due, and for how many of its turns: an answer of Redis is read,
what waits for it goes on, and writes again. It does not sleep: on a busy machine it would wait for its turn each time.
"""
PATIENCE = 0.05
"""Seconds that a tick waits in all, at most, for events that are on their way into the log: they go first."""
SLOWEST = 2.0
"""Seconds between two ticks at most, while there is anything to tell …"""
IDLE = 0.25
"""… and between two looks at what is not told by the log."""
COMMENT = 15.0
"""Seconds after which a stream that was told nothing gets a comment."""
FIGURES_EVERY = 1.0
"""Seconds between two tellings of the figures of the day at least …"""
QUEUES_DRAWN = 0.25
"""… and of the queues, the modes and the places in them."""
MOST_OF_ONE = 64
"""Streams of one principal."""
_log = structlog.get_logger("live")


class Streams:
    """All streams of one server. `warnings` gives what the hotline warns of."""

    def __init__(
        self,
        acts: LiveActs,
        warnings: Callable[[], Iterable[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._acts, self._warnings, self._clock = acts, warnings, clock
        self._view: View | None = None
        self._figures: DayFigures
        self._board: Board
        self._streams: set[Stream] = set()
        self._audiences: defaultdict[Audience, set[Stream]] = defaultdict(set)
        self._own, self._queue_turns = OwnRows(), QueueTurns(TICK)
        self._memory = Memory()
        self._ticker: asyncio.Task[None] | None = None
        self._hurry, self._moved = asyncio.Event(), asyncio.Event()
        self._work = BackgroundTasks(_log, "live rows could not be drawn")
        self._reading = False
        self._standing_by = ""
        """Why this server does not lead, as the clients have been told."""
        self._seen, self._figures_seen = "", ""
        self._figures_at = self._slot_at = self._drawn_at = self._looked_at = float("-inf")
        self._owed = False
        """Whether queues have to be drawn of which entries were told already."""
        self._figures_due = False
        self._under_way: Iterator[None] = iter(())
        """What is left of the tick that goes on."""
        self._taken = 0.0
        """Seconds of the processor that it has taken."""

    def _begin(self) -> None:
        """Nothing is drawn before somebody looks."""
        acts, clock, view = self._acts, self._clock, self._acts.view
        self._view = view
        self._figures = DayFigures(lambda: acts.records, lambda: acts.zone, self._within, clock)
        drawing = Drawing(view, lambda: acts.definitions, self._figures)
        self._board = Board(view, lambda: acts.definitions, drawing, self._warnings, clock)
        pops = Pops(view, lambda: acts.definitions, drawing, lambda: acts.records, acts.settled, self._work.start)
        pops.on_fresh = lambda: self._moved.set()
        self._own.drawn_by(Personal(view, drawing, pops, clock), pops)
        self._memory, self._seen, self._figures_seen = Memory(), "", ""

    # Clients

    def open(self, who: Principal, only: tuple[str, ...] = (), after: str | None = None) -> Stream:
        """A client comes; `after` is the position that it knows. Raises Forbidden, and Conflict for one too many."""
        heard = listener(who, self._acts.permissions, only)
        if sum(each.who.name == who.name for each in self._streams) >= MOST_OF_ONE:
            raise Conflict(f"{who.name} has {MOST_OF_ONE} streams already: one for each browser is enough")
        self._finish()
        if self._view is not self._acts.view:
            self._begin()
        self._under_way = self._tick()
        self._finish()
        stream = Stream(who, heard, only)
        self._join(stream)
        if after is not None and self._memory.reaches(after, self._seen):
            stream.tell(self._catch_up(stream, after))
        else:
            stream.tell(self._snapshot(stream))
        self._standing_by = self._acts.standing_by
        if self._standing_by:
            stream.tell(server_event(self._standing_by))
        if self._ticker is None or self._ticker.done() or self._ticker.get_loop() is not asyncio.get_running_loop():
            self._hurry, self._moved = asyncio.Event(), asyncio.Event()
            self._ticker = asyncio.get_running_loop().create_task(self._run())
        return stream

    def leave(self, stream: Stream) -> None:
        """The client is gone."""
        stream.close()
        self._part(stream)

    async def stop(self) -> None:
        """End all streams."""
        for stream in list(self._streams):
            stream.close()
        if self._ticker is not None:
            await end(self._ticker)
        await self._work.stop()

    def __len__(self) -> int:
        return len(self._streams)

    def _join(self, stream: Stream) -> None:
        self._streams.add(stream)
        heard = stream.heard
        self._audiences[heard.audience].add(stream)
        if heard.audience.own and "queues" in heard.audience.kinds:
            self._queue_turns.join(stream)
        self._own.join(stream)

    def _part(self, stream: Stream) -> None:
        self._streams.discard(stream)
        members = self._audiences[stream.heard.audience]
        members.discard(stream)
        if not members:
            del self._audiences[stream.heard.audience]
        self._queue_turns.part(stream)
        self._own.part(stream)

    # Telling

    async def _run(self) -> None:
        ahead, looked_at = 0.0, time.monotonic()
        while self._streams:
            self._hurry.clear()
            self._moved.clear()
            try:
                await self._in_slices()
            except Exception:
                _log.exception("a tick of live rows failed")
            now, taken = time.monotonic(), self._taken
            ahead, self._taken = max(0.0, ahead - (now - looked_at) / SHARE) + taken, 0.0
            looked_at = now
            await asyncio.sleep(SOONEST)
            if await _set_within(self._hurry, min(SLOWEST, TICK + max(0.0, ahead - AHEAD) * SHARE) - SOONEST):
                continue
            idle = self._acts.view.position == self._seen and not self._queue_turns.more and not self._own.due
            if idle and await _set_within(self._moved, IDLE):
                await asyncio.sleep(SOONEST)  # one thing that happens is several entries

    async def _in_slices(self) -> None:
        """A tick, and what is beside it."""
        patience = await self._give_way(PATIENCE)
        self._under_way = self._tick()
        began, of_processor = time.monotonic(), time.thread_time()
        for _ in self._under_way:
            if time.monotonic() - began < SLICE:
                continue
            # Of the processor: on a busy machine a tick takes long and costs no more.
            self._taken += time.thread_time() - of_processor
            for _ in range(TURNS):
                await asyncio.sleep(0)
            patience = await self._give_way(patience)
            began, of_processor = time.monotonic(), time.thread_time()
        self._look_after(time.monotonic())
        self._taken += time.thread_time() - of_processor

    async def _give_way(self, patience: float) -> float:
        """Let events that are on their way into the log go first; what is left of the patience, in seconds."""
        began = time.monotonic()
        if patience > 0:
            await self._acts.at_rest(patience)
        return patience - (time.monotonic() - began)

    def _finish(self) -> None:
        """Do what is left of the tick under way, at once."""
        for _ in self._under_way:
            pass

    def _tick(self) -> Iterator[None]:
        """Tell everybody what has changed, in steps that are short."""
        position, now = self._acts.view.position, time.monotonic()
        if position == START and self._seen not in ("", START):
            return  # between two states: what there was stands
        moved = position != self._seen
        figures = self._figures_due or (moved and now - self._figures_at >= FIGURES_EVERY)
        owed = self._owed and now - self._drawn_at >= QUEUES_DRAWN
        if not moved and not figures and not owed and not self._own.due:
            yield from self._tell_queues(now, position)
            return
        if figures:
            self._figures_at, self._figures_due = now, False
        queues = now - self._drawn_at >= QUEUES_DRAWN or not self._seen
        if queues:
            self._drawn_at, self._owed = now, False
        else:
            self._owed = True
        marks = self._acts.view.changes
        marks.on_offer, marks.on_change = lambda: self._hurry.set(), lambda: self._moved.set()
        changes: list[Change] = []
        for change in self._board.changes(all_queues=queues, figures=figures or not self._seen):
            if change is not None:
                changes.append(change)
            yield
        if self._seen:
            self._memory.remember(position, changes)
        else:
            self._memory = Memory(position)
        self._seen = position
        at = instant(self._clock())
        for stream, told in self._own.told(changes, self._board):  # first: a pop is to be there before the phone rings
            if told:
                stream.tell(told.event("rows", position, at))
            yield
        for audience in [each for each in self._audiences if not each.own]:
            told = Told()
            for change in changes:
                self._put(told, audience, change)
                yield
            if told:
                event = told.event("rows", position, at)
                for stream in list(self._audiences.get(audience, ())):
                    yield
                    stream.tell(event)
        if any(change.kind == "queues" for change in changes):
            self._queue_turns.changed()
        yield from self._tell_queues(now, position)

    @staticmethod
    def _put(told: Told, audience: Audience, change: Change) -> None:
        if change.kept is not None and audience.sees(change.kind, change.kept.viewers):
            told.put(change.kind, audience.of(change.kept))
        elif audience.sees(change.kind, change.viewers):
            told.take_away(change.kind, change.key)

    def _tell_queues(self, now: float, position: str) -> Iterator[None]:
        event: Event | None = None
        for stream in self._queue_turns.take(now):
            if event is None:
                told = Told(rows={"queues": [kept.whole for kept in self._board.rows("queues").values()]})
                event = told.event("rows", position, instant(self._clock()))
            stream.tell(event)
            yield

    # Coming in, and coming again

    def _snapshot(self, stream: Stream) -> Event:
        return self._whole(stream).event("snapshot", self._seen, instant(self._clock()))

    def _whole(self, stream: Stream) -> Told:
        told, audience = Told(), stream.heard.audience
        for kind in audience.kinds - {"tickets"}:
            told.rows[kind] = [
                audience.of(kept) for kept in self._board.rows(kind).values() if audience.sees(kind, kept.viewers)
            ]
        self._own.put(stream, told)
        return told

    def _catch_up(self, stream: Stream, after: str) -> Event:
        """What has changed since: whole rows, as they are now."""
        audience, told = stream.heard.audience, Told()
        for (kind, key), viewers in self._memory.changed(after).items():
            if not audience.sees(kind, viewers):
                continue
            kept = self._board.rows(kind).get(key)
            if kept is not None and audience.sees(kind, kept.viewers):
                told.put(kind, audience.of(kept))
            else:
                told.take_away(kind, key)
        for kind in audience.kinds & ({"figures", "alarms"} | ({"queues"} if audience.own else set())):
            told.rows[kind] = [audience.of(kept) for kept in self._board.rows(kind).values()]
        self._own.put(stream, told)
        return told.event("rows", self._seen, instant(self._clock()))

    # Beside the ticks

    def _look_after(self, now: float) -> None:
        if now - self._looked_at >= 1.0:
            self._looked_at = now
            self._tell_who_leads()
            for stream in list(self._streams):
                if stream.closed:
                    self._part(stream)
                elif now - stream.told_at >= COMMENT:
                    stream.tell(NOTHING_CHANGED)
        if self._board.access or self._board.users:
            self._judge_all()
        quarter = self._clock() // 900
        if not self._reading and (self._figures_seen != self._seen or quarter != self._slot_at):
            self._figures_seen, self._slot_at, self._reading = self._seen, quarter, True
            self._work.start(self._read_figures())

    def _tell_who_leads(self) -> None:
        before, self._standing_by = self._standing_by, self._acts.standing_by
        if before != self._standing_by:
            event = server_event(self._standing_by)
            for stream in self._streams:
                stream.tell(event)

    def _judge_all(self) -> None:
        """Who may see other things now is told everything anew. A user who was changed comes again as another."""
        users, self._board.users, self._board.access = self._board.users, set(), False
        for stream in list(self._streams):
            if stream.who.sign_in and stream.who.name in users:
                stream.close()
                continue
            try:
                heard = listener(stream.who, self._acts.permissions, stream.only)
            except ActRefused:
                stream.close()
                continue
            if heard != stream.heard:
                self._part(stream)
                stream.heard = heard
                self._join(stream)
                stream.tell(self._snapshot(stream))

    async def _read_figures(self) -> None:
        try:
            self._figures_due |= await self._figures.refresh()
            self._moved.set()
            await asyncio.sleep(FIGURES_EVERY)
        finally:
            self._reading = False

    def _within(self, queue: str) -> int:
        return self._acts.definitions.thresholds.of("" if queue == ALL else queue).within


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until it is set; whether it was within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
