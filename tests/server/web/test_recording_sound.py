"""Recordings over HTTP: ranges, copies, who may hear what, and what becomes of a file that is not what was recorded."""

from __future__ import annotations

import email
import hashlib
import io
import struct
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from prometheus_client import generate_latest

import acd.events as acd
import recordings.events as rec
import tickets.events as tickets
from acd.policy.definitions import Skill
from quality.events import CallPicked, SamplingPlanSet
from quality.plans import Plan
from recordings.catalogue import Measured, judge
from server.telephony.recording.attaching import Attaching
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.usecases.test_quality import CAME_IN, conversation
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

RATE = 8000
KEY = "2027/01/15/{}.wav"


def wav(seconds: float, caller: float, agent: float) -> bytes:
    """Stereo PCM: a tone of so many hertz on either side."""
    at = np.arange(round(seconds * RATE)) * 2 * np.pi / RATE
    sides = np.stack([np.sin(at * caller), np.sin(at * agent)], axis=1) * 8000
    data = sides.astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        1,
        2,
        RATE,
        RATE * 4,
        4,
        16,
        b"data",
        len(data),
    )
    return head + data


SOUND = wav(12.0, 1000, 600)


def hertz(track: np.ndarray, rate: int) -> float:
    """The loudest frequency."""
    spectrum = np.abs(np.fft.rfft(track * np.hanning(len(track))))
    return float(np.fft.rfftfreq(len(track), 1 / rate)[int(spectrum.argmax())])


@pytest.fixture
async def kept(server: ApiServer) -> ApiServer:
    """Recording 1 of agent 1001, in a team that 1009 leads, and recording 2 of 1003 of another team."""
    server.definitions = replace(server.definitions, teams={"A": ("1009",), "B": ()})
    for agent, team in (("1001", "A"), ("1003", "B"), ("1009", "C")):
        await server.tell(acd.AgentDefined(agent, agent, (Skill("complaint", 5),), (team,), f"sip:{agent}@127.0.0.1"))
    for number, agent in ((1, "1001"), (2, "1003")):
        await keep(server, number, agent, SOUND)
    return server


async def keep(server: ApiServer, number: int, agent: str, sound: bytes) -> None:
    key = KEY.format(number)
    with server.sound.store.writing(key) as file:
        file.write(sound)
    at = round(server.dispatcher.state.at, 3)
    digest = hashlib.sha256(sound).hexdigest()
    closed = rec.RecordingClosed(number, key, 12.0, 2, digest, -15.0, -15.0, (), "2027-01-15", number, agent, at, 2)
    await server.tell(rec.RecordingStarted(number, number, agent, "a", "b"), closed)


async def bearer(server: ApiServer, role: Role, agent: str = "") -> dict[str, str]:
    _, token = await server.acts.tokens.create(OWNER, name=f"{role} {agent}".strip(), role=role, agent=agent)
    return {"Authorization": f"Bearer {token}"}


async def audit(api: httpx.AsyncClient, server: ApiServer) -> list[tuple[str, str, str]]:
    await server.tell()
    rows = (await api.get("/api/v1/audit?act=recordings.pull")).json()["items"]
    return [(row["by"], row["subject"], row["reason"]) for row in rows]


async def test_the_whole_sound_and_parts_of_it(kept: ApiServer, api: httpx.AsyncClient) -> None:
    whole = await api.get("/api/v1/recordings/1/audio")
    assert (whole.status_code, whole.content) == (200, SOUND)
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["etag"] == f'"{hashlib.sha256(SOUND).hexdigest()}"'
    for asked, begin, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, len(SOUND)),
        ("bytes=-44", len(SOUND) - 44, len(SOUND)),
        (f"bytes=50-{10**12}", 50, len(SOUND)),
    ):
        part = await api.get("/api/v1/recordings/1/audio", headers={"Range": asked})
        assert (part.status_code, part.content) == (206, SOUND[begin:end])
        assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(SOUND)}"
        assert int(part.headers["content-length"]) == end - begin


async def test_ranges_that_are_none_give_the_whole_and_those_outside_are_refused(
    kept: ApiServer, api: httpx.AsyncClient
) -> None:
    many = "bytes=" + ",".join(f"{each * 10}-{each * 10 + 1}" for each in range(9))
    for asked in (
        "bytes=5-2",
        "bytes=0-5,5-6",
        "seconds=1-2",
        "bytes=-",
        "bytes=a-b",
        "bytes=0-1,a",
        "bytes=",
        many,
        "",
    ):
        answer = await api.get("/api/v1/recordings/1/audio", headers={"Range": asked})
        assert (answer.status_code, len(answer.content)) == (200, len(SOUND)), asked
    for asked in (f"bytes={len(SOUND)}-", "bytes=-0", f"bytes=-0,{len(SOUND)}-"):
        answer = await api.get("/api/v1/recordings/1/audio", headers={"Range": asked})
        assert f"ask for bytes=0-{len(SOUND) - 1}" in refused(answer, 416)
        assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"


async def test_several_ranges_are_parts_of_one_body(kept: ApiServer, api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/recordings/1/audio", headers={"Range": "bytes=100-199, 0-43, -10, 9999999-"})
    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "content-range" not in answer.headers
    message = email.message_from_bytes(f"Content-Type: {answer.headers['content-type']}\r\n".encode() + answer.content)
    assert message.get_content_type() == "multipart/byteranges"
    size = len(SOUND)
    assert [
        (part["content-type"], part["content-range"], part.get_payload(decode=True)) for part in message.get_payload()
    ] == [
        ("audio/wav", f"bytes 100-199/{size}", SOUND[100:200]),
        ("audio/wav", f"bytes 0-43/{size}", SOUND[:44]),
        ("audio/wav", f"bytes {size - 10}-{size - 1}/{size}", SOUND[-10:]),
    ]
    alone = await api.get("/api/v1/recordings/1/audio", headers={"Range": "bytes=0-9,9999999-"})
    assert (alone.status_code, alone.headers["content-range"], alone.content) == (206, f"bytes 0-9/{size}", SOUND[:10])


async def test_a_client_that_has_an_older_sound_gets_the_whole_one(kept: ApiServer, api: httpx.AsyncClient) -> None:
    etag = (await api.get("/api/v1/recordings/1/audio")).headers["etag"]
    part = {"Range": "bytes=0-9"}
    for if_range, status in ((etag, 206), ('"other"', 200), ("Fri, 15 Jan 2027 08:00:00 GMT", 200)):
        answer = await api.get("/api/v1/recordings/1/audio", headers={**part, "If-Range": if_range})
        assert answer.status_code == status
    known = await api.get("/api/v1/recordings/1/audio", headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")


async def test_the_copy_is_opus_with_the_sides_as_they_were(kept: ApiServer, api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/recordings/1/audio?format=opus")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/webm")
    assert len(answer.content) < len(SOUND) / 10
    with av.open(io.BytesIO(answer.content)) as file:
        (stream,) = file.streams.audio
        assert stream.codec_context.name in ("opus", "libopus")
        frames = [frame.to_ndarray() for frame in file.decode(stream)]
        rate = stream.codec_context.sample_rate
    planes = np.concatenate(frames, axis=1)
    sides = planes if len(planes) == 2 else planes.reshape(-1, 2).T
    assert len(sides[0]) / rate == pytest.approx(12.0, abs=0.2)
    assert hertz(sides[0], rate) == pytest.approx(1000, abs=5)
    assert hertz(sides[1], rate) == pytest.approx(600, abs=5)
    part = await api.get("/api/v1/recordings/1/audio?format=opus", headers={"Range": "bytes=10-19"})
    assert part.content == answer.content[10:20]


async def test_peaks_and_marks_are_told_and_pauses_stand_among_them(kept: ApiServer, api: httpx.AsyncClient) -> None:
    await kept.tell(rec.RecordingPaused(1, 1, "1001", "agent 1001", "card number", 0.0))
    await kept.tell(rec.RecordingResumed(1, 1, "1001", "agent 1001"))
    said = (await api.get("/api/v1/recordings/1/peaks")).json()
    assert (said["seconds"], said["per_second"], len(said["peaks"]["caller"])) == (12.0, 20, 240)
    assert said["level"]["caller"] == pytest.approx(-15.3, abs=0.1)
    assert sorted(mark["kind"] for mark in said["marks"]) == ["pause", "talk_over"]


async def test_derived_files_are_made_again_when_they_are_lost_or_changed(
    kept: ApiServer, api: httpx.AsyncClient
) -> None:
    first = (await api.get("/api/v1/recordings/1/audio?format=opus")).content
    folder = kept.sound.store.root / "2027/01/15"
    for spoil in (
        lambda: (folder / "1.webm").unlink(),
        lambda: (folder / "1.webm").write_bytes(b"another song"),
        lambda: (folder / "1.marks.json").unlink(),
        lambda: (folder / "1.marks.json").write_bytes(b"{"),
    ):
        spoil()
        assert (await api.get("/api/v1/recordings/1/audio?format=opus")).content == first


@pytest.mark.parametrize("spoil", ["changed", "removed"])
async def test_of_a_file_that_is_not_what_was_recorded_no_byte_is_handed_out_and_it_is_an_alarm(
    kept: ApiServer, api: httpx.AsyncClient, spoil: str
) -> None:
    path: Path = kept.sound.store.root / KEY.format(1)
    assert (await api.get("/api/v1/recordings/1/audio")).status_code == 200
    spoiling = path.unlink if spoil == "removed" else partial(path.write_bytes, SOUND[:-1] + b"?")
    spoiling()
    for asked in ("audio", "audio?format=opus", "peaks"):
        answer = await api.get(f"/api/v1/recordings/1/{asked}", headers={"Range": "bytes=0-9"})
        assert "recording 1 is not what was recorded" in refused(answer, 409)
    ((alarm),) = (await api.get("/api/v1/recordings/alarms")).json()["items"]
    assert (alarm["id"], alarm["what"]) == (1, spoil)
    assert f'sansheng_recording_alarms{{what="{spoil}"}} 1.0' in generate_latest(kept.registry).decode()
    assert len(await audit(api, kept)) == 1
    settled = await api.post("/api/v1/recordings/1/settle", json={"reason": "restored from the backup"})
    assert settled.status_code == 204
    assert (await api.get("/api/v1/recordings/alarms")).json()["items"] == []
    again = await api.post("/api/v1/recordings/1/settle", json={"reason": "twice"})
    assert "recording 1 has no alarm" in refused(again, 404)
    partial(path.write_bytes, SOUND)()
    assert (await api.get("/api/v1/recordings/1/audio")).content == SOUND


async def test_missing_silent_and_short_recordings_are_alarms_as_soon_as_the_log_has_them(
    kept: ApiServer, api: httpx.AsyncClient
) -> None:
    silent, short = (
        judge(measured, talked=30.0)
        for measured in (Measured(30.0, 30.0, -96.0, -20.0), Measured(20.0, 20.0, -20.0, -20.0))
    )
    assert (silent, short) == (
        ("the caller's side is silent: -96 dBFS over 30 s",),
        ("the recording has 20 s of a conversation of 30 s",),
    )
    for number, alarms in ((11, silent), (12, short)):
        closed = rec.RecordingClosed(number, KEY.format(number), 30.0, 2, "0" * 64, -20.0, -20.0, alarms)
        await kept.tell(rec.RecordingStarted(number, number, "1001", "a", "b"), closed)
    await kept.tell(rec.RecordingStarted(13, 13, "1001", "a", "b"), rec.RecordingMissing(13, "neither side has any"))
    told = {each["id"]: each["what"] for each in (await api.get("/api/v1/recordings/alarms")).json()["items"]}
    assert told == {11: "suspicious", 12: "suspicious", 13: "missing"}
    metrics = generate_latest(kept.registry).decode()
    assert 'sansheng_recording_alarms{what="suspicious"} 2.0' in metrics
    assert 'sansheng_recording_alarms{what="missing"} 1.0' in metrics
    sentence = kept.view.recording_alarms.sentence()
    assert sentence.startswith("3 recordings need a look (1 missing, 2 suspicious)")


async def test_each_role_hears_its_own_and_every_listening_is_in_the_audit_once(
    kept: ApiServer, api: httpx.AsyncClient
) -> None:
    heard = []
    for role, agent, expected in (
        (Role.AGENT, "1001", [200, 403]),
        (Role.LEADER, "1009", [200, 403]),
        (Role.SUPERVISOR, "", [200, 200]),
        (Role.QA, "", [200, 200]),
        (Role.DEPARTMENT, "", [403, 403]),
    ):
        token = await bearer(kept, role, agent)
        for _ in range(2):
            answers = [await api.get(f"/api/v1/recordings/{number}/audio", headers=token) for number in (1, 2)]
            assert [answer.status_code for answer in answers] == expected, role
        heard += [number for number, status in zip((1, 2), expected, strict=True) if status == 200]
    told = await audit(api, kept)
    assert [subject for _, subject, _ in reversed(told)] == [f"recording {number} (wav)" for number in heard]
    assert {(by, reason) for by, _, reason in told} == {
        ("agent 1001", "review"),
        ("leader 1009", "coaching"),
        ("supervisor", "complaint"),
        ("qa", "quality"),
    }


async def test_a_purpose_may_be_named_and_must_be_the_roles(kept: ApiServer, api: httpx.AsyncClient) -> None:
    agent = await bearer(kept, Role.AGENT, "1001")
    answer = await api.get("/api/v1/recordings/1/audio?purpose=legal", headers=agent)
    assert "'legal' is no purpose of the role agent" in refused(answer, 403)
    assert "'fun' is no purpose" in refused(await api.get("/api/v1/recordings/1/audio?purpose=fun"), 422)
    by_header = {"Sansheng-Purpose": "dispute"}
    assert (await api.get("/api/v1/recordings/1/peaks", headers=by_header)).status_code == 200
    assert (await audit(api, kept))[0][1:] == ("recording 1 (peaks)", "dispute")


async def test_qa_hears_what_was_drawn_from_the_first_plan_on(kept: ApiServer, api: httpx.AsyncClient) -> None:
    drawn = (await kept.records.one("recordings", 2) or {})["call"]
    await kept.tell(CallPicked(drawn, "1002", "leader"), SamplingPlanSet(Plan("weekly", "spring")))
    qa = await bearer(kept, Role.QA)
    answer = await api.get("/api/v1/recordings/1/audio", headers=qa)
    assert "recording 1 was not drawn for qa" in refused(answer, 403)
    assert (await api.get("/api/v1/recordings/2/audio", headers=qa)).status_code == 200


async def test_a_legal_hold_is_shown_and_released(kept: ApiServer, api: httpx.AsyncClient) -> None:
    for act, held in (("hold", True), ("release", False)):
        done = await api.post(f"/api/v1/recordings/1/{act}", json={"reason": "court"})
        assert done.status_code == 204
        await kept.tell()
        row = (await api.get("/api/v1/recordings/1")).json()
        assert row["held"] is held
        again = await api.post(f"/api/v1/recordings/1/{act}", json={"reason": "court"})
        assert again.status_code == 409
    assert [step["kind"] for step in row["history"]] == ["held", "released"]


async def test_the_end_of_a_days_chain_is_told(kept: ApiServer, api: httpx.AsyncClient) -> None:
    end = (await api.get("/api/v1/recordings/chains/2027-01-15")).json()
    assert (end["recordings"], end["deleted"], end["last"][:2]) == (2, 0, "2:")
    assert (await api.get("/api/v1/recordings/chains/9999-12-31")).status_code == 422


async def test_the_recordings_of_a_sample_are_prepared_for_listening(
    kept: ApiServer, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(kept.sound, "prepare", lambda key, sha256: asked.append(key))
    await kept.tell(*conversation(1, "1001", talked=60.0))
    await api.post("/api/v1/qa/plans", json={"name": "weekly"})
    job = (await api.post("/api/v1/qa/jobs", json={"plan": "weekly", "period": f"{CAME_IN:%G-W%V}"})).json()
    assert (job["calls"], asked) == ([1], [KEY.format(1)])


async def test_a_recording_is_prepared_for_listening_when_it_is_attached_to_a_ticket(
    kept: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(kept.sound, "prepare", lambda key, sha256: asked.append(key))
    attaching = Attaching(kept.acts.recordings.prepare_attached)
    kept.dispatcher.listen(attaching.follow)

    async def prepared() -> list[str]:
        await attaching.over()
        return sorted(asked)

    await kept.tell(*conversation(1, "1001", talked=60.0))
    await keep(kept, 11, "1001", SOUND)
    assert await prepared() == []
    opened = tickets.TicketOpened(1, 1, "13800138001", "complaint", "process", "general", 0.0, 0.0)
    await kept.tell(opened)
    assert await prepared() == [KEY.format(1)]
    again = kept.sound.store.open(KEY.format(1)).read()
    with kept.sound.store.writing(KEY.format(5)) as file:
        file.write(again)
    digest, at = hashlib.sha256(again).hexdigest(), round(kept.dispatcher.state.at, 3)
    closed = rec.RecordingClosed(5, KEY.format(5), 12.0, 2, digest, -15.0, -15.0, (), "2027-01-15", 1, "1001", at, 2)
    await kept.tell(rec.RecordingStarted(5, 1, "1001", "a", "b"), closed)
    assert KEY.format(5) in await prepared()
    await attaching.stop()
