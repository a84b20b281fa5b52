"""What callback mode wants done. A command is data; its docstring names the events that answer it."""

from __future__ import annotations

from dataclasses import dataclass

from acd.callbacks.states import ModeView, PromiseView
from acd.commands import Command


@dataclass(frozen=True, slots=True)
class OfferCallback(Command):
    """Tell a waiting caller, once, that a callback is possible. The call goes on waiting until the caller accepts."""

    call: int
    rule: str


@dataclass(frozen=True, slots=True)
class PlaceCall(Command):
    """The promise is due: queue a call for it. Answered by CallPlaced, or by PromisePostponed.

    Given once; after a change of leader `Callbacks.due` lists what was not answered.
    """

    promise: int


@dataclass(frozen=True, slots=True)
class StopCalling(Command):
    """End the call for this promise, waiting or ringing. Answered by AttemptEnded and CallEnded.

    After a change of leader `Callbacks.stopping` lists the calls that did not end yet.
    """

    promise: int
    call: int
    why: str


@dataclass(frozen=True, slots=True)
class CallBackAbandoned(Command):
    """A caller gave up after a long wait: promise a callback, if the number may be called.

    Given once; after a change of leader `Callbacks.given_up` lists what was not answered.
    Answered by PromiseAsked with source "abandoned", these fields, and the number in the form that is dialled.
    """

    call: int
    number: str
    queue: str
    category: str
    language: str
    queued_at: float
    priority: int
    vip: bool


@dataclass(frozen=True, slots=True)
class PromiseChanged(Command):
    """A promise changed; this is its new view. Needs no action; records and pages are made of it."""

    promise: PromiseView


@dataclass(frozen=True, slots=True)
class ModeChanged(Command):
    """The mode of a queue, or of all queues, changed; this is its new view. Needs no action."""

    mode: ModeView
