"""A hotline whose times are short, so that tests need not wait as long as callers would."""

from __future__ import annotations

from pathlib import Path

from server.hotline.definitions import FLOWS

HOTLINE = """
skills = [
    "complaint", "inquiry", "orders", "partnership", "media",
    "process", "system", "competence", "attitude", "usage",
]

[routing]
round_pause = 2
offer_grace = 3

[routing.rest_after]
no_answer = 1
declined = 1
busy = 1
unregistered = 1
caller_gone = 0
lost = 1
redirected = 1
dropped = 1

# Conversations of tests are short: only an agent who hangs up before the join has missed the call.
[phones]
misses_within = 0
rings_within = 1.5

# The queue that tests talk in: it never overflows by itself.
[queues.complaint]
skill = "complaint"
ring_for = 3
max_no_answers = 2
wrap_up = { mode = "timed", seconds = 1 }
announce_first = 0
announce_every = 8
max_wait = 600
hopeless_grace = 600

[queues.inquiry]
skill = "inquiry"
ring_for = 3
wrap_up = { mode = "none" }
announce_every = 0
overflow = [{ hopeless = 0, to = "message" }]

[queues.orders]
skill = "orders"
ring_for = 3
wrap_up = { mode = "none" }
announce_every = 0
overflow = [{ hopeless = 0, to = "callback" }]
hopeless_grace = 600

[queues.partnership]
skill = "partnership"
ring_for = 3
wrap_up = { mode = "none" }
announce_every = 0
overflow = [{ hopeless = 0, to = "inquiry" }]

[queues.media]
skill = "media"
ring_for = 3
wrap_up = { mode = "none" }
announce_every = 0
overflow = [{ hopeless = 0, to = "goodbye" }]

# Callback mode does not turn on by itself while others' tests wait.
[callback]
hold = 3600
kept_after = 0

[lists]
vip = ["13800138888"]
nuisance = ["13800130000"]
straight = {straight}
quiet = {quiet}
late = {late}
asked = {asked}
"""
LISTS = {
    "straight": [f"138001310{number:02}" for number in range(100)],
    "quiet": [f"138001320{number:02}" for number in range(20)],
    "late": [f"138001330{number:02}" for number in range(20)],
    "asked": [f"138001350{number:02}" for number in range(20)],
}
"""Callers who come straight into the queue, to the short menu, outside the hours, and to the main menu."""

CASES = """
  { if = { list = "straight" }, to = "straight" },
  { if = { list = "quiet" }, to = "quiet" },
  { if = { list = "late" }, to = "closed" },
  { if = { list = "asked" }, to = "menu" },
"""
NODES = """
# Straight into the queue.
[nodes.straight]
kind = "set"
fields = { business = "complaint", category = "attitude" }
next = "wait"

# The main menu in short.
[nodes.quiet]
kind = "menu"
prompts = ["language"]
no_input = [["no-input"], ["no-input", "language"]]
no_match = [["no-match"], ["no-match", "language"]]
attempts = 3
timeout = 1
on_no_input = "silent"
on_no_match = "person"
options = { 1 = "sorry" }

[nodes.silent]
kind = "hangup"
prompts = ["too-many-tries", "goodbye"]
why = "no_input"
"""


def install(home: Path) -> None:
    """Put the definitions into a home before its server starts, or while it runs."""
    (home / "flows").mkdir(parents=True, exist_ok=True)
    text = HOTLINE
    for name, numbers in LISTS.items():
        text = text.replace(f"{{{name}}}", str(numbers))
    (home / "hotline.toml").write_text(text, encoding="utf-8")
    flow = (FLOWS / "hotline.toml").read_text(encoding="utf-8")
    assert "cases = [\n" in flow
    flow = flow.replace("cases = [\n", "cases = [" + CASES, 1) + NODES
    (home / "flows" / "hotline.toml").write_text(flow, encoding="utf-8")
