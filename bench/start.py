"""Processor time of a start, until calls are taken: of the server and of its Asterisk, by the second start of a home.

A start is what callers wait for after a crash, and what a standby costs. With `--beside FOLDER`, another checkout has
its turns between ours; without, the aim stands beside.

    python bench/start.py [--turns 5] [--beside FOLDER]

The last line is the median in seconds of both processes together; the ratio is ours to theirs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

from rig import TREE, Answering, RunningHotline

AIM = 3.0
"""Seconds of processor time."""
PARTS = ("server", "Asterisk")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="another checkout, with its environment in .venv")
    options = parser.parse_args()
    sides = {"ours": TREE} | ({"theirs": options.beside.resolve()} if options.beside else {})
    taken: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for turn in range(options.turns):
        for side, tree in sides.items():
            taken[side].append(_start(tree))
            parts = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in taken[side][-1].items())
            print(f"turn {turn + 1}, {side}: {parts}")
    whole = {side: median(sum(each.values()) for each in turns) for side, turns in taken.items()}
    ours, theirs = whole["ours"], whole.get("theirs", AIM)
    print(f"start: ours={ours:.2f}s theirs={theirs:.2f}s ratio={ours / theirs:.2f}")


def _start(tree: Path) -> dict[str, float]:
    """Seconds of processor time of a server that starts where one was before, and of its Asterisk."""
    with RunningHotline(Answering(), tree=tree) as hotline:
        hotline.restart()
        return {part: seconds for part, seconds in hotline.cpu().items() if part in PARTS}


if __name__ == "__main__":
    main()
