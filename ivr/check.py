"""What is wrong with flows that can each be read but do not hold together. The operator is told, so no caller meets it.

An error is something that would lose a caller; a warning is something that was hardly meant so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum

from ivr import nodes, paths, wording
from ivr.calendar import Calendar
from ivr.flow import Flow
from ivr.identity import VERIFIED
from ivr.nodes import AGAIN, HANGUP, RETURN, Node, SubFlow
from ivr.notices import HEARD
from ivr.paths import Paths
from ivr.promises import PROMISE_FIELDS, WAIT
from tables.errors import Key, nearest

CUSTOMER_FIELDS = frozenset({"customer", "customer_class", "customer_region", "customer_since", "recorded"})
"""Fields that come with a caller who is known."""
OWN_FIELDS = frozenset({"caller", "called", "now", "answer", "language"}) | CUSTOMER_FIELDS
"""Fields that need not be set by a flow."""
OWN_STARTS = {"callback": frozenset({"dialling", "promise", "purpose"})}
"""Flows that begin calls which the hotline places, and the fields that come with them."""


class Severity(StrEnum):
    """How bad a finding is: an error would lose a caller, a warning is probably not intended."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """`flow` names the file (empty: the hotline's own definition), `key` is the path inside it."""

    flow: str
    key: Key
    severity: Severity
    sentence: str


def check(
    flows: Mapping[str, Flow],
    prompts: Collection[str],
    *,
    start: str | None = None,
    also: Collection[str] = (),
    queues: Collection[str] | None = None,
    music: Collection[str] | None = None,
    fields: Collection[str] = (),
) -> list[Finding]:
    """Everything that is wrong, in the order of the flows. `prompts` are the ids that exist; `start` is the flow that
    calls begin with, `also` those of numbers with a flow of their own; `queues` and classes of `music` are those that
    exist (None: not looked at), `fields` those that come with the caller."""
    ways = Paths(flows)
    found: list[Finding] = []
    for flow in flows.values():
        found += _unknown_targets(flow, flows)
        found += _recursion(flow, ways)
        found += _circles(flow, ways)
        found += _no_way_out(flow, ways)
        found += _unreached(flow, ways)
        found += _missing_prompts(flow, prompts)
    found += _unset_fields(flows, OWN_FIELDS.union(fields, *OWN_STARTS.values()))
    if queues is not None:
        found += _unknown_queues(flows, queues)
    if music is not None:
        found += _unknown_music(flows, music)
    if start is not None:
        found += _unused(flows, ways, start, also)
    return found


def check_calendar(calendar: Calendar, now: float) -> list[Finding]:
    """What is wrong with the hours: a year whose holidays are not known yet, or a hotline that never opens.
    `now` is UTC epoch seconds."""
    found = [
        Finding("", ("calendar", "holidays"), Severity.WARNING, sentence) for sentence in unknown_years(calendar, now)
    ]
    if calendar.next_open(now) is None:
        found.append(Finding("", ("calendar", "hours"), Severity.WARNING, "the hotline never opens by these hours"))
    return found


def years_without_holidays(calendar: Calendar, now: float) -> list[int]:
    """The years whose public holidays are not known and should be by now: next year's from November on, when the State
    Council announces them. `now` is UTC epoch seconds."""
    today = datetime.fromtimestamp(now, calendar.zone)
    years = [today.year, today.year + 1] if today.month >= 11 else [today.year]
    return [year for year in years if calendar.holidays.years and year not in calendar.holidays.years]


def unknown_years(calendar: Calendar, now: float) -> list[str]:
    """A sentence for each of those years."""
    return [
        f"the public holidays of {year} are not known: only the statutory days are holidays, and no weekend is worked. "
        f"Update the package chinesecalendar, or import a table with `sansheng holidays import`"
        for year in years_without_holidays(calendar, now)
    ]


def _error(flow: Flow, key: Key, sentence: str) -> Finding:
    return Finding(flow.name, key, Severity.ERROR, sentence)


def _warning(flow: Flow, key: Key, sentence: str) -> Finding:
    return Finding(flow.name, key, Severity.WARNING, sentence)


def _unknown_targets(flow: Flow, flows: Mapping[str, Flow]) -> Iterator[Finding]:
    special = (RETURN, HANGUP)
    written: list[tuple[Key, str]] = [
        (("keys", key), target) for key, target in flow.keys.items() if target not in ("", AGAIN)
    ]
    written += [(("nodes", node.name, *key), target) for node in flow.nodes.values() for key, target in node.targets()]
    for key, target in written:
        if target not in flow.nodes and target not in special:
            yield _error(flow, key, f'there is no node "{target}" in flow {flow.name}{nearest(target, flow.nodes)}')
    for node in _sub_flows(flow):
        if node.flow not in flows:
            yield _error(
                flow, ("nodes", node.name, "flow"), f'there is no flow "{node.flow}"{nearest(node.flow, flows)}'
            )


def _sub_flows(flow: Flow) -> list[SubFlow]:
    return [node for node in flow.nodes.values() if isinstance(node, SubFlow)]


def _recursion(flow: Flow, ways: Paths) -> Iterator[Finding]:
    for node in _sub_flows(flow):
        if node.flow == flow.name or (node.flow in ways.flows and flow.name in ways.used(node.flow)):
            sentence = f"flow {node.flow} leads back to flow {flow.name}: a flow cannot be a part of itself"
            yield _error(flow, ("nodes", node.name, "flow"), sentence)


def _circles(flow: Flow, ways: Paths) -> Iterator[Finding]:
    """Ways that lead round: without any wait, with silence, or in and out of a queue."""
    told: set[str] = set()
    for follow, sentence in (
        (paths.passing, "goes round without asking the caller anything"),
        (paths.silent, "has no exit for a caller who presses nothing"),
        (paths.unserved, "puts a call that a queue gave up straight back into a queue"),
    ):
        for circle in ways.circles(flow, follow):
            if told.isdisjoint(circle):
                told.update(circle)
                names = " → ".join([*circle, circle[0]])
                yield _error(flow, ("nodes", circle[0]), f"this {sentence}: {names}")


def _no_way_out(flow: Flow, ways: Paths) -> Iterator[Finding]:
    for name in flow.nodes:
        if not ways.ends(flow, name):
            sentence = f"no way leads from {name} to a person, to a goodbye, or back out of flow {flow.name}"
            yield _error(flow, ("nodes", name), sentence)


def _unreached(flow: Flow, ways: Paths) -> Iterator[Finding]:
    reached = ways.reached(flow, [flow.start, flow.on_lost, *flow.keys.values()], paths.every)
    for name in flow.nodes:
        if name not in reached:
            yield _warning(flow, ("nodes", name), f"nothing leads to {name}: no caller ever comes here")


def _missing_prompts(flow: Flow, prompts: Collection[str]) -> Iterator[Finding]:
    for node in flow.nodes.values():
        for key, items in node.spoken():
            for index, item in enumerate(items):
                if wording.prompt_ids((item,)) and item not in prompts:
                    close = get_close_matches(item, prompts, n=1)
                    hint = f'did you mean "{close[0]}"?' if close else "write it into the prompt manifest"
                    yield _error(flow, ("nodes", node.name, *key, index), f'there is no prompt "{item}": {hint}')


def _settings(node: Node) -> Iterator[tuple[Key, str]]:
    """The settings of a node that fields are put into."""
    if isinstance(node, nodes.Enqueue):
        yield from ((("queue",), node.queue), (("category",), node.category), (("music",), node.music))
        yield ("promise",), node.promise
    if isinstance(node, nodes.CallbackMode):
        yield from ((("queue",), node.queue), (("category",), node.category))
    if isinstance(node, nodes.Notice):
        yield ("queue",), node.queue
    if isinstance(node, nodes.Recall):
        yield ("number",), node.number
    if isinstance(node, nodes.PromiseChange):
        yield ("promise",), node.promise
    if isinstance(node, nodes.Set):
        yield from ((("fields", name), value) for name, value in node.fields.items())
    if isinstance(node, nodes.Menu):
        for digits, choice in node.options.items():
            yield from ((("options", digits, "set", name), value) for name, value in choice.fields.items())


def _set_here(node: Node) -> Iterator[tuple[str, str | None]]:
    """The fields that a node sets, with the value if it is known."""
    if isinstance(node, nodes.Set):
        yield from node.fields.items()
    if isinstance(node, nodes.Menu):
        for choice in node.options.values():
            yield from choice.fields.items()
    if isinstance(node, nodes.Collect):
        yield node.field, None
    if isinstance(node, nodes.Number):
        yield from ((f"{node.field}_{part}", None) for part in ("when", "shown", "state"))
    if isinstance(node, nodes.CallbackMode):
        yield WAIT, None
    if isinstance(node, nodes.Identity):
        yield VERIFIED, None
    if isinstance(node, nodes.Notice):
        yield HEARD, None
    if isinstance(node, nodes.Recall):
        yield from ((name, None) for name in PROMISE_FIELDS)


def _looked_at(node: Node) -> Iterator[tuple[Key, str]]:
    """The fields that a node looks at, with the key where it does."""
    for key, value in _settings(node):
        yield from ((key, name) for name in wording.fields_in(value))
    for key, items in node.spoken():
        yield from (((*key, index), name) for index, item in enumerate(items) for name in wording.fields_in(item))
    if isinstance(node, nodes.Branch):
        for index, case in enumerate(node.cases):
            if case.condition.field is not None:
                yield ("cases", index, "if", "field"), case.condition.field


def _unset_fields(flows: Mapping[str, Flow], known: Collection[str]) -> Iterator[Finding]:
    all_nodes = [node for flow in flows.values() for node in flow.nodes.values()]
    names = set(known) | {name for node in all_nodes for name, _ in _set_here(node)}
    for flow in flows.values():
        for node in flow.nodes.values():
            for key, name in _looked_at(node):
                if name not in names:
                    sentence = f'no flow ever sets the field "{name}"{nearest(name, names)}'
                    yield _warning(flow, ("nodes", node.name, *key), sentence)


def _values(flows: Mapping[str, Flow]) -> dict[str, set[str]]:
    """Name of each field → the values that flows set it to, as far as they are known."""
    values: dict[str, set[str]] = {}
    for flow in flows.values():
        for node in flow.nodes.values():
            for name, value in _set_here(node):
                if value is not None:
                    values.setdefault(name, set()).add(value)
    return values


def _unknown_music(flows: Mapping[str, Flow], music: Collection[str]) -> Iterator[Finding]:
    values = _values(flows)
    for flow in flows.values():
        for node in flow.nodes.values():
            if isinstance(node, nodes.Enqueue):
                for name in sorted(wording.possible(node.music, values) - {"", *music}):
                    sentence = f'there is no music class "{name}"{nearest(name, music)}; the queue\'s own is played'
                    yield _warning(flow, ("nodes", node.name, "music"), sentence)


def _unknown_queues(flows: Mapping[str, Flow], queues: Collection[str]) -> Iterator[Finding]:
    values = _values(flows)
    for flow in flows.values():
        for node in flow.nodes.values():
            if isinstance(node, nodes.Enqueue | nodes.CallbackMode | nodes.Notice):
                for queue in sorted(wording.possible(node.queue, values) - set(queues)):
                    sentence = f'there is no queue "{queue}"{nearest(queue, queues)}'
                    yield _error(flow, ("nodes", node.name, "queue"), sentence)


def _unused(flows: Mapping[str, Flow], ways: Paths, start: str, also: Collection[str]) -> Iterator[Finding]:
    for name in (start, *also):
        if name not in flows:
            yield Finding(name, (), Severity.ERROR, f'there is no flow "{name}" for calls to begin with')
            return
    begins = (start, *also, *OWN_STARTS)
    used = {*begins}.union(*(ways.used(name) for name in begins if name in flows))
    for flow in flows.values():
        if flow.name not in used:
            yield _warning(flow, (), f"nothing leads to flow {flow.name} from flow {' or '.join((start, *also))}")
