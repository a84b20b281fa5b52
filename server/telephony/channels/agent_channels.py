"""The channels that have or had a part in a call and are still there, by their unique ids."""

from __future__ import annotations

from collections.abc import Container, Iterator

from server.hotline.view import View
from server.telephony.channels.ownership import AgentChannel, AskedChannel


class AgentChannels:
    """Iterated, it gives every channel, in the order in which they came; it may change meanwhile."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._channels: dict[str, AgentChannel] = {}

    def __iter__(self) -> Iterator[AgentChannel]:
        return iter(list(self._channels.values()))

    def __len__(self) -> int:
        return len(self._channels)

    # Looking up

    def by_id(self, unique_id: str) -> AgentChannel | None:
        """The agent's part in a call whose channel has this unique id."""
        return self._channels.get(unique_id)

    def of_call(self, call: int) -> AgentChannel | None:
        """The channel of the agent who has this call now."""
        live = self._view.calls.get(call)
        if live is None or live.leg is None:
            return None
        return next((each for each in self.of_offer(live.leg.offer) if not each.ended), None)

    def in_call(self, call: int) -> list[AgentChannel]:
        """Every channel of this call."""
        return [each for each in self if each.call == call]

    def of_offer(self, offer: int) -> list[AgentChannel]:
        """Every channel of this offer: an agent may have two devices."""
        return [each for each in self if each.offer == offer]

    def beside(self, caller_unique_id: str) -> list[tuple[str, AgentChannel]]:
        """(unique id, channel) of every channel of the caller whose own channel has this unique id."""
        return [(key, each) for key, each in self._channels.items() if each.caller_unique_id == caller_unique_id]

    def talking(self) -> list[AgentChannel]:
        """The channels of agents who are joined with their caller now."""
        return [each for each in self if each.joined_at is not None and each.left_at is None and not each.ended]

    def rings(self, call: int) -> bool:
        """Whether a phone rings for this call: then the offer stands, even while no server holds the caller."""
        channel = self.of_call(call)
        return channel is not None and not channel.answered

    def is_open(self, offer: int) -> bool:
        """Whether a channel of this offer is there, whose files Asterisk has not closed."""
        return any(not each.away.is_set() for each in self.of_offer(offer))

    def asked(self, unique_id: str) -> AskedChannel | None:
        """The channel of somebody who is asked, by its unique id."""
        found = (each.asked for each in self if each.asked is not None)
        return next((each for each in found if each.unique_id == unique_id), None)

    # Following

    def follow(self, unique_id: str, channel: AgentChannel) -> None:
        """This channel has this unique id from now on."""
        self._channels[unique_id] = channel

    def adopt(self, unique_id: str, channel: AgentChannel) -> AgentChannel:
        """Follow this channel, unless one is followed by that unique id; returns the one that is."""
        return self._channels.setdefault(unique_id, channel)

    def forget(self, unique_id: str) -> None:
        """The channel is gone, or does not come."""
        self._channels.pop(unique_id, None)

    def keep(self, here: Container[str]) -> None:
        """Forget every channel whose unique id is not `here`."""
        self._channels = {key: each for key, each in self._channels.items() if key in here}
