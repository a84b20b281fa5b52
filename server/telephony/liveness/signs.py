"""What is known of the sound from one phone: how many packets came, and about when the last one did.

Packets are counted at intervals, so the last one came somewhere between two looks: the middle is taken for it. A phone
is asked by the earlier of the two, since to ask one that lives costs nothing, and to ask late makes the limit late.
"""

from __future__ import annotations

from dataclasses import dataclass

TEARDOWN = 12.8
"""Seconds from a re-INVITE that nobody answers to the end of the channel: 64 times SIP's T1 for it, and for the BYE."""


@dataclass(slots=True)
class Sign:
    """The sound of one phone. Instants are seconds of any one clock."""

    count: int
    looked_at: float
    heard_at: float
    asked_at: float | None = None
    """When the phone was first asked since its last sound; None: it was not."""
    asked_last: float = 0.0
    heard_after: float | None = None
    """The last sound came later than this; None: than nothing that is known."""

    def look(self, count: int, now: float) -> None:
        """So many packets have come by now."""
        if count != self.count:
            self.count, self.heard_at, self.asked_at = count, (self.looked_at + now) / 2, None
            self.heard_after = self.looked_at
        self.looked_at = now

    def silent(self, now: float) -> float:
        """Seconds since the last sound, as far as is known."""
        return now - self.heard_at

    def silent_at_most(self, now: float) -> float:
        """Seconds since the last sound, if it came as early as it may have."""
        return now - (self.heard_at if self.heard_after is None else self.heard_after)

    def ask(self, now: float) -> None:
        """The phone is asked now whether it is there."""
        self.asked_at = now if self.asked_at is None else self.asked_at
        self.asked_last = now

    def due(self, every: float) -> float:
        """When to look next: every so many seconds, and twice as often while nothing is heard."""
        return self.looked_at + (every if self.heard_at + every > self.looked_at else every / 2)


def asks_phone(sign: Sign, now: float, limit: float) -> bool:
    """Whether a phone that says nothing is to be asked: at half of the limit, and again at that interval."""
    return sign.silent_at_most(now) >= limit / 2 and (sign.asked_at is None or now - sign.asked_last >= limit / 2)


def asks_caller(sign: Sign, now: float, limit: float) -> bool:
    """Whether a caller's phone is to be asked by a re-INVITE, so early that one that is gone is gone at the limit."""
    since = max(limit - TEARDOWN, limit / 4)
    return sign.silent_at_most(now) >= since and (
        sign.asked_at is None or now - sign.asked_last >= max(limit, TEARDOWN)
    )


def other_offer(offered: str, native: str) -> str:
    """What a re-INVITE offers: Asterisk sends none that offers what stands. The codec in use is always offered."""
    codec = native.strip("()").split("|")[0]
    if len(offered.split(",")) > 1:
        return f"!all,{codec}"
    return f"!all,{codec},{'ulaw' if codec == 'alaw' else 'alaw'}"
