"""What was recorded, what is still to be closed, and what about it is suspicious.

A recording is started, then closed or missing, once. One that is neither a minute after its conversation ended is
overdue, and an alarm until it is one of the two: silence about a lost recording would be the worst answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recordings.events import Event, RecordingClosed, RecordingDropped, RecordingMissing, RecordingStarted


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a recording is suspicious. Levels in dBFS, the rest in seconds."""

    silent_below: float = -60.0
    heed_from: float = 3.0
    """Shorter recordings are not checked for silence: there may have been no time to speak."""
    sides_apart: float = 2.0
    """How much shorter one side may be than the other."""
    short_by: float = 3.0
    """How much shorter the recording may be than the conversation."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found in the files of one recording; a side that was not written has 0 seconds."""

    caller_seconds: float
    agent_seconds: float
    caller_level: float
    agent_level: float
    length: float = 0.0
    """Of the recording, with its holds and pauses; 0: it has none, and is as long as the longer side."""
    covered: float = 0.0
    """Seconds of the talk that its sound, and the silence between packets, stand for; 0: as long as the longer side."""
    talk_over: float = 0.0
    """Seconds in which caller and agent spoke at once, by the marks of its shape."""

    @property
    def seconds(self) -> float:
        """The length of the recording."""
        return max(self.caller_seconds, self.agent_seconds, self.length)


def judge(measured: Measured, talked: float | None = None, thresholds: Thresholds | None = None) -> tuple[str, ...]:
    """The alarms about one recording, as sentences.

    `talked` is how long caller and agent spoke, without holds, if that is known.
    """
    limits = thresholds or Thresholds()
    alarms: list[str] = []
    sides = (
        ("caller", measured.caller_seconds, measured.caller_level),
        ("agent", measured.agent_seconds, measured.agent_level),
    )
    for side, seconds, level in sides:
        if seconds == 0.0:
            alarms.append(f"the {side}'s side was not recorded")
        elif seconds >= limits.heed_from and level < limits.silent_below:
            alarms.append(f"the {side}'s side is silent: {level:.0f} dBFS over {seconds:.0f} s")
    apart = abs(measured.caller_seconds - measured.agent_seconds)
    if measured.caller_seconds and measured.agent_seconds and apart > limits.sides_apart:
        shorter = min(sides, key=lambda side: side[1])[0]
        alarms.append(f"the {shorter}'s side is {apart:.1f} s shorter than the other")
    covered = measured.covered or max(measured.caller_seconds, measured.agent_seconds)
    if talked is not None and talked - covered > limits.short_by:
        alarms.append(f"the recording has {covered:.0f} s of a conversation of {talked:.0f} s")
    return tuple(alarms)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A recording that was started and not yet closed. `ended_at` is when its conversation ended, if it has, and
    `talked` and `held` how many seconds of it were talk and hold, if that is known."""

    recording: int
    call: int
    agent: str
    caller_file: str
    agent_file: str
    started_at: float
    ended_at: float | None = None
    talked: float | None = None
    held: float = 0.0

    @property
    def lasted(self) -> float | None:
        """Seconds from the join to the end, holds included; None when that is not known."""
        return None if self.talked is None else self.talked + self.held


class Catalogue:
    """The recordings that still need something done; what is closed or missing is no longer held."""

    def __init__(self) -> None:
        self._unfinished: dict[int, Unfinished] = {}

    def receive(self, event: Event, now: float) -> None:
        """Plays one logged event. A second start of the same recording changes nothing."""
        match event:
            case RecordingStarted(number, call, agent, caller_file, agent_file):
                started = Unfinished(number, call, agent, caller_file, agent_file, now)
                self._unfinished.setdefault(number, started)
            case RecordingClosed() | RecordingMissing() | RecordingDropped():
                self._unfinished.pop(event.recording, None)

    def conversation_ended(
        self, call: int, now: float, agent: str = "", talked: float | None = None, held: float = 0.0
    ) -> None:
        """That agent's leg is over, or without an agent every leg of the call: its recording can be joined."""
        for number, each in self._unfinished.items():
            if each.call == call and each.ended_at is None and agent in ("", each.agent):
                self._unfinished[number] = replace(each, ended_at=now, talked=talked, held=held)

    def get(self, recording: int) -> Unfinished | None:
        """The recording, or None when it is closed, missing or was never started."""
        return self._unfinished.get(recording)

    def unfinished(self) -> list[Unfinished]:
        """All of them, by number: what a restarted server has to join or to wait for."""
        return [self._unfinished[number] for number in sorted(self._unfinished)]

    def overdue(self, now: float, allowed: float) -> list[Unfinished]:
        """Those whose conversation ended more than `allowed` seconds ago."""
        return [each for each in self.unfinished() if each.ended_at is not None and now - each.ended_at > allowed]

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {"unfinished": [asdict(each) for each in self.unfinished()]}

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Catalogue:
        """The catalogue that `snapshot` was taken of."""
        catalogue = cls()
        for saved in snapshot["unfinished"]:
            catalogue._unfinished[saved["recording"]] = Unfinished(**saved)
        return catalogue
