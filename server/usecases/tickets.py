"""Acts on tickets."""

from __future__ import annotations

from server.usecases.permissions import Act
from server.usecases.records import RecordActs


class TicketActs(RecordActs):
    """Reading tickets: an agent's are those that the agent owns, or has answered a call of."""

    kind, act = "tickets", Act.READ_TICKETS
