"""An agent may be at an outside number, such as a mobile's: rung by the trunk, and joined only after pressing 1.

What picks up there may be a voicemail, so picking up alone is no answer.
"""

from __future__ import annotations

import re

from server.hotline.view import View

SCHEME = "tel:"
"""What the contact of an agent at an outside number begins with; the number follows as it is dialled."""
_NUMBER = re.compile(r"(?:tel:)?(\+?[0-9][0-9 ().-]{2,30})")


def number_in(contact: str) -> str:
    """The number in a contact that is `tel:NUMBER`, or a bare number; empty for any other contact."""
    found = _NUMBER.fullmatch(contact.strip())
    return found[1] if found else ""


def is_outside(view: View, agent: str) -> bool:
    """Whether this agent is at an outside number."""
    return bool(outside_number(view, agent))


def outside_number(view: View, agent: str) -> str:
    """The outside number that this agent is at; empty for any other agent."""
    known = view.floor.agent(agent)
    return known.contact.removeprefix(SCHEME) if known is not None and known.contact.startswith(SCHEME) else ""
