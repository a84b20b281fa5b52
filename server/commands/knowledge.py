"""`sansheng knowledge`: articles, cases and scripts of the knowledge base."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.bulletins import typed
from server.commands.output import Json, fields, print_json, say, show
from server.commands.shared import request, zone

app = typer.Typer(help="The knowledge base: articles, cases, scripts.", no_args_is_help=True)

COLUMNS = ("id", "kind", "title", "queue", "category", "callback", "version", "saved_at", "saved_by", "excerpt")
KindName = Literal["article", "case", "script"]
Kind = Annotated[KindName | None, typer.Option(help="article 知识, case 案例 or script 话术.")]
Queue = Annotated[str | None, typer.Option(help="Of this queue, and those for every queue.")]
Category = Annotated[str | None, typer.Option(help="Of this category, and those for every one.")]
Callback = Annotated[bool | None, typer.Option(help="Scripts for callback mode, or those for other calls.")]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)]
Text = Annotated[str, typer.Option(help="The whole text; '-' reads it from standard input.")]
Number = Annotated[int, typer.Argument(help="The article's number.")]


@app.command("list")
def list_(
    as_json: Json = False,
    limit: Limit = 100,
    kind: Kind = None,
    queue: Queue = None,
    category: Category = None,
    callback: Callback = None,
) -> None:
    """List articles, newest first."""
    _found({"kind": kind, "queue": queue, "category": category, "callback": callback}, limit, as_json)


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Words of one and more characters; all must stand in the article.")],
    as_json: Json = False,
    limit: Limit = 20,
    kind: Kind = None,
    queue: Queue = None,
    category: Category = None,
    callback: Callback = None,
) -> None:
    """Find articles: those with the words in the title first, then the newest."""
    asked = {"q": words, "kind": kind, "queue": queue, "category": category, "callback": callback}
    _found(asked, limit, as_json)


@app.command("show")
def show_one(
    article: Number,
    version: Annotated[int | None, typer.Option(help="An earlier version.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Show one article with its text."""
    row = request("GET", f"/api/v1/knowledge/{article}" + (f"?version={version}" if version else ""))
    if as_json:
        print_json(row)
        return
    say(f"{row['kind']} {row['id']}: {row['title']}")
    for line in fields(row, ("queue", "category", "ticket", "version", "saved_at", "saved_by"), zone()):
        say(line)
    say("")
    say(row["text"])


@app.command()
def add(
    title: Annotated[str, typer.Argument(help="In one line.")],
    text: Text,
    kind: Annotated[KindName, typer.Option(help="article 知识, case 案例 or script 话术.")] = "article",
    queue: Annotated[str, typer.Option(help="For this queue alone.")] = "",
    category: Annotated[str, typer.Option(help="For this category alone.")] = "",
    callback: Annotated[bool, typer.Option(help="A script for callback mode.")] = False,
    ticket: Annotated[int | None, typer.Option(help="The ticket that a case comes from.", min=1)] = None,
) -> None:
    """Add an article."""
    body: dict[str, Any] = {"kind": kind, "title": title, "text": typed(text), "queue": queue, "category": category}
    made = request("POST", "/api/v1/knowledge", {**body, "callback": callback, "ticket": ticket})
    say(f"{made['kind']} {made['id']} is added")


@app.command()
def change(
    article: Number,
    text: Annotated[str | None, typer.Option(help="The whole text; '-' reads it from standard input.")] = None,
    title: Annotated[str | None, typer.Option(help="In one line.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the version.")] = "",
) -> None:
    """Save a new version of an article."""
    before = request("GET", f"/api/v1/knowledge/{article}")
    body = {name: before[name] for name in ("kind", "title", "text", "callback", "ticket", "version")}
    body |= {"queue": before["queue"] or "", "category": before["category"] or "", "reason": reason}
    if text is not None:
        body["text"] = typed(text)
    if title is not None:
        body["title"] = title
    done = request("PUT", f"/api/v1/knowledge/{article}", body)
    say(f"{done['kind']} {done['id']} is at version {done['version']}")


@app.command()
def remove(article: Number, reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")]) -> None:
    """Let an article be found no more."""
    done = request("DELETE", f"/api/v1/knowledge/{article}?{urlencode({'reason': reason})}")
    say(f"article {done['id']} is removed")


def _found(asked: dict[str, Any], limit: int, as_json: bool) -> None:
    given = {key: str(value).lower() if isinstance(value, bool) else value for key, value in asked.items()}
    query = urlencode({"limit": limit, **{key: value for key, value in given.items() if value is not None}})
    show(request("GET", f"/api/v1/knowledge?{query}")["items"], COLUMNS, as_json)
