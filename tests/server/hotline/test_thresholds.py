"""From when on a page shows that a queue is in trouble: a queue's own thresholds stand before those for all."""

from __future__ import annotations

import pytest

from server.hotline.thresholds import QueueThresholds, read_thresholds
from tables.errors import TableError
from tables.values import Table


def test_a_queue_has_its_own_thresholds_and_what_it_does_not_say_from_those_for_all() -> None:
    rules = read_thresholds(Table({"within": 15, "media": {"wait_long": 10}}, ("thresholds",)), ["media", "complaint"])
    assert rules.of("complaint") == QueueThresholds(within=15)
    assert rules.of("media") == QueueThresholds(within=15, wait_long=10)


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({"medai": {"wait_long": 10}}, ("thresholds", "medai"), 'did you mean "media"'),
        ({"service_level_low": 0.9}, ("thresholds", "service_level_low"), "above the goal of 0.8"),
        ({"wait_long": 300}, ("thresholds", "wait_too_long"), "below wait_long, 300"),
        ({"media": {"within": 0}}, ("thresholds", "media", "within"), "1"),
        ({"colour": 1}, ("thresholds", "colour"), "means nothing here"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(data: dict[str, object], key: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence) as refused:
        read_thresholds(Table(data, ("thresholds",)), ["media", "complaint"])
    assert refused.value.key == key
