"""A review goes forward only, a first score stays, and a second reviewer is blind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality import appeals, reviews
from quality.appeals import DAY, AppealRules
from quality.errors import QualityError
from quality.events import ScoreSubmitted
from quality.reviews import TRANSITIONS, ReviewState, Step
from quality.scores import score
from tables.errors import TableError
from tables.values import Table
from tests.quality.conftest import best

NOW = 1_800_000_000.0
RULES = AppealRules(within_days=5.0)


class Log:
    """Plays what the questions answer, as a leader does."""

    def __init__(self, form, **opening):
        self.form, self.now = form, NOW
        (event,) = reviews.open_review(1, 17, "1001", form, "qa", **opening)
        self.review = reviews.opened(event)

    def play(self, events):
        for event in events:
            self.review = reviews.play(self.review, event, self.now)
        return events

    def submit(self, **marks):
        return self.play(reviews.submit(self.review, "qa", self.form, best(self.form, **marks)))

    def second(self, reviewer="qa2", **marks):
        self.play(reviews.ask_second(self.review, reviewer))
        return self.play(reviews.submit_second(self.review, reviewer, self.form, best(self.form, **marks)))

    def appeal(self, by="1001", why="客户没有要求转接", **more):
        return self.play(appeals.appeal(self.review, by, why, self.now, self.form, RULES, **more))

    def decide(self, reviewer="qa3", **marks):
        return self.play(appeals.decide(self.review, reviewer, self.form, best(self.form, **marks), "重新听取"))


@pytest.fixture
def log(form):
    return Log(form)


def test_the_whole_way(log):
    assert log.review.counts is None
    log.submit(promise=0)
    assert log.review.counts.score.score == 75.0
    log.second(hold=0)
    assert log.review.counts.score.score == 75.0
    log.appeal(questions=("promise",))
    (decided,) = log.decide()
    assert decided.score.score == 100.0
    assert (log.review.state, log.review.counts.reviewer) == (ReviewState.DECIDED, "qa3")
    # What was there before is as it was.
    assert (log.review.first.reviewer, log.review.first.score.score) == ("qa", 75.0)
    assert (log.review.second.reviewer, log.review.second.score.score) == ("qa2", 96.0)
    assert log.review.appeal.questions == ("promise",)


def test_an_appeal_may_be_decided_without_a_second_score_and_uphold_the_first(log):
    log.submit(promise=0)
    log.appeal()
    log.decide(promise=0)
    assert log.review.counts.score == log.review.first.score


@pytest.mark.parametrize("state", ReviewState)
@pytest.mark.parametrize("step", Step)
def test_the_table_has_every_step_that_there_is(log, state, step):
    review = replace(log.review, state=state)
    if (state, step) in TRANSITIONS:
        assert reviews.step(review, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(QualityError, match=rf"review 1 is {state}: {step} is not possible; next is "):
            reviews.step(review, step)


def test_no_step_leads_back():
    order = list(ReviewState)
    assert all(order.index(after) > order.index(before) for (before, _), after in TRANSITIONS.items())


# Who may


@pytest.mark.parametrize("reviewer", ["1001", "1002"])
def test_the_agent_who_is_heard_and_the_agent_who_is_accused_review_nothing(form, reviewer):
    with pytest.raises(QualityError, match=f"{reviewer} is heard or accused in this call"):
        reviews.open_review(1, 17, "1001", form, reviewer, accused="1002")
    log = Log(form, accused="1002")
    with pytest.raises(QualityError, match="heard or accused"):
        reviews.ask_second(log.review, reviewer)
    log.submit()
    log.appeal()
    with pytest.raises(QualityError, match=f"{reviewer} cannot decide this appeal"):
        log.decide(reviewer)


@pytest.mark.parametrize("reviewer", ["qa", "qa2", "leader", ""])
def test_an_appeal_is_decided_by_another_reviewer(log, reviewer):
    log.submit()
    log.second()
    log.appeal(by="leader")
    with pytest.raises(QualityError, match="another reviewer does"):
        log.decide(reviewer)
    with pytest.raises(QualityError, match="has no score to give"):
        reviews.save(log.review, reviewer, log.form, ())


def test_a_review_is_its_reviewers(log):
    with pytest.raises(QualityError, match="review 1 is qa's, not qa9's"):
        reviews.submit(log.review, "qa9", log.form, best(log.form))
    log.submit()
    with pytest.raises(QualityError, match="qa9 was not asked for a second score"):
        reviews.submit_second(log.review, "qa9", log.form, best(log.form))
    with pytest.raises(QualityError, match="qa gives the first score"):
        reviews.ask_second(log.review, "qa")
    with pytest.raises(QualityError, match="needs a reviewer"):
        reviews.ask_second(log.review, "")


def test_a_review_is_scored_by_its_own_version_of_the_form(log, form):
    for act in (reviews.save, reviews.submit):
        with pytest.raises(QualityError, match="by form complaint version 1, not complaint version 2"):
            act(log.review, "qa", replace(form, version=2), best(form))


# Drafts


def test_a_draft_is_saved_as_it_is_and_only_when_it_changed(log):
    half = best(log.form)[:4]
    log.play(reviews.save(log.review, "qa", log.form, half))
    assert log.review.draft("qa") == half
    assert reviews.save(log.review, "qa", log.form, half) == []
    with pytest.raises(QualityError, match="no mark for"):
        reviews.submit(log.review, "qa", log.form, half)
    log.submit()
    assert log.review.draft("qa") == ()


@pytest.mark.parametrize("reviewer", ["qa", "qa2", ""])
def test_after_the_score_there_is_no_draft(log, reviewer):
    log.submit()
    with pytest.raises(QualityError, match=f"review 1 is submitted: {reviewer} has no score to give"):
        reviews.save(log.review, reviewer, log.form, ())


# Blindness


def test_the_second_reviewer_sees_nothing_of_the_first_score_until_the_second_is_given(log):
    log.play(reviews.save(log.review, "qa", log.form, best(log.form)[:3]))
    log.play(reviews.ask_second(log.review, "qa2"))
    log.play(reviews.save(log.review, "qa2", log.form, best(log.form)[:2]))
    before = reviews.seen_by(log.review, "qa2")
    assert before.drafts == (("qa2", best(log.form)[:2]),)
    log.submit(promise=0)
    blind = reviews.seen_by(log.review, "qa2")
    assert (blind.first, blind.counts, blind.state) == (None, None, ReviewState.DRAFT)
    assert blind == before
    assert reviews.seen_by(log.review, "leader").first is not None
    assert reviews.seen_by(log.review, "leader").drafts == ()
    log.play(reviews.submit_second(log.review, "qa2", log.form, best(log.form)))
    assert reviews.seen_by(log.review, "qa2").first.score.score == 75.0


def test_it_is_too_late_for_a_second_score_after_an_appeal(log):
    log.submit()
    log.appeal()
    with pytest.raises(QualityError, match="too late for a second score"):
        reviews.ask_second(log.review, "qa2")


def test_the_agreement_of_first_and_second_scores_is_by_question(form):
    found = []
    for number in range(20):
        log = Log(form)
        log.submit(greeting=int(number > 0))
        found.append(log.review)
        if number < 15:
            log.second(hold=None if number < 3 else 1)
            found[-1] = log.review
    figures = reviews.by_question(found, form)
    assert set(figures) == {each.id for each in form.questions}
    assert {each.share.n for each in figures.values()} == {15}
    assert figures["greeting"].share.value == pytest.approx(14 / 15)
    assert figures["hold"].share.value == pytest.approx(12 / 15)
    assert figures["respect"].kappa.value is None
    assert figures["respect"].ac1.value == 1.0


# Appeals


def test_an_appeal_comes_in_time(log):
    log.submit()
    assert appeals.appeal_until(log.review, RULES) == NOW + 5 * DAY
    log.now = NOW + 5 * DAY + 1
    with pytest.raises(QualityError, match="within 5 days"):
        log.appeal()
    log.now = NOW + 5 * DAY
    log.appeal()
    with pytest.raises(QualityError, match="review 1 is appealed: appeal is not possible; next is decide"):
        log.appeal()


def test_there_is_no_appeal_before_a_score_and_none_by_its_reviewer(log):
    assert appeals.appeal_until(log.review, RULES) is None
    with pytest.raises(QualityError, match="review 1 is draft: appeal is not possible"):
        log.appeal()
    log.submit()
    for by in ("qa", ""):
        with pytest.raises(QualityError, match="not the score's reviewer"):
            log.appeal(by=by)
    with pytest.raises(QualityError, match="an appeal says why"):
        log.appeal(why="  ")
    with pytest.raises(QualityError, match="has no question nonsense"):
        log.appeal(questions=("nonsense",))


def test_a_decision_says_why(log):
    log.submit()
    log.appeal()
    with pytest.raises(QualityError, match="a decision says why"):
        appeals.decide(log.review, "qa3", log.form, best(log.form), " ")


def test_the_operator_says_how_long():
    assert appeals.read_appeal_rules(Table({"within_days": 3})) == AppealRules(3.0)
    assert appeals.read_appeal_rules(Table({})) == AppealRules()
    with pytest.raises(TableError, match="within_days: this must be a number above 0"):
        appeals.read_appeal_rules(Table({"within_days": 0}))


# Whatever happens

PEOPLE = ["qa", "qa2", "qa3", "1001", "1002", "leader"]
ACTS = st.lists(
    st.tuples(st.sampled_from(["save", "submit", "ask", "second", "appeal", "decide"]), st.sampled_from(PEOPLE)),
    max_size=15,
)


@settings(max_examples=40)
@given(ACTS)
def test_whatever_is_asked_a_given_score_stays_and_nobody_scores_against_the_rules(form, acts):
    log = Log(form, accused="1002")
    whole = best(form)
    for act, person in acts:
        before = log.review
        try:
            match act:
                case "save":
                    log.play(reviews.save(log.review, person, form, whole[:3]))
                case "submit":
                    log.play(reviews.submit(log.review, person, form, whole))
                case "ask":
                    log.play(reviews.ask_second(log.review, person))
                case "second":
                    log.play(reviews.submit_second(log.review, person, form, whole))
                case "appeal":
                    log.appeal(by=person)
                case "decide":
                    log.decide(person)
        except QualityError:
            assert log.review == before
        for name in ("first", "second", "appeal", "decision"):
            assert getattr(before, name) in (None, getattr(log.review, name))
        assert list(ReviewState).index(log.review.state) >= list(ReviewState).index(before.state)
    given_ = [each.reviewer for each in (log.review.first, log.review.second, log.review.decision) if each]
    assert len(set(given_)) == len(given_)
    assert not {"1001", "1002"} & set(given_)


def test_an_event_that_comes_too_late_changes_nothing(log):
    log.submit()
    before = log.review
    marks = best(log.form, greeting=0)
    log.play([ScoreSubmitted(1, "qa", marks, score(log.form, marks))])
    assert log.review == before
