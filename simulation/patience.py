"""How patient callers are, from a day on which most were answered: Kaplan and Meier's estimate.

A caller who was answered would have waited longer, for an unknown time. Counting only the callers who gave up would
make them look far less patient than they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from simulation.distributions import NEVER, Distribution, observed


def kaplan_meier(gave_up: Sequence[float], answered: Sequence[float]) -> Distribution:
    """Seconds until giving up, from the waits of those who did and of those who did not have to. What the longest
    wait leaves open counts as never."""
    if not gave_up:
        return NEVER
    at_risk = len(gave_up) + len(answered)
    ends = sorted([(wait, 0) for wait in gave_up] + [(wait, 1) for wait in answered])
    left, values, weights = 1.0, list[float](), list[float]()
    for wait, censored in ends:
        if not censored:
            share = left / at_risk
            if values and values[-1] == wait:
                weights[-1] += share
            else:
                values.append(wait)
                weights.append(share)
            left -= share
        at_risk -= 1
    if left > 1e-9:
        values.append(inf)
        weights.append(left)
    return observed(tuple(values), tuple(weights))


def longer_than(patience: Distribution, waited: float, rng: np.random.Generator) -> float:
    """One caller's patience, known to be more than `waited` seconds."""
    if not patience.values:
        return inf
    values, weights = np.array(patience.values), np.array(patience.weights)
    left = values > waited
    total = weights[left].sum()
    return float(rng.choice(values[left], p=weights[left] / total)) if total > 0 else inf
