"""What of a home's files and of Redis's keys can hold a caller's number, voice or words, and what a deletion on the
person's request does with it; `personal` says the same of the records' columns.

Every kind of file and of key has a line here; tests compare the lines with the homes and keys of hotlines that worked.
Kinds: in `nobody` no caller stands; `deleted` are the person's own, and go; `searched` are gone through, and what names
the person goes; `emptied` goes whole, with everybody in it; `passing` goes by itself after a while, and `kept` stays:
what a deletion says of these is in `STAYS`, under the word after the kind.
"""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path


class Kind(StrEnum):
    """What a deletion does with a file or a key."""

    NOBODY = "nobody"
    DELETED = "deleted"
    SEARCHED = "searched"
    EMPTIED = "emptied"
    PASSING = "passing"
    KEPT = "kept"


_FILES = """
asterisk/agi/*                    nobody
asterisk/data/*                   nobody
asterisk/etc/*                    nobody
asterisk/lib/*                    nobody
asterisk/modules/*                nobody
asterisk/asterisk.*               nobody
asterisk/reloads                  nobody
asterisk/run/asterisk.*           nobody
asterisk/log/*                    passing  log files
asterisk/run/trace.pcap           passing  log files
cache/*                           nobody
definitions/*                     kept     versions of the definitions
exports/*                         emptied
flows/*                           kept     versions of the definitions
hotline.toml                      kept     versions of the definitions
holidays.toml                     nobody
lock                              nobody
log/unreadable*                   kept     entries that could not be read
log/*                             passing  log files
messages/*                        deleted
music/*                           nobody
prompts/*                         nobody
prompts.toml                      nobody
recordings/*/.unfinished-*        passing  files of a moment
recordings/*.wav                  deleted
recordings/*.webm                 deleted
recordings/*.marks.json           deleted
records.db                        searched
records.db-shm                    searched
records.db-wal                    searched
redis/appendonlydir/*             passing  log
redis/*.rdb                       passing  log
redis/redis.*                     nobody
secrets/*                         nobody
spool/callbacks/*.bad             searched
spool/callbacks/*                 passing  files of a moment
spool/recordings/*.unusable       deleted
spool/recordings/*                passing  files of a moment
"""

_KEYS = """
addresses                         nobody
answer:*                          passing  answers
attempts:*                        nobody
batch                             nobody
draft:*                           deleted
fence                             nobody
lease                             nobody
log                               passing  log
nonce                             nobody
prompt-sound:*                    nobody
session:*                         nobody
sessions                          nobody
sign-in-begun:*                   nobody
snapshot                          passing  log
trimmed                           nobody
"""

STAYS = {
    "audit": "who did what stays: it proves this deletion too",
    "chain": "the links of deleted recordings stay: call, agent, start, length and hash, and no number",
    "log": "the log in Redis and its snapshots hold the number until they are trimmed, within the hour or two",
    "answers": "answers for clients that send again are ciphered under the client's own key, and go within 24 hours",
    "log files": "those of the server and of Asterisk, and traces that were asked for, until they are written over",
    "files of a moment": "sound that is being joined, and numbers that are being taken in: they go within minutes",
    "entries that could not be read": "log/unreadable in the home may name anybody: move it away when it is settled",
    "backups": "copies that were made before hold everything until they are overwritten",
}
"""What a deletion on request never reaches, and why."""


def _read(table: str) -> list[tuple[str, Kind, str]]:
    lines = (line.split(maxsplit=2) for line in table.strip().splitlines())
    return [(pattern, Kind(kind), told[0] if told else "") for pattern, kind, *told in lines]


FILES, KEYS = _read(_FILES), _read(_KEYS)
"""(pattern, kind, what of `STAYS` or of `personal.KEPT` tells of it); the first that fits counts. A star stands for any
characters; keys are told without their prefix."""


def kind_of_file(name: str) -> Kind | None:
    """What a deletion does with this file of a home, `recordings/2027/01/15/7.wav`; None where nothing is said."""
    return _kind(FILES, name)


def kind_of_key(name: str) -> Kind | None:
    """Likewise of a key of Redis, `draft:7`."""
    return _kind(KEYS, name)


def _kind(lines: list[tuple[str, Kind, str]], name: str) -> Kind | None:
    return next((kind for pattern, kind, _ in lines if fnmatchcase(name, pattern)), None)


def remove_files(home: Path, calls: tuple[int, ...], names: tuple[str, ...], messages: tuple[str, ...]) -> None:
    """Remove what the home's folders hold of these calls and this number, but for recordings, of which the log tells.

    Of messages only files of the home's own folder go.
    """
    folder = (home / "messages").resolve()
    for each in messages:
        path = Path(each).resolve()
        if path.is_relative_to(folder):
            path.unlink(missing_ok=True)
    for call in calls:
        for file in (home / "spool" / "recordings").glob(f"{call}-*.unusable"):
            file.unlink(missing_ok=True)
    naming = re.compile("|".join(rf"(?<![0-9+]){re.escape(name)}(?![0-9])" for name in names))
    for file in (home / "spool" / "callbacks").glob("*.bad"):
        if naming.search(file.read_text(encoding="utf-8", errors="replace")):
            file.unlink(missing_ok=True)


def empty_exports(home: Path) -> None:
    """Remove the files of all exports: one that is fetched again is made anew, without the number."""
    for file in (home / "exports").glob("*"):
        file.unlink(missing_ok=True)
