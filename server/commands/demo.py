"""`sansheng demo`: the hotline for someone without a phone."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from ivr.conditions import Caller
from ivr.session import Session
from ivr.tryout import run as try_flow
from server import definitions
from server.commands.records import described
from server.commands.shared import Refused, console, queries, request, settings
from server.definitions import PROMPTS
from server.demo.softphone import Phone
from server.demo.story import Script, StoryEnded, tell
from server.toml import DefinitionFault
from server.voice.shelf import load_manifest

app = typer.Typer(help="Try the hotline without a phone.", no_args_is_help=True)
_AGENT = "9001"
_RECORDS = 15.0


@app.command()
def call(
    digits: Annotated[str, typer.Option(help="What the caller presses.")] = "14",
    talk: Annotated[float, typer.Option(help="Seconds of conversation.")] = 3.0,
) -> None:
    """Play a caller and an agent over real SIP, and tell step by step what happened."""
    asyncio.run(_call(Script(digits=digits, talk=talk)))


async def _call(script: Script) -> None:
    here = settings()
    before = _last_call()
    async with Phone(_AGENT, "127.0.0.1", here.sip_port) as agent:
        body = {
            "id": _AGENT,
            "name": "Demo agent",
            "skills": {"complaint": 10, "attitude": 10, "inquiry": 10},
            "contact": agent.contact,
        }
        await asyncio.to_thread(request, "PUT", f"/api/v1/agents/{_AGENT}", body)
        await asyncio.to_thread(request, "POST", f"/api/v1/agents/{_AGENT}/status", {"status": "available"})
        try:
            await tell(script, agent, "127.0.0.1", here.sip_port, lambda line: console.print(line, highlight=False))
        except StoryEnded as error:
            raise Refused(f"the demo call stopped: {error}") from None
        finally:
            await asyncio.to_thread(request, "DELETE", f"/api/v1/agents/{_AGENT}")
    await _show(before)


async def _show(before: int) -> None:
    """The records of the call, as soon as its recording is joined."""
    deadline = time.monotonic() + _RECORDS
    while True:
        page = queries().call_list(limit=1)
        if page.items and page.items[0]["id"] > before and page.items[0]["recordings"]:
            break
        if time.monotonic() > deadline:
            raise Refused("the call is over, but its recording is not in the records: see `sansheng doctor`")
        await asyncio.sleep(0.2)
    number = page.items[0]["id"]
    found = queries().call_show(number)
    assert found is not None
    console.print("", *described(found), sep="\n", markup=False, highlight=False)
    recording = found["recordings"][-1]
    console.print(f"\nlisten: sansheng recording pull {recording} --to call-{number}.wav", highlight=False)


def _last_call() -> int:
    page = queries().call_list(limit=1)
    return int(page.items[0]["id"]) if page.items else 0


@app.command()
def ivr(
    caller: Annotated[str, typer.Option(help="The caller's number.")] = "13800138000",
) -> None:
    """Walk through the flow in the terminal: prompts are shown, digits are typed."""
    try:
        loaded = definitions.load(settings().root)
    except DefinitionFault as error:
        raise Refused(str(error)) from None
    manifest = load_manifest(PROMPTS)
    who = Caller(number=caller, called="400", vip=loaded.is_vip(caller), lists=loaded.lists_of(caller))
    session = Session(loaded.flows, loaded.start, who, loaded.calendar, time.time())
    texts = {each: {id_: manifest.text(id_, each) for id_ in manifest.ids(each)} for each in ("zh", "en")}
    try_flow(session, _typed, lambda line: console.print(line, markup=False), texts=texts, clock=time.time)


def _typed(question: str) -> str | None:
    try:
        return input(question)
    except EOFError:
        return None
