"""What one row adds to the counts of reports: a function of the row alone, so that counts can always be made again.

Everything of a call counts in the slot in which it was offered, and for the queue that it reached last; only agents'
times count when they were spent. The keys are (slot, kind, queue, category, agent).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from acd.callbacks.states import PromiseState
from server.storage.figures.counts import SLOT, Counts, add, days_of, slot_of, step_of
from server.storage.projections.outcome import Outcome

COMPLAINT = "complaint"
"""The business type whose tickets are complaints."""
NOT_MISSED = frozenset({"answered", "caller_gone", "withdrawn"})
"""Outcomes of an offer that are no fault of the agent or the phone."""
DUE = "due"
"""The kind of counts that may lie in slots to come."""
ALARM = "alarm"
"""The kind of counts that entries add by themselves."""
ANSWER = "answer"
"""The kind of counts of what customers answered in follow-up calls, by question and answer in the place of an agent."""
FOLLOW_UP_WITHIN = 86_400
"""Seconds from a solution within which its follow-up is in time."""
SORTING = "sorting"
"""The kind of counts that say again, by dispatcher, what was dispatched and what of it was wrong."""
HANDLING = frozenset({"on_call", "wrap_up"})
MARKS = frozenset("12345")
"""Answers that are a mark; 5 is very satisfied."""


class Key(NamedTuple):
    """Where counts are kept."""

    slot: int
    kind: str
    queue: str = ""
    category: str = ""
    agent: str = ""


Contribution = dict[Key, Counts]


def of_call(call: Any, legs: Sequence[Any]) -> Contribution:
    """Of a call and its legs."""
    found: Contribution = {}
    if call.offered_at is None:
        return found
    slot = slot_of(call.offered_at.timestamp())
    category = call.category or call.business
    whole = {"outbound_calls": 1, "outbound_reached": int(call.connected_at is not None)}
    whole = whole if call.direction == "outbound" else _inbound(call)
    served = _of_matter(call)
    of_legs = [(leg.agent, _of_leg(leg)) for leg in legs]
    _put(found, Key(slot, "call", call.queue, category), whole, served, *(counts for _, counts in of_legs))
    for agent, counts in of_legs:
        _put(found, Key(slot, "agent", call.queue, agent=agent), counts)
    if call.agent:
        _put(found, Key(slot, "agent", call.queue, agent=call.agent), served)
    return found


def _inbound(call: Any) -> Counts:
    counts = {"calls": 1, "withheld": int(not call.caller)}
    if call.queued_at is None:
        counts[f"unasked_{call.outcome or 'open'}"] = 1
        return counts
    counts["asked"] = 1
    if call.connected_at is not None:
        waited = max(0.0, (call.connected_at - call.queued_at).total_seconds())
        return counts | {"answered": 1, "wait_ms": _ms(waited), f"wait:{step_of(waited)}": 1}
    counts[call.outcome or "open"] = 1
    if call.outcome in (Outcome.ABANDONED, Outcome.SHORT_ABANDONED) and call.ended_at is not None:
        waited = max(0.0, (call.ended_at - call.queued_at).total_seconds())
        counts[f"gave_up:{step_of(waited)}"] = 1
    return counts


def _of_matter(call: Any) -> Counts:
    """What the caller and the agent who had the call last made of it."""
    counts: Counts = {}
    if call.satisfaction is not None:
        counts |= {"rated": 1, "score": call.satisfaction, "satisfied": int(call.satisfaction >= 4)}
    if call.direction != "outbound":
        counts |= {"with_ticket": int(call.ticket is not None)}
        counts |= {"complaints": int(bool(call.opened_ticket) and call.business == COMPLAINT)}
        if call.connected_at is not None and call.ended_at is not None:
            counts["handled_calls"] = 1
            if call.caller:
                counts[f"contact:{days_of(call.since_contact)}:{days_of(call.until_contact)}"] = 1
    return counts


def _of_leg(leg: Any) -> Counts:
    counts = {"offers": int(leg.offer is not None)}
    if leg.outcome is not None and leg.outcome not in NOT_MISSED:
        counts["missed"] = 1
    if leg.outcome == "answered" and leg.joined_at is not None:
        counts |= {"legs": 1, "talk_ms": _ms(leg.talked), "hold_ms": _ms(leg.held), "wrap_ms": _ms(leg.wrapped)}
    return counts


def of_interval(interval: Any) -> Contribution:
    """Of an agent's time in one state, once it is over: in each slot what was spent in it."""
    if interval.ended_at is None:
        return {}
    return spent(interval, interval.ended_at)


def spent(interval: Any, until: datetime) -> Contribution:
    """Of an agent's time up to an instant."""
    found: Contribution = {}
    name = _time(interval.status, interval.state)
    if name:
        for slot, ms in _slots(_ms(interval.began_at.timestamp()), _ms(until.timestamp())):
            _put(found, Key(slot, "time", agent=interval.agent), {"signed_in_ms": ms, name: ms})
    return found


def _time(status: str, state: str) -> str:
    """Under which name an agent's time counts; empty while signed out."""
    if state in HANDLING:
        return "handling_ms"
    if state in ("reserved", "ringing"):
        return "ringing_ms"
    if state == "occupied":
        return "own_calls_ms"
    return {"available": "idle_ms", "break": "break_ms"}.get(status, "")


def _slots(began: int, ended: int) -> Iterator[tuple[int, int]]:
    width = SLOT * 1000
    for slot in range(began // width, (max(began, ended) - 1) // width + 1):
        if (ms := min(ended, (slot + 1) * width) - max(began, slot * width)) > 0:
            yield slot, ms


def of_ticket(ticket: Any) -> Contribution:
    """Of when a ticket was opened and first dispatched, each in the slot in which it lies."""
    opened = {"tickets_opened": 1, "complaints_opened": int(ticket.business == COMPLAINT)}
    return _of_instants(
        ticket, ("ticket", ticket.opened_at, opened), ("ticket", ticket.dispatched_at, {"tickets_dispatched": 1})
    )


def of_round(round: Any) -> Contribution:
    """Of a ticket's round: its limits when they are due, and that it was settled, whatever later rounds do."""
    settled = {"tickets_settled": 1, "tickets_settled_first": int(round.round == 1 and not round.dispatches)}
    due = {"tickets_due": 1, "tickets_in_time": _met(round.resolved_at, round.resolve_by)}
    responses = {"responses_due": 1, "responses_in_time": _met(round.responded_at, round.respond_by)}
    until = round.resolved_at and round.resolved_at + timedelta(seconds=FOLLOW_UP_WITHIN)
    follow_up = {"follow_ups_due": 1, "follow_ups_in_time": _met(round.followed_up_at, until)}
    asked = {"follow_ups": 1, "follow_ups_decided": int(round.satisfied is not None)}
    found = _of_instants(
        round,
        (DUE, round.resolve_by, due),
        (DUE, round.respond_by, responses),
        (DUE, until, follow_up),
        ("ticket", round.resolved_at, settled),
        ("ticket", round.followed_up_at, asked | {"follow_ups_satisfied": int(bool(round.satisfied))}),
    )
    for answer in round.answers or ():
        _of_answer(found, round, answer)
    return found


def _of_answer(to: Contribution, round: Any, answer: dict[str, Any]) -> None:
    """Of one answer in a follow-up call, when it was given. One from 1 to 5 is a mark."""
    if (at := answer.get("at")) is None:  # the records of an earlier release
        if round.followed_up_at is None:
            return
        at = round.followed_up_at.timestamp()
    said = f"{answer['question']}: {answer['answer']}"
    _put(to, Key(slot_of(at), ANSWER, round.queue, round.category, said), {"answers": 1})
    if answer["answer"] in MARKS:
        counts = {"follow_up_marks": 1, "follow_up_score": int(answer["answer"])}
        _put(to, Key(slot_of(at), "ticket", round.queue, round.category, round.department), counts)


def of_dispatch(dispatch: Any) -> Contribution:
    """Of one dispatch, when it was made: for the department that got it, and for its dispatcher."""
    counts = {"dispatches": 1, "wrong_dispatches": int(dispatch.wrong)}
    found = _of_instants(dispatch, ("ticket", dispatch.at, counts))
    if dispatch.by:
        slot = slot_of(dispatch.at.timestamp())
        _put(found, Key(slot, SORTING, dispatch.queue, dispatch.category, dispatch.by), counts)
    return found


def _met(at: datetime | None, limit: datetime | None) -> int:
    return int(at is not None and limit is not None and at <= limit)


def _of_instants(row: Any, *parts: tuple[str, datetime | None, Counts]) -> Contribution:
    """(kind, when, counts) of a row that has a queue, a category and a department."""
    found: Contribution = {}
    for kind, instant, counts in parts:
        if instant is not None:
            slot = slot_of(instant.timestamp())
            _put(found, Key(slot, kind, row.queue, row.category, row.department), counts)
    return found


def of_recording(recording: Any) -> Contribution:
    """Of a recording, in the slot in which it began."""
    if recording.started_at is None:
        return {}
    missing = recording.state == "missing"
    counts = {"recordings": 1, "recordings_missing": int(missing)}
    counts["recordings_alarming"] = int(not missing and bool(recording.problem))
    found: Contribution = {}
    _put(found, Key(slot_of(recording.started_at.timestamp()), "recording", agent=recording.agent), counts)
    return found


def of_promise(promise: Any) -> Contribution:
    """Of a promise, in the slot in which it was made."""
    if promise.promised_at is None:
        return {}
    counts: Counts = {f"promises_{promise.state}": 1}
    if promise.state != PromiseState.UNCONFIRMED:
        counts["promises"] = 1
    if promise.connected_at is not None and promise.queued_at is not None:
        waited = max(0.0, (promise.connected_at - promise.queued_at).total_seconds())
        counts |= {"promises_connected": 1, f"promise_wait:{step_of(waited)}": 1}
    found: Contribution = {}
    _put(found, Key(slot_of(promise.promised_at.timestamp()), "promise", promise.queue, promise.category), counts)
    return found


def of_review(review: Any) -> Contribution:
    """Of a first score, in the slot in which it was given; what an appeal makes of it changes nothing here."""
    if review.scored_at is None:
        return {}
    first = review.data["first"]["score"]
    fatal = any(each["fatal"] for each in first["faults"])
    found: Contribution = {}
    counts = {"scored": 1, "passed": int(first["passed"]), "fatal": int(fatal)}
    _put(found, Key(slot_of(review.scored_at.timestamp()), "score", agent=review.agent), counts)
    return found


def difference(before: Iterable[Contribution], after: Iterable[Contribution]) -> Contribution:
    """What must be added to the counts when rows that added `before` add `after`."""
    found: Contribution = {}
    for many, times in ((before, -1), (after, 1)):
        for each in many:
            for key, counts in each.items():
                add(found.setdefault(key, {}), counts, times)
    return {key: counts for key, counts in found.items() if counts}


def _put(to: Contribution, key: Key, *counts: Counts) -> None:
    for each in counts:
        add(to.setdefault(key, {}), each)
    if not to[key]:
        del to[key]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
