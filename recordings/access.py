"""Law: nobody hears a recording without a purpose that fits the role.

Which recordings a role reaches at all is another question (the table of permissions); this one says for what.
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why somebody listens. It is kept in the audit."""

    REVIEW = "review"
    """An agent listens to the agent's own conversation."""
    COACHING = "coaching"
    QUALITY = "quality"
    COMPLAINT = "complaint"
    """A ticket is worked on."""
    DISPUTE = "dispute"
    LEGAL = "legal"
    """A court, an authority, a legal hold."""
    SUBJECT = "subject"
    """The person who was recorded asked for it."""
    OPERATIONS = "operations"
    """A technical fault is looked for."""


_ANY = tuple(Purpose)
_BY_ROLE: dict[str, tuple[Purpose, ...]] = {
    "agent": (Purpose.REVIEW, Purpose.COMPLAINT),
    "leader": (Purpose.COACHING, Purpose.COMPLAINT, Purpose.DISPUTE, Purpose.QUALITY, Purpose.REVIEW),
    "qa": (Purpose.QUALITY, Purpose.DISPUTE),
    "supervisor": (Purpose.COMPLAINT, *(each for each in _ANY if each is not Purpose.COMPLAINT)),
    "administrator": (Purpose.OPERATIONS, *(each for each in _ANY if each is not Purpose.OPERATIONS)),
    "service": (Purpose.OPERATIONS,),
}


def purposes(role: str) -> tuple[Purpose, ...]:
    """The purposes for which this role may listen, the usual one first; none for a role that may not."""
    return _BY_ROLE.get(role, ())


def purpose_of(role: str, asked: str) -> str:
    """The purpose that was asked for, or the role's usual one. Raises ValueError with a sentence.

    A service may name a purpose of its own: its token, or the link that it follows, says who stands behind it.
    """
    allowed = purposes(role)
    if not allowed:
        raise ValueError(f"the role {role} listens to no recordings")
    if not asked:
        return allowed[0]
    if role == "service":
        return asked
    if asked not in allowed:
        raise ValueError(f"{asked!r} is no purpose of the role {role}: there are {', '.join(allowed)}")
    return Purpose(asked)
