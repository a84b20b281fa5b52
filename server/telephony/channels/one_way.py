"""Whether the sound of a conversation goes one way only, judged by the packets that come from either side.

Pure: counts come in with their time (any clock that only rises, in seconds), and what follows from them goes out. A
side that sends packets of silence is not silent here, and a side that stops and comes back by itself leaves packets out
while nobody speaks (voice activity detection): it has six times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

PATIENCE = 6.0
"""How many times as long a side may be silent that leaves packets out."""
ASKED_AT_MOST = 4
"""How often Asterisk is to learn a port anew while nothing comes: each time after twice as long."""
PAUSE = 1.0
"""A side that sends nothing for so many seconds has paused."""


class Side(StrEnum):
    """One of the two in a conversation."""

    CALLER = "caller"
    AGENT = "agent"

    @property
    def other(self) -> Side:
        """The one at the other end."""
        return Side.AGENT if self is Side.CALLER else Side.CALLER


@dataclass(frozen=True, slots=True)
class Stopped:
    """No packet has come from this side for `seconds`, while the other's come."""

    side: Side
    seconds: float


@dataclass(frozen=True, slots=True)
class CameBack:
    """Packets come again from a side of which `Stopped` told; they had been away for `seconds`."""

    side: Side
    seconds: float


@dataclass(frozen=True, slots=True)
class Learn:
    """Packets may come from another port of this side's phone: let Asterisk learn the port anew."""

    side: Side


Told = Stopped | CameBack | Learn


@dataclass(slots=True)
class _Stream:
    count: int
    rose_at: float
    still: bool = False
    """Nothing had come at the last count."""
    pauses: bool = False
    """Its packets stopped and came back by themselves."""
    asked: int = 0
    """How often Asterisk was told to learn its port since they stopped."""
    told: bool = False


@dataclass(slots=True)
class OneWay:
    """The packets of one conversation. `after` and `learn_after` are in seconds; `learn_after` of 0: never."""

    after: float
    learn_after: float
    _streams: dict[Side, _Stream] = field(default_factory=dict)

    def count(self, caller: int, agent: int, now: float) -> Iterator[Told]:
        """Take in how many packets have come from either side since the call began, and tell what follows."""
        counts = {Side.CALLER: caller, Side.AGENT: agent}
        if not self._streams:
            self._streams = {side: _Stream(count, now) for side, count in counts.items()}
            return
        for side, stream in self._streams.items():
            if counts[side] != stream.count:
                if stream.still and now - stream.rose_at > PAUSE and stream.count and not stream.asked:
                    stream.pauses = True
                if stream.told:
                    yield CameBack(side, now - stream.rose_at)
                stream.count, stream.rose_at = counts[side], now
                stream.still, stream.told, stream.asked = False, False, 0
            else:
                stream.still = True
        for side, stream in self._streams.items():
            if self._streams[side.other].rose_at == now:
                yield from self._judge(side, stream, now - stream.rose_at)

    def _judge(self, side: Side, stream: _Stream, silent: float) -> Iterator[Told]:
        due = self.learn_after * 2**stream.asked
        if self.learn_after and silent >= due and stream.asked < ASKED_AT_MOST and not stream.pauses:
            stream.asked += 1
            yield Learn(side)
        if silent >= self.after * (PATIENCE if stream.pauses else 1) and not stream.told:
            stream.told = True
            yield Stopped(side, silent)

    @property
    def suspects(self) -> bool:
        """Whether nothing had come from one side alone at the last count."""
        return len({stream.still for stream in self._streams.values()}) > 1

    def rest(self) -> None:
        """The caller is on hold: what comes meanwhile says nothing, and counting begins anew."""
        self._streams.clear()
