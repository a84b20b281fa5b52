"""What Asterisk is asked to record, and when."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from server.telephony.ami.link import AmiError
from server.telephony.channels.leg_recorder import LegRecorder
from server.telephony.channels.ownership import AgentChannel

NOW = 1_800_000_000.0
CHANNEL = "PJSIP/1001-0000000a"


class Asterisk:
    """Takes note of actions, and refuses some."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.done = refused, list[tuple[str, str]]()

    async def action(self, name: str, **headers: str) -> None:
        self.done.append((name, headers.get("Options", "")))
        if name in self.refused:
            raise AmiError("no such channel")


def recorder(asterisk: Asterisk) -> LegRecorder:
    ami: Any = SimpleNamespace(action=asterisk.action)
    return LegRecorder(ami, lambda call, offer: Path(f"/r/{call}-{offer}"), lambda: NOW)


def channel(joined_at: float | None) -> AgentChannel:
    return AgentChannel(7, 1, "1001", CHANNEL, "caller", joined_at=joined_at)


async def test_a_leg_that_is_joined_for_the_first_time_has_the_first_files() -> None:
    asterisk = Asterisk()
    await recorder(asterisk).go_on(channel(None))
    assert asterisk.done == [("MixMonitor", "br(/r/7-1-agent.wav)t(/r/7-1-caller.wav)")]


async def test_after_a_hold_the_files_are_named_by_the_time_since_the_join() -> None:
    asterisk = Asterisk("StopMixMonitor")
    await recorder(asterisk).go_on(channel(NOW - 25.3))
    assert asterisk.done == [
        ("StopMixMonitor", ""),
        ("MixMonitor", "br(/r/7-1+25300-agent.wav)t(/r/7-1+25300-caller.wav)"),
    ]


async def test_a_recorder_that_cannot_be_muted_before_a_hold_is_stopped() -> None:
    asterisk = Asterisk()
    await recorder(asterisk).rest(channel(NOW))
    assert asterisk.done == [("MixMonitorMute", "")]
    asterisk = Asterisk("MixMonitorMute", "StopMixMonitor")
    await recorder(asterisk).rest(channel(NOW))
    assert asterisk.done == [("MixMonitorMute", ""), ("StopMixMonitor", "")]
