"""Quantiles of Student's t, and Wilson's interval of a share: plain arithmetic, accurate to 1e-9.

Sources: Abramowitz & Stegun 26.5.8 and 26.7 (incomplete beta function, t); Wilson (1927), JASA 22, 209–212.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_EXPANDED_FROM = 2000.0
"""Degrees of freedom from which four terms of the expansion about the normal quantile are exact to 1e-10."""


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: float) -> float:
    """The t value below which a share `probability` (0 to 1, exclusive) of Student's distribution lies.

    `degrees` of freedom are any number of 0.5 or more. Raises ValueError outside of that.
    """
    if not 0.0 < probability < 1.0 or not degrees >= 0.5:
        raise ValueError(f"there is no quantile {probability} of t with {degrees} degrees of freedom")
    if probability < 0.5:
        return -t_quantile(1.0 - probability, degrees)
    normal = _NORMAL.inv_cdf(probability)
    value = _expanded(normal, degrees)
    if probability == 0.5 or degrees >= _EXPANDED_FROM:
        return value
    low, high = 0.0, max(1.0, value)
    while t_cdf(high, degrees) < probability:
        low, high = high, 2.0 * high
    for _ in range(200):
        excess = t_cdf(value, degrees) - probability
        low, high = (low, value) if excess > 0 else (value, high)
        step = excess / _t_density(value, degrees)
        following = value - step
        if not low < following < high:
            following = (low + high) / 2.0
        if abs(following - value) <= 1e-12 * abs(following):
            return following
        value = following
    return value


def t_cdf(value: float, degrees: float) -> float:
    """The share of Student's distribution that lies below `value`."""
    tail = 0.5 * _incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + value * value))
    return 1.0 - tail if value > 0 else tail


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share that was seen in n cases; n may be an effective number. Within 0 to 1."""
    if n <= 0:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf(0.5 + level / 2.0)
    middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
    half = z / (1.0 + z * z / n) * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    # The ends are 0 and 1 exactly where nothing or everything was seen; rounding must not leave the share outside.
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)


def _expanded(z: float, degrees: float) -> float:
    """The quantile of t for the normal quantile z, by the expansion in 1 / degrees (Abramowitz & Stegun 26.7.5)."""
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
    return z + first / degrees + second / degrees**2 + third / degrees**3


def _t_density(value: float, degrees: float) -> float:
    log = math.lgamma((degrees + 1.0) / 2.0) - math.lgamma(degrees / 2.0) - 0.5 * math.log(degrees * math.pi)
    return math.exp(log - (degrees + 1.0) / 2.0 * math.log1p(value * value / degrees))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        return math.exp(log) * _beta_fraction(a, b, x) / a
    return 1.0 - math.exp(log) * _beta_fraction(b, a, 1.0 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, from front to back (modified Lentz)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0) or tiny)
    value = d
    for m in range(1, 10_000):
        change = 1.0
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d or tiny)
            c = 1.0 + term / c or tiny
            change = c * d
            value *= change
        if abs(change - 1.0) < 4e-16:
            break
    return value
