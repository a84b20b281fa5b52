"""`[recordings]` of hotline.toml: what is recorded, how long a pause may last, how long recordings are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tables.values import Table, known

YEAR = 365
HALF_A_YEAR = 183


@dataclass(frozen=True)
class RecordingRules:
    """`queues`, `agents` and `lists` say whether conversations of each are recorded; one "no" is enough.

    `keep` has the days for which recordings of a business type are kept, `keep_others` those of all others.
    """

    pause: float = 120.0
    queues: Mapping[str, bool] = field(default_factory=dict)
    agents: Mapping[str, bool] = field(default_factory=dict)
    lists: Mapping[str, bool] = field(default_factory=dict)
    keep: Mapping[str, int] = field(default_factory=lambda: {"complaint": 3 * YEAR})
    keep_others: int = HALF_A_YEAR

    def left_out(self, queue: str, agent: str, lists: frozenset[str]) -> str:
        """Why this conversation is not to be recorded; empty when it is."""
        if not self.queues.get(queue, True):
            return f"queue {queue} is not recorded"
        if not self.agents.get(agent, True):
            return f"agent {agent} is not recorded"
        for name in sorted(lists):
            if not self.lists.get(name, True):
                return f"callers of the list {name} are not recorded"
        return ""

    def days(self, business: str) -> int:
        """For how many days a recording of this business type is kept."""
        return self.keep.get(business, self.keep_others)


def read_recording_rules(table: Table, queues: Collection[str], lists: Collection[str]) -> RecordingRules:
    """The rules of a table `[recordings]`. Raises TableError."""
    usual = RecordingRules()

    def flags(name: str, names: Collection[str] | None = None, kind: str = "") -> dict[str, bool]:
        inner = table.table(name)
        found = {}
        for each in inner.data:
            if names is not None:
                known(str(each), names, inner.at(each), kind)
            found[str(each)] = inner.flag(each)
        return found

    keep = table.table("keep")
    days = {str(each): keep.integer(each, least=1, most=36_500) for each in keep.data if each != "others"}
    rules = RecordingRules(
        pause=table.number("pause", usual.pause, least=5, most=3600),
        queues=flags("queues", queues, "queue"),
        agents=flags("agents"),
        lists=flags("lists", lists, "list"),
        keep={**usual.keep, **days},
        keep_others=keep.integer("others", usual.keep_others, least=1, most=36_500),
    )
    table.done()
    return rules
