"""What the commands share: settings, the server's API, the records.

Whatever is heavy is imported where it is used, so that a command is there at once.
"""

from __future__ import annotations

import json
import os
import pwd
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from zoneinfo import ZoneInfo

from server import bounds
from server.config import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from http.client import HTTPConnection

    from sqlalchemy import Engine

    from server.hotline.called_numbers import CalledNumbers
    from server.storage.database import Database
    from server.storage.queries.lists.lists import Lists
    from server.storage.queries.records import Queries
    from server.usecases.principal import Principal

START = "start it with `make run`"
_PATIENCE = 15.0
_SOON = 3.0
"""Seconds that a list waits for the server before it reads the records itself."""
_Row = dict[str, Any]


class Refused(Exception):
    """The command cannot be done; the text is the one sentence that the user reads."""


class Down(Refused):
    """No server runs here."""


def settings() -> Settings:
    """This installation's settings. Raises Refused."""
    try:
        return load_settings()
    except SettingsError as error:
        raise Refused(str(error)) from None


def request(
    method: str,
    path: str,
    body: Mapping[str, Any] | bytes | None = None,
    *,
    within: float = _PATIENCE,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Ask the server on this machine, which has `within` seconds. Raises Refused with its answer, or Down."""
    here = settings()
    token = here.api_token or _owner_token(here)
    try:
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        status, text = exchange(here, method, path, body, sent, within=within)
    except TimeoutError:
        raise Refused(f"the server at {here.api} did not answer within {within:g} s: see {log_of(here)}") from None
    except OSError:
        raise Down(f"no server answers at {here.api}: {START}") from None
    if status == 204:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        raise Refused(f"what answers at {here.api} is not Sansheng: set SANSHENG_HTTP_PORT to its port") from None
    if status == 401 and here.api_token:
        raise Refused("the server does not know this SANSHENG_API_TOKEN: it has expired, or was revoked")
    if status == 401:
        raise Refused(f"the server at {here.api} belongs to another home: set SANSHENG_HOME or SANSHENG_HTTP_PORT")
    if status >= 400:
        raise Refused(str(data.get("detail") or data.get("title") or f"the server answered {status}"))
    return data


def listed(path: str, filters: Mapping[str, Any], limit: int, otherwise: Callable[[], list[_Row]]) -> list[_Row]:
    """The rows of a list: from the running server, which has everything loaded, else from the records themselves.

    Both answer by the same queries, and to the machine's owner. A server that is stopping, standing by, or busy for
    longer than a moment is not waited for. Raises Refused.
    """
    from urllib.parse import urlencode

    asked = {name: value for name, value in filters.items() if value is not None}
    here = settings()
    try:
        wanted = f"{path}?{urlencode({**asked, 'limit': limit})}"
        status, text = exchange(
            here, "GET", wanted, headers={"Authorization": f"Bearer {_owner_token(here)}"}, within=_SOON
        )
        if status == 200:
            found: list[_Row] = json.loads(text)["items"]
            return found
    except (Down, OSError, ValueError, LookupError, TypeError):
        pass  # no server answers here, or it is not this home's
    return otherwise()


def _owner_token(here: Settings) -> str:
    try:
        return here.token_file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise Down(f"no server was ever started in {here.root}: {START}") from None
    except (OSError, ValueError) as error:
        why = f"{here.token_file} cannot be read ({error})"
        raise Refused(f"{why}: run this as the user who runs the server, or set SANSHENG_API_TOKEN") from None


def exchange(
    here: Settings,
    method: str,
    path: str,
    body: Mapping[str, Any] | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    within: float = _PATIENCE,
) -> tuple[int, str]:
    """One HTTP request to the server: (status, body). Bytes are sent as they are, as a table of the CSV form.

    Raises OSError (TimeoutError) when no server answers.
    """
    from http.client import HTTPException

    connection = _connection(here, within)
    kind = "text/csv" if isinstance(body, bytes) else "application/json"
    sent = {"Content-Type": kind, "Connection": "close", **(headers or {})}
    content = body if isinstance(body, bytes) or body is None else json.dumps(body)
    try:
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except HTTPException as error:
        raise ConnectionError(f"what answers does not speak HTTP: {error!r}") from None
    finally:
        connection.close()


def _connection(here: Settings, seconds: float) -> HTTPConnection:
    """A connection to the server, which is opened with the first request. Under TLS the server must have the very
    certificate that this machine has for it, or had before: names do not matter here."""
    from http.client import HTTPConnection

    address = here.api.partition("://")[2]
    if not here.tls:
        return HTTPConnection(address, timeout=seconds)
    from server.commands.own_tls import PinnedConnection

    return PinnedConnection(address, (here.tls_shown, here.tls_files[0]), seconds)


def download(path: str, to: BinaryIO) -> None:
    """Copy what the server answers to this GET. Raises Refused with its refusal, or Down."""
    from http.client import HTTPException

    here = settings()
    connection = _connection(here, 600.0)
    try:
        bearer = here.api_token or _owner_token(here)
        connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}", "Connection": "close"})
        answer = connection.getresponse()
        if answer.status >= 400:
            raise Refused(str(json.loads(answer.read())["detail"]))
        while piece := answer.read(1 << 16):
            to.write(piece)
    except (HTTPException, ConnectionError, TimeoutError):
        raise Down(f"no server answers at {here.api}: {START}") from None
    except (ValueError, LookupError, TypeError):
        raise Refused(f"what answers at {here.api} is not Sansheng: set SANSHENG_HTTP_PORT to its port") from None
    finally:
        connection.close()


def log_of(here: Settings) -> Path:
    """The server's log file."""
    return here.root / "log" / "server.log"


def owner() -> Principal:
    """The account that types the command: it holds the machine's files, so it may do everything."""
    from server.usecases.principal import Principal, Role

    account = pwd.getpwuid(os.getuid()).pw_name
    return Principal(f"{account} on this machine", Role.ADMINISTRATOR, "command line")


@contextmanager
def lists() -> Iterator[Lists]:
    """The lists of the records, which need no SQLAlchemy. Raises Refused as `queries`."""
    from server.storage.queries.lists.asking import faults, of_engine, of_url
    from server.storage.queries.lists.lists import Lists
    from server.storage.queries.paging import QueryError

    asking = of_url(_records_url())
    if asking is None:
        with reading() as engine:
            yield Lists(of_engine(engine))
        return
    try:
        yield Lists(asking)
    except QueryError as error:
        raise Refused(str(error)) from None
    except faults() as error:
        raise _unreadable(error) from None


@contextmanager
def queries() -> Iterator[Queries]:
    """The questions to the records. Raises Refused when there are none or they cannot be read."""
    from server.storage.queries.records import Queries

    with reading() as engine:
        yield Queries(engine)


@contextmanager
def reading() -> Iterator[Engine]:
    """The records, for reading. Raises Refused when there are none or they cannot be read."""
    with records_database() as database:
        yield database.read


@contextmanager
def records_database() -> Iterator[Database]:
    """The records. Raises Refused when there are none or they cannot be read."""
    url = _records_url()
    from sqlalchemy.exc import DBAPIError

    from server.storage.database import DatabaseError, open_database
    from server.storage.queries.paging import QueryError

    try:
        database = open_database(url)
    except DatabaseError as error:
        raise Refused(str(error)) from None
    try:
        yield database
    except QueryError as error:
        raise Refused(str(error)) from None
    except DBAPIError as error:
        raise _unreadable(error.orig) from None
    finally:
        database.dispose()


def _records_url() -> str:
    here = settings()
    if not here.database_url and not (here.root / "records.db").exists():
        raise Refused(f"there are no records in {here.root} yet: {START}")
    return here.records_url


def _unreadable(error: BaseException | None) -> Refused:
    cause = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Refused(f"the records cannot be read: {cause}; see `sansheng doctor`")


def calls_go_out(here: Settings) -> bool:
    """Whether there is a trunk for outgoing calls; True where the definitions are broken, of which others tell."""
    from server.hotline.definitions import load
    from tables.toml import DefinitionFault

    try:
        return bool(here.trunk) or any(trunk.numbers for trunk in load(here.root).trunks)
    except DefinitionFault:
        return True


def as_shown(number: str) -> str:
    """The number as the records have it, however it is written; unchanged where the definitions are broken."""
    from server.hotline.definitions import load
    from tables.toml import DefinitionFault

    try:
        return load(settings().root).party(number).shown or number
    except DefinitionFault:
        return number


def called_numbers() -> CalledNumbers | None:
    """The hotline's numbers; None where the operator named none, or the definitions are broken."""
    if not _definitions().get("numbers"):
        return None
    from server.hotline.definitions import load
    from tables.toml import DefinitionFault

    try:
        return load(settings().root).numbers
    except DefinitionFault:
        return None


def _definitions() -> dict[str, Any]:
    """What stands in `hotline.toml`, unchecked; nothing where it cannot be read."""
    try:
        return tomllib.loads((settings().root / "hotline.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}


def wholes() -> dict[str, tuple[str, ...]]:
    """In which category's sum each one counts, by the operator's `[categories]`; none where they cannot be read."""
    if not _definitions().get("categories"):
        return {}
    from server.hotline.definitions import load
    from tables.toml import DefinitionFault

    try:
        return load(settings().root).categories.wholes()
    except DefinitionFault:
        return {}


def zone() -> ZoneInfo:
    """The hotline's time zone, in which people are shown times; Asia/Shanghai unless its calendar says otherwise."""
    try:
        return ZoneInfo(_definitions()["calendar"]["zone"])
    except (OSError, ValueError, LookupError, TypeError):
        return ZoneInfo("Asia/Shanghai")


def ahead(text: str, option: str, now: datetime | None = None) -> datetime:
    """An instant to come: as `instant`, or 18:00 for the next such time, or "tomorrow 09:00". Raises Refused."""
    where = zone()
    now = (now or datetime.now(UTC)).astimezone(where)
    day, _, clock = text.rpartition(" ")
    try:
        at = time.fromisoformat(clock) if len(clock) == 5 and day in ("", "today", "tomorrow") else None
    except ValueError:
        at = None
    if at is None:
        return instant(text, option)
    found = datetime.combine(now.date() + timedelta(days=day == "tomorrow"), at, where)
    return (found + timedelta(days=not day and found <= now)).astimezone(UTC)


def instant(text: str, option: str) -> datetime:
    """A typed day or instant, in the hotline's zone unless it says otherwise. Raises Refused."""
    try:
        return bounds.instant(text, zone())
    except ValueError as error:
        raise Refused(f"{option} {text}: {error}") from None


def day(text: str, option: str = "--day") -> date:
    """A typed day. Raises Refused."""
    try:
        return bounds.day(text)
    except ValueError as error:
        raise Refused(f"{option} {text}: {error}") from None
