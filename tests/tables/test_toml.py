"""The line of a key in a TOML file, which an error names to the operator."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tables.toml import DefinitionFault, line_of, read, shown

TREE = Path(__file__).resolve().parents[2]

TEXT = '''\
skills = [
    "complaint",  # the first
    "in, quiry",
]

[queues.complaint]
relax = [
    { after = 30, required = { complaint = 3 } },
    { after = 60,
      required = { complaint = 1 } },
]
"odd.name".inner = """
after = 1
[not.a.table]
"""
wrap_up.mode = "timed"

[[steps]]
to = "a"

[[steps]]
to = "b"

[steps.more]
deep = [[1, 2], [3]]
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("skills",), 1),
        (("skills", 0), 2),
        (("skills", 1), 3),
        (("queues", "complaint"), 6),
        (("queues", "complaint", "relax"), 7),
        (("queues", "complaint", "relax", 0, "required", "complaint"), 8),
        (("queues", "complaint", "relax", 1), 9),
        (("queues", "complaint", "relax", 1, "required"), 10),
        (("queues", "complaint", "odd.name", "inner"), 12),
        (("queues", "complaint", "wrap_up", "mode"), 16),
        (("steps", 0, "to"), 19),
        (("steps", 1, "to"), 22),
        (("steps", 1, "more", "deep", 1), 25),
    ],
)
def test_a_key_is_found_on_its_line(key: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, key) == line


def test_of_a_key_that_is_not_there_the_nearest_table_is_shown() -> None:
    assert line_of(TEXT, ("queues", "complaint", "ring_for")) == 6
    assert line_of(TEXT, ("nothing",)) == 1


def files() -> list[Path]:
    return [TREE / "server/defaults/hotline.toml", TREE / "pyproject.toml", *sorted((TREE / "ivr").rglob("*.toml"))]


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_keys_of_every_file_of_ours_have_lines_that_name_them(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for key in keys(tomllib.loads(text)):
        if isinstance(key[-1], str):
            assert str(key[-1]) in lines[line_of(text, key) - 1], shown(key)


def keys(value: Any, key: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*key, name)
        yield from keys(each, (*key, name))


def test_a_key_is_shown_as_people_write_it() -> None:
    assert shown(("queues", "complaint", "relax", 1, "after")) == "queues.complaint.relax[1].after"


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        (b"a = 1\nb = \n", 2, "is not valid TOML"),
        (b'a = 1\nb = "open\n', 2, "is not valid TOML"),
        (b"a = [1,\n2,\n", 2, "is not valid TOML"),
        (b"a = 1\n# \xff\n", 2, "is not UTF-8 text here"),
        (b"a = " + b"9" * 5000, 1, "holds a value that cannot be read"),
        (b"a = " + b"[" * 5000, 1, "too deeply"),
        (b"a = 1\nb = [0, {c = 0x" + b"f" * 5000 + b"}]", 2, "this is too large"),
        (b"a." * 100_000 + b"a = 1", 1, "too deeply"),
        (b"a = -9223372036854775809", 1, "this is too large"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_line(
    tmp_path: Path, content: bytes, line: int, sentence: str
) -> None:
    file = tmp_path / "hotline.toml"
    file.write_bytes(content)
    with pytest.raises(DefinitionFault) as fault:
        read(file)
    assert (fault.value.line, fault.value.file) == (line, file)
    assert sentence in fault.value.sentence


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionFault, match="cannot be read: No such file"):
        read(tmp_path / "hotline.toml")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hotline.toml"
    file.write_bytes(b"\xef\xbb\xbf[queues]\r\nx = 1\r\n")
    values, text = read(file)
    assert (values, line_of(text, ("queues", "x"))) == ({"queues": {"x": 1}}, 2)
