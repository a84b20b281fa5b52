"""`sansheng qa`: plans, samples, forms and figures of quality assurance; asked of the running server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import typer

from server.commands import quality_reviews
from server.commands.output import Json, print_json, say, show
from server.commands.quality_reviews import toml
from server.commands.shared import request

app = typer.Typer(help="Quality assurance 质检: samples, scores, appeals, figures.", no_args_is_help=True)
plans = typer.Typer(help="Sampling plans.", no_args_is_help=True)
jobs = typer.Typer(help="Samples that were drawn.", no_args_is_help=True)
forms = typer.Typer(help="Scoring forms and their versions.", no_args_is_help=True)
app.add_typer(plans, name="plan")
app.add_typer(jobs, name="job")
app.add_typer(forms, name="form")
quality_reviews.register(app)

PLANS = ("name", "per_agent", "period", "seed", "risk_least", "reviewers", "drawn")
JOBS = ("job", "plan", "period", "calls", "drawn", "drawn_at", "drawn_by")
FORMS = ("name", "version", "zh", "en", "pass_mark", "questions", "digest")
STRATA = ("agent", "category", "length", "risk", "N", "n")
DRAWN = ("call", "agent", "stratum", "state", "review", "reviewer")
AGENTS = ("agent", "points", "interval", "pass_rate", "fatal_rate", "scored", "rank")

Job = Annotated[int, typer.Argument(help="The job's number, as the list shows it.", min=1)]
Period = Annotated[str | None, typer.Option(help="A day 2027-01-15, a week 2027-W02 or a month 2027-01.")]
Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]


@plans.command("add")
def plan_add(
    name: Annotated[str, typer.Argument(help="The plan's name; a plan of this name is changed.")],
    per_agent: Annotated[int | None, typer.Option(help="Calls of each agent in each period.", min=1, max=1000)] = None,
    period: Annotated[Literal["day", "week", "month"] | None, typer.Option(help="How long a period is.")] = None,
    seed: Annotated[str | None, typer.Option(help="The seed; one is made up if left out.")] = None,
    reviewer: Annotated[list[str] | None, typer.Option(help="For whom it draws; may be given again.")] = None,
    file: Annotated[Path | None, typer.Option(help="A TOML file with the other keys of a plan.")] = None,
    as_json: Json = False,
) -> None:
    """Make a sampling plan: its samples are drawn by themselves when a period is over."""
    given = {"per_agent": per_agent, "period": period, "seed": seed, "reviewers": reviewer}
    values = toml(file) if file else {}
    body = {**values, **{key: value for key, value in given.items() if value}, "name": name}
    made = request("POST", "/api/v1/qa/plans", body)
    if as_json:
        print_json(made)
    else:
        say(f"plan {made['name']}: {made['per_agent']} calls of each agent a {made['period']}, seed {made['seed']}")


@plans.command("list")
def plan_list(as_json: Json = False) -> None:
    """List the plans that draw."""
    show(request("GET", "/api/v1/qa/plans")["items"], PLANS, as_json)


@plans.command("end")
def plan_end(name: Annotated[str, typer.Argument(help="The plan's name.")]) -> None:
    """Let a plan draw no more; its samples stay."""
    request("DELETE", f"/api/v1/qa/plans/{quote(name, safe='')}")
    say(f"plan {name} draws no more")


@app.command()
def draw(
    plan: Annotated[str, typer.Argument(help="The plan's name.")],
    period: Annotated[str, typer.Option(help="A day 2027-01-15, a week 2027-W02 or a month 2027-01.")],
    as_json: Json = False,
) -> None:
    """Draw the plan's sample of a period, of the calls that are over."""
    job = request("POST", "/api/v1/qa/jobs", {"plan": plan, "period": period}, within=60.0)
    _show_job(job, as_json)


@app.command()
def redraw(job: Job, as_json: Json = False) -> None:
    """Draw a sample again of its stored frame: the same calls in the same order. Exit 1 if they are not."""
    again = request("POST", f"/api/v1/qa/jobs/{job}/redraw", within=60.0)
    if as_json:
        print_json(again)
    else:
        say(f"job {job}: the same {len(again['calls'])} calls in the same order, frame {again['frame'][:12]}…")


@jobs.command("list")
def job_list(as_json: Json = False, limit: Limit = 100, plan: str | None = None, period: Period = None) -> None:
    """List samples, newest first."""
    asked = {key: value for key, value in (("plan", plan), ("period", period)) if value}
    show(request("GET", f"/api/v1/qa/jobs?{urlencode({'limit': limit, **asked})}")["items"], JOBS, as_json)


@jobs.command("show")
def job_show(job: Job, as_json: Json = False) -> None:
    """Show a sample, and what became of each call."""
    _show_job(request("GET", f"/api/v1/qa/jobs/{job}"), as_json)


@jobs.command("frame")
def job_frame(job: Job) -> None:
    """Print the stored frame of a sample, one JSON list a line."""
    say(request("GET", f"/api/v1/qa/jobs/{job}/frame")["lines"], nl=False)


def _show_job(job: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    say(f"job {job['job']}: plan {job['plan']}, {job['period']}, seed {job['seed']}, frame {job['frame']}")
    left_out = f", {job['earlier']} were drawn before" if job["earlier"] else ""
    say(f"{len(job['calls'])} of {job['frame_calls']} calls{left_out}")
    show(job["strata"], STRATA, False)
    show(job["drawn"], DRAWN, False)


@forms.command("add")
def form_add(file: Annotated[Path, typer.Argument(help="The form's TOML file.")], as_json: Json = False) -> None:
    """Add a form, or a new version of one."""
    toml(file)
    made = request("POST", "/api/v1/qa/forms", {"toml": file.read_text(encoding="utf-8-sig")})
    if as_json:
        print_json(made)
    else:
        say(f"form {made['name']} version {made['version']}: {made['questions']} questions")


@forms.command("list")
def form_list(as_json: Json = False) -> None:
    """List every version of every form."""
    show(request("GET", "/api/v1/qa/forms")["items"], FORMS, as_json)


@forms.command("show")
def form_show(
    name: Annotated[str, typer.Argument(help="The form's name.")],
    version: Annotated[int | None, typer.Option(help="The version; the latest if left out.", min=1)] = None,
    as_json: Json = False,
) -> None:
    """Show a form: sections, questions, weights, and what a no does."""
    form = request("GET", f"/api/v1/qa/forms/{quote(name, safe='')}" + (f"?version={version}" if version else ""))
    if as_json:
        print_json(form)
        return
    say(f"form {form['name']} version {form['version']} {form['zh']} ({form['en']}): pass {form['pass_mark']:g}")
    for section in form["sections"]:
        say(f"{section['id']}  {section['zh']}  {section['en']}")
        for each in section["questions"]:
            does = " fatal" if each["fatal"] else f" cap {each['cap']:g}" if each["cap"] is not None else ""
            kind = f", {each['critical']}{does}" if each["critical"] else ""
            or_na = ' or "na"' if each["may_be_na"] else ""
            say(f"  {each['id']:<16} 0-{each['levels']}{or_na}, weight {each['weight']:g}{kind}  {each['zh']}")


@app.command()
def report(period: Period = None, plan: str | None = None, agent: str | None = None, as_json: Json = False) -> None:
    """Show the figures of a period, each with its interval; of this week if left out."""
    asked = {key: value for key, value in (("period", period), ("plan", plan), ("agent", agent)) if value}
    found = request("GET", f"/api/v1/qa/report?{urlencode(asked)}", within=60.0)
    if as_json:
        print_json(found)
        return
    say(f"{found['period']}, plan {found['plan'] or '-'}: {found['scored']} scored, {found['picked']} picked by hand")
    for name in ("mean", "points", "pass_rate", "fatal_rate"):
        say(f"  {name.replace('_', ' '):<11} {_figure(found[name])}")
    rows = [
        {
            **each,
            "points": _number(each["points"]["value"]),
            "interval": _interval(each["points"]),
            "pass_rate": _figure(each["pass_rate"]),
            "fatal_rate": _figure(each["fatal_rate"]),
            "scored": each["points"]["n"],
            "rank": each["rank"] or f"{each['best']}-{each['worst']}",
        }
        for each in found["agents"]
    ]
    show(rows, AGENTS, False)
    for form in found["agreement"]:
        for name, four in (("passed", form["passed"]), ("fatal", form["fatal"]), *form["questions"].items()):
            figures = ", ".join(f"{key} {_number(four[key]['value'])} {_interval(four[key])}" for key in four)
            say(f"agreement {form['form']} {name} (n {four['share']['n']}): {figures}")


def _figure(estimate: dict[str, Any]) -> str:
    return f"{_number(estimate['value'])} {_interval(estimate)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _interval(estimate: dict[str, Any]) -> str:
    return "[-]" if estimate["low"] is None else f"[{estimate['low']:.3g}, {estimate['high']:.3g}]"
