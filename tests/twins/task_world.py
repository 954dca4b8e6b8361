"""A world for tasks: the memory twin of the store, a vendor that takes jobs and may lose its answers, and a clock."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import MediaOperation, UpstreamCall, VendorState
from modelgate.core.records import Credential, Task, TaskOutput, Upstream
from modelgate.formats.media.requests import ImageRequest, encode_request
from modelgate.routing.health import Health
from modelgate.routing.table import Candidate, candidate_at
from modelgate.tasks.advance import Mover
from modelgate.tasks.calls import CallAnswer, CallFailed
from modelgate.tasks.outputs import OutputCopier
from modelgate.tasks.recorder import LEASE_S, Recorder

_spec = importlib.util.spec_from_file_location("task_store_twin", Path(__file__).with_name("task_store.py"))
assert _spec is not None
assert _spec.loader is not None
_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_twin)

PICTURE = b"\x89PNG\r\n\x1a\n" + b"picture"
START = 1_000_000.0
AMOUNT_NANOS = 700
BALANCE_NANOS = 1_000_000


class Killed(BaseException):
    """The process ends here."""


def upstream(name: str, *, max_concurrent: int = 0) -> Upstream:
    return Upstream(
        id=f"up_{name}",
        name=name,
        provider="acme",
        base_url=f"http://{name}.example",
        book="test",
        credentials=(Credential(id=f"cred_{name}", secret="s"),),
        max_concurrent=max_concurrent,
    )


class Vendor:
    """Speaks VendorState as JSON. `submits` and `polls` are what it does with the next calls; when used up it takes and succeeds.

    A submit: `take`, `refuse`, `busy`, `reject`, `unsent`, `lose` (takes, answer lost), `drop` (does not take, answer lost),
    `garble` (takes, answer unreadable). A poll: a VendorState, `drop`, or a number (HTTP status of trouble).
    """

    def __init__(self) -> None:
        self.submits: list[str] = []
        self.polls: list[VendorState | str | int] = []
        self.jobs: dict[str, str] = {}
        self.taken: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.hides = False
        self.at_point: Callable[[str], None] = lambda point: None
        self.pause: Callable[[], Any] | None = None
        self.headers = HeaderBlock()

    async def call(self, upstream: Upstream, credential: Credential, call: UpstreamCall, *, timeout_s: float = 60.0) -> CallAnswer:
        self.calls.append(f"{upstream.name} {call.method} {call.path}")
        self.at_point("before call")
        if self.pause is not None:
            await self.pause()
        state = self._submit(upstream, call.body.decode()) if call.method == "POST" else self._poll(call.path.removeprefix("/"))
        if self.pause is not None:
            await self.pause()
        self.at_point("after call")
        status = state if isinstance(state, int) else 200
        return CallAnswer(status, self.headers, b"?" if isinstance(state, int) else msgspec.json.encode(state))

    def _submit(self, upstream: Upstream, task_id: str) -> VendorState | int:
        what = self.submits.pop(0) if self.submits else "take"
        if what in ("take", "lose", "garble"):
            self.jobs[task_id] = f"job-{len(self.taken)}"
            self.taken.append((task_id, upstream.name))
        if what == "unsent":
            raise CallFailed("refused", sent=False)
        if what in ("lose", "drop"):
            raise CallFailed("cut", sent=True)
        answers: dict[str, VendorState | int] = {
            "take": VendorState(state="running", vendor_task=self.jobs.get(task_id, ""), progress=10),
            "refuse": VendorState(refused=True, retryable=True, error_code="vendor_balance", error_message="our account is empty"),
            "busy": VendorState(refused=True, retryable=True, error_code="rate_limited", retry_after_s=30.0),
            "reject": VendorState(refused=True, error_code="content_refused", error_message="not that"),
            "garble": 502,
        }
        return answers[what]

    def _poll(self, name: str) -> VendorState | int:
        job = name if name in self.jobs.values() else self.jobs.get(name)
        if job is None or self.hides:
            return VendorState(refused=True, error_code="task_not_found")
        what = self.polls.pop(0) if self.polls else succeeded(job)
        if isinstance(what, str):
            raise CallFailed("cut", sent=True)
        return msgspec.structs.replace(what, vendor_task=job) if isinstance(what, VendorState) else what


def succeeded(job: str = "") -> VendorState:
    return VendorState(state="succeeded", vendor_task=job, outputs=(TaskOutput(kind="image", url="http://files.example/a.png"),))


def parse(status: int, body: bytes) -> VendorState:
    return msgspec.json.decode(body, type=VendorState) if status == 200 else VendorState()


OPERATION = MediaOperation(
    encode_submit=lambda request, task_id, model: UpstreamCall(method="POST", path="/jobs", body=task_id.encode()),
    parse_submit=parse,
    encode_poll=lambda vendor_task: UpstreamCall(method="GET", path=f"/{vendor_task}"),
    parse_poll=parse,
    encode_lookup=lambda task_id: UpstreamCall(method="GET", path=f"/{task_id}"),
    parse_lookup=parse,
)


class Fetched(msgspec.Struct):
    body: bytes


class World:
    """Everything that outlives a process, and `life()` for one process's mover."""

    def __init__(self, *, name: str = "task_0123456789", store: Any = None) -> None:
        self.name = name
        self.now = START
        self.vendor = Vendor()
        self.upstreams = [upstream("first"), upstream("second")]
        self.operation = OPERATION
        self.health = Health()
        self.store = store or _twin.MemoryTaskStore(balance_nanos=BALANCE_NANOS)
        self.blobs: dict[str, bytes] = {}
        self.fetches: list[bytes | Exception] = []
        self.at_point: Callable[[str], None] = lambda point: None

    # what the mover asks for

    def clock(self) -> float:
        return self.now

    def candidates(self, task: Task) -> Sequence[Candidate]:
        found = [candidate_at(up, up.credentials[0], task.model) for up in self.upstreams]
        return [candidate for candidate in found if not self.health.refused_until(candidate.place, self.now)]

    def holder(self, task: Task) -> Candidate | None:
        return next((candidate_at(up, up.credentials[0], task.model) for up in self.upstreams if up.id == task.upstream), None)

    def operation_of(self, upstream: Upstream, name: str) -> MediaOperation | None:
        return self.operation if name == "image" else None

    async def put(self, key: str, data: bytes) -> None:
        self.at_point("before put")
        self.blobs[key] = data
        self.at_point("after put")

    async def get(self, key: str) -> bytes:
        return self.blobs[key]

    async def fetch(self, url: str, **_: object) -> Fetched:
        what = self.fetches.pop(0) if self.fetches else PICTURE
        if isinstance(what, Exception):
            raise what
        return Fetched(what)

    # one process

    def life(self, store: Any = None) -> Mover:
        class Places:
            health = self.health
            candidates = staticmethod(self.candidates)
            holder = staticmethod(self.holder)
            operation = staticmethod(self.operation_of)

        recorder = Recorder(store or self.store, clock=self.clock, draw=lambda: 0.0)
        return Mover(recorder, places=Places(), caller=self.vendor, blobs=self, copier=OutputCopier(self, self))

    def task(self, name: str = "", **changes: Any) -> Task:
        fields: dict[str, Any] = {
            "id": name or self.name, "account": "acct_a", "key": "key_a", "book": "test", "family": "kling", "operation": "image", "model": "m", "state": "queued",
            "request": encode_request(ImageRequest(model="m", prompt="p")), "amount_nanos": AMOUNT_NANOS, "created_at": self.now,
            "updated_at": self.now, "due_at": self.now, "deadline_at": self.now + 3600.0,
        }  # fmt: skip
        return Task(**(fields | changes))

    async def queue(self, name: str = "", **changes: Any) -> Task:
        task = self.task(name, **changes)
        await self.store.insert(task, period="all", limit_nanos=None, lease_until=self.now + LEASE_S)
        return task

    async def stored(self, name: str = "") -> Task:
        found = await self.store.get(name or self.name)
        assert found is not None
        return found

    async def live_on(self, mover: Mover | None = None, *, steps: int = 200) -> None:
        """Let time pass and a worker claim and move, until every task has ended."""
        mover = mover or self.life()
        for _ in range(steps):
            wake_at = await self.store.next_wake()
            if wake_at is None:
                return
            self.now = max(self.now, wake_at)
            for task in await self.store.claim_due(now=self.now, limit=10, lease_until=self.now + LEASE_S):
                await mover.advance(task)
        raise AssertionError("tasks go on for ever")

    async def live_through_kills(self, kills: Sequence[int]) -> int:
        """Submit and follow one task, the process being killed at the numbered points; return how many points there were."""
        points = 0

        def at_point(_: str) -> None:
            nonlocal points
            points += 1
            if points - 1 in kills:
                raise Killed

        self.store.at_point = self.vendor.at_point = self.at_point = at_point
        await self._survive(self._submit())
        for _ in range(len(kills) + 1):
            await self._survive(self.live_on())
        return points

    async def _submit(self) -> None:
        task = await self.queue()
        await self.life().advance(task)

    async def _survive(self, life: Any) -> None:
        try:
            await life
        except BaseException as error:
            if not _holds(error, Killed):
                raise
            self.now += 1
            await self.store.free_leases(before=self.now)

    def check_money(self) -> None:
        """Every task has ended, was paid for once or not at all, and nothing is held."""
        spent = 0
        for task, _, _ in self.store.rows.values():
            assert task.finished_at is not None
            expected = task.amount_nanos if task.state == "succeeded" else 0
            assert self.store.charged.get(task.id, 0) == expected
            spent += expected
        assert self.store.holds == {}
        assert all(balance == BALANCE_NANOS - spent for balance in self.store.balances.values())


def _holds(error: BaseException, kind: type[BaseException]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_holds(inner, kind) for inner in error.exceptions)
    return isinstance(error, kind)
