"""Streams of live rows. Law: a tick draws what changed once, encodes it once for each audience, and waits for nobody.

A tick comes every 50 ms at most, or at once for an offer, and takes a twentieth of the loop at most. `id` is the log's
position: a client that comes again with it is told what changed since, as far as that is remembered, else everything. A
client that does not take what it is told is cut off. Who may see other things than before is told everything anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import structlog

from server.eventlog.log import START, id_order
from server.hotline.view import View
from server.tasks import BackgroundTasks, end
from server.usecases.errors import ActRefused, Conflict
from server.usecases.live import LiveActs
from server.usecases.principal import Principal
from server.web.instants import instant
from server.web.live.audiences import Audience, Listener, listener
from server.web.live.board import Board, Change, Key
from server.web.live.drawing import Drawing
from server.web.live.figures import ALL, DayFigures
from server.web.live.personal import Personal
from server.web.live.pop import Pops

TICK, SHARE = 0.05, 20
"""Seconds between two ticks at least, and the part of the loop that they take at most."""
SOONEST = 0.005
"""Seconds between two ticks when a call is offered: the pop is there before the phone rings."""
SLOWEST = 2.0
"""Seconds between two ticks at most."""
COMMENT = 15.0
"""Seconds after which a stream that was told nothing gets a comment."""
QUEUES_EVERY = 2.0
"""Seconds between two tellings of the queues to agents."""
FIGURES_EVERY = 1.0
"""Seconds between two tellings of the figures of the day at least …"""
QUEUES_DRAWN = 0.25
"""… and of the queues, the modes and the places in them."""
REMEMBERED = 50_000
"""Keys of changes that a client that comes again can catch up with."""
MOST_OF_ONE = 64
"""Streams of one principal."""
MOST_WAITING, MOST_BYTES = 256, 4_000_000
"""Events, and bytes, that may wait for one client."""
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger("live")

_K = TypeVar("_K")


class Stream:
    """One client, who is told what `heard` says, of these kinds alone if any are given."""

    def __init__(self, who: Principal, heard: Listener, only: tuple[str, ...]) -> None:
        self.who, self.heard, self.only = who, heard, only
        self.told_at = time.monotonic()
        self.cut_off = False
        """Whether it was closed because the client did not take what it was told."""
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._closed = False
        self._wake = asyncio.Event()

    def tell(self, event: bytes) -> None:
        """Let the client have this. Never waits."""
        if self._closed:
            return
        self._events.append(event)
        self._bytes += len(event)
        self.told_at = time.monotonic()
        if len(self._events) > MOST_WAITING or self._bytes > MOST_BYTES:
            self.cut_off = True
            self._events.clear()
            self.close()
        self._wake.set()

    def close(self) -> None:
        """What was told is still sent, nothing more."""
        self._closed = True
        self._wake.set()

    @property
    def closed(self) -> bool:
        """Whether it ends."""
        return self._closed

    async def next(self) -> bytes | None:
        """What is to be sent next; None when the stream is over."""
        while not self._events:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        told = b"".join(self._events)
        self._events.clear()
        self._bytes = 0
        return told


@dataclass(slots=True)
class Told:
    """Rows and keys, to become one event."""

    rows: dict[str, list[bytes]] = field(default_factory=dict)
    gone: dict[str, list[Key]] = field(default_factory=dict)

    def put(self, kind: str, row: bytes) -> None:
        """A row that is new or has changed."""
        self.rows.setdefault(kind, []).append(row)

    def take_away(self, kind: str, key: Key) -> None:
        """A row is gone."""
        self.gone.setdefault(kind, []).append(key)

    def __bool__(self) -> bool:
        return bool(self.rows or self.gone)

    def event(self, name: str, position: str, at: str) -> bytes:
        """As server-sent events are written."""
        rows = b",".join(b'"%s":[%s]' % (kind.encode(), b",".join(each)) for kind, each in self.rows.items())
        gone = b',"gone":' + _encode(self.gone) if self.gone else b""
        data = b'{"at":"%s","rows":{%s}%s}' % (at.encode(), rows, gone)
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (position.encode(), name.encode(), data)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The keys that one tick told of, and the position that it told."""

    position: str
    keys: tuple[tuple[str, Key, frozenset[str]], ...]


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
        self._pops: Pops
        self._personal: Personal
        self._streams: set[Stream] = set()
        self._audiences: defaultdict[Audience, set[Stream]] = defaultdict(set)
        self._of_agent: defaultdict[str, set[Stream]] = defaultdict(set)
        """Streams that an agent's own rows go to, by work number; of audiences of one agent, those of that agent."""
        self._own_rows: dict[str, dict[tuple[str, Key], bytes]] = {}
        self._remembered: deque[Remembered] = deque()
        self._remembered_keys = 0
        self._since = START
        """The changes after this position are remembered."""
        self._ticker: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._work = BackgroundTasks(_log, "live rows could not be drawn")
        self._reading = False
        self._seen, self._figures_seen = "", ""
        self._figures_at = self._queues_at = self._slot_at = self._drawn_at = self._looked_at = float("-inf")
        self._owed = False
        """Whether queues have to be drawn of which entries were told already."""
        self._figures_due = self._queues_changed = False

    def _begin(self) -> None:
        """Nothing is drawn before somebody looks."""
        acts, clock, view = self._acts, self._clock, self._acts.view
        self._view = view
        self._figures = DayFigures(lambda: acts.records, lambda: acts.zone, self._within, clock)
        drawing = Drawing(view, lambda: acts.definitions, self._figures)
        self._board = Board(view, lambda: acts.definitions, drawing, self._warnings, clock)
        self._pops = Pops(view, lambda: acts.definitions, drawing, lambda: acts.records, acts.settled, self._work.start)
        self._personal = Personal(view, drawing, self._pops, clock)
        self._remembered.clear()
        self._remembered_keys, self._seen, self._figures_seen = 0, "", ""

    # Clients

    def open(self, who: Principal, only: tuple[str, ...] = (), after: str | None = None) -> Stream:
        """A client comes; `after` is the position that it knows. Raises Forbidden, and Conflict for one too many."""
        heard = listener(who, self._acts.permissions, only)
        if sum(each.who.name == who.name for each in self._streams) >= MOST_OF_ONE:
            raise Conflict(f"{who.name} has {MOST_OF_ONE} streams already: one for each browser is enough")
        if self._view is not self._acts.view:
            self._begin()
        self._tick()
        stream = Stream(who, heard, only)
        self._join(stream)
        if after is not None and self._knows(after):
            stream.tell(self._catch_up(stream, after))
        else:
            stream.tell(self._snapshot(stream))
        if self._ticker is None or self._ticker.done() or self._ticker.get_loop() is not asyncio.get_running_loop():
            self._hurry = asyncio.Event()
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
        if heard.person:
            self._of_agent[heard.person].add(stream)
            if heard.person not in self._own_rows:
                self._own_rows[heard.person] = self._own(heard.person)

    def _part(self, stream: Stream) -> None:
        self._streams.discard(stream)
        heard = stream.heard
        _leave(self._audiences, heard.audience, stream)
        _leave(self._of_agent, heard.person, stream)
        if heard.person and heard.person not in self._of_agent:
            self._own_rows.pop(heard.person, None)
            self._pops.forget(heard.person)

    # Telling

    async def _run(self) -> None:
        while self._streams:
            began = time.thread_time()  # of the processor: on a busy machine a tick takes long and costs no more
            try:
                self._tick()
                self._look_after(time.monotonic())
            except Exception:
                _log.exception("a tick of live rows failed")
            spent = time.thread_time() - began
            self._hurry.clear()
            await asyncio.sleep(SOONEST)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(SLOWEST, max(TICK, spent * SHARE) - SOONEST)):
                    await self._hurry.wait()

    def _tick(self) -> None:
        """Tell everybody what has changed."""
        position, now = self._acts.view.position, time.monotonic()
        if position == START and self._seen not in ("", START):
            return  # between two states: what there was stands
        moved = position != self._seen
        figures = self._figures_due or (moved and now - self._figures_at >= FIGURES_EVERY)
        owed = self._owed and now - self._drawn_at >= QUEUES_DRAWN
        if not moved and not figures and not owed and not self._pops.fresh:
            self._tell_queues(now, position)
            return
        if figures:
            self._figures_at, self._figures_due = now, False
        queues = now - self._drawn_at >= QUEUES_DRAWN or not self._seen
        if queues:
            self._drawn_at, self._owed = now, False
        else:
            self._owed = True
        self._acts.view.changes.on_offer = lambda: self._hurry.set()
        changes = self._board.refresh(all_queues=queues, figures=figures or not self._seen)
        if self._seen:
            self._remember(position, changes)
        else:
            self._since = position
        self._seen = position
        at = instant(self._clock())
        for audience in list(self._audiences):
            if not audience.own:
                self._tell(self._audiences[audience], self._for(audience, changes), position, at)
        self._tell_own(changes, position, at)
        self._queues_changed |= any(change.kind == "queues" for change in changes)
        self._tell_queues(now, position)

    @staticmethod
    def _tell(streams: Iterable[Stream], told: Told, position: str, at: str) -> None:
        if told:
            event = told.event("rows", position, at)
            for stream in streams:
                stream.tell(event)

    @staticmethod
    def _for(audience: Audience, changes: Iterable[Change]) -> Told:
        told = Told()
        for change in changes:
            if change.kept is not None and audience.sees(change.kind, change.kept.viewers):
                told.put(change.kind, audience.of(change.kept))
            elif audience.sees(change.kind, change.viewers):
                told.take_away(change.kind, change.key)
        return told

    def _tell_own(self, changes: list[Change], position: str, at: str) -> None:
        """Agents are told of their own calls and tickets, and of themselves."""
        theirs: dict[str, list[Change]] = {}
        for change in changes:
            if change.kind in ("calls", "tickets"):
                for agent in change.viewers:
                    if agent in self._of_agent:
                        theirs.setdefault(agent, []).append(change)
        board, here = self._board, set(self._of_agent)
        whom = here if board.everybody else (board.readers | self._pops.fresh) & here
        board.readers, board.everybody = set(), False
        self._pops.fresh.clear()
        for agent in {*theirs, *whom}:
            own = self._own_changes(agent) if agent in whom else []
            for stream in self._of_agent[agent]:
                told, audience = Told(), stream.heard.audience
                if audience.own == agent:
                    for change in theirs.get(agent, ()):
                        if change.kind not in audience.kinds:
                            continue
                        if change.kept is not None and agent in change.kept.viewers:
                            told.put(change.kind, change.kept.own)
                        else:
                            told.take_away(change.kind, change.key)
                for (kind, key), row in own:
                    if kind not in stream.heard.personal:
                        continue
                    if row is None:
                        told.take_away(kind, key)
                    else:
                        told.put(kind, row)
                self._tell((stream,), told, position, at)

    def _own(self, agent: str) -> dict[tuple[str, Key], bytes]:
        rows: dict[tuple[str, Key], bytes] = {("me", "me"): _encode(self._personal.me(agent))}
        for each in self._personal.bulletins(agent):
            rows["bulletins", each.id] = _encode(each)
        return rows

    def _own_changes(self, agent: str) -> list[tuple[tuple[str, Key], bytes | None]]:
        before, after = self._own_rows.get(agent, {}), self._own(agent)
        self._own_rows[agent] = after
        changed: list[tuple[tuple[str, Key], bytes | None]] = [
            (key, row) for key, row in after.items() if before.get(key) != row
        ]
        return changed + [(key, None) for key in before if key not in after]

    def _tell_queues(self, now: float, position: str) -> None:
        """Queues change with every call: agents, who are many, are told of them more seldom, all at once."""
        if not self._queues_changed or now - self._queues_at < QUEUES_EVERY:
            return
        self._queues_at, self._queues_changed = now, False
        told = Told(rows={"queues": [kept.whole for kept in self._board.rows("queues").values()]})
        event = told.event("rows", position, instant(self._clock()))
        for audience, streams in self._audiences.items():
            if audience.own and "queues" in audience.kinds:
                for stream in streams:
                    stream.tell(event)

    # Coming in, and coming again

    def _snapshot(self, stream: Stream) -> bytes:
        return self._whole(stream).event("snapshot", self._seen, instant(self._clock()))

    def _whole(self, stream: Stream) -> Told:
        told, audience = Told(), stream.heard.audience
        for kind in audience.kinds - {"tickets"}:
            told.rows[kind] = [
                audience.of(kept) for kept in self._board.rows(kind).values() if audience.sees(kind, kept.viewers)
            ]
        self._put_personal(stream, told)
        return told

    def _put_personal(self, stream: Stream, told: Told) -> None:
        heard = stream.heard
        for kind in heard.personal:
            told.rows[kind] = []
        if heard.person:
            for (kind, _), row in self._own_rows[heard.person].items():
                if kind in heard.personal:
                    told.put(kind, row)
        elif "me" in heard.personal:
            told.put("me", _encode(self._personal.me("", stream.who.name)))

    def _knows(self, after: str) -> bool:
        """Whether everything since this position is remembered."""
        try:
            return id_order(self._since) <= id_order(after) <= id_order(self._seen)
        except ValueError:
            return False

    def _catch_up(self, stream: Stream, after: str) -> bytes:
        """What has changed since: whole rows, as they are now."""
        audience, told, since = stream.heard.audience, Told(), id_order(after)
        keys: dict[tuple[str, Key], frozenset[str]] = {}
        for tick in reversed(self._remembered):
            if id_order(tick.position) < since:
                break
            for kind, key, viewers in tick.keys:
                keys[kind, key] = keys.get((kind, key), frozenset()) | viewers
        for (kind, key), viewers in keys.items():
            if not audience.sees(kind, viewers):
                continue
            kept = self._board.rows(kind).get(key)
            if kept is not None and audience.sees(kind, kept.viewers):
                told.put(kind, audience.of(kept))
            else:
                told.take_away(kind, key)
        for kind in audience.kinds & ({"figures", "alarms"} | ({"queues"} if audience.own else set())):
            told.rows[kind] = [audience.of(kept) for kept in self._board.rows(kind).values()]
        self._put_personal(stream, told)
        return told.event("rows", self._seen, instant(self._clock()))

    def _remember(self, position: str, changes: list[Change]) -> None:
        if not changes:
            return
        keys = tuple((change.kind, change.key, change.viewers) for change in changes)
        self._remembered.append(Remembered(position, keys))
        self._remembered_keys += len(keys)
        while self._remembered_keys > REMEMBERED:
            forgotten = self._remembered.popleft()
            self._remembered_keys -= len(forgotten.keys)
            self._since = forgotten.position

    # Beside the ticks

    def _look_after(self, now: float) -> None:
        if now - self._looked_at >= 1.0:
            self._looked_at = now
            for stream in list(self._streams):
                if stream.closed:
                    self._part(stream)
                elif now - stream.told_at >= COMMENT:
                    stream.tell(b": nothing changed\n\n")
        if self._board.access or self._board.users:
            self._judge_all()
        quarter = self._clock() // 900
        if not self._reading and (self._figures_seen != self._seen or quarter != self._slot_at):
            self._figures_seen, self._slot_at, self._reading = self._seen, quarter, True
            self._work.start(self._read_figures())

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
            await asyncio.sleep(FIGURES_EVERY)
        finally:
            self._reading = False

    def _within(self, queue: str) -> int:
        return self._acts.definitions.thresholds.of("" if queue == ALL else queue).within


def _leave(table: dict[_K, set[Stream]], key: _K, stream: Stream) -> None:
    members = table.get(key)
    if members is not None:
        members.discard(stream)
        if not members:
            del table[key]
