"""The jobs of the make-believe Midjourney: its running places, its queue, and what a job builds on."""

import hashlib
import uuid
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from modelgate.core.clock import Clock
from modelgate.sandbox.job_shelf import JobShelf
from modelgate.sandbox.magic import Magic
from modelgate.sandbox.midjourney.checks import speed_of
from modelgate.sandbox.midjourney.jobs import SLOW_TASK_S, WORKING_S, MidjourneyJob
from modelgate.sandbox.midjourney.schema import INVALID, NOT_FOUND, QUEUE_FULL, MidjourneyRefused, Submit

MAX_JOBS = 20_000
"""The oldest jobs beyond this many are forgotten, with their files."""

MAX_RUNNING = 1_000
MAX_QUEUED = 10_000
"""Jobs that wait for one of the running ones to end; a submit beyond both is refused with code 23."""

INSTANCE = "1320098173412546560"


class MidjourneyQueue:
    """All jobs by id, with what the proxy's queue decides."""

    def __init__(self, *, clock: Clock, recalled: Iterable[MidjourneyJob], remember: Callable[[MidjourneyJob], None] | None = None) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each one that changes."""
        self._clock = clock
        self._jobs = JobShelf(recalled=recalled, remember=remember, most=MAX_JOBS)
        self._active = {job.id: job for job in self._jobs.youngest_first()}
        self._last_id = 0

    def find(self, job_id: str) -> MidjourneyJob | None:
        """Return a job, None for one that nobody knows."""
        return self._jobs.get(job_id)

    def waiting(self) -> int:
        """Return how many jobs are queued."""
        now = self._clock()
        return sum(1 for job in self._unfinished() if (job.starts_at or 0) > now)

    def cancel(self, job: MidjourneyJob) -> None:
        """End a job that is not over."""
        self._keep(replace(job, end="CANCEL", starts_at=None))

    def accept(self, asked: Submit, planned: MidjourneyJob, *, magic: Magic, speed: str) -> MidjourneyJob:
        """Take a planned job and return it as it stands. Raises MidjourneyRefused 23: the queue is full."""
        now, ends = self._clock(), sorted(job.ends_at() for job in self._unfinished())
        if len(ends) >= MAX_RUNNING + MAX_QUEUED:
            raise MidjourneyRefused(QUEUE_FULL, "the queue is full, try again later", properties={"discordInstanceId": INSTANCE})
        starts_at = None if planned.starts_at is None else ends[-MAX_RUNNING] if len(ends) >= MAX_RUNNING else now
        modes = asked.account_filter.modes if asked.account_filter else []
        mode = planned.mode if planned.id else speed_of(speed, list(modes), planned.prompt)
        job_id = planned.id or self._new_id(now)
        job = replace(
            planned,
            id=job_id,
            uuid=planned.uuid if planned.id else str(uuid.uuid4()),
            created_at=planned.created_at if planned.id else now,
            starts_at=starts_at,
            mode=mode,
            working_s=SLOW_TASK_S if magic.has("slow-task") else WORKING_S[mode],
            end="FAILURE" if magic.has("fail-task") or magic.has("blocked-answer") else "SUCCESS",
            state=asked.state or planned.state,
            notify_hook=asked.notify_hook or "",
            bot_type=asked.bot_type or "MID_JOURNEY",
            variant=planned.variant if planned.parent else int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:2]),
        )
        self._keep(job)
        return job

    def _new_id(self, now: float) -> str:
        """Return the proxy's form of id: milliseconds of the time and three digits more."""
        self._last_id = max(self._last_id + 1, int(now * 1000) * 1000)
        return str(self._last_id)

    def _keep(self, job: MidjourneyJob) -> None:
        self._active[job.id] = job
        self._jobs.put(job)

    def _unfinished(self) -> list[MidjourneyJob]:
        """Return the jobs that wait or work."""
        now = self._clock()
        found = [job for job in self._active.values() if job.starts_at is not None and job.ends_at() > now]
        self._active = {job.id: job for job in found}
        return found

    def same_upscale(self, planned: MidjourneyJob) -> MidjourneyJob | None:
        """Return the job that makes the same large picture already."""
        if planned.action != "UPSCALE" or planned.custom_id:
            return None
        same = (
            job for job in self._jobs.youngest_first() if (job.parent, job.index, job.action) == (planned.parent, planned.index, "UPSCALE")
        )
        return next((job for job in same if not job.custom_id and job.end == "SUCCESS"), None)

    def parent(self, job_id: str | None) -> MidjourneyJob:
        """Return what a job builds on. Raises MidjourneyRefused: it is missing or has not succeeded."""
        job = self._jobs.get(job_id or "")
        if job is None:
            raise MidjourneyRefused(NOT_FOUND, "the related task does not exist or has expired")
        if job.status(self._clock()) != "SUCCESS":
            raise MidjourneyRefused(INVALID, "the related task has not succeeded")
        return job
