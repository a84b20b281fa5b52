"""What is told to one person: status and caller, bulletins, and of calls, callbacks and tickets the own ones.

What concerns a person is told with the tick in which it happens. Where something concerns everybody (a bulletin), so
many are drawn in one tick, the others in the next ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from server.web.live.audiences import OF_ONE
from server.web.live.board import Board, Change, Key
from server.web.live.personal import Personal
from server.web.live.pop import Pops
from server.web.live.telling import Stream, Told

AT_ONCE = 25
"""Agents who are told in one tick of what concerns everybody."""
_encode = msgspec.json.Encoder().encode


class OwnRows:
    """The streams of agents, and the rows that each was told of itself. `drawn_by` sets what draws them."""

    def __init__(self) -> None:
        self._streams: defaultdict[str, set[Stream]] = defaultdict(set)
        """By work number; those of an agent's audience are that agent's."""
        self._rows: dict[str, dict[tuple[str, Key], bytes]] = {}
        self._waiting: dict[str, None] = {}
        """Agents whose turn to be told of what concerns everybody is still to come."""
        self._personal: Personal
        self._pops: Pops

    def drawn_by(self, personal: Personal, pops: Pops) -> None:
        """From now on rows are drawn by these."""
        self._personal, self._pops = personal, pops

    @property
    def due(self) -> bool:
        """Whether there is something to draw that no entry of the log will call for."""
        return bool(self._waiting or self._pops.fresh)

    def join(self, stream: Stream) -> None:
        """A client has come."""
        if person := stream.heard.person:
            self._streams[person].add(stream)
            if person not in self._rows:
                self._rows[person] = self._drawn(person)

    def part(self, stream: Stream) -> None:
        """It is gone."""
        person = stream.heard.person
        streams = self._streams.get(person)
        if streams is not None:
            streams.discard(stream)
            if not streams:
                del self._streams[person]
        if person and person not in self._streams:
            self._rows.pop(person, None)
            self._waiting.pop(person, None)
            self._pops.forget(person)

    def put(self, stream: Stream, told: Told) -> None:
        """All personal rows, for one that comes in."""
        heard = stream.heard
        for kind in heard.personal:
            told.rows[kind] = []
        if heard.person:
            for (kind, _), row in self._rows[heard.person].items():
                if kind in heard.personal:
                    told.put(kind, row)
        elif "me" in heard.personal:
            told.put("me", _encode(self._personal.me("", stream.who.name)))

    def told(self, changes: Iterable[Change], board: Board) -> Iterator[tuple[Stream, Told]]:
        """What each stream is to be told of these changes, and of what the board says of its readers."""
        theirs: dict[str, list[Change]] = {}
        for change in changes:
            if change.kind == "tickets" or change.kind in OF_ONE:
                for agent in change.viewers:
                    if agent in self._streams:
                        theirs.setdefault(agent, []).append(change)
        here = self._streams.keys()
        whom = (board.readers | self._pops.fresh) & here
        if board.everybody:
            self._waiting.update(dict.fromkeys(here))
        board.readers, board.everybody = set(), False
        self._pops.fresh.clear()
        for agent in list(self._waiting)[:AT_ONCE]:
            whom.add(agent)
        for agent in whom:
            self._waiting.pop(agent, None)
        for agent in {*theirs, *whom}:
            if agent not in self._streams:
                continue  # gone since this began
            own = self._changes(agent) if agent in whom else []
            for stream in list(self._streams[agent]):
                yield stream, self._for(stream, agent, theirs.get(agent, ()), own)

    @staticmethod
    def _for(
        stream: Stream, agent: str, theirs: Iterable[Change], own: Iterable[tuple[tuple[str, Key], bytes | None]]
    ) -> Told:
        told, audience = Told(), stream.heard.audience
        if audience.own == agent:
            for change in theirs:
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
        return told

    def _drawn(self, agent: str) -> dict[tuple[str, Key], bytes]:
        rows: dict[tuple[str, Key], bytes] = {("me", "me"): _encode(self._personal.me(agent))}
        for each in self._personal.bulletins(agent):
            rows["bulletins", each.id] = _encode(each)
        return rows

    def _changes(self, agent: str) -> list[tuple[tuple[str, Key], bytes | None]]:
        before, after = self._rows.get(agent, {}), self._drawn(agent)
        self._rows[agent] = after
        changed: list[tuple[tuple[str, Key], bytes | None]] = [
            (key, row) for key, row in after.items() if before.get(key) != row
        ]
        return changed + [(key, None) for key in before if key not in after]
