"""Offers that an agent's outside number picked up, and where nobody has pressed the key yet."""

from __future__ import annotations

from collections.abc import Callable

CONFIRM_FOR = 10.0
LAST_ROUND = 8.0
"""Seconds that the prompt and the wait for the key may go on beyond that: a round that began is ended."""
REMEMBERED = 1_000


class Unconfirmed:
    """By number of the offer. `within` gives the seconds within which the key is pressed."""

    def __init__(self) -> None:
        self._offers: dict[int, None] = {}
        self.within: Callable[[], float] = lambda: CONFIRM_FOR

    def __contains__(self, offer: int) -> bool:
        return offer in self._offers

    def stands_for(self) -> float:
        """Seconds for which the offer stands after something picked up."""
        return self.within() + LAST_ROUND

    def picked_up(self, offer: int) -> None:
        """Something picked up: an agent, or a voicemail."""
        self._offers[offer] = None
        while len(self._offers) > REMEMBERED:
            del self._offers[next(iter(self._offers))]

    def confirmed(self, offer: int) -> None:
        """The agent has pressed the key."""
        self._offers.pop(offer, None)

    def take(self, offer: int) -> bool:
        """Whether something picked up and nobody pressed the key; told once."""
        found = offer in self._offers
        self._offers.pop(offer, None)
        return found
