"""Each row is drawn from the read view alone: the same state gives the same row on every server, and no row needs SQL.

`Drawing` reads; it keeps nothing but what it has looked up. What cannot be drawn, because the agent or the call is not
there any more, is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from acd.callbacks.states import ModeView, PromiseView
from acd.events import Status
from acd.floor.agents import AgentState
from acd.floor.calls import Call
from acd.floor.views import AgentView
from server.hotline.definitions import Definitions
from server.hotline.live_call import Leg, LiveCall, Stage
from server.hotline.outside_agents import number_in
from server.hotline.standing import Standing, standing
from server.hotline.view import View
from server.storage.notation import masked
from server.web.instants import instant
from server.web.live.alarm_rows import alarm_rows
from server.web.live.figures import DayFigures
from server.web.live.opinions import opinion_of
from server.web.live.personal_rows import BulletinRow
from server.web.live.rows import (
    AgentRow,
    AlarmRow,
    CallbackRow,
    CallRow,
    ModeRow,
    Monitoring,
    QueueMode,
    QueueRow,
    Staff,
    Thresholds,
)

CallState = Literal["ivr", "waiting", "ringing", "talking", "held", "outside", "survey"]
_STANDINGS = 4096
"""Callers whose standing is kept in mind."""
_FIVES = 60
"""Seconds from which on an estimate is told in steps of five: it moves with every departure."""


class Place(NamedTuple):
    """What the floor says of a waiting call beside what its events say."""

    position: int
    p50: int | None
    p90: int | None
    priority: int
    step: int
    reserved_for: str


class Drawing:
    """Draws rows from the view, and the figures of the day from `figures`."""

    def __init__(self, view: View, definitions: Callable[[], Definitions], figures: DayFigures) -> None:
        self._view, self._definitions, self.figures = view, definitions, figures
        self._standings: dict[str, Standing] = {}
        self._standings_of: tuple[object, int, object] = (None, 0, None)

    # Agents

    def agents(self) -> list[str]:
        """Every agent's number."""
        return [number for number, agent in self._view.floor.state.agents.items() if not agent.removed]

    def agent(self, number: str) -> AgentRow | None:
        """One agent's row."""
        agent = self._view.floor.agent(number)
        if agent is None:
            return None
        return AgentRow(
            id=agent.id,
            name=agent.name,
            teams=agent.teams,
            skills={skill.name: skill.level for skill in agent.skills},
            status=agent.status.value,
            reason=agent.reason,
            pending=agent.pending.value if agent.pending else None,
            state=agent.state.value,
            since=instant(since_of(agent)),
            call=agent.call or None,
            queue=agent.queue or self._queue_of(agent.call),
            held=agent.held,
            phone=agent.phone,
            contact="registered" if not agent.contact else "outside" if number_in(agent.contact) else "fixed",
            talks_with=agent.calling,
            rests_until=instant(agent.rests_until) if agent.rests_until > agent.since else None,
            wrap_up_until=moment(agent.wrap_until),
            today=self.figures.agent(agent.id),
        )

    def _queue_of(self, call: int) -> str:
        live = self._view.calls.get(call) if call else None
        return live.queue if live is not None else ""

    # Calls

    def places(self) -> dict[int, Place]:
        """Of each waiting call: its position and its expected wait. Looks at every waiting call."""
        state = self._view.floor.state
        found: dict[int, Place] = {}
        for name, queue in state.queues.items():
            numbers = queue.calls.ids()
            pace = self._view.floor.expected(name, 1) if numbers else None
            for position, number in enumerate(numbers, 1):
                found[number] = _place(state.calls[number], position, pace)
        return found

    def place(self, number: int) -> Place | None:
        """Of one waiting call; None if it does not wait."""
        floor = self._view.floor
        call = floor.state.calls.get(number)
        if call is None:
            return None
        position = floor.state.queues[call.queue].calls.index(call) + 1
        return _place(call, position, floor.expected(call.queue, 1))

    def call(self, number: int, place: Place | None) -> CallRow | None:
        """One call's row, with the whole number and with the supervisors who take part."""
        live = self._view.calls.get(number)
        if live is None:
            return None
        leg, asked, known = live.leg, live.asked, self.standing_of(live.caller)
        state, since = state_of(live)
        case = self._view.tickets.case(live.ticket) if live.ticket and live.ticket in self._view.tickets else None
        waits = place is not None and state in ("waiting", "ringing")
        monitors = [each for each in self._view.calls.monitors.values() if each.call == number]
        return CallRow(
            id=live.id,
            direction="outbound" if live.promise else "inbound",
            state=state,
            since=instant(since),
            number=live.caller,
            masked=False,
            withheld=not live.caller,
            name=live.name,
            customer=known.file.id if known.file else None,
            customer_class=known.file.customer_class if known.file else "",
            vip=known.vip or bool(asked and asked.vip),
            called=live.called,
            called_name=self._definitions().numbers.of(live.called).name if live.called else "",
            queue=live.queue,
            category=(asked.category if asked else "") or live.fields.get("category", ""),
            ticket=live.ticket,
            grade=case.grade.value if case else "",
            language=(asked.language if asked else "") or live.fields.get("language", ""),
            arrived_at=instant(live.arrived_at),
            waited_since=instant(asked.queued_at) if asked else None,
            position=place.position if place and waits else None,
            p50=place.p50 if place and waits else None,
            p90=place.p90 if place and waits else None,
            priority=place.priority if place else asked.priority if asked else 0,
            step=place.step if place else 0,
            reserved_for=place.reserved_for if place else "",
            agent=leg.agent if leg else "",
            offered_at=instant(leg.offered_at) if leg else None,
            ring_for=leg.ring_for if leg else None,
            joined_at=moment(leg.joined_at) if leg else None,
            hold=leg.hold if leg else "",
            asked=leg.asked if leg else "",
            promise=live.promise or None,
            promised=not live.reached,
            attached=live.attached,
            cut_off=live.cut_off,
            recording=self._recording(leg),
            monitors=tuple(Monitoring(by=each.by, mode=each.mode.value) for each in monitors),
        )

    def _recording(self, leg: Leg | None) -> Literal["on", "paused", "off"]:
        if leg is None or leg.joined_at is None or leg.outside:
            return "off"
        pauses = self._view.recording_pauses
        if pauses.left_out(leg.offer):
            return "off"
        return "paused" if pauses.silent(leg.offer) else "on"

    def standing_of(self, number: str) -> Standing:
        """How the hotline treats this caller; remembered until customers or definitions change."""
        customers, definitions = self._view.customers, self._definitions()
        of = (customers, customers.changes, definitions)
        if of != self._standings_of or len(self._standings) > _STANDINGS:
            self._standings, self._standings_of = {}, of
        found = self._standings.get(number)
        if found is None:
            found = self._standings[number] = standing(customers, definitions, number, self._view.at)
        return found

    # Queues and modes

    def queues(self) -> Iterator[QueueRow]:
        """Every queue of the definitions, and every other one in which a call waits."""
        view = self._view
        floor, state = view.floor, view.floor.state
        talking: dict[str, int] = {}
        for live in view.calls:
            if live.stage is Stage.TALKING:
                talking[live.queue] = talking.get(live.queue, 0) + 1
        for name, queue in list(state.queues.items()):
            calls = [state.calls[number] for number in queue.calls.ids()]
            held = [call for call in calls if not call.promised]
            profile = state.profiles.plan(queue.rules, queue.rules.own_requirement()).steps[0][1]
            p50, p90 = floor.expected(name, len(calls) + 1) or (None, None)
            mode = view.callbacks.mode(name)
            yield QueueRow(
                name=name,
                skill=queue.rules.skill,
                strategy=str(queue.rules.strategy),
                waiting=len(held),
                promised=len(calls) - len(held),
                oldest=moment(min((call.asked.queued_at for call in held), default=None)),
                agents=len(profile.staff),
                available=profile.manned,
                ready=len(profile.ready),
                talking=talking.get(name, 0),
                p50=rough(p50),
                p90=rough(p90),
                callback=QueueMode(mode=str(mode.mode), active=mode.active),
                now=self.figures.now(name),
                day=self.figures.day(name),
                thresholds=self.thresholds(name),
            )

    def thresholds(self, queue: str) -> Thresholds:
        """From when on a page shows that something is wrong with this queue."""
        rules = self._definitions().thresholds.of(queue)
        return Thresholds(
            service_level=rules.service_level,
            within=rules.within,
            service_level_low=rules.service_level_low,
            wait_long=rules.wait_long,
            wait_too_long=rules.wait_too_long,
            abandon_high=rules.abandon_high,
        )

    def modes(self) -> list[ModeRow]:
        """Callback mode for all, then of each queue."""
        return [self._mode(each) for each in self._view.callbacks.modes()]

    def _mode(self, mode: ModeView) -> ModeRow:
        opinion = self._view.callbacks.opinion(mode.scope)
        return ModeRow(
            scope=mode.scope,
            mode=mode.mode.value,
            active=mode.active,
            since=instant(mode.since),
            until=moment(mode.until),
            who=mode.who,
            reason=mode.reason,
            rule=mode.rule,
            full=mode.full,
            opinion=opinion_of(opinion) if opinion is not None else None,
        )

    def staff(self) -> Staff:
        """How many agents do what."""
        agents = [
            each
            for each in self._view.floor.state.agents.values()
            if each.status is not Status.SIGNED_OUT and not each.removed
        ]
        available = [each for each in agents if each.status is Status.AVAILABLE]
        return Staff(
            signed_in=len(agents),
            available=len(available),
            ready=sum(each.indexed for each in available),
            on_call=sum(each.state is AgentState.ON_CALL for each in agents),
            wrap_up=sum(each.state is AgentState.WRAP_UP for each in agents),
            on_break=len(agents) - len(available),
        )

    def oldest(self, queue: str) -> float | None:
        """Since when the caller waits who waits longest, in this queue or (all) in any."""
        state = self._view.floor.state
        queues = state.queues.values() if queue == "all" else [state.queues[queue]] if queue in state.queues else []
        waits = [state.calls[number].asked for each in queues for number in each.calls.ids()]
        return min((each.queued_at for each in waits if not each.promised), default=None)

    # Callbacks, bulletins, alarms

    def promises(self) -> list[int]:
        """Every open promise and task."""
        return [each.id for each in self._view.callbacks.promises()]

    def callback(self, number: int) -> CallbackRow | None:
        """One open promise's row, with the whole number."""
        promise = self._view.callbacks.promise(number)
        return _callback(promise) if promise is not None and (promise.live or promise.task) else None

    def bulletins(self, agent: str, now: float) -> list[BulletinRow]:
        """The bulletins that stand: those that concern this agent, or (empty) all."""
        known = self._view.floor.agent(agent) if agent else None
        return [
            BulletinRow(
                id=each.posted.bulletin,
                title=each.posted.title,
                text=each.posted.text,
                teams=each.posted.teams,
                by=each.posted.by,
                at=instant(each.at),
                until=moment(each.posted.until),
                read=agent in each.read if agent else None,
                readers=len(each.read),
            )
            for each in self._view.board.bulletins()
            if each.stands(now) and (known is None or each.concerns(known.teams))
        ]

    def alarms(self, warnings: Iterable[str]) -> list[AlarmRow]:
        """What is wrong with recordings, and what the hotline warns of."""
        return alarm_rows(self._view.recording_alarms, warnings)


def placed(row: CallRow, place: Place) -> CallRow:
    """The row of a call that waits, at its place of now."""
    waits = row.state in ("waiting", "ringing")
    return replace(
        row,
        position=place.position if waits else None,
        p50=place.p50 if waits else None,
        p90=place.p90 if waits else None,
        priority=place.priority,
        step=place.step,
        reserved_for=place.reserved_for,
    )


def _place(call: Call, position: int, pace: tuple[float, float] | None) -> Place:
    """`pace` is the expected wait of the first in line: that of the others is as many times as long."""
    p50, p90 = (position * pace[0], position * pace[1]) if pace is not None else (None, None)
    return Place(position, rough(p50), rough(p90), call.priority, call.step, call.reserved_for)


def since_of(agent: AgentView) -> float:
    """When the state or the status began, the later."""
    return max(agent.since, agent.status_since)


def state_of(live: LiveCall) -> tuple[CallState, float]:
    """(where the call is, since when)."""
    leg = live.leg
    match live.stage:
        case Stage.TALKING if leg is not None and leg.hold:
            return "held", leg.hold_since
        case Stage.TALKING:
            since = (leg.joined_at or leg.answered_at) if leg is not None else None
            return "talking", since or live.stage_since or live.arrived_at
        case Stage.WAITING if leg is not None and leg.answered_at is None:
            return "ringing", leg.offered_at
        case Stage.WAITING:
            return "waiting", live.stage_since or live.arrived_at
        case Stage.OUTSIDE:
            return "outside", live.stage_since or live.arrived_at
        case Stage.AFTER:
            return "survey", live.stage_since or live.arrived_at
        case _:
            return "ivr", live.stage_since or live.arrived_at


def hidden(number: str, name: str) -> tuple[str, str]:
    """Number and name as they are shown to those who may not see the number: networks put it into the name, too."""
    in_name = sum(character.isdecimal() for character in name)
    return masked(number), masked(name) if in_name >= 5 else name


def moment(seconds: float | None) -> str | None:
    """An instant that may not be."""
    return instant(seconds) if seconds is not None else None


def rough(seconds: float | None) -> int | None:
    """An estimate as it is told."""
    if seconds is None:
        return None
    return round(seconds) if seconds < _FIVES else 5 * round(seconds / 5)


def _callback(promise: PromiseView) -> CallbackRow:
    return CallbackRow(
        id=promise.id,
        number=promise.number,
        masked=False,
        queue=promise.queue,
        category=promise.category,
        state=promise.state.value,
        task=promise.task,
        attempts=promise.attempts,
        promised_at=instant(promise.promised_at),
        queued_at=instant(promise.queued_at),
        due_at=instant(promise.due_at),
        expires_at=instant(promise.expires_at),
        priority=promise.priority,
        vip=promise.vip,
        owner=promise.owner,
        call=promise.call,
        origin=promise.origin or None,
        ticket=promise.ticket,
        reason=promise.reason,
        source=promise.source,
        purpose=promise.purpose,
        last=promise.last,
        asked=promise.asked,
    )
