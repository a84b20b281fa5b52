"""The hotline's file: what is wrong is refused with the key that says where, and a sentence that says what."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from acd.policy.definitions import Overflow, Skill, Strategy, WrapUpMode
from acd.policy.reading import read_policy
from tables.errors import TableError

SHIPPED = Path(__file__).parents[3] / "server" / "defaults" / "hotline.toml"


def read(text):
    return read_policy(tomllib.loads('skills = ["complaint", "inquiry", "attitude"]\n' + text))


def test_the_file_that_comes_with_the_product_stands():
    policy = read_policy(tomllib.loads(SHIPPED.read_text(encoding="utf-8")))
    assert [queue.name for queue in policy.queues] == ["complaint", "inquiry", "orders", "partnership", "media"]
    assert {"process", "system", "competence", "attitude", "usage"} <= set(policy.skills)


def test_a_queue_is_read_in_full():
    (queue, _) = read(
        """
        [queues.complaint]
        skill = "complaint"
        priority = 3
        strategy = "least_skilled"
        wrap_up = { mode = "forced", seconds = 45 }
        relax = [{ after = 30, required = { complaint = 1 }, preferred = { attitude = 2 } }]
        overflow = [{ after = 60, to = "inquiry", required = { inquiry = 4 } }, { hopeless = true, to = "callback" }]
        [queues.inquiry]
        """
    ).queues
    assert (queue.priority, queue.strategy) == (3, Strategy.LEAST_SKILLED)
    assert (queue.wrap_up.mode, queue.wrap_up.seconds) == (WrapUpMode.FORCED, 45.0)
    assert queue.relax[0].requirement.preferred == (Skill("attitude", 2),)
    assert queue.overflow[0].requirement.required == (Skill("inquiry", 4),)
    assert queue.overflow[1] == Overflow("callback", hopeless=0.0)


def test_tables_of_others_are_left_alone():
    assert read("[lists]\nvip = ['138']").queues == ()


WRONG = [
    ('[queues.q]\nskill = "complain"', ("queues", "q", "skill"), 'did you mean "complaint"?'),
    ("[queues.q]\nring_fro = 3", ("queues", "q", "ring_fro"), 'did you mean "ring_for"?'),
    ("[queues.q]\nring_for = 0", ("queues", "q", "ring_for"), "a number from 1 to 300, not 0"),
    ("[queues.q]\nring_for = true", ("queues", "q", "ring_for"), "a number from 1 to 300, not True"),
    ("[queues.q]\nageing = 0", ("queues", "q", "ageing"), "could starve its callers"),
    ("[queues.q]\npriority = 1.5", ("queues", "q", "priority"), "a whole number from -10000 to 10000, not 1.5"),
    ("[queues.q]\npriority = 101", ("queues", "q", "priority"), "above routing.ageing_limit (100)"),
    ('[queues.q]\nstrategy = "magic"', ("queues", "q", "strategy"), "'magic' is none of best_fit"),
    ('[queues.q]\nwrap_up = { mode = "nap" }', ("queues", "q", "wrap_up", "mode"), "'nap' is none of none"),
    ("[queues.q]\nwrap_up = 30", ("queues", "q", "wrap_up"), "this must be a table"),
    ("[queues.message]", ("queues", "message"), "choose another name"),
    ("[queues.q]\nrelax = [{ after = 3 }]", ("queues", "q", "relax", 0), "a relaxation step needs required"),
    (
        "[queues.q]\nrelax = [{ after = 3, required = { complaint = 11 } }]",
        ("queues", "q", "relax", 0, "required", "complaint"),
        "a whole number from 1 to 10, not 11",
    ),
    (
        "[queues.q]\nrelax = [{ after = 3, required = { compliant = 1 } }]",
        ("queues", "q", "relax", 0, "required", "compliant"),
        'did you mean "complaint"?',
    ),
    (
        "[queues.q]\nrelax = [{ after = 9, required = { complaint = 2 } }, "
        "{ after = 20, required = { complaint = 5 } }]",
        ("queues", "q", "relax", 1, "required"),
        "a relaxation only loosens",
    ),
    (
        "[queues.q]\nrelax = [{ after = 9, required = { complaint = 2 } }, "
        "{ after = 9, required = { complaint = 1 } }]",
        ("queues", "q", "relax", 1, "after"),
        "more than 9 s",
    ),
    ('[queues.q]\noverflow = [{ to = "message" }]', ("queues", "q", "overflow", 0), "exactly one of after"),
    ("[queues.q]\noverflow = [{ after = 9 }]", ("queues", "q", "overflow", 0), "says where to"),
    (
        '[queues.q]\noverflow = [{ after = 9, to = "mesage" }]',
        ("queues", "q", "overflow", 0, "to"),
        'did you mean "message"?',
    ),
    ('[queues.q]\noverflow = [{ after = 9, to = "q" }]', ("queues", "q", "overflow", 0, "to"), "into itself"),
    (
        '[queues.a]\noverflow = [{ after = 9, to = "b" }]\n[queues.b]\noverflow = [{ above = 9, to = "c" }]\n'
        '[queues.c]\noverflow = [{ hopeless = 9, to = "a" }]',
        ("queues", "a", "overflow"),
        "callers would go round: a → b → c → a",
    ),
    ("[routing]\nageing_limit = 0", ("routing", "ageing_limit"), "above 0"),
    ("[routing.rest_after]\nsleepy = 1", ("routing", "rest_after", "sleepy"), '"sleepy" means nothing here'),
]


@pytest.mark.parametrize(("text", "key", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_what_could_strand_a_caller_is_refused(text, key, words):
    with pytest.raises(TableError) as refused:
        read(text)
    assert refused.value.key == key
    assert words in refused.value.sentence


def test_skills_are_a_list_of_different_names():
    with pytest.raises(TableError, match="named twice"):
        read_policy({"skills": ["a", "a"]})
    with pytest.raises(TableError, match="a list of names"):
        read_policy({"skills": "complaint"})


def test_a_level_out_of_range_cannot_be_made():
    with pytest.raises(ValueError, match="level 0 is out of range"):
        Skill("complaint", 0)
