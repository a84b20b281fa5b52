"""The schema is brought up to date when a server starts, by the first server that comes, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from server.storage.database import DatabaseError

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x53414E53


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; there is no ini file."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def revisions() -> list[str]:
    """All that this version knows, oldest first: each file is named after its own."""
    return sorted(each.name.partition("_")[0] for each in (_SCRIPTS / "versions").glob("[0-9]*_*.py"))


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; nothing when it is there. Two servers may start at the same time.

    Raises DatabaseError when the schema is of a newer version of the product.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        current, known = _current(connection), revisions()
        if current == known[-1]:
            # As at nearly every start: Alembic would read all revisions to find nothing to do.
            return
        if current is not None and current not in known:
            raise DatabaseError(
                f"the database is at revision {current}, which this version does not know: use the version that made it"
            )
        from alembic import command

        command.upgrade(config(connection), "head")


def revision(engine: Engine) -> str | None:
    """The revision that the schema is at; None for an empty database."""
    with engine.connect() as connection:
        return _current(connection)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
