"""Where the sound of a conversation stands in its recording: a place in the file is a time of the call.

Asterisk writes sound only while packets come and only while caller and agent are joined. So a conversation has one part
from the join to the first hold, and one more after each hold; and within a part nothing stands for the time in which
neither side sent a packet. The instants at which the parts began, and the packets that were counted meanwhile, tell
where the sound belongs. All times are seconds since the join.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

TOLERANCE = 0.1
"""Seconds that sound may stand before its time. Silence fills what is more; less is the unevenness of packets."""
STANDARD = (100.0, 50.0, 100 / 3, 25.0, 50 / 3)
"""Packets a second at 10, 20, 30, 40 and 60 ms."""
_SHORT = 0.2
"""A part that is shorter than its time by no more than these seconds is laid out as it is."""
_DENSEST = 0.7
"""Asterisk loses some of the sound of packets that come late; what is shorter than this share ended too early."""
_FINE = 0.5
"""Seconds: packets that are lost, not left out, are missing in each of so many alike."""
_STEPS = 40
BLOCK = 32_768 / 16_000
"""Seconds of sound that Asterisk gathers before it writes them."""


@dataclass(frozen=True, slots=True)
class Part:
    """Sound that was written without a hold in it: when it began, and how long it is."""

    begins: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Packets:
    """How many packets had come from either side by an instant, since the sides' calls began."""

    at: float
    caller: int
    agent: int
    written: float | None = None
    """Seconds of the part's sound that were on the disk by then, if that is known: Asterisk writes by the block."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`seconds` of a part, from `start` on in the part, that stand at `at` in the recording."""

    part: int
    start: float
    at: float
    seconds: float

    @property
    def end(self) -> float:
        """Where it ends in the recording."""
        return self.at + self.seconds


@dataclass(frozen=True, slots=True)
class Layout:
    """The pieces in order, and the seconds of the call that they and the silence between their packets stand for."""

    pieces: tuple[Piece, ...]
    covered: float

    @property
    def seconds(self) -> float:
        """Where the last piece ends."""
        return self.pieces[-1].end if self.pieces else 0.0


def lay_out(parts: Sequence[Part], counted: Sequence[Packets] = (), talked: float | None = None) -> Layout:
    """Put each part at its time. Every second of sound is in exactly one piece, and pieces do not overlap.

    `talked` is how long the parts were in the call, all together, if that is known.
    """
    pieces: list[Piece] = []
    covered = known = 0.0
    rates = _rates(counted)
    for number, part in enumerate(parts):
        until = parts[number + 1].begins if number + 1 < len(parts) else float("inf")
        during = [each for each in counted if part.begins <= each.at < until]
        over = max(part.begins + part.seconds, during[-1].at if during else 0.0)
        if number + 1 == len(parts) and talked is not None:
            over = max(over, part.begins + talked - known)
        known += over - part.begins
        end = pieces[-1].end if pieces else 0.0
        spans = _spans(part, during, rates, over)
        made = _spread(number, part, spans, during, end) or [Piece(number, 0.0, max(part.begins, end), part.seconds)]
        pieces += [piece for piece in made if piece.seconds > 0]
        covered += part.seconds + min(over - part.begins - part.seconds, sum((u - s) * (1 - f) for s, u, f in spans))
    return Layout(tuple(pieces), covered)


def _rates(counted: Sequence[Packets]) -> tuple[float, float]:
    """Packets a second of caller and agent while they send without a pause."""
    caller = agent = 0.0
    for before, after in pairwise(counted):
        if (lasted := after.at - before.at) > 0:
            caller = max(caller, (after.caller - before.caller) / lasted)
            agent = max(agent, (after.agent - before.agent) / lasted)
    return usual(caller), usual(agent)


def usual(rate: float) -> float:
    """The packets a second of a stream of which at most `rate` came; 0: nothing came."""
    return min(STANDARD, key=lambda each: max(each / rate, rate / each)) if rate > 0 else 0.0


def share(before: Packets, after: Packets, rates: tuple[float, float]) -> float:
    """The share of the time between two counts in which sound came, 0 to 1, as the busier side has it."""
    lasted = after.at - before.at
    came = after.caller - before.caller, after.agent - before.agent
    if lasted <= 0:
        return 0.0
    if min(came) < 0:
        return 1.0  # another channel is counted now
    return min(1.0, max((n / (rate * lasted) for n, rate in zip(came, rates, strict=True) if rate > 0), default=0.0))


_Span = tuple[float, float, float]
"""From when to when, and the share of the time in which sound came."""


def _spans(part: Part, during: Sequence[Packets], rates: tuple[float, float], over: float) -> list[_Span]:
    """The time of a part, cut at each count; none without counts."""
    if len(during) < 2:
        return []
    spans = [(before.at, after.at, share(before, after, rates)) for before, after in pairwise(during)]
    mean = sum((until - since) * part for since, until, part in spans) / max(during[-1].at - during[0].at, 1e-9)
    # Up to the first count sound is taken to have come without a pause, and after the last one as it did before.
    spans = [(part.begins, during[0].at, 1.0), *spans, (during[-1].at, over, mean)]
    return [fine for span in spans for fine in _cut(*span)]


def _cut(since: float, until: float, part: float) -> Iterator[_Span]:
    """A span in steps, unless much of it is a pause, which is somewhere in it."""
    steps = math.ceil((until - since) / _FINE) if part >= _DENSEST and until > since else 1
    edges = [*(since + (until - since) * step / steps for step in range(steps)), until]
    for begins, ends in pairwise(edges):
        yield begins, ends, part


def _spread(
    number: int, part: Part, spans: Sequence[_Span], during: Sequence[Packets], end: float
) -> list[Piece] | None:
    """The part in pieces, by the packets that came in it; None when its sound has no pauses."""
    if not spans or spans[-1][1] - part.begins - part.seconds <= _SHORT:
        return None
    placed: list[tuple[float, float, float]] = []
    given = 0.0
    for section, reached in _sections(part, spans, during):
        for (since, until, _), length in zip(section, _shared_out(section, reached - given), strict=True):
            placed.append((since, until, length))
            given += length
    pieces: list[Piece] = []
    start, position = 0.0, max(part.begins, end)
    for place, (since, until, length) in enumerate(placed):
        if length <= 0:
            continue
        goes_on = position > since - TOLERANCE
        comes = place + 1 < len(placed) and placed[place + 1][2] > 0
        room = max(0.0, until - since - length)
        # Sound that goes on from before stands at the beginning; sound that has just begun, at the end.
        at = since if goes_on else since + (room if comes else room / 2)
        at = position if at - position < TOLERANCE else at
        _append(pieces, Piece(number, start, at, length))
        start, position = start + length, at + length
    if part.seconds > start:
        _append(pieces, Piece(number, start, position, part.seconds - start))
    return pieces


def _sections(part: Part, spans: Sequence[_Span], during: Sequence[Packets]) -> Iterator[tuple[Sequence[_Span], float]]:
    """The spans between two instants at which it is known how much of the sound had been written, and how much at the
    second one. Without such an instant they are one section, in which all of it was written."""
    rises = [
        ((before.at + after.at) / 2, after.written)
        for before, after in pairwise(during)
        if before.written is not None
        and after.written is not None
        and before.written < after.written < part.seconds
        and after.at - before.at <= _FINE
    ]
    section: list[_Span] = []
    for since, until, dense in spans:
        begins = since
        while rises and rises[0][0] < until:
            at, written = rises.pop(0)
            yield [*section, (begins, at, dense)], written
            section, begins = [], at
        section.append((begins, until, dense))
    yield section, part.seconds


def _append(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece; one that follows without a pause lengthens the last."""
    if pieces and piece.at <= pieces[-1].end + 1e-9:
        last = pieces[-1]
        pieces[-1] = Piece(last.part, last.start, last.at, last.seconds + piece.seconds)
    else:
        pieces.append(piece)


def _shared_out(spans: Sequence[_Span], seconds: float) -> Iterator[float]:
    """How much of the sound belongs to each span: by its share, no more than it lasted, and all of it if it fits.

    Two sides whose packets were lost, or who spoke in turns, fill more of a span than the busier one alone tells.
    """

    def filled(factor: float) -> list[float]:
        return [min(until - since, (until - since) * part * factor) for since, until, part in spans]

    low, high = _DENSEST, 64.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(filled(middle)) < seconds else (low, middle)
    left = seconds
    early = sum(filled(_DENSEST)) > seconds
    for length in filled(1.0 if early else high):
        given = min(length, left)
        left -= given
        yield given
