"""The metrics for Prometheus: the floor now, and counts since this server leads."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import acd.events as acd
from acd.callbacks.events import AttemptEnded
from acd.callbacks.states import LIVE, TASKS
from acd.commands import Command
from recordings.alarms import WORST
from server.eventlog.log import Entry
from server.hotline.live_call import Stage
from server.hotline.view import View
from tickets.severity import Level
from tickets.states import TicketState


class Metrics(Collector):
    """Counts the log's entries (`follow`), and reads the rest when it is asked for.

    `unwritable` gives how many events the log refused, `unreadable` how many of its entries could not be read,
    `refusals` how often strangers were refused at each door, `overdue` how many recordings are overdue,
    `one_way` in how many conversations only one side's sound comes, `trunks` a row for each trunk (`name`, `up`,
    `registered`, `calls`).
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        view: View,
        *,
        unwritable: Callable[[], int] = lambda: 0,
        unreadable: Callable[[], int] = lambda: 0,
        refusals: Callable[[], Mapping[str, int]] = dict,
        overdue: Callable[[], int] = lambda: 0,
        one_way: Callable[[], int] = lambda: 0,
        trunks: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    ) -> None:
        self._view, self._unwritable, self._unreadable = view, unwritable, unreadable
        self._refusals, self._overdue, self._one_way, self._trunks = refusals, overdue, one_way, trunks
        self._arrived = Counter("sansheng_calls", "Calls answered by the hotline.", registry=registry)
        self._ended = Counter("sansheng_calls_ended", "Calls that are over.", ["cause"], registry=registry)
        self._answer = Histogram(
            "sansheng_answer_seconds",
            "From INVITE to the hotline's answer; three rings are 15 s.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
            registry=registry,
        )
        self._offers = Counter("sansheng_offers_failed", "Offers that nobody answered.", ["outcome"], registry=registry)
        self._attempts = Counter(
            "sansheng_callback_attempts", "Times a customer was called back.", ["outcome"], registry=registry
        )
        self._sound = Counter(
            "sansheng_one_way_sound", "Conversations' sides of which no sound came.", ["side"], registry=registry
        )
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """The gauges, taken when they are asked for."""
        calls = GaugeMetricFamily("sansheng_calls_now", "Calls in progress.", labels=["stage"])
        stages = dict.fromkeys(Stage, 0)
        for call in self._view.calls:
            stages[call.stage] += 1
        for stage, count in stages.items():
            calls.add_metric([stage], count)
        yield calls
        agents = GaugeMetricFamily("sansheng_agents", "Agents.", labels=["status", "state"])
        axes: dict[tuple[str, str], int] = {}
        for agent in self._view.floor.agents():
            axes[agent.status, agent.state] = axes.get((agent.status, agent.state), 0) + 1
        for (status, state), count in axes.items():
            agents.add_metric([status, state], count)
        yield agents
        refused = CounterMetricFamily("sansheng_refused", "What strangers tried in vain.", labels=["door"])
        for door, count in self._refusals().items():
            refused.add_metric([door], count)
        yield refused
        yield from self._of_trunks()
        yield from self._callbacks()
        yield from self._tickets()
        yield from self._estimates()
        yield GaugeMetricFamily(
            "sansheng_recordings_overdue",
            "Recordings that are neither joined nor missing too long after their conversation.",
            value=self._overdue(),
        )
        alarms = GaugeMetricFamily(
            "sansheng_recording_alarms", "Recordings with a fault that nobody has settled.", labels=["what"]
        )
        kinds = dict.fromkeys(WORST, 0)
        for alarm in self._view.recording_alarms:
            kinds[alarm.what] = kinds.get(alarm.what, 0) + 1
        for what, count in kinds.items():
            alarms.add_metric([what], count)
        yield alarms
        yield GaugeMetricFamily(
            "sansheng_one_way_sound_now", "Conversations of which only one side's sound comes.", value=self._one_way()
        )
        yield GaugeMetricFamily(
            "sansheng_log_unreadable", "Log entries set aside that nobody has settled.", value=self._unreadable()
        )
        yield CounterMetricFamily(
            "sansheng_log_refused", "Events left out, as the log could not give them back.", self._unwritable()
        )
        differ = CounterMetricFamily(
            "sansheng_log_notes_differ", "Notes of the log that are not what follows here.", labels=["difference"]
        )
        for difference, count in self._view.differences.items():
            differ.add_metric([difference], count)
        yield differ

    def _of_trunks(self) -> Iterable[Metric]:
        """Whether each trunk is up and registered, where it registers, and the calls on it."""
        up = GaugeMetricFamily("sansheng_trunk_up", "Whether calls can go by the trunk.", labels=["trunk"])
        registered = GaugeMetricFamily(
            "sansheng_trunk_registered", "Whether the trunk's registration stands.", labels=["trunk"]
        )
        calls = GaugeMetricFamily("sansheng_trunk_calls", "Calls on the trunk, both ways.", labels=["trunk"])
        for row in self._trunks():
            up.add_metric([row["name"]], row["up"])
            calls.add_metric([row["name"]], row["calls"])
            if row["registered"] is not None:
                registered.add_metric([row["name"]], row["registered"])
        yield from (up, registered, calls)

    def _callbacks(self) -> Iterable[Metric]:
        """The promises by state; expired and unconfirmed ones are tasks."""
        callbacks = self._view.callbacks
        promises = GaugeMetricFamily("sansheng_callback_promises", "Promises to be kept.", labels=["state"])
        states = dict.fromkeys((*sorted(LIVE), *sorted(TASKS)), 0)
        for promise in callbacks.promises():
            states[promise.state] += 1
        for state, count in states.items():
            promises.add_metric([state], count)
        yield promises
        active = GaugeMetricFamily(
            "sansheng_callback_mode_active", "Whether numbers are taken instead of holding callers.", labels=["queue"]
        )
        for mode in callbacks.modes()[1:]:
            active.add_metric([mode.scope], mode.active)
        yield active

    def _tickets(self) -> Iterable[Metric]:
        """The open tickets by state, and those with a limit that is over and not met, by whose matter they are."""
        tickets = GaugeMetricFamily("sansheng_tickets_open", "Tickets that are not closed.", labels=["state"])
        late = GaugeMetricFamily("sansheng_tickets_overdue", "Tickets with a limit that is over.", labels=["level"])
        states: Counted[str] = Counted(dict.fromkeys(list(TicketState)[:-1], 0))
        levels: Counted[str] = Counted(dict.fromkeys(Level, 0))
        for case in self._view.tickets:
            states[case.state] += 1
            levels[case.level] += any(limit in case.overdue for limit in case.running())
        for state, count in states.items():
            tickets.add_metric([state], count)
        for level, count in levels.items():
            late.add_metric([level], count)
        yield tickets
        yield late

    def _estimates(self) -> Iterable[Metric]:
        """How good the estimated wait is: ideally half of the waits end within p50, and nine in ten within p90."""
        judged = GaugeMetricFamily(
            "sansheng_estimates_judged", "Estimated waits that came to an end.", labels=["queue"]
        )
        within = GaugeMetricFamily(
            "sansheng_estimate_within", "Share of waits that ended within the estimate.", labels=["queue", "quantile"]
        )
        for queue, shares in self._view.floor.accuracy().items():
            judged.add_metric([queue], shares["judged"])
            if shares["judged"]:
                within.add_metric([queue, "0.5"], shares["within_p50"])
                within.add_metric([queue, "0.9"], shares["within_p90"])
        yield judged
        yield within

    def follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """Count what an entry says."""
        match entry.event:
            case acd.CallArrived(invited_at=invited):
                self._arrived.inc()
                self._answer.observe(max(0.0, entry.at - invited))
            case acd.CallEnded(cause=cause):
                self._ended.labels(cause).inc()
            case acd.OfferFailed(outcome=outcome):
                self._offers.labels(outcome).inc()
            case acd.SoundStopped(side=side):
                self._sound.labels(side).inc()
            case AttemptEnded(outcome=outcome):
                self._attempts.labels(outcome).inc()
            case acd.Joined(call=number):
                call = self._view.calls.get(number)
                if call is not None and call.promise and not call.served:
                    self._attempts.labels("connected").inc()
