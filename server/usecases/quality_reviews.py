"""Acts on reviews: picking a call, scoring it, a blind second score, an appeal and its decision.

A reviewer is a person, known by the work number, else by the name of the user or of the token; a service scores
nothing. Nobody reviews a call in which they are
heard or accused, and nobody sees what `seen_by` keeps from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from quality import appeals, reviews
from quality.draw import Job
from quality.errors import QualityError
from quality.events import CallPicked, Event, ReviewOpened
from quality.forms.definitions import Form
from quality.reviews import Review, ReviewState
from quality.scores import Mark, check, read_marks, score
from server.bounds import is_line
from server.hotline.quality_rules import ALL
from server.storage.queries.quality import ReviewFilter
from server.storage.queries.quality_frame import People
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal, Role
from server.usecases.quality import QualityBase, person, refusals
from server.usecases.quality_drafts import Drafts
from server.usecases.server import Server
from tables.errors import TableError
from tables.values import Table

_LONGEST_NOTE = 1000
_SCORING = (Role.LEADER, Role.SUPERVISOR, Role.QA, Role.ADMINISTRATOR)
"""The roles of reviewers."""


class ReviewActs(QualityBase):
    """Acts raise Forbidden, Invalid for marks that cannot be used, NotFound, Conflict for a step that is not possible
    now, and NotLeading where they change something.
    """

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self.drafts = Drafts(lambda: server.dispatcher)

    # Reading

    async def page(
        self, who: Principal, which: ReviewFilter, limit: int, cursor: str | None
    ) -> tuple[list[Review], str | None]:
        """One page of reviews, newest first, each as this reader may see it."""
        agents = self.permissions.agents(who, Act.READ_QA)
        wanted = replace(which, agents=agents, scored=which.scored or who.role is Role.AGENT, reader=self._reader(who))
        await self._caught_up()
        found, following = await self._ask(lambda records: records.reviews(wanted, limit, cursor))
        return [reviews.seen_by(each, person(who)) for each in found], following

    async def show(self, who: Principal, number: int) -> Review:
        """One review as this reader may see it: without the drafts of others, and blind for the second reviewer."""
        review = await self._review(number)
        self.permissions.require(who, Act.READ_QA, review.agent)
        if who.role is Role.AGENT and review.first is None and review.agent == who.agent:
            raise NotFound(f"there is no review {number}")
        if (reader := self._reader(who)) and not await self._may_read(who, reader, review):
            raise Forbidden(f"score {number} is of a call that was not drawn for {who.name}")
        pending = self.drafts.pending(number, person(who))
        if pending is not None:
            review = reviews.play(review, pending, self._clock())
        return reviews.seen_by(review, person(who))

    def _reader(self, who: Principal) -> str:
        """The reviewer whose calls these must be; empty for those who read all that the table of permissions says."""
        if who.role is not Role.QA or self._server.definitions.quality.reviewers_read == ALL:
            return ""
        return person(who) if self._register.plans() or self._register.last_job else ""

    async def _may_read(self, who: Principal, reader: str, review: Review) -> bool:
        if reader in (review.reviewer, review.second_reviewer) or review.state is ReviewState.APPEALED:
            return True
        return await self.may_hear(who, review.call)

    async def may_hear(self, who: Principal, call: int) -> bool:
        """Whether a reviewer may hear the call: it was drawn for them or picked, or is theirs to score in a review or a
        round. While there is no plan and no sample: every call.
        """
        known, reviewer = self._register, person(who)
        if not known.plans() and not known.last_job:
            return True
        asked = any(
            reviewer in (each.reviewer, each.second_reviewer)
            or (each.appeal is not None and reviews.may_decide(each, reviewer))
            for each in known.reviews()
            if each.call == call
        )
        in_round = any(call in each.calls and reviewer in each.reviewers for each in known.calibrations())
        return asked or in_round or await self._ask(lambda records: records.is_drawn_for(call, reviewer))

    # Scoring

    async def pick(self, who: Principal, call: int, why: str) -> People:
        """Choose a call by hand, to be reviewed. It enters no estimate unless a job draws it too."""
        self.permissions.require(who, Act.PICK_QA)
        people = await self._people(call)
        self.permissions.require(who, Act.PICK_QA, people.agent)
        picked = CallPicked(call, people.agent, person(who), why)
        await self._record(who, Act.PICK_QA, picked, subject=f"call {call}", reason=why)
        return people

    async def give(
        self, who: Principal, call: int, form: str, marks: Mapping[str, Any], *, submit: bool = True
    ) -> Review:
        """Score a call that was drawn or picked: the first score, or the second one that this reviewer was asked for.

        With `submit` false the marks are a draft. A call that nobody drew is picked by this, if the role may pick.
        """
        self._require_scoring(who)
        async with self._numbering:
            review = self._open_review(call, form, person(who))
            if review is None:
                return await self._first(who, call, self._form(form), marks, submit)
        return await self._go_on(who, review, marks, submit)

    async def save(self, who: Principal, number: int, marks: Mapping[str, Any]) -> Review:
        """Save a draft of one's marks. Drafts that follow each other closely are one entry of the log."""
        self._require_scoring(who)
        review = await self._known(number)
        return await self._go_on(who, review, marks, submit=False)

    async def submit(self, who: Principal, number: int, marks: Mapping[str, Any]) -> Review:
        """Give the first or the second score of a review."""
        self._require_scoring(who)
        return await self._go_on(who, await self._known(number), marks, submit=True)

    async def ask_second(self, who: Principal, number: int, reviewer: str) -> Review:
        """Ask another reviewer for a blind second score."""
        self.permissions.require(who, Act.ASSIGN_QA)
        review = await self._known(number)
        self.permissions.require(who, Act.ASSIGN_QA, review.agent)
        await self._refuse_barred(review, reviewer)
        if reviewer not in self._reviewers():
            raise Invalid(
                "reviewer", f"no reviewer is known as {reviewer}: give a work number, or the name of a user or a token"
            )
        with refusals():
            asked = reviews.ask_second(review, reviewer, person(who))
        await self._record(who, Act.ASSIGN_QA, *asked, subject=f"review {number}")
        return reviews.seen_by(await self._known(number), person(who))

    # Appeals

    async def appeal(self, who: Principal, number: int, why: str, questions: Sequence[str] = ()) -> Review:
        """Appeal against a first score: the agent whose call it is, or the team's leader."""
        self.permissions.require(who, Act.APPEAL_QA)
        review = await self._review(number)
        self.permissions.require(who, Act.APPEAL_QA, review.agent)
        form = self._form(review.form, review.version)
        with refusals():
            made = appeals.appeal(
                review, person(who), why, self._clock(), form, self._register.appeal_rules, tuple(questions)
            )
        await self._record(who, Act.APPEAL_QA, *made, subject=f"review {number}", reason=why[:200])
        return reviews.seen_by(await self._known(number), person(who))

    async def decide(self, who: Principal, number: int, marks: Mapping[str, Any], why: str) -> Review:
        """Decide an appeal by scoring the call again; the first score stays beside it."""
        self._require_scoring(who)
        review = await self._review(number)
        self.permissions.require(who, Act.SCORE_QA, review.agent)
        form = self._form(review.form, review.version)
        await self._refuse_barred(review, person(who))
        given = marks_of(form, marks, whole=True)
        with refusals():
            decided = appeals.decide(review, person(who), form, given, why)
        await self._record(who, Act.SCORE_QA, *decided, subject=f"review {number}: appeal", reason=why[:200])
        return reviews.play(review, decided[0], self._clock())

    # Parts

    async def _first(self, who: Principal, call: int, form: Form, marks: Mapping[str, Any], submit: bool) -> Review:
        people = await self._people(call)
        self.permissions.require(who, Act.SCORE_QA, people.agent)
        await self._caught_up()
        for each in await self._ask(lambda records: records.reviews_of([call])):
            if each.form == form.name:
                raise Conflict(f"call {call} is scored by form {form.name}: see review {each.review}")
        job = await self._ask(lambda records: records.job_of(call))
        picked = await self._picked(who, call, people, job)
        given = marks_of(form, marks, whole=submit)
        number = self._register.last_review + 1
        with refusals():
            opened = reviews.open_review(
                number, call, people.agent, form, person(who),
                accused=people.accused, heard=people.heard, job=job.job if job else None,
            )  # fmt: skip
            assert isinstance(opened[0], ReviewOpened)
            review = reviews.opened(opened[0])
            act = reviews.submit if submit else reviews.save
            following = act(review, person(who), form, given)
        await self._record(who, Act.SCORE_QA, *picked, *opened, *following, subject=f"review {number}: call {call}")
        return reviews.seen_by(await self._known(number), person(who))

    async def _picked(self, who: Principal, call: int, people: People, job: Job | None) -> list[Event]:
        """What must be logged before a call is scored that is not this reviewer's by any job. Raises Conflict."""
        for_all = job is None or not job.plan.reviewers or who.role is not Role.QA
        if job is not None and (for_all or person(who) in job.plan.reviewers):
            return []
        if await self._ask(lambda records: records.is_drawn_for(call, person(who))):
            return []
        if reach_of(who, Act.PICK_QA) is Reach.NONE:
            whom = f"for {', '.join(job.plan.reviewers)}" if job else "by no job"
            raise Conflict(f"call {call} was drawn {whom}: {who.role} scores what was drawn for them")
        return [CallPicked(call, people.agent, person(who), "scored without a draw")]

    async def _go_on(self, who: Principal, review: Review, marks: Mapping[str, Any], submit: bool) -> Review:
        self.permissions.require(who, Act.SCORE_QA, review.agent)
        form, reviewer = self._form(review.form, review.version), person(who)
        await self._refuse_barred(review, reviewer)
        given = marks_of(form, marks, whole=submit)
        with refusals():
            if not submit:
                if (pending := self.drafts.pending(review.review, reviewer)) is not None:
                    review = reviews.play(review, pending, self._clock())
                saved = reviews.save(review, reviewer, form, given)
                await self.drafts.save(saved)
                after = reviews.play(review, saved[0], self._clock()) if saved else review
                return reviews.seen_by(after, reviewer)
            second = reviewer == review.second_reviewer and reviewer != review.reviewer
            act = reviews.submit_second if second else reviews.submit
            events = act(review, reviewer, form, given)
        self.drafts.forget(review.review, reviewer)
        await self._record(who, Act.SCORE_QA, *events, subject=f"review {review.review}: call {review.call}")
        return reviews.seen_by(reviews.play(review, events[0], self._view.at), reviewer)

    async def _refuse_barred(self, review: Review, reviewer: str) -> None:
        """Raises Conflict for those who are heard or accused in the call: by now, too, not only when it was opened."""
        people = await self._people(review.call)
        if reviewer in people.barred | set(review.barred):
            raise Conflict(f"{reviewer} is heard or accused in call {review.call} and cannot review it")

    def _open_review(self, call: int, form: str, reviewer: str) -> Review | None:
        """The review of this call by this form that goes on."""
        return next((each for each in self._register.reviews() if (each.call, each.form) == (call, form)), None)

    async def _known(self, number: int) -> Review:
        """The review, which is not over. Raises Conflict for one that is, and NotFound."""
        review = self._register.review(number)
        if review is None:
            over = await self._review(number)
            raise Conflict(f"review {number} is {over.state} and final: nothing can be changed any more")
        return review

    async def _review(self, number: int) -> Review:
        review = self._register.review(number)
        if review is None:
            await self._caught_up()
            review = await self._ask(lambda records: records.review(number))
        if review is None:
            raise NotFound(f"there is no review {number}: see `sansheng qa score-list`")
        return review

    def _reviewers(self) -> frozenset[str]:
        """The people who may score: users, and those whose token holds. A service is nobody."""
        now = self._clock()
        users = [(each.agent or each.name, each.role) for each in self._view.users if not each.disabled]
        holding = [each.issued for each in self._view.access_tokens if each.holds(now)]
        tokens = [(each.agent or each.name, each.role) for each in holding]
        return frozenset(name for name, role in (*users, *tokens) if role in _SCORING)


def marks_of(form: Form, values: Mapping[str, Any], *, whole: bool) -> tuple[Mark, ...]:
    """The marks of a request. Raises Invalid for what the form does not have, and for missing ones if `whole`."""
    try:
        marks = read_marks(form, Table(values, ("marks",)))
        (score if whole else check)(form, marks)
    except (TableError, QualityError) as error:
        raise Invalid("marks", str(error)) from None
    for mark in marks:
        if len(mark.note) > _LONGEST_NOTE or not all(is_line(line) for line in mark.note.split("\n")):
            raise Invalid("marks", f"the note of {mark.question} is text of at most {_LONGEST_NOTE} characters")
    return marks


def score_row(review: Review) -> dict[str, Any]:
    """Whose review of which call this is, and the score that counts: what every list of scores begins with."""
    counts = review.counts.score if review.counts else None
    return {
        "id": review.review,
        "call": review.call,
        "agent": review.agent,
        "job": review.job,
        "form": review.form,
        "version": review.version,
        "reviewer": review.reviewer,
        "second_reviewer": review.second_reviewer or None,
        "state": review.state.value,
        "score": counts.score if counts else None,
        "points": counts.points if counts else None,
        "passed": counts.passed if counts else None,
        "fatal": counts.fatal if counts else None,
    }
