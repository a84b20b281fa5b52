"""One call in progress: where its caller is, and which agent has a part in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import acd.events as acd


class Stage(StrEnum):
    """Where the caller is."""

    MENU = "menu"
    WAITING = "waiting"
    TALKING = "talking"
    OUTSIDE = "outside"
    """Sent on to an outside number, which has not answered yet."""
    AFTER = "after"


@dataclass(slots=True)
class Leg:
    """One agent's part in a call, from the offer on. `offer` is its number, and its recording's too.

    A part that began by a transfer is numbered alike; for an outside number `agent` is that number.
    """

    offer: int
    agent: str
    offered_at: float
    ring_for: float
    answered_at: float | None = None
    joined_at: float | None = None
    outside: bool = False
    given_by: str = ""
    """The agent who transferred the call to this part."""
    hold: str = ""
    """Why the caller is on hold (hold, consult, help or transfer); empty while they talk."""
    hold_since: float = 0.0
    held: float = 0.0
    """Seconds on hold, without the one that goes on."""
    asked: str = ""
    """The colleague or the outside number that is asked meanwhile."""

    def held_until(self, at: float) -> float:
        """Seconds on hold up to this instant."""
        return self.held + (max(0.0, at - self.hold_since) if self.hold else 0.0)


@dataclass(slots=True)
class LiveCall:
    """A call whose caller's channel is up, as far as the log knows."""

    id: int
    caller: str
    called: str
    channel: str
    unique_id: str
    node: str
    arrived_at: float
    stage: Stage = Stage.MENU
    stage_since: float = 0.0
    attached: bool = True
    fields: dict[str, str] = field(default_factory=dict)
    flow_state: str = ""
    asked: acd.CallQueued | None = None
    """What the call waits for, or waited for lastly, as the floor has or had it; None: it never waited."""
    leg: Leg | None = None
    served: bool = False
    talked: float = 0.0
    ticket: int | None = None
    promise: int = 0
    """The promise that this call of our own is to keep; 0 for a caller's call."""
    reached: bool = True
    """Whether the person is on the line: of a call of our own, only once they have picked up."""
    attempt: int = 0
    """The attempt that is under way, or has reached them."""
    number_taken: bool = False
    """Whether a callback was asked for in this call."""
    cut_off: bool = False
    """The phone of the agent was lost in mid-call, and no agent has picked up since."""
    name: str = ""
    """The caller's name, as the network shows it."""
    follows: int = 0
    """The round of its ticket that a follow-up call is about; 0 for every other call."""
    told_by: str = ""
    """The SIP header that the caller's number was taken from."""

    def enter(self, stage: Stage, at: float) -> None:
        """The caller is here from now on."""
        if stage is not self.stage:
            self.stage, self.stage_since = stage, at

    @property
    def queue(self) -> str:
        """The queue in which the call waits or waited lastly; empty if it never did."""
        return self.asked.queue if self.asked is not None else ""


def line_id(offer: int) -> str:
    """Unique id of the channel that dials for an offer while the customer of a callback is not on the line yet.

    All are of one length: Asterisk refuses an id with which another one begins.
    """
    return f"callback-{offer:09d}"
