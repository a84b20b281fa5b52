"""Rows that are drawn again where the log marked something are those that a new board draws: whatever happens."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import acd.events as acd
import ivr.events as ivr
from acd.callbacks.events import Mode, ModeSet, PromiseAsked
from acd.policy.definitions import Requirement, Skill
from knowledge.events import BulletinPosted, BulletinRead
from server.eventlog.log import Entry
from server.hotline.state import HotlineState
from server.hotline.view import View
from server.web.live.board import SHARED, Board, Change
from server.web.live.drawing import Drawing, hidden
from server.web.live.figures import DayFigures
from tests.recorded import played
from tests.server.web.api_server import usual_definitions

NOW = 1_800_000_000.0


class NoRecords:
    async def counts_since(self, slot: int) -> list[Any]:
        return []


def board_of(state: HotlineState) -> Board:
    view = View(lambda: state)
    figures = DayFigures(NoRecords, lambda: ZoneInfo("Asia/Shanghai"), lambda queue: 20, lambda: NOW)
    return Board(view, usual_definitions, Drawing(view, usual_definitions, figures), clock=lambda: NOW)


def shown(board: Board) -> dict[str, dict[Any, Any]]:
    """Every row, whole."""
    return {kind: {key: json.loads(kept.whole) for key, kept in board.rows(kind).items()} for kind in SHARED}


def replayed(rows: dict[str, dict[Any, Any]], changes: Iterable[Change]) -> None:
    """What a client makes of what it is told."""
    for change in changes:
        if change.kind == "tickets":
            continue  # no snapshot has them
        if change.kept is None:
            assert rows[change.kind].pop(change.key, None) is not None, "what was never told is not taken away"
        else:
            rows[change.kind][change.key] = json.loads(change.kept.whole)


def fresh(state: HotlineState) -> dict[str, dict[Any, Any]]:
    """The rows of a server that has just come to this state: the marks of the other board stay."""
    marks = state.changes
    state.changes = type(marks)()
    try:
        board = board_of(state)
        board.refresh(figures=True)
        return shown(board)
    finally:
        state.changes = marks


def test_a_recorded_log_told_in_steps_shows_at_each_what_a_snapshot_shows() -> None:
    state = HotlineState()
    board, client = board_of(state), {kind: {} for kind in SHARED}
    for place, entry in enumerate(played.entries()):
        state.play(entry)
        if place % 7 == 0:
            replayed(client, board.refresh(figures=True))
        if place % 210 == 0:
            assert client == shown(board) == fresh(state), f"after entry {place}"
    replayed(client, board.refresh(figures=True))
    assert client == shown(board) == fresh(state)


def test_what_is_played_while_rows_are_drawn_is_told_the_next_time() -> None:
    state = HotlineState()
    board, client, left = board_of(state), {kind: {} for kind in SHARED}, iter(played.entries())
    more = True
    while more:
        for entry in islice(left, 5):
            state.play(entry)
        told = []
        for place, change in enumerate(board.changes(figures=True)):
            told += [change] if change is not None else []
            if place % 4 == 0 and (entry := next(left, None)) is not None:
                state.play(entry)
        replayed(client, told)
        more = (entry := next(left, None)) is not None
        if entry is not None:
            state.play(entry)
    replayed(client, board.refresh(figures=True))
    assert client == shown(board) == fresh(state)


COMPLAINT = Requirement((Skill("complaint"),))
AGENTS, CALLS = ("1001", "1002", "1003"), (1, 2, 3, 4)
agents, calls = st.sampled_from(AGENTS), st.sampled_from(CALLS)
WHAT_HAPPENS = st.one_of(
    st.builds(
        lambda agent, level: acd.AgentDefined(agent, agent, (Skill("complaint", level),)), agents, st.integers(1, 9)
    ),
    st.builds(acd.StatusSet, agents, st.sampled_from(acd.Status), st.sampled_from(("", "lunch"))),
    st.builds(acd.PhoneSeen, agents, st.booleans()),
    st.builds(acd.AgentRemoved, agents),
    st.builds(acd.WrapUpExtended, agents, st.just(60.0)),
    st.builds(acd.WrapUpEnded, agents),
    st.builds(
        lambda call: acd.CallArrived(call, f"1380013800{call}", "4001", f"PJSIP/{call}", f"u{call}", NOW, "one"), calls
    ),
    st.builds(
        lambda call, owner: acd.CallQueued(
            call, "complaint", COMPLAINT, NOW, caller=f"1380013800{call}", category="attitude", owner=owner
        ),
        calls,
        st.sampled_from(("", *AGENTS)),
    ),
    st.builds(acd.PrioritySet, calls, st.integers(0, 90)),
    st.builds(lambda call: acd.CallMoved(call, "inquiry", Requirement((Skill("inquiry"),)), "wang"), calls),
    st.builds(acd.CallDetached, calls),
    st.builds(acd.CallAttached, calls),
    st.builds(acd.CallLeftQueue, calls, st.just("message")),
    st.builds(acd.CallEnded, calls, st.just("caller_hung_up")),
    st.builds(acd.OfferRinging, st.integers(1, 6)),
    st.builds(acd.OfferAnswered, st.integers(1, 6)),
    st.builds(acd.OfferFailed, st.integers(1, 6), st.sampled_from(acd.Outcome)),
    st.builds(acd.Joined, calls, agents),
    st.builds(acd.HoldStarted, calls, agents),
    st.builds(acd.HoldEnded, calls, agents),
    st.builds(acd.ConsultStarted, calls, agents, agents),
    st.builds(acd.ConsultEnded, calls, agents, agents),
    st.builds(acd.ConversationEnded, calls, agents, st.just("agent")),
    st.builds(acd.InternalCallStarted, agents, agents, st.just("c1")),
    st.builds(acd.InternalCallEnded, agents, agents, st.just("c1")),
    st.builds(lambda call, agent: acd.MonitorStarted(call, agent, "1009", channel="m1"), calls, agents),
    st.builds(lambda call, mode: acd.MonitorChanged(call, "1009", mode, "m1"), calls, st.sampled_from(acd.Monitor)),
    st.builds(lambda call: acd.MonitorEnded(call, "1001", "1009", channel="m1"), calls),
    st.builds(ivr.FieldSet, calls, st.just("category"), st.just("process")),
    st.builds(lambda call: PromiseAsked(f"1390013800{call}", "complaint", call=call), calls),
    st.builds(lambda mode: ModeSet("complaint", mode, "wang"), st.sampled_from(Mode)),
    st.builds(lambda number: BulletinPosted(number, "t", "x"), st.integers(1, 3)),
    st.builds(BulletinRead, st.integers(1, 3), agents),
    st.just(acd.Tick()),
)


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(WHAT_HAPPENS, st.sampled_from((0.1, 5.0, 40.0)), st.booleans()), max_size=40))
def test_rows_told_in_any_steps_are_those_of_a_snapshot(told: list[tuple[Any, float, bool]]) -> None:
    state, at = HotlineState(), NOW
    board, client = board_of(state), {kind: {} for kind in SHARED}
    state.play(Entry("1-0", at, acd.PolicySet(usual_definitions().policy)))
    for number, (event, later, looks) in enumerate(told, 2):
        at += later
        state.play(Entry(f"{number}-0", at, event))
        if looks:
            replayed(client, board.refresh(figures=True))
            assert client == shown(board) == fresh(state)
    replayed(client, board.refresh(figures=True))
    assert client == shown(board) == fresh(state)


def test_a_number_that_the_network_puts_into_the_name_is_hidden_too() -> None:
    assert hidden("13800138000", "13800138000") == ("138****8000", "138****8000")
    assert hidden("13800138000", "Li Ming") == ("138****8000", "Li Ming")


def test_marks_that_nobody_takes_do_not_grow_without_end() -> None:
    state = HotlineState()
    state.changes.take()
    for number in range(1, 30_000):
        state.changes.after(acd.CallDetached(number), (), ())
    assert state.changes.take().everything


def test_a_server_that_takes_over_goes_on_with_the_rows_of_the_one_before() -> None:
    log = played.entries()
    first = HotlineState()
    now = [first]
    view = View(lambda: now[0])
    figures = DayFigures(NoRecords, lambda: ZoneInfo("Asia/Shanghai"), lambda queue: 20, lambda: NOW)
    board = Board(view, usual_definitions, Drawing(view, usual_definitions, figures), clock=lambda: NOW)
    client: dict[str, dict[Any, Any]] = {kind: {} for kind in SHARED}
    for entry in log[:900]:
        first.play(entry)
    replayed(client, board.refresh(figures=True))
    now[0] = second = HotlineState.restore(first.snapshot())
    assert client == fresh(second)
    for entry in log[900:1000]:
        second.play(entry)
    replayed(client, board.refresh(figures=True))
    assert client == shown(board) == fresh(second)


def test_a_tick_draws_the_places_of_calls_later_and_then_rightly() -> None:
    state = HotlineState()
    board, client = board_of(state), {kind: {} for kind in SHARED}
    state.play(Entry("1-0", NOW, acd.PolicySet(usual_definitions().policy)))
    for call in CALLS:
        state.play(Entry(f"{2 * call}-0", NOW, acd.CallArrived(call, "", "4001", "x", f"u{call}", NOW, "one")))
        state.play(Entry(f"{2 * call + 1}-0", NOW + call, acd.CallQueued(call, "complaint", COMPLAINT, NOW + call)))
    replayed(client, board.refresh())
    state.play(Entry("20-0", NOW + 20, acd.CallEnded(1, "caller_hung_up")))
    changes = board.refresh(all_queues=False)
    assert [(change.kind, change.key) for change in changes if change.kind == "calls"] == [("calls", 1)]
    replayed(client, changes)
    assert client["calls"][2]["position"] == 2, "the others wait for their turn to be drawn"
    replayed(client, board.refresh())
    assert [client["calls"][call]["position"] for call in (2, 3, 4)] == [1, 2, 3]
