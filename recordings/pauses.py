"""Law: a paused recording goes on by itself: no agent can forget to record the rest of a conversation.

While a recording is paused Asterisk writes silence, so that a place in the file stays a time of the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from recordings.events import (
    Event,
    RecordingClosed,
    RecordingDropped,
    RecordingLeftOut,
    RecordingMissing,
    RecordingPaused,
    RecordingResumed,
)

LONGEST = 120.0
"""Seconds after which a pause ends by itself, unless the operator has set another time."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One recording that is paused: since when and until when at most, in UTC epoch seconds."""

    recording: int
    call: int
    agent: str
    since: float
    until: float


class Pauses:
    """The recordings that are paused now."""

    def __init__(self) -> None:
        self._paused: dict[int, Pause] = {}
        self._left_out: dict[int, str] = {}

    def receive(self, event: Event, at: float) -> None:
        """Play one logged event."""
        match event:
            case RecordingPaused(recording=number, call=call, agent=agent, until=until):
                self._paused[number] = Pause(number, call, agent, at, until or at + LONGEST)
            case RecordingLeftOut(recording=number, why=why):
                self._left_out[number] = why
            case RecordingResumed():
                self._paused.pop(event.recording, None)
            case RecordingClosed() | RecordingMissing() | RecordingDropped():
                self._paused.pop(event.recording, None)
                self._left_out.pop(event.recording, None)

    def get(self, recording: int) -> Pause | None:
        """The recording's pause, if it is paused."""
        return self._paused.get(recording)

    def left_out(self, recording: int) -> str:
        """Why nothing of this recording is to be kept; empty when it is to be."""
        return self._left_out.get(recording, "")

    def silent(self, recording: int) -> bool:
        """Whether nothing is recorded now."""
        return recording in self._paused or recording in self._left_out

    def __iter__(self) -> Iterator[Pause]:
        return iter(tuple(self._paused.values()))

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {"paused": [asdict(each) for each in self], "left_out": [[*each] for each in self._left_out.items()]}

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Pauses:
        """The pauses that `snapshot` was taken of."""
        pauses = cls()
        for saved in snapshot["paused"]:
            pauses._paused[saved["recording"]] = Pause(**saved)
        pauses._left_out = dict(snapshot["left_out"])
        return pauses
