"""What happened to a recording, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the recordings' events. A recording is numbered; it belongs to one agent's leg of one call."""

    recording: int


@dataclass(frozen=True, slots=True)
class RecordingStarted(Event):
    """Two files, one a direction, are being written by Asterisk."""

    call: int
    agent: str
    caller_file: str
    agent_file: str


@dataclass(frozen=True, slots=True)
class RecordingClosed(Event):
    """The stereo file is complete, caller left, agent right. Levels are RMS in dBFS; `path` is its key in the store."""

    path: str
    seconds: float
    channels: int
    sha256: str
    caller_level: float
    agent_level: float
    alarms: tuple[str, ...] = ()
    """What is suspicious about it, as sentences: a silent side, a side that is much shorter."""
    day: str = ""
    """The hotline's day on which it was closed, YYYY-MM-DD; empty in logs of before: then the day in UTC counts."""


@dataclass(frozen=True, slots=True)
class RecordingMissing(Event):
    """Nothing, or nothing usable, was written."""

    why: str
