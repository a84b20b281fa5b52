"""The read side of links: a ticket in other systems."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage.notation import iso
from server.storage.schema.webhook_tables import TicketLink


def ticket_links(session: Session, ticket: int) -> list[dict[str, Any]]:
    """The ticket in other systems, by the system's name."""
    found = session.scalars(select(TicketLink).where(TicketLink.ticket == ticket).order_by(TicketLink.system))
    return [
        {
            "system": each.system,
            "reference": each.reference,
            "url": each.url or None,
            "owns": each.owns.split(),
            "by": each.by or None,
            "at": iso(each.at),
        }
        for each in found
    ]
