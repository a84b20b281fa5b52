"""Which ways lead through a flow. A sub-flow counts as one step of the flow that uses it, taken if it can come back;
so a way that is found is one that a caller can really go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ivr.flow import Flow
from ivr.nodes import HANGUP, RETURN, End, Enqueue, Node, SubFlow

Follow = Callable[[Node], Iterable[str]]
"""The targets of a node that are looked at."""


def every(node: Node) -> Iterable[str]:
    """All targets."""
    return (target for _, target in node.targets())


def passing(node: Node) -> Iterable[str]:
    """Where a caller goes without waiting for anything."""
    return () if node.waits else every(node)


def silent(node: Node) -> Iterable[str]:
    """The targets of a caller who never presses a key."""
    return node.silent()


def unserved(node: Node) -> Iterable[str]:
    """Where a caller goes without waiting for anything but a queue that gives the call up."""
    return node.unserved() if isinstance(node, Enqueue) else passing(node)


@dataclass(slots=True)
class Paths:
    """Ways through all flows of a hotline."""

    flows: Mapping[str, Flow]
    _returns: dict[tuple[str, Follow], bool] = field(default_factory=dict)
    _ends: dict[str, bool] = field(default_factory=dict)

    def next(self, flow: Flow, name: str, follow: Follow) -> list[str]:
        """The nodes, and `@return` and `@hangup`, that one step leads to."""
        node = flow.nodes.get(name)
        if node is None:
            return []
        if isinstance(node, SubFlow) and node.flow in self.flows:
            return [node.next] if self.returns(node.flow, follow) else []
        return list(follow(node))

    def returns(self, name: str, follow: Follow) -> bool:
        """Whether this flow can come back to the one that used it. One that uses itself does not, by that way."""
        known = self._returns.get((name, follow))
        if known is None:
            self._returns[name, follow] = False
            flow = self.flows[name]
            known = self._returns[name, follow] = RETURN in self.reached(flow, [flow.start], follow)
        return known

    def reached(self, flow: Flow, starts: Iterable[str], follow: Follow) -> set[str]:
        """Every node, and `@return` and `@hangup`, that can be come to from `starts`, these included."""
        found: set[str] = set()
        left = list(starts)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left.extend(self.next(flow, name, follow))
        return found

    def circles(self, flow: Flow, follow: Follow) -> list[list[str]]:
        """Sets of nodes that lead to each other, each in the order of the flow."""
        order = {name: index for index, name in enumerate(flow.nodes)}
        after = {name: self.reached(flow, self.next(flow, name, follow), follow) for name in flow.nodes}
        found: list[list[str]] = []
        seen: set[str] = set()
        for name in flow.nodes:
            if name in after[name] and name not in seen:
                circle = [other for other in after[name] if other in after and name in after[other]]
                seen.update(circle)
                found.append(sorted(circle, key=order.__getitem__))
        return found

    def ends(self, flow: Flow, name: str) -> bool:
        """Whether some way leads from here to a person, a goodbye, or back to the flow that came here."""
        for other in self.reached(flow, [name], every):
            node = flow.nodes.get(other)
            if other in (RETURN, HANGUP) or isinstance(node, End | Enqueue):
                return True
            if isinstance(node, SubFlow) and (node.flow not in self.flows or self.ends_inside(node.flow)):
                return True
        return False

    def ends_inside(self, name: str) -> bool:
        """Whether a caller may come to a person or a goodbye before this flow comes back."""
        known = self._ends.get(name)
        if known is None:
            self._ends[name] = False
            flow = self.flows[name]
            reached = self.reached(flow, [flow.start], every)
            inside = [flow.nodes[other] for other in reached if other in flow.nodes]
            known = HANGUP in reached or any(isinstance(node, End | Enqueue) for node in inside)
            used = (node.flow for node in inside if isinstance(node, SubFlow) and node.flow in self.flows)
            known = self._ends[name] = known or any(self.ends_inside(other) for other in used)
        return known

    def used(self, name: str) -> set[str]:
        """The flows that can be come to from this one, itself only if it uses itself."""
        found: set[str] = set()
        left = [name]
        while left:
            for node in self.flows[left.pop()].nodes.values():
                if isinstance(node, SubFlow) and node.flow in self.flows and node.flow not in found:
                    found.add(node.flow)
                    left.append(node.flow)
        return found
