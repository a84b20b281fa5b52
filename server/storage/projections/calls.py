"""From a log entry to rows: what each event says about calls, legs and agents. Told in order, each entry once.

An event of a type that has no rule here is kept in the archive and changes nothing else. Late and repeated facts
are harmless: what was known first stays, unless the event says more.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

import acd.callbacks.events as callback
import acd.events as acd
import ivr.events as ivr
from server.eventlog.derived_events import AgentNoted, Decided
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.tables import Agent, Decision, Message, NumberTaken, Segment

RULES = Rules()


# The caller


@RULES.on(acd.CallArrived)
def _(event: acd.CallArrived, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    call.node, call.channel, call.unique_id = event.node, event.channel, event.unique_id
    call.caller, call.called = event.caller, event.called
    call.offered_at = call.offered_at or utc(event.invited_at)
    call.answered_at = call.answered_at or utc(entry.at if event.answered_at is None else event.answered_at)


@RULES.on(acd.CallQueued)
def _(event: acd.CallQueued, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    call.queued_at = call.queued_at or utc(event.queued_at)
    call.queue, call.priority = event.queue, event.priority
    call.category, call.language = event.category or call.category, call.language or event.language
    call.caller = call.caller or event.caller
    call.left_queue_at, call.left_queue_why = None, ""


@RULES.on(acd.CallMoved)
def _(event: acd.CallMoved, entry: Entry, rows: Rows) -> None:
    rows.calls[event.call].queue = event.queue


@RULES.on(acd.PrioritySet)
def _(event: acd.PrioritySet, entry: Entry, rows: Rows) -> None:
    rows.calls[event.call].priority = event.priority


@RULES.on(acd.CallLeftQueue)
def _(event: acd.CallLeftQueue, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    call.left_queue_at, call.left_queue_why = utc(entry.at), event.why


@RULES.on(acd.CallEnded)
def _(event: acd.CallEnded, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    ended_at = utc(entry.at if event.ended_at is None else event.ended_at)
    call.ended_at, call.end_cause = call.ended_at or ended_at, call.end_cause or event.cause
    for leg in rows.legs(event.call):
        if leg.ended_at is None:
            leg.outcome = leg.outcome or acd.Outcome.CALLER_GONE
            _end_leg(leg, call.ended_at, "lost" if event.cause == "lost" else event.cause.removesuffix("_hung_up"))


@RULES.on(ivr.FlowMoved)
def _(event: ivr.FlowMoved, entry: Entry, rows: Rows) -> None:
    rows.calls[event.call].flow_node = f"{event.flow}:{event.node}"


@RULES.on(ivr.FieldSet)
def _(event: ivr.FieldSet, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    match event.field:
        case "business":
            call.business = event.value
        case "category":
            call.category = event.value
        case "language":
            call.language = event.value


@RULES.on(ivr.SatisfactionGiven)
def _(event: ivr.SatisfactionGiven, entry: Entry, rows: Rows) -> None:
    rows.calls[event.call].satisfaction = event.score


@RULES.on(ivr.MessageLeft)
def _(event: ivr.MessageLeft, entry: Entry, rows: Rows) -> None:
    ms, seq = entry_key(entry.id)
    rows.add(Message(ms=ms, seq=seq, call=event.call, at=utc(entry.at), path=event.path, seconds=event.seconds))
    rows.calls[event.call].message_left = True


@RULES.on(ivr.NumberTaken)
def _(event: ivr.NumberTaken, entry: Entry, rows: Rows) -> None:
    _number_taken(event, entry, rows)


@RULES.on(callback.PromiseAsked)
def _(event: callback.PromiseAsked, entry: Entry, rows: Rows) -> None:
    if event.source in (*callback.GIVEN, "hung_up"):  # the others were not asked for by a caller
        _number_taken(event, entry, rows)


def _number_taken(event: ivr.NumberTaken | callback.PromiseAsked, entry: Entry, rows: Rows) -> None:
    if event.spool_id and not rows.take_spooled(event.spool_id):
        return
    ms, seq = entry_key(entry.id)
    taken = NumberTaken(
        ms=ms,
        seq=seq,
        call=event.call or None,
        number=event.number,
        category=event.category,
        source=event.source,
        taken_at=utc(entry.at if event.taken_at is None else event.taken_at),
        spool_id=event.spool_id or None,
    )
    rows.add(taken)
    if event.call and event.source in callback.GIVEN:
        rows.calls[event.call].promised = True


# Legs


@RULES.on(Decided)
def _(event: Decided, entry: Entry, rows: Rows) -> None:
    decision = event.decision
    ms, seq = entry_key(entry.id)
    rows.plain.add(
        Decision,
        ms=ms,
        seq=seq,
        call=decision.call,
        at=utc(decision.at),
        kind=decision.kind,
        queue=decision.queue,
        agent=decision.agent,
        offer=decision.offer,
        data=msgspec.to_builtins(decision),
    )
    if decision.offer and decision.agent:
        if decision.kind == "handed_over":
            rows.number_leg(decision.call, decision.agent, decision.offer)
        leg = rows.leg(decision.offer, entry)
        rows.bind_leg(leg, decision.call)
        leg.agent, leg.queue = decision.agent, decision.queue
        leg.offered_at = leg.offered_at or utc(decision.at)


@RULES.on(acd.OfferRinging)
def _(event: acd.OfferRinging, entry: Entry, rows: Rows) -> None:
    leg = rows.leg(event.offer, entry)
    leg.rang_at = leg.rang_at or utc(entry.at)


@RULES.on(acd.OfferAnswered)
def _(event: acd.OfferAnswered, entry: Entry, rows: Rows) -> None:
    leg = rows.leg(event.offer, entry)
    leg.answered_at, leg.outcome = leg.answered_at or utc(entry.at), "answered"


@RULES.on(acd.OfferFailed)
def _(event: acd.OfferFailed, entry: Entry, rows: Rows) -> None:
    leg = rows.leg(event.offer, entry)
    if not leg.outcome:  # what Dial says of a phone whose offer was withdrawn says nothing
        leg.outcome, leg.detail = event.outcome, event.detail
    _end_leg(leg, utc(entry.at), "")


@RULES.on(acd.Joined)
def _(event: acd.Joined, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    call.connected_at = call.connected_at or utc(entry.at)
    call.agent = event.agent
    leg = _leg_of(rows, event.call, event.agent)
    if leg is not None:
        leg.joined_at = leg.joined_at or utc(entry.at)


@RULES.on(acd.ConversationEnded)
def _(event: acd.ConversationEnded, entry: Entry, rows: Rows) -> None:
    leg = _end_talk(rows, event, utc(entry.at if event.ended_at is None else event.ended_at), event.by)
    if event.broken is not None and leg is not None:
        _take_back(rows, event.call, leg, event.broken)


def _take_back(rows: Rows, number: int, leg: Segment, outcome: acd.Outcome) -> None:
    """It was no conversation that came to its end: the caller waits again, and nobody has handled the call by it."""
    leg.outcome = outcome
    call = rows.calls[number]
    if call.connected_at is not None and call.connected_at == leg.joined_at:
        call.connected_at, call.agent = None, ""


@RULES.on(acd.Transferred)
def _(event: acd.Transferred, entry: Entry, rows: Rows) -> None:
    at = utc(entry.at)
    leg = _end_talk(rows, event, at, "transfer")
    call = rows.calls[event.call]
    if event.kind == "queue":
        call.queue, call.left_queue_at, call.left_queue_why = event.to, None, ""
    elif event.attended:
        following = rows.begin_leg(entry)
        rows.bind_leg(following, event.call)
        following.agent, following.queue, following.outcome = event.to, leg.queue if leg else call.queue, "answered"
        following.offered_at = following.answered_at = following.joined_at = at
        call.agent = event.to if event.kind == "agent" else call.agent


def _end_talk(rows: Rows, event: acd.ConversationEnded | acd.Transferred, at: datetime, by: str) -> Segment | None:
    """The agent's part is over: its times go to the leg, and to the call's sum."""
    call = rows.calls[event.call]
    call.talked += event.talked
    call.held += event.held
    leg = _leg_of(rows, event.call, event.agent)
    if leg is not None:
        leg.talked, leg.held, leg.ended_at = event.talked, event.held, None
        _end_leg(leg, at, by)
    return leg


def _leg_of(rows: Rows, call: int, agent: str) -> Segment | None:
    """The agent's latest leg of the call that was answered."""
    legs = [leg for leg in rows.legs(call) if leg.agent == agent and leg.outcome == "answered"]
    return legs[-1] if legs else None


def _end_leg(leg: Segment, at: datetime, by: str) -> None:
    leg.ended_at, leg.ended_by = leg.ended_at or at, by or leg.ended_by


# Agents


@RULES.on(acd.AgentDefined)
def _(event: acd.AgentDefined, entry: Entry, rows: Rows) -> None:
    agent = rows.agents[event.agent]
    agent.name, agent.contact = event.name, event.contact
    agent.skills, agent.teams = {skill.name: skill.level for skill in event.skills}, list(event.teams)
    agent.since = agent.since or utc(entry.at)
    if agent.removed_at is not None:
        agent.removed_at, agent.reachable = None, None
        _note(agent, "signed_out", "idle", "", utc(entry.at))


@RULES.on(acd.AgentRemoved)
def _(event: acd.AgentRemoved, entry: Entry, rows: Rows) -> None:
    rows.agents[event.agent].removed_at = utc(entry.at)
    rows.end_interval(event.agent, utc(entry.at))


@RULES.on(acd.PhoneSeen)
def _(event: acd.PhoneSeen, entry: Entry, rows: Rows) -> None:
    rows.agents[event.agent].reachable = event.reachable


@RULES.on(AgentNoted)
def _(event: AgentNoted, entry: Entry, rows: Rows) -> None:
    at = rows.instant(entry)
    current = rows.open_interval(event.agent)
    now = (event.status, event.state, event.reason, event.call)
    if current is not None and (current.status, current.state, current.reason, current.call) == now:
        return
    ms, seq = entry_key(entry.id)
    if current is not None and current.state == "wrap_up" and current.after_call is not None:
        leg = _leg_of(rows, current.after_call, event.agent)
        if leg is not None:
            leg.wrapped += max(0.0, (at - current.began_at).total_seconds())
    rows.begin_interval(
        event.agent,
        at,
        ms=ms,
        seq=seq,
        status=event.status,
        state=event.state,
        reason=event.reason,
        call=event.call,
        after_call=(current.call or current.after_call) if event.state == "wrap_up" and current is not None else None,
    )
    _note(rows.agents[event.agent], event.status, event.state, event.reason, at)


def _note(agent: Agent, status: str, state: str, reason: str, at: datetime) -> None:
    agent.status, agent.state, agent.reason, agent.since = status, state, reason, at
