"""Flows as pictures, and tried step by step without a telephone, as they are or with changes that are only proposed."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from ivr import inputs, picture, verbs
from ivr.conditions import Caller
from ivr.flow import Flow
from ivr.nodes import REASONS, SubFlow
from ivr.saying import LANGUAGES
from ivr.session import Session
from server.hotline import definitions, own_prompts
from server.hotline.definition_files import FLOW, DefinitionFiles, product_text
from server.hotline.definitions import Definitions
from server.usecases.definition_trial import Change, proposed
from server.usecases.errors import Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts
from voice.prompt_store import load_manifest

_WAITS = (100.0, 280.0)
"""The wait that a caller of a tried flow hears: seconds, p50 and p90."""
_MOST_INQUIRIES = 50


@dataclass(frozen=True, slots=True)
class Trial:
    """Who calls, and how the hotline is meanwhile. `at` is UTC epoch seconds. `callback` is off, auto or on."""

    at: float
    caller: str = "13800138000"
    called: str = "400"
    language: str = "zh"
    vip: bool | None = None
    open_ticket: bool = False
    lists: tuple[str, ...] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    callback: str = "off"
    promised: bool = False
    identity: str = "unknown"


@dataclass(frozen=True, slots=True)
class Given:
    """How the last verb that waits went. `kind`: started, digits, no_input, served, not_served, recorded, promised,
    refused or finished."""

    kind: str
    digits: str = ""
    why: str = ""
    seconds: float = 0.0


class FlowActs(Acts):
    """Acts raise Forbidden."""

    def flows(self, who: Principal) -> list[dict[str, Any]]:
        """Every flow with its size and where it comes from."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        now, own = self._server.definitions, self._view.published.texts
        begins = {now.start, *now.numbers.flows()}
        return [
            {
                "name": name,
                "part": f"{FLOW}{name}",
                "nodes": len(flow.nodes),
                "begins": name in begins,
                "source": "own" if f"{FLOW}{name}" in own else "product",
                "uses": sorted({node.flow for node in flow.nodes.values() if isinstance(node, SubFlow)}),
            }
            for name, flow in sorted(now.flows.items())
        ]

    async def graph(self, who: Principal, name: str, changes: Iterable[Change] = ()) -> dict[str, Any]:
        """A flow as nodes and ways, with the texts that are said. Raises NotFound and Invalid."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        now, texts = await asyncio.to_thread(self._with, tuple(changes))
        return await asyncio.to_thread(self._graph, _flow(now, name), texts)

    def _graph(self, flow: Flow, texts: Mapping[str, str]) -> dict[str, Any]:
        part = f"{FLOW}{flow.name}"
        written = tomllib.loads(texts.get(part) or product_text(part) or "")
        tables = written.get("nodes", {})
        said = self._texts()
        return {
            "name": flow.name,
            "part": part,
            "start": flow.start,
            "keys": dict(flow.keys),
            "nodes": [
                {
                    "name": node.name,
                    "kind": str(tables.get(node.name, {}).get("kind", type(node).__name__.lower())),
                    "waits": node.waits,
                    "table": _json(tables.get(node.name, {})),
                    "prompts": [
                        {"key": list(key), "prompts": [_said(each, said) for each in prompts]}
                        for key, prompts in node.spoken()
                        if prompts
                    ],
                }
                for node in flow.nodes.values()
            ],
            "edges": [asdict(each) | {"key": list(each.key)} for each in picture.edges(flow)],
        }

    async def step(
        self, who: Principal, name: str, trial: Trial, state: str, given: Given, changes: Iterable[Change] = ()
    ) -> dict[str, Any]:
        """One step of a call that is only played: what the caller hears, and where the call is then.

        `state` is that of the step before, empty at the beginning. Raises NotFound and Invalid.
        """
        self.permissions.require(who, Act.READ_DEFINITIONS)
        now, _ = await asyncio.to_thread(self._with, tuple(changes))
        _flow(now, name)
        session = self._session(now, name, trial, state)
        said = await asyncio.to_thread(_played, session, now, trial, _input(given, state))
        texts = await asyncio.to_thread(self._texts)
        return {
            "state": session.snapshot(),
            "over": session.over or None,
            "flow": session.flow,
            "node": session.node,
            "language": session.language,
            "fields": dict(session.fields),
            "verbs": [_shown(each, texts) for each in said],
        }

    def _session(self, now: Definitions, name: str, trial: Trial, state: str) -> Session:
        number = trial.caller
        lists = frozenset(trial.lists) if trial.lists is not None else now.lists_of(number)
        vip = trial.vip if trial.vip is not None else "vip" in lists
        usual = {"language": trial.language, "dialling": now.callback.policy.rules.dialling.value, "promise": "1"}
        known = {**usual, **trial.fields}
        caller = Caller(trial.caller, trial.called, vip, 1 if trial.open_ticket else None, lists, known)
        if not state:
            return Session(now.flows, name, caller, now.calendar, trial.at)
        try:
            return Session.restore(now.flows, state, caller, now.calendar)
        except (KeyError, ValueError, TypeError) as error:
            raise Invalid("state", f"this is no state of a trial, begin again: {error}") from None

    def _with(self, changes: tuple[Change, ...]) -> tuple[Definitions, Mapping[str, str]]:
        """The definitions with these changes. Raises Invalid."""
        texts = dict(self._view.published.texts)
        if not changes:
            return self._server.definitions, texts
        texts = proposed(changes, texts).texts
        try:
            with DefinitionFiles(self._server.home).trial(texts) as folder:
                return definitions.load(folder), texts
        except ValueError as error:
            raise Invalid("definitions", str(error)) from None

    def _texts(self) -> dict[str, dict[str, str]]:
        """Language → prompt → its text; the operator's own over the product's."""
        manifest = load_manifest(own_prompts.PROMPTS)
        found = {each: {id_: manifest.text(id_, each) for id_ in manifest.ids(each)} for each in LANGUAGES}
        try:
            for prompt, texts in own_prompts.texts(self._server.home).items():
                for language, text in texts.items():
                    found[language][prompt] = text
        except ValueError:
            pass  # a check says what is wrong with the file
        return found


def _flow(now: Definitions, name: str) -> Flow:
    if name not in now.flows:
        raise NotFound(f'there is no flow "{name}": there are {", ".join(sorted(now.flows))}')
    return now.flows[name]


def _said(prompt: str, texts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {"prompt": prompt, **{language: texts[language].get(prompt) for language in LANGUAGES}}


def _input(given: Given, state: str) -> inputs.Input:
    if not state or given.kind == "started":
        return inputs.Started()
    match given.kind:
        case "digits":
            return inputs.Digits(given.digits) if given.digits else inputs.NoInput()
        case "served":
            return inputs.Served(given.seconds or 60.0)
        case "not_served":
            return inputs.NotServed(given.why or "message")
        case "recorded":
            return inputs.Recorded("trial", given.seconds or 10.0)
        case "promised":
            return inputs.Promised(given.digits, *_WAITS)
        case "refused":
            why = given.why or "invalid"
            return inputs.NumberRefused(why, why if why in REASONS else "invalid")
        case "finished":
            return inputs.Finished()
    return inputs.NoInput()


def _played(session: Session, now: Definitions, trial: Trial, given: inputs.Input) -> list[verbs.Verb]:
    """All that is said until the next verb that waits for the caller; what is asked of the server is answered."""
    said: list[verbs.Verb] = []
    for _ in range(_MOST_INQUIRIES):
        said += session.step(given, trial.at)
        if not isinstance(said[-1], verbs.Inquiry):
            break
        given = _answer(said.pop(), now, trial)
    return said


def _answer(asked: verbs.Verb, now: Definitions, trial: Trial) -> inputs.Input:
    match asked:
        case verbs.AskCallback():
            return inputs.CallbackStands(trial.callback != "off", trial.callback == "on", low=_WAITS[0], high=_WAITS[1])
        case verbs.AskPromise():
            stands = inputs.PromiseStands(1, "complaint", "", low=_WAITS[0], high=_WAITS[1])
            return stands if trial.promised else inputs.PromiseStands()
        case verbs.CheckNumber(number=number):
            found = now.callback.check(number)
            if found.reason:
                return inputs.NumberRefused(found.sentence, found.reason)
            return inputs.NumberFits(found.number)
        case verbs.CheckIdentity(digits=digits):
            return inputs.IdentityStands(trial.identity != "unknown", bool(digits) and trial.identity == "fits")
    return inputs.NoticesStand()


def _shown(verb: verbs.Verb, texts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A verb as JSON; its prompts with their texts in every language."""
    assert is_dataclass(verb)
    values = {each.name: getattr(verb, each.name) for each in fields(verb)}
    said = [_said(each, texts) for each in values.pop("prompts", ())]
    return {"kind": type(verb).__name__, "waits": isinstance(verb, verbs.Waiting), "prompts": said, **_json(values)}


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
