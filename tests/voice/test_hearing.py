"""A prompt is understood by its sounds, not by its spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.hearing import distance, error_rate, lost
from voice.prompt_store import load_manifest

MANIFEST = load_manifest()
words = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("欢迎致电四零零客户服务热线。", "欢迎致电400客户服务热线"),
        ("预计等待时间大约十二分钟。", "预计等待时间大约12分钟"),
        ("预计等待时间大约两分钟。", "预计等待时间大约2分钟。"),
        ("幺三八零零幺三八零零零", "138 0013 8000"),
        ("投诉，请按一。咨询，请按二。", "投诉请按1 咨询请按2"),
    ],
)
def test_digits_written_down_count_as_the_words_for_them(text, heard):
    assert error_rate(MANIFEST, "zh", text, heard, {}) == 0


def test_english_digits_count_as_words():
    assert error_rate(MANIFEST, "en", "For a complaint, press one.", "for a complaint press 1", {}) == 0
    assert error_rate(MANIFEST, "en", "about fifteen minutes", "About 15 minutes.", {}) == 0


def test_words_that_sound_alike_count_as_heard_and_tones_do_not():
    sounds = {"按": "an4", "案": "an4", "安": "an1"}
    assert error_rate(MANIFEST, "zh", "请按一", "请案一", sounds) == 0
    assert error_rate(MANIFEST, "zh", "请按一", "请安一", sounds) == pytest.approx(1 / 3)


def test_nothing_heard_loses_everything():
    assert error_rate(MANIFEST, "zh", "再见。", "", {}) == 1


@given(words, words, words)
def test_the_distance_is_a_metric(one, two, three):
    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, two) == distance(two, one)
    assert distance(one, three) <= distance(one, two) + distance(two, three)


@given(words, words)
def test_what_is_lost_is_never_more_than_the_edits_and_made_up_words_cost_nothing(said, heard):
    assert lost(said, heard) <= distance(said, heard)
    assert lost(said, heard + said) == 0
