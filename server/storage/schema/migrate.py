"""The schema is brought up to date when a server starts, by the first server that comes, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from server.storage.database import DatabaseError

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x53414E53


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; there is no ini file."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; nothing when it is there. Two servers may start at the same time.

    Raises DatabaseError when the schema is of a newer version of the product.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
        if current is not None and current not in known:
            raise DatabaseError(
                f"the database is at revision {current}, which this version does not know: use the version that made it"
            )
        command.upgrade(config(connection), "head")


def revision(engine: Engine) -> str | None:
    """The revision that the schema is at; None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
