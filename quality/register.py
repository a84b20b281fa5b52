"""The register knows what is still going on: plans, forms, open reviews, rounds and trainings. What is over is let go.

Changed only by `receive`, once an event is in the log, so that it is the same on every server that plays the log. A
review is over when its appeal is decided, or when nobody may appeal any more: it stays in the records, and the memory
does not grow with the years.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from quality import calibration, reviews, rollup
from quality.appeals import AppealRules, appeal_until
from quality.calibration import Calibration
from quality.errors import QualityError
from quality.events import (
    AppealDecided,
    AppealMade,
    CalibrationClosed,
    CalibrationOpened,
    CalibrationScored,
    Event,
    FormAdded,
    MarksSaved,
    ResultsPassedOn,
    ReviewOpened,
    SampleDrawn,
    SamplingPlanEnded,
    SamplingPlanSet,
    ScoreSubmitted,
    SecondScoreAsked,
    SecondScoreSubmitted,
    TrainingMoved,
    TrainingNeeded,
)
from quality.forms.definitions import Form
from quality.forms.library import Library
from quality.plans import Plan
from quality.reviews import Review, ReviewState
from quality.rollup import RollUp, Training, TrainingRules, TrainingState

_REMEMBERED = 100
"""Periods of a plan of which it is known here whether they were drawn."""
_OF_A_REVIEW = (MarksSaved, ScoreSubmitted, SecondScoreAsked, SecondScoreSubmitted, AppealMade, AppealDecided)


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan that draws. `since` is when it was first set, UTC seconds; `drawn` are the periods that have a job."""

    plan: Plan
    since: float
    drawn: tuple[str, ...] = ()


class Register:
    """All that a question of quality assurance must know at once. Numbers begin at 1 and are never used again."""

    def __init__(self) -> None:
        self.appeal_rules = AppealRules()
        self.training_rules = TrainingRules()
        self.forms = Library()
        self.last_job = self.last_review = self.last_calibration = self.last_training = 0
        self._plans: dict[str, Standing] = {}
        self._reviews: dict[int, Review] = {}
        self._calibrations: dict[int, Calibration] = {}
        self._trainings: dict[int, Training] = {}
        self._results: dict[tuple[str, str], RollUp] = {}

    def follow(self, appeals: AppealRules, training: TrainingRules) -> None:
        """Go by these rules from now on."""
        self.appeal_rules, self.training_rules = appeals, training

    # Questions

    def plans(self) -> list[Standing]:
        """The plans that draw, by name."""
        return [self._plans[name] for name in sorted(self._plans)]

    def plan(self, name: str) -> Standing:
        """Raises QualityError when there is no such plan."""
        try:
            return self._plans[name]
        except KeyError:
            raise QualityError(
                f"there is no sampling plan {name}; there are {', '.join(sorted(self._plans)) or 'none'}"
            ) from None

    def reviews(self) -> Iterator[Review]:
        """The reviews that are not over."""
        return iter(self._reviews.values())

    def review(self, number: int) -> Review | None:
        """The review, or None when it is over or never was."""
        return self._reviews.get(number)

    def calibrations(self) -> list[Calibration]:
        """The rounds that are open, by number."""
        return [self._calibrations[number] for number in sorted(self._calibrations)]

    def calibration(self, number: int) -> Calibration | None:
        """The round, or None when it is closed or never was."""
        return self._calibrations.get(number)

    def trainings(self) -> list[Training]:
        """The trainings that are not passed, by number."""
        return [self._trainings[number] for number in sorted(self._trainings)]

    def training(self, number: int) -> Training | None:
        """The training, or None when it is passed or never was."""
        return self._trainings.get(number)

    def gated(self, agent: str) -> dict[str, int]:
        """Skills that the agent does not use, each with the training that it waits for."""
        return {each.closes: each.training for each in self._trainings.values() if each.agent == agent and each.closes}

    def results(self, team: str, period: str) -> RollUp | None:
        """Where the results are; None when nobody has passed them on, or they are archived."""
        return self._results.get((team, period))

    # The log

    def receive(self, event: Event, now: float) -> None:
        """Play one logged event. What is said of something that is over changes nothing."""
        match event:
            case SamplingPlanSet(plan=plan):
                known = self._plans.get(plan.name)
                self._plans[plan.name] = Standing(plan, known.since if known else now, known.drawn if known else ())
            case SamplingPlanEnded(plan=name):
                self._plans.pop(name, None)
            case SampleDrawn(job=job):
                self.last_job = max(self.last_job, job.job)
                standing = self._plans.get(job.plan.name)
                if standing and job.period not in standing.drawn:
                    drawn = (*standing.drawn, job.period)[-_REMEMBERED:]
                    self._plans[job.plan.name] = Standing(standing.plan, standing.since, drawn)
            case FormAdded(form=form):
                self.forms.add(form)
            case ReviewOpened(review=number):
                self.last_review = max(self.last_review, number)
                self._reviews.setdefault(number, reviews.opened(event))
                self._let_go(now)
            case CalibrationOpened(calibration=number):
                self.last_calibration = max(self.last_calibration, number)
                self._calibrations.setdefault(number, calibration.opened(event))
            case CalibrationScored(calibration=number) if number in self._calibrations:
                self._calibrations[number] = calibration.play(self._calibrations[number], event)
            case CalibrationClosed(calibration=number):
                self._calibrations.pop(number, None)
            case ResultsPassedOn():
                self._passed_on(event)
            case TrainingNeeded(training=number):
                self.last_training = max(self.last_training, number)
                self._trainings.setdefault(number, rollup.needed(event))
            case TrainingMoved(training=number) if number in self._trainings:
                moved = rollup.play_training(self._trainings[number], event)
                self._trainings[number] = moved
                if moved.state is TrainingState.PASSED:
                    del self._trainings[number]
            case _ if isinstance(event, _OF_A_REVIEW) and event.review in self._reviews:
                self._reviews[event.review] = reviews.play(self._reviews[event.review], event, now)
                self._let_go(now)

    def over(self, review: Review, now: float) -> bool:
        """Whether nothing can be said of the review any more."""
        until = appeal_until(review, self.appeal_rules)
        waits = review.state is ReviewState.APPEALED
        return review.state is ReviewState.DECIDED or (until is not None and now > until and not waits)

    def _let_go(self, now: float) -> None:
        for number in [each.review for each in self._reviews.values() if self.over(each, now)]:
            del self._reviews[number]

    def _passed_on(self, event: ResultsPassedOn) -> None:
        key = (event.team, event.period)
        after = rollup.play_results(self._results.get(key, RollUp(*key)), event)
        if after.state is rollup.RollUpState.ARCHIVED:
            self._results.pop(key, None)
        else:
            self._results[key] = after

    # Snapshots

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        plain: dict[str, Any] = msgspec.to_builtins(
            {
                "rules": [self.appeal_rules, self.training_rules],
                "forms": self.forms.all(),
                "last": [self.last_job, self.last_review, self.last_calibration, self.last_training],
                "plans": self.plans(),
                "reviews": list(self._reviews.values()),
                "calibrations": self.calibrations(),
                "trainings": self.trainings(),
                "results": list(self._results.values()),
            }
        )
        return plain

    @classmethod
    def restore(cls, saved: Mapping[str, Any]) -> Register:
        """The register that `snapshot` was taken of; an empty one of a snapshot from before there was one."""
        made = cls()
        if not saved:
            return made
        appeals, training = saved["rules"]
        made.follow(msgspec.convert(appeals, AppealRules), msgspec.convert(training, TrainingRules))
        made.forms = Library(msgspec.convert(saved["forms"], list[Form]))
        made.last_job, made.last_review, made.last_calibration, made.last_training = saved["last"]
        made._plans = {each.plan.name: each for each in msgspec.convert(saved["plans"], list[Standing])}
        made._reviews = {each.review: each for each in msgspec.convert(saved["reviews"], list[Review])}
        made._calibrations = {
            each.calibration: each for each in msgspec.convert(saved["calibrations"], list[Calibration])
        }
        made._trainings = {each.training: each for each in msgspec.convert(saved["trainings"], list[Training])}
        made._results = {(each.team, each.period): each for each in msgspec.convert(saved["results"], list[RollUp])}
        return made
