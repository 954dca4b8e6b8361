"""Webhooks out: tells callers of their tasks' changes, signed as Standard Webhooks (https://www.standardwebhooks.com) say.

What is sent is what a fetch of the task would answer. Each delivery is tried until its address takes it, with growing pauses. One
whose task has come further meanwhile is skipped: the newer one is on its way.
"""

import asyncio
import random
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from hmac import digest
from typing import Protocol

import msgspec
import structlog

from modelgate.core.clock import Clock
from modelgate.core.http import HeaderBlock
from modelgate.core.records import CALLBACK_STATES, Delivery, DeliveryState, Task
from modelgate.tasks.worker import LogFault
from modelgate.transport.errors import TransportError

MAX_SENDING = 16
"""Deliveries one process has under way at once."""
SEND_TIMEOUT_S = 10.0
LEASE_S = 30.0
"""How long a delivery under way belongs to its process; longer than a try can take."""
MAX_TRIES = 18
"""With the pauses between, about six hours."""
FIRST_PAUSE_S = 30.0
MAX_PAUSE_S = 1_800.0
JITTER = 0.2
"""Pauses are shortened by up to this part, so that what failed together is not tried together."""
MAX_SLEEP_S = 1.0
"""The longest sleep: other processes leave deliveries without a word."""
MIN_SLEEP_S = 0.05
FAULT_PAUSE_S = 2.0
STOP_GRACE_S = 10.0
MAX_ERROR_CHARACTERS = 200
GONE = 410
SECRET_PREFIX = "whsec_"  # noqa: S105  # a prefix, not a secret

_log = structlog.get_logger("webhooks")


class WebhookStore(Protocol):
    """Durable deliveries. Each method is one transaction; times are seconds since the epoch."""

    async def claim_due(self, *, now: float, limit: int, lease_until: float) -> list[Delivery]:
        """Mark deliveries that are due as under way, one more attempt each, soonest first: never two of one task, never one that a newer
        replaced."""
        ...

    async def settle(self, delivery: Delivery) -> bool:
        """Write down what a try came to. False: somebody else has claimed it since, and nothing was written."""
        ...

    async def next_due(self) -> float | None:
        """Return when the next delivery may be claimed; None: there is none."""
        ...

    async def list_of(self, task_id: str) -> list[Delivery]:
        """Return a task's deliveries, newest first."""
        ...

    async def repeat(self, delivery_id: str, *, now: float) -> Delivery | None:
        """Make a delivery due now, whatever became of it, with all its tries before it. None: there is none of that id."""
        ...


class TaskReader(Protocol):
    """What is used of the task store."""

    async def get(self, task_id: str) -> Task | None: ...


class Post(Protocol):
    """How an address is called; see `transport.guard.GuardedFetcher.post`."""

    async def __call__(self, url: str, *, headers: HeaderBlock, body: bytes, timeout_s: float) -> int:
        """Return the status of the answer. Raises TransportError, or ValueError for an address that is refused."""
        ...


class Tried(msgspec.Struct, frozen=True):
    """What a try came to: an end, or `pending` to be tried again."""

    state: DeliveryState
    status: int = 0
    error: str = ""


def signature_headers(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> tuple[tuple[str, str], ...]:
    """Return the three headers of Standard Webhooks 1.0.0 for a body; `key` is what a secret holds behind its prefix."""
    signed = digest(key, f"{message_id}.{timestamp}.".encode() + body, sha256)
    return (
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", f"v1,{b64encode(signed).decode()}"),
    )


def render_secret(key: bytes) -> str:
    """Return a key as receivers' libraries take it: `whsec_` and base64."""
    return SECRET_PREFIX + b64encode(key).decode()


def pause_s(attempts: int, *, drawn: float) -> float:
    """Return how long to wait after so many tries in vain; `drawn` is a random number from 0 to 1."""
    return min(FIRST_PAUSE_S * 2.0 ** min(attempts - 1, MAX_TRIES), MAX_PAUSE_S) * (1 - JITTER * drawn)


class WebhookSender:
    """Sends what is due. Several processes share the work through the store's leases."""

    def __init__(  # noqa: PLR0913  # one thing each, by name
        self,
        store: WebhookStore,
        *,
        tasks: TaskReader,
        post: Post,
        encode: Callable[[Task], bytes],
        key_of: Callable[[str], bytes],
        clock: Clock,
        log_fault: LogFault,
        count: Callable[[DeliveryState], None] = lambda _state: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`encode` says a task as a fetch would; `key_of(account)` signs; `log_fault(error, delivery)` hears what was not
        expected, with an empty id of the store's own; `count` hears what each try came to."""
        self._store = store
        self._tasks = tasks
        self._post = post
        self._encode = encode
        self._key_of = key_of
        self._clock = clock
        self._log_fault = log_fault
        self._count = count
        self._draw = draw
        self._sending: set[asyncio.Task[None]] = set()
        self._kicked = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then let what is under way come to its end within `STOP_GRACE_S`."""
        stopping = asyncio.get_running_loop().create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._kicked.set())
        try:
            while not stop.is_set():
                self._kicked.clear()
                try:
                    rest_s = await self._claim()
                except Exception as error:  # noqa: BLE001  # the edge of the sender: whatever it is, the next round may do better
                    self._log_fault(error, "")
                    rest_s = FAULT_PAUSE_S
                await self._sleep(rest_s)
        finally:
            stopping.cancel()
            await self._finish()

    async def deliver(self, delivery: Delivery) -> None:
        """Make one try of a delivery that is claimed, and write down what it came to."""
        task = await self._tasks.get(delivery.task)
        tried = await self._try(delivery, task)
        if tried.state == "pending" and delivery.attempts >= MAX_TRIES:
            tried = msgspec.structs.replace(tried, state="failed")
        now = self._clock()
        again = tried.state == "pending"
        settled = msgspec.structs.replace(
            delivery,
            state=tried.state,
            due_at=now + pause_s(delivery.attempts, drawn=self._draw()) if again else now,
            ended_at=None if again else now,
            answer_status=tried.status,
            error=tried.error.replace("\0", "")[:MAX_ERROR_CHARACTERS],
        )
        if await self._store.settle(settled):
            self._count("pending" if again else tried.state)
        _log.info(
            "webhook_tried", delivery=delivery.id, state=tried.state, attempt=delivery.attempts, status=tried.status, reason=tried.error
        )

    async def _try(self, delivery: Delivery, task: Task | None) -> Tried:
        if task is None:
            return Tried("failed", error="the task is gone")
        if task.state != delivery.task_state and task.state in CALLBACK_STATES:
            return Tried("skipped")
        if delivery.attempts > MAX_TRIES:  # its processes died at it
            return Tried("failed", error="no try came to an end")
        body = self._encode(task)
        timestamp = int(self._clock())
        signed = signature_headers(self._key_of(task.account), message_id=delivery.id, timestamp=timestamp, body=body)
        headers = HeaderBlock.of(("content-type", "application/json"), ("user-agent", "modelgate"), *signed)
        try:
            status = await self._post(task.callback_url, headers=headers, body=body, timeout_s=SEND_TIMEOUT_S)
        except TransportError as error:
            return Tried("pending", error=_reason(error))
        except ValueError as error:
            return Tried("failed", error=str(error))
        if 200 <= status < 300:
            return Tried("delivered", status)
        return Tried("gone" if status == GONE else "pending", status, f"the address answered with status {status}")

    async def _claim(self) -> float:
        """Claim and begin to send what is due, as far as there is room; return how long there is nothing to do."""
        room = MAX_SENDING - len(self._sending)
        if room <= 0:
            return MAX_SLEEP_S  # one that ends kicks
        due_at, now = await self._store.next_due(), self._clock()
        if due_at is None or due_at > now:  # claiming takes the database's writer; looking does not
            return MAX_SLEEP_S if due_at is None else due_at - now
        claimed = await self._store.claim_due(now=now, limit=room, lease_until=now + LEASE_S)
        for delivery in claimed:
            self._begin(delivery)
        return MIN_SLEEP_S if claimed else MAX_SLEEP_S  # what is due and not given waits for others of its task or account

    def _begin(self, delivery: Delivery) -> None:
        sending = asyncio.get_running_loop().create_task(self.deliver(delivery))
        self._sending.add(sending)

        def on_done(done: "asyncio.Task[None]") -> None:
            self._sending.discard(done)
            self._kicked.set()
            if not done.cancelled() and (error := done.exception()) is not None:  # tried again when its lease is over
                self._log_fault(error, delivery.id)

        sending.add_done_callback(on_done)

    async def _sleep(self, rest_s: float) -> None:
        try:
            async with asyncio.timeout(min(max(rest_s, MIN_SLEEP_S), MAX_SLEEP_S)):
                await self._kicked.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        if not self._sending:
            return
        _, late = await asyncio.wait(self._sending, timeout=STOP_GRACE_S)
        for sending in late:
            sending.cancel()
        if late:
            await asyncio.wait(late)


def _reason(error: TransportError) -> str:
    """Return what a caller may read of a failed try: the texts of transport are for logs."""
    return {
        "ConnectFailed": "no connection to the address",
        "TimedOut": "no answer in time",
        "ConnectionBroken": "the connection broke",
    }.get(type(error).__name__, "no usable answer")
