"""One caller's way through the flows: an input comes in, verbs go out. Every step ends in a verb that waits, or in
Hangup; no input makes a step raise or run without end, and a flow stands on the stack at most once.

A snapshot is taken after a step. Restored, the caller goes on at the place of that step, never at the welcome; if an
edited flow has that place no more, at the flow's `on_lost`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ivr import inputs, verbs
from ivr.calendar import Calendar
from ivr.conditions import Caller
from ivr.flow import Flow
from ivr.kinds import KINDS
from ivr.nodes import AGAIN, HANGUP, RETURN, Node, Number, SubFlow
from ivr.numbers import OFFER
from ivr.turn import Frame, Turn, language_of

__all__ = ["Caller", "Session"]

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

MOST_HOPS = 100
"""Nodes passed in one step without anything to wait for: beyond it the flow goes round in circles."""
MOST_STEPS = 500
"""Answers in one call; a caller with more is a machine."""


class Session:
    """`start` is the flow's name. `flows` stay as they are for this call: edited ones are for later calls.

    Raises KeyError if there is no flow `start`.
    """

    def __init__(self, flows: Mapping[str, Flow], start: str, caller: Caller, calendar: Calendar, now: float) -> None:
        self.flows = flows
        self.start = start
        self.caller = caller
        self.calendar = calendar
        self.began = now
        self.steps = 0
        self.over = ""
        """Why the flow has ended; empty as long as it has not."""
        self._fields: dict[str, str] = dict(caller.fields)
        self._frames = [Frame(start, flows[start].start)]
        self._arrived = False
        self._untold = False
        """Whether the last step asked something, so that the place was not told."""

    @property
    def flow(self) -> str:
        """The flow that the caller is in."""
        return self._frames[-1].flow

    @property
    def node(self) -> str:
        """The node that the caller is at."""
        return self._frames[-1].node

    @property
    def fields(self) -> Mapping[str, str]:
        """What the flow has learned, and what was known of the caller."""
        return MappingProxyType(self._fields)

    @property
    def language(self) -> str:
        """The language that prompts are spoken in."""
        return language_of(self._fields)

    def step(self, given: inputs.Input, now: float) -> list[verbs.Verb]:
        """What to do next. The last verb is one that waits or Hangup; no other is. `now` is UTC epoch seconds."""
        if self.over:
            return [verbs.Hangup(self.over)]
        turn = Turn(self.flows, self._frames, self.caller, self.calendar, self._fields, now)
        before: tuple[str, ...] = turn.frame.mark()
        self.steps += 1
        if self.steps > MOST_STEPS:
            turn.do(verbs.Hangup("endless"))
        elif isinstance(given, inputs.Started) or not self._arrived:
            before, turn.frame.missed = (), ""
            turn.do(verbs.SetLanguage(self.language))
            self._arrive(turn)
        else:
            self._go(turn, KINDS[type(self._present())].take(turn, self._present(), given))
        self._arrived = True
        last = turn.said[-1]
        if isinstance(last, verbs.Hangup):
            self.over = last.why
        elif isinstance(last, verbs.Inquiry):
            pass  # answered at once: where the caller is then is told
        elif self._untold or before != turn.frame.mark() or any(isinstance(verb, verbs.SetField) for verb in turn.said):
            turn.said.insert(-1, verbs.Moved(turn.frame.flow, turn.frame.node))
        self._untold = isinstance(last, verbs.Inquiry)
        return turn.said

    # The way through the nodes

    def _present(self) -> Node:
        frame = self._frames[-1]
        return self.flows[frame.flow].nodes[frame.node]

    def _arrive(self, turn: Turn) -> None:
        """Put the present node to the caller."""
        node = self._present()
        if isinstance(node, SubFlow):
            self._go(turn, self._descend(node))
        else:
            self._go(turn, KINDS[type(node)].put(turn, node))

    def _go(self, turn: Turn, target: str | None) -> None:
        """Follow targets until a node waits or the call ends."""
        hops = 0
        while target is not None:
            hops += 1
            if hops > MOST_HOPS:
                turn.said[:] = [verb for verb in turn.said if not isinstance(verb, verbs.Play)]
                turn.do(verbs.Hangup("circle"))
                return
            if target == HANGUP or (target == RETURN and len(self._frames) == 1):
                turn.do(verbs.Hangup("done"))
                return
            if target == RETURN:
                self._frames.pop()
                caller = self.flows[self.flow].nodes.get(self.node)
                target = caller.next if isinstance(caller, SubFlow) else self.flows[self.flow].on_lost
                continue
            nodes = self.flows[self.flow].nodes
            if target == AGAIN and self._frames[-1].node in nodes:
                node = self._present()
                target = self._descend(node) if isinstance(node, SubFlow) else KINDS[type(node)].put(turn, node)
                continue
            frame = Frame(self.flow, target if target in nodes else self.flows[self.flow].on_lost)
            self._frames[-1] = frame
            node = nodes[frame.node]
            target = self._descend(node) if isinstance(node, SubFlow) else KINDS[type(node)].put(turn, node)

    def _descend(self, node: SubFlow) -> str:
        """Into the sub-flow; the target is its start. One that is on the stack already is gone back to."""
        for index, frame in enumerate(self._frames):
            if frame.flow == node.flow:
                del self._frames[index + 1 :]
                return self.flows[node.flow].start
        if node.flow not in self.flows:
            return node.next
        start = self.flows[node.flow].start
        self._frames.append(Frame(node.flow, start))
        return start

    # Snapshot and restore

    def snapshot(self) -> str:
        """Everything that is needed to go on from here, as JSON."""
        return _ENCODE(
            {
                "start": self.start,
                "began": self.began,
                "steps": self.steps,
                "over": self.over,
                "kind": type(self._present()).__name__,
                "frames": [frame.as_dict() for frame in self._frames],
                "fields": self._fields,
            }
        )

    @classmethod
    def restore(cls, flows: Mapping[str, Flow], text: str, caller: Caller, calendar: Calendar) -> Session:
        """The session of a snapshot. Its next step, if told `Started`, says again what the caller last heard.

        Raises KeyError if neither the caller's flow nor the one the call began with exists any more, ValueError if
        `text` is no snapshot.
        """
        try:
            data = json.loads(text)
            frames = [Frame(**frame) for frame in data["frames"]]
            start, began, steps, over, kind = (data[key] for key in ("start", "began", "steps", "over", "kind"))
            fields = {str(key): str(value) for key, value in data["fields"].items()}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"this is no snapshot of a session: {error}") from None
        known = [frame for frame in frames if frame.flow in flows]
        session = cls(flows, known[0].flow if start not in flows and known else start, caller, calendar, began)
        session.steps, session.over, session._fields = steps, over, fields
        if not known:
            session._frames = [Frame(start, flows[start].on_lost)]
            return session
        session._frames = known
        frame = known[-1]
        node = flows[frame.flow].nodes.get(frame.node)
        if frame is not frames[-1] or node is None:
            known[-1] = Frame(frame.flow, flows[frame.flow].on_lost)
        elif type(node).__name__ != kind:
            known[-1] = Frame(frame.flow, frame.node)
        else:
            session._arrived = True
        return session


def number_begun(snapshot: str) -> str | None:
    """What a caller had keyed, confirmed or not, where a number to call back was asked for; None if none was.

    `snapshot` is where the caller was lastly. Empty: nothing yet, or their own number was proposed.
    """
    frame = _number_frame(snapshot)
    return None if frame is None else str(frame["answer"])


def number_offered(snapshot: str) -> str:
    """The caller's own number, where it is read back as the one to call; empty anywhere else in the flow."""
    frame = _number_frame(snapshot)
    return str(frame["answer"]) if frame is not None and frame.get("stage") == OFFER else ""


def _number_frame(snapshot: str) -> dict[str, Any] | None:
    """Where the caller is in a node that asks for a number to call back; None in any other node."""
    try:
        data = json.loads(snapshot)
        frame = data["frames"][-1]
        return frame if data["kind"] == Number.__name__ and "answer" in frame else None
    except (KeyError, TypeError, IndexError, ValueError):
        return None
