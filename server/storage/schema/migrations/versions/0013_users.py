"""Users who sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("name", TEXT, nullable=False),
        *(
            sa.Column(name, TEXT, nullable=False)
            for name in ("display", "role", "agent", "teams", "department", "language", "subject")
        ),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=True),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("password_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )


def downgrade() -> None:
    op.drop_table("users")
