"""The audit: privileged acts and every listening, with the principal, the role, the origin and the reason."""

from __future__ import annotations

from server.eventlog.access_events import ActAudited
from server.usecases.permissions import RULES, Act
from server.usecases.principal import Principal

SIGN_IN, REFUSED, SIGN_OUT = "session.sign-in", "session.refused", "session.sign-out"
"""What the audit says of sessions besides the acts of the table."""


def audited(who: Principal, act: Act, subject: str, reason: str = "") -> tuple[ActAudited, ...]:
    """The entry that the act leaves, as the table of permissions says; none for other acts."""
    if not RULES[act].audited:
        return ()
    return (ActAudited(act.value, who.name, who.role.value, who.origin, subject, reason),)
