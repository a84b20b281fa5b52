"""Erlang A, against which the floor is held: waits and losses when callers give up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WithAbandonment:
    """Erlang A (M/M/c+M) in the steady state. Shares are of all calls; `wait` is seconds over all calls."""

    waits: float
    abandoned: float
    wait: float
    occupancy: float


def erlang_a(load: float, agents: int, handling: float, patience: float) -> WithAbandonment:
    """Callers give up after `patience` seconds on average. From the birth-and-death chain itself, no approximation."""
    arrivals, serving, leaving = load / handling, 1.0 / handling, 1.0 / patience
    weight, total, full, queue, busy = 1.0, 1.0, 0.0, 0.0, 0.0
    number = 0
    if agents == 0:
        full = 1.0
    while True:
        number += 1
        weight *= arrivals / (min(number, agents) * serving + max(0, number - agents) * leaving)
        total += weight
        busy += weight * min(number, agents)
        if number >= agents:
            full += weight
            queue += weight * (number - agents)
            if weight < 1e-13 * total and weight * number < 1e-13 * (queue + total):
                break
        if total > 1e200:
            weight, total, full, queue, busy = (each / 1e200 for each in (weight, total, full, queue, busy))
    mean_queue = queue / total
    return WithAbandonment(
        waits=full / total,
        abandoned=leaving * mean_queue / arrivals,
        wait=mean_queue / arrivals,
        occupancy=busy / total / agents if agents else 1.0,
    )
