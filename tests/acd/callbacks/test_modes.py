"""Callback mode turns on when a peak holds and off when it is over; a person's word comes first."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.commands import ModeChanged
from acd.callbacks.policy import CallbackPolicy, CallbackRules


def turns(commands):
    return [(each.mode.scope, each.mode.active) for each in commands if isinstance(each, ModeChanged)]


ON = [("all", True), ("complaint", True)]
OFF = [("all", False), ("complaint", False)]


# By itself


def test_auto_turns_on_when_the_expected_wait_was_too_long_for_thirty_seconds(office):
    assert turns(office.busy(waiting=5, wait=121.0)) == []
    assert turns(office.wait(29)) == []
    assert turns(office.wait(1)) == ON
    assert office.callbacks.mode("complaint").rule == "p50 wait 121 s is above 120 s"
    assert not office.callbacks.mode("inquiry").active


def test_auto_turns_on_when_too_many_wait_for_each_agent(office):
    office.busy(waiting=8, staff=4, wait=20.0)
    assert turns(office.wait(60)) == []
    office.busy(waiting=9, staff=4, wait=20.0)
    assert turns(office.wait(30)) == ON
    assert office.callbacks.mode("complaint").rule == "9 waiting for 4 agents is more than 2 each"


def test_auto_turns_on_when_somebody_waits_and_nobody_is_there(office):
    office.busy(waiting=0, staff=0, wait=None)
    assert turns(office.wait(60)) == []
    office.busy(waiting=1, staff=0, wait=None)
    assert turns(office.wait(30)) == ON
    assert office.callbacks.mode("complaint").rule == "1 waiting and nobody is there"


def test_a_peak_that_breaks_off_before_the_time_turns_nothing_on(office):
    office.busy(waiting=5, wait=200.0)
    office.wait(29)
    office.busy(waiting=5, wait=100.0)
    office.busy(waiting=5, wait=200.0)
    assert turns(office.wait(29)) == []
    assert turns(office.wait(1)) == ON


def test_auto_turns_off_when_the_wait_has_been_short_for_the_dwell(office):
    office.busy(waiting=5, wait=200.0)
    office.wait(30)
    office.busy(waiting=1, wait=59.0)
    assert turns(office.wait(179)) == []
    assert turns(office.wait(1)) == OFF
    assert office.callbacks.mode("complaint").rule == "p50 wait 59 s is below 60 s"


def test_between_the_two_thresholds_nothing_turns(office):
    office.busy(waiting=3, wait=90.0)
    assert turns(office.wait(1000)) == []
    office.busy(waiting=5, wait=200.0)
    office.wait(30)
    office.busy(waiting=3, wait=90.0)
    assert turns(office.wait(1000)) == []
    office.busy(waiting=3, wait=50.0)
    assert turns(office.wait(179)) == []
    assert turns(office.wait(1)) == OFF


def test_a_wait_that_is_long_again_before_the_dwell_is_over_turns_nothing_off(office):
    office.busy(waiting=5, wait=200.0)
    office.wait(30)
    office.busy(waiting=1, wait=50.0)
    office.wait(179)
    office.busy(waiting=3, wait=70.0)
    office.busy(waiting=1, wait=50.0)
    assert turns(office.wait(179)) == []
    assert turns(office.wait(1)) == OFF


def test_nobody_waiting_counts_as_a_short_wait(office):
    office.busy(waiting=1, staff=0, wait=None)
    office.wait(30)
    office.busy(waiting=0, staff=0, wait=None)
    assert turns(office.wait(200)) == OFF
    assert office.callbacks.mode("complaint").rule == "nobody waits"


def test_a_short_wait_of_too_many_callers_does_not_turn_it_off(office):
    office.busy(waiting=9, staff=4, wait=20.0)
    office.wait(30)
    assert turns(office.wait(1000)) == []


def test_new_rules_take_effect_at_once(office):
    office.busy(waiting=3, wait=90.0)
    office.wait(60)
    rules = CallbackRules(on_above=80.0, off_below=40.0, hold=0.0)
    assert turns(office.play(cb.CallbackPolicySet(CallbackPolicy(rules)))) == ON


def test_a_queue_may_have_rules_of_its_own(office):
    patient = CallbackPolicy(CallbackRules(), (("complaint", CallbackRules(on_above=600.0)),))
    office.play(cb.CallbackPolicySet(patient))
    office.busy(waiting=5, wait=500.0)
    assert turns(office.wait(60)) == []


# By a person


def test_forced_on_counts_at_once_and_names_the_person_and_the_reason(office):
    office.busy()
    commands = office.play(cb.ModeSet("complaint", cb.Mode.ON, "9001", "the network is down"))
    assert turns(commands) == ON
    mode = office.callbacks.mode("complaint")
    assert (mode.mode, mode.who, mode.reason, mode.rule) == ("on", "9001", "the network is down", "forced on by 9001")
    assert turns(office.wait(10_000)) == []


def test_forced_off_counts_whatever_the_peak(office):
    office.busy(waiting=50, wait=900.0)
    office.wait(30)
    assert turns(office.play(cb.ModeSet("complaint", cb.Mode.OFF, "9001"))) == OFF
    assert turns(office.wait(10_000)) == []


def test_forced_with_until_returns_to_auto_by_itself(office):
    office.busy()
    office.play(cb.ModeSet("", cb.Mode.ON, "9001", until=office.now + 600))
    assert turns(office.wait(599)) == []
    assert office.callbacks.modes()[0].mode == "on"
    assert turns(office.wait(1)) == [("all", False), ("complaint", False), ("inquiry", False)]
    mode = office.callbacks.mode("complaint")
    assert (mode.mode, mode.until, mode.who, mode.rule) == ("auto", None, "", "nobody waits")


def test_back_in_auto_a_peak_that_has_held_needs_no_new_proof(office):
    office.busy(waiting=9, wait=300.0)
    office.play(cb.ModeSet("complaint", cb.Mode.OFF, until=office.now + 300))
    assert turns(office.wait(299)) == []
    assert turns(office.wait(1)) == ON


def test_back_in_auto_no_dwell_holds_what_a_person_had_turned_on(office):
    office.busy()
    office.play(cb.ModeSet("complaint", cb.Mode.ON))
    assert turns(office.play(cb.ModeSet("complaint", cb.Mode.AUTO))) == OFF


def test_back_in_auto_it_stays_on_until_the_wait_is_short(office):
    office.busy(waiting=3, wait=90.0)
    office.play(cb.ModeSet("complaint", cb.Mode.ON))
    office.play(cb.ModeSet("complaint", cb.Mode.AUTO))
    mode = office.callbacks.mode("complaint")
    assert (mode.active, mode.rule) == (True, "p50 wait is between 60 and 120 s")
    assert turns(office.busy(waiting=1, wait=30.0)) == OFF


def test_a_choice_for_all_replaces_every_queues_own(office):
    office.busy()
    office.play(cb.ModeSet("complaint", cb.Mode.ON, "9001"))
    office.play(cb.ModeSet("", cb.Mode.OFF, "9002", "the evening"))
    assert [(mode.scope, mode.mode.value, mode.who) for mode in office.callbacks.modes()] == [
        ("all", "off", "9002"),
        ("complaint", "off", "9002"),
        ("inquiry", "off", "9002"),
    ]


def test_a_queue_may_differ_from_the_choice_for_all(office):
    office.busy()
    office.play(cb.ModeSet("", cb.Mode.ON, "9001"))
    office.play(cb.ModeSet("inquiry", cb.Mode.OFF, "9002"))
    assert [(mode.scope, mode.active) for mode in office.callbacks.modes()] == [
        ("all", True),
        ("complaint", True),
        ("inquiry", False),
    ]
    assert office.callbacks.modes()[0].rule == "active for complaint"


def test_a_queue_that_nobody_heard_of_has_everybodys_choice(office):
    assert not office.callbacks.mode("new").active
    office.play(cb.ModeSet("", cb.Mode.ON, "9001"))
    assert (office.callbacks.mode("new").active, office.callbacks.mode("new").mode) == (True, "on")


def test_a_queue_that_is_gone_has_no_mode(office):
    office.busy()
    office.pressures = office.pressures[:1]
    office.play(ev.Tick())
    assert [mode.scope for mode in office.callbacks.modes()] == ["all", "complaint"]


def test_a_choice_that_was_over_before_it_came_is_auto(office):
    office.busy()
    office.play(cb.ModeSet("complaint", cb.Mode.ON, until=office.now - 1))
    assert (office.callbacks.mode("complaint").mode, office.callbacks.mode("complaint").active) == ("auto", False)


# The list is full


def test_more_than_the_staff_can_do_in_an_hour_is_a_full_list_and_the_mode_stays(make_office):
    office = make_office()
    office.busy(waiting=9, staff=1, wait=900.0, handling=1200.0)
    office.wait(30)
    for number in range(2):
        office.asked(f"1380013800{number}")
    assert not office.callbacks.mode("complaint").full
    assert turns(office.asked("13800138002")) == [("all", True), ("complaint", True)]
    mode = office.callbacks.mode("complaint")
    assert (mode.active, mode.full) == (True, True)
    assert mode.rule == "p50 wait 900 s is above 120 s; the list is full: 3 promised"
    office.play(cb.PromiseCancelled(1))
    assert not office.callbacks.mode("complaint").full


def test_a_full_list_never_stops_the_calling_back(make_office):
    office = make_office()
    office.busy(waiting=9, staff=1, wait=900.0, handling=3600.0)
    office.asked("13800138001")
    assert office.callbacks.mode("complaint").full
    office.asked("13800138002")
    assert [view.id for view in office.callbacks.due()] == [1, 2]


def test_a_list_is_not_full_and_open_by_turns_with_every_call(make_office):
    office = make_office()
    office.busy(waiting=9, staff=2, wait=900.0, handling=360.0)  # 20 in an hour
    for number in range(20):
        office.asked(f"138001380{number:02}")
    assert office.callbacks.mode("complaint").full
    office.play(cb.PromiseCancelled(1))
    assert office.callbacks.mode("complaint").full
    office.play(cb.PromiseCancelled(2))
    office.play(cb.PromiseCancelled(3))
    assert not office.callbacks.mode("complaint").full


def test_without_staff_the_list_is_never_full(make_office):
    office = make_office()
    office.busy(waiting=1, staff=0, wait=None)
    for number in range(50):
        office.asked(f"138001380{number:02}")
    assert not office.callbacks.mode("complaint").full


@pytest.mark.parametrize("mode", list(cb.Mode))
def test_no_mode_stops_keeping_what_was_promised(office, mode):
    office.asked()
    office.play(cb.ModeSet("", mode))
    office.dialled(1)
    office.spoken(1)
    assert office.state(1) == "kept"
