"""What people do with a ticket, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets import acts
from tickets.case import Case
from tickets.events import AccusedSet, AuthorityAsked, Escalated, OwnerSet, Redispatched, StateChanged
from tickets.limits import by_the_clock
from tickets.rules import Rules
from tickets.severity import Grade
from tickets.states import NEXT, TicketError, TicketState
from tickets.types import Field, FieldKind, TicketType

NOW = 1_800_000_000.0
TYPE = TicketType("refusal", fields=(Field("reason"),), checklist=("reason",), departments=("logistics",))
RULES = Rules(types=(TYPE,), departments=("logistics", "network"))


def case(**more: object) -> Case:
    return Case(1, "138", "complaint", "attitude", Grade.GENERAL, NOW, NOW, [1], **more)  # type: ignore[arg-type]


def test_a_ticket_goes_to_a_department_that_there_is():
    assert acts.set_state(case(), RULES, "dispatched", department="network") == [
        StateChanged(1, "dispatched", department="network")
    ]
    with pytest.raises(TicketError, match="a ticket does not go to it: it may go to logistics, network"):
        acts.set_state(case(), RULES, "dispatched", department="it")
    with pytest.raises(TicketError, match=r"name the department .* one of logistics, network"):
        acts.set_state(case(), RULES, "dispatched")
    with pytest.raises(TicketError, match="goes with dispatched alone"):
        acts.set_state(case(), RULES, "resolved", department="network")


def test_the_one_department_of_a_type_need_not_be_named_and_its_checklist_must_be_filled():
    with pytest.raises(TicketError, match=r"ticket 1 \(refusal\) cannot be dispatched: fill reason first"):
        acts.set_state(case(type="refusal"), RULES, "dispatched")
    filled = case(type="refusal", fields={"reason": "broken"})
    assert acts.set_state(filled, RULES, "dispatched")[0].department == "logistics"  # type: ignore[attr-defined]


def test_a_second_round_goes_to_the_department_of_the_first_unless_another_is_named():
    again = case(round=2, department="network")
    assert acts.set_state(again, RULES, "dispatched")[0].department == "network"  # type: ignore[attr-defined]


def test_a_wrong_dispatch_is_another_department_with_a_reason():
    wrong = case(state=TicketState.DISPATCHED, department="logistics")
    moved = acts.set_state(wrong, RULES, "dispatched", department="network", by="1001", why="wrong")
    assert moved == [Redispatched(1, "network", "1001", "wrong")]
    with pytest.raises(TicketError, match="is dispatched to logistics already"):
        acts.set_state(wrong, RULES, "dispatched", department="logistics", why="wrong")
    with pytest.raises(TicketError, match="name the department"):
        acts.set_state(wrong, RULES, "dispatched", why="wrong")


def test_an_accused_owner_owns_the_case_no_more():
    assert acts.accuse(case(owner="1001"), "1001", "1009", "named") == [
        AccusedSet(1, "1001", "1009", "named"),
        OwnerSet(1, "", "1009", "the case is about this agent"),
    ]
    with pytest.raises(TicketError, match="cannot own it"):
        acts.set_owner(case(accused="1001"), "1001")


def test_what_changes_nothing_is_no_event():
    known = case(owner="1001", accused="1002", confirmed="system", type="refusal", fields={"reason": "x"})
    assert acts.set_owner(known, "1001") == acts.accuse(known, "1002") == acts.confirm_category(known, "system") == []
    assert acts.fill(known, RULES, {"reason": " x "}) == acts.set_type(known, RULES, by_the_clock, "refusal", NOW) == []


def test_authority_is_asked_for_by_number_and_not_without_end():
    waiting = case(requests={"1": "refund"}, last_request=1)
    assert acts.ask_authority(waiting, " a visit ", "1001") == [AuthorityAsked(1, 2, "a visit", "1001")]
    with pytest.raises(TicketError, match="those that do: 1"):
        acts.answer_authority(waiting, 2, True)
    with pytest.raises(TicketError, match="20 requests wait"):
        acts.ask_authority(case(requests={f"{each}": "x" for each in range(20)}), "more")


def test_a_level_up_is_asked_for_until_it_is_the_managers():
    assert acts.escalate(case(), "1001", "out of my hands") == [
        Escalated(1, "leader", by="1001", why="out of my hands")
    ]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        (Field("a"), "  text  ", "text"),
        (Field("a", FieldKind.NUMBER), "1.50", "1.50"),
        (Field("a", FieldKind.NUMBER), "1e3", "1000"),
        (Field("a", FieldKind.DATE), "2027-02-28", "2027-02-28"),
        (Field("a", FieldKind.PHONE), "+86 (138) 0013-8000", "+8613800138000"),
        (Field("a", FieldKind.CHOICE, choices=("a", "b")), "b", "b"),
        (Field("a", FieldKind.FLAG), "Yes", "true"),
    ],
)
def test_a_field_keeps_one_form_of_its_value(field: Field, value: str, kept: str):
    assert field.read(value) == kept
    assert field.read(kept) == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field("a", longest=3), "four"),
        *((Field("a", FieldKind.NUMBER), each) for each in ("nan", "inf", "1e999999", "١٢x", "", "1" * 40)),
        (Field("a", FieldKind.NUMBER, most=9), "10"),
        *((Field("a", FieldKind.DATE), each) for each in ("2027-02-29", "20270101", "1999-12-31", "9999-12-31")),
        (Field("a", FieldKind.PHONE), "call me"),
        (Field("a", FieldKind.CHOICE, choices=("a",)), "b"),
        (Field("a", FieldKind.FLAG), "perhaps"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_with_its_name(field: Field, value: str):
    with pytest.raises(TicketError, match=r"^a: "):
        field.read(value)


@given(st.sampled_from(list(FieldKind)), st.text(max_size=40))
def test_any_text_is_read_or_refused_and_what_was_read_is_read_again_as_it_is(kind: FieldKind, value: str):
    field = Field("a", kind, choices=("yes", "no"), longest=20)
    try:
        kept = field.read(value)
    except TicketError:
        return
    assert field.read(kept) == kept


def test_the_page_on_tickets_has_the_table_of_states():
    page = (Path(__file__).parents[2] / "docs" / "tickets.md").read_text(encoding="utf-8")
    shown = {}
    for line in page.splitlines():
        cells = [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0] in set(TicketState):
            shown[cells[0]] = tuple(each.strip(" `") for each in cells[2].split(",") if each.strip() != "–")
    assert shown == {state.value: tuple(each.value for each in following) for state, following in NEXT.items()}
