"""What the endpoints of make-believe vendors of tasks have in common: the way in, the count, and how refusals go out."""

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, Generic

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.callbacks import Teller
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import request_id_of
from modelgate.sandbox.job_shelf import MAX_JOBS, JobShelf, JobT
from modelgate.sandbox.request_body import BodyTooLarge, NotJson, read_json

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
RETRY_AFTER_S = 1

Handler = Callable[[Request], Awaitable[Response]]
Submit = Callable[[Request, Counted], Awaitable[Response]]


class VendorRefused(Exception):
    """A make-believe vendor refuses: `body` is the JSON it says, None for nothing, `message` the words of it for people."""

    def __init__(self, status: int, body: Json, message: str = "") -> None:
        super().__init__(message or str(body))
        self.status = status
        self.body = body
        self.message = message

    def response(self) -> Response:
        """Return the refusal as the vendor answers it."""
        if self.body is None:
            return Response(status_code=self.status)
        answer = json_answer(self.body, status=self.status)
        if self.status == 429:
            answer.headers["retry-after"] = str(RETRY_AFTER_S)
        return answer


def json_answer(body: Json, *, status: int = 200) -> Response:
    """Return an answer of JSON."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


def no_file() -> Response:
    """Return the answer of a place for files that has none of that name."""
    return Response("no such file", status_code=404, media_type="text/plain")


def guarded(check: Callable[[Request], None], handler: Handler) -> Handler:
    """Return a handler that lets in who passes the check of the key, and answers what is refused."""

    async def answer(request: Request) -> Response:
        try:
            check(request)
            return await handler(request)
        except VendorRefused as refused:
            return refused.response()

    return answer


def counted(counter: Counter, vendor: str, submit: Submit) -> Handler:
    """Return a handler of submits that are counted, refused ones too."""

    async def answer(request: Request) -> Response:
        entry = counter.open(vendor=vendor, request_id=request_id_of(request))
        try:
            return await submit(request, entry)
        except VendorRefused as refused:
            entry.status = refused.status
            raise

    return answer


def count_made(entry: Counted, made: int, *, status: int = 200) -> None:
    """Fill in what was taken: how many pictures, seconds or texts it makes."""
    entry.status, entry.completion_tokens, entry.finished = status, made, True


def answering(body: Json) -> Handler:
    """Return a handler that says the same to whatever comes."""

    async def answer(_: Request) -> Response:
        return json_answer(body)

    return answer


def refusing(error: Callable[[], VendorRefused]) -> Handler:
    """Return a handler that refuses whatever comes."""

    async def answer(_: Request) -> Response:
        raise error()

    return answer


async def read_submit(
    request: Request, *, limit_bytes: int, too_large: VendorRefused, not_json: VendorRefused, any_type: bool = False
) -> Json:
    """Return the JSON of a submit, `any_type`: whatever it is said to be. Raises the one or the other refusal."""
    try:
        return await read_json(request, limit_bytes=limit_bytes, any_type=any_type)
    except BodyTooLarge:
        raise too_large from None
    except NotJson:
        raise not_json from None


class TaskFront(Generic[JobT]):
    """A make-believe vendor of tasks at work, as `TaskVendor` opens it. What is asked of it is counted; its jobs follow the clock."""

    vendor: ClassVar[str]
    """Its name, in the count."""
    retries: ClassVar[int] = 0
    """How often news that a caller did not take is told again."""

    most_jobs: ClassVar[int] = MAX_JOBS

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[JobT] = (),
        remember: Callable[[JobT], None] | None = None,
        callbacks: Teller | None = None,
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new or changed one before it is answered."""
        self._counter = counter
        self._clock = clock
        self._jobs = JobShelf(recalled=recalled, remember=remember, most=self.most_jobs)
        self._callbacks = callbacks or Teller(retries=self.retries)

    def check(self, request: Request) -> None:
        """Let in who has the key. Raises VendorRefused."""
        raise NotImplementedError

    def route(self, method: str, path: str, handler: Handler) -> Route:
        """Return a route for those who have the key."""
        return Route(path, guarded(self.check, handler), methods=[method])

    def submits(self, path: str, submit: Submit) -> Route:
        """Return the route of submits, which are counted."""
        return self.route("POST", path, counted(self._counter, self.vendor, submit))

    def elsewhere(self, prefix: str, error: Callable[[], VendorRefused]) -> Route:
        """Return the route, the last of them, that refuses whatever else comes."""
        return Route(prefix + "/{rest:path}", guarded(self.check, refusing(error)), methods=METHODS)
