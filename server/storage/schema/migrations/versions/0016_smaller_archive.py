"""No index that nothing asks for, and small ones in place of large ones.

The archived log has an index of the few types that are asked for, in place of one of all types; another of the
entries that could not be read, and the recordings of which something is wrong have one too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MADE = (
    (
        "ix_events_asked_for",
        "events",
        ["type", "at"],
        "type IN ('RecordingClosed', 'RecordingDeleted', 'SoundReturned', 'SoundStopped')",
    ),
    ("ix_events_unread", "events", ["ms", "seq"], "problem <> ''"),
    ("ix_recordings_faulty", "recordings", ["started_at"], "state = 'missing' OR problem <> ''"),
)
DROPPED = (
    ("ix_events_type_at", "events", ["type", "at"]),
    ("ix_ticket_rounds_began_at", "ticket_rounds", ["began_at"]),
    ("ix_ticket_rounds_resolve_by", "ticket_rounds", ["resolve_by"]),
    ("ix_ticket_rounds_respond_by", "ticket_rounds", ["respond_by"]),
    ("ix_tickets_state_opened_at", "tickets", ["state", "opened_at"]),
)


def upgrade() -> None:
    for name, table, columns, where in MADE:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    for name, table, _ in DROPPED:
        op.drop_index(name, table)


def downgrade() -> None:
    for name, table, columns in DROPPED:
        op.create_index(name, table, columns)
    for name, table, _, _ in MADE:
        op.drop_index(name, table)
