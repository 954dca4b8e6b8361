"""OpenAI's pictures for models whose vendors work by tasks: the request submits its tasks and waits for them.

A client that leaves changes nothing: its tasks go on, and are charged when they succeed.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from modelgate.core.blobs import BlobNotFound, BlobStoreFailed
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.ids import new_id
from modelgate.core.records import ApiKey, Task, TaskOutput
from modelgate.formats.media.family import Ask
from modelgate.formats.media.requests import ImageRequest, decode_request, encode_request
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_image_tasks.request import FIELD_NAMES, INPUT_RULES, ImageAsk, decode_ask
from modelgate.formats.openai_image_tasks.response import encode_answer
from modelgate.gateway.callers import authenticate
from modelgate.gateway.files import BlobReader, FileLinks
from modelgate.gateway.images_door import NAME, OPERATION
from modelgate.gateway.submissions import MediaDesk, Submissions, Terms, weight_of
from modelgate.gateway.waiting import Waiting, error_of
from modelgate.metering.media import amount_of
from modelgate.metering.rates import RateState

MAX_INLINE_BYTES = 96 * 1024 * 1024
"""Pictures of one answer beyond this come by address though they were asked for as base64."""
MAX_INLINING = 4
"""Answers with pictures in them that are made at once; others wait."""


class ImagesGateway:
    """Answers `POST /v1/images/generations` at the desk."""

    def __init__(
        self,
        desk: MediaDesk,
        *,
        submissions: Submissions,
        waiting: Waiting,
        blobs: BlobReader,
        links: FileLinks,
        wait_s: float,
    ) -> None:
        """`wait_s` is how long pictures may take; then their tasks expire."""
        self._desk = desk
        self._submissions = submissions
        self._waiting = waiting
        self._blobs = blobs
        self._links = links
        self._wait_s = wait_s
        self._inlining = asyncio.Semaphore(MAX_INLINING)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with the pictures; every failure is said in OpenAI's words."""
        rate: RateState | None = None
        model = ""
        try:
            caller = await authenticate(request, keys=self._desk.keys, clock=self._desk.clock)
            rate = self._desk.rates.admit(caller.key, now=self._desk.clock())
            ask = decode_ask(request.body)
            request.body = b""
            model = ask.wanted.model
            tasks = await self._finished(caller.key, ask, request)
            response = await self._answer(tasks, ask)
        except ModelgateError as error:
            self._desk.refusals.note(request, error, endpoint=NAME, model=model)
            response = encode_error(error, request.id)
        if rate is not None:
            response.headers = HeaderBlock(response.headers.raw + rate.header_lines())
        self._count(model, response.status, request)
        return response

    async def _finished(self, key: ApiKey, ask: ImageAsk, request: HttpRequest) -> list[Task]:
        """Return the tasks of a request, each at its end."""
        async with self._waiting:
            return await self._waiting.until_ended(await self._submitted(key, ask, request))

    async def _submitted(self, key: ApiKey, ask: ImageAsk, request: HttpRequest) -> list[Task]:
        """Return the tasks that make the wanted pictures, submitted: as few as their vendors can do with."""
        terms = self._submissions.terms(key, Ask(request=ask.wanted, operation=OPERATION), field_names=FIELD_NAMES)
        terms = msgspec.structs.replace(terms, deadline_s=self._wait_s)
        parts = _parts_of(ask.wanted.n, terms.max_n)
        wanted = msgspec.structs.replace(ask.wanted, n=parts[0])
        first = await self._submissions.draft(
            key, family=NAME, ask=Ask(request=wanted, operation=OPERATION), terms=terms, rules=INPUT_RULES, request_id=request.id
        )
        tasks = [first, *(_another(first, terms, n=n, index=index) for index, n in enumerate(parts[1:], 1))]
        taken = await self._submissions.take(tasks, key)
        request.key = None  # from here on there are tasks to look at
        return list(await asyncio.gather(*(self._submissions.move(task) for task in taken)))

    async def _answer(self, tasks: Sequence[Task], ask: ImageAsk) -> HttpResponse:
        """Return the pictures of the tasks that succeeded. Raises the error of the first one when none did."""
        outputs = [output for task in tasks if task.state == "succeeded" for output in task.outputs if output.blob]
        if not outputs:
            raise error_of(tasks[0])
        created = int(tasks[0].created_at)
        if ask.inline:
            async with self._inlining:
                body = encode_answer(await self._pictures(outputs), created=created)
        else:
            body = encode_answer([self._links.url_of(output.blob) for output in outputs], created=created)
        headers = [("content-type", "application/json")]
        if ask.ignored:
            headers.append(("modelgate-ignored", ", ".join(ask.ignored)))
        return HttpResponse(status=200, headers=HeaderBlock.of(*headers), body=body)

    async def _pictures(self, outputs: Sequence[TaskOutput]) -> list[str | bytes]:
        """Return the pictures themselves; what cannot be read now or is too much comes by address, for it is paid."""
        room, pictures = MAX_INLINE_BYTES, list[str | bytes]()
        for output in outputs:
            room -= output.size_bytes
            try:
                data = await self._blobs.read(output.blob, start=0, length=output.size_bytes) if room >= 0 else b""
            except (BlobNotFound, BlobStoreFailed):
                data = b""
            pictures.append(data or self._links.url_of(output.blob))
        return pictures

    def _count(self, model: str, status: int, request: HttpRequest) -> None:
        total_ms = max(0, int((self._desk.clock() - request.started) * 1000))
        self._desk.metrics.request_finished(
            endpoint=NAME,
            model=model,
            upstream="",
            status=status,
            total_ms=total_ms,
            first_byte_ms=total_ms,
            input_tokens=0,
            output_tokens=0,
            amount_nanos=0,  # a task is charged when it ends
        )


def _another(first: Task, terms: Terms, *, n: int, index: int) -> Task:
    """Return one more task like the first, for `n` pictures, with a seed of its own."""
    request = decode_request(OPERATION, first.request)
    assert isinstance(request, ImageRequest)
    seed = request.seed + index if request.seed is not None else None
    request = msgspec.structs.replace(request, n=n, seed=seed)
    return msgspec.structs.replace(
        first,
        id=new_id("task"),
        request=encode_request(request),
        amount_nanos=amount_of(terms.price, OPERATION, request),
        weight=weight_of(request),
    )


def _parts_of(n: int, max_n: int) -> list[int]:
    """Return how many pictures each task makes."""
    return [max_n] * (n // max_n) + ([n % max_n] if n % max_n else [])
