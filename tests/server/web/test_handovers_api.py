"""The hand-over book: two signatures, in order, by two leaders, under what was signed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import acd.events as acd
import recordings.events as rec
import tickets.events as tickets
from server.storage.figures.handover import TRANSITIONS, BookState, Side, SignatureRefused, signed
from server.usecases.errors import Conflict
from server.usecases.principal import Principal, Role
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]

THIS_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
SINCE, UNTIL = THIS_HOUR - timedelta(hours=6), THIS_HOUR + timedelta(hours=6)
"""A shift that goes on however long after it was named the tests are run: what happens in them is in it."""
SHIFT = {"since": SINCE.isoformat(), "until": UNTIL.isoformat()}
GOES = Principal("Wang", Role.LEADER, "test", "1009")
COMES = replace(GOES, name="Zhao")


async def open_matters(server: ApiServer) -> None:
    now = datetime.now(UTC).timestamp()
    await server.dispatcher.record(
        acd.CallArrived(1, "13800138000", "4001", "PJSIP/1", "u1", now),
        tickets.TicketOpened(1, 1, "13800138000", "complaint", "attitude", "serious", now, now - 1),
        rec.RecordingStarted(1, 1, "1001", "a", "b"),
        rec.RecordingStarted(2, 1, "1001", "c", "d"),
        rec.RecordingClosed(1, "2027/01/15/1.wav", 30.0, 2, "0" * 64, -20.0, -23.0, day="2027-01-15"),
        rec.RecordingMissing(2, "no file"),
    )
    await server.acts.handovers.shown()


async def test_a_book_names_what_is_open_and_is_shown_as_it_was_signed(server, api) -> None:
    await open_matters(server)
    live = (await api.get("/api/v1/handovers/book", params=SHIFT)).json()
    assert (live["state"], live["digest"]) == ("open", None)
    (matter,) = live["content"]["matters"]
    assert (matter["ticket"], matter["grade"], matter["overdue"]) == (1, "serious", True)
    assert [(each["recording"], each["why"]) for each in live["content"]["missing"]] == [(2, "no file")]
    assert live["content"]["figures"]["recordings_missing"] == 1
    acts = server.acts.handovers
    gone = await acts.sign(GOES, "", SINCE, UNTIL, Side.OUTGOING, "the printer is broken")
    await server.dispatcher.record(tickets.StateChanged(1, "resolved", "1001"))
    taken = await acts.sign(COMES, "", SINCE, UNTIL, Side.INCOMING, "")
    assert (taken["state"], taken["outgoing"], taken["incoming"]) == ("taken_over", "Wang", "Zhao")
    assert taken["content"] == gone["content"]
    text = json.dumps(gone["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert taken["digest"] == hashlib.sha256(text.encode()).hexdigest()
    (row,) = (await api.get("/api/v1/handovers")).json()["items"]
    assert (row["state"], row["outgoing_note"]) == ("taken_over", "the printer is broken")


async def test_a_book_shows_the_end_of_the_days_chain_as_it_was_when_it_was_signed(server, api) -> None:
    zone = server.definitions.calendar.zone
    day = f"{(UNTIL - timedelta(microseconds=1)).astimezone(zone):%Y-%m-%d}"

    async def close(number: int) -> str:
        closed = rec.RecordingClosed(number, f"{number}.wav", 30.0, 2, f"{number:064x}", -20.0, -23.0, day=day)
        await server.dispatcher.record(rec.RecordingStarted(number, 1, "1001", "a", "b"), closed)
        await server.acts.handovers.shown()
        return (await api.get(f"/api/v1/recordings/chains/{day}")).json()["last"]

    last = await close(1)
    book = (await api.get("/api/v1/handovers/book", params=SHIFT)).json()
    assert {"day": day, "recordings": 1, "last": last} in book["content"]["chains"]
    signed_book = await server.acts.handovers.sign(GOES, "", SINCE, UNTIL, Side.OUTGOING, "")
    assert {"day": day, "recordings": 1, "last": last} in signed_book["content"]["chains"]
    assert await close(2) != last
    again = (await api.get("/api/v1/handovers/book", params=SHIFT)).json()
    assert again["content"]["chains"] == signed_book["content"]["chains"]


async def test_signatures_in_another_order_or_by_one_leader_are_refused(server, api) -> None:
    acts = server.acts.handovers
    with pytest.raises(Conflict, match="the outgoing leader signs next"):
        await acts.sign(COMES, "", SINCE, UNTIL, Side.INCOMING, "")
    await acts.sign(GOES, "A", SINCE, UNTIL, Side.OUTGOING, "")
    with pytest.raises(Conflict, match="another leader takes the shift over"):
        await acts.sign(GOES, "A", SINCE, UNTIL, Side.INCOMING, "")
    with pytest.raises(Conflict, match="the incoming leader signs next"):
        await acts.sign(COMES, "A", SINCE, UNTIL, Side.OUTGOING, "")
    odd = {**SHIFT, "since": (SINCE + timedelta(minutes=7)).isoformat()}
    assert "quarter of an hour" in refused(await api.get("/api/v1/handovers/book", params=odd), 400)
    refused(await api.post("/api/v1/handovers/signatures", json={**SHIFT, "side": "both"}), 422)


async def test_the_command_line_signs_and_shows_the_book(server, served) -> None:
    await open_matters(server)
    shift = ("--from", SINCE.isoformat(), "--to", UNTIL.isoformat())
    done = await served("handover", "sign", *shift, "--as", "outgoing", "--note", "quiet")
    assert done.code == 0, done.err
    shown = (await served("handover", "show", *shift)).out
    assert "handed_over" in shown
    assert "open matters: 1" in shown
    assert [row["state"] for row in (await served("handover", "list", "--json")).json] == ["handed_over"]
    assert "the incoming leader signs next" in (await served("handover", "sign", *shift, "--as", "outgoing")).err


@pytest.mark.parametrize("state", list(BookState))
@pytest.mark.parametrize("side", list(Side))
def test_a_book_goes_only_where_the_table_says(state, side) -> None:
    if (state, side) in TRANSITIONS:
        assert signed(state, side, "Zhao", "Wang") is TRANSITIONS[state, side]
    else:
        with pytest.raises(SignatureRefused):
            signed(state, side, "Zhao", "Wang")
