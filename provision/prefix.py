"""Law: a prefix is made beside its place, seen to run there, and only then renamed into it.

A prefix holds a part's programs with all their libraries and their own loader, so it asks nothing of the machine but
the kernel, runs on every distribution of the architecture, and can be moved.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provision.packages import ProvisionError, UnfitError, unpack
from provision.parts import Part

RUBBISH = tuple(f"./usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "lintian"))


@dataclass(frozen=True, slots=True)
class Tool:
    """A part that can be started: the machine's own (`prefix` is None) or one in a private prefix."""

    part: str
    version: str
    prefix: Path | None
    programs: dict[str, Path]
    loader: tuple[str, ...] = ()
    """The prefix's own loader and its options, up to the program."""
    env: dict[str, str] = field(default_factory=dict)
    """To be set, besides the caller's own environment, where the programs run."""
    modules: Path | None = None
    """Folder of loadable modules, if the part has such."""
    data: Path | None = None
    """Folder of the part's data files (sounds, documentation), if it has such."""

    def argv(self, program: str, *args: object) -> list[str]:
        """The full command line for one of the part's programs. Raises ProvisionError when it has no such program."""
        if program not in self.programs:
            raise ProvisionError(f"{self.part} has no program {program}: it has {', '.join(sorted(self.programs))}")
        path = self.programs[program]
        rest = [str(arg) for arg in args]
        if not self.loader:
            return [str(path), *rest]
        real = real_program(path)
        return [self.loader[0], "--argv0", str(path), *self.loader[1:], str(real if real.exists() else path), *rest]


def real_program(path: Path) -> Path:
    """Where a wrapped program itself is."""
    return path.with_name(path.name + ".real")


def read_version(text: str) -> tuple[int, ...]:
    """The first dotted number in what a program says of itself, or in a package's version less its epoch."""
    found = re.search(r"(?:\b\d+:)?(\d+(?:\.\d+)*)", text)
    return tuple(int(number) for number in found[1].split(".")) if found else ()


def ask_version(argv: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[int, ...]:
    """The version a program reports; empty when it does not run. `env` is set besides the environment."""
    try:
        done = subprocess.run(
            argv, capture_output=True, timeout=30, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    # sipp answers with 99 when asked for its version.
    return read_version(done.stdout.decode(errors="replace")) if done.returncode in (0, 99) else ()


def first_folder(root: Path, patterns: Sequence[str]) -> Path | None:
    """The first folder below `root` that matches one of the patterns."""
    return next((path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_dir()), None)


def lacking(part: Part, modules: Path) -> list[str]:
    """Needed modules that are not there."""
    return [name for name in part.needs if not (modules / name).exists()]


def tool_in(part: Part, prefix: Path, version: str) -> Tool:
    """The tool in a prefix. Loader and libraries are found, not named: any architecture and layout will do."""
    modules, data = first_folder(prefix, part.modules), first_folder(prefix, part.data)
    if not part.programs:
        return Tool(part.name, version, prefix, {}, data=data)
    folders = [folder for pattern in ("usr/sbin", "usr/bin", *part.folders) for folder in sorted(prefix.glob(pattern))]
    programs = {name: folder / name for name in part.programs for folder in folders if (folder / name).exists()}
    loaders = sorted(prefix.glob("usr/lib/*/ld-linux*.so.*"))
    lost = [name for name in part.programs if name not in programs]
    if lost or not loaders:
        raise UnfitError(f"{part.name}: the packages hold no {lost[0] if lost else 'loader'}")
    libraries = f"{loaders[0].parent}:{prefix / 'usr/lib'}"
    if part.direct:
        besides = [folder for pattern in part.libraries for folder in sorted(prefix.glob(pattern))]
        env = {"LD_LIBRARY_PATH": ":".join(map(str, (*loaders[0].parents[:1], *besides)))}
        return Tool(part.name, version, prefix, programs, env=env, modules=modules, data=data)
    loader = (str(loaders[0]), "--inhibit-cache", "--library-path", libraries)
    return Tool(part.name, version, prefix, programs, loader, modules=modules, data=data)


def make_prefix(part: Part, packages: Iterable[Path], version: str, place: Path) -> Tool:
    """Unpack, finish, try, and rename to `place`. Raises UnfitError when the result does not run."""
    making = Path(tempfile.mkdtemp(prefix="making-", dir=place.parent))
    making.chmod(0o755)
    unpack(packages, making, (*RUBBISH, *part.excludes))
    tool = tool_in(part, making, version)
    drop_modules(part, tool)
    link_sounds(tool)
    for name in part.wrapped:
        wrap(tool, name)
    if part.programs:
        found = ask_version(tool.argv(part.programs[0], part.version_option), tool.env)
        if not found:
            missing = re.search(r"(\S+) => not found", libraries_of(tool, tool.programs[part.programs[0]]))
            raise UnfitError(f"{part.name} does not run" + (f": it lacks {missing[1]}" if missing else ""))
        version = ".".join(map(str, found))
    shutil.rmtree(place, ignore_errors=True)
    making.rename(place)
    return tool_in(part, place, version)


def libraries_of(tool: Tool, path: Path) -> str:
    """What the prefix's loader finds, and does not find, for a program or module."""
    argv = [*tool.loader, "--list", str(path)] if tool.loader else ["ldd", str(path)]
    listed = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **tool.env})
    return listed.stdout + listed.stderr


def drop_modules(part: Part, tool: Tool) -> None:
    """Remove modules whose libraries were left out, so that nothing tries to load them, and unwanted ones."""
    if not tool.modules:
        return
    for module in sorted(tool.modules.glob("*.so")):
        if module.name in part.unwanted or "not found" in libraries_of(tool, module):
            module.unlink()
    lost = lacking(part, tool.modules)
    if lost:
        raise UnfitError(f"{part.name}: {lost[0]} is not there or lacks a library")


def link_sounds(tool: Tool) -> None:
    """Give the English sounds the name by which they are looked up, as the package's own script would."""
    if tool.data and (sounds := sorted(tool.data.glob("sounds/en_*"))):
        (tool.data / "sounds/en").unlink(missing_ok=True)
        (tool.data / "sounds/en").symlink_to(sounds[0].name)


def wrap(tool: Tool, name: str) -> None:
    """Let other programs start `name` by its path: a script in its place hands it to the prefix's loader."""
    path = tool.programs[name]
    loader = os.path.relpath(tool.loader[0], path.parent)
    folder = os.path.dirname(loader)
    path.rename(real_program(path))
    path.write_text(
        "#!/bin/sh\n"
        'here="${0%/*}"\n'
        f'exec "$here/{loader}" --argv0 "$0" --inhibit-cache --library-path "$here/{folder}:$here/{folder}/.." '
        f'"$here/{name}.real" "$@"\n'
    )
    path.chmod(0o755)
