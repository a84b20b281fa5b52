"""Bulletins, notices, articles, and the words by which articles are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "bulletins",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("teams", STRUCTURE, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("withdrawn_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bulletins"),
    )
    op.create_index("ix_bulletins_at", "bulletins", ["at"], unique=False)
    op.create_table(
        "bulletin_reads",
        sa.Column("bulletin", NUMBER, autoincrement=False, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("bulletin", "agent", name="pk_bulletin_reads"),
    )
    op.create_table(
        "notices",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("prompt", TEXT, nullable=False),
        sa.Column("queues", STRUCTURE, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", TEXT, nullable=False),
        sa.Column("ended_reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    op.create_index("ix_notices_since", "notices", ["since"], unique=False)
    op.create_table(
        "articles",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("callback", sa.Boolean(), nullable=False),
        sa.Column("ticket", NUMBER, nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=True),
        sa.Column("saved_by", TEXT, nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
    )
    op.create_index("ix_articles_kind_queue", "articles", ["kind", "queue"], unique=False)
    op.create_index("ix_articles_saved_at", "articles", ["saved_at"], unique=False)
    op.create_table(
        "article_versions",
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("article", NUMBER, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_article_versions"),
    )
    op.create_index("ix_article_versions_article_version", "article_versions", ["article", "version"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TABLE article_words (id BIGINT PRIMARY KEY, title TSVECTOR NOT NULL, body TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX article_words_title ON article_words USING GIN (title)")
        op.execute("CREATE INDEX article_words_body ON article_words USING GIN (body)")
    else:
        op.execute("CREATE VIRTUAL TABLE article_words USING fts5(title, body, tokenize = 'ascii')")


def downgrade() -> None:
    for table in ("article_words", "article_versions", "articles", "notices", "bulletin_reads", "bulletins"):
        op.drop_table(table)
