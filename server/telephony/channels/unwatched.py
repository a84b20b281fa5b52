"""What is recorded of a conversation that nobody watched: its files tell how long it was, and when it ended."""

from __future__ import annotations

from collections.abc import Callable

import acd.events as acd
import recordings.events as rec
from server.hotline.live_call import Leg, LiveCall
from server.telephony.channels.leg_files import LegFiles


class Unwatched:
    """`on_final(recording)` is called when its files are final."""

    def __init__(self, files: LegFiles, on_final: Callable[[int], None]) -> None:
        self.files, self._on_final = files, on_final

    def joined(self, call: int, offer: int, agent: str, *, answered: bool) -> list[object]:
        """What is recorded when caller and agent are joined. `answered`: the log knows that the agent picked up."""
        prefix = self.files.prefix(call, offer)
        began = rec.RecordingStarted(offer, call, agent, f"{prefix}-caller.wav", f"{prefix}-agent.wav")
        return [*([] if answered else [acd.OfferAnswered(offer)]), acd.Joined(call, agent), began]

    def unseen(self, live: LiveCall, leg: Leg) -> list[object]:
        """What is recorded of a conversation whose end the AMI stream does not tell."""
        talked = self.files.seconds(live.id, leg.offer)
        began: list[object] = [] if leg.answered_at is not None else [acd.OfferAnswered(leg.offer)]
        if talked > 0 and leg.joined_at is None:
            began = self.joined(live.id, leg.offer, leg.agent, answered=leg.answered_at is not None)
        if talked > 0:
            self._on_final(leg.offer)
        ended_at = self.files.grew_until(live.id, leg.offer)
        ended = acd.ConversationEnded(live.id, leg.agent, "agent", talked=talked, held=leg.held, ended_at=ended_at)
        return [*began, ended]

    def last_sign(self, live: LiveCall, leg: Leg | None) -> float | None:
        """The last instant at which a lost conversation is known to have gone on: its recording grew until then."""
        if leg is None or leg.answered_at is None:
            return None
        return self.files.grew_until(live.id, leg.offer)
