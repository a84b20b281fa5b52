"""What matters are sorted by: the operator's categories in both languages, their parts, and those that are retired."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.policy.definitions import Skill
from server.hotline.categories import Categories, read_categories
from server.hotline.definitions import DEFAULTS, load
from tables.errors import TableError
from tables.toml import read
from tables.values import Table
from tickets.severity import Grade

PARTS = """
[categories]
process = { zh = "流程", en = "Process" }
refund = { zh = "退款慢", en = "Slow refund", under = "process" }
attitude = { zh = "态度", en = "Attitude", retired = true }
rude = { zh = "骂人", en = "Rude words", under = "attitude" }

[tickets.raise]
categories = { process = "serious", rude = "critical", attitude = "serious" }
"""


def with_parts(home: Path, text: str = PARTS) -> Path:
    """A home whose file has these categories in the place of the product's."""
    whole = DEFAULTS.read_text(encoding="utf-8")
    begin, end = whole.index("[categories]"), whole.index("# 工单 ·")
    raises = whole.index("[tickets.raise]"), whole.index("# 时限 ·")
    kept = whole[:begin] + whole[end : raises[0]] + whole[raises[1] :]
    (home / "hotline.toml").write_text(kept + text, encoding="utf-8")
    return home


def test_the_file_that_comes_with_the_product_says_what_holds_without_a_table() -> None:
    data, _ = read(DEFAULTS)
    names = ("process", "system", "competence", "attitude", "usage")
    assert read_categories(Table(data), (), ()) == read_categories(Table({}), names, ())


def test_a_file_without_the_table_has_the_skills_that_no_queue_asks_for(tmp_path: Path) -> None:
    assert load(with_parts(tmp_path, "")).categories.names == ("process", "system", "competence", "attitude", "usage")
    found = read_categories(Table({}), ("refund", "attitude"), ())
    assert [(each.name, each.zh, each.en) for each in found.rows] == [
        ("refund", "refund", "refund"),
        ("attitude", "服务态度", "Attitude"),
    ]


def test_what_is_retired_is_offered_no_more_and_keeps_its_name(tmp_path: Path) -> None:
    found = load(with_parts(tmp_path)).categories
    assert found.names == ("process", "refund", "attitude", "rude")
    assert found.offered == ("process", "refund")
    assert found.confirmed == ("process", "refund", "unreasonable")
    assert [each.name for each in found.told()] == ["process", "refund", "attitude", "rude", "unreasonable"]
    assert Categories().way("old") == ("old",)
    sums = {"refund": ("process",), "process": ("process",), "rude": ("attitude",), "attitude": ("attitude",)}
    assert found.wholes() == sums


def test_a_part_of_a_category_is_routed_and_graded_as_the_whole(tmp_path: Path) -> None:
    loaded = load(with_parts(tmp_path))
    assert loaded.requirement("complaint", "refund", {}).preferred == (Skill("process"),)
    grades = dict(loaded.tickets.categories)
    assert (grades["refund"], grades["rude"]) == (Grade.SERIOUS, Grade.CRITICAL)
    assert loaded.matter("rude") == ("complaint", "rude")


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({"a b": {"zh": "茶", "en": "Tea"}}, ("categories", "a b"), "letters, digits"),
        ({"tea": {"zh": "茶"}}, ("categories", "tea"), '"en" is missing'),
        ({"tea": {"zh": " 茶", "en": "Tea"}}, ("categories", "tea", "zh"), "one line"),
        ({"media": {"zh": "媒体", "en": "Media"}}, ("categories", "media"), "is a queue"),
        ({"tea": {"zh": "茶", "en": "Tea", "under": "te"}}, ("categories", "tea", "under"), "there is no category"),
        ({"tea": {"zh": "茶", "en": "Tea", "under": "tea"}}, ("categories", "tea", "under"), "stands by itself"),
        ({"tea": {"zh": "茶", "en": "Tea", "colour": "red"}}, ("categories", "tea", "colour"), "means nothing here"),
        ({f"c{n}": {"zh": "茶", "en": "Tea"} for n in range(201)}, ("categories",), "too many"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(data: dict[str, object], key: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence) as refused:
        read_categories(Table({"categories": data}), (), ("media",))
    assert refused.value.key == key
