"""The adapter between ASGI and the gateway's own HTTP messages."""

import asyncio
from typing import Any

import pytest

from modelgate.app.asgi import HIGH_WATER_BYTES, LOW_WATER_BYTES, BodyCut, HandlerApp, QueueSink
from modelgate.core.errors import InvalidRequest, ModelgateError
from modelgate.core.http import BodySink, HeaderBlock, HttpRequest, HttpResponse

PLAIN = HeaderBlock.of(("Content-Type", "text/plain"))


class Source:
    """A body pushed by the test."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.said: list[str] = []
        self.sink: BodySink | None = None
        self.started = asyncio.Event()

    def start(self, sink: BodySink) -> None:
        self.sink = sink
        self.started.set()
        for chunk in self.chunks:
            sink.write(chunk)
        if self.chunks:
            sink.end()

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")

    def abort(self) -> None:
        self.said.append("abort")


class Client:
    """One ASGI exchange."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages) or [{"type": "http.request", "body": b""}]
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def scope(method: str = "GET", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": "/a b", "raw_path": b"/a%20b", "query_string": b"x=1", "headers": list(headers)}


def app(response: HttpResponse | Exception, *, heard: list[Any] | None = None, max_body_bytes: int = 10) -> HandlerApp:
    async def handle(request: HttpRequest) -> HttpResponse:
        if heard is not None:
            heard.append(request)
        if isinstance(response, Exception):
            raise response
        return response

    def render_error(error: ModelgateError, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=error.status, headers=PLAIN, body=error.message.encode())

    return HandlerApp(
        handle,
        render_error=render_error,
        log_fault=lambda error, request: heard.append(error) if heard is not None else None,
        max_body_bytes=max_body_bytes,
        clock=lambda: 5.0,
    )


@pytest.mark.anyio
async def test_what_the_relay_adds_is_believed_and_taken_away() -> None:
    heard: list[Any] = []
    internal = ((b"x-modelgate-client", b"192.0.2.1"), (b"x-modelgate-request-id", b"req_9"), (b"x-modelgate-host", b"gateway.example"))
    headers = ((b"host", b"desk"), *internal, (b"accept", b"*/*"), (b"connection", b"close"))
    client = Client({"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.request", "body": b"de"})

    await app(HttpResponse(status=200, headers=PLAIN, body=b"hi"), heard=heard)(scope("POST", *headers), client.receive, client.send)

    (request,) = heard
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a%20b", "x=1", b"abcde")
    assert (request.client, request.id, request.started) == ("192.0.2.1", "req_9", 5.0)
    assert request.headers.raw == b"accept: */*\r\nhost: gateway.example\r\n"
    assert client.headers == {b"content-type": b"text/plain", b"x-request-id": b"req_9", b"content-length": b"2"}
    assert client.body == b"hi"


@pytest.mark.anyio
async def test_errors_are_rendered() -> None:
    client = Client()
    await app(InvalidRequest("not so"))(scope(), client.receive, client.send)
    assert (client.sent[0]["status"], client.body) == (400, b"not so")


@pytest.mark.anyio
async def test_a_fault_is_logged_and_its_text_stays_inside() -> None:
    heard: list[Any] = []
    fault = RuntimeError("secret inside")
    client = Client()
    await app(fault, heard=heard)(scope(), client.receive, client.send)
    assert heard[1] is fault
    assert client.sent[0]["status"] == 500
    assert b"secret" not in client.body


@pytest.mark.anyio
@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.request", "body": b"x" * 11}],
        [{"type": "http.request", "body": b"x" * 6, "more_body": True}, {"type": "http.request", "body": b"x" * 6, "more_body": True}],
    ],
)
async def test_a_body_over_the_bound_is_refused(messages: list[dict[str, Any]]) -> None:
    client = Client(*messages)
    await app(HttpResponse(status=200, headers=PLAIN))(scope("POST"), client.receive, client.send)
    assert client.sent[0]["status"] == 413


@pytest.mark.anyio
async def test_a_client_that_leaves_midway_of_its_body_is_not_answered() -> None:
    heard: list[Any] = []
    client = Client({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"})
    await app(HttpResponse(status=200, headers=PLAIN), heard=heard)(scope("POST"), client.receive, client.send)
    assert (heard, client.sent) == ([], [])


@pytest.mark.anyio
async def test_a_streamed_body_is_passed_on() -> None:
    client = Client()
    await app(HttpResponse(status=200, headers=PLAIN, body=Source(b"ab", b"cd"), content_length=4))(scope(), client.receive, client.send)
    assert client.body == b"abcd"
    assert client.headers[b"content-length"] == b"4"
    assert client.sent[-1] == {"type": "http.response.body", "body": b""}


@pytest.mark.anyio
async def test_head_sends_no_body_and_never_starts_the_source() -> None:
    source = Source(b"ab")
    client = Client()
    await app(HttpResponse(status=200, headers=PLAIN, body=source, content_length=2))(scope("HEAD"), client.receive, client.send)
    assert (client.body, source.said, source.sink) == (b"", ["abort"], None)
    assert client.headers[b"content-length"] == b"2"


@pytest.mark.anyio
async def test_a_source_that_fails_cuts_the_answer() -> None:
    class Failing(Source):
        def start(self, sink: BodySink) -> None:
            sink.write(b"a")
            sink.fail(OSError("gone"))

    client = Client()
    with pytest.raises(BodyCut):
        await app(HttpResponse(status=200, headers=PLAIN, body=Failing()))(scope(), client.receive, client.send)
    assert client.body == b"a"
    assert client.sent[-1]["more_body"] is True


@pytest.mark.anyio
async def test_a_client_that_leaves_aborts_the_source() -> None:
    source = Source()
    client = Client()
    exchange = asyncio.create_task(app(HttpResponse(status=200, headers=PLAIN, body=source))(scope(), client.receive, client.send))
    await source.started.wait()
    client.gone.set()
    await exchange
    assert source.said == ["abort"]


@pytest.mark.anyio
async def test_a_slow_client_pauses_the_source_and_a_taken_chunk_resumes_it() -> None:
    source = Source()
    sink = QueueSink(source)
    sink.write(b"x" * HIGH_WATER_BYTES)
    assert source.said == []
    sink.write(b"x" * (LOW_WATER_BYTES - 1))
    assert source.said == ["pause"]
    await sink.next()
    assert source.said == ["pause", "resume"]
