"""Quantiles of t and Wilson's interval against closed forms and published tables."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.intervals import t_cdf, t_quantile, wilson

LEVELS = (0.55, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9999)


@pytest.mark.parametrize("level", LEVELS)
def test_the_quantile_is_the_closed_form_where_there_is_one(level):
    assert t_quantile(level, 1) == pytest.approx(math.tan(math.pi * (level - 0.5)), rel=1e-10)
    twice = 2 * level - 1
    assert t_quantile(level, 2) == pytest.approx(twice * math.sqrt(2 / (1 - twice**2)), rel=1e-10)
    product = 4 * level * (1 - level)
    root = math.cos(math.acos(math.sqrt(product)) / 3) / math.sqrt(product)
    assert t_quantile(level, 4) == pytest.approx(2 * math.sqrt(root - 1), rel=1e-10)


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    # Computed to 30 digits with mpmath, from the incomplete beta function.
    [
        (0.5, 164.557673480489),
        (1.5, 6.01666310442793),
        (2.75, 3.35254543306161),
        (3, 3.18244630528371),
        (6, 2.44691185114497),
        (6.25, 2.42338103036483),
        (9, 2.26215716279821),
        (39, 2.02269092003676),
        (120.25, 1.97988848202246),
        (240, 1.96989763507669),
        (1500, 1.96154675389502),
        (5000, 1.96043855170651),
    ],
)
def test_the_quantile_is_the_reference_for_other_degrees(degrees, quantile):
    assert t_quantile(0.975, degrees) == pytest.approx(quantile, rel=1e-10)


@pytest.mark.parametrize("level", LEVELS)
def test_many_degrees_are_the_normal_distribution(level):
    assert t_quantile(level, 1e12) == pytest.approx(NormalDist().inv_cdf(level), rel=1e-11)
    # The expansion takes over without a step.
    assert t_quantile(level, 1999.999999) == pytest.approx(t_quantile(level, 2000.0), rel=1e-9)


@settings(max_examples=25)
@given(st.floats(0.0005, 0.9995), st.floats(0.5, 1e4))
def test_the_quantile_is_the_inverse_of_the_distribution(level, degrees):
    assert t_cdf(t_quantile(level, degrees), degrees) == pytest.approx(level, abs=1e-9)
    assert t_quantile(1 - level, degrees) == pytest.approx(-t_quantile(level, degrees), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("level", "degrees"), [(0.0, 5), (1.0, 5), (0.9, 0), (0.9, float("nan")), (float("nan"), 5)])
def test_a_quantile_that_is_none_is_refused(level, degrees):
    with pytest.raises(ValueError, match="there is no quantile"):
        t_quantile(level, degrees)


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, 857-872, Table I, method 3.
    [
        (81 / 263, 263, 0.2553, 0.3662),
        (15 / 148, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1 / 29, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(share, n, low, high):
    assert wilson(share, n) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=25)
@given(st.floats(0, 1), st.floats(0.1, 1e5))
def test_wilsons_interval_holds_the_share(share, n):
    low, high = wilson(share, n)
    assert 0 <= low <= share <= high <= 1


def test_of_nothing_seen_nothing_is_known():
    assert wilson(0.0, 0) == (0.0, 1.0)
