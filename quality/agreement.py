"""Agreement of reviewers is always four figures at once, each with its n and interval: no coefficient is shown alone.

Where a fault is rare, 97 of 100 equal marks give a kappa of 0.39 and an AC1 of 0.97: kappa alone would call good
reviewers bad. The marks of one item are names of categories, or None where a reviewer gave none.

With r_ik reviewers who gave item i the category k, r_i in all, and π_k the mean of r_ik / r_i:
raw share `p`, the mean over items with two marks or more of `Σ_k r_ik·(r_ik - 1) / (r_i·(r_i - 1))`;
AC1 `(p - e) / (1 - e)` with `e = Σ_k π_k·(1 - π_k) / (q - 1)`, q categories;
Cohen's kappa, of two reviewers and the items that both marked, with `e = Σ_k π_1k·π_2k`;
Krippendorff's alpha (nominal) `1 - D_o / D_e` over the items with two marks or more.
The raw share has Wilson's interval on n items. The variance of a coefficient is that of its linearised values, item by
item, and its interval Student's t with n - 1 degrees of freedom; where these show no spread, as of reviewers who agreed
on every item, it is the raw share's interval, corrected for the same chance.

Sources: Gwet, Handbook of Inter-Rater Reliability (4th ed.), 2014, chapters 2 to 5; Cohen (1960), Educ. Psychol. Meas.
20, 37–46; Krippendorff, Content Analysis (3rd ed.), 2013, chapter 12.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quality.errors import QualityError
from quality.intervals import t_quantile, wilson

_NO_SPREAD = 1e-12
Item = Sequence[str | None]
"""The marks of one item, one a reviewer, in the same order for every item."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One figure of agreement. `value` is None where it is not defined: no item has two marks, or nothing varies.

    `error` is the standard error of a coefficient, None of the raw share and of a single item.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Items that it is computed of."""
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """All four figures. `kappa` is undefined unless there are just two reviewers."""

    share: Coefficient
    ac1: Coefficient
    kappa: Coefficient
    alpha: Coefficient


class _Known(NamedTuple):
    """What a coefficient is made of: raw share, agreement by chance, and the items."""

    share: float
    chance: float
    n: int


def agreement(items: Sequence[Item], categories: Collection[str] = (), level: float = 0.95) -> Agreement:
    """How far the reviewers agree. `categories` are those that a mark can have; by default, those that were given.

    Raises QualityError when items have different numbers of reviewers, and for a mark that is no category.
    """
    reviewers = len(items[0]) if items else 0
    for number, item in enumerate(items, 1):
        if len(item) != reviewers:
            raise QualityError(f"item {number} has the marks of {len(item)} reviewers, and item 1 of {reviewers}")
    given = {mark for item in items for mark in item if mark is not None}
    if categories and not given <= set(categories):
        raise QualityError(
            f"{min(given - set(categories))!r} is none of the categories {', '.join(sorted(categories))}"
        )
    names = sorted(set(categories) or given)
    counts = [Counter(mark for mark in item if mark is not None) for item in items]
    counts = [each for each in counts if each]
    both = [item for item in items if reviewers == 2 and None not in item]
    pairs = [(str(item[0]), str(item[1])) for item in both]
    return Agreement(_share(counts, level), _ac1(counts, names, level), _kappa(pairs, level), _alpha(counts, level))


def _share(counts: Sequence[Counter[str]], level: float) -> Coefficient:
    agreeing = [_agreeing(each) for each in counts if each.total() > 1]
    n = len(agreeing)
    if not n:
        return Coefficient(None, None, None, 0)
    share = math.fsum(agreeing) / n
    return Coefficient(share, *wilson(share, n, level), n)


def _ac1(counts: Sequence[Counter[str]], names: Sequence[str], level: float) -> Coefficient:
    n, q = len(counts), len(names)
    double = sum(each.total() > 1 for each in counts)
    if not double or q < 2:
        return Coefficient(None, None, None, double)
    share = math.fsum(_agreeing(each) for each in counts if each.total() > 1) / double
    prevalence = {name: math.fsum(each[name] / each.total() for each in counts) / n for name in names}
    chance = math.fsum(each * (1.0 - each) for each in prevalence.values()) / (q - 1)
    value = (share - chance) / (1.0 - chance)
    linear = []
    for each in counts:
        own = n / double * (_agreeing(each) - chance) / (1.0 - chance) if each.total() > 1 else 0.0
        expected = math.fsum((1.0 - prevalence[name]) * each[name] / each.total() for name in names) / (q - 1)
        linear.append(own - 2.0 * (1.0 - value) * (expected - chance) / (1.0 - chance))
    return _coefficient(value, linear, value, _Known(share, chance, double), level)


def _kappa(pairs: Sequence[tuple[str, str]], level: float) -> Coefficient:
    n = len(pairs)
    if not n:
        return Coefficient(None, None, None, 0)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    share = sum(one == other for one, other in pairs) / n
    # In whole numbers: chance is exactly 1 when both reviewers gave one category only.
    product = sum(first[name] * second[name] for name in first)
    if product == n * n:
        return Coefficient(None, None, None, n)
    chance = product / (n * n)
    value = (share - chance) / (1.0 - chance)
    linear = []
    for one, other in pairs:
        expected = (second[one] + first[other]) / (2.0 * n)
        linear.append(((one == other) - chance - 2.0 * (1.0 - value) * (expected - chance)) / (1.0 - chance))
    return _coefficient(value, linear, value, _Known(share, chance, n), level)


def _alpha(counts: Sequence[Counter[str]], level: float) -> Coefficient:
    double = [each for each in counts if each.total() > 1]
    n, marks = len(double), sum(each.total() for each in double)
    totals = sum(double, Counter())
    if len(totals) < 2:
        return Coefficient(None, None, None, n)
    mean = marks / n
    prevalence = {name: count / marks for name, count in totals.items()}
    chance = math.fsum(each * each for each in prevalence.values())
    # An item counts by its number of marks; the share is corrected for the marks being a finite lot.
    agreeing = [each.total() / mean * _agreeing(each) for each in double]
    plain = math.fsum(agreeing) / n
    share = plain + (1.0 - plain) / marks
    value, uncorrected = (share - chance) / (1.0 - chance), (plain - chance) / (1.0 - chance)
    linear = []
    for each, own in zip(double, agreeing, strict=True):
        more = each.total() / mean - 1.0
        expected = math.fsum(prevalence[name] * count for name, count in each.items()) / mean - chance * more
        linear.append((own - share * more - chance - 2.0 * (1.0 - uncorrected) * (expected - chance)) / (1.0 - chance))
    return _coefficient(value, linear, uncorrected, _Known(share, chance, n), level)


def _agreeing(counts: Counter[str]) -> float:
    """The share of pairs of this item's marks that are equal."""
    marks = counts.total()
    return sum(each * (each - 1) for each in counts.values()) / (marks * (marks - 1))


def _coefficient(value: float, linear: Sequence[float], middle: float, known: _Known, level: float) -> Coefficient:
    """The coefficient with the interval that its linearised values of each item give."""
    count = len(linear)
    error = math.sqrt(math.fsum((each - middle) ** 2 for each in linear) / (count * (count - 1))) if count > 1 else None
    if error is None or error < _NO_SPREAD:
        low, high = ((end - known.chance) / (1.0 - known.chance) for end in wilson(known.share, known.n, level))
    else:
        half = t_quantile(0.5 + level / 2.0, count - 1) * error
        low, high = value - half, value + half
    return Coefficient(value, max(-1.0, min(low, value)), min(1.0, max(high, value)), known.n, error)
