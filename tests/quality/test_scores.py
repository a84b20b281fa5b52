"""A score says why it is what it is."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.errors import QualityError
from quality.forms.definitions import Critical, Form, Question, Section
from quality.scores import Fault, Mark, check, read_marks, score
from tables.errors import TableError
from tables.values import Table
from tests.quality.conftest import best


def test_full_marks_are_a_hundred(form):
    found = score(form, best(form))
    assert (found.points, found.score, found.passed, found.faults, found.fatal) == (100.0, 100.0, True, (), False)
    assert (found.form, found.version, found.digest) == ("complaint", 1, form.digest)


def test_a_question_that_does_not_apply_takes_its_weight_out(form):
    assert score(form, best(form, hold=None, ticket=None)).score == 100.0
    # 100 - 4 of hold; 4 of greeting lost.
    assert score(form, best(form, hold=None, greeting=0)).score == pytest.approx(100 * 92 / 96, abs=1e-6)


def test_a_scale_counts_by_its_levels(form):
    assert score(form, best(form, asks=1)).score == pytest.approx(100 - 12 * 3 / 4)


def test_a_failed_critical_question_caps_the_score_and_says_so(form):
    found = score(form, best(form, promise=0))
    assert (found.points, found.score, found.passed) == (75.0, 75.0, False)
    assert found.faults == (Fault("promise", Critical.CUSTOMER, False, 75.0),)


def test_the_lowest_cap_counts(form):
    found = score(form, best(form, promise=0, correct=0))
    assert found.score == 59.0
    assert [each.critical for each in found.faults] == [Critical.BUSINESS, Critical.CUSTOMER]


def test_a_cap_raises_nothing(form):
    worst = {each.id: 0 for each in form.questions if not each.critical}
    assert score(form, best(form, promise=0, **worst)).score < 59.0


def test_a_failed_fatal_question_makes_the_score_zero_and_keeps_the_points(form):
    found = score(form, best(form, privacy=0, greeting=0))
    assert (found.points, found.score, found.passed, found.fatal) == (96.0, 0.0, False, True)
    assert found.faults == (Fault("privacy", Critical.COMPLIANCE, True, 0.0),)


@pytest.mark.parametrize(
    ("marks", "sentence"),
    [
        ((Mark("nonsense", 1),), "has no question nonsense"),
        ((Mark("greeting", 1), Mark("greeting", 0)), "question greeting is marked twice"),
        ((Mark("greeting", None),), "greeting always applies: mark it 0 to 1"),
        ((Mark("asks", 5),), "asks is marked 0 to 4, not 5"),
        ((Mark("asks", -1),), "asks is marked 0 to 4, not -1"),
        ((Mark("asks", 1, (-1.0,)),), "times of asks are seconds"),
        ((Mark("asks", 1, (float("nan"),)),), "times of asks are seconds"),
    ],
)
def test_a_mark_that_the_form_does_not_have_is_refused(form, marks, sentence):
    with pytest.raises(QualityError, match=sentence):
        check(form, marks)


def test_a_draft_may_be_half_done_and_a_score_may_not(form):
    check(form, best(form)[:3])
    with pytest.raises(QualityError, match="no mark for lets_speak, empathy"):
        score(form, best(form)[:2])


def test_a_score_that_is_the_pass_mark_in_decimals_is_a_pass():
    weights = [0.1] * 17 + [0.3]
    form = Form(
        "f",
        1,
        "表",
        "f",
        85.0,
        (Section("s", "节", "s", tuple(Question(f"q{n}", "问", "q", w) for n, w in enumerate(weights))),),
    )
    found = score(form, tuple(Mark(f"q{n}", int(n < 17)) for n in range(18)))
    assert found.passed
    assert found.score == 85.0


@st.composite
def marks(draw, form):
    return tuple(
        Mark(each.id, draw(st.integers(0, each.levels) | st.none() if each.may_be_na else st.integers(0, each.levels)))
        for each in form.questions
    )


@settings(max_examples=20)
@given(st.data())
def test_scores_are_from_0_to_100_and_a_better_mark_never_lowers_one(form, data):
    given_ = data.draw(marks(form))
    found = score(form, given_)
    assert 0.0 <= found.score <= found.points <= 100.0
    assert found.passed == (found.score >= form.pass_mark)
    assert (found.score < found.points) <= found.fatal
    place = data.draw(st.integers(0, len(given_) - 1))
    question = form.questions[place]
    value = given_[place].value
    if value is not None and value < question.levels:
        better = score(form, (*given_[:place], Mark(question.id, value + 1), *given_[place + 1 :]))
        assert better.score >= found.score


# Marks in TOML


def read(form, text):
    return read_marks(form, Table(tomllib.loads(text)))


def test_marks_are_read_in_the_order_of_the_form(form):
    text = 'correct = { value = 0, at = [83.5, 120], note = "错报费用" }\ngreeting = 1\nhold = "na"\n'
    assert read(form, text) == (
        Mark("greeting", 1),
        Mark("correct", 0, (83.5, 120.0), "错报费用"),
        Mark("hold", None),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("greetin = 1", '"greetin" means nothing here: did you mean "greeting"'),
        ('greeting = "na"', "greeting: this must be a whole number from 0 to 1, not 'na'"),
        ("hold = 2", 'a whole number from 0 to 1, or "na", not 2'),
        ("hold = true", "not True"),
        ("hold = { at = [1.0] }", '"value" is missing'),
        ("hold = { value = 1, at = [-1.0] }", r"hold.at\[0\]: this must be a number of seconds"),
        ("hold = { value = 1, when = 3 }", '"when" means nothing here'),
    ],
)
def test_marks_that_cannot_be_used_are_refused(form, text, sentence):
    with pytest.raises(TableError, match=sentence):
        read(form, text)
