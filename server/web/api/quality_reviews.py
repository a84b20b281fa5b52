"""Scores, appeals, calibration, results and trainings over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from quality.calibration import Calibration
from quality.reviews import Given, Review
from quality.rollup import Step, Training, TrainingStep
from server.storage.queries.quality import ReviewFilter
from server.usecases.quality_reviews import ReviewActs, score_row
from server.usecases.quality_training import TrainingActs
from server.web.api.quality import PERIOD
from server.web.api.shapes import Asked, Body, Number, Page, Reason, Who, Why, Word, instant, router
from server.web.problems import answers

CallNumber = Annotated[int, Field(ge=1, le=2**53)]
Marks = Annotated[
    dict[str, Any],
    Field(
        max_length=500,
        description='Question → its mark: 1, "na", or {"value": 0, "at": [83.5], "note": "…"}.',
        examples=[{"greeting": 1, "hold": "na"}],
    ),
]


class ScoreIn(Body):
    """Marks of one call by the latest version of a form. `submit` false: a draft."""

    call: CallNumber
    form: Word
    marks: Marks
    submit: bool = True


class MarksIn(Body):
    """Marks, some or all."""

    marks: Marks


class SecondIn(Body):
    """The reviewer who is to score the call blind, by work number or name of the token."""

    reviewer: Word


class PickIn(Body):
    """A call that is chosen by hand."""

    call: CallNumber
    why: Why


class AppealIn(Body):
    """An appeal against a first score; `questions`: what it is about, none: all of it."""

    score: CallNumber
    why: Why
    questions: list[Word] = Field(default_factory=list, max_length=200)


class DecideIn(Body):
    """The decision of an appeal: the call scored again."""

    marks: Marks
    why: Why


class ScoreOut(BaseModel):
    """A review as this reader may see it: `first` and `second` score, `decision` of the appeal, `draft` of the
    reader."""

    model_config = ConfigDict(extra="allow")

    id: int
    call: int
    agent: str
    job: int | None
    form: str
    version: int
    reviewer: str
    second_reviewer: str | None
    state: str
    score: float | None = Field(description="The score that counts.")
    passed: bool | None
    fatal: bool | None


class ScoresAsked(Asked):
    """Which scores."""

    job: CallNumber | None = None
    call: CallNumber | None = None
    agent: str | None = None
    reviewer: str | None = None
    state: str | None = None


class RoundIn(Body):
    """A calibration round: two reviewers or more, each call once."""

    calls: list[CallNumber] = Field(min_length=1, max_length=100)
    form: Word
    reviewers: list[Word] = Field(min_length=2, max_length=50)


class RoundScoreIn(Body):
    """One's marks of one call of a round."""

    call: CallNumber
    marks: Marks


class RoundOut(BaseModel):
    """A round; until it is closed, only with the reader's own marks. `compared` is null until then."""

    model_config = ConfigDict(extra="allow")

    id: int
    calls: list[int]
    form: str
    version: int
    reviewers: list[str]
    closed: bool
    compared: dict[str, Any] | None


class PassIn(Body):
    """One step of a team's results."""

    team: Word
    period: Annotated[str, PERIOD]
    step: Step
    note: Reason = ""


class ResultsOut(BaseModel):
    """Where the results are, and the trainings and cases that were made now."""

    team: str
    period: str
    state: str
    trainings: list[int]
    cases: list[int] = Field(description="Articles of the knowledge base that were written of the faults.")


class MoveIn(Body):
    """How a training went on."""

    step: TrainingStep
    note: Reason = ""


class TrainingOut(BaseModel):
    """A training item: the question that an agent failed again and again, and the calls in which."""

    id: int
    agent: str
    form: str
    version: int | None = Field(description="Of the form; null for trainings of earlier releases.")
    question: str
    calls: list[int]
    gate: str | None
    state: str


class TrainingsAsked(Asked):
    """Which trainings."""

    agent: str | None = None
    state: str | None = None


def review_routes(acts: ReviewActs) -> APIRouter:
    """The routes of scores and appeals."""
    routes = router("quality")
    _scores(routes, acts)

    @routes.post("/qa/picks", status_code=201, responses=answers(404, 409, 422, 503))
    async def pick_call(who: Who, wanted: PickIn) -> dict[str, Any]:
        """Choose a call by hand; it enters no figure."""
        people = await acts.pick(who, wanted.call, wanted.why)
        return {"call": wanted.call, "agent": people.agent}

    @routes.get("/qa/appeals", response_model=Page[ScoreOut], responses=answers(400, 422))
    async def list_appeals(who: Who, asked: Annotated[ScoresAsked, Query()]) -> dict[str, Any]:
        """Scores that were appealed against, newest first; `state=appealed`: those to be decided."""
        return await _page(acts, who, asked, appealed=True)

    @routes.post("/qa/appeals", status_code=201, response_model=ScoreOut, responses=answers(404, 409, 422, 503))
    async def appeal(who: Who, wanted: AppealIn) -> dict[str, Any]:
        """Appeal against a first score."""
        return review_row(await acts.appeal(who, wanted.score, wanted.why, wanted.questions))

    @routes.post("/qa/appeals/{number}/decide", response_model=ScoreOut, responses=answers(404, 409, 422, 503))
    async def decide(who: Who, number: Number, wanted: DecideIn) -> dict[str, Any]:
        """Decide an appeal by scoring the call again; the first score stays."""
        return review_row(await acts.decide(who, number, wanted.marks, wanted.why))

    return routes


def _scores(routes: APIRouter, acts: ReviewActs) -> None:
    @routes.get("/qa/scores", response_model=Page[ScoreOut], responses=answers(400, 422))
    async def list_scores(who: Who, asked: Annotated[ScoresAsked, Query()]) -> dict[str, Any]:
        """Scores and drafts, newest first."""
        return await _page(acts, who, asked)

    @routes.post("/qa/scores", status_code=201, response_model=ScoreOut, responses=answers(404, 409, 422, 503))
    async def give_score(who: Who, wanted: ScoreIn) -> dict[str, Any]:
        """Score a call that was drawn or picked: the first score, or the second that was asked of one."""
        return review_row(await acts.give(who, wanted.call, wanted.form, wanted.marks, submit=wanted.submit))

    @routes.get("/qa/scores/{number}", response_model=ScoreOut, responses=answers(404, 422))
    async def show_score(who: Who, number: Number) -> dict[str, Any]:
        """One score, as this reader may see it."""
        return review_row(await acts.show(who, number))

    @routes.put("/qa/scores/{number}/draft", response_model=ScoreOut, responses=answers(404, 409, 422, 503))
    async def save_draft(who: Who, number: Number, wanted: MarksIn) -> dict[str, Any]:
        """Save one's marks so far; nobody else sees them."""
        return review_row(await acts.save(who, number, wanted.marks))

    @routes.post("/qa/scores/{number}/submit", response_model=ScoreOut, responses=answers(404, 409, 422, 503))
    async def submit_score(who: Who, number: Number, wanted: MarksIn) -> dict[str, Any]:
        """Give the first score, or the second that was asked of one."""
        return review_row(await acts.submit(who, number, wanted.marks))

    @routes.post("/qa/scores/{number}/second", response_model=ScoreOut, responses=answers(404, 409, 422, 503))
    async def ask_second(who: Who, number: Number, wanted: SecondIn) -> dict[str, Any]:
        """Ask another reviewer for a blind second score."""
        return review_row(await acts.ask_second(who, number, wanted.reviewer))


async def _page(acts: ReviewActs, who: Who, asked: ScoresAsked, *, appealed: bool = False) -> dict[str, Any]:
    which = ReviewFilter(
        job=asked.job,
        call=asked.call,
        agent=asked.agent or None,
        reviewer=asked.reviewer or None,
        state=asked.state or None,
        appealed=appealed,
    )
    found, following = await acts.page(who, which, asked.limit, asked.cursor or None)
    return {"items": [review_row(each) for each in found], "next": following}


def training_routes(acts: TrainingActs) -> APIRouter:
    """The routes of calibration, results and trainings."""
    routes = router("quality")

    def shown(each: Calibration) -> dict[str, Any]:
        compared = acts.compared(each)
        return {
            "id": each.calibration,
            "calls": list(each.calls),
            "form": each.form,
            "version": each.version,
            "reviewers": list(each.reviewers),
            "closed": each.closed,
            "scores": [
                {"call": call, "reviewer": reviewer, **_worth(given)} for (call, reviewer), given in each.scored
            ],
            "compared": None if compared is None else msgspec.to_builtins(compared),
        }

    @routes.get("/qa/calibrations", response_model=Page[RoundOut], responses=answers(400, 422))
    async def list_rounds(who: Who, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        """Calibration rounds, newest first."""
        found, following = await acts.rounds(who, asked.limit, asked.cursor or None)
        return {"items": [shown(each) for each in found], "next": following}

    @routes.post("/qa/calibrations", status_code=201, response_model=RoundOut, responses=answers(404, 409, 422, 503))
    async def open_round(who: Who, wanted: RoundIn) -> dict[str, Any]:
        """Let several reviewers score the same calls apart."""
        return shown(await acts.open_round(who, wanted.calls, wanted.form, wanted.reviewers))

    @routes.get("/qa/calibrations/{number}", response_model=RoundOut, responses=answers(404, 422))
    async def show_round(who: Who, number: Number) -> dict[str, Any]:
        """One round: compared when it is closed, before that with one's own marks alone."""
        return shown(await acts.round(who, number))

    @routes.post("/qa/calibrations/{number}/scores", response_model=RoundOut, responses=answers(404, 409, 422, 503))
    async def score_in_round(who: Who, number: Number, wanted: RoundScoreIn) -> dict[str, Any]:
        """Give one's marks of one call."""
        return shown(await acts.score(who, number, wanted.call, wanted.marks))

    @routes.post("/qa/calibrations/{number}/close", response_model=RoundOut, responses=answers(404, 409, 422, 503))
    async def close_round(who: Who, number: Number) -> dict[str, Any]:
        """End a round: marks are shown and compared from now on."""
        return shown(await acts.close_round(who, number))

    @routes.get("/qa/results", responses=answers(422))
    async def list_results(who: Who, period: Annotated[str | None, Query(max_length=10)] = None) -> dict[str, Any]:
        """Where the results of teams and periods are."""
        rows = await acts.results(who, period or None)
        for row in rows:
            row["steps"] = [{**step, "at": instant(step["at"])} for step in row["steps"]]
        return {"items": rows, "next": None}

    @routes.post("/qa/results", response_model=ResultsOut, responses=answers(404, 409, 422, 503))
    async def pass_results_on(who: Who, wanted: PassIn) -> dict[str, Any]:
        """Pass a team's results one step up; when the leader sums up, faults that recur become trainings."""
        results, made, cases = await acts.pass_on(who, wanted.team, wanted.period, wanted.step, wanted.note)
        return {
            "team": results.team,
            "period": results.period,
            "state": results.state,
            "trainings": [each.training for each in made],
            "cases": cases,
        }

    @routes.get("/qa/trainings", response_model=Page[TrainingOut], responses=answers(400, 422))
    async def list_trainings(who: Who, asked: Annotated[TrainingsAsked, Query()]) -> dict[str, Any]:
        """Trainings, newest first."""
        found, following = await acts.trainings(
            who, asked.agent or None, asked.state or None, asked.limit, asked.cursor or None
        )
        return {"items": [_training(each) for each in found], "next": following}

    @routes.post("/qa/trainings/{number}/move", response_model=TrainingOut, responses=answers(404, 409, 422, 503))
    async def move_training(who: Who, number: Number, wanted: MoveIn) -> dict[str, Any]:
        """Say how a training went on."""
        return _training(await acts.move(who, number, wanted.step, wanted.note))

    return routes


def review_row(review: Review) -> dict[str, Any]:
    """A review as this reader may see it."""
    appeal = review.appeal
    return {
        **score_row(review),
        "barred": list(review.barred),
        "first": _given(review.first),
        "second": _given(review.second),
        "appeal": None if appeal is None else {**asdict(appeal), "at": instant(appeal.at)},
        "decision": _given(review.decision),
        "drafts": {reviewer: _marks(marks) for reviewer, marks in review.drafts},
    }


def _given(given: Given | None) -> dict[str, Any] | None:
    return None if given is None else {"reviewer": given.reviewer, "at": instant(given.at), **_worth(given)}


def _worth(given: Any) -> dict[str, Any]:
    score = given.score
    return {
        "score": score.score,
        "points": score.points,
        "passed": score.passed,
        "fatal": score.fatal,
        "faults": msgspec.to_builtins(score.faults),
        "marks": _marks(given.marks),
    }


def _marks(marks: Any) -> list[dict[str, Any]]:
    return [
        {"question": each.question, "value": each.value, "at": list(each.at), "note": each.note or None}
        for each in marks
    ]


def _training(each: Training) -> dict[str, Any]:
    return {
        "id": each.training,
        "agent": each.agent,
        "form": each.form,
        "version": each.version or None,
        "question": each.question,
        "calls": list(each.calls),
        "gate": each.gate or None,
        "state": each.state,
    }
