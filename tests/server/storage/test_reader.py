"""The API reads the state and the history of a callback at one instant."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from acd.callbacks.states import PromiseState, PromiseView
from server.storage.reader import Records


def promise(state: PromiseState) -> PromiseView:
    return PromiseView(1, "138", "complaint", "", "zh", state, 1, 0.0, 0.0, 0.0, 0.0, 0, None, 0, "", "api")


async def test_the_history_of_a_callback_is_never_behind_its_state(monkeypatch) -> None:
    """The promise is broken while the records are waited for: they show the end of the attempt a moment later."""
    now = [promise(PromiseState.DIALLING)]
    position = ["1-0"]
    outcome: list[str | None] = [None]

    def follow(upto: str, within: float) -> None:
        outcome[0] = None if upto == "1-0" else "unreachable"
        now[0], position[0] = promise(PromiseState.BROKEN), "2-0"

    monkeypatch.setattr("server.storage.reader.Queries", lambda engine: SimpleNamespace(callbacks=queries))
    queries = SimpleNamespace(promise_show=lambda number, mask: {"history": [{"outcome": outcome[0]}]})
    following: Any = SimpleNamespace(wait_for=follow)
    engine: Any = SimpleNamespace(dialect=SimpleNamespace(name="sqlite"))
    records = Records(engine, following, lambda: position[0])
    registry: Any = SimpleNamespace(promise=lambda number: now[0])
    for state, ended in ((PromiseState.DIALLING, None), (PromiseState.BROKEN, "unreachable")):
        async with asyncio.timeout(5):
            shown = await records.promise(1, False, registry)
        assert shown is not None
        assert (shown["state"], shown["history"]) == (state, [{"outcome": ended}])
