"""Inputs that are nearly right. The law: a seed and an index name one input, on every machine and in any order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LONGEST = 300_000
"""Bytes. What grows beyond it is cut: the limits that are tried are all far below."""
CONTROLS = (
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b"\x1b",
    b"\x7f",
    b"\t",
    b"%0A",
    b"%0D",
    b"%0D%0A",
    b"%00",
    b"%25",
)
NO_TEXT = (
    b"\xff",
    b"\xc3",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe4\xb8",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
)
"""Bytes that are no UTF-8, and characters that are not what they seem."""
NUMBERS = (
    b"0", b"-1", b"00", b"-0", b"255", b"65536", b"2147483648", b"4294967296", b"9007199254740993",
    b"-9223372036854775809", b"9" * 25, b"9" * 5000, b"1e309", b"1e-400", b"NaN", b"nan", b"inf", b"-inf", b"Infinity",
    b"0x41", b"1_000", b"\xd9\xa1\xd9\xa2", b"1.5", b"",
)  # fmt: skip
_NUMBER = re.compile(rb"\d+(?:\.\d+)?")
_LINE = re.compile(rb"[^\n]*\n?")
_VALUE = re.compile(rb'(?<=[:=;"<,])[^\r\n:=;"<>,]+')


@dataclass(frozen=True, slots=True)
class Grammar:
    """A protocol, for the mutator: sound examples, and words that have a meaning in it."""

    examples: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    shares: tuple[float, ...] = ()
    """How often each example is taken; none: all alike."""


def an_input(grammar: Grammar, seed: int, index: int) -> bytes:
    """The input of this number: an example, changed up to eight times; one in twenty is left as it is."""
    random = Random(f"{seed}/{index}")
    data = random.choices(grammar.examples, grammar.shares or None)[0]
    if random.random() < 0.05:
        return data
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4, 8))):
        data = random.choice(CHANGES)(random, data, grammar)[:LONGEST]
    return data


# Bytes


def _flip(random: Random, data: bytes, _: Grammar) -> bytes:
    at, bit = _place(random, data), 1 << random.randrange(8)
    return data[:at] + bytes(byte ^ bit for byte in data[at : at + 1]) + data[at + 1 :]


def _drop_bytes(random: Random, data: bytes, _: Grammar) -> bytes:
    at = _place(random, data)
    return data[:at] + data[at + _length(random) :]


def _repeat_bytes(random: Random, data: bytes, _: Grammar) -> bytes:
    at = _place(random, data)
    end = at + _length(random)
    return data[:end] + data[at:end] * random.choice((1, 1, 2, 10, 1000)) + data[end:]


def _insert_noise(random: Random, data: bytes, _: Grammar) -> bytes:
    return _inserted(random, data, random.randbytes(_length(random)))


def _insert_control(random: Random, data: bytes, _: Grammar) -> bytes:
    return _inserted(random, data, random.choice(CONTROLS))


def _insert_no_text(random: Random, data: bytes, _: Grammar) -> bytes:
    return _inserted(random, data, random.choice(NO_TEXT))


def _insert_word(random: Random, data: bytes, grammar: Grammar) -> bytes:
    return _inserted(random, data, random.choice(grammar.words or CONTROLS))


def _truncate(random: Random, data: bytes, _: Grammar) -> bytes:
    return data[: _place(random, data)]


# Values


def _other_number(random: Random, data: bytes, _: Grammar) -> bytes:
    return _put(random, data, _NUMBER, random.choice(NUMBERS))


def _other_value(random: Random, data: bytes, grammar: Grammar) -> bytes:
    return _put(random, data, _VALUE, random.choice(grammar.words or NUMBERS))


def _break_value(random: Random, data: bytes, grammar: Grammar) -> bytes:
    """A control character inside a value, and what could pass for a line of its own after it."""
    found = list(_VALUE.finditer(data))
    if not found:
        return data
    at = random.choice(found).end()
    return data[:at] + random.choice(CONTROLS) + random.choice(grammar.words or (b"x",)) + data[at:]


def _long_value(random: Random, data: bytes, _: Grammar) -> bytes:
    filler = random.choice((b"A", b"9", b"%41", b"[", b"{", b"\xe4\xb8\x89", b" ", b'"'))
    return _put(random, data, _VALUE, filler * random.choice((100, 300, 1_100, 9_000, 70_000)))


# Lines and messages


def _drop_line(random: Random, data: bytes, _: Grammar) -> bytes:
    lines = _lines(data)
    del lines[random.randrange(len(lines))]
    return b"".join(lines)


def _repeat_line(random: Random, data: bytes, _: Grammar) -> bytes:
    lines = _lines(data)
    at = random.randrange(len(lines))
    lines[at] *= random.choice((2, 2, 2, 3, 20, 300))
    return b"".join(lines)


def _swap_lines(random: Random, data: bytes, _: Grammar) -> bytes:
    lines = _lines(data)
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _foreign_line(random: Random, data: bytes, grammar: Grammar) -> bytes:
    lines, others = _lines(data), _lines(random.choice(grammar.examples))
    lines.insert(random.randrange(len(lines) + 1), random.choice(others))
    return b"".join(lines)


def _other_line_ends(random: Random, data: bytes, _: Grammar) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", random.choice((b"\n", b"\r", b"\r\n", b"\n\n", b"\n ")))


def _splice(random: Random, data: bytes, grammar: Grammar) -> bytes:
    other = random.choice(grammar.examples)
    return data[: _place(random, data)] + other[_place(random, other) :]


def _glue(random: Random, data: bytes, grammar: Grammar) -> bytes:
    return data + random.choice(grammar.examples)


CHANGES: tuple[Callable[[Random, bytes, Grammar], bytes], ...] = (
    _flip, _drop_bytes, _repeat_bytes, _insert_noise, _insert_control, _insert_no_text, _insert_word, _truncate,
    _other_number, _other_number, _other_value, _other_value, _break_value, _break_value, _long_value,
    _drop_line, _repeat_line, _swap_lines, _foreign_line, _other_line_ends, _splice, _glue,
)  # fmt: skip


def _place(random: Random, data: bytes) -> int:
    return random.randrange(len(data) + 1)


def _length(random: Random) -> int:
    return random.choice((1, 1, 1, 2, 4, 8, 16, 64))


def _inserted(random: Random, data: bytes, what: bytes) -> bytes:
    at = _place(random, data)
    return data[:at] + what + data[at:]


def _lines(data: bytes) -> list[bytes]:
    return _LINE.findall(data)


def _put(random: Random, data: bytes, where: re.Pattern[bytes], what: bytes) -> bytes:
    """One of the places that match, replaced; elsewhere when none does."""
    found = list(where.finditer(data))
    if not found:
        return _inserted(random, data, what)
    match = random.choice(found)
    return data[: match.start()] + what + data[match.end() :]
