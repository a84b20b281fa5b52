"""What callback mode came to in one day, by interval and queue. Intervals sum to the day.

A promise belongs to the interval in which it was made, with everything that came of it, whenever that was; an offer
to the one in which it was made. Waits are counted from the original call until customer and agent spoke.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from acd.callbacks.events import AttemptOutcome
from acd.callbacks.states import PromiseState
from server.storage.queries.paging import QueryError, iso
from server.storage.schema.callback_tables import CONNECTED, Attempt, CallbackOffer, Promise

BELONGS = (
    "a promise belongs to the interval in which it was made, with all that came of it; waits are counted from the"
    " original call"
)
OUTCOMES = (CONNECTED, *AttemptOutcome)
ACCEPTED = frozenset(("flow", "queue"))
"""Sources of promises that callers gave when they were offered one."""
ALL = "all"
_DAY = 86_400
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9998, 12, 31)
"""Days whose instants exist in every zone."""


@dataclass(slots=True)
class Tally:
    """The figures of one interval and queue."""

    offered: int = 0
    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    connected: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take these figures in."""
        self.offered += other.offered
        self.accepted += other.accepted
        self.states += other.states
        self.connected += other.connected
        self.attempts += other.attempts
        self.waits += other.waits

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it. `abandoned_by_us` are customers who picked up and were gone before an agent spoke."""
        ended = ("kept", "broken", "expired", "cancelled")
        promised = sum(self.states.values()) - self.states[PromiseState.UNCONFIRMED]
        return {
            "offered": self.offered,
            "accepted": self.accepted,
            "promised": promised,
            "connected": self.connected,
            **{state: self.states[state] for state in ended},
            "open": promised - sum(self.states[state] for state in ended),
            "unconfirmed": self.states[PromiseState.UNCONFIRMED],
            "attempts": sum(self.attempts.values()),
            "abandoned_by_us": self.attempts[str(AttemptOutcome.HUNG_UP)],
            "outcomes": {str(outcome): self.attempts[str(outcome)] for outcome in OUTCOMES if self.attempts[outcome]},
            "wait": _spread(self.waits),
        }


def callback_report(
    engine: Engine, day: date, zone: ZoneInfo, *, interval: int = 1800, queue: str | None = None
) -> dict[str, Any]:
    """The figures of one day of this zone; `interval` in seconds. Raises QueryError for what cannot be.

    `intervals` holds a row for every interval and queue in which something was, `queues` one for every queue,
    `total` the day.
    """
    if not 60 <= interval <= _DAY or _DAY % interval:
        raise QueryError(f"an interval of {interval} s does not divide a day: 15m, 30m, 1h and 1d do")
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise QueryError(f"there is no report of {day}: days are from {_FIRST_DAY} to {_LAST_DAY}")
    since = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    following = day + timedelta(days=1)
    until = datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)
    tallies: defaultdict[tuple[int, str], Tally] = defaultdict(Tally)
    with Session(engine) as session:
        _count(session, since, until, lambda at, name: tallies[int((at - since).total_seconds() // interval), name])
    if queue is not None:
        tallies = defaultdict(Tally, {key: tally for key, tally in tallies.items() if key[1] == queue})
    step = timedelta(seconds=interval)
    rows = [
        {
            "from": iso(since + place * step),
            "to": iso(min(since + (place + 1) * step, until)),
            "queue": name,
            **tallies[place, name].as_dict(),
        }
        for place, name in sorted(tallies)
    ]
    names = sorted({name for _, name in tallies})
    of_queues = {name: _sum(tally for (_, of_queue), tally in tallies.items() if of_queue == name) for name in names}
    return {
        "day": day.isoformat(),
        "zone": zone.key,
        "interval": interval,
        "belongs": BELONGS,
        "intervals": rows,
        "queues": [{"queue": name, **tally.as_dict()} for name, tally in of_queues.items()],
        "total": {"queue": queue or ALL, **_sum(of_queues.values()).as_dict()},
    }


def _count(session: Session, since: datetime, until: datetime, tally_of: Callable[[datetime, str], Tally]) -> None:
    """Count every offer and promise where it belongs: many promises, so nothing is made for each of them."""
    offers = select(CallbackOffer.at, CallbackOffer.queue)
    for at, queue in session.execute(offers.where(CallbackOffer.at >= since, CallbackOffer.at < until)):
        tally_of(at, queue).offered += 1
    made = (Promise.promised_at >= since, Promise.promised_at < until)
    tallies: dict[int, Tally] = {}
    columns = (Promise.id, Promise.promised_at, Promise.queue, Promise.source, Promise.state)
    wanted = select(*columns, Promise.connected_at, Promise.queued_at).where(*made)
    for number, promised_at, queue, source, state, connected_at, queued_at in session.execute(wanted):
        assert promised_at is not None
        tallies[number] = tally = tally_of(promised_at, queue)
        tally.accepted += source in ACCEPTED
        tally.states[str(PromiseState(state))] += 1
        if connected_at is not None:
            tally.connected += 1
            if queued_at is not None:
                tally.waits.append(max(0.0, (connected_at - queued_at).total_seconds()))
    tried = select(Attempt.promise, Attempt.outcome).join(Promise, Promise.id == Attempt.promise).where(*made)
    for promise, outcome in session.execute(tried):
        if promise in tallies:  # one that was made meanwhile is in the next report
            tallies[promise].attempts[outcome or "under_way"] += 1


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _spread(waits: list[float]) -> dict[str, float] | None:
    """Seconds; None when nobody was connected. A percentile is the wait that so many did not exceed."""
    if not waits:
        return None
    ordered = sorted(waits)
    percentiles = {f"p{share}": ordered[ceil(len(ordered) * share / 100) - 1] for share in (50, 90)}
    figures = {"mean": sum(ordered) / len(ordered), **percentiles, "max": ordered[-1]}
    return {name: round(seconds, 1) for name, seconds in figures.items()}
