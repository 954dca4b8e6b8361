"""A task watched from afar: server-sent events, from now to its end."""

import asyncio
from collections.abc import Awaitable, Callable

from modelgate.core.clock import Clock
from modelgate.core.http import BodySink
from modelgate.core.records import Task
from modelgate.formats.sse import render_event

LOOK_S = 0.5
"""How often a task is looked at: other processes may move it, so nobody calls."""
KEEP_ALIVE_S = 15.0
MAX_WATCHERS = 1_000
"""Streams of one process."""
KEEP_ALIVE = b": still here\n\n"


class TaskEvents:
    """A `BodySource` that tells each change of one task, and ends with it."""

    def __init__(
        self,
        task: Task,
        *,
        look: Callable[[str], Awaitable[Task | None]],
        encode: Callable[[Task], bytes],
        clock: Clock,
        on_end: Callable[[], None],
    ) -> None:
        """`look` returns the task as it is now; `encode` makes the JSON of an event; `on_end` is called once, however it ends."""
        self._task = task
        self._look = look
        self._encode = encode
        self._clock = clock
        self._on_end = on_end
        self._pump: asyncio.Task[None] | None = None

    def start(self, sink: BodySink) -> None:
        """Begin to tell."""
        self._pump = asyncio.get_running_loop().create_task(self._tell(sink))
        self._pump.add_done_callback(lambda _: self._on_end())

    def pause(self) -> None:
        """Events are few and small: the sink's bounds hold them."""

    def resume(self) -> None:
        """See `pause`."""

    def abort(self) -> None:
        """Stop: the watcher has left."""
        if self._pump is None:
            self._on_end()
        else:
            self._pump.cancel()

    async def _tell(self, sink: BodySink) -> None:
        task, told, said_at = self._task, "", 0.0
        try:
            while True:
                shown = f"{task.state} {task.progress} {len(task.outputs)}"
                if shown != told:
                    sink.write(render_event(self._encode(task), event=b"task"))
                    told, said_at = shown, self._clock()
                elif self._clock() - said_at >= KEEP_ALIVE_S:
                    sink.write(KEEP_ALIVE)
                    said_at = self._clock()
                if task.finished_at is not None:
                    sink.end()
                    return
                await asyncio.sleep(LOOK_S)
                task = await self._look(task.id) or task
        except Exception as error:  # noqa: BLE001  # whatever the store says, the watcher must see a cut and not silence
            sink.fail(error)
