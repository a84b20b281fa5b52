"""`sansheng demo`: the hotline for a person without a phone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from server.commands.demo_agent import agent_there, host, how_to_listen, recorded, signs_in
from server.commands.output import say
from server.commands.records import described
from server.commands.shared import Refused, queries, settings, zone

if TYPE_CHECKING:
    from ivr.inputs import NumberFits, NumberRefused
    from server.commands.call_story import Script
    from server.hotline.definitions import Definitions

app = typer.Typer(help="Try the hotline without a phone.", no_args_is_help=True)
_WAITS = (100.0, 280.0)
"""The wait that a caller of the tried flow hears: seconds, p50 and p90."""


@app.command()
def call(
    digits: Annotated[str, typer.Option(help="What the caller presses, such as 14 for attitude.")] = "14",
    talk: Annotated[float, typer.Option(help="Seconds of conversation.", min=1, max=600)] = 3.0,
    satisfaction: Annotated[Literal["1", "2", "3", "4", "5"], typer.Option(help="The caller's mark.")] = "5",
) -> None:
    """Play a caller and an agent over real SIP, and print each step."""
    if not digits or set(digits) - set("0123456789*#"):
        raise Refused(f"--digits {digits}: write keys of a telephone, such as 14")
    import asyncio

    from server.commands.call_story import Script

    asyncio.run(_call(Script(digits=digits, talk=talk, satisfaction=satisfaction)))


async def _call(script: Script) -> None:
    import asyncio

    from server.commands.call_story import StoryEnded, tell

    here = settings()
    before = await asyncio.to_thread(_last_call) if (here.root / "records.db").exists() or here.database_url else 0
    async with agent_there(_definitions()) as agent:
        await signs_in(agent)
        try:
            await tell(script, agent, host(here), here.sip_port, say)
        except StoryEnded as error:
            raise Refused(f"the demo call stopped: {error}") from None
    found = await asyncio.to_thread(recorded, script.caller, before)
    say("")
    for line in described(found, zone()):
        say(line)
    say(f"\n{how_to_listen(found)}")


@app.command()
def callback(
    talk: Annotated[float, typer.Option(help="Seconds of conversation; kept_after at least.", min=1, max=600)] = 3.0,
    satisfaction: Annotated[Literal["1", "2", "3", "4", "5"], typer.Option(help="The customer's mark.")] = "5",
) -> None:
    """Play a caller who leaves a number, and an agent who calls back, over real SIP. Needs SANSHENG_TRUNK."""
    import asyncio

    from server.commands.demo_callback import run

    asyncio.run(run(_definitions(), talk, satisfaction))


@app.command()
def load(
    calls: Annotated[int, typer.Option(help="How many callers call.", min=1, max=500)] = 40,
    agents: Annotated[int, typer.Option(help="How many agents take calls.", min=1, max=40)] = 8,
    at_once: Annotated[int, typer.Option(help="How many calls at once, at most.", min=1, max=24)] = 12,
    every: Annotated[float, typer.Option(help="Seconds between two callers, on average.", min=0.1, max=60)] = 2.0,
    talk: Annotated[float, typer.Option(help="Seconds of a conversation, on average.", min=2, max=120)] = 8.0,
    longest: Annotated[float, typer.Option(help="Seconds after which it ends.", min=10, max=3600)] = 900.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same callers.")] = 1,
) -> None:
    """Move the floor: callers and agents over real SIP on this machine. The agents are removed at the end."""
    import asyncio

    from server.commands.demo_load import Load, run

    wanted = Load(calls=calls, agents=agents, at_once=at_once, every=every, talk=talk, longest=longest, seed=seed)
    asyncio.run(run(_definitions(), wanted))


def _last_call() -> int:
    with queries() as records:
        newest = records.call_list(limit=1).items
    return int(newest[0]["id"]) if newest else 0


def _definitions() -> Definitions:
    from server.hotline import definitions
    from tables.toml import DefinitionFault

    try:
        return definitions.load(settings().root)
    except DefinitionFault as error:
        raise Refused(f"{error}; see `sansheng check`") from None


@app.command()
def ivr(
    caller: Annotated[str, typer.Option(help="The caller's number.")] = "13800138000",
    language: Annotated[Literal["zh", "en"], typer.Option(help="The language that the call begins in.")] = "zh",
    flow: Annotated[str, typer.Option(help="The flow to begin with; the hotline's own if left out.")] = "",
    callback: Annotated[
        Literal["off", "auto", "on"], typer.Option(help="Callback mode: off, on by itself, or forced on.")
    ] = "off",
    promised: Annotated[bool, typer.Option("--promised", help="The caller has a promised callback.")] = False,
) -> None:
    """Walk through the flow in the terminal: prompts are shown, keys are typed, Ctrl-D hangs up."""
    from ivr.conditions import Caller
    from ivr.inputs import CallbackStands, PromiseStands
    from ivr.session import Session
    from ivr.tryout import ServerAnswers
    from ivr.tryout import run as try_flow
    from server.hotline.definitions import PROMPTS
    from voice.prompt_store import load_manifest

    loaded = _definitions()
    if flow and flow not in loaded.flows:
        raise Refused(f'there is no flow "{flow}": there are {", ".join(sorted(loaded.flows))}')
    manifest = load_manifest(PROMPTS)
    fields = {"language": language, "dialling": loaded.callback.policy.rules.dialling.value, "promise": "1"}
    vip, lists = loaded.is_vip(caller), loaded.lists_of(caller)
    who = Caller(number=caller, called="400", vip=vip, lists=lists, fields=fields)
    session = Session(loaded.flows, flow or loaded.start, who, loaded.calendar, time.time())
    texts = {each: {id_: manifest.text(id_, each) for id_ in manifest.ids(each)} for each in ("zh", "en")}
    answers = ServerAnswers(
        CallbackStands(callback != "off", callback == "on", low=_WAITS[0], high=_WAITS[1]),
        PromiseStands(1, "complaint", "", low=_WAITS[0], high=_WAITS[1]) if promised else PromiseStands(),
        lambda number: _checked(loaded, number),
    )
    try_flow(session, _typed, say, texts=texts, clock=time.time, answers=answers)


def _checked(loaded: Definitions, number: str) -> NumberFits | NumberRefused:
    from ivr.inputs import NumberFits, NumberRefused

    found = loaded.callback.check(number)
    return NumberRefused(found.sentence, found.reason) if found.reason else NumberFits(found.number)


def _typed(question: str) -> str | None:
    try:
        return input(question)
    except (EOFError, KeyboardInterrupt):
        say("\n  · the caller hangs up")
        return None
