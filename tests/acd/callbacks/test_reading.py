"""The rules of callback mode as an operator writes them."""

from __future__ import annotations

import pytest

from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays, Dialling
from acd.callbacks.reading import read_callback_policy
from tables.errors import TableError

QUEUES = ("complaint", "media")


def test_an_empty_table_means_the_rules_as_they_are() -> None:
    assert read_callback_policy({}, QUEUES) == CallbackPolicy()
    assert CallbackPolicy().per_day == 2000


def test_a_queue_differs_only_in_what_it_names() -> None:
    policy = read_callback_policy(
        {
            "attempts": 5,
            "delays": {"busy": 30},
            "per_day": 200,
            "queues": {"media": {"dialling": "customer_first", "delays": {"no_answer": 120}}},
        },
        QUEUES,
    )
    assert policy.of("complaint") == CallbackRules(attempts=5, delays=Delays(busy=30.0))
    assert policy.of("media") == CallbackRules(
        attempts=5, delays=Delays(busy=30.0, no_answer=120.0), dialling=Dialling.CUSTOMER_FIRST
    )
    assert (policy.per_number_per_day, policy.per_day) == (3, 200)


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({"kept_after": -1}, ("kept_after",), "0 to 3600"),
        ({"amd": "yes"}, ("amd",), "true or false"),
        ({"off_below": 120}, ("off_below",), "off_below (120 s) must be less than on_above (120 s)"),
        ({"on_above": 50}, ("on_above",), "callback mode would flutter"),
        ({"on_above": 0}, ("on_above",), "above 0"),
        ({"attempts": 0}, ("attempts",), "1 to 20"),
        ({"attempts": 2.5}, ("attempts",), "a whole number"),
        ({"expires": 0}, ("expires",), "60 to"),
        ({"dialling": "both"}, ("dialling",), "none of agent_first, customer_first"),
        ({"delays": {"bussy": 1}}, ("delays", "bussy"), 'did you mean "busy"?'),
        ({"delays": 60}, ("delays",), "this must be a table"),
        ({"ringfor": 30}, ("ringfor",), 'did you mean "ring_for"?'),
        ({"queues": {"medai": {}}}, ("queues", "medai"), 'did you mean "media"?'),
        ({"queues": {"media": {"per_day": 3}}}, ("queues", "media", "per_day"), '"per_day" means nothing here'),
        ({"queues": {"media": {"off_below": 500}}}, ("queues", "media", "off_below"), "flutter"),
    ],
)
def test_rules_that_cannot_stand_are_refused_where_they_stand(data, key, sentence) -> None:
    with pytest.raises(TableError) as error:
        read_callback_policy(data, QUEUES)
    assert error.value.key == ("callback", *key)
    assert sentence in error.value.sentence


def test_keys_that_somebody_else_reads_are_no_mistake_but_close_ones_are() -> None:
    assert read_callback_policy({"window": "09:00-20:00"}, QUEUES, ("window",)) == CallbackPolicy()
    with pytest.raises(TableError, match='did you mean "window"'):
        read_callback_policy({"windw": "09:00-20:00"}, QUEUES, ("window",))
