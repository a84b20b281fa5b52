"""A log that an earlier release wrote: this one reads all of it, decides the same, and writes the same records."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import pytest

from server.eventlog.log import Entry, Unreadable
from server.hotline.state import HotlineState
from server.storage.database import Database
from simulation.replay import replay
from tests.recorded import played


@pytest.fixture(scope="module")
def log() -> list[Entry]:
    return played.entries()


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return played.expected()


def test_every_entry_can_be_read(log: list[Entry]) -> None:
    assert [entry.event.why for entry in log if isinstance(entry.event, Unreadable)] == []
    assert len(log) > 1000


def test_the_log_leads_to_the_notes_and_decisions_that_stand_in_it(log: list[Entry]) -> None:
    replayed = replay(log, 0, inf)
    assert replayed.first is None, str(replayed.first)
    assert replayed.decisions > 100


def test_the_commands_and_the_house_at_the_end_are_the_same(log: list[Entry], expected: dict[str, Any]) -> None:
    state = HotlineState()
    assert played.unlike(expected["commands"], list(played.commands(state, log)))[:10] == []
    assert played.unlike(expected["house"], played.house(state)) == []
    assert not state.differences


def test_a_snapshot_of_then_is_read_and_goes_on_as_the_log_played_from_its_beginning(
    log: list[Entry], expected: dict[str, Any]
) -> None:
    whole, restored = HotlineState(), HotlineState.restore(json.dumps(expected["snapshot"]).encode())
    after = next(place for place, entry in enumerate(log, 1) if entry.id == restored.position)
    list(played.commands(whole, log))
    list(played.commands(restored, log[after:]))
    assert played.house(restored) == played.house(whole)


def test_the_records_have_the_same_rows(log: list[Entry], expected: dict[str, Any], database: Database) -> None:
    rows = played.records(database, log)
    for table, then in expected["records"].items():
        assert played.unlike(then, rows[table], table)[:10] == []
