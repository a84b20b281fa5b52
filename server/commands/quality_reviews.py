"""`sansheng qa score`, `appeal`, `calibration`, `results`, `training`: what reviewers, leaders and trainers do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.output import Json, print_json, say, show
from server.commands.shared import Refused, request

appeals = typer.Typer(help="Appeals against scores.", no_args_is_help=True)
calibrations = typer.Typer(help="Rounds in which several reviewers score the same calls.", no_args_is_help=True)
results = typer.Typer(help="Results: leader, then training, then manager.", no_args_is_help=True)
trainings = typer.Typer(help="Training items.", no_args_is_help=True)

SCORES = ("id", "call", "agent", "job", "form", "reviewer", "second_reviewer", "state", "score", "passed", "fatal")
ROUNDS = ("id", "calls", "form", "version", "reviewers", "closed")
RESULTS = ("period", "team", "state")
TRAININGS = ("id", "agent", "form", "version", "question", "calls", "gate", "state")

Call = Annotated[int, typer.Argument(help="The call's number.", min=1)]
Score = Annotated[int, typer.Argument(help="The score's number, as `qa score-list` shows it.", min=1)]
Marks = Annotated[Path, typer.Option("--marks", help='A TOML file: greeting = 1, hold = "na".')]
Why = Annotated[str, typer.Option(help="Why; it is kept.")]
Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]


def register(app: typer.Typer) -> None:
    """Add these commands to `sansheng qa`."""
    app.command("score")(score)
    app.command("score-list")(score_list)
    app.command("score-show")(score_show)
    app.command("second")(second)
    app.command("pick")(pick)
    app.add_typer(appeals, name="appeal")
    app.add_typer(calibrations, name="calibration")
    app.add_typer(results, name="results")
    app.add_typer(trainings, name="training")


def toml(file: Path) -> dict[str, Any]:
    """A TOML file's values. Raises Refused with file and line."""
    from tables.toml import DefinitionFault, read

    try:
        return read(file)[0]
    except DefinitionFault as fault:
        raise Refused(str(fault)) from None


def score(
    call: Call,
    form: Annotated[str, typer.Option(help="The form's name; its latest version is used.")],
    marks: Marks,
    draft: Annotated[bool, typer.Option("--draft", help="Save the marks only.")] = False,
    as_json: Json = False,
) -> None:
    """Score a call: the first score, or the blind second one that was asked of you."""
    body = {"call": call, "form": form, "marks": toml(marks), "submit": not draft}
    _say(request("POST", "/api/v1/qa/scores", body), as_json)


def score_list(
    as_json: Json = False,
    limit: Limit = 100,
    job: int | None = None,
    call: int | None = None,
    agent: str | None = None,
    reviewer: str | None = None,
    state: Annotated[str | None, typer.Option(help="draft, submitted, second, appealed, decided")] = None,
) -> None:
    """List scores, newest first."""
    asked = {"job": job, "call": call, "agent": agent, "reviewer": reviewer, "state": state}
    show(_items("scores", limit, asked), SCORES, as_json)


def score_show(number: Score, as_json: Json = False) -> None:
    """Show one score with all that was said of it."""
    _say(request("GET", f"/api/v1/qa/scores/{number}"), as_json)


def second(
    number: Score,
    reviewer: Annotated[str, typer.Option(help="Who is to score it blind: work number or name of the token.")],
    as_json: Json = False,
) -> None:
    """Ask another reviewer for a blind second score."""
    _say(request("POST", f"/api/v1/qa/scores/{number}/second", {"reviewer": reviewer}), as_json)


def pick(call: Call, why: Why, as_json: Json = False) -> None:
    """Choose a call by hand, to be reviewed; it enters no figure."""
    made = request("POST", "/api/v1/qa/picks", {"call": call, "why": why})
    print_json(made) if as_json else say(f"call {call} of agent {made['agent']} is picked")


@appeals.command("make")
def appeal_make(
    number: Score,
    why: Why,
    question: Annotated[list[str] | None, typer.Option(help="What it is about; may be given again.")] = None,
    as_json: Json = False,
) -> None:
    """Appeal against a score, within the days that the rules give."""
    body = {"score": number, "why": why, "questions": question or []}
    _say(request("POST", "/api/v1/qa/appeals", body), as_json)


@appeals.command("decide")
def appeal_decide(number: Score, marks: Marks, why: Why, as_json: Json = False) -> None:
    """Decide an appeal by scoring the call again. The first score stays beside it."""
    body = {"marks": toml(marks), "why": why}
    _say(request("POST", f"/api/v1/qa/appeals/{number}/decide", body), as_json)


@appeals.command("list")
def appeal_list(
    as_json: Json = False,
    limit: Limit = 100,
    state: Annotated[str | None, typer.Option(help="appealed: to be decided; decided")] = None,
) -> None:
    """List scores that were appealed against, newest first."""
    show(_items("appeals", limit, {"state": state}), SCORES, as_json)


@calibrations.command("open")
def calibration_open(
    call: Annotated[list[int], typer.Option(help="A call; may be given again.")],
    form: Annotated[str, typer.Option(help="The form's name.")],
    reviewer: Annotated[list[str], typer.Option(help="A reviewer; given twice or more.")],
    as_json: Json = False,
) -> None:
    """Let several reviewers score the same calls apart."""
    _round(request("POST", "/api/v1/qa/calibrations", {"calls": call, "form": form, "reviewers": reviewer}), as_json)


@calibrations.command("score")
def calibration_score(
    number: Annotated[int, typer.Argument(help="The round's number.", min=1)],
    call: Annotated[int, typer.Option(help="The call.")],
    marks: Marks,
    as_json: Json = False,
) -> None:
    """Give your marks of one call."""
    body = {"call": call, "marks": toml(marks)}
    _round(request("POST", f"/api/v1/qa/calibrations/{number}/scores", body), as_json)


@calibrations.command("close")
def calibration_close(
    number: Annotated[int, typer.Argument(help="The round's number.", min=1)], as_json: Json = False
) -> None:
    """End a round: all marks are shown and compared."""
    _round(request("POST", f"/api/v1/qa/calibrations/{number}/close"), as_json)


@calibrations.command("show")
def calibration_show(
    number: Annotated[int, typer.Argument(help="The round's number.", min=1)], as_json: Json = False
) -> None:
    """Show a round; marks of others once it is closed."""
    _round(request("GET", f"/api/v1/qa/calibrations/{number}"), as_json)


@calibrations.command("list")
def calibration_list(as_json: Json = False, limit: Limit = 100) -> None:
    """List rounds, newest first."""
    show(_items("calibrations", limit, {}), ROUNDS, as_json)


@results.command("list")
def results_list(as_json: Json = False, period: str | None = None) -> None:
    """List where the results of teams and periods are."""
    show(request("GET", "/api/v1/qa/results" + (f"?period={period}" if period else ""))["items"], RESULTS, as_json)


@results.command("pass")
def results_pass(
    team: Annotated[str, typer.Argument(help="The team.")],
    period: Annotated[str, typer.Option(help="2027-W02, 2027-01 or 2027-01-15.")],
    step: Annotated[Literal["leader_sums_up", "training_plans", "manager_signs"], typer.Option(help="The step.")],
    note: Annotated[str, typer.Option(help="What is said with it.")] = "",
    as_json: Json = False,
) -> None:
    """Pass a team's results one step up; when the leader sums up, faults that recur become trainings."""
    body = {"team": team, "period": period, "step": step, "note": note}
    done = request("POST", "/api/v1/qa/results", body)
    if as_json:
        print_json(done)
    else:
        found = f"; trainings {' '.join(map(str, done['trainings']))}" if done["trainings"] else ""
        say(f"results of {team} in {period}: {done['state']}{found}")


@trainings.command("list")
def training_list(
    as_json: Json = False,
    limit: Limit = 100,
    agent: str | None = None,
    state: Annotated[str | None, typer.Option(help="needed, given, passed")] = None,
) -> None:
    """List training items, newest first."""
    show(_items("trainings", limit, {"agent": agent, "state": state}), TRAININGS, as_json)


@trainings.command("move")
def training_move(
    number: Annotated[int, typer.Argument(help="The training's number.", min=1)],
    step: Annotated[Literal["give", "fail", "pass"], typer.Argument(help="How it went on.")],
    note: Annotated[str, typer.Option(help="What is said with it.")] = "",
    as_json: Json = False,
) -> None:
    """Say how a training went on; a passed one gives the agent the gated skill back."""
    done = request("POST", f"/api/v1/qa/trainings/{number}/move", {"step": step, "note": note})
    print_json(done) if as_json else say(f"training {number} of agent {done['agent']} is {done['state']}")


def _items(kind: str, limit: int, asked: dict[str, Any]) -> list[dict[str, Any]]:
    given = {key: value for key, value in asked.items() if value}
    found: list[dict[str, Any]] = request("GET", f"/api/v1/qa/{kind}?{urlencode({'limit': limit, **given})}")["items"]
    return found


def _say(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    worth = "no score yet" if row["score"] is None else f"{row['score']:g}"
    passed = "" if row["passed"] is None else ", passed" if row["passed"] else ", not passed"
    say(f"score {row['id']} of call {row['call']}, agent {row['agent']}: {row['state']}, {worth}{passed}")
    for name in ("first", "second", "decision"):
        if given := row[name]:
            faults = "".join(f", {each['question']} ({each['critical']})" for each in given["faults"])
            say(f"  {name} by {given['reviewer']}: {given['score']:g} of {given['points']:g} points{faults}")
    if appeal := row["appeal"]:
        say(f"  appeal by {appeal['by']}: {appeal['why']}")


def _round(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    state = "closed" if row["closed"] else "open"
    say(f"calibration {row['id']} of calls {' '.join(map(str, row['calls']))}: {state}")
    for each in row["scores"]:
        say(f"  call {each['call']} by {each['reviewer']}: {each['score']:g}")
    for reviewer, points in ((row["compared"] or {}).get("deviations") or {}).items():
        say(f"  {reviewer}: {'-' if points is None else f'{points:+.1f}'} points from the median")
