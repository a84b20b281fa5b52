"""Lists of a large register: an index for each filter, in the order of the list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MADE = (
    ("ix_calls_ticket", "calls", ["ticket"]),
    ("ix_calls_queue_id", "calls", ["queue", "id"]),
    ("ix_calls_outcome_id", "calls", ["outcome", "id"]),
    ("ix_recordings_agent_id", "recordings", ["agent", "id"]),
)


def upgrade() -> None:
    for name, table, columns in MADE:
        op.create_index(name, table, columns)
    answered = sa.text("answered_at IS NOT NULL")
    columns = ["agent", "call"]
    op.create_index("ix_segments_answered", "segments", columns, sqlite_where=answered, postgresql_where=answered)
    op.drop_index("ix_calls_outcome_offered_at", "calls")


def downgrade() -> None:
    op.create_index("ix_calls_outcome_offered_at", "calls", ["outcome", "offered_at"])
    op.drop_index("ix_segments_answered", "segments")
    for name, table, _ in MADE:
        op.drop_index(name, table)
