"""The hotline: the server's health, definitions and sounds, the log, the records, numbers and promises that wait."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from server.commands.checks import Findings, fail, ok, warn
from server.commands.checks.sockets import HomeProcesses
from server.commands.shared import START, exchange
from server.config import Settings, unknown_variables

if TYPE_CHECKING:
    from server.storage.database import Database

LAG = 10.0
"""Seconds by which the records may be behind the log before the check reports it."""
MILLISECONDS = 1000.0


def check_settings(settings: Settings) -> Findings:
    """The settings, and variables that look like settings and are none."""
    for variable in unknown_variables():
        yield warn("settings", f"{variable} is no setting: unset it, or see docs/operations.md for the right name")
    trunk = f"; trunk: {settings.trunk}" if settings.trunk else ""
    yield ok("settings", f"home {settings.root}{trunk}")


def check_server(settings: Settings, running: HomeProcesses) -> Findings:
    """The server's own health."""
    try:
        _, text = exchange(settings, "GET", "/healthz", within=5.0)
        health = json.loads(text)
        problems, warnings = list(health["problems"]), list(health.get("warnings", ()))
    except OSError:
        if running.runs:
            yield warn("server", f"process {running.pids['server']} runs, but does not answer at {settings.api} (yet)")
        else:
            yield warn("server", f"no server runs in {settings.root}: {START}")
        return
    except (ValueError, KeyError, TypeError):
        yield fail("server", f"what answers at {settings.api} is not Sansheng: set SANSHENG_HTTP_PORT to a free port")
        return
    if not running.runs:
        yield warn("server", f"the server at {settings.api} runs in another home than {settings.root}")
    for problem in problems:
        yield fail("server", problem)
    for warning in warnings:
        yield warn("server", warning)
    if not problems:
        yield ok("server", f"takes calls; API at {settings.api}")


def check_definitions(settings: Settings) -> Findings:
    """Definitions, flows, prompts and music, as `sansheng check` sees them."""
    from server.hotline import definitions
    from server.hotline.examination import examine

    found = examine(settings.root, time.time(), trunk=bool(settings.trunk))
    errors = [each for each in found if each.severity == "error"]
    warnings = [each for each in found if each.severity != "error"]
    if errors:
        first = f"{errors[0].file.name}:{errors[0].line}: {errors[0].sentence}"
        yield fail("definitions", f"{_count(errors, 'error')}, see `sansheng check`; the first: {first}")
    else:
        yield ok("definitions", definitions.summary(settings.root))
    if warnings:
        first = f"{warnings[0].file.name}:{warnings[0].line}: {warnings[0].sentence}"
        yield warn("definitions", f"{_count(warnings, 'warning')}, see `sansheng check`; the first: {first}")
    music = len(list(definitions.MUSIC.glob("*.wav")))
    if music:
        yield ok("sounds", f"music on hold: {_count(range(music), 'piece')}")
    else:
        yield fail("sounds", f"there is no music in {definitions.MUSIC}: take it from the product again")


def check_log(settings: Settings, running: HomeProcesses) -> Findings:
    """Redis answers, writes every entry to the disk, and evicts no entry when memory is short."""
    if not settings.redis_url and "redis" not in running.pids:
        yield (fail if running.runs else ok)("log", "Redis does not run: it is started with the server")
        return
    from redis import Redis
    from redis.exceptions import RedisError

    redis = Redis.from_url(settings.log_url, protocol=2, socket_timeout=3, socket_connect_timeout=2)
    try:
        info: Any = redis.info()
        flush = _setting(redis, "appendfsync")
        policy = info.get("maxmemory_policy", "noeviction")
        last = redis.xrevrange("sansheng:log", count=1)
    except RedisError as error:
        yield fail("log", f"Redis at {settings.log_url} does not answer as it should: {error}")
        return
    finally:
        redis.close()
    yield ok("log", f"Redis {info['redis_version']} uses {info['used_memory'] / 1e6:.0f} MB")
    if not info.get("aof_enabled"):
        yield fail("log", "Redis keeps nothing on the disk: set appendonly yes")
    elif flush not in ("always", ""):
        yield warn("log", f"Redis flushes {flush}: set appendfsync always, or a crash of the machine loses events")
    elif info.get("aof_last_write_status") != "ok" or info.get("aof_last_bgrewrite_status") != "ok":
        yield fail("log", "Redis could not write its file: make room on its disk")
    else:
        yield ok("log", "Redis writes every entry to the disk")
    if policy != "noeviction":
        yield fail("log", f"Redis may forget entries ({policy}): set maxmemory-policy noeviction")
    if last:
        ahead = _instant(last[0][0]) - time.time()
        if ahead > 1.0:
            yield fail(
                "clock", f"the log's last entry is {ahead:.0f} s in the future: the clock went back, set it right"
            )


def check_unreadable(settings: Settings) -> Findings:
    """Every entry of the log could be read."""
    from server.eventlog.unreadable import NAME, read, told

    file = settings.root / "log" / NAME
    found = list(read(file))
    if not found:
        yield ok("log", "every entry could be read")
        return
    first = found[0]
    yield fail(
        "log",
        f"{told(len(found))} in {file}; the first is {first['id']}: {first['why']}. If a newer version wrote it, run "
        f"that version; else do by hand what it was to do. Then move the file away: mv {file} {file}.settled",
    )


def check_records(settings: Settings, running: HomeProcesses) -> Findings:
    """The database is the newest revision, keeps up with the log, and nothing is stuck in it."""
    if not settings.database_url and not (settings.root / "records.db").exists():
        yield ok("records", "there are none yet: they are made at the first start")
        return
    from sqlalchemy.exc import SQLAlchemyError

    from server.storage.database import DatabaseError, open_database

    try:
        database = open_database(settings.records_url)
    except DatabaseError as error:
        yield fail("records", str(error))
        return
    try:
        yield from _look_into(database, settings, running)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
        yield fail("records", f"the database cannot be read: {cause}; nothing is lost, the log keeps it")
    finally:
        database.dispose()


def _look_into(database: Database, settings: Settings, running: HomeProcesses) -> Findings:
    from sqlalchemy import func, select
    from sqlalchemy.orm import Session

    from server.storage.queries.records import Queries
    from server.storage.schema.migrate import revision, revisions
    from server.storage.schema.tables import Call, Cursor, Recording, Segment

    found, wanted = revision(database.read), revisions()[-1]
    if found != wanted:
        yield warn("records", f"revision {found} instead of {wanted}: `sansheng db migrate`, or start the server")
        return
    version = ""
    with Session(database.read) as session:
        if database.read.dialect.name == "postgresql":
            version = f"PostgreSQL {session.connection().exec_driver_sql('SHOW server_version').scalar()}, "
        calls = session.scalar(select(func.count(Call.id))) or 0
        yield ok("records", f"{version}revision {found}, {_count(range(calls), 'call')}")
        cursor = session.scalar(select(Cursor.entry)) or "0-0"
        over = datetime.now(UTC) - timedelta(seconds=settings.recording_overdue_seconds)
        late = select(Recording.id).outerjoin(Call, Call.id == Recording.call)
        late = late.outerjoin(Segment, Segment.offer == Recording.id).where(Recording.state == "started")
        ended_at = func.coalesce(Segment.ended_at, Call.ended_at)
        overdue = list(session.scalars(late.where(ended_at < over).order_by(Recording.id)))
    yield from _check_lag(settings, running, cursor)
    if problems := Queries(database.read).problems(limit=1000):
        yield warn(
            "records",
            f"{_count(problems, 'log entry', 'log entries')} could not be put into the records: "
            f"{problems[0]['problem']}",
        )
    if overdue:
        todo = "it is tried again, see log/server.log" if running.runs else "start the server, which joins them"
        after = f"{settings.recording_overdue_seconds:g} s after the conversation"
        which = f"{_count(overdue, 'recording')} neither joined nor missing {after}"
        yield warn("recordings", f"{which}: {todo}; the first is {overdue[0]}")
    else:
        yield ok("recordings", "every recording of a conversation that is over is joined or missing")


def _check_lag(settings: Settings, running: HomeProcesses, cursor: str) -> Findings:
    if not settings.redis_url and "redis" not in running.pids:
        return
    from redis import Redis
    from redis.exceptions import RedisError

    redis = Redis.from_url(settings.log_url, protocol=2, socket_timeout=3, socket_connect_timeout=2)
    try:
        missing = redis.xrange("sansheng:log", min=f"({cursor}", count=1)
    except RedisError:
        return
    finally:
        redis.close()
    lag = time.time() - _instant(missing[0][0]) if missing else 0.0
    if lag > LAG:
        todo = "see the server's warnings" if running.runs else "a server that starts catches up"
        yield warn("records", f"the records are {lag:.0f} s behind the log, nothing is lost: {todo}")
    else:
        yield ok("records", "the records keep up with the log")


def check_calling_back(settings: Settings) -> Findings:
    """Promised calls can go out: over a trunk, showing a number of the hotline."""
    from server.hotline import definitions

    try:
        loaded = definitions.load(settings.root)
    except ValueError:
        return
    callback, promised = loaded.callback, _to_be_kept(settings)
    names = [trunk.name for trunk in loaded.trunks if trunk.numbers] + [settings.trunk] * bool(settings.trunk)
    if names:
        shown = f"and show {callback.outgoing}" if callback.outgoing else "and show no number"
        verdict = ok if callback.outgoing else warn
        yield verdict(
            "callbacks", f"calls go out over {', '.join(names)} {shown}; {_count(range(promised), 'promise')}"
        )
    elif promised:
        todo = "set one up, see docs/trunks.md"
        yield warn("callbacks", f"{_count(range(promised), 'promised call')} cannot be made without a trunk: {todo}")
    else:
        yield ok("callbacks", "numbers are taken, but no calls go out without a trunk (docs/trunks.md)")


def check_trunks(settings: Settings) -> Findings:
    """Each trunk has what it needs, and is up."""
    from server.commands.shared import Refused, request
    from server.hotline import definitions
    from server.hotline.trunk_secrets import missing

    try:
        trunks = definitions.load(settings.root).trunks
    except ValueError:
        return
    for trunk in trunks:
        if sentence := missing(settings.root, trunk):
            yield warn("trunks", f"trunk {trunk.name}: {sentence}")
    if not trunks:
        return
    try:
        rows = request("GET", "/api/v1/trunks")["items"]
    except Refused:
        yield ok("trunks", f"{_count(trunks, 'trunk')} configured; whether they are up, a running server tells")
        return
    for row in rows:
        if row["up"]:
            registered = ", registered" if row["registered"] else ""
            yield ok("trunks", f"trunk {row['name']} is up{registered}, {_count(range(row['calls']), 'call')}")


def _to_be_kept(settings: Settings) -> int:
    """Promises that are not settled, by the records; 0 when these cannot be read, which another check reports."""
    if not settings.database_url and not (settings.root / "records.db").exists():
        return 0
    from sqlalchemy.exc import SQLAlchemyError

    from server.storage.database import DatabaseError, open_database
    from server.storage.queries.callbacks import PromiseQueries

    try:
        database = open_database(settings.records_url)
    except DatabaseError:
        return 0
    try:
        return PromiseQueries(database.read).to_be_kept()
    except SQLAlchemyError:
        return 0
    finally:
        database.dispose()


def check_spool(settings: Settings, running: HomeProcesses) -> Findings:
    """Numbers that the fallback took while no server answered are in the log."""
    folder = settings.root / "spool" / "callbacks"
    old = time.time() - 60
    waiting = [each for each in folder.glob("*.json") if each.stat().st_mtime < old] if folder.exists() else []
    if not waiting:
        yield ok("callbacks", "no number waits for its import")
    elif running.runs:
        yield warn("callbacks", f"{_count(waiting, 'number')} not imported for over a minute: see log/server.log")
    else:
        yield warn("callbacks", f"{_count(waiting, 'number')} taken while no server answered: {START}")


def _instant(entry_id: Any) -> float:
    """When an entry was appended, by Redis's clock, in UTC epoch seconds."""
    text = entry_id.decode() if isinstance(entry_id, bytes) else str(entry_id)
    return int(text.partition("-")[0]) / MILLISECONDS


def _setting(redis: Any, name: str) -> str:
    """A setting of Redis; empty where a hosted one does not tell."""
    from redis.exceptions import ResponseError

    try:
        return str(redis.config_get(name).get(name, ""))
    except ResponseError:
        return ""


def _count(things: Any, one: str, many: str = "") -> str:
    number = len(things)
    return f"{number} {one if number == 1 else many or one + 's'}"
