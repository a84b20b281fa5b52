"""Marks: a customer's wish holds at once, a nuisance when it is confirmed; every mark in one table of states."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from customers.errors import CustomerError
from customers.events import (
    CustomerRemoved,
    CustomerSaved,
    CustomersImported,
    IdentityChecked,
    MarkConfirmed,
    MarkLifted,
    MarkPut,
)
from customers.files import CustomerFile
from customers.identity import FAILURES, fits, keep
from customers.marks import DAY, FIRST, TRANSITIONS, Mark, MarkSignal, MarkState
from customers.register import CustomerRegister

MOBILE, DESK, OTHER = "+8613800138000", "+861065529988", "+8613800138001"
NOW = 1_800_000_000.0


@pytest.fixture
def register() -> CustomerRegister:
    made = CustomerRegister()
    made.receive(CustomerSaved(CustomerFile(1, "Wang", (MOBILE, DESK), "vip")), NOW)
    return made


def test_a_number_belongs_to_one_file_and_the_last_one_that_was_saved_has_it(register) -> None:
    register.receive(CustomerSaved(CustomerFile(2, "Li", (DESK, OTHER))), NOW)
    assert register.of_number(DESK).id == 2
    assert register.file(1).numbers == (MOBILE,)
    with pytest.raises(CustomerError, match=r"\+8613800138000 belongs to customer 1 already"):
        register.check(CustomerFile(3, "Zhao", (MOBILE,)))
    with pytest.raises(CustomerError, match="needs a name, a number or a reference"):
        register.check(CustomerFile(3))


def test_a_file_that_loses_a_number_or_is_removed_is_found_by_it_no_more(register) -> None:
    register.receive(CustomerSaved(CustomerFile(1, "Wang", (DESK,), ref="A-7")), NOW)
    assert register.of_number(MOBILE) is None
    assert register.of_ref("A-7").id == 1
    register.receive(CustomerRemoved(1), NOW)
    assert (register.of_number(DESK), register.of_ref("A-7"), len(register), register.last) == (None, None, 0, 1)


def test_the_class_vip_is_that_of_every_number_of_the_customer_and_of_nobody_withheld(register) -> None:
    assert register.is_vip(MOBILE)
    assert register.is_vip(DESK)
    assert not register.is_vip(OTHER)
    assert not register.is_vip("")


@pytest.mark.parametrize("mark", [Mark.DO_NOT_CALL, Mark.DO_NOT_RECORD])
def test_a_customers_wish_holds_at_once_for_all_numbers_of_the_customer(register, mark) -> None:
    register.receive(MarkPut(MOBILE, mark.value), NOW)
    assert register.holding(DESK, mark, NOW) is not None
    assert register.holding(OTHER, mark, NOW) is None
    assert register.may_record(DESK, NOW) is (mark is not Mark.DO_NOT_RECORD)
    register.receive(MarkLifted(MOBILE, mark.value), NOW + 1)
    assert register.holding(DESK, mark, NOW + 1) is None


def test_a_nuisance_holds_when_it_is_confirmed_and_until_its_end(register) -> None:
    register.receive(MarkPut(OTHER, "nuisance", "1001", "shouts", NOW + DAY), NOW)
    assert register.mark(OTHER, Mark.NUISANCE).state_at(NOW) is MarkState.PROPOSED
    assert not register.is_nuisance(OTHER, NOW)
    register.receive(MarkConfirmed(OTHER, "nuisance", "wang", until=NOW + 2 * DAY), NOW + 1)
    assert register.is_nuisance(OTHER, NOW + 1)
    assert register.is_nuisance(OTHER, NOW + 2 * DAY - 1)
    assert not register.is_nuisance(OTHER, NOW + 2 * DAY)
    assert not register.is_nuisance("", NOW)


def test_a_proposal_that_came_to_its_end_cannot_be_confirmed(register) -> None:
    register.receive(MarkPut(OTHER, "nuisance", until=NOW + 10), NOW)
    register.receive(MarkConfirmed(OTHER, "nuisance"), NOW + 10)
    assert register.mark(OTHER, Mark.NUISANCE).state_at(NOW + 10) is MarkState.EXPIRED


def test_an_older_wish_does_not_stop_the_call_that_the_customer_asks_for(register) -> None:
    register.receive(MarkPut(MOBILE, "do_not_call"), NOW)
    assert "marked do not call" in register.why_not_called(DESK, NOW + 5)
    assert register.why_not_called(DESK, NOW + 5, asked_at=NOW + 1) == ""
    assert "marked do not call" in register.why_not_called(DESK, NOW + 5, asked_at=NOW - 1)


def test_marks_that_ended_long_ago_are_forgotten(register) -> None:
    register.receive(MarkPut(OTHER, "nuisance", until=NOW + 10), NOW)
    register.receive(MarkPut(MOBILE, "do_not_call"), NOW + 40 * DAY)
    assert [each.number for each in register.marks()] == [MOBILE]


def test_no_state_leads_back_and_the_page_shows_the_same_table() -> None:
    ends = {MarkState.LIFTED, MarkState.EXPIRED}
    assert not any(state in ends for state, _ in TRANSITIONS)
    assert set(FIRST) == set(Mark)
    page = (Path(__file__).parents[2] / "docs" / "customers.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    shown = {tuple(cell.strip().strip("`") for cell in row.split("|")[1:-1]) for row in rows}
    for (state, signal), after in TRANSITIONS.items():
        assert (state.value, signal.value, after.value) in shown
    assert len([row for row in shown if row[0] in set(MarkState) and row[1] in {*map(str, MarkSignal)}]) == len(
        TRANSITIONS
    )


def test_too_many_wrong_answers_lock_a_customer_and_a_right_one_clears_them(register) -> None:
    for place in range(FAILURES - 1):
        register.receive(IdentityChecked(1, 1, False), NOW + place)
    assert not register.locked(1, NOW + 9)
    register.receive(IdentityChecked(1, 1, True), NOW + 9)
    for place in range(FAILURES):
        register.receive(IdentityChecked(2, 1, False), NOW + 10 + place)
    assert register.locked(1, NOW + 20)
    assert not register.locked(1, NOW + 20 + DAY)
    assert not register.locked(2, NOW + 20)


def test_digits_are_kept_as_a_digest_that_needs_the_key() -> None:
    kept = keep("1234", b"key", "salt")
    assert "1234" not in kept
    assert fits("12 34", kept, b"key")
    assert not fits("1235", kept, b"key")
    assert not fits("1234", kept, b"another key")
    assert not fits("1234", "", b"key")
    assert kept != keep("1234", b"key", "other")
    assert fits("012*", keep("012X", b"key", "s"), b"key")
    with pytest.raises(ValueError, match="4 to 20 digits"):
        keep("12a", b"key", "salt")


def test_a_snapshot_restores_the_same_register(register) -> None:
    register.receive(CustomersImported((CustomerFile(2, "Li", (OTHER,), ref="A-8"),)), NOW)
    register.receive(MarkPut(OTHER, "nuisance", until=NOW + DAY), NOW)
    register.receive(IdentityChecked(1, 2, False), NOW)
    data = json.loads(msgspec.json.encode(register.snapshot()))
    again = CustomerRegister.restore(data)
    assert msgspec.json.encode(again.snapshot()) == msgspec.json.encode(register.snapshot())
    assert again.of_number(OTHER) == register.of_number(OTHER)
    assert len(CustomerRegister.restore(None)) == 0
