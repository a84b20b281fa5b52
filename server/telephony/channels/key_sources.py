"""A key that a telephone sends in two ways is one key.

Some telephones send each key in the stream (RFC 4733, or as a tone) and once more as SIP INFO. Asterisk takes both for
keys, and tells the beginning only of the one in the stream. The law: a key of one source answers a key of the other
once, however long a key is held; two keys of the same source are two keys, however quickly they follow each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from server.telephony.ami.link import AmiEvent

PAIRED = 1.0
"""Seconds within which the same key comes by the other source."""
_SHORTEST = 0.08
_GAP = 0.045
"""Seconds that Asterisk makes of a shorter key, and leaves between two: what comes earlier it tells once more then."""
_SLACK = 0.03
"""Seconds by which Asterisk may look later than it should."""
_REPEATED = 0.12
"""Seconds within which Asterisk, no longer busy, tells a key once more that came too early."""

Receiver = Callable[[AmiEvent], None]


class Source(Enum):
    """How a key came."""

    STREAM = "stream"
    MESSAGE = "message"


@dataclass(slots=True)
class ChannelKeys:
    """The keys of one channel. Instants are seconds by one clock, Asterisk's."""

    _held: str = ""
    _held_since: float = 0.0
    _held_taken: bool = False
    """Whether Asterisk took the beginning for one: not while it was busy with the key before."""
    _busy_until: float = 0.0
    _free_from: float = 0.0
    """Asterisk lengthens no key that cuts a prompt short: it may be free again before `_busy_until`."""
    _alone: list[tuple[Source, str, float]] = field(default_factory=list)
    """Keys that the other source has not sent yet."""
    _repeats: list[tuple[str, float]] = field(default_factory=list)
    """(key, its length): ends that Asterisk tells once more when it is no longer busy."""

    def began(self, key: str, at: float) -> None:
        """A key in the stream went down."""
        self._held, self._held_since, self._held_taken = key, at, at >= self._busy_until

    def ended(self, key: str, length: float, at: float) -> bool:
        """A key is over; whether it counts. False: it was told before. `length` is in seconds."""
        held = self._held == key
        if not held and self._is_repeat(key, length, at):
            self._lengthens(length, at)
            return False
        self._follow(key, length, at, taken=held and self._held_taken)
        if held:
            self._held = ""
        return not self._is_paired(Source.STREAM if held else Source.MESSAGE, key, at)

    def _follow(self, key: str, length: float, at: float, *, taken: bool) -> None:
        """What Asterisk does with this end: take it, make a key of it, or keep it and tell it once more."""
        if taken:
            self._busy_until = at + max(0.0, _SHORTEST - (at - self._held_since)) + _GAP
            self._free_from = at + _GAP
        elif at < self._busy_until + _SLACK:
            self._repeats.append((key, length))
        else:
            self._lengthens(length, at)

    def _lengthens(self, length: float, at: float) -> None:
        """Asterisk makes a key of an end without a beginning."""
        self._busy_until = at + max(length, _SHORTEST) + _GAP
        self._free_from = at + _GAP

    def _is_repeat(self, key: str, length: float, at: float) -> bool:
        if at > self._busy_until + _REPEATED:
            self._repeats.clear()
        if (key, length) not in self._repeats or at < self._free_from - _SLACK:
            return False
        self._repeats.remove((key, length))
        return True

    def _is_paired(self, source: Source, key: str, at: float) -> bool:
        self._alone = [each for each in self._alone if each[2] + PAIRED >= at]
        for each in self._alone:
            if each[0] is not source and each[1] == key:
                self._alone.remove(each)
                return True
        self._alone.append((source, key, at))
        return False


class KeySources:
    """Hands each key on once. `began` wants AMI's DTMFBegin, `ended` DTMFEnd, `gone` Hangup.

    `pressed` are told a key, as DTMFEnd; `again` that a key which they were told was told once more, which shows
    in the result of the command that it cuts short.
    """

    def __init__(self) -> None:
        self.pressed: Sequence[Receiver] = ()
        self.again: Receiver = lambda event: None
        self._channels: dict[str, ChannelKeys] = {}

    def began(self, event: AmiEvent) -> None:
        """A key in the stream of any channel went down."""
        if event.get("Direction") == "Received":
            keys = self._channels.setdefault(event["Uniqueid"], ChannelKeys())
            keys.began(event["Digit"], _seconds(event.get("Timestamp", "")))

    def ended(self, event: AmiEvent) -> None:
        """A key of any channel is over."""
        if event.get("Direction") != "Received":
            return
        keys = self._channels.setdefault(event["Uniqueid"], ChannelKeys())
        length = _seconds(event.get("DurationMs", "")) / 1000
        if not keys.ended(event["Digit"], length, _seconds(event.get("Timestamp", ""))):
            self.again(event)
            return
        for receiver in self.pressed:
            receiver(event)

    def gone(self, event: AmiEvent) -> None:
        """A channel is gone."""
        self._channels.pop(event["Uniqueid"], None)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
