"""Why an agent may be on a break: the operator's reasons in both languages, and the keys that mean them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.hotline.breaks import USUAL, Breaks, read_breaks
from server.hotline.definitions import DEFAULTS
from tables.errors import TableError
from tables.toml import read
from tables.values import Table


def test_the_file_that_comes_with_the_product_says_what_holds_without_a_table() -> None:
    data, _ = read(DEFAULTS)
    assert read_breaks(Table(data)).reasons == USUAL == read_breaks(Table({}, ())).reasons


def test_an_operators_reasons_stand_in_their_order_with_key_and_limit() -> None:
    data = {"tea": {"zh": "茶歇", "en": "Tea", "key": "3", "limit": 600}, "busy": {"zh": "示忙", "en": "Busy"}}
    breaks = read_breaks(Table({"breaks": data}))
    assert [(each.name, each.zh, each.key, each.limit) for each in breaks.reasons] == [
        ("tea", "茶歇", "3", 600.0),
        ("busy", "示忙", "", 0.0),
    ]
    assert [breaks.knows(each) for each in ("tea", "busy", "", "break", "rest")] == [True, True, True, True, False]
    assert [breaks.keyed(key) for key in ("", "3", "1")] == ["break", "tea", None]


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({"Tea": {"zh": "茶", "en": "Tea"}}, ("breaks", "Tea"), "small letters"),
        ({"tea": {"zh": "茶"}}, ("breaks", "tea"), '"en" is missing'),
        ({"tea": {"zh": "茶\n", "en": "Tea"}}, ("breaks", "tea", "zh"), "one line"),
        ({"tea": {"zh": "茶", "en": "Tea", "key": "10"}}, ("breaks", "tea", "key"), "one digit from 1 to 9"),
        ({"tea": {"zh": "茶", "en": "Tea", "limit": -1}}, ("breaks", "tea", "limit"), "from 0 to 86400"),
        ({"tea": {"zh": "茶", "en": "Tea", "colour": "red"}}, ("breaks", "tea", "colour"), "means nothing here"),
        (
            {"a": {"zh": "甲", "en": "A", "key": "1"}, "b": {"zh": "乙", "en": "B", "key": "1"}},
            ("breaks", "b", "key"),
            "means a already",
        ),
        ({f"r{n}": {"zh": "茶", "en": "Tea"} for n in range(31)}, ("breaks",), "too many"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(data: dict[str, object], key: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence) as refused:
        read_breaks(Table({"breaks": data}))
    assert refused.value.key == key


def test_a_reason_that_is_taken_away_is_known_no_more() -> None:
    assert not replace(Breaks(), reasons=USUAL[:2]).knows("meal")
