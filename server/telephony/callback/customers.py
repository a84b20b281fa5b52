"""Customers' channels from the first ring until the log has them on the line, as Asterisk tells of them.

AMI tells of a customer before any session can: one who picks up and hangs up at once is noticed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server import crash_points
from server.hotline.live_call import LiveCall
from server.hotline.view import View
from server.telephony.ami.link import Ami, AmiEvent
from server.telephony.channels.agent_channels import AgentChannels
from server.telephony.channels.ownership import belongs


@dataclass(slots=True)
class _Customer:
    call: int
    rang: bool = False
    answered: bool = False


class Customers:
    """`gone(live)` is called when a customer who had picked up is gone before the log has them on the line."""

    def __init__(self, view: View, channels: AgentChannels, ami: Ami, gone: Callable[[LiveCall], None]) -> None:
        self._view, self._channels, self._ami, self._gone = view, channels, ami, gone
        self._dialled: dict[str, _Customer] = {}
        """By the unique id of their channels."""

    def rang(self, call: int, *, watched: bool = True) -> bool:
        """Whether the customer's phone rang, as far as one can tell; of a Dial that nobody watched it is taken so."""
        known = [customer.rang for customer in self._dialled.values() if customer.call == call]
        return any(known) or (not known and not (watched and self._ami.is_up))

    def picked_up(self, call: int) -> bool:
        """Whether the customer picked up and is still there."""
        return any(each.call == call and each.answered for each in self._dialled.values())

    def found(self, call: int, channels: Iterable[AmiEvent]) -> bool:
        """These channels are linked to the call, and there is nothing else: whether a customer is on one of them."""
        self.forget(call)
        for event in channels:
            if belongs(event["Channel"], "", outside=True):
                up = event["ChannelStateDesc"] == "Up"
                self._dialled[event["Uniqueid"]] = _Customer(call, rang=True, answered=up)
        return self.picked_up(call)

    def forget(self, call: int) -> None:
        """The call is over, or the customer is on the line."""
        for unique_id in [key for key, each in self._dialled.items() if each.call == call]:
            del self._dialled[unique_id]

    def dial_begin(self, event: AmiEvent) -> None:
        """A customer's phone is being dialled."""
        if not belongs(event["DestChannel"], "", outside=True):
            return
        unique_id, calls = event.get("Uniqueid", ""), self._view.calls
        agent = self._channels.by_id(unique_id)
        live = calls.get(agent.call) if agent is not None else calls.by_unique_id(unique_id)
        if live is not None and not live.reached:
            self._dialled[event["DestUniqueid"]] = _Customer(live.id)
            crash_points.reached("customer_dialled")

    def dial_state(self, event: AmiEvent) -> None:
        """A customer's phone rings."""
        customer = self._dialled.get(event.get("DestUniqueid", ""))
        if customer is not None and event.get("DialStatus") in ("RINGING", "PROGRESS"):
            customer.rang = True

    def dial_end(self, event: AmiEvent) -> None:
        """Dialling a customer is over: answered or not."""
        customer = self._dialled.get(event.get("DestUniqueid", ""))
        if customer is not None and event.get("DialStatus") == "ANSWER":
            customer.rang = customer.answered = True

    def hung_up(self, event: AmiEvent) -> None:
        """A customer's channel is gone."""
        customer = self._dialled.get(event["Uniqueid"])
        if customer is None:
            return
        # Asterisk may end the channel of a customer who hangs up at once before it tells that they picked up.
        answered = customer.answered or event.get("ChannelStateDesc") == "Up"
        # Whether it rang is still asked for by the session that reads the result of its Dial.
        customer.answered = False
        live = self._view.calls.get(customer.call)
        if answered and live is not None and not live.reached:
            self._gone(live)
