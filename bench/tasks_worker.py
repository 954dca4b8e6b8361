"""`modelgate worker`, with its polls five seconds apart and each one's lateness written down: `python -m bench.tasks_worker OUT`.

Late is a poll by the time from when its task was due until its call is handed to the transport.
"""

import contextvars
import json
import os
import signal
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelgate.app import worker
from modelgate.app.settings import load_settings
from modelgate.core.providers import Provider
from modelgate.core.records import Task
from modelgate.providers import load_providers
from modelgate.tasks import places
from modelgate.tasks.follow import Follower
from modelgate.transport.client import Transport

INTERVAL_S = 5.0

_due: contextvars.ContextVar[float] = contextvars.ContextVar("due")
_late = array("d")


def paced_providers() -> dict[str, Provider]:
    """Return the providers, all of whose polls are so far apart, also those of the sandbox, which is asked more often otherwise."""
    places.SANDBOX_PAUSE_S = INTERVAL_S
    return {
        name: msgspec.structs.replace(
            provider,
            media={key: msgspec.structs.replace(operation, poll_interval_s=INTERVAL_S) for key, operation in provider.media.items()},
        )
        for name, provider in load_providers().items()
    }


def watch() -> None:
    """Note for every poll how late it is."""
    poll, poll_many, send = Follower.poll, Follower.poll_many, Transport.send

    async def watched_poll(self: Follower, task: Task) -> Task:
        _due.set(task.due_at)
        return await poll(self, task)

    async def watched_poll_many(self: Follower, tasks: Sequence[Task]) -> None:
        _due.set(min(task.due_at for task in tasks))
        await poll_many(self, tasks)

    async def watched_send(self: Transport, *args: Any, **kwargs: Any) -> Any:
        _late.append(time.time() - _due.get())
        return await send(self, *args, **kwargs)

    Follower.poll, Follower.poll_many, Transport.send = watched_poll, watched_poll_many, watched_send  # type: ignore[method-assign]


def main(out: Path) -> None:
    """Work until SIGTERM; SIGUSR1 begins the count anew, and the end writes it down."""
    watch()
    worker.load_providers = paced_providers  # type: ignore[attr-defined]
    signal.signal(signal.SIGUSR1, lambda *_: _late.__delitem__(slice(None)))
    try:
        worker.main(load_settings({}, os.environ))
    finally:
        late = sorted(_late)
        told = (
            {"calls": len(late), "worst_s": late[-1], "p99_s": late[int(len(late) * 0.99)], "p50_s": late[len(late) // 2]} if late else {}
        )
        out.write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
