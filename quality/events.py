"""What happened in quality assurance, as the log keeps it. Append-only: no score is ever changed.

Every instant is UTC seconds since the epoch, that of the log's entry. `reviewer`, `by` are people: the work number of
an agent, else the user's name.
"""

from __future__ import annotations

from dataclasses import dataclass

from quality.draw import Job
from quality.forms.definitions import Form
from quality.plans import Plan
from quality.scores import Mark, Score


@dataclass(frozen=True, slots=True)
class Event:
    """Base of quality assurance's events."""


# Samples


@dataclass(frozen=True, slots=True)
class SamplingPlanSet(Event):
    """A plan was made, or is this from now on; jobs keep the plan by which they were drawn."""

    plan: Plan
    by: str = ""


@dataclass(frozen=True, slots=True)
class SamplingPlanEnded(Event):
    """The plan draws no more; its jobs stay."""

    plan: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class FrameKept(Event):
    """Part `part` (from 1) of `parts` of the frame with this digest, packed; it comes before the job's own event."""

    digest: str
    part: int
    parts: int
    packed: str


@dataclass(frozen=True, slots=True)
class SampleDrawn(Event):
    """A sample was drawn. The frame is stored beside it under its digest."""

    job: Job
    by: str = ""


@dataclass(frozen=True, slots=True)
class CallPicked(Event):
    """Somebody chose a call by hand, to be reviewed. It enters no estimate unless a job draws it too."""

    call: int
    agent: str
    by: str
    why: str = ""


# Forms


@dataclass(frozen=True, slots=True)
class FormAdded(Event):
    """A form's version is there from now on, for ever."""

    form: Form
    by: str = ""


# Reviews


@dataclass(frozen=True, slots=True)
class ReviewOpened(Event):
    """A reviewer has a call to score. `barred` may not review it: the agent who is heard, the agent who is accused."""

    review: int
    call: int
    agent: str
    form: str
    version: int
    reviewer: str
    barred: tuple[str, ...] = ()
    job: int | None = None
    """The job that drew the call; None: it was picked."""


@dataclass(frozen=True, slots=True)
class MarksSaved(Event):
    """A draft, as far as it is; replaces the same reviewer's draft."""

    review: int
    reviewer: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class ScoreSubmitted(Event):
    """The first score. It stays, whatever is decided later."""

    review: int
    reviewer: str
    marks: tuple[Mark, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class SecondScoreAsked(Event):
    """This reviewer is to score the call a second time, and sees nothing of the first score until that is done."""

    review: int
    reviewer: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class SecondScoreSubmitted(Event):
    """A second reviewer's score, given without sight of the first. It serves agreement and replaces nothing."""

    review: int
    reviewer: str
    marks: tuple[Mark, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class AppealMade(Event):
    """The agent, or the team's leader for the agent, does not accept the score."""

    review: int
    by: str
    why: str
    questions: tuple[str, ...] = ()
    """What it is about; empty: all of it."""


@dataclass(frozen=True, slots=True)
class AppealDecided(Event):
    """Another reviewer scored the call on appeal; this score is the one that counts."""

    review: int
    reviewer: str
    marks: tuple[Mark, ...]
    score: Score
    why: str


# Calibration


@dataclass(frozen=True, slots=True)
class CalibrationOpened(Event):
    """Several reviewers score the same calls apart from each other."""

    calibration: int
    calls: tuple[int, ...]
    form: str
    version: int
    reviewers: tuple[str, ...]
    by: str = ""


@dataclass(frozen=True, slots=True)
class CalibrationScored(Event):
    """One reviewer's marks of one call; nobody else sees them before the round is closed."""

    calibration: int
    call: int
    reviewer: str
    marks: tuple[Mark, ...]
    score: Score


@dataclass(frozen=True, slots=True)
class CalibrationClosed(Event):
    """All marks are shown and compared from now on."""

    calibration: int
    by: str = ""


# Results and training


@dataclass(frozen=True, slots=True)
class ResultsPassedOn(Event):
    """The results of a team and period went one step up; `step` is that of `rollup.Step`."""

    team: str
    period: str
    step: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrainingNeeded(Event):
    """An agent failed one question again and again. `gate` is a skill that waits until the training is passed."""

    training: int
    agent: str
    form: str
    question: str
    calls: tuple[int, ...]
    gate: str = ""
    level: int = 0
    """The level that the agent had in this skill, and has again afterwards; 0: did not have it."""
    version: int = 0
    """Of the form by which the calls were scored; 0 in logs of earlier releases: not known."""


@dataclass(frozen=True, slots=True)
class TrainingMoved(Event):
    """The training went on; `step` is that of `rollup.TrainingStep`."""

    training: int
    step: str
    by: str
    note: str = ""
