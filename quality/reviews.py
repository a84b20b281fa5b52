"""A review goes forward only, a score once given stays, and nobody scores a call who is heard or accused in it.

The steps are a table. Questions give the events to log and change nothing; `play` gives the review after an event.
A second reviewer is blind: `seen_by` hides the first score until the second one is submitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from quality.agreement import Agreement, agreement
from quality.errors import QualityError
from quality.events import (
    AppealDecided,
    AppealMade,
    Event,
    MarksSaved,
    ReviewOpened,
    ScoreSubmitted,
    SecondScoreAsked,
    SecondScoreSubmitted,
)
from quality.forms.definitions import Form
from quality.scores import Mark, Score, category, check, score


class ReviewState(StrEnum):
    """How far a review is."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SECOND = "second"
    """A blind second score is there too."""
    APPEALED = "appealed"
    DECIDED = "decided"


class Step(StrEnum):
    """What moves a review on."""

    SUBMIT = "submit"
    SUBMIT_SECOND = "submit_second"
    APPEAL = "appeal"
    DECIDE = "decide"


TRANSITIONS: Mapping[tuple[ReviewState, Step], ReviewState] = MappingProxyType(
    {
        (ReviewState.DRAFT, Step.SUBMIT): ReviewState.SUBMITTED,
        (ReviewState.SUBMITTED, Step.SUBMIT_SECOND): ReviewState.SECOND,
        (ReviewState.SUBMITTED, Step.APPEAL): ReviewState.APPEALED,
        (ReviewState.SECOND, Step.APPEAL): ReviewState.APPEALED,
        (ReviewState.APPEALED, Step.DECIDE): ReviewState.DECIDED,
    }
)
"""Every step that there is."""


@dataclass(frozen=True, slots=True)
class Given:
    """A score that a reviewer gave. `at` is UTC seconds."""

    reviewer: str
    marks: tuple[Mark, ...]
    score: Score
    at: float


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal 申诉 against the first score. `at` is UTC seconds."""

    by: str
    why: str
    at: float
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """One call that one reviewer has to score, and all that was said of it since."""

    review: int
    call: int
    agent: str
    form: str
    version: int
    reviewer: str
    barred: tuple[str, ...]
    job: int | None
    state: ReviewState = ReviewState.DRAFT
    drafts: tuple[tuple[str, tuple[Mark, ...]], ...] = ()
    """Each reviewer's marks that are saved and not submitted."""
    second_reviewer: str = ""
    first: Given | None = None
    second: Given | None = None
    appeal: Appeal | None = None
    decision: Given | None = None

    @property
    def counts(self) -> Given | None:
        """The score that counts: the decision's after an appeal, else the first; None before one is submitted."""
        return self.decision or self.first

    def draft(self, reviewer: str) -> tuple[Mark, ...]:
        """What this reviewer saved and did not submit."""
        return dict(self.drafts).get(reviewer, ())


def step(review: Review, wanted: Step) -> ReviewState:
    """The state after the step. Raises QualityError when the table has no such step."""
    after = TRANSITIONS.get((review.state, wanted))
    if after is None:
        allowed = " or ".join(each for state, each in TRANSITIONS if state is review.state) or "nothing: it is over"
        raise QualityError(f"review {review.review} is {review.state}: {wanted} is not possible; next is {allowed}")
    return after


def open_review(
    review: int,
    call: int,
    agent: str,
    form: Form,
    reviewer: str,
    *,
    accused: str = "",
    heard: Iterable[str] = (),
    job: int | None = None,
) -> list[Event]:
    """Give a call to a reviewer; `accused` is the agent that the call's ticket accuses, if there is one, `heard` are
    the other agents who spoke in it.

    Raises QualityError when the reviewer is one of them.
    """
    barred = tuple(sorted({agent, accused, *heard} - {""}))
    _not_barred(review, reviewer, barred)
    return [ReviewOpened(review, call, agent, form.name, form.version, reviewer, barred, job)]


def save(review: Review, reviewer: str, form: Form, marks: tuple[Mark, ...]) -> list[Event]:
    """Save a draft. Raises QualityError for a reviewer who has no score to give, and for wrong marks."""
    _same_form(review, form)
    if not _has_to_score(review, reviewer):
        raise QualityError(f"review {review.review} is {review.state}: {reviewer} has no score to give")
    check(form, marks)
    return [MarksSaved(review.review, reviewer, marks)] if marks != review.draft(reviewer) else []


def submit(review: Review, reviewer: str, form: Form, marks: tuple[Mark, ...]) -> list[Event]:
    """Give the first score. Raises QualityError for another reviewer, marks that are not whole, and a second time."""
    step(review, Step.SUBMIT)
    _same_form(review, form)
    if reviewer != review.reviewer:
        raise QualityError(f"review {review.review} is {review.reviewer}'s, not {reviewer}'s")
    return [ScoreSubmitted(review.review, reviewer, marks, score(form, marks))]


def ask_second(review: Review, reviewer: str, by: str = "") -> list[Event]:
    """Ask another reviewer for a blind second score. Raises QualityError for one who may not, and too late."""
    if review.state not in (ReviewState.DRAFT, ReviewState.SUBMITTED):
        raise QualityError(f"review {review.review} is {review.state}: it is too late for a second score")
    _not_barred(review.review, reviewer, review.barred)
    if reviewer == review.reviewer:
        raise QualityError(f"review {review.review}: {reviewer} gives the first score, another gives the second")
    return [SecondScoreAsked(review.review, reviewer, by)]


def submit_second(review: Review, reviewer: str, form: Form, marks: tuple[Mark, ...]) -> list[Event]:
    """Give the second score. Raises QualityError unless the reviewer was asked for it, and the first score is there."""
    step(review, Step.SUBMIT_SECOND)
    _same_form(review, form)
    if reviewer != review.second_reviewer:
        raise QualityError(f"review {review.review}: {reviewer} was not asked for a second score")
    return [SecondScoreSubmitted(review.review, reviewer, marks, score(form, marks))]


def seen_by(review: Review, reader: str) -> Review:
    """The review as this reader may see it: without the drafts of others, and blind for the second reviewer."""
    shown = replace(review, drafts=tuple(each for each in review.drafts if each[0] == reader))
    if reader == review.second_reviewer and review.second is None and review.appeal is None:
        state = ReviewState.DRAFT if review.state is ReviewState.SUBMITTED else review.state
        return replace(shown, first=None, state=state)
    return shown


def by_question(reviews: Iterable[Review], form: Form, level: float = 0.95) -> dict[str, Agreement]:
    """How far first and second scores agree on each question, over the reviews by this form that have both."""
    double = [
        tuple({mark.question: category(mark) for mark in given.marks} for given in (review.first, review.second))
        for review in reviews
        if (review.form, review.version) == (form.name, form.version) and review.first and review.second
    ]
    return {
        question.id: agreement([[marks.get(question.id) for marks in pair] for pair in double], question.answers, level)
        for question in form.questions
    }


def opened(event: ReviewOpened) -> Review:
    """The review that begins with this event."""
    return Review(
        event.review, event.call, event.agent, event.form, event.version, event.reviewer, event.barred, event.job
    )


def play(review: Review, event: Event, now: float) -> Review:
    """The review after one logged event about it. An event that it cannot have any more changes nothing."""
    match event:
        case MarksSaved(reviewer=reviewer, marks=marks):
            return replace(review, drafts=(*_others(review, reviewer), (reviewer, marks)))
        case SecondScoreAsked(reviewer=reviewer) if review.second is None:
            return replace(review, second_reviewer=reviewer)
        case ScoreSubmitted() if review.first is None:
            given = Given(event.reviewer, event.marks, event.score, now)
            drafts = _others(review, event.reviewer)
            return replace(review, state=ReviewState.SUBMITTED, first=given, drafts=drafts)
        case SecondScoreSubmitted() if review.state is ReviewState.SUBMITTED:
            given = Given(event.reviewer, event.marks, event.score, now)
            drafts = _others(review, event.reviewer)
            return replace(review, state=ReviewState.SECOND, second=given, drafts=drafts)
        case AppealMade() if (review.state, Step.APPEAL) in TRANSITIONS:
            appeal = Appeal(event.by, event.why, now, event.questions)
            return replace(review, state=ReviewState.APPEALED, appeal=appeal)
        case AppealDecided() if review.state is ReviewState.APPEALED:
            given = Given(event.reviewer, event.marks, event.score, now)
            drafts = _others(review, event.reviewer)
            return replace(review, state=ReviewState.DECIDED, decision=given, drafts=drafts)
    return review


def may_decide(review: Review, reviewer: str) -> bool:
    """Whether this reviewer may decide an appeal: neither heard nor accused, gave no score of it, did not appeal."""
    gave = {review.reviewer, review.second.reviewer if review.second else ""}
    return bool(reviewer) and reviewer not in (*review.barred, *gave, review.appeal.by if review.appeal else "")


def _has_to_score(review: Review, reviewer: str) -> bool:
    """Whether a score of this reviewer's can still come: the first, the second, or the decision of an appeal."""
    match review.state:
        case ReviewState.DRAFT:
            return reviewer != "" and reviewer in (review.reviewer, review.second_reviewer)
        case ReviewState.SUBMITTED:
            return reviewer != "" and reviewer == review.second_reviewer
        case ReviewState.APPEALED:
            return may_decide(review, reviewer)
    return False


def _others(review: Review, reviewer: str) -> tuple[tuple[str, tuple[Mark, ...]], ...]:
    return tuple(each for each in review.drafts if each[0] != reviewer)


def _same_form(review: Review, form: Form) -> None:
    if (form.name, form.version) != (review.form, review.version):
        raise QualityError(
            f"review {review.review} is scored by form {review.form} version {review.version}, not {form}"
        )


def _not_barred(review: int, reviewer: str, barred: tuple[str, ...]) -> None:
    if not reviewer:
        raise QualityError(f"review {review} needs a reviewer")
    if reviewer in barred:
        raise QualityError(f"review {review}: {reviewer} is heard or accused in this call and cannot review it")
