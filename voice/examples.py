"""Pieces are listened to as callers hear them, put together: sentences that use every kind of piece between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ivr.manifest import Manifest
from ivr.saying import (
    PAUSE,
    Pieces,
    say_date,
    say_digits,
    say_duration,
    say_number,
    say_phone,
    say_place,
    say_time,
    say_wait,
)
from voice import mastering


def examples(language: str) -> Iterator[Pieces]:
    """What the pieces of a language are tried on."""
    yield "number-caller", *say_phone("13800138000", language)
    yield "number-caller", *say_phone("13976542891", language)
    yield "number-keyed", *say_phone("057188964257", language)
    yield "agent-number-before", *say_digits("1001", language), "agent-number-after"
    yield "agent-number-before", *say_digits("2357", language), "agent-number-after"
    for ahead in (2, 3, 8, 11, 14, 16, 20, 47):
        yield say_place(ahead, language)
    for low, high in ((61, 119), (100, 280), (420, 700), (800, 1500)):
        yield say_wait(low, high, language)
    for number in (105, 2026, 13_690, 240_718):
        yield say_number(number, language)
    for hour, minute in ((0, 5), (9, 0), (12, 30), (15, 20), (23, 47)):
        yield say_time(datetime(2026, 1, 1, hour, minute, tzinfo=UTC).timestamp(), UTC, language)
    for month, day in ((1, 1), (2, 14), (5, 23), (7, 9), (10, 31), (12, 12)):
        yield say_date(datetime(2026, month, day, tzinfo=UTC).timestamp(), UTC, language)
    for seconds in (45, 61, 3905):
        yield say_duration(seconds, language)


def text(manifest: Manifest, pieces: Pieces, language: str) -> str:
    """What the pieces say together."""
    gap = "" if language == "zh" else " "
    return gap.join(manifest.text(piece, language) for piece in pieces if piece != PAUSE)


def joined(pieces: Pieces, language: str, folder: Path) -> bytes:
    """The pieces' files, one after the other, as one file."""
    sounds = [mastering.unwav((folder / language / f"{piece}.wav").read_bytes()) for piece in pieces]
    return mastering.wav(np.concatenate(sounds))
