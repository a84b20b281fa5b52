"""A flow: nodes by name, where it starts, and the keys that mean the same everywhere. Read from what an operator wrote;
one that cannot be carried out cannot be made, and the error names the key. What only shows when flows stand together
(targets, loops, prompts) is the business of `ivr.check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.nodes import AGAIN, Node
from ivr.reading import read_node
from tables.errors import TableError, nearest
from tables.values import Table


@dataclass(frozen=True, slots=True)
class Flow:
    """`keys` maps a key to a target; a sub-flow inherits those of the flows that led to it, and its own go before.
    A key set to `""` means nothing here. `on_lost` is where a caller goes on whose node an edited flow has no more."""

    name: str
    nodes: Mapping[str, Node]
    start: str
    title: str = ""
    on_lost: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, name: str, data: Mapping[str, object]) -> Flow:
        """The flow that `data`, a parsed TOML file, describes.

        Raises TableError with the path of the key that is wrong.
        """
        table = Table(data)
        title = table.text("title", "")
        defaults = table.table("defaults")
        listed = table.table("nodes")
        if not listed.data:
            raise TableError(("nodes",), f"flow {name} has no nodes: give it at least one, such as [nodes.start]")
        nodes = {str(node): read_node(str(node), listed, defaults) for node in listed.data}
        defaults.done()
        keys = _read_keys(table)
        start = table.text("start")
        on_lost = table.text("on_lost", start)
        for key, target in (("start", start), ("on_lost", on_lost)):
            if target not in nodes:
                raise TableError((key,), f'there is no node "{target}" in flow {name}{nearest(target, nodes)}')
        table.done()
        return cls(name=name, nodes=nodes, start=start, title=title, on_lost=on_lost, keys=keys)


def _read_keys(table: Table) -> dict[str, str]:
    keys = table.mapping("keys")
    for key, target in keys.items():
        if len(key) != 1 or key not in "0123456789*#":
            raise TableError(("keys", key), f'"{key}" is not a key of a phone: it is one of 0 to 9, * and #')
        if target.startswith("@") and target not in (AGAIN, "@return", "@hangup"):
            raise TableError(
                ("keys", key), f'"{target}" is not known: a key may lead to a node, @again, @return, @hangup'
            )
    return keys
