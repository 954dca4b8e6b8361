"""A make-believe vendor's jobs on disk: a real vendor does not forget a job because its client's machine was started again."""

from pathlib import Path
from typing import Generic, TypeVar

import msgspec

MAX_FILE_BYTES = 8 * 1024 * 1024
"""A fuller file becomes the old one, and the old one before it is forgotten."""

JobT = TypeVar("JobT", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode


class JobMemory(Generic[JobT]):
    """Jobs in two files of one line each, written when a job is accepted. Survives the process, not a power cut."""

    def __init__(self, folder: Path, vendor: str, kind: type[JobT]) -> None:
        """Use (and make) a folder; the files are named for the vendor. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{vendor}.jsonl"
        self._old_path = folder / f"{vendor}.old.jsonl"
        self._decoder = msgspec.json.Decoder(kind)

    def recall(self) -> list[JobT]:
        """Return the jobs, oldest first. A line that was cut off by a crash is left out."""
        lines = [line for path in (self._old_path, self._path) if path.exists() for line in path.read_bytes().splitlines()]
        return [job for line in lines if (job := self._job_of(line)) is not None]

    def remember(self, job: JobT) -> None:
        """Write a job down. Raises OSError."""
        if self._path.exists() and self._path.stat().st_size > MAX_FILE_BYTES:
            self._path.replace(self._old_path)
        with self._path.open("ab") as file:
            # The leading line feed ends a line that a crash may have cut off.
            file.write(b"\n" + _encode(job))

    def _job_of(self, line: bytes) -> JobT | None:
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, ValueError):
            return None
