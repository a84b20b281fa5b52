"""Pieces, read back by rules of their own, give the value that was said."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ivr
from ivr.manifest import Manifest
from ivr.saying import (
    LIMIT,
    PAUSE,
    say_date,
    say_digits,
    say_duration,
    say_number,
    say_phone,
    say_place,
    say_time,
    say_wait,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
PROMPTS = Path(ivr.__file__).parent / "prompts"
MANIFEST = Manifest.from_dict(tomllib.loads((PROMPTS / "manifest.toml").read_text("utf-8")))
numbers = st.one_of(st.integers(0, 10_000), st.integers(0, LIMIT - 1))
languages = st.sampled_from(["zh", "en"])
instants = st.integers(0, 4_000_000_000)


def words(pieces, language="zh"):
    """The pieces as text, as a listener would write them down."""
    said = [MANIFEST.text(piece, language) for piece in pieces if piece != PAUSE]
    return "".join(said) if language == "zh" else " ".join(said)


def read_chinese(text):
    """The value of a Chinese numeral, by the textbook: 亿 and 万 close a group, 千百十 a place, 零 only fills."""
    digits = {**{character: value for value, character in enumerate("零一二三四五六七八九")}, "两": 2}
    total = group = digit = 0
    for character in text:
        if character in digits:
            digit = digits[character]
        elif character in "十百千":
            group += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
        else:
            total = (total + group + digit) * 10_000
            if character == "亿" and total < 10**8:
                total *= 10_000
            group = digit = 0
    return total + group + digit


SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
SMALL += [f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def read_english(text):
    values = {word: value for value, word in enumerate(SMALL)}
    values |= {word: 10 * value for value, word in enumerate(TENS, 2)}
    total = group = 0
    for word in text.split():
        if word in values:
            group += values[word]
        elif word == "hundred":
            group *= 100
        else:
            total += group * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[word]
            group = 0
    return total + group


@given(numbers)
@example(0)
@example(LIMIT - 1)
def test_a_number_said_in_chinese_is_heard_as_the_same_number(number):
    text = words(say_number(number, "zh"))
    groups = text.replace("亿", "亿,").split(",")
    assert sum(read_chinese(part) for part in groups) == number
    assert "零零" not in text


@given(numbers)
def test_a_number_said_in_english_is_heard_as_the_same_number(number):
    assert read_english(words(say_number(number, "en"), "en")) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "零"),
        (2, "二"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (22, "二十二"),
        (101, "一百零一"),
        (110, "一百一十"),
        (112, "一百一十二"),
        (200, "二百"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (2020, "两千零二十"),
        (10_000, "一万"),
        (10_010, "一万零一十"),
        (12_000, "一万两千"),
        (20_000, "两万"),
        (100_000, "十万"),
        (120_002, "十二万零二"),
        (1_001_000, "一百万一千"),
        (100_000_001, "一亿零一"),
        (100_001_000, "一亿零一千"),
        (200_000_000, "两亿"),
        (210_000_000, "两亿一千万"),
    ],
)
def test_chinese_numbers_keep_the_rules_of_zero_two_and_ten(number, text):
    assert words(say_number(number, "zh")) == text


def test_what_is_counted_takes_liang_for_two_in_chinese():
    assert words((*say_number(2, "zh", counting=True), "unit-minute")) == "两分钟"
    assert words((*say_number(12, "zh", counting=True), "unit-minute")) == "十二分钟"


def test_english_numbers_use_teens_and_tens():
    assert words(say_number(1_219_045, "en"), "en") == "one million two hundred nineteen thousand forty five"


@pytest.mark.parametrize("number", [-1, LIMIT])
def test_a_number_out_of_range_is_refused_in_a_sentence(number):
    with pytest.raises(ValueError, match="cannot be said as a number"):
        say_number(number, "zh")


@given(st.text("0123456789", max_size=20), languages)
def test_digits_are_said_one_by_one_and_none_is_lost(text, language):
    heard = "".join(
        "1" if piece == "digit-yao" else piece.removeprefix("digit-") for piece in say_digits(text, language)
    )
    assert heard == text


@given(st.text("0123456789", max_size=20), languages)
def test_a_telephone_number_loses_no_digit_to_its_pauses(number, language):
    pieces = say_phone(number, language)
    assert tuple(piece for piece in pieces if piece != PAUSE) == say_digits(number, language)
    assert not pieces or PAUSE not in (pieces[0], pieces[-1])


def test_one_is_read_yao_in_chinese_numbers_only():
    assert words(say_digits("10086", "zh")) == "幺零零八六"
    assert words(say_digits("1001", "en"), "en") == "one zero zero one"


@pytest.mark.parametrize(
    ("number", "groups"),
    [
        ("13800138000", ["138", "0013", "8000"]),
        ("+86 138-0013-8000", ["138", "0013", "8000"]),
        ("+8657188888888", ["0571", "8888", "8888"]),
        ("+14155550100", ["141", "5555", "0100"]),
        ("057188888888", ["0571", "8888", "8888"]),
        ("01088888888", ["010", "8888", "8888"]),
        ("4001234567", ["400", "123", "4567"]),
        ("10086", ["10086"]),
    ],
)
def test_a_telephone_number_is_read_in_groups(number, groups):
    heard = [[]]
    for piece in say_phone(number, "en"):
        if piece == PAUSE:
            heard.append([])
        else:
            heard[-1].append(piece.removeprefix("digit-"))
    assert ["".join(group) for group in heard] == groups


def test_a_letter_among_the_digits_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="'x' is not a key of a telephone"):
        say_digits("13x", "zh")


@pytest.mark.parametrize(
    ("hour", "minute", "chinese", "english"),
    [
        (0, 0, "凌晨零点整", "twelve A M"),
        (2, 5, "凌晨两点零五分", "two oh five A M"),
        (9, 0, "上午九点整", "nine A M"),
        (12, 30, "中午十二点三十分", "twelve thirty P M"),
        (15, 20, "下午三点二十分", "three twenty P M"),
        (23, 59, "晚上十一点五十九分", "eleven fifty nine P M"),
    ],
)
def test_a_time_is_said_in_the_zone_of_the_hotline(hour, minute, chinese, english):
    epoch = datetime(2026, 3, 1, hour, minute, tzinfo=SHANGHAI).timestamp()
    assert words(say_time(epoch, SHANGHAI, "zh")) == chinese
    assert words(say_time(epoch, SHANGHAI, "en"), "en") == english


def test_a_date_is_said_with_its_weekday():
    epoch = datetime(2026, 10, 31, 17, 0, tzinfo=UTC).timestamp()
    assert words(say_date(epoch, SHANGHAI, "zh")) == "十一月一日星期日"
    assert words(say_date(epoch, UTC, "en"), "en") == "Saturday October thirty first"


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "零秒", "zero seconds"),
        (1, "一秒", "one second"),
        (59.6, "一分钟", "one minute"),
        (122, "两分钟两秒", "two minutes two seconds"),
        (3600, "一小时", "one hour"),
        (7325, "两小时两分钟", "two hours two minutes"),
    ],
)
def test_a_length_is_said_by_its_two_largest_units(seconds, chinese, english):
    assert words(say_duration(seconds, "zh")) == chinese
    assert words(say_duration(seconds, "en"), "en") == english


@pytest.mark.parametrize(
    ("ahead", "chinese", "english"),
    [
        (0, "您是下一位接听的客户。", "You are next in line."),
        (1, "您前面还有一位客户正在等待。", "There is one person ahead of you."),
        (2, "您前面还有两位客户正在等待。", "You have two people ahead of you."),
        (15, "您前面还有十五位客户正在等待。", "You have fifteen people ahead of you."),
    ],
)
def test_a_place_in_the_queue_is_a_whole_sentence(ahead, chinese, english):
    assert words(say_place(ahead, "zh")) == chinese
    assert words(say_place(ahead, "en"), "en") == english


@pytest.mark.parametrize(
    ("low", "high", "chinese"),
    [
        (0, 0, "您需要等待的时间不到一分钟。"),
        (20, 59, "您需要等待的时间不到一分钟。"),
        (50, 60, "您大约需要等待一分钟。"),
        (50, 100, "您大约需要等待一到两分钟。"),
        (110, 120, "您大约需要等待两分钟。"),
        (121, 400, "您大约需要等待三到七分钟。"),
        (400, 100, "您大约需要等待七分钟。"),
    ],
)
def test_an_estimated_wait_is_said_in_minutes_rounded_up(low, high, chinese):
    assert words(say_wait(low, high, "zh")) == chinese


@given(numbers, instants, languages)
def test_every_piece_that_can_be_said_is_in_the_manifest(number, epoch, language):
    pieces = {
        *say_number(number, language),
        *say_phone(str(number), language),
        *say_digits("*#", language),
        *say_time(epoch, SHANGHAI, language),
        *say_date(epoch, SHANGHAI, language),
        *say_duration(number % 100_000, language),
        *say_place(number % 100, language),
        *say_wait(number % 1000, number % 3000, language),
    }
    assert pieces <= MANIFEST.ids(language)


def test_an_unknown_language_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="nothing can be said in 'fr'"):
        say_number(1, "fr")
