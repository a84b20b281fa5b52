"""Agreement against published figures, against `krippendorff`, and where figures mislead."""

from __future__ import annotations

import math

import krippendorff
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.agreement import agreement
from quality.errors import QualityError


def rows(text: str) -> list[tuple[str | None, ...]]:
    return [tuple(None if mark == "*" else mark for mark in row.split()) for row in text.strip().splitlines()]


# Gwet (2014), Handbook of Inter-Rater Reliability, table 2.10: four raters, marks missing.
FOUR = rows("""
1 1 * 1
2 2 3 2
3 3 3 3
3 3 3 3
2 2 2 2
1 2 3 4
4 4 4 4
1 1 2 1
2 2 2 2
* 5 5 5
* * 1 1
* * 3 *
""")

# The table of two abstractors in the same book: ectopic, abnormal, normal pregnancies.
TWO = [
    pair
    for pair, count in {("e", "e"): 13, ("a", "a"): 20, ("a", "n"): 7, ("n", "a"): 4, ("n", "n"): 56}.items()
    for _ in range(count)
]

# Krippendorff's example of three coders, as the package `krippendorff` publishes it.
THREE = list(
    zip(
        *rows("""
* * * * * 3 4 1 2 1 1 3 3 * 3
1 * 2 1 3 3 4 3 * * * * * * *
* * 2 1 3 4 4 * 2 1 1 3 3 * 4
"""),
        strict=True,
    )
)

# 100 calls, a rare fatal fault: both see it once, one alone thrice.
RARE = [("1", "1"), ("1", "0"), ("0", "1"), ("0", "1"), *[("0", "0")] * 96]


@pytest.mark.parametrize(
    ("items", "name", "value", "error"),
    # irrCAC (Gwet's own definitions) computed these.
    [
        (FOUR, "ac1", 0.775444068126995, 0.142949950640765),
        (FOUR, "alpha", 0.743421052631579, 0.145573886984835),
        (TWO, "ac1", 0.849330548231346, 0.043435189139909),
        (TWO, "kappa", 0.796409402183972, 0.059207499641796),
        (TWO, "alpha", 0.797258497730851, 0.05935224014555),
        (RARE, "ac1", 0.968462549277267, 0.018562838850026),
        (RARE, "kappa", 0.385245901639343, 0.282262635693858),
        (RARE, "alpha", 0.387692307692294, 0.283025760738314),
    ],
)
def test_figures_and_errors_are_the_published_ones(items, name, value, error):
    found = getattr(agreement(items), name)
    assert (found.value, found.error) == pytest.approx((value, error), abs=1e-9)


def test_intervals_are_students_on_the_items():
    assert (agreement(TWO).ac1.low, agreement(TWO).ac1.high) == pytest.approx(
        (0.763145709648, 0.935515386815), abs=1e-9
    )
    assert (agreement(FOUR).alpha.low, agreement(FOUR).alpha.high) == pytest.approx((0.4190622192, 1.0), abs=1e-9)
    assert (agreement(RARE).kappa.low, agreement(RARE).kappa.high) == pytest.approx(
        (-0.174824405, 0.945316208), abs=1e-9
    )


def test_kappa_is_the_published_one():
    """Fleiss, Cohen and Everitt (1969), Psychol. Bull. 72: 200 subjects, kappa 0.492."""
    counts = {("1", "1"): 88, ("1", "2"): 14, ("1", "3"): 18, ("2", "1"): 10, ("2", "2"): 40, ("2", "3"): 10}
    counts |= {("3", "1"): 2, ("3", "2"): 6, ("3", "3"): 12}
    items = [pair for pair, count in counts.items() for _ in range(count)]
    kappa = agreement(items).kappa.value
    assert kappa == pytest.approx((0.70 - 0.41) / (1 - 0.41), abs=1e-9)
    assert kappa == pytest.approx(0.492, abs=5e-4)


def test_alpha_is_the_published_one_with_marks_missing():
    found = agreement(THREE).alpha
    assert found.value == pytest.approx(0.691, abs=5e-4)
    assert found.value == pytest.approx(_krippendorff(THREE), abs=1e-9)
    assert found.n == 12


def test_a_rare_fault_is_the_reason_why_kappa_is_never_alone():
    found = agreement(RARE)
    assert found.share.value == 0.97
    assert found.kappa.value == pytest.approx(0.39, abs=0.005)
    assert found.ac1.value == pytest.approx(0.97, abs=0.005)
    assert found.kappa.low < 0 < 0.9 < found.kappa.high


MARKS = st.sampled_from(["0", "1", "2", None])


@settings(max_examples=30)
@given(st.integers(2, 4).flatmap(lambda k: st.lists(st.tuples(*[MARKS] * k), min_size=1, max_size=15)))
def test_alpha_is_that_of_the_package_and_all_figures_are_in_bounds(items):
    found = agreement(items, ("0", "1", "2"))
    if found.alpha.value is not None:
        assert found.alpha.value == pytest.approx(_krippendorff(items), abs=1e-9)
    for each in (found.share, found.ac1, found.kappa, found.alpha):
        if each.value is None:
            assert each.low is each.high is None
        else:
            assert -1 <= each.low <= each.value <= each.high <= 1
            assert each.n > 0


@settings(max_examples=20)
@given(st.lists(st.tuples(MARKS, MARKS, MARKS), min_size=1, max_size=10), st.permutations(range(3)))
def test_the_order_of_reviewers_and_items_says_nothing(items, order):
    one, other = agreement(items), agreement([tuple(item[place] for place in order) for item in reversed(items)])
    for name in ("share", "ac1", "alpha"):
        first, second = getattr(one, name), getattr(other, name)
        assert first.n == second.n
        assert first.value == pytest.approx(second.value, abs=1e-12)


def test_three_reviewers_have_no_kappa():
    assert agreement(THREE).kappa.value is None


def test_reviewers_who_always_agree_have_the_interval_of_the_raw_share():
    found = agreement([("1", "1"), ("0", "0"), ("0", "0")])
    assert found.ac1.value == found.kappa.value == found.alpha.value == found.share.value == 1.0
    assert found.share.low == pytest.approx(0.4385, abs=1e-4)
    assert 0 > found.kappa.low > -1
    assert found.kappa.high == 1.0


def test_where_nothing_varies_kappa_and_alpha_are_not_defined():
    found = agreement([("0", "0")] * 20, ("0", "1"))
    assert found.kappa.value is None
    assert found.alpha.value is None
    assert (found.ac1.value, found.share.value) == (1.0, 1.0)
    assert found.ac1.low == found.share.low < 0.85


def test_without_a_second_mark_nothing_is_known():
    for items in ([], [("1", None), (None, "0")]):
        found = agreement(items)
        assert {each.value for each in (found.share, found.ac1, found.kappa, found.alpha)} == {None}


def test_marks_that_do_not_fit_are_refused():
    with pytest.raises(QualityError, match="item 2 has the marks of 1 reviewers, and item 1 of 2"):
        agreement([("1", "0"), ("1",)])
    with pytest.raises(QualityError, match="'3' is none of the categories 0, 1"):
        agreement([("1", "3")], ("0", "1"))


def _krippendorff(items):
    data = [[math.nan if mark is None else float(mark) for mark in column] for column in zip(*items, strict=True)]
    return krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
