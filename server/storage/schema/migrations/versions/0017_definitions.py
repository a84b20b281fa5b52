"""Versions of the definitions, and the texts that each changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "definition_versions",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("how", TEXT, nullable=False),
        sa.Column("restores", NUMBER, nullable=False),
        sa.Column("node", TEXT, nullable=False),
        sa.Column("refused", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_definition_versions"),
    )
    op.create_table(
        "definition_texts",
        sa.Column("version", NUMBER, autoincrement=False, nullable=False),
        sa.Column("part", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("version", "part", name="pk_definition_texts"),
    )
    op.create_index("ix_definition_texts_part_version", "definition_texts", ["part", "version"])


def downgrade() -> None:
    op.drop_table("definition_texts")
    op.drop_table("definition_versions")
