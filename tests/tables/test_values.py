"""The reader of tables: a value that cannot be used is refused with its key and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tables.errors import TableError, nearest
from tables.toml import DefinitionFault, located
from tables.values import Table, known

DATA = {
    "name": "day", "open": True, "share": 0.5, "count": 3, "list": ["a", "b"], "lists": [["a"], []],
    "texts": {"a": "x", "b": 7}, "inner": {"deep": {"count": 1}}, "rows": [{"n": 1}, {"n": 2}],
}  # fmt: skip


def test_every_kind_of_value_is_read() -> None:
    table = Table(DATA)
    assert (table.text("name"), table.flag("open"), table.integer("count")) == ("day", True, 3)
    assert (table.number("share"), table.number("count"), table.seconds("share")) == (0.5, 3.0, 0.5)
    assert (table.choice("name", ("day", "night")), table.texts("list")) == ("day", ("a", "b"))
    assert table.lists_of_texts("lists") == (("a",), ())
    assert table.mapping("texts") == {"a": "x", "b": "7"}
    assert table.table("inner").table("deep").integer("count") == 1
    assert [row.integer("n") for row in table.tables("rows")] == [1, 2]
    table.done()


def test_a_missing_value_is_its_default() -> None:
    table = Table({})
    assert (table.text("name", "x"), table.number("share", 0.5), table.integer("count", 2)) == ("x", 0.5, 2)
    assert (table.mapping("texts"), table.tables("rows"), table.table("inner").data) == ({}, (), {})


@pytest.mark.parametrize(
    ("read", "key", "sentence"),
    [
        (lambda table: table.text("count"), ("count",), "this must be text in quotes, not 3"),
        (lambda table: table.flag("count"), ("count",), "this must be true or false, not 3"),
        (lambda table: table.integer("share"), ("share",), "this must be a whole number from 0 to 1000000, not 0.5"),
        (lambda table: table.integer("open"), ("open",), "this must be a whole number from 0 to 1000000, not True"),
        (lambda table: table.integer("count", most=2), ("count",), "this must be a whole number from 0 to 2, not 3"),
        (lambda table: table.number("open"), ("open",), "this must be a number of 0 or more, not True"),
        (lambda table: table.number("count", above=3), ("count",), "this must be a number above 3, not 3"),
        (
            lambda table: table.number("count", most=2, hint="!"),
            ("count",),
            "this must be a number from 0 to 2, not 3!",
        ),
        (lambda table: table.seconds("count", most=2), ("count",), "a number of seconds above 0, up to 2, not 3"),
        (lambda table: table.choice("name", ("night",)), ("name",), "'day' is none of night"),
        (lambda table: table.texts("name"), ("name",), "this must be a list in [ ], not 'day'"),
        (lambda table: table.tables("list"), ("list", 0), "this must be a table"),
        (lambda table: table.table("inner").table("deep").text("count"), ("inner", "deep", "count"), "text in quotes"),
        (lambda table: table.text("title"), (), '"title" is missing here'),
        (lambda table: known("nmae", ("name",), ("x",), "key"), ("x",), 'there is no key "nmae": did you mean "name"?'),
        (lambda table: Table(3, ("x",)), ("x",), "this must be a table"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(
    read: Callable[[Table], Any], key: tuple[str | int, ...], sentence: str
) -> None:
    with pytest.raises(TableError) as refused:
        read(Table(DATA))
    assert refused.value.key == key
    assert sentence in refused.value.sentence


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "1", None])
def test_what_is_no_number_in_range_is_refused(value: object) -> None:
    with pytest.raises(TableError, match="share: this must be a number"):
        Table({"share": value}).number("share", 1.0)


def test_a_key_that_was_never_read_is_refused() -> None:
    table = Table({"name": "x", "nmae": "y"}, ("top",))
    table.text("name")
    with pytest.raises(TableError, match=r'top\.nmae: "nmae" means nothing here: did you mean "name"\?'):
        table.done()


def test_the_nearest_name_is_proposed_or_all_are_named() -> None:
    assert nearest("menue", ("menu", "play")) == ': did you mean "menu"?'
    assert nearest("x", ("play", "menu")) == ": it is one of menu, play"
    assert nearest("x", ()) == ""


def test_an_error_within_a_file_names_file_and_line() -> None:
    with (
        pytest.raises(DefinitionFault, match=r"^day\.toml:2: inner\.count: "),
        located(Path("day.toml"), "\n[inner]\n"),
    ):
        Table({"inner": {"count": "x"}}).table("inner").integer("count")
