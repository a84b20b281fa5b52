"""The figures of one period: every estimate with its interval and its n, of the frames that were drawn.

Jobs of one plan in the period are one sample: their frames have no call in common. Of two jobs of the same days the
one with the larger frame counts. Each plan has figures of its own; those at the top are of the plan with most calls in
its frames. Reviews are those of calls that came in within the period; a hand-picked call enters no estimate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from quality.agreement import agreement
from quality.draw import Job
from quality.estimates import Estimate, Sampled, compare, mean, rate, sampled
from quality.forms.definitions import Form
from quality.periods import Period
from quality.reviews import Review, by_question
from quality.scores import Score
from server.storage.queries.quality_frame import days
from server.storage.schema.quality_tables import QaForm, QaJob, QaReview
from server.storage.schema.tables import Call

_READ: dict[str, Callable[[Score], float]] = {
    "mean": lambda score: score.score,
    "points": lambda score: score.points,
    "pass_rate": lambda score: float(score.passed),
    "fatal_rate": lambda score: float(score.fatal),
}
"""Each figure's value of one score."""
_RATES = ("pass_rate", "fatal_rate")


def report(
    session: Session, period: Period, zone: ZoneInfo, *, plan: str | None = None, agents: frozenset[str] | None = None
) -> dict[str, Any]:
    """The report as JSON has it; only of `agents`, and by jobs of one `plan`, where given."""
    reviews = reviews_in(session, period, zone, agents)
    scores = {each.call: each.counts.score for each in reversed(reviews) if each.counts is not None}
    jobs = _jobs(session, period, plan)
    used = _samples(jobs)
    largest = max(used, key=lambda name: (sum(_size(job) for job in used[name]), name), default="")
    samples = used.get(largest, [])
    drawn = {each.call for job in jobs for each in job.calls}
    return {
        "period": period.name,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "plan": largest or None,
        "jobs": [_described(job, scores, job in used[job.plan.name]) for job in jobs],
        "scored": sum(call in scores for call in drawn),
        "picked": sum(each.call not in drawn and each.counts is not None for each in reviews),
        "appeals": sum(each.appeal is not None for each in reviews),
        "changed_on_appeal": sum(_changed(each) for each in reviews),
        **_figures(samples, scores, agents),
        "agents": _by_agent(samples, scores, agents),
        "plans": [{"plan": name, **_figures(used[name], scores, agents)} for name in sorted(used)],
        "faults": _faults(scores.values()),
        "agreement": _agreement(session, reviews),
    }


def reviews_in(session: Session, period: Period, zone: ZoneInfo, agents: frozenset[str] | None) -> list[Review]:
    """The reviews of the period's calls, oldest first; only of `agents` where given."""
    since, until = days(period, zone)
    wanted = select(QaReview).join(Call, Call.id == QaReview.call).order_by(QaReview.id)
    wanted = wanted.where(Call.offered_at >= since, Call.offered_at < until)
    wanted = wanted if agents is None else wanted.where(QaReview.agent.in_(sorted(agents)))
    return [msgspec.convert(row.data, Review) for row in session.scalars(wanted)]


def _jobs(session: Session, period: Period, plan: str | None) -> list[Job]:
    wanted = select(QaJob).where(QaJob.first >= period.first, QaJob.last <= period.last).order_by(QaJob.id)
    wanted = wanted if plan is None else wanted.where(QaJob.plan == plan)
    return [msgspec.convert(row.data, Job) for row in session.scalars(wanted)]


def _samples(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """The jobs of each plan that make one sample: the larger frame first, and none of the same days again."""
    used: dict[str, list[Job]] = {each.plan.name: [] for each in jobs}
    for job in sorted(jobs, key=lambda each: (-_size(each), each.job)):
        if all(each.plan.period is job.plan.period and each.period != job.period for each in used[job.plan.name]):
            used[job.plan.name].append(job)
    return used


def _size(job: Job) -> int:
    return sum(stratum.size for stratum in job.strata)


def _described(job: Job, scores: Mapping[int, Score], used: bool) -> dict[str, Any]:
    return {
        "job": job.job,
        "plan": job.plan.name,
        "period": job.period,
        "calls": _size(job),
        "earlier": job.earlier,
        "drawn": len(job.calls),
        "scored": sum(each.call in scores for each in job.calls),
        "used": used,
    }


def _estimates(jobs: Iterable[Job], scores: Mapping[int, Score], agents: Iterable[str] | None) -> dict[str, Estimate]:
    jobs, agents = list(jobs), None if agents is None else frozenset(agents)
    found = {}
    for name, read in _READ.items():
        values = {call: read(score) for call, score in scores.items()}
        strata: list[Sampled] = [each for job in jobs for each in sampled(job, values, agents)]
        found[name] = rate(strata) if name in _RATES else mean(strata)
    return found


def _figures(jobs: Iterable[Job], scores: Mapping[int, Score], agents: frozenset[str] | None) -> dict[str, Any]:
    return {name: asdict(each) for name, each in _estimates(jobs, scores, agents).items()}


def _by_agent(jobs: list[Job], scores: Mapping[int, Score], agents: frozenset[str] | None) -> list[dict[str, Any]]:
    """Each agent's figures by work number. The ranks are those that the intervals of `points` allow."""
    every = {stratum.agent for job in jobs for stratum in job.strata}
    names = sorted(every if agents is None else every & agents)
    found = {name: _estimates(jobs, scores, (name,)) for name in names}
    return [
        {
            "agent": each.agent,
            "best": each.best,
            "worst": each.worst,
            "rank": each.rank,
            **{name: asdict(figure) for name, figure in found[each.agent].items()},
        }
        for each in compare({name: figures["points"] for name, figures in found.items()})
    ]


def _faults(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Critical questions that were failed, and in how many calls; the most frequent first."""
    counted = Counter(
        (score.form, score.version, fault.question, str(fault.critical), fault.fatal)
        for score in scores
        for fault in score.faults
    )
    names = ("form", "version", "question", "critical", "fatal")
    often = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return [{**dict(zip(names, key, strict=True)), "calls": calls} for key, calls in often]


def _changed(review: Review) -> bool:
    """Whether the decision of an appeal is another score than the first one."""
    first, decision = review.first, review.decision
    return first is not None and decision is not None and first.score.score != decision.score.score


def _agreement(session: Session, reviews: Sequence[Review]) -> list[dict[str, Any]]:
    """How far first and second scores agree, by form: on passing, on a fatal error, and on each question."""
    found = []
    double = [each for each in reviews if each.first and each.second]
    for name, version in sorted({(each.form, each.version) for each in double}):
        row = session.get(QaForm, f"{name}/{version}")
        if row is None:
            continue
        form = msgspec.convert(row.data, Form)
        own = [each for each in double if (each.form, each.version) == (name, version)]
        found.append(
            {
                "form": name,
                "version": version,
                "n": len(own),
                "passed": _alike(own, "passed"),
                "fatal": _alike(own, "fatal"),
                "questions": {question: asdict(each) for question, each in by_question(own, form).items()},
            }
        )
    return found


def _alike(reviews: Iterable[Review], what: str) -> dict[str, Any]:
    pairs = [
        tuple(str(bool(getattr(given.score, what))) for given in (each.first, each.second) if given is not None)
        for each in reviews
    ]
    return asdict(agreement(pairs, ("False", "True")))
