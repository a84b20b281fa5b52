"""Audio ports are shared out: however many callers come, agents' legs find a port.

A leg takes two ports, one for the sound and one for the reports on it. Callers have the first four fifths of the range;
legs to agents, to colleagues who are asked, and of calls that go out take any port that is free.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.warned import warned

LEAST = 20
"""Ports of the smallest range."""
PER_CALL = 3
"""Ports for each admitted call: two of the caller, and a share of those of the agents; most callers are waiting."""

PER_AGENT = 10
"""Ports of the range for each agent who may talk at the same time: two of a fifth of the range."""


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
    def agents(self) -> int:
        """Legs to agents that find a port even when callers have taken all of theirs."""
        return (self.last - self.first + 1) // 2 - self._legs

    def too_few(self, max_calls: int, agents: int) -> list[str]:
        """What so many admitted calls, or agents who are signed in, would want beyond what there is, as sentences."""
        mine = f"SANSHENG_RTP_PORTS={self.first}-{self.last}"
        found = []
        if self.max_calls < max_calls:
            found.append(
                f"{mine} carries {self.max_calls} calls, max_calls is {max_calls}: the line is full at "
                f"{self.max_calls}; lower max_calls, or give {PER_CALL * max_calls} ports"
            )
        if self.agents < agents:
            sentence = (
                f"{mine} keeps ports for {self.agents} agents when callers have taken theirs, {agents} are signed in: "
                f"give {PER_AGENT * agents} ports"
            )
            ports = PER_AGENT * agents
            found.append(warned("ports", sentence, kept=self.agents, agents=agents, ports=ports))
        return found

    @property
    def _legs(self) -> int:
        return (self.last - self.first + 1) * 2 // 5
