"""One key is changed, and every comment stays; a change is told key by key."""

from __future__ import annotations

import tomllib

import pytest

from server.hotline import definitions
from server.hotline.definition_changes import by_key, with_value, without
from tables.errors import TableError

TEXT = definitions.DEFAULTS.read_text(encoding="utf-8")


def _changed(before: str, after: str) -> list[str]:
    """The lines that are new; no line was added or removed."""
    return [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if new != old]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (("queues", "complaint", "ring_for"), 25.0, "ring_for = 25"),
        (("callback", "window"), "10:00-12:00", 'window = "10:00-12:00"'),
        (("lists", "vip"), ["13800138000"], 'vip = ["13800138000"]'),
        (("queues", "complaint", "overflow", 1), {"above": 60, "to": "message"}, '    { above = 60, to = "message" },'),
    ],
)
def test_a_key_is_one_line_of_difference(key, value, line: str) -> None:
    assert _changed(TEXT, with_value(TEXT, key, value)) == [line]


@pytest.mark.parametrize("key", [("queues", "vip"), ("trunks", "telecom"), ("ticket_types", "x")])
def test_a_new_table_stands_at_the_end_with_a_header_of_its_own(key) -> None:
    after = with_value(TEXT, key, {"label": "x", "fields": {"a": {"kind": "text"}}})
    assert after.startswith(TEXT.rstrip())
    assert f"\n[{'.'.join(key)}]\n" in after


@pytest.mark.parametrize("key", [("queues", "media"), ("ticket_types", "it"), ("tickets", "follow_up"), ("queues",)])
def test_a_table_goes_with_its_comments_and_takes_no_others(key) -> None:
    after = without(TEXT, key)
    wanted = tomllib.loads(TEXT)
    holder = wanted
    for part in key[:-1]:
        holder = holder[part]
    del holder[key[-1]]
    assert tomllib.loads(after) == wanted
    assert "# 热线 · The hotline's name" in after


def test_a_day_stays_a_day_and_a_comment_stays_beside_its_value() -> None:
    text = '[[calendar.exceptions]]\ndate = 2026-12-31  # stocktaking\nname = "x"\n'
    after = with_value(text, ("calendar", "exceptions", 0, "date"), "2027-01-02")
    assert after == text.replace("2026-12-31", "2027-01-02")


@pytest.mark.parametrize(
    ("key", "value"), [((), 1), (("skills", "x"), 1), (("queues", "complaint", "ring_for", "x"), 1), (("x",), None)]
)
def test_what_cannot_be_written_is_refused(key, value) -> None:
    with pytest.raises(TableError):
        with_value(TEXT, key, value)


def test_a_change_is_told_key_by_key() -> None:
    after = without(with_value(TEXT, ("queues", "complaint", "ring_for"), 25), ("callback", "amd"))
    assert [each.sentence for each in by_key(TEXT, after)] == [
        "queues.complaint.ring_for changes from 20 to 25",
        "callback.amd is removed; it was false",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[categories]\na = { zh = "甲", en = "A" }  # first\nb = { zh = "乙", en = "B" }\n\n[x]\ny = 1\n',
        '[categories.a]\nzh = "甲"\nen = "A"\n\n[categories.b]\nzh = "乙"\nen = "B"\n\n[x]\ny = 1\n',
    ],
)
def test_rows_of_a_table_are_put_in_another_order_and_the_change_is_told(text: str) -> None:
    wanted = {"b": {"zh": "乙", "en": "B"}, "c": {"zh": "丙", "en": "C"}, "a": {"zh": "甲", "en": "A", "retired": True}}
    after = with_value(text, ("categories",), wanted)
    read = tomllib.loads(after)
    assert (read["categories"], list(read["categories"]), read["x"]) == (wanted, ["b", "c", "a"], {"y": 1})
    assert [(each.key, each.kind) for each in by_key(text, after)][-1] == ("categories", "moved")
    assert by_key(text, after)[-1].sentence == "categories changes its order from a, b to b, a"
