"""What a deletion does with files and keys: each kind says so, and what stays is named in the answer.

Homes and keys of hotlines that worked are compared by the fixtures of the tests that let one work.
"""

from __future__ import annotations

import re
from pathlib import Path

from redis import Redis

import server
from server.storage.personal import KEPT
from server.storage.personal_files import (
    FILES,
    KEYS,
    STAYS,
    Kind,
    empty_exports,
    kind_of_file,
    kind_of_key,
    remove_files,
)
from tests.redis_server import RedisServer, redis_server
from tests.told_files import untold_files, untold_keys

__all__ = ["redis_server"]

CODE = Path(server.__file__).parent


def test_what_passes_or_is_kept_is_named_in_the_answer() -> None:
    for pattern, kind, told in (*FILES, *KEYS):
        if kind in (Kind.PASSING, Kind.KEPT):
            assert told in STAYS or told in {what for what, _ in KEPT.values()}, pattern
        else:
            assert told == "", pattern


def test_every_key_that_the_code_names_has_its_line() -> None:
    named = set()
    for file in CODE.rglob("*.py"):
        named |= set(re.findall(r"\{prefix\}:([a-z][a-z-]*:?)", file.read_text("utf-8")))
    assert named >= {"draft:", "session:", "sessions", "attempts", "log"}
    for each in named - {"attempts"}:  # a part of keys
        assert kind_of_key(f"{each}x" if each.endswith(":") else each) is not None, each


def test_a_file_and_a_key_of_a_new_kind_are_found(tmp_path: Path, redis_server: RedisServer) -> None:
    for name in ("recordings/2027/01/15/7.wav", "recordings/2027/01/15/7.txt", "transcripts/7.txt", "output"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert untold_files(tmp_path) == ["recordings/2027/01/15/7.txt", "transcripts/7.txt"]
    with Redis.from_url(redis_server.url) as redis:
        for key in ("told:draft:7", "told:transcript:7"):
            redis.set(key, "x")
        assert untold_keys(redis, "told") == ["told:transcript:7"]
    assert kind_of_file("spool/recordings/7-1-caller.wav.unusable") is Kind.DELETED


def test_of_the_persons_calls_and_number_no_file_is_left_and_of_others_all(tmp_path: Path) -> None:
    written = {
        "spool/recordings/7-1-caller.wav.unusable": "RIFF",
        "spool/recordings/77-1-caller.wav.unusable": "RIFF",
        "spool/recordings/7-2-caller.wav": "is joined",
        "spool/callbacks/a.bad": '{"number": "13912345678", half',
        "spool/callbacks/b.bad": '{"number": "139123456789"}',
        "messages/7.wav": "RIFF",
        "exports/1.csv": "13912345678",
    }
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    remove_files(tmp_path, (7,), ("+8613912345678", "13912345678"), (str(tmp_path / "messages/7.wav"),))
    empty_exports(tmp_path)
    left = {each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*") if each.is_file()}
    assert left == {
        "spool/recordings/77-1-caller.wav.unusable",
        "spool/recordings/7-2-caller.wav",
        "spool/callbacks/b.bad",
    }
