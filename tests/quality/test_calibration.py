"""Reviewers score apart, and compare when the round is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from quality import calibration
from quality.errors import QualityError
from tests.quality.conftest import best

CALLS, REVIEWERS = (17, 18, 19), ("qa", "qa2", "leader")


@pytest.fixture
def opened(form):
    (event,) = calibration.open_calibration(1, CALLS, form, REVIEWERS, {17: ("1001",)})
    return calibration.opened(event)


def play(round_, events):
    for event in events:
        round_ = calibration.play(round_, event)
    return round_


def give(round_, form, call, reviewer, **marks):
    return play(round_, calibration.submit(round_, call, reviewer, form, best(form, **marks)))


def test_a_round_shows_how_far_reviewers_agree(opened, form):
    round_ = opened
    for call in CALLS:
        round_ = give(round_, form, call, "qa")
        round_ = give(round_, form, call, "qa2", greeting=int(call != 17))
    round_ = give(round_, form, 17, "leader", asks=0)
    assert round_.missing() == [(18, "leader"), (19, "leader")]
    round_ = play(round_, calibration.close(round_))
    found = calibration.by_question(round_, form)
    assert set(found) == {each.id for each in form.questions}
    assert found["greeting"].share.n == 3
    assert found["greeting"].share.value == pytest.approx((1 / 3 + 1 + 1) / 3)
    assert found["respect"].share.value == 1.0
    # Of call 17 the points are 100, 96 and 88.
    assert calibration.deviations(round_) == pytest.approx({"qa": 4 / 3, "qa2": 0.0, "leader": -8.0})


def test_nobody_sees_the_marks_of_others_before_it_is_closed(opened, form):
    round_ = give(give(opened, form, 17, "qa"), form, 17, "qa2")
    assert [key for key, _ in calibration.seen_by(round_, "qa2").scored] == [(17, "qa2")]
    assert calibration.seen_by(round_, "manager").scored == ()
    for figures in (lambda: calibration.by_question(round_, form), lambda: calibration.deviations(round_)):
        with pytest.raises(QualityError, match="calibration 1 is open"):
            figures()
    closed = play(round_, calibration.close(round_))
    assert calibration.seen_by(closed, "manager") == closed


def test_a_call_is_scored_once_by_the_rounds_own_reviewers_with_its_own_form(opened, form):
    round_ = give(opened, form, 17, "qa")
    with pytest.raises(QualityError, match="qa has scored call 17"):
        give(round_, form, 17, "qa", greeting=0)
    with pytest.raises(QualityError, match="no call 17 for qa9"):
        give(round_, form, 17, "qa9")
    with pytest.raises(QualityError, match="no call 20 for qa"):
        give(round_, form, 20, "qa")
    with pytest.raises(QualityError, match="by form complaint version 1, not complaint version 2"):
        give(round_, replace(form, version=2), 18, "qa")
    again = replace(dict(round_.scored)[17, "qa"], marks=())
    assert play(round_, [again]) == round_


def test_after_the_end_nothing_comes(opened, form):
    late = calibration.submit(opened, 17, "qa", form, best(form))
    closed = play(opened, calibration.close(opened))
    assert play(closed, late) == closed
    with pytest.raises(QualityError, match="calibration 1 is closed"):
        give(closed, form, 17, "qa")
    with pytest.raises(QualityError, match="calibration 1 is closed"):
        calibration.close(closed)
    assert calibration.deviations(closed) == dict.fromkeys(REVIEWERS)


@pytest.mark.parametrize(
    ("calls", "reviewers", "sentence"),
    [
        ((17,), ("qa",), "two reviewers or more"),
        ((17,), ("qa", "qa"), "two reviewers or more, each once"),
        ((17,), ("qa", ""), "two reviewers or more"),
        ((), ("qa", "qa2"), "one call or more"),
        ((17, 17), ("qa", "qa2"), "one call or more, each once"),
        ((17,), ("qa", "1001"), "1001 is heard or accused in call 17"),
    ],
)
def test_a_round_that_makes_no_sense_is_refused(form, calls, reviewers, sentence):
    with pytest.raises(QualityError, match=sentence):
        calibration.open_calibration(1, calls, form, reviewers, {17: ("1001",)})
