"""A table of agents (CSV) is read whole: every line is an agent, or the whole table is refused with what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from customers.importing import decoded, headings, rows
from server.bounds import is_line
from server.usecases.agents import AgentWanted
from server.usecases.errors import Invalid

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "agent": ("agent", "id", "work_number", "工号"),
    "name": ("name", "姓名"),
    "skills": ("skills", "skill", "技能"),
    "teams": ("teams", "team", "班组"),
    "contact": ("contact", "电话地址"),
    "secret": ("secret", "password", "密码"),
}
MOST = 5000
"""Agents of one table."""
_LONGEST = {"name": 80, "contact": 256, "secret": 128}
_SAID = 5
"""Faults that are named; of the others the number."""
_WORK_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]{0,31}")
_SEPARATOR = re.compile(r"[;；、|\s]+")


def read_agents(data: bytes) -> list[tuple[int, AgentWanted]]:
    """(line, agent) of each line, the heading left out. Raises Invalid, which names the lines that cannot be used."""
    try:
        text, _ = decoded(data)
        lines = list(rows(text))
        meant = headings(lines[0][1], COLUMNS) if lines else []
    except ValueError as error:
        raise Invalid("agents", str(error)) from None
    if not {"agent", "name"} <= set(meant):
        raise Invalid("agents", f"line 1: name the columns agent and name, and if wanted {', '.join(COLUMNS)}")
    if not 1 < len(lines) <= MOST + 1:
        raise Invalid("agents", f"a table has from 1 to {MOST} agents, not {len(lines) - 1}")
    found: list[tuple[int, AgentWanted]] = []
    wrong: list[str] = []
    seen: dict[str, int] = {}
    for line, cells in lines[1:]:
        try:
            agent = _agent(meant, cells)
            if agent.id in seen:
                raise ValueError(f"agent {agent.id} stands in line {seen[agent.id]} too")
        except ValueError as error:
            wrong.append(f"line {line}: {error}")
            continue
        seen[agent.id] = line
        found.append((line, agent))
    refuse(wrong)
    return found


def refuse(wrong: Sequence[str]) -> None:
    """Raises Invalid if there are such sentences."""
    if wrong:
        more = f"; and {len(wrong) - _SAID} more lines" if len(wrong) > _SAID else ""
        raise Invalid("agents", "; ".join(wrong[:_SAID]) + more + ": nobody was added")


def _agent(meant: Sequence[str], cells: Sequence[str]) -> AgentWanted:
    """Raises ValueError with a sentence."""
    if len(cells) > len(meant):
        raise ValueError(f"{len(cells)} cells under {len(meant)} headings")
    texts = dict.fromkeys(COLUMNS, "") | dict(zip(meant, cells, strict=False))
    if not _WORK_NUMBER.fullmatch(texts["agent"]):
        raise ValueError(f"{texts['agent'][:40]!r} is no work number: 1 to 32 letters and digits, such as 1001")
    for name, longest in _LONGEST.items():
        if len(texts[name]) > longest or not is_line(texts[name]):
            raise ValueError(f"{name} must be one line of at most {longest} characters")
    if not texts["name"]:
        raise ValueError("the name is missing")
    if texts["contact"] and texts["secret"]:
        raise ValueError("a phone either stands at a contact or registers with a secret: give one of them")
    teams = tuple(_parts(texts["teams"]))
    return AgentWanted(
        texts["agent"], texts["name"], dict(_skills(texts["skills"])), teams, texts["contact"], texts["secret"]
    )


def _skills(text: str) -> Iterator[tuple[str, int]]:
    for each in _parts(text):
        name, _, level = each.partition(":")
        if not name or not level.isdecimal() or not 1 <= int(level) <= 10:
            raise ValueError(f"skill {each[:40]}: write NAME:LEVEL with a level from 1 to 10, such as complaint:5")
        yield name, int(level)


def _parts(text: str) -> list[str]:
    return [each for each in _SEPARATOR.split(text) if each]
