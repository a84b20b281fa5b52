"""A carrier that answers again is registered with anew only if it may have forgotten the registration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from panoramisk.message import Message

from server.hotline.trunks import Trunk
from server.telephony.ami.link import Ami, AmiEvent, LinkState
from server.telephony.trunks.health import TrunkHealth

LINE = Trunk("line", "a.example:5060", register=True, user="4008001234@ims.example", secret="s")


class Asked(Ami):
    """A link that is up, and notes what is asked."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0, "", "")
        self.state = LinkState.UP
        self.registered: list[str] = []

    async def action(self, name: str, **fields: str) -> AmiEvent:
        if name == "PJSIPRegister":
            self.registered.append(fields["Registration"])
        return event()

    async def collect(self, name: str, **fields: str) -> list[AmiEvent]:
        return []


@pytest.fixture
def ami() -> Asked:
    return Asked()


@pytest.fixture
def health(ami: Asked, tmp_path: Path) -> TrunkHealth:
    return TrunkHealth(ami, lambda: (LINE,), tmp_path / "messages", lambda: None)


def event(**fields: str) -> AmiEvent:
    return AmiEvent(Message(fields))


async def answers(health: TrunkHealth, status: str) -> None:
    health.contact(event(AOR=LINE.endpoint, ContactStatus=status))
    await asyncio.sleep(0)


def registered(health: TrunkHealth, user: str = "4008001234") -> None:
    health.registry(event(Username=f"sip:{user}@ims.example", Domain=LINE.uri, Status="Registered"))


async def test_a_carrier_that_answers_again_is_registered_with_anew(health: TrunkHealth, ami: Asked) -> None:
    await answers(health, "Reachable")
    assert ami.registered == [], "nothing was wrong"
    registered(health)
    await answers(health, "Unreachable")
    registered(health, user="another")
    await answers(health, "Reachable")
    assert ami.registered == [LINE.endpoint]
    await health.stop()


async def test_a_carrier_that_took_a_registration_before_it_answered_keeps_it(health: TrunkHealth, ami: Asked) -> None:
    await answers(health, "Unreachable")
    registered(health)
    await answers(health, "Unreachable")
    await answers(health, "Reachable")
    assert ami.registered == [], "to register anew would take the line from the carrier for a second"
    await answers(health, "Unreachable")
    await answers(health, "Reachable")
    assert ami.registered == [LINE.endpoint]
    await health.stop()
