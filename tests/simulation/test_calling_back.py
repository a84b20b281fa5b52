"""Callback mode in days that did not happen: who is told, who accepts, and that every promise comes to an end."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acd.callbacks.events import AttemptOutcome, CallPlaced, Mode
from acd.callbacks.policy import Dialling
from acd.callbacks.states import PromiseState
from acd.events import CallQueued
from acd.policy.definitions import Requirement
from server.cli import app
from server.eventlog.log import Entry
from simulation.calling_back import ObservableRouter
from simulation.competitors.app_queue import AppQueue
from simulation.day import Ringing, draw
from simulation.engine import Played, play
from simulation.measures import ALL
from simulation.policies import HELD, LAST, OURS, find_policy
from simulation.promises import promised
from simulation.reading import load_scenario
from simulation.recorded import record
from simulation.runs import play_with, simulate
from simulation.scenario import Callback, Scenario
from tables.toml import DefinitionFault

SCENARIO = """
start = "09:00"
end = "11:00"
skills = ["complaint"]
phones = { answered_after = 3 }
[queues.complaint]
skill = "complaint"
wrap_up = { mode = "none" }
[calls.complaint]
per_hour = [40, 300, 60, 40]
talk = { mean = 180, cv = 0.7 }
patience = { mean = 200 }
[agents.all]
count = 6
skills = { complaint = 3 }
[callback]
mode = "auto"
accepts = { most = 0.8 }
customers = { answered_after = 8, busy = 0.1, unanswered = 0.1 }
"""


@pytest.fixture
def file(tmp_path) -> Path:
    file = tmp_path / "day.toml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def scenario(file) -> Scenario:
    return load_scenario(file)


def changed(scenario: Scenario, rules: dict[str, object] | None = None, **more: object) -> Scenario:
    callback = scenario.callback
    policy = replace(callback.policy, rules=replace(callback.policy.rules, **(rules or {})))
    return replace(scenario, callback=replace(callback, policy=policy, **more))


def a_day(scenario: Scenario, policy: str = OURS, seed: int = 1) -> Played:
    return play_with(find_policy(policy), scenario, draw(scenario, np.random.default_rng(seed)))


# Which callers accept


def test_the_longer_the_wait_and_the_less_patience_is_left_the_more_accept():
    rules = Callback(most=0.7)

    def share(wait: float | None, patience: float) -> float:
        return sum(rules.accepts(chance, wait, patience) for chance in np.linspace(0, 1, 1001)) / 1001

    assert share(0.0, 200) == pytest.approx(0.0, abs=0.01)
    assert share(200.0, 200) == pytest.approx(0.35, abs=0.01)
    assert share(100.0, 200) < share(200.0, 200) < share(400.0, 200) < share(400.0, 50) < 0.7
    assert share(None, 200) == pytest.approx(0.7, abs=0.01)
    assert share(600.0, inf) == share(600.0, 600), "who would wait for ever weighs it as one with ten minutes"


def test_a_quiet_day_makes_no_promises(scenario):
    quiet = replace(scenario, calls=tuple(replace(each, per_hour=(20.0,)) for each in scenario.calls))
    assert a_day(quiet).promises == []


def test_forced_on_all_but_those_who_insist_leave_a_number(scenario):
    day = a_day(changed(scenario, forced=((scenario.start, scenario.end),), insists=0.25))
    left = sum(fate.outcome == "callback" for fate in day.fates)
    assert left / len(day.fates) == pytest.approx(0.75, abs=0.08)


def test_switched_off_nobody_is_offered_anything(scenario):
    off = a_day(changed(scenario, mode=Mode.OFF))
    held = a_day(scenario, HELD)
    assert off.promises == []
    assert [(each.outcome, each.waited) for each in off.fates] == [(each.outcome, each.waited) for each in held.fates]


# What becomes of a promise


@pytest.mark.parametrize("policy", [OURS, LAST, "ours:after=600"])
@pytest.mark.parametrize("dialling", list(Dialling))
def test_every_promise_is_kept_or_broken_with_a_reason(scenario, policy, dialling):
    day = a_day(changed(scenario, {"dialling": dialling, "attempts": 2}), policy)
    assert len(day.promises) > 20
    made = {each.arrival.queued.call for each in day.promises}
    assert made == {fate.arrival.queued.call for fate in day.fates if fate.outcome == "callback"}
    assert {each.state for each in day.promises} <= {PromiseState.KEPT, PromiseState.BROKEN}
    for each in day.promises:
        assert (each.joined_at is not None) is (each.state is PromiseState.KEPT)
        assert each.state is not PromiseState.BROKEN or "2 attempts" in each.reason
        assert each.attempts == len(each.outcomes) <= 2
        assert each.after is None or each.after > 0


def test_an_attempt_comes_to_what_the_customers_phone_does(scenario):
    day = draw(scenario, np.random.default_rng(1))
    phone = (Ringing(AttemptOutcome.BUSY, 2.0), Ringing(AttemptOutcome.NO_ANSWER, inf), Ringing(None, 10.0))
    calls = tuple(replace(each, person=replace(each.person, phone=phone)) for each in day.calls)
    played = play_with(find_policy(OURS), scenario, replace(day, calls=calls))
    assert played.promises
    assert all(each.outcomes == ["busy", "no_answer", "answered"] for each in played.promises)
    assert all(each.after >= 60 + 600 + 10 for each in played.promises), "the delays after busy and no answer"


def test_agents_hear_it_ring_and_that_is_time_of_theirs(scenario):
    day = draw(scenario, np.random.default_rng(1))
    calls = tuple(replace(each, person=replace(each.person, phone=(Ringing(None, 20.0),))) for each in day.calls)
    played = play_with(find_policy(OURS), scenario, replace(day, calls=calls))
    handled = sum(fate.handling for fate in played.fates)
    called_back = sum(each.arrival.talk for each in played.promises)
    assert sum(played.busy.values()) == pytest.approx(handled + called_back + 20.0 * len(played.promises))


def test_at_the_callers_own_place_they_are_called_sooner_than_behind_everybody(scenario):
    found = {policy: promised(scenario, a_day(scenario, policy))[ALL] for policy in (OURS, "ours:after=600", LAST)}
    assert found[OURS].back < found["ours:after=600"].back < found[LAST].back


def test_no_later_caller_is_called_or_answered_before_a_promise(scenario):
    day = draw(scenario, np.random.default_rng(2))
    at_once = (Ringing(None, 0.0),)
    calls = tuple(replace(each, rings=(0.0,), person=replace(each.person, phone=at_once)) for each in day.calls)
    played = play_with(find_policy(OURS), scenario, replace(day, calls=calls))
    served = [(each.arrival.at, each.joined_at) for each in played.promises]
    served += [(fate.arrival.at, fate.arrival.at + fate.waited) for fate in played.fates if fate.outcome == "handled"]
    served.sort()
    assert all(first[1] <= second[1] + 1e-6 for first, second in pairwise(served))


def test_calls_of_the_hotlines_own_making_are_no_callers_of_a_recorded_day():
    told = [
        CallQueued(1, "complaint", Requirement(), 10.0),
        CallPlaced(2, 1, "13800138000"),
        CallQueued(2, "complaint", Requirement(), 10.0, promised=True),
        CallQueued(2, "complaint", Requirement(), 10.0),
    ]
    entries = [Entry(f"{number}-0", 10.0 + number, event) for number, event in enumerate(told)]
    assert list(record(entries, 0.0, 86_400.0).calls) == [1]


# Chance


def test_the_same_seed_gives_the_same_promises(scenario):
    def fates():
        return [(each.arrival.queued.call, each.state, each.joined_at) for each in a_day(scenario).promises]

    assert fates() == fates()


def test_a_day_with_callback_mode_has_the_same_calls_as_one_without(scenario):
    without = replace(scenario, callback=None)
    with_it, without_it = (draw(each, np.random.default_rng(3)).calls for each in (scenario, without))
    assert [replace(each, person=None) for each in with_it] == [replace(each, person=None) for each in without_it]


def test_some_of_those_who_give_up_call_again(scenario):
    calls = tuple(replace(each, redials=0.5) for each in scenario.calls)
    day = a_day(replace(scenario, calls=calls), HELD)
    again = [fate for fate in day.fates if fate.arrival.first]
    gave_up = sum(fate.outcome == "abandoned" and fate.arrival.person is not None for fate in day.fates)
    assert len(again) / gave_up == pytest.approx(0.45, abs=0.12)
    firsts = {fate.arrival.queued.call: fate for fate in day.fates}
    for fate in again:
        assert firsts[fate.arrival.first].outcome == "abandoned"
        assert fate.arrival.at > firsts[fate.arrival.first].arrival.at


# Saying so


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('mode = "auto"', 'mode = "often"', "none of auto, on, off"),
        ("most = 0.8", "most = 1.8", "from 0 to 1, not 1.8"),
        ("most = 0.8", "moist = 0.8", "means nothing here"),
        ("busy = 0.1", "busy = 0.95", "add up to more than 1"),
        ('mode = "auto"', "off_below = 500", "callback mode would flutter"),
        ('mode = "auto"', 'forced = ["10:00-09:00"]', "ends before it begins"),
        ('mode = "auto"', "ring = 3", '"ring" means nothing here'),
        ("patience = {", "redials = 2\npatience = {", "from 0 to 1, not 2"),
    ],
)
def test_a_callback_table_that_makes_no_sense_is_refused(file, old, new, sentence):
    file.write_text(SCENARIO.replace(old, new, 1))
    with pytest.raises(DefinitionFault) as refusal:
        load_scenario(file)
    assert sentence in str(refusal.value)


def test_a_model_of_somebody_elses_queue_is_not_watched_and_calls_nobody_back(scenario):
    assert not isinstance(AppQueue("rrmemory"), ObservableRouter)
    ours, theirs = simulate(scenario, [find_policy(OURS), find_policy("app_queue:rrmemory")], runs=1)
    assert ours.promised[0][ALL].made > 0
    assert theirs.promised == []
    with pytest.raises(TypeError, match="callback mode needs the floor"):
        play(draw(scenario, np.random.default_rng(1)), AppQueue("rrmemory"), scenario.policy, scenario.callback)


def test_the_command_says_what_came_of_the_promises(file):
    done = CliRunner().invoke(app, ["simulate", str(file), "--runs", "2"])
    assert done.exit_code == 0, done.output
    for word in ("promises to call back", "kept", "broken", "attempts", "longest"):
        assert word in done.output
    done = CliRunner().invoke(app, ["simulate", str(file), "--runs", "2", "--json"])
    found = json.loads(done.output)["policies"][0]["promises"]["all"]
    assert found["made"]["mean"] > 20
    assert found["kept"]["mean"] + found["broken"]["mean"] + found["expired"]["mean"] == pytest.approx(1.0)
