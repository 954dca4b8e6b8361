"""Calls from vendors: a hint to look at a task now, believed for nothing else.

The address holds a token that only this installation can have made, so nobody but a vendor that was given it can wake a task. A vendor
that signs its calls must have signed this one. What is said in the call is not read.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from modelgate.core.clock import Clock
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import MethodNotAllowed, Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import Task
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.gateway.callback_proofs import Proofs

CALLBACKS_PATH = "/callbacks/{task_id}/{token}"
MAX_CALLBACK_BYTES = 1024 * 1024
"""Vendors put their answer into the call; it is taken in, up to here, and dropped."""
TOKEN_BYTES = 16
MAX_PER_S = 200
"""Authentic calls one process looks into in a second; those beyond are told to come again, and polls do without them."""


class Heard(msgspec.Struct, frozen=True):
    """The answer to a vendor's call."""

    heard: Annotated[bool, Meta(description="The task is looked at now, unless it was a moment ago.", examples=[True])] = True


_JSON = HeaderBlock.of(("content-type", "application/json"))
_HEARD = msgspec.json.encode(Heard())


class Waker(Protocol):
    """What is used of the task store."""

    async def get(self, task_id: str) -> Task | None: ...

    async def wake(self, task_id: str, *, now: float) -> bool:
        """Make a task that a vendor works on due now, unless somebody looks at it or just has. False: there is no such task."""
        ...


class VendorCallbacks:
    """Answers the calls."""

    def __init__(self, store: Waker, *, secret: bytes, clock: Clock, proofs: Proofs, kick: Callable[[], None] = lambda: None) -> None:
        """`secret` is a key made for this purpose alone; `kick` tells who looks at tasks that one is due."""
        self._store = store
        self._proofs = proofs
        self._kick = kick
        self._secret = secret
        self._clock = clock
        self._second = 0
        self._in_second = 0

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Wake a task. Whatever is wrong with the address or the signature looks the same as an address that never was.

        Raises:
            UnknownPath, MethodNotAllowed
            Overloaded: there were too many calls in this second, or it cannot be found out now whose call it is.
        """
        body, request.body = request.body, b""
        task_id, _, token = request.path.removeprefix("/callbacks/").partition("/")
        if not hmac.compare_digest(token.encode(), callback_token(self._secret, task_id).encode()):
            raise UnknownPath
        if request.method != "POST":
            raise MethodNotAllowed(allowed=("POST",))
        now = self._clock()
        self._admit(now)
        task = await self._store.get(task_id)
        if task is None:
            raise UnknownPath
        await self._proofs.check(task, request.headers, body)
        if not await self._store.wake(task_id, now=self._clock()):
            raise UnknownPath
        self._kick()
        return HttpResponse(status=200, headers=_JSON, body=_HEARD)  # Luma's Dream Machine takes no other status for an answer

    def _admit(self, now: float) -> None:
        if int(now) != self._second:
            self._second, self._in_second = int(now), 0
        self._in_second += 1
        if self._in_second > MAX_PER_S:
            raise Overloaded(retry_after_s=1.0)


def callback_url(base_url: str, secret: bytes, task_id: str) -> str:
    """Return the address by which a vendor may wake a task; empty without a base URL."""
    if not base_url:
        return ""
    return base_url.rstrip("/") + CALLBACKS_PATH.format(task_id=task_id, token=callback_token(secret, task_id))


def callback_token(secret: bytes, task_id: str) -> str:
    """Return what only this installation can have put into a task's address."""
    return hmac.digest(secret, task_id.encode(), sha256)[:TOKEN_BYTES].hex()


CALLBACK_ENDPOINTS = (
    Endpoint(
        method="POST",
        path=CALLBACKS_PATH,
        name="wake_task",
        family="callbacks",
        home="desk",
        summary="A vendor says that a job has changed",
        description=(
            "For vendors, not for clients: the address is made for each task and given to its vendor when the server has a public URL. "
            "A call makes the task be looked at at once; what it says is not read. A vendor that signs its calls (fal) must have signed "
            "this one within five minutes."
        ),
        response=Heard,
        error=ErrorAnswer,
        errors=(UnknownPath, Overloaded),
        needs_key=False,
        cases=(
            Case(
                name="changed",
                title="A vendor calls",
                prose="Whatever the body is.",
                request={"status": "COMPLETED"},
                response={"heard": True},
                path_values={"task_id": "task_4fK2mQpX7cVbN1sLr8YwZd", "token": "9f2c4b1e7a2d4c6f8e0135795f0c1b9e"},
            ),
        ),
    ),
)
