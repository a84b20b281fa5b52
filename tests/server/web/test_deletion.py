"""Recordings are deleted when their time is over or a person asks for it; a hold wins, and what stays is named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
import tickets.events as tickets
from acd.decisions import Decision
from customers.list_events import ListCreated, ListLoaded
from customers.lists import Line, ListRules
from server.eventlog.derived_events import Decided
from server.eventlog.entries import decode
from server.hotline.recording_rules import RecordingRules, read_recording_rules
from server.storage.recording_store import day_of
from tables.errors import TableError
from tables.values import Table
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

NUMBER, OTHER = "13912345678", "13912345679"
DAY = 86_400.0


async def call(server: ApiServer, number: int, caller: str, business: str = "complaint") -> Path:
    """A call that is over, with its recording and a copy; the recording's file."""
    shown = server.definitions.party(caller).number
    await server.tell(acd.CallArrived(number, shown, "4001", f"PJSIP/{number}", f"u{number}", 0.0, "one"))
    await server.tell(ivr.FieldSet(number, "business", business))
    at, key, sound = round(server.dispatcher.state.at, 3), f"2027/01/15/{number}.wav", f"sound {number}".encode()
    for name in (key, f"2027/01/15/{number}.webm"):
        with server.sound.store.writing(name) as file:
            file.write(sound)
    digest = hashlib.sha256(sound).hexdigest()
    closed = rec.RecordingClosed(number, key, 1.0, 2, digest, -20.0, -20.0, (), day_of(at), number, "1001", at, 2)
    await server.tell(rec.RecordingStarted(number, number, "1001", "a", "b"), closed)
    await server.tell(acd.CallEnded(number, "caller_hung_up"))
    return server.sound.store.root / key


def later(server: ApiServer, days: float) -> None:
    """So many days pass for the acts of deletion."""
    server.acts.recording_deletion._clock = lambda: server.dispatcher.state.at + days * DAY


async def test_recordings_are_kept_by_business_type_and_a_hold_wins(server: ApiServer, api: httpx.AsyncClient) -> None:
    files = [await call(server, 1, NUMBER), await call(server, 2, NUMBER, "inquiry"), await call(server, 3, OTHER, "")]
    held = await call(server, 4, OTHER, "media")
    await api.post("/api/v1/recordings/4/hold", json={"reason": "court"})
    await server.tell()
    deletion = server.acts.recording_deletion
    for days, gone in ((182, [False, False, False]), (184, [False, True, True]), (3 * 366, [True, True, True])):
        later(server, days)
        await deletion.expire()
        assert [not file.exists() for file in files] == gone, days
    assert held.exists()
    assert not list(files[0].parent.glob("[123].*"))
    await server.tell()
    row = (await api.get("/api/v1/recordings/2")).json()
    assert (row["state"], row["history"][-1]["kind"], row["history"][-1]["by"]) == ("deleted", "deleted", "retention")
    assert "recording 2 was deleted" in refused(await api.get("/api/v1/recordings/2/audio"), 409)
    assert list(server.acts.recordings.integrity().findings()) == []


async def test_a_recording_that_proves_a_consent_is_kept_for_thirty_days_after_the_lists_end(
    server: ApiServer, api: httpx.AsyncClient
) -> None:
    file = await call(server, 1, NUMBER, "orders")
    end = server.dispatcher.state.at + 190 * DAY
    rules = ListRules("refusals", "p", "orders", "Wang", "agreed", end)
    await server.tell(ListCreated(1, rules), ListLoaded(1, (Line(1, OTHER, proof="recording 1 at 12.5"),)))
    for days, there in ((219, True), (221, False)):
        later(server, days)
        await server.acts.recording_deletion.expire()
        assert file.exists() is there


@pytest.fixture
async def person(server: ApiServer) -> list[Path]:
    """Two calls of one number, one of them under a hold, and one of another number that is like it."""
    files = [await call(server, 1, NUMBER), await call(server, 2, NUMBER), await call(server, 3, OTHER)]
    await server.tell(rec.RecordingHeld(2, "wang", "court"))
    return files


async def everything(server: ApiServer) -> str:
    """All texts of the records."""

    def read() -> str:
        with server.database.read.connect() as connection:
            names = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars()
            rows = {name: [tuple(row) for row in connection.execute(text(f"select * from {name}"))] for name in names}
        return json.dumps({name: rows[name] for name in rows if name != "audit"}, default=str)

    return read()


async def test_what_would_be_deleted_is_said_before_anything_is(
    server: ApiServer, api: httpx.AsyncClient, person: list[Path]
) -> None:
    before = await everything(server)
    asked = {"number": "139-1234-5678", "reason": "asked by letter"}
    said = (await api.post("/api/v1/privacy/delete", json=asked)).json()
    assert (said["done"], said["deleted"]["recordings"]) == (False, [1])
    assert said["deleted"]["rows"]["calls"] == 2
    assert said["stays"][0] == {"what": "recordings 2", "why": "a legal hold keeps them: release it first"}
    assert await everything(server) == before
    assert all(map(Path.exists, person))


async def test_of_a_person_who_asks_nothing_is_left_but_what_is_named(
    server: ApiServer, api: httpx.AsyncClient, person: list[Path]
) -> None:
    asked: dict[str, Any] = {"number": NUMBER, "reason": "asked by letter", "dry_run": False}
    said = (await api.post("/api/v1/privacy/delete", json=asked)).json()
    assert (said["done"], said["number"]) == (True, "+86****5678")
    assert [file.exists() for file in person] == [False, True, True]
    left = await everything(server)
    assert NUMBER not in left
    assert OTHER in left
    kept = b"".join(file.read_bytes() for file in sorted(server.home.glob("records.db*")))
    assert (NUMBER.encode() in kept, OTHER.encode() in kept) == (False, True), "in what SQLite freed neither"
    assert {"audit", "chain", "log", "backups"} <= {each["what"] for each in said["stays"]}
    assert list(server.acts.recordings.integrity().findings()) == []
    (entry,) = (await api.get("/api/v1/audit?act=privacy.delete")).json()["items"]
    assert (entry["subject"], entry["reason"]) == ("person +86****5678", "asked by letter")
    again = (await api.post("/api/v1/privacy/delete", json={**asked, "dry_run": True})).json()
    assert again["deleted"] == {"recordings": [], "messages": 0, "rows": {}}


WORDS = ("Wang Xiaoming", "5 Nanjing Road", "asked for her back twice", "the blue parcel", "ref-77", "half typed")
"""What was written down about one customer, in notes, fields, reasons, names and drafts."""


async def test_what_was_written_down_about_the_person_goes_wherever_it_stands(
    server: ApiServer, api: httpx.AsyncClient
) -> None:
    party = server.definitions.party(NUMBER).number
    other = server.definitions.party(OTHER).number
    await server.tell(acd.CallArrived(1, party, "4001", "PJSIP/1", "u1", 0.0, "one", name=WORDS[0]))
    await server.tell(ivr.FieldSet(1, "keyed", "1399"))
    for number, caller in ((1, party), (2, other)):
        await server.tell(tickets.TicketOpened(number, number, caller, "complaint", "attitude", "general"))
        await server.tell(tickets.NoteAdded(number, f"{WORDS[3]} of {caller}" if number == 1 else "kept", "1001"))
        await server.tell(tickets.FieldsFilled(number, (("address", WORDS[1] if number == 1 else "kept too"),)))
        await server.tell(tickets.StateChanged(number, "resolved", "1001", WORDS[2] if number == 1 else "kept three"))
    rules = ListRules("refusals", "p", "orders", "Wang", "agreed", server.dispatcher.state.at + DAY)
    await server.tell(ListCreated(1, rules), ListLoaded(1, (Line(1, party, WORDS[0], WORDS[4]), Line(2, other, "Li"))))
    decision = Decision(1, "offer", f"the owner of {party}", 0.0, "complaint", "1001", 1)
    await server.tell(Decided(decision))
    await server.drafts.put(1, {"note": WORDS[5]}, "1001")
    (server.home / "exports").mkdir()
    (server.home / "exports" / "1.csv").write_text(NUMBER)
    asked = {"number": NUMBER, "reason": "asked by letter", "dry_run": False}
    first = (await api.post("/api/v1/privacy/delete", json=asked)).json()
    assert "ticket 1" in {each["what"] for each in first["stays"]}
    assert WORDS[3] in await everything(server), "the matter is not closed"
    for state in ("followed_up", "closed"):
        await server.tell(tickets.StateChanged(1, state, "1001"))
    said = (await api.post("/api/v1/privacy/delete", json=asked)).json()
    assert said["deleted"]["rows"]["tickets"] == 1
    left = await everything(server)
    assert [each for each in (*WORDS, NUMBER, "1399") if each in left] == []
    kept = b"".join(file.read_bytes() for file in sorted(server.home.glob("records.db*")))
    assert [each for each in (*WORDS, NUMBER) if each.encode() in kept] == []
    assert [each for each in ("kept", "kept too", "kept three", "Li", OTHER) if each not in left] == []
    assert await server.drafts.get(1) is None
    assert list((server.home / "exports").iterdir()) == []
    with server.database.read.connect() as connection:
        for kind, data in connection.execute(text("select type, data from events")):
            decode(kind, data.encode())
    again = (await api.post("/api/v1/privacy/delete", json={**asked, "dry_run": True})).json()
    assert again["deleted"]["rows"] == {}


async def test_messages_go_too_and_nothing_outside_their_folder(server: ApiServer, api: httpx.AsyncClient) -> None:
    await call(server, 1, NUMBER)
    folder = server.home / "messages"
    partial(folder.mkdir)()
    inside, outside = folder / "1.wav", server.home / "other.wav"
    for file in (inside, outside):
        partial(file.write_bytes, b"RIFF")()
        await server.tell(ivr.MessageLeft(1, str(file), 3.0))
    asked = {"number": NUMBER, "reason": "asked by letter", "dry_run": False}
    assert (await api.post("/api/v1/privacy/delete", json=asked)).json()["deleted"]["messages"] == 2
    assert [file.exists() for file in (inside, outside)] == [False, True]


async def test_what_is_no_number_is_refused(server: ApiServer, api: httpx.AsyncClient) -> None:
    for number in ("anonymous", "-", "%"):
        answer = await api.post("/api/v1/privacy/delete", json={"number": number, "reason": "x", "dry_run": False})
        assert "is no number" in refused(answer, 422)


def test_rules_are_read_with_names_that_exist() -> None:
    table = {"pause": 60, "queues": {"media": False}, "lists": {"staff": False}, "keep": {"orders": 30, "others": 90}}
    rules = read_recording_rules(Table(table), ["complaint", "media"], ["staff"])
    assert (rules.pause, rules.days("orders"), rules.days("complaint"), rules.days("")) == (60, 30, 3 * 365, 90)
    assert rules.left_out("media", "1001", frozenset()) == "queue media is not recorded"
    assert rules.left_out("complaint", "1001", frozenset({"staff"})) == "callers of the list staff are not recorded"
    assert replace(rules, agents={"1009": False}).left_out("complaint", "1009", frozenset()) != ""
    assert RecordingRules().left_out("complaint", "1001", frozenset()) == ""
    for wrong in ({"queues": {"nowhere": False}}, {"pause": 1}, {"keep": {"complaint": 0}}, {"agents": {"1": "no"}}):
        with pytest.raises(TableError):
            read_recording_rules(Table(wrong), ["complaint"], [])
