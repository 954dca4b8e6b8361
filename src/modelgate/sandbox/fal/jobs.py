"""The jobs of the make-believe fal: how each goes on by its age, and how it ends."""

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.fal.checks import FalRefused, VideoOrder, check_order
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.videos import make_video

QUEUED_S = 0.3
WORKING_S = 0.9
SLOW_TASK_S = 12.0
"""A job waits `QUEUED_S`, then is worked on for `WORKING_S`; a slow one for `SLOW_TASK_S`."""


class Failure(msgspec.Struct, frozen=True):
    """How a job that makes nothing ends: what its result answers. `told`: its status says so too."""

    status: int
    detail: Json
    kind: str = ""
    told: str = ""


class FalJob(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its state follows from its age alone; without an order it fails."""

    id: str
    created_at: float
    working_s: float
    order: VideoOrder | None = None
    failure: Failure | None = None
    cancelled_at: float | None = None
    webhook: str = ""

    def status(self, now: float) -> str:
        """Return IN_QUEUE, IN_PROGRESS or COMPLETED, which a failed or cancelled job is too."""
        age = now - self.created_at
        if self.cancelled_at is not None or age >= QUEUED_S + self.working_s:
            return "COMPLETED"
        return "IN_QUEUE" if age < QUEUED_S else "IN_PROGRESS"


_CANCELLED = Failure(499, "Request was cancelled", "client_cancelled", "Request was cancelled")
_BLOCKED = Failure(
    422,
    [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed because it contained material flagged by a content checker.",
            "type": "content_policy_violation",
        }
    ],
)
_FAILED = Failure(500, "The prompt asked for a failed task.", "runner_server_error", "The prompt asked for a failed task.")


def judge(path: str, body: Json, magic: Magic) -> tuple[VideoOrder | None, Failure | None]:
    """Check an order as the vendor's runner does, after the queue has taken it: what it refuses is an outcome, not an answer."""
    try:
        order = check_order(path, body)
    except FalRefused as refused:
        return None, Failure(refused.status, refused.detail, refused.kind)
    if magic.has("blocked-prompt") or magic.has("blocked-answer"):
        return order, _BLOCKED
    return order, _FAILED if magic.has("fail-task") else None


def failure_of(job: FalJob) -> Failure | None:
    """Return what a job that made nothing answers."""
    return _CANCELLED if job.cancelled_at is not None else job.failure


def film(job: FalJob) -> bytes:
    """Return the video of a job that did not fail."""
    order = job.order
    assert order is not None  # whoever asks has seen that the job did not fail
    words = read_magic("", order.prompt).text or order.prompt
    return make_video(words, width=order.width, height=order.height, seconds=order.seconds)


def log_line(job: FalJob) -> dict[str, Json]:
    """Return the one line of a job's log."""
    return {"message": "Making a video.", "level": "INFO", "source": "sandbox", "timestamp": str(int(job.created_at + QUEUED_S))}


def provoked(status: int) -> FalRefused:
    """Return the refusal that a magic word asked for."""
    match status:
        case 401:
            return FalRefused(401, "No user found for Key ID and Secret")
        case 429:
            return FalRefused(429, "Too many concurrent requests")
        case 529:
            return FalRefused(503, "Service unavailable", kind="runner_scheduling_failure")
    return FalRefused(status, "The prompt asked for this error.", kind="internal_error" if status >= 500 else "bad_request")
