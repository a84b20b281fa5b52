"""Flows over HTTP: listed, drawn, tried step by step; and every value of `hotline.toml`."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from server.usecases.definition_versions import VersionActs
from server.usecases.flows import FlowActs, Given, Trial
from server.web.api.definition_versions import ChangeIn
from server.web.api.shapes import Body, Instant, Page, Who, Word, router
from server.web.problems import answers

FlowName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$")]
Drafted = Annotated[list[ChangeIn], Field(max_length=200, description="Changes that are only proposed.")]


class SettingOut(BaseModel):
    """One value of `hotline.toml`. `path` is its key; `is_set`: it stands in the file, on `line`, else the default
    holds. A number is from `least`, or more than `above`, to `most`. `help` is the comment above it, `label` its
    Chinese name."""

    path: list[str | int]
    key: str
    kind: str
    value: Any
    default: Any
    is_set: bool
    line: int | None
    least: float | None
    most: float | None
    above: float | None
    choices: list[str]
    label: str
    help: str


class SectionOut(BaseModel):
    """One table of `hotline.toml`."""

    name: str
    label: str
    help: str
    settings: list[SettingOut]


class SettingsOut(BaseModel):
    """Every value, and the names that others go by."""

    version: int
    sections: list[SectionOut]
    skills: list[str]
    categories: list[str]
    queues: list[str]
    flows: list[str]


class SettingsIn(Body):
    """Changes on trial."""

    changes: Drafted = Field(default_factory=list)


class FlowOut(BaseModel):
    """One flow. `begins`: calls begin with it; `uses`: the flows that it goes through."""

    name: str
    part: str
    nodes: int
    begins: bool
    source: Literal["own", "product"]
    uses: list[str]


class Said(BaseModel):
    """A prompt with its texts; null where there is none in a language, or for a field that is said."""

    prompt: str
    zh: str | None
    en: str | None


class SaidAt(BaseModel):
    """Prompts that are said one after the other, and the key in the node under which they stand."""

    key: list[str | int]
    prompts: list[Said]


class NodeOut(BaseModel):
    """One node; `table` is what stands in the file."""

    name: str
    kind: str
    waits: bool
    table: dict[str, Any]
    prompts: list[SaidAt]


class EdgeOut(BaseModel):
    """One way; from `*` for the keys that count everywhere. A target is a node, @return, @hangup or @again."""

    source: str
    target: str
    key: list[str | int]
    label: str
    kind: Literal["key", "condition", "fail", "next"]


class GraphOut(BaseModel):
    """A flow as a picture."""

    name: str
    part: str
    start: str
    keys: dict[str, str]
    nodes: list[NodeOut]
    edges: list[EdgeOut]


class GraphIn(Body):
    """Changes on trial."""

    changes: Drafted = Field(default_factory=list)


class GivenIn(Body):
    """How the last verb that waits went."""

    kind: Literal[
        "started", "digits", "no_input", "served", "not_served", "recorded", "promised", "refused", "finished"
    ] = "started"
    digits: str = Field("", max_length=40, pattern=r"^[0-9*#]*$")
    why: Word = ""
    seconds: float = Field(0.0, ge=0, le=3600)


class TryIn(Body):
    """One step of a call that is only played. `state` is that of the answer before; empty: the call begins."""

    state: str = Field("", max_length=20_000)
    given: GivenIn | None = None
    caller: str = Field("13800138000", max_length=40, pattern=r"^[0-9+*# -]*$")
    called: str = Field("400", max_length=40, pattern=r"^[0-9+*# -]*$")
    language: Literal["zh", "en"] = "zh"
    vip: bool | None = Field(None, description="Left out: by the list `vip`.")
    open_ticket: bool = False
    lists: list[Word] | None = Field(None, max_length=20)
    fields: dict[Word, Word] = Field(default_factory=dict, max_length=50)
    callback: Literal["off", "auto", "on"] = "off"
    promised: bool = False
    identity: Literal["unknown", "fits", "wrong"] = "unknown"
    at: Instant | None = Field(None, description="When the call is played: the calendar follows; now if left out.")
    changes: Drafted = Field(default_factory=list)


class VerbOut(BaseModel):
    """What the hotline does. Further fields are the verb's own."""

    model_config = {"extra": "allow"}

    kind: str
    waits: bool
    prompts: list[Said]


class TriedOut(BaseModel):
    """What is heard, and where the call is then. `over` says why it has ended; null: it has not."""

    state: str
    over: str | None
    flow: str
    node: str
    language: str
    fields: dict[str, str]
    verbs: list[VerbOut]


def flow_routes(acts: FlowActs, versions: VersionActs) -> APIRouter:
    """The routes of flows and settings."""
    routes = router("definitions")

    @routes.get("/definitions/settings", response_model=SettingsOut, responses=answers(422))
    async def show_settings(who: Who) -> dict[str, Any]:
        """Every value of `hotline.toml` with its key, kind, range, default and help."""
        return await settings(who, [])

    @routes.post("/definitions/settings", response_model=SettingsOut, responses=answers(422))
    async def try_settings(who: Who, wanted: SettingsIn) -> dict[str, Any]:
        """The same with changes that are only proposed."""
        return await settings(who, wanted.changes)

    async def settings(who: Who, changes: list[ChangeIn]) -> dict[str, Any]:
        found = await versions.settings(who, [each.change() for each in changes])
        return found | {"sections": [asdict(each) for each in found["sections"]]}

    @routes.get("/flows", response_model=Page[FlowOut])
    async def list_flows(who: Who) -> dict[str, Any]:
        """Every flow."""
        return {"items": acts.flows(who)}

    @routes.get("/flows/{name}", response_model=GraphOut, responses=answers(404, 422))
    async def show_flow(who: Who, name: FlowName) -> dict[str, Any]:
        """A flow as a picture: nodes, ways and prompts."""
        return await acts.graph(who, name)

    @routes.post("/flows/{name}/graph", response_model=GraphOut, responses=answers(404, 422))
    async def draw_flow(who: Who, name: FlowName, wanted: GraphIn) -> dict[str, Any]:
        """The same with changes that are only proposed."""
        return await acts.graph(who, name, [each.change() for each in wanted.changes])

    @routes.post("/flows/{name}/try", response_model=TriedOut, responses=answers(404, 422))
    async def try_flow(who: Who, name: FlowName, wanted: TryIn) -> dict[str, Any]:
        """Play one step of a call that begins with this flow; nothing is kept on the server."""
        trial = Trial(
            at=time.time() if wanted.at is None else wanted.at.timestamp(),
            lists=None if wanted.lists is None else tuple(wanted.lists),
            **wanted.model_dump(exclude={"state", "given", "at", "changes", "lists"}),
        )
        changes = [each.change() for each in wanted.changes]
        given = Given("started") if wanted.given is None else Given(**wanted.given.model_dump())
        return await acts.step(who, name, trial, wanted.state, given, changes)

    return routes
