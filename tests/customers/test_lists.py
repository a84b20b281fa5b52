"""Outbound lists: a line's way from its turn to its end, the proof of consent, and tables of lines."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from customers import list_log
from customers.list_events import LineRefused, ListCreated, ListEnded, ListLoaded, ListPaused, ListResumed
from customers.list_importing import read
from customers.lists import (
    BEHIND,
    PROOF_KEPT,
    TRANSITIONS,
    Line,
    LineState,
    ListRegister,
    ListRules,
    ListState,
    proof_of,
)

NOW = 1_800_000_000.0
RULES = ListRules("refusals", "拒收回访", "orders", "Wang", "agreed in the order", NOW + 86_400, "contract 7")


@pytest.fixture
def register() -> ListRegister:
    made = ListRegister()
    list_log.receive(made, ListCreated(1, RULES, "wang"), NOW)
    lines = tuple(Line(each, f"1380013800{each}", proof=f"recording {each} at 1.5") for each in (1, 2, 3))
    list_log.receive(made, ListLoaded(1, lines), NOW)
    return made


def states(register: ListRegister) -> list[str]:
    return [each.state.value for each in register.get(1).lines.values()]


def test_a_line_is_calling_while_its_promise_lives_and_then_what_the_promise_came_to(register) -> None:
    for line, (promise, end) in enumerate(((7, "kept"), (8, "broken"), (9, "cancelled")), 1):
        register.promised(f"1/{line}", promise, "pending", 0, "promised", NOW)
        register.attempted(promise, "busy", NOW + 1)
        register.promised(f"1/{line}", promise, "dialling", 1, "attempt 1", NOW + 2)
        assert states(register)[line - 1] == "calling"
        register.promised(f"1/{line}", promise, end, 1, f"it is {end}", NOW + 3)
    assert states(register) == ["reached", "not_reached", "stopped"]
    assert register.next_of(register.get(1)) is None
    first = register.get(1).lines[1]
    assert (first.outcomes, first.attempts, first.why) == ({"busy": 1}, 1, "it is kept")
    assert register.get(1).counts()["reached"] == 1


def test_a_paused_list_puts_its_lines_back_and_goes_on_with_them(register) -> None:
    register.promised("1/1", 7, "pending", 0, "promised", NOW)
    list_log.receive(register, ListPaused(1), NOW)
    register.promised("1/1", 7, "cancelled", 0, "paused", NOW)
    assert states(register) == ["waiting"] * 3
    assert list(register.get(1).waiting) == [2, 3, 1]
    list_log.receive(register, ListResumed(1), NOW)
    register.promised("1/1", 7, "pending", 0, "an old promise", NOW)
    assert states(register)[0] == "waiting"
    register.promised("1/1", 8, "pending", 0, "promised", NOW)
    assert states(register)[0] == "calling"


def test_an_ended_list_stays_ended_and_one_whose_end_has_come_is_ended(register) -> None:
    assert register.get(1).state_at(NOW + 86_400) is ListState.ENDED
    list_log.receive(register, ListEnded(1), NOW + 5)
    list_log.receive(register, ListResumed(1), NOW + 6)
    assert (register.get(1).state, register.get(1).over_at) == (ListState.ENDED, NOW + 5)


def test_a_refused_line_says_why_and_is_not_called(register) -> None:
    list_log.receive(register, LineRefused(1, 2, "marked do not call"), NOW)
    assert states(register) == ["waiting", "refused", "waiting"]
    assert register.get(1).lines[2].why == "marked do not call"


def test_the_proof_of_consent_is_held_for_thirty_days_after_the_end(register) -> None:
    assert register.recordings_held(NOW) == {1, 2, 3}
    end = RULES.until
    assert register.recordings_held(end + PROOF_KEPT - 1) == {1, 2, 3}
    assert register.recordings_held(end + PROOF_KEPT) == frozenset()
    assert proof_of("Recording 45 at 12.5") == ("recording", 45)
    assert proof_of("call 12 key 1") == ("call", 12)
    assert proof_of("contract of 2027, page 3") == ("other", 0)


def test_lists_that_ended_long_ago_are_forgotten(register) -> None:
    list_log.receive(register, ListCreated(2, RULES), NOW + 40 * 86_400)
    assert [each.id for each in register] == [2]


def test_a_snapshot_restores_the_same_lists(register) -> None:
    register.promised("1/1", 7, "pending", 0, "promised", NOW)
    data = msgspec.json.encode(register.snapshot())
    again = ListRegister.restore(json.loads(data))
    assert msgspec.json.encode(again.snapshot()) == data
    again.attempted(7, "busy", NOW)
    assert again.get(1).lines[1].outcomes == {"busy": 1}
    assert again.get(1).rules == RULES
    assert RULES.priority == BEHIND
    assert list(ListRegister.restore(None)) == []


def test_no_line_leads_back_but_by_a_pause_and_the_page_shows_the_same_table() -> None:
    back = [signal for (_, signal), after in TRANSITIONS.items() if after is LineState.WAITING]
    assert [each.value for each in back] == ["the list is paused"]
    page = (Path(__file__).parents[2] / "docs" / "outbound.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    shown = {tuple(cell.strip().strip("`") for cell in row.split("|")[1:-1]) for row in rows}
    assert {(state.value, signal.value, after.value) for (state, signal), after in TRANSITIONS.items()} <= shown


def check(text: str) -> tuple[str, str]:
    return (text, "") if len(text) == 11 else ("", f"{text} is not a telephone number")


def test_a_table_of_lines_is_read_with_its_proofs() -> None:
    table = "电话,姓名,订单号,凭证\n13800138000,王,A-1,recording 45 at 12.5\n13800138001,李,A-2,call 7 key 1\n"
    encoding, lines, wrong, count = read(table.encode("gb18030"), check, 5, proved=False)
    assert (encoding, count, wrong) == ("gb18030", 2, [])
    assert [(line.line, line.number, line.ref) for line in lines] == [
        (5, "13800138000", "A-1"),
        (6, "13800138001", "A-2"),
    ]


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("number\n13800138000\n", "proof", "nothing proves"),
        ("number,proof\n1380,x\n", "number", "not a telephone number"),
        ("number,proof\n13800138000,x\n13800138000,x\n", "number", "stands in line 2 too"),
        ("number,proof\n13800138000,x,y\n", "", "3 cells under 2 headings"),
    ],
)
def test_a_line_without_consent_or_with_a_wrong_number_is_a_fault(text: str, column: str, why: str) -> None:
    _, _, (fault,), _ = read(text.encode(), check, 1, proved=False)
    assert fault.column == column
    assert why in fault.why
