"""From queued to running: mark, send once, read the answer.

The answer to a submit is one of:

1. taken: the task runs under the vendor's id.
2. refused, the caller's fault: the task fails with the vendor's reason.
3. refused, ours or the vendor's: surely not taken, the next candidate is tried.
4. never sent: the same.
5. anything else: the vendor may have taken it. The task is `unknown` and nobody submits it again.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import structlog

from modelgate.core.blobs import BlobNotFound, BlobStoreFailed
from modelgate.core.errors import Overloaded
from modelgate.core.providers import MediaOperation, UpstreamCall, VendorState
from modelgate.core.records import Task
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import MediaInput, MediaRequest, decode_request, with_inputs
from modelgate.routing.retry import parse_retry_after
from modelgate.routing.table import Candidate
from modelgate.tasks.calls import Caller, CallFailed
from modelgate.tasks.follow import Follower
from modelgate.tasks.outputs import Blobs
from modelgate.tasks.places import Places, pause_of
from modelgate.tasks.recorder import LEASE_S, MAX_DOUBLINGS, MAX_PAUSE_S, UNFINISHED_PROGRESS, Recorder, is_vendor_task, told

MAX_SUBMITTING = 64
"""Tasks that one process submits at the same time, their inputs in memory; others wait their turn."""
MAX_SUBMITS = 4
"""Candidates tried in one step."""
MAX_ATTEMPTS = 12
"""Submits in a task's life that were surely not taken; then it fails."""
FIRST_PAUSE_S = 1.0
LOOK_UP_AFTER_S = 5.0
"""The pause before an unanswered submit is looked up: a vendor needs a moment to list what it took."""
PARENT_GONE = "The vendor no longer has the work that this builds on. Nothing was charged."
UPSTREAM_REFUSED = "No upstream could take the task. Nothing was charged."
BAD_INPUTS = "The stored request cannot be read. Nothing was charged."
_UNSAYABLE = (ValueError, TypeError, LookupError, AttributeError)
"""What a vendor's pure code raises over a request that no check has refused. Nothing was sent, and trying again would change nothing."""

_log = structlog.get_logger("tasks")


class Addresses(msgspec.Struct, frozen=True):
    """Where vendors find us: the signed address of a stored file, and the address to call when a task's job changes (empty: none)."""

    of_file: Callable[[str], str]
    of_callback: Callable[[str], str]


NO_ADDRESSES = Addresses(of_file=lambda key: "", of_callback=lambda task_id: "")


class _Tried(msgspec.Struct, frozen=True):
    """What one candidate's turn came to. `settled`: nothing is left to try. `temporary`: the same may go well later."""

    task: Task
    settled: bool = False
    temporary: bool = False
    refusal: VendorState | None = None
    wait_s: float = 0.0


class Submitter:
    """Submits queued tasks."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        places: Places,
        caller: Caller,
        blobs: Blobs,
        follower: Follower,
        addresses: Addresses = NO_ADDRESSES,
    ) -> None:
        self._recorder = recorder
        self._follower = follower
        self._room = asyncio.Semaphore(MAX_SUBMITTING)
        self._addresses = addresses
        self._places = places
        self._caller = caller
        self._blobs = blobs

    async def submit(self, task: Task) -> Task:
        """Try to place a queued task; return it as it is stored then: running, unknown, failed, or queued for later."""
        async with self._room:
            return await self._placed(task)

    async def _placed(self, task: Task) -> Task:
        try:
            request = await self._request_of(task)
        except BlobStoreFailed:
            return await self._recorder.trouble(task, "inputs_unavailable", first_pause_s=FIRST_PAUSE_S)
        except (BlobNotFound, ValueError):
            return await self._recorder.fail(task, refusals.INVALID_REQUEST, BAD_INPUTS)
        tries: list[_Tried] = []
        for candidate in self._places.candidates(task)[:MAX_SUBMITS]:
            operation = self._places.operation(candidate.upstream, task.operation)
            if operation is None:
                continue
            tried = await self._try(task, candidate, operation, request)
            if tried.settled:
                return tried.task
            task = tried.task
            tries.append(tried)
        return await self._nobody_took(task, tries)

    async def _request_of(self, task: Task) -> MediaRequest:
        """Return the request with its stored inputs in memory."""
        request = decode_request(task.operation, task.request)
        inputs = [msgspec.structs.replace(item, data=await self._blobs.get(item.blob)) if item.blob else item for item in request.inputs]
        return with_inputs(request, inputs)

    def _call_of(self, request: MediaRequest, task: Task, operation: MediaOperation, model: str) -> UpstreamCall:
        """Return the call that submits a task; its inputs as bytes, or as addresses of ours where the vendor takes only those."""

        def given(item: MediaInput) -> MediaInput:
            if not item.blob:
                return item
            if operation.inputs_by_url:
                return msgspec.structs.replace(item, url=self._addresses.of_file(item.blob), blob="", data=b"")
            return msgspec.structs.replace(item, blob="")

        wanted = with_inputs(request, [given(item) for item in request.inputs])
        if operation.has_callbacks:
            return operation.encode_submit(wanted, task.id, model, callback_url=self._addresses.of_callback(task.id))
        return operation.encode_submit(wanted, task.id, model)

    async def _try(self, task: Task, candidate: Candidate, operation: MediaOperation, request: MediaRequest) -> _Tried:
        """Give one candidate its turn. What is written before the call is what a crash after it is judged by."""
        try:
            call = self._call_of(request, task, operation, candidate.upstream_model)
        except _UNSAYABLE:
            _log.exception("request_not_sayable", task=task.id, upstream=candidate.upstream.id)
            return _Tried(await self._recorder.fail(task, refusals.INVALID_REQUEST, BAD_INPUTS), settled=True)
        now = self._recorder.clock()
        marked = msgspec.structs.replace(
            task, state="submitting", upstream=candidate.upstream.id, credential=candidate.credential.id, submitted_at=now, updated_at=now
        )
        try:
            submitting = await self._recorder.store.begin_submit(
                marked, lease_until=now + LEASE_S, max_concurrent=candidate.upstream.max_concurrent
            )
        except Overloaded:
            return _Tried(task, temporary=True)
        if submitting is None:
            return _Tried(await self._recorder.current(task), settled=True)
        return await self._send(submitting, candidate, operation, call)

    async def _send(self, task: Task, candidate: Candidate, operation: MediaOperation, call: UpstreamCall) -> _Tried:
        now = self._recorder.clock()
        try:
            answer = await self._caller.call(candidate.upstream, candidate.credential, call, timeout_s=operation.submit_timeout_s)
        except CallFailed as failure:
            self._note_failure(candidate, now)
            if failure.sent:
                return _Tried(await self._wonder(task, reason=str(failure)), settled=True)
            return await self._give_back(task, _Tried(task, temporary=True), reason=str(failure))
        state = _about_parent(task, operation.parse_submit(answer.status, answer.body))
        wait_s = state.retry_after_s if state.retry_after_s is not None else parse_retry_after(answer.headers, now)
        if state.refused and state.retryable:
            self._note_failure(candidate, now, retry_after_s=wait_s, credential_fault=state.credential_fault)
            tried = _Tried(task, temporary=wait_s is not None and not state.credential_fault, refusal=state, wait_s=wait_s or 0.0)
            return await self._give_back(task, tried, reason=f"{state.error_code}: {state.error_message}")
        if state.state is not None:
            self._places.health.note_success(candidate.place)
        return _Tried(await self._settle(task, state, candidate, operation), settled=True)

    def _note_failure(
        self, candidate: Candidate, now: float, *, retry_after_s: float | None = None, credential_fault: bool = False
    ) -> None:
        if not candidate.upstream.socket:  # what one caller has the sandbox play is nothing to the next
            self._places.health.note_failure(candidate.place, now, retry_after_s=retry_after_s, credential_fault=credential_fault)

    async def _give_back(self, task: Task, tried: _Tried, *, reason: str) -> _Tried:
        """Queue a task again that was surely not taken, for the next candidate."""
        _log.warning("task_not_taken", task=task.id, upstream=task.upstream, reason=reason)
        queued = msgspec.structs.replace(task, state="queued", upstream="", credential="", submitted_at=None, attempt=task.attempt + 1)
        kept = await self._recorder.keep(queued)
        if kept is None:
            return _Tried(await self._recorder.current(task), settled=True)
        return msgspec.structs.replace(tried, task=kept)

    async def _settle(self, task: Task, state: VendorState, candidate: Candidate, operation: MediaOperation) -> Task:
        """Write down an answer after which nobody else is asked."""
        if state.refused or state.state in ("failed", "canceled"):
            return await self._recorder.fail(task, state.error_code or refusals.GENERATION_FAILED, state.error_message)
        at_once = state.state == "succeeded" and bool(state.outputs)
        if state.state is None or not (is_vendor_task(state.vendor_task) or (at_once and not state.vendor_task)):
            return await self._wonder(task, reason="the answer does not tell whether the task was taken")
        if at_once:
            return await self._finished_at_once(task, state, candidate)
        running = msgspec.structs.replace(
            told(task, state),
            state="waiting_input" if state.state == "waiting_input" else "running",
            vendor_task=state.vendor_task,
            progress=min(state.progress, UNFINISHED_PROGRESS),
            error_code="",
            poll_errors=0,
        )
        written = await self._recorder.later(running, pause_of(candidate.upstream, operation))
        if written.state in ("submitting", "unknown") and (written.upstream, written.attempt) == (task.upstream, task.attempt):
            # The answer came after our lease was over: whoever took the task on knows less than we do.
            late = msgspec.structs.replace(running, version=written.version)
            written = await self._recorder.later(late, pause_of(candidate.upstream, operation))
        return written

    async def _finished_at_once(self, task: Task, state: VendorState, candidate: Candidate) -> Task:
        """Keep what the vendor made before its files are copied: a crash between would lose what is paid there."""
        known = msgspec.structs.replace(told(task, state), state="running", vendor_task=state.vendor_task, outputs=state.outputs)
        kept = await self._recorder.keep(known)
        return await self._recorder.current(task) if kept is None else await self._follower.fetch(kept, candidate, state)

    async def _wonder(self, task: Task, *, reason: str) -> Task:
        _log.warning("task_submit_unanswered", task=task.id, upstream=task.upstream, reason=reason)
        return await self._recorder.later(msgspec.structs.replace(task, state="unknown"), LOOK_UP_AFTER_S)

    async def _nobody_took(self, task: Task, tries: Sequence[_Tried]) -> Task:
        """Wait when that can help, else fail. No candidate at all is waited for: the operator may be at work."""
        temporary = not tries or any(tried.temporary for tried in tries)
        if temporary and task.attempt < MAX_ATTEMPTS:
            waits = [tried.wait_s for tried in tries if tried.temporary]
            pause_s = min(FIRST_PAUSE_S * 2 ** min(task.attempt, MAX_DOUBLINGS), MAX_PAUSE_S)
            return await self._recorder.later(task, max(pause_s, min(waits, default=0.0)))
        refusal = next((tried.refusal for tried in reversed(tries) if tried.refusal is not None), None)
        # What a vendor says about our account there is not the caller's to read.
        return await self._recorder.fail(task, refusal.error_code if refusal else refusals.VENDOR_UNAVAILABLE, UPSTREAM_REFUSED)


def _about_parent(task: Task, state: VendorState) -> VendorState:
    """Return what a refusal means that says something is not there: of a task that builds on earlier work, that this is gone.

    It is no fault of the upstream's: who goes on asking for it does not make others wait.
    """
    if not state.refused or state.error_code != refusals.TASK_NOT_FOUND:
        return state
    if not task.pinned:
        return msgspec.structs.replace(state, error_code=refusals.VENDOR_MISCONFIGURED)
    return msgspec.structs.replace(state, retryable=False, error_code=refusals.INVALID_REQUEST, error_message=PARENT_GONE)
