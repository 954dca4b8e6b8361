"""The data directory as the supervisor prepares it: made, locked, with a secret and a clean run/."""

import fcntl
import os
from pathlib import Path

from modelgate.app.settings import Settings

SECRET_BYTES = 32
MAX_SOCKET_PATH_BYTES = 107  # sockaddr_un of Linux, with its ending zero
LONGEST_SOCKET_NAME = "sandbox.sock"


class CannotStart(Exception):
    """The installation cannot start; the text is one line that says why and what to do."""


def check_path(settings: Settings) -> None:
    """Raises CannotStart: no socket can have so long a path."""
    if len(os.fsencode(settings.run_path / LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES:
        raise CannotStart(f"the path {settings.data_path} is too long for Unix sockets: choose a shorter one with --data")


def prepare_directories(settings: Settings) -> None:
    """Make the directories. Raises CannotStart."""
    check_path(settings)
    try:
        for directory in (settings.data_path, settings.run_path, settings.metrics_path, settings.journal_path):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not settings.blobs:
            settings.blobs_path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"cannot write to the data directory {settings.data_path}: {error.strerror}; choose another with --data"
        ) from None


def lock_directory(settings: Settings) -> int:
    """Return the descriptor of the lock, to be kept open while the directory is in use. Raises CannotStart."""
    try:
        descriptor = os.open(settings.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"cannot write {settings.lock_path}: {error.strerror}; choose another directory with --data") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        os.close(descriptor)
        by = f" by process {holder}" if holder.isdigit() else ""
        raise CannotStart(
            f"the data directory {settings.data_path} is in use{by}: stop that server, or choose another with --data"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def is_locked(path: Path) -> bool:
    """Say whether a running server holds the lock file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def ensure_secret(settings: Settings) -> None:
    """Make the installation's secret, unless it is there; never half of one. Raises CannotStart."""
    path = settings.secret_path
    if path.exists():
        return
    draft = path.with_suffix(".new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(os.urandom(SECRET_BYTES).hex() + "\n")  # not `secrets`: it loads OpenSSL, 2 MB of the supervisor
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        raise CannotStart(f"cannot write {path}: {error.strerror}") from None


def clear_run_directory(settings: Settings) -> None:
    """Remove what an earlier server left in run/: sockets nobody listens on, counters of processes that are gone."""
    for path in (*settings.run_path.glob("*.sock"), *settings.metrics_path.iterdir(), settings.processes_path):
        path.unlink(missing_ok=True)
