"""A recorded day played again: no difference with its own rules, the first one named, and what other rules change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from typer.testing import CliRunner

import acd.events as acd
from acd.commands import Command
from server.cli import app
from server.commands.shared import Refused
from server.eventlog.derived_events import AgentNoted, Decided
from server.eventlog.log import Entry
from server.hotline.state import HotlineState
from server.storage.database import open_database
from server.storage.projector import Projector
from server.storage.schema.migrate import migrate
from simulation.day import draw
from simulation.engine import Played, play
from simulation.fit import NothingRecorded, as_toml, fit
from simulation.reading import load_scenario
from simulation.recorded import record
from simulation.replay import replay, what_if

MIDNIGHT = datetime(2027, 1, 15, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
DAY = 86400.0

RULES = """
skills = ["complaint", "inquiry", "attitude"]
[queues.complaint]
skill = "complaint"
priority = 10
wrap_up = { mode = "timed", seconds = 20 }
relax = [{ after = 40, required = {} }]
overflow = [{ after = 240, to = "message" }]
[queues.inquiry]
skill = "inquiry"
strategy = "STRATEGY"
wrap_up = { mode = "none" }
"""

SCENARIO = """
start = "09:00"
end = "11:00"
rules = "rules.toml"
phones = { answered_after = { mean = 4, cv = 0.5 }, unanswered = 0.05 }
[calls.complaint]
per_hour = [40, 80, 80, 40]
categories = { attitude = 0.3 }
talk = { mean = 200, cv = 0.7 }
wrap_up = { mean = 15 }
patience = { mean = 150 }
[calls.inquiry]
per_hour = 60
talk = { mean = 120 }
patience = { mean = 150 }
[agents.some]
count = 3
skills = { complaint = 3, inquiry = 2, attitude = 2 }
shifts = ["09:00-10:30"]
[agents.others]
count = 4
skills = { complaint = 2, inquiry = 4 }
"""


class Ledger:
    """Answers a simulated day as the floor does, and keeps the log that a leader would have written of it."""

    def __init__(self) -> None:
        self.state = HotlineState()
        self.entries: list[Entry] = []

    def next_timer(self) -> float | None:
        due = self.state.floor.next_timer()
        return None if due is None else due - MIDNIGHT

    def receive(self, event: object, now: float) -> list[Command]:
        at = MIDNIGHT + now
        if type(event).__module__ != "acd.events":
            return []
        if isinstance(event, acd.CallQueued):
            event = replace(event, queued_at=MIDNIGHT + event.queued_at, caller="13800138000")
            self._append(acd.CallArrived(event.call, event.caller, "4001", "PJSIP/1", str(event.call), at), at)
        return self._append(event, at)

    def _append(self, event: object, at: float) -> list[Command]:
        commands = self._play(Entry(self._id(at), at, event))
        while self.state.unwritten:
            note = self.state.unwritten[0]
            self._play(Entry(self._id(note.at), note.at, note.note, note.after))
        return commands

    def _id(self, at: float) -> str:
        return f"{int(at * 1000)}-{len(self.entries)}"

    def _play(self, entry: Entry) -> list[Command]:
        self.entries.append(entry)
        return self.state.play(entry)


@pytest.fixture(scope="module")
def rules(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("rules") / "rules.toml"
    file.write_text(RULES.replace("STRATEGY", "best_fit"))
    (file.parent / "other.toml").write_text(RULES.replace("STRATEGY", "fewest_calls").replace("240", "30"))
    (file.parent / "scenario.toml").write_text(SCENARIO)
    return file


@pytest.fixture(scope="module")
def recorded(rules) -> tuple[list[Entry], Played]:
    scenario = load_scenario(rules.parent / "scenario.toml")
    ledger = Ledger()
    played = play(draw(scenario, np.random.default_rng(5)), ledger, scenario.policy)
    return ledger.entries, played


@pytest.fixture(scope="module")
def home(recorded, rules, tmp_path_factory) -> Path:
    """A home whose records hold the day."""
    home = tmp_path_factory.mktemp("home")
    (home / "hotline.toml").write_text(rules.read_text())
    database = open_database(f"sqlite:///{home / 'records.db'}")
    migrate(database.write)
    Projector(database.write).apply(recorded[0])
    database.dispose()
    return home


def run(home: Path, *words: object):
    return CliRunner().invoke(app, list(map(str, words)), env={"SANSHENG_HOME": str(home), "DATABASE_URL": ""})


def test_the_same_rules_make_every_decision_again(recorded):
    entries, _ = recorded
    result = replay(entries, MIDNIGHT, MIDNIGHT + DAY)
    assert result.first is None
    assert result.entries == len(entries)
    assert result.decisions == sum(isinstance(each.event, Decided) for each in entries) > 200


def test_the_first_decision_that_differs_is_named(recorded):
    entries = list(recorded[0])
    offers = [i for i, each in enumerate(entries) if isinstance(each.event, Decided) and each.event.decision.offer]
    for index in (offers[150], offers[20]):
        decision = entries[index].event.decision
        entries[index] = replace(entries[index], event=Decided(replace(decision, agent="1999", score=0.5)))
    first = replay(entries, MIDNIGHT, MIDNIGHT + DAY).first
    assert first is not None
    assert (first.recorded, first.cause) == (entries[offers[20]].event, entries[offers[20]].after)
    assert "agent '1999', again '100" in str(first)
    assert "score 0.5, again" in str(first)


def test_a_decision_that_the_log_lacks_is_a_difference(recorded):
    entries = [each for each in recorded[0] if not (isinstance(each.event, Decided) and each.event.decision.offer == 7)]
    first = replay(entries, MIDNIGHT, MIDNIGHT + DAY).first
    assert first is not None
    assert first.recorded is None or first.again is None or first.recorded != first.again


def test_a_note_that_follows_from_nothing_is_a_difference(recorded):
    entries = list(recorded[0])
    extra = replace(entries[200], event=AgentNoted("1001", "available", "idle"), after="1-1")
    first = replay([*entries[:200], extra, *entries[200:]], MIDNIGHT, MIDNIGHT + DAY).first
    assert first is not None
    assert str(first) == "AgentNoted (agent 1001) does not come about again"


def test_only_the_day_asked_for_is_compared(recorded):
    entries = list(recorded[0])
    index = next(i for i, each in enumerate(entries) if isinstance(each.event, Decided))
    entries[index] = replace(entries[index], event=Decided(replace(entries[index].event.decision, rule="another")))
    later = entries[index].at + 1.0
    assert replay(entries, later, MIDNIGHT + DAY).first is None
    assert replay(entries, MIDNIGHT, later).first is not None


def test_the_day_is_recorded_as_it_went(recorded):
    entries, played = recorded
    day = record(entries, MIDNIGHT, MIDNIGHT + DAY)
    assert len(day.calls) == len(played.fates)
    for fate in played.fates:
        call = day.calls[fate.arrival.queued.call]
        assert (call.outcome, call.agent) == (fate.outcome, fate.agent)
        assert call.waited == pytest.approx(fate.waited, abs=1e-3)
        if fate.outcome == "handled":
            assert call.talk == pytest.approx(fate.arrival.talk, abs=1e-3)


def test_the_day_with_its_own_rules_goes_as_it_went(recorded):
    entries, _ = recorded
    day = record(entries, MIDNIGHT, MIDNIGHT + DAY)
    again = what_if(day, day.policies[0])
    assert again.changed == []
    assert again.before[""].service_level == pytest.approx(again.recorded[""].service_level, abs=0.02)
    assert again.before[""].wait == pytest.approx(again.recorded[""].wait, abs=1.0)


def test_other_rules_say_which_calls_go_another_way(recorded, rules):
    from simulation.reading import load_rules

    day = record(recorded[0], MIDNIGHT, MIDNIGHT + DAY)
    found = what_if(day, load_rules(rules.parent / "other.toml"))
    assert found.changed
    assert sum(before for before, _ in found.taken.values()) == sum(
        fate.outcome == "handled" for fate in day.calls.values()
    )
    assert found.after["complaint"].diverted > found.before["complaint"].diverted


def test_a_scenario_fitted_to_the_day_is_like_the_day(recorded, tmp_path):
    day = record(recorded[0], MIDNIGHT, MIDNIGHT + DAY)
    fitted = fit(day, "fitted")
    file = tmp_path / "fitted.toml"
    (tmp_path / "rules.toml").write_text(RULES.replace("STRATEGY", "best_fit"))
    file.write_text(as_toml(fitted, "rules.toml"))
    scenario = load_scenario(file)
    assert (scenario.start, scenario.end) == (9 * 3600.0, 11 * 3600.0)
    assert sum(calls.per_hour[0] for calls in scenario.calls) == sum(calls.per_hour[0] for calls in fitted.calls)
    assert sorted(group.count for group in scenario.groups) == [3, 4]
    (some,) = (group for group in scenario.groups if group.count == 3)
    assert some.shifts == ((9 * 3600.0, 10.5 * 3600.0),)
    complaint = next(calls for calls in scenario.calls if calls.queue == "complaint")
    assert dict(complaint.categories)["attitude"] == pytest.approx(0.3, abs=0.1)
    assert complaint.talk.mean == pytest.approx(200, rel=0.25)


def test_a_day_without_calls_cannot_be_fitted(recorded):
    with pytest.raises(NothingRecorded, match="no call waited"):
        fit(record(recorded[0], MIDNIGHT + DAY, MIDNIGHT + 2 * DAY), "")


def test_the_command_plays_the_records_again(home):
    done = run(home, "replay", "--day", "2027-01-15")
    assert done.exit_code == 0, done.output
    assert "decisions made again: no difference" in done.output
    done = run(home, "replay", "--day", "2027-01-15", "--json")
    assert json.loads(done.output)["first_difference"] is None


def test_the_command_compares_with_other_rules(home, rules):
    other = rules.parent / "other.toml"
    done = run(home, "replay", "--day", "2027-01-15", "--definitions", other)
    assert done.exit_code == 0, done.output
    assert "go another way" in done.output
    assert "who takes how many" in done.output
    found = json.loads(run(home, "replay", "--day", "2027-01-15", "--definitions", other, "--json").output)
    assert found["changed"][0].keys() == {"call", "queue", "before", "after"}
    assert found["other_rules"]["complaint"]["diverted"] > 0


def test_the_command_simulates_days_like_a_recorded_one(home, tmp_path):
    file = tmp_path / "fitted.toml"
    done = run(home, "simulate", "--from-day", "2027-01-15", "--runs", 3, "--save", file)
    assert done.exit_code == 0, done.output
    again = run(home, "simulate", file, "--runs", 3, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.output)["agents"] == 7


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["replay", "--day", "2027-02-30"], "2027-02-30 is no day"),
        (["replay", "--day", "2027-01-16"], "nothing is recorded of 2027-01-16"),
        (["replay", "--day", "2027-01-15", "--definitions", "/nowhere.toml"], "cannot be read"),
        (["simulate", "--from-day", "2027-01-16"], "no call waited on that day"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_sentence(home, words, sentence):
    done = run(home, *words)
    assert isinstance(done.exception, Refused)
    assert sentence in str(done.exception)
