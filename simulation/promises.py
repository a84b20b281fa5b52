"""What came of the promises of a day: how many were made and kept, and how long it took from the original call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from math import nan

import numpy as np

from acd.callbacks.states import PromiseState
from simulation.engine import Played
from simulation.fates import PromiseFate
from simulation.measures import ALL, Mean, mean_of
from simulation.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Promised:
    """One queue's promises on one day. `kept`, `broken` and `expired` are shares of those made; the others were still
    to be kept when the day was given up. `back…` are seconds from the original call to the conversation."""

    made: float
    kept: float
    broken: float
    expired: float
    back: float
    back_p50: float
    back_p95: float
    back_longest: float
    attempts: float
    """How often somebody's phone was dialled, for each promise."""


PROMISED = tuple(each.name for each in fields(Promised))


def promised(scenario: Scenario, played: Played) -> dict[str, Promised]:
    """Each queue of the day, by where the caller waited first, and `ALL`."""
    by_queue: dict[str, list[PromiseFate]] = {stream.queue: [] for stream in scenario.calls}
    for promise in played.promises:
        if promise.arrival.counted:
            by_queue.setdefault(promise.arrival.queued.queue, []).append(promise)
    everything = [promise for of_queue in by_queue.values() for promise in of_queue]
    return {queue: _promised(of_queue) for queue, of_queue in by_queue.items()} | {ALL: _promised(everything)}


def _promised(promises: Sequence[PromiseFate]) -> Promised:
    made = len(promises)
    back = np.array([each.after for each in promises if each.after is not None])

    def share(state: PromiseState) -> float:
        return sum(each.state is state for each in promises) / made if made else nan

    return Promised(
        made=made,
        kept=share(PromiseState.KEPT),
        broken=share(PromiseState.BROKEN),
        expired=share(PromiseState.EXPIRED),
        back=float(back.mean()) if back.size else nan,
        back_p50=float(np.quantile(back, 0.5)) if back.size else nan,
        back_p95=float(np.quantile(back, 0.95)) if back.size else nan,
        back_longest=float(back.max()) if back.size else nan,
        attempts=sum(len(each.outcomes) for each in promises) / made if made else nan,
    )


def means(days: Iterable[dict[str, Promised]]) -> dict[str, dict[str, Mean]]:
    """Queue → measure → mean and interval over the days."""
    known = list(days)
    queues = dict.fromkeys(queue for day in known for queue in day)
    return {
        queue: {name: mean_of(getattr(day[queue], name) for day in known if queue in day) for name in PROMISED}
        for queue in queues
    }
