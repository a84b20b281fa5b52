"""Which numbers are called back, from which number, and when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server.hotline.definitions import DEFAULTS, Definitions, load
from server.hotline.examination import examine
from tables.toml import DefinitionFault

ZONE = ZoneInfo("Asia/Shanghai")
DEFAULT = DEFAULTS.read_text(encoding="utf-8")


def loaded(home: Path, *lines: str, calendar: str = "") -> Definitions:
    """The default definitions with a `[callback]` of these lines and this calendar."""
    head, rest = DEFAULT.split("\n[callback]\n")
    _, tail = rest.split("# 名单", 1)
    tail = tail.replace('zone = "Asia/Shanghai"', f'zone = "Asia/Shanghai"\n{calendar}')
    body = "\n".join(lines)
    (home / "hotline.toml").write_text(f"{head}\n[callback]\n{body}\n# 名单{tail}", encoding="utf-8")
    return load(home)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("13800138000", "13800138000"),
        ("138 0013-8000", "13800138000"),
        ("+8613800138000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("01065529988", "01065529988"),
        ("(021) 1234 5678", "02112345678"),
    ],
)
def test_a_number_is_dialled_with_its_national_digits_however_it_is_written(tmp_path, written, dialled) -> None:
    assert load(tmp_path).callback_number(written) == (dialled, "")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "invalid"),
        ("abc", "invalid"),
        ("1380013800a", "invalid"),
        ("138;0013,8000", "invalid"),
        ("*#", "invalid"),
        ("12", "invalid"),
        ("1380013800", "invalid"),
        ("138001380001", "invalid"),
        ("1" * 40, "invalid"),
        ("65529988", "invalid"),
        ("+14155552671", "foreign"),
        ("0085261234567", "foreign"),
        ("+85261234567", "foreign"),
        ("4001234567", "kind"),
        ("+864001234567", "kind"),
        ("8008100000", "kind"),
        ("16812345678", "kind"),
        ("9501234567", "kind"),
        ("95588", "kind"),
        ("96110", "kind"),
        ("10086", "kind"),
        ("12345", "kind"),
        ("110", "kind"),
        ("1069012345678", "kind"),
        ("139 0013 9000", "own"),
        ("+8613900139000", "own"),
        ("4008000000", "own"),
        ("01065529988", "own"),
    ],
)
def test_what_is_not_called_back_has_a_reason_and_a_sentence(tmp_path, written, reason) -> None:
    definitions = loaded(tmp_path, 'own_numbers = ["139 0013 9000", "400-800-0000"]', 'outgoing = "+86 10 6552 9988"')
    checked = definitions.callback.check(written)
    assert (checked.number, checked.reason) == ("", reason)
    assert checked.sentence
    assert len(checked.sentence) < 150


@pytest.mark.parametrize("number", ["13491234567", "17400123456", "17405123456", "17491234567"])
def test_a_satellite_telephone_is_called_only_where_that_kind_is_named(tmp_path, number) -> None:
    usual = load(tmp_path).callback
    for written in (number, f"+86{number}", f"0086{number}"):
        assert usual.check(written).reason == "kind"
        assert "satellite" in usual.check(written).sentence
    assert usual.check("+881612345678").reason == "foreign"
    named = loaded(tmp_path, 'types = ["mobile", "fixed_line", "satellite"]').callback
    assert named.number(number) == (number, "")


@pytest.mark.parametrize("number", ["13481234567", "17012345678", "16212345678", "14712345678", "19212345678"])
def test_other_mobiles_are_called_whichever_carrier_has_them(tmp_path, number) -> None:
    assert load(tmp_path).callback_number(number) == (number, "")


@pytest.mark.parametrize("number", ["17406123456", "14101234567", "1440123456789", "14612345678", "1064712345678"])
def test_numbers_of_things_and_of_emergency_networks_are_not_called(tmp_path, number) -> None:
    assert load(tmp_path).callback_number(number)[0] == ""


def test_a_region_abroad_that_is_named_may_be_called(tmp_path) -> None:
    definitions = loaded(tmp_path, 'abroad = ["HK"]')
    assert definitions.callback_number("+852 6123 4567") == ("+85261234567", "")
    assert definitions.callback.check("+14155552671").reason == "foreign"


def test_the_outgoing_number_is_kept_in_the_form_that_is_dialled(tmp_path) -> None:
    assert load(tmp_path).callback.outgoing == ""
    assert loaded(tmp_path, 'outgoing = "+86 (10) 6552-9988"').callback.outgoing == "01065529988"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('outgoing = "4001234567"', "4001234567 cannot call out: 400, 800, 95 and other service numbers only receive"),
        ('outgoing = "95588"', "cannot call out"),
        ('outgoing = "12"', "calls cannot come from this number: 12 is not a valid number in CN"),
        ('outgoing = "+14155552671"', "is not a number of CN"),
        ('region = "XX"', '"XX" is no region'),
        ('abroad = ["Hongkong"]', '"Hongkong" is no region'),
        ('types = ["premium"]', "is not one of mobile"),
        ('window = "9-20"', '"9-20" is not a span of hours'),
        ("business_hours = 1", "true or false"),
        ("off_below = 300", "must be less than on_above"),
        ("attempts = 0", "1 to 20"),
    ],
)
def test_a_rule_that_cannot_hold_names_file_line_and_key(tmp_path, line, sentence) -> None:
    with pytest.raises(DefinitionFault) as fault:
        loaded(tmp_path, line)
    assert sentence in fault.value.sentence
    assert fault.value.key[:2] == ("callback", line.split()[0])
    assert (tmp_path / "hotline.toml").read_text().splitlines()[fault.value.line - 1] == line


def test_calls_go_out_in_the_window_of_the_hotlines_zone(tmp_path) -> None:
    definitions = load(tmp_path)
    assert definitions.calls_allowed(at("2027-01-15T10:00")) == at("2027-01-15T10:00")
    assert definitions.calls_allowed(at("2027-01-15T08:59:30")) == at("2027-01-15T09:00")
    assert definitions.calls_allowed(at("2027-01-15T20:00")) == at("2027-01-16T09:00")
    assert definitions.calls_allowed(at("2027-02-06T12:00")) == at("2027-02-06T12:00"), "a holiday, no hours set"


def test_calls_go_out_only_while_the_hotline_is_open_too(tmp_path) -> None:
    weekdays = '[calendar.hours]\nweekdays = ["08:00-12:00", "14:00-18:00"]'
    definitions = loaded(tmp_path, calendar=weekdays)
    friday = "2027-01-15"
    assert definitions.calls_allowed(at(f"{friday}T07:00")) == at(f"{friday}T09:00")
    assert definitions.calls_allowed(at(f"{friday}T12:30")) == at(f"{friday}T14:00")
    assert definitions.calls_allowed(at(f"{friday}T18:30")) == at("2027-01-18T09:00")
    definitions = loaded(tmp_path, "business_hours = false", calendar=weekdays)
    assert definitions.calls_allowed(at(f"{friday}T18:30")) == at(f"{friday}T18:30")


def test_a_window_that_never_meets_the_hours_is_a_warning_and_the_window_decides(tmp_path) -> None:
    definitions = loaded(tmp_path, 'window = "20:00-21:00"', calendar='[calendar.hours]\nevery_day = ["09:00-18:00"]')
    now = at("2027-01-15T10:00")
    assert definitions.calls_allowed(now) == at("2027-01-15T20:00")
    assert "callback.window" in [each.key for each in examine(tmp_path, now) if each.severity == "warning"]


def test_with_a_trunk_the_missing_number_is_a_warning(tmp_path) -> None:
    now = at("2027-01-15T10:00")
    loaded(tmp_path)
    assert not [each for each in examine(tmp_path, now, trunk=False) if each.key.startswith("callback")]
    (found,) = [each for each in examine(tmp_path, now, trunk=True) if each.key.startswith("callback")]
    assert (found.severity, found.key) == ("warning", "callback.outgoing")
    loaded(tmp_path, 'outgoing = "01065529988"')
    assert not [each for each in examine(tmp_path, now, trunk=True) if each.key.startswith("callback")]


@pytest.mark.parametrize(
    ("category", "queue", "matter"),
    [
        ("attitude", "", ("complaint", "attitude")),
        ("attitude", "media", ("media", "attitude")),
        ("orders", "", ("orders", "")),
        ("complaint", "", ("complaint", "")),
        ("", "", ("inquiry", "")),
        ("", "media", ("media", "")),
    ],
)
def test_a_matter_is_named_by_category_queue_or_both(tmp_path, category, queue, matter) -> None:
    assert load(tmp_path).matter(category, queue) == matter


@pytest.mark.parametrize(("category", "queue"), [("weather", ""), ("attitude", "weather")])
def test_a_matter_that_is_not_there_any_more_is_refused_in_a_sentence(tmp_path, category, queue) -> None:
    with pytest.raises(ValueError, match=r"there is no (category|queue) weather: there are "):
        load(tmp_path).matter(category, queue)
