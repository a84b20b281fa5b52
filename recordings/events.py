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
    call: int = 0
    agent: str = ""
    started_at: float = 0.0
    """UTC epoch seconds to the millisecond. Call, agent and start are in the link of a chain of version 2."""
    chain: int = 1
    """The version of its link: 1 in logs of before."""
    talk_over: float = 0.0
    """Seconds in which caller and agent spoke at once; 0 in logs of before."""


@dataclass(frozen=True, slots=True)
class RecordingMissing(Event):
    """Nothing, or nothing usable, was written."""

    why: str


@dataclass(frozen=True, slots=True)
class RecordingFaultFound(Event):
    """A verification or a hand-out found that the recording is not what it was; 0: a file that is nobody's.

    `kind` is removed, changed or added; `day` the day of the chain, YYYY-MM-DD.
    """

    kind: str
    sentence: str
    day: str = ""


@dataclass(frozen=True, slots=True)
class RecordingSettled(Event):
    """A person looked into the alarm about a recording, and it is one no more."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingsVerified:
    """All recordings, or those of one `day`, were compared with log, records, chain and files."""

    recordings: int
    problems: int
    day: str = ""
    last: str = ""
    """The last link of the newest day that was looked at."""


@dataclass(frozen=True, slots=True)
class RecordingPaused(Event):
    """Nothing is recorded from now on; at `until` (UTC epoch seconds) recording goes on by itself."""

    call: int
    agent: str
    by: str
    reason: str = ""
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordingResumed(Event):
    """The conversation is recorded again. `by` is empty when the time of the pause was over."""

    call: int
    agent: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class RecordingHeld(Event):
    """A legal hold: the recording is not deleted until it is released."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingReleased(Event):
    """The legal hold is over."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingDeleted(Event):
    """The file is deleted: its time was over, or a person asked for it. Its link stays; `day` has the tombstone's."""

    why: str
    by: str
    day: str


@dataclass(frozen=True, slots=True)
class RecordingLeftOut(Event):
    """A rule or the customer's wish: nothing of this conversation is to be kept. It is silent from now on."""

    call: int
    agent: str
    why: str


@dataclass(frozen=True, slots=True)
class RecordingDropped(Event):
    """The files of a recording that was left out are gone."""

    why: str
