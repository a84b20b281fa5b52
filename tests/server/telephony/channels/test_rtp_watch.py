"""Who is asked for packets, what is kept of the counts, and who is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import acd.events as acd
from server.hotline.definitions import SoundRules
from server.telephony.ami.link import AmiError
from server.telephony.channels import rtp_watch
from server.telephony.channels.leg_files import counted
from server.telephony.channels.ownership import AgentChannel
from server.telephony.channels.rtp_watch import RtpWatch

CALLER, AGENT = "PJSIP/trunk-00000001", "PJSIP/1001-00000002"


class Line:
    """A conversation. `rates` are the packets a second of its channels from now on; None: Asterisk does not say."""

    def __init__(self, tmp_path: Path) -> None:
        self.began = time.monotonic()
        self.rates: dict[str, float | None] = {CALLER: 50.0, AGENT: 50.0}
        self.sent = {CALLER: 0.0, AGENT: 0.0}
        self.asked: list[str] = []
        self.learned: list[str] = []
        self.told: list[object] = []
        self.leg = AgentChannel(7, 1, "1001", AGENT, "c", joined_at=time.time(), answered=True)
        self.live: Any = SimpleNamespace(channel=CALLER, leg=SimpleNamespace(offer=1, hold=""))
        self.talking = [self.leg]
        self.prefix = tmp_path / "7-1"
        (tmp_path / "7-1-agent.wav").touch()
        dispatcher: Any = SimpleNamespace(submit=lambda *events: self.told.extend(events))
        view: Any = SimpleNamespace(calls={7: self.live})
        channels: Any = SimpleNamespace(talking=lambda: list(self.talking))
        ami: Any = SimpleNamespace(action=self.action)
        rules = SoundRules(counted_every=0.2, one_way_after=0.6, learn_after=0.3)
        self.watch = RtpWatch(dispatcher, view, channels, ami, lambda call, offer: self.prefix, lambda: rules)

    async def action(self, name: str, **headers: str) -> dict[str, str]:
        channel = headers["Channel"]
        if name == "Setvar":
            self.learned.append(channel)
            return {}
        self.asked.append(channel)
        if (rate := self.rates[channel]) is None:
            raise AmiError("no such channel")
        now = time.monotonic()
        return {"Value": str(round(self.sent[channel] + rate * (now - self.began)))}

    def send(self, caller: float, agent: float) -> None:
        """So many packets a second from now on."""
        now = time.monotonic()
        for channel, rate in ((CALLER, caller), (AGENT, agent)):
            self.sent[channel] += (self.rates[channel] or 0) * (now - self.began)
            self.rates[channel] = rate
        self.began = now


@asynccontextmanager
async def watching(line: Line) -> AsyncIterator[None]:
    task = asyncio.ensure_future(line.watch.run())
    try:
        yield
    finally:
        task.cancel()


async def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setattr(rtp_watch, "OFTEN", 0.2)
    monkeypatch.setattr(rtp_watch, "_TURN", 0.01)
    return Line(tmp_path)


async def test_a_side_that_stops_is_learned_anew_and_then_an_alarm_until_it_comes_back(line: Line) -> None:
    async with watching(line):
        await until(lambda: len(line.asked) > 6)
        assert line.watch.alarms() == []
        line.send(50, 0)
        await until(lambda: line.watch.silent())
        (alarm,) = line.watch.alarms()
        assert alarm.startswith("call 7: no sound has come from the phone of agent 1001 for ")
        assert line.learned[0] == AGENT
        line.send(50, 50)
        await until(lambda: not line.watch.silent())
    assert [type(each) for each in line.told] == [acd.SoundStopped, acd.SoundReturned]


async def test_nobody_is_asked_about_a_caller_on_hold(line: Line) -> None:
    async with watching(line):
        await until(lambda: len(line.asked) > 6)
        line.talking.clear()
        line.live.leg.hold = "hold"
        line.send(50, 0)
        line.watch.wake(SimpleNamespace())  # type: ignore[arg-type]
        await asyncio.sleep(0.3)
        asked = len(line.asked)
        await asyncio.sleep(0.6)
        assert len(line.asked) == asked
        line.live.leg.hold = ""
        line.talking.append(line.leg)
        line.send(50, 50)
        line.watch.wake(SimpleNamespace())  # type: ignore[arg-type]
        await until(lambda: len(line.asked) > asked + 4)
    assert (line.told, line.learned) == ([], [])


async def test_a_phone_that_holds_need_not_send(line: Line) -> None:
    event: Any = {"Uniqueid": "c"}
    line.watch.hold(event)
    async with watching(line):
        line.send(0, 50)
        await asyncio.sleep(1.2)
        assert line.watch.alarms() == []
        line.watch.unhold(event)
        await until(lambda: line.watch.alarms())


async def test_the_counts_of_sides_that_leave_packets_out_are_kept(line: Line) -> None:
    heard: list[float] = []
    line.watch.listen(lambda leg, packets, told: heard.append(packets.at))
    async with watching(line):
        await until(lambda: len(heard) > 4)
        assert len(counted(line.prefix)) <= 1, "one now and then"
        line.send(0, 0)
        await until(lambda: len(counted(line.prefix)) > 4)
    assert [each.at for each in counted(line.prefix)] == sorted(each.at for each in counted(line.prefix))


async def test_the_sound_on_the_disk_is_counted_where_it_stays_behind(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtp_watch, "BLOCK", 0.5)
    (line.prefix.parent / "7-1-agent.wav").write_bytes(bytes(44 + 1600))
    async with watching(line):
        await until(lambda: len(counted(line.prefix)) > 4)
    assert {each.written for each in counted(line.prefix)} == {0.1}


async def test_after_a_hold_the_sound_of_the_new_part_is_counted_once_there_is_some(line: Line) -> None:
    heard: list[float | None] = []
    line.watch.listen(lambda leg, packets, told: heard.append(packets.written))
    (line.prefix.parent / "7-1-agent.wav").write_bytes(bytes(44 + 1600))
    async with watching(line):
        await until(lambda: 0.1 in heard)
        line.talking.clear()
        line.watch.wake(SimpleNamespace())  # type: ignore[arg-type]
        await asyncio.sleep(0.3)
        heard.clear()
        line.talking.append(line.leg)
        line.watch.wake(SimpleNamespace())  # type: ignore[arg-type]
        await until(lambda: len(heard) > 2)
        assert set(heard) == {None}, "the part before the hold says nothing of what is said now"
        (line.prefix.parent / "7-1+900-agent.wav").write_bytes(bytes(44 + 4800))
        await until(lambda: 0.3 in heard)


async def test_an_asterisk_that_does_not_answer_says_nothing(line: Line) -> None:
    line.rates[AGENT] = None
    async with watching(line):
        await until(lambda: len(line.asked) > 6)
    assert (line.told, line.watch.alarms()) == ([], [])
