"""The make-believe Kling's jobs: what was accepted, how each stands by the clock, and which video is whose."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.kling.schema import TRY_ON, KlingOrder, KlingRefused
from modelgate.sandbox.magic import Magic

SUBMITTED_S = 0.3
PROCESSING_S = 0.9
SLOW_TASK_S = 12.0
"""A task rests in `submitted`, then in `processing`, this long; a slow one processes for `SLOW_TASK_S`."""

MAX_TASKS = 5_000
"""The oldest tasks beyond this many are forgotten, with their results."""

MAX_ACTIVE = 1_000
"""Places for work at once, apart for pictures, try-ons and videos. A request for n pictures takes n."""


class KlingTask(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its state follows from its age alone."""

    id: str
    order: KlingOrder
    created_at: float
    fails: bool
    slow: bool
    video_id: str = ""

    @property
    def working_s(self) -> float:
        """Return for how long it is `processing`."""
        return SLOW_TASK_S if self.slow else PROCESSING_S

    def state(self, now: float) -> str:
        """Return submitted, processing, succeed or failed."""
        age = now - self.created_at
        if age < SUBMITTED_S:
            return "submitted"
        if age < SUBMITTED_S + self.working_s:
            return "processing"
        return "failed" if self.fails else "succeed"

    def changed_at(self, now: float) -> float:
        """Return when the present state began."""
        begun = {"submitted": 0.0, "processing": SUBMITTED_S}.get(self.state(now), SUBMITTED_S + self.working_s)
        return self.created_at + begun


class KlingJobs:
    """The jobs of one account, the oldest first."""

    def __init__(self, *, clock: Clock, recalled: Iterable[KlingTask], remember: Callable[[KlingTask], None] | None = None) -> None:
        self._clock = clock
        self._remember = remember
        self._tasks: OrderedDict[str, KlingTask] = OrderedDict()
        self._by_external_id: dict[str, str] = {}
        self._by_video_id: dict[str, str] = {}
        for task in recalled:
            self._take(task)

    def accept(self, order: KlingOrder, *, magic: Magic) -> KlingTask:
        """Take a job. Raises KlingRefused: its external id is taken already, or there is no place."""
        if order.external_id in self._by_external_id:
            raise KlingRefused(1201, "external_task_id already exists")
        if self._active(_places(order)) + order.n > MAX_ACTIVE:
            raise KlingRefused(1303, "parallel task over resource pack limit")
        task = KlingTask(
            id=random_text(22),
            order=order,
            created_at=self._clock(),
            fails=magic.has("fail-task"),
            slow=magic.has("slow-task"),
            video_id=random_text(20) if order.is_video else "",
        )
        if self._remember is not None:
            self._remember(task)
        self._take(task)
        return task

    def find(self, asked: str, *, kind: str | None = None) -> KlingTask | None:
        """Return a job by its id or external id, None when there is none or it is of another kind."""
        task = self._tasks.get(self._by_external_id.get(asked, asked))
        return task if task is not None and kind in (None, task.order.kind) else None

    def task_of_video(self, video_id: str) -> KlingTask | None:
        """Return the job that makes a video."""
        return self._tasks.get(self._by_video_id.get(video_id, ""))

    def video(self, video_id: str) -> KlingOrder | None:
        """Return what a finished video was ordered as, None when there is none."""
        task = self.task_of_video(video_id)
        return task.order if task is not None and task.state(self._clock()) == "succeed" else None

    def youngest_first(self, kind: str) -> Iterator[KlingTask]:
        """Yield the jobs of one kind."""
        return (task for task in reversed(self._tasks.values()) if task.order.kind == kind)

    def _take(self, task: KlingTask) -> None:
        self._tasks[task.id] = task
        if task.order.external_id:
            self._by_external_id[task.order.external_id] = task.id
        if task.video_id:
            self._by_video_id[task.video_id] = task.id
        if len(self._tasks) > MAX_TASKS:
            _, oldest = self._tasks.popitem(last=False)
            self._by_external_id.pop(oldest.order.external_id, None)
            self._by_video_id.pop(oldest.video_id, None)

    def _active(self, places: str) -> int:
        """Count the places taken; the youngest tasks are last, and none works longer than a slow one."""
        now, active = self._clock(), 0
        for task in reversed(self._tasks.values()):
            if now - task.created_at > SUBMITTED_S + SLOW_TASK_S:
                break
            if _places(task.order) == places and task.state(now) in ("submitted", "processing"):
                active += task.order.n
        return active


def describe_task(task: KlingTask, *, now: float, base_url: str, parent_url: str = "") -> dict[str, Json]:
    """Return the `data` member; with a base URL the way a fetch shows it, without as a submit answers."""
    state, order = task.state(now), task.order
    info: dict[str, Json] = {"external_task_id": order.external_id}
    if order.parent:
        info["parent_video"] = {"id": order.parent, "url": parent_url}
    data: dict[str, Json] = {
        "task_id": task.id,
        "task_status": state,
        "task_info": info,
        "created_at": int(task.created_at * 1000),
        "updated_at": int(task.changed_at(now) * 1000),
    }
    if not base_url:
        return data
    data["task_status_msg"] = "The prompt asked for a failed task." if state == "failed" else ""
    if state == "succeed":
        data["final_unit_deduction"] = order.units
        data["task_result"] = _result(task, files=f"{base_url}kling/files/{task.id}")
    return data


def _result(task: KlingTask, *, files: str) -> Json:
    order = task.order
    if not order.is_video:
        return {"images": [{"index": index, "url": f"{files}-{index}.png"} for index in range(order.n)]}
    video = {"id": task.video_id, "url": f"{files}-0.mp4", "duration": f"{order.seconds:.1f}"}
    return {"videos": [video | {"watermark_url": f"{files}-1.mp4"} if order.watermark else video]}


def _places(order: KlingOrder) -> str:
    return "video" if order.is_video else "try-on" if order.kind == TRY_ON else "image"
