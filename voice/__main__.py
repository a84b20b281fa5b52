"""`python -m voice`: render the prompts that are missing or stale, and on request listen to them."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from ivr.manifest import stale
from tables.toml import DefinitionFault
from voice import environment, prompt_store, render


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m voice", description=__doc__)
    parser.add_argument("--all", action="store_true", help="render every prompt again")
    parser.add_argument("--fetch", action="store_true", help="fetch the voice alone, for texts of an operator (1 GB)")
    parser.add_argument("--listen", action="store_true", help="transcribe the prompts, name those hard to understand")
    parser.add_argument("--folder", type=Path, default=prompt_store.PROMPTS, help="prompts folder with a manifest.toml")
    options = parser.parse_args()
    folder = options.folder
    prepare = partial(environment.prepare, environment.cache(prompt_store.TREE), say)
    try:
        if options.fetch:
            prepare()
            say("the voice is ready")
            return 0
        manifest = prompt_store.load_manifest(folder)
        lines = list(manifest.files())
        if not options.all:
            lines = stale(manifest, prompt_store.load_record(folder), prompt_store.sums(folder))
        render.render(lines, folder, prepare, say)
        findings = prompt_store.findings(folder)
        if options.listen:
            listening = partial(prepare, listening=True)
            findings += render.listen(folder, listening, say) + render.listen_to_pieces(folder, listening, say)
    except (DefinitionFault, environment.KitError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    say(f"{len(lines)} prompts rendered, {len(list(manifest.files())) - len(lines)} were up to date")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
