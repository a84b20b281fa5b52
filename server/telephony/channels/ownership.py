"""The owner of a channel: the agent of a call, a colleague who is asked, an outside number, a line of a callback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.hotline.live_call import Leg
from server.hotline.trunks import agent_at
from server.telephony.ami.link import AmiEvent
from server.telephony.channels.dial import TRUNK


@dataclass(slots=True)
class AskedChannel:
    """The channel of somebody who is asked while the caller is on hold."""

    channel: str
    unique_id: str
    answered: bool = False
    """It has been in a bridge with the agent who asks."""
    bridged: bool = False
    """It is in that bridge."""
    replaces: int = 0
    """The offer of the agent's part whose place in the dialplan it takes, by the phone's transfer key; 0 without."""


@dataclass(slots=True)
class AgentChannel:
    """An agent's channel in one call, or an outside number's. Instants are UTC epoch seconds."""

    call: int
    offer: int
    agent: str
    channel: str
    caller_unique_id: str
    joined_at: float | None = None
    left_at: float | None = None
    held: float = 0.0
    held_since: float | None = None
    answered: bool = False
    ended: bool = False
    asked: AskedChannel | None = None
    outside_agent: bool = False
    """The agent is at an outside number: picking up there is no answer."""
    taken_over: bool = False
    """It was asked first. Asterisk then has another place for it than the end of the conversation."""
    apart: asyncio.Event | None = None
    """Set when it has left the bridge in which it was without the caller; None when it was in none."""
    outside: bool = False
    """It leads to an outside number."""
    let_go: bool = False
    """The server hung it up."""
    own_code: bool = False
    """It was answered by one of the hotline's own codes."""
    lost: bool = False
    """The phone is gone: the server ended its part."""
    referred: bool = False
    """The phone has transferred the caller blind, who is out of the bridge."""
    away: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the phone has hung up."""
    replaced: bool = False
    """The colleague's channel takes its place in the dialplan, its recorder included."""
    replaces: int = 0
    """The offer of the part whose place it takes so."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has."""
    by_phone: bool = False
    """Another phone's transfer key joined it with the caller."""
    unrecorded: str = ""
    """Why its conversation with the caller is not recorded; empty when it is."""

    def hold(self, now: float) -> None:
        """The phone put the other side on hold."""
        self.held_since = now if self.held_since is None else self.held_since

    def unhold(self, now: float) -> None:
        """The phone took the other side off hold."""
        if self.held_since is not None:
            self.held += now - self.held_since
            self.held_since = None


def agent_of(channel: str) -> str:
    """The agent whose phone a channel such as `PJSIP/1001-0000002a` belongs to, or whose outside number it leads to;
    empty when it is none."""
    return agent_at(device_of(channel)).removesuffix("-web")


def device_of(channel: str) -> str:
    """The endpoint of a channel: `PJSIP/1001-web-0000002a` → `1001-web`; empty when it is none."""
    technology, _, rest = channel.partition("/")
    return rest.rpartition("-")[0] if technology == "PJSIP" else ""


def belongs(channel: str, name: str, *, outside: bool) -> bool:
    """Whether a channel is this agent's, or leads to the outside."""
    endpoint = agent_of(channel)
    return endpoint == TRUNK or endpoint.startswith(f"{TRUNK}-") if outside else endpoint == name


def find_asked(here: Mapping[str, AmiEvent], agent: AmiEvent, asked: str, *, outside: bool) -> AskedChannel | None:
    """The channel of the colleague (`asked`) that this agent's channel asks; the last one, if there are several."""
    found = None
    for event in here.values():
        if event["Linkedid"] == agent["Linkedid"] and belongs(event["Channel"], asked, outside=outside):
            bridged = bool(event.get("BridgeId"))
            found = AskedChannel(event["Channel"], event["Uniqueid"], bridged, bridged)
    return found


def origin_id(offer: int) -> str:
    """Unique id of the channel that opens the line of an offer: all channels of that callback are linked to it.

    No beginning of `line_id`, nor of another one, which Asterisk would take for the same.
    """
    return f"origin-{offer:09d}"


def returned_id(offer: int) -> str:
    """What the unique ids of the channels to a page that came back in this offer's conversation begin with."""
    return f"page-{offer:09d}-"


def part_of(here: Mapping[str, AmiEvent], linked: str, leg: Leg) -> AmiEvent | None:
    """The channel of this part, among those that are linked to one."""
    for event in here.values():
        if event["Linkedid"] == linked and belongs(event["Channel"], leg.agent, outside=leg.outside):
            return event
    # A page that came back and has not been joined with the caller yet is linked to nobody.
    return next((event for key, event in here.items() if key.startswith(returned_id(leg.offer))), None)
