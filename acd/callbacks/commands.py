"""What callback mode wants done. Commands are data; each says by which event it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from acd.callbacks.states import ModeView, PromiseView
from acd.commands import Command


@dataclass(frozen=True, slots=True)
class OfferCallback(Command):
    """Tell a waiting caller, once, that they may be called back instead. They wait on until they accept."""

    call: int
    rule: str


@dataclass(frozen=True, slots=True)
class PlaceCall(Command):
    """The promise is due: let a call stand in line for it. Answered by CallPlaced, or by PromisePostponed.

    Given once; after a change of leader `Callbacks.due` tells what was not answered.
    """

    promise: int


@dataclass(frozen=True, slots=True)
class StopCalling(Command):
    """The call for this promise is to end, in line or ringing. Answered by AttemptEnded and CallEnded.

    After a change of leader `Callbacks.stopping` tells which calls did not end yet.
    """

    promise: int
    call: int
    why: str


@dataclass(frozen=True, slots=True)
class CallBackAbandoned(Command):
    """A caller gave up after a long wait: promise them a call, if the number may be called at all.

    Given once; after a change of leader `Callbacks.given_up` tells what was not answered.
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
    """The promise is like this from now on. Needs no action; records and pages are made of it."""

    promise: PromiseView


@dataclass(frozen=True, slots=True)
class ModeChanged(Command):
    """The mode of a queue, or of all, is like this from now on. Needs no action."""

    mode: ModeView
