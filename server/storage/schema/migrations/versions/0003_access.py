"""Access: tokens, and the audit of privileged acts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("issued_by", TEXT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("revoked_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_tokens"),
    )
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_by", "audit", ["by"], unique=False)


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("access_tokens")
