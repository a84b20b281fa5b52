"""A day as a picture: service level by interval for each policy with its confidence band, above the calls that came.

SVG, written by hand: no plotting library is needed to draw a few lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from simulation.runs import Result
from simulation.scenario import Scenario

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP, FOOT = 920, 520, 64, 20, 64, 36, 46
UPPER = 270
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#b45309", "#0f766e", "#be123c", "#475569")


def svg(scenario: Scenario, results: Sequence[Result]) -> str:
    """The picture of these results."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
            ' font-size="12" fill="#1f2937">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="16">{escape(scenario.name)}</text>',
            *_legend(results),
            *_levels(scenario, results),
            *_calls(scenario),
            *_hours(scenario),
            "</svg>",
            "",
        ]
    )


def _x(scenario: Scenario, at: float) -> float:
    return LEFT + (at - scenario.start) / (scenario.end - scenario.start) * (WIDTH - LEFT - RIGHT)


def _middle(scenario: Scenario, interval: int) -> float:
    return _x(scenario, sum(scenario.bounds(interval)) / 2)


def _legend(results: Sequence[Result]) -> list[str]:
    lines, x = [], LEFT
    for index, result in enumerate(results):
        name = result.policy.rpartition("/")[2]
        lines.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{_colour(index)}"/>')
        lines.append(f'<text x="{x + 17}" y="46">{escape(name)}</text>')
        x += 40 + 7 * len(name)
    return lines


def _levels(scenario: Scenario, results: Sequence[Result]) -> list[str]:
    def y(share: float) -> float:
        return TOP + (1 - min(1.0, max(0.0, share))) * UPPER

    level = scenario.service_level
    lines = []
    for tenth in range(0, 11, 2):
        at = y(tenth / 10)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#e5e7eb"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tenth * 10} %</text>')
    at = y(level.share)
    lines.append(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#6b7280" stroke-dasharray="5 4"/>'
    )
    lines.append(
        f'<text x="{WIDTH - RIGHT}" y="{at - 5:.1f}" text-anchor="end" fill="#6b7280">answered within'
        f" {level.within:g} s: {100 * level.share:g} %</text>"
    )
    for index, result in enumerate(results):
        known = [(_middle(scenario, i), each) for i, each in enumerate(result.levels) if each.runs]
        half = [each.half if each.half == each.half else 0.0 for _, each in known]
        upper = [f"{x:.1f},{y(each.mean + h):.1f}" for (x, each), h in zip(known, half, strict=True)]
        lower = [f"{x:.1f},{y(each.mean - h):.1f}" for (x, each), h in zip(known, half, strict=True)]
        middle = " ".join(f"{x:.1f},{y(each.mean):.1f}" for x, each in known)
        lines.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{_colour(index)}" opacity="0.15"/>')
        lines.append(f'<polyline points="{middle}" fill="none" stroke="{_colour(index)}" stroke-width="2"/>')
    return lines


def _calls(scenario: Scenario) -> list[str]:
    rates = [sum(scenario.rate(each, index) for each in scenario.calls) for index in range(scenario.intervals)]
    base, most = HEIGHT - FOOT, max([*rates, 1.0])
    height = base - TOP - UPPER - GAP
    lines = [
        f'<text x="{LEFT}" y="{TOP + UPPER + GAP - 8}">calls an hour (at most {most:g})</text>',
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}" stroke="#9ca3af"/>',
    ]
    for index, rate in enumerate(rates):
        since, until = (_x(scenario, at) for at in scenario.bounds(index))
        tall = rate / most * height
        lines.append(
            f'<rect x="{since + 1:.1f}" y="{base - tall:.1f}" width="{max(0.5, until - since - 2):.1f}"'
            f' height="{tall:.1f}" fill="#cbd5e1"/>'
        )
    return lines


def _hours(scenario: Scenario) -> list[str]:
    step = 3600.0 if scenario.end - scenario.start <= 14 * 3600 else 7200.0
    lines, at = [], scenario.start
    while at <= scenario.end:
        clock = f"{int(at // 3600):02}:{int(at % 3600 // 60):02}"
        lines.append(f'<text x="{_x(scenario, at):.1f}" y="{HEIGHT - FOOT + 18}" text-anchor="middle">{clock}</text>')
        at += step
    return lines


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]
