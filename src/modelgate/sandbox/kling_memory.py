"""The make-believe Kling's jobs on disk: a real vendor does not forget a job because its client's machine was started again."""

from pathlib import Path

import msgspec

from modelgate.sandbox.kling import KlingTask

MAX_FILE_BYTES = 8 * 1024 * 1024
"""A fuller file becomes the old one, and the old one before it is forgotten."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(KlingTask).decode


class KlingMemory:
    """Jobs in two files of one line each, written when a job is accepted. Survives the process, not a power cut."""

    def __init__(self, folder: Path) -> None:
        """Use (and make) a folder. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / "kling.jsonl"
        self._old_path = folder / "kling.old.jsonl"

    def recall(self) -> list[KlingTask]:
        """Return the jobs, oldest first. A line that was cut off by a crash is left out."""
        lines = [line for path in (self._old_path, self._path) if path.exists() for line in path.read_bytes().splitlines()]
        return [task for line in lines if (task := _task_of(line)) is not None]

    def remember(self, task: KlingTask) -> None:
        """Write a job down. Raises OSError."""
        if self._path.exists() and self._path.stat().st_size > MAX_FILE_BYTES:
            self._path.replace(self._old_path)
        with self._path.open("ab") as file:
            # The leading line feed ends a line that a crash may have cut off.
            file.write(b"\n" + _encode(task))


def _task_of(line: bytes) -> KlingTask | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, ValueError):
        return None
