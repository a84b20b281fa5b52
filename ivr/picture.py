"""A flow as a picture: its nodes, where each key leads, and the prompts that are said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ivr import nodes
from ivr.conditions import Condition
from ivr.flow import Flow
from ivr.nodes import Node


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a node. `key` is where it stands in the node's table, `label` what leads that way: a key of the
    telephone, a condition, or the key's name; `kind` is key, condition, fail or next."""

    source: str
    target: str
    key: tuple[str | int, ...]
    label: str
    kind: str


_FAIL = ("on_fail", "on_no_input", "on_no_match", "limit", "otherwise", "unknown", "skipped")


def edges(flow: Flow) -> Iterator[Edge]:
    """Every way in the flow, the keys that count everywhere too (from the node `*`)."""
    for node in flow.nodes.values():
        yield from ways(node)
    for key, target in flow.keys.items():
        if target:
            yield Edge("*", target, ("keys", key), key, "key")


def ways(node: Node) -> Iterator[Edge]:
    """Every way from a node."""
    for key, target in node.targets():
        if key[0] == "options":
            yield Edge(node.name, target, key, str(key[1]), "key")
        elif key[0] == "cases" and isinstance(node, nodes.Branch) and isinstance(key[1], int):
            yield Edge(node.name, target, key, _condition(node.cases[key[1]].condition), "condition")
        elif key[0] == "exits":
            yield Edge(node.name, target, key, str(key[1]), "condition")
        else:
            name = str(key[-1])
            yield Edge(node.name, target, key, name, "fail" if name in _FAIL else "next")


def _condition(condition: Condition) -> str:
    """A condition as a flow writes it: `vip = true, field region = bj`."""
    parts = []
    for name, value in (("vip", condition.vip), ("open_ticket", condition.open_ticket), ("open", condition.open)):
        if value is not None:
            parts.append(f"{name} = {'true' if value else 'false'}")
    if condition.in_list is not None:
        parts.append(f"list = {condition.in_list}")
    if condition.field is not None:
        if condition.any_of is not None:
            parts.append(f"{condition.field} = {' / '.join(condition.any_of)}")
        if condition.matches is not None:
            parts.append(f"{condition.field} ~ {condition.matches}")
        if condition.any_of is None and condition.matches is None:
            parts.append(condition.field)
    return ", ".join(parts)
