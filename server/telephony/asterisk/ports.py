"""Audio ports are shared out: however many callers come, agents' legs find a port.

A leg takes two ports, one for the sound and one for the reports on it. Callers have the first four fifths of the range;
legs to agents, to colleagues who are asked, and of calls that go out take any port that is free.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST = 20
"""Ports of the smallest range."""
PER_CALL = 3
"""Ports for each admitted call: two of the caller, and a share of those of the agents; most callers are waiting."""


@dataclass(frozen=True, slots=True)
class AudioPorts:
    """A range of UDP ports, `first` and `last` included."""

    first: int
    last: int

    @property
    def callers(self) -> tuple[int, int]:
        """The callers' ports."""
        return self.first, self.first + 2 * self._legs - 1

    @property
    def max_callers(self) -> int:
        """Callers that are answered at once, admitted or not.

        A tenth of the callers' ports is for those who are being refused: Asterisk takes a port for each INVITE before
        the dialplan sees it.
        """
        return self._legs * 9 // 10

    @property
    def max_calls(self) -> int:
        """Calls that may be admitted at once."""
        return (self.last - self.first + 1) // PER_CALL

    @property
    def _legs(self) -> int:
        return (self.last - self.first + 1) * 2 // 5
