"""`sansheng db`: the records' database. The schema is brought up to date when a server starts; this does it by hand."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.output import Json, print_json, say
from server.commands.shared import START, Refused, settings

if TYPE_CHECKING:
    from server.storage.database import Database

app = typer.Typer(help="The records' database: version, migrate, back up.", no_args_is_help=True)


@app.command()
def version(as_json: Json = False) -> None:
    """Show the database's revision, and the revision that this version of the product needs."""
    from server.storage.schema.migrate import revision, revisions

    with _Opened() as database:
        wanted, found = revisions()[-1], revision(database.read)
    if as_json:
        print_json({"revision": found, "wanted": wanted, "current": found == wanted})
    elif found == wanted:
        say(f"revision {found}: up to date")
    else:
        say(f"revision {found or 'none'}, wanted {wanted}: run `sansheng db migrate`, or start the server")


@app.command()
def migrate() -> None:
    """Bring the schema up to date; a server does the same when it starts."""
    from server.storage.schema import migrate as migrations

    with _Opened(new=True) as database:
        before = migrations.revision(database.write)
        migrations.migrate(database.write)
        now = migrations.revision(database.write)
    say(f"revision {now}: it was up to date" if before == now else f"revision {before or 'none'} → {now}")


@app.command()
def backup(to: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")]) -> None:
    """Copy the records (SQLite) into one file while the server runs."""
    here = settings()
    if not here.records_url.startswith("sqlite"):
        raise Refused("the records are in PostgreSQL: back them up with `pg_dump --format=custom`")
    source = Path(here.records_url.partition("///")[2])
    if not source.exists():
        raise Refused(f"there are no records in {here.root} yet: {START}")
    if to.exists():
        raise Refused(f"{to} is there already: name a file that is not")
    import sqlite3

    half_done = to.with_name(f".{to.name}.part")
    try:
        with sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True) as records:
            copy = sqlite3.connect(half_done)
            records.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.close()
        os.replace(half_done, to)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            half_done.unlink()
        raise Refused(f"{to} cannot be written: {error}") from None
    say(f"{to}: {to.stat().st_size / 1e6:.1f} MB")


@app.command()
def trim(
    keep_days: Annotated[
        int | None, typer.Option(help="Days that stay whole; as SANSHENG_ARCHIVE_DAYS says if left out.", min=1)
    ] = None,
) -> None:
    """Trim the archived log: what calls left in it, and their decisions, before so many days.

    Every later day can still be replayed. Calls, legs, tickets, recordings and counts stay. The space is used again;
    the file of SQLite does not shrink.
    """
    from datetime import UTC, datetime, time, timedelta

    from server.commands.shared import zone
    from server.storage.retention import trim as trimmed

    days = keep_days or settings().archive_days
    if not days:
        raise Refused("the archive is kept for ever: name --keep-days, or set SANSHENG_ARCHIVE_DAYS")
    first = datetime.now(UTC).astimezone(zone()).date() - timedelta(days=days)
    midnight = datetime.combine(first, time(), zone())
    with _Opened() as database:
        done = trimmed(database.write, midnight.timestamp())
    say(f"before {first}: {done.entries} entries and {done.decisions} decisions are trimmed")


class _Opened:
    """The database, closed at the end; its errors become one sentence."""

    def __init__(self, *, new: bool = False) -> None:
        self._new = new

    def __enter__(self) -> Database:
        from server.storage.database import DatabaseError, open_database

        here = settings()
        if not self._new and not here.database_url and not (here.root / "records.db").exists():
            raise Refused(f"there are no records in {here.root} yet: {START}")
        try:
            self._database = open_database(here.records_url)
        except (DatabaseError, OSError) as error:
            raise Refused(str(error)) from None
        return self._database

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        from sqlalchemy.exc import DBAPIError

        from server.storage.database import DatabaseError

        self._database.dispose()
        if isinstance(error, DatabaseError):
            raise Refused(str(error)) from None
        if isinstance(error, DBAPIError):
            raise Refused(f"the database cannot be used: {str(error.orig).strip().splitlines()[0]}") from None
