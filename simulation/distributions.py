"""How long something takes: a distribution is data, and draws with the generator that it is given.

One family covers what hotlines see: a gamma distribution by its mean and its coefficient of variation (`cv`), which is
exponential at 1, constant at 0 and, below 1, the hump of real handling times. Observed values are drawn as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tables.errors import Key, TableError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Seconds. With `values` those are drawn, each with its weight (none: evenly); `inf` among them means never."""

    mean: float
    cv: float = 1.0
    values: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """`count` independent seconds."""
        if self.values:
            shares = np.array(self.weights) / sum(self.weights) if self.weights else None
            return rng.choice(np.array(self.values), size=count, p=shares)
        if not isfinite(self.mean) or self.cv == 0 or self.mean == 0:
            return np.full(count, self.mean)
        shape = self.cv**-2
        return rng.gamma(shape, self.mean / shape, count)


NEVER = Distribution(inf)
AT_ONCE = Distribution(0.0, 0.0)


def constant(seconds: float) -> Distribution:
    """Always as long."""
    return Distribution(seconds, 0.0)


def observed(values: tuple[float, ...], weights: tuple[float, ...] = ()) -> Distribution:
    """What was seen, drawn again."""
    finite = [(value, weight) for value, weight in zip(values, weights or (1.0,) * len(values), strict=True)]
    total = sum(weight for _, weight in finite)
    return Distribution(sum(value * weight for value, weight in finite) / total, 1.0, values, weights)


def read_distribution(value: Any, at: Key) -> Distribution:
    """A number (constant), `{mean, cv}` or `{values, weights}`. Raises TableError."""
    if _is_seconds(value):
        return constant(float(value))
    if not isinstance(value, Mapping):
        raise TableError(at, f"{value!r} is no duration: write seconds, or {{ mean = 240, cv = 0.8 }}")
    for key in value:
        if key not in ("mean", "cv", "values", "weights"):
            raise TableError((*at, key), "is not known: a duration has mean and cv, or values and weights")
    if "values" in value:
        return _read_observed(value, at)
    for key in ("mean", "cv"):
        if key in value and not _is_seconds(value[key]):
            raise TableError((*at, key), f"{value[key]!r} is not a number of 0 or more")
    if "mean" not in value:
        raise TableError(at, "a duration needs its mean in seconds, such as { mean = 240, cv = 0.8 }")
    cv = float(value.get("cv", 1.0))
    if cv > 20:
        raise TableError((*at, "cv"), f"{cv:g} is out of range: 0 (constant) to 20; exponential is 1")
    return Distribution(float(value["mean"]), cv)


def _read_observed(value: Mapping[str, Any], at: Key) -> Distribution:
    values, weights = value["values"], value.get("weights", [])
    for key, numbers in (("values", values), ("weights", weights)):
        if not isinstance(numbers, list) or not all(map(_is_seconds, numbers)):
            raise TableError((*at, key), "is a list of numbers of 0 or more")
    if not values:
        raise TableError((*at, "values"), "is empty: give at least one duration")
    if weights and (len(weights) != len(values) or not 0 < sum(weights) < inf):
        raise TableError((*at, "weights"), f"needs one weight for each of the {len(values)} values, not all 0")
    return observed(tuple(map(float, values)), tuple(map(float, weights)))


def _is_seconds(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and not isnan(value) and value >= 0
