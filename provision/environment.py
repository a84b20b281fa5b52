"""Law: the Python environment is made once, from what the project file asks for, and again only when that changes.

    python3 -m provision.environment .venv     make it or bring it up to date
    python3 -m provision.environment --lock    write down today's versions in constraints.txt

pip works as the machine has it configured. Where Python comes without pip (a bare Debian), pip's own wheel is
provisioned. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from provision.making import ROOT, Console, Report, default_cache, exclusive, provision
from provision.packages import ProvisionError

CONSTRAINTS = ROOT / "constraints.txt"
WANTED = ".[test]"


def digest() -> str:
    """Changes with the interpreter and with what the project asks for."""
    content = sys.version.encode() + str(ROOT).encode()
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        content += path.read_bytes() if path.exists() else b""
    return hashlib.sha256(content).hexdigest()


def prepare(venv: Path, cache: Path, report: Report) -> None:
    """Make `venv` hold the project and its tests' needs. Raises ProvisionError with a sentence that says what to do."""
    stamp = venv / "sansheng.stamp"
    if is_current(stamp):
        return
    with exclusive(cache / "python", report):
        if is_current(stamp):
            return
        if not works(venv):
            report(f"making the Python environment {venv.name}")
            create(venv, cache, report)
        report("installing Python packages (a few minutes the first time)")
        pip(venv, "install", "--quiet", "--editable", WANTED, *constraints())
        stamp.write_text(digest())
        report("the Python environment is ready")


def is_current(stamp: Path) -> bool:
    """Nothing has changed since the stamp was written."""
    return stamp.exists() and stamp.read_text() == digest()


def constraints() -> list[str]:
    """pip's option that holds versions where they were last seen working."""
    return ["--constraint", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []


def works(venv: Path) -> bool:
    """The environment is there, with this interpreter's version and pip."""
    version = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        return subprocess.run([venv / "bin/python", "-c", version], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def create(venv: Path, cache: Path, report: Report) -> None:
    """An empty environment with pip."""
    bundled = importlib.util.find_spec("ensurepip") is not None
    options = ["--clear"] if bundled else ["--clear", "--without-pip"]
    made = subprocess.run([sys.executable, "-m", "venv", *options, venv], capture_output=True, text=True)
    if made.returncode:
        raise ProvisionError(f"{venv} could not be made: {(made.stderr or made.stdout).strip()}")
    if not bundled:
        wheels = provision("python3-pip-whl", cache, report).data
        wheel = next(iter(sorted(wheels.glob("pip-*.whl"))), None) if wheels else None
        if wheel is None:
            raise ProvisionError("python3-pip-whl holds no pip: install python3-venv and try again")
        # A wheel is a zip file: pip runs from its own, and installs itself.
        install = [str(venv / "bin/python"), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]
        if subprocess.run(install, stdout=sys.stderr).returncode:
            raise ProvisionError("pip could not install itself: install python3-venv and try again")


def pip(venv: Path, *args: str) -> None:
    """Run the environment's pip in the tree; what it complains of is shown."""
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    if subprocess.run([venv.absolute() / "bin/python", "-m", "pip", *args], cwd=ROOT, env=env).returncode:
        raise ProvisionError("the Python packages could not be installed: check the network, then try again")


def lock(venv: Path) -> None:
    """Write the versions that a fresh installation would get today; the file names no place they come from."""
    command = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", "--editable", WANTED]
    done = subprocess.run([venv / "bin/python", "-m", "pip", *command], cwd=ROOT, stdout=subprocess.PIPE)
    if done.returncode:
        raise ProvisionError("pip could not work out the versions: check the network, then try again")
    chosen = [entry["metadata"] for entry in json.loads(done.stdout)["install"]]
    found = {entry["name"].lower(): entry["version"] for entry in chosen if entry["name"] != "sansheng"}
    lines = [f"{name}=={version}\n" for name, version in sorted(found.items())]
    CONSTRAINTS.write_text("# Versions seen working together; `make lock` writes this anew.\n" + "".join(lines))


def main() -> int:
    """1 and one sentence on stderr when it fails."""
    parser = argparse.ArgumentParser(
        prog="python3 -m provision.environment", description="Make the Python environment."
    )
    parser.add_argument("--lock", action="store_true", help="write constraints.txt")
    parser.add_argument("venv", nargs="?", type=Path, default=ROOT / ".venv")
    options = parser.parse_args()
    try:
        if options.lock:
            lock(options.venv)
        else:
            prepare(options.venv, default_cache(), Console())
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
