"""A caller who was transferred by an agent's phone while no server watched: the caller's channel tells."""

from __future__ import annotations

from server.hotline.live_call import Leg, LiveCall
from server.telephony.ami.link import Ami, AmiFailed
from server.telephony.channels.dial import TRANSFER_TO
from server.telephony.channels.ownership import AgentChannel


async def is_transferred(ami: Ami, channel: str) -> bool:
    """Whether this caller waits for a server that records a transfer by phone. Raises the link's other errors."""
    try:
        return bool((await ami.action("Getvar", Channel=channel, Variable=TRANSFER_TO)).get("Value", ""))
    except AmiFailed:
        return False  # the channel is gone


def left_by_transfer(live: LiveCall, leg: Leg, left_at: float | None) -> AgentChannel:
    """The part of the agent whose phone has transferred the caller and hung up."""
    channel = AgentChannel(live.id, leg.offer, leg.agent, "", live.unique_id, leg.joined_at, left_at, answered=True)
    channel.referred = True
    channel.away.set()
    return channel
