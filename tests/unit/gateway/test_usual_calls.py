"""The usual call, by callbacks: what is seen of it is what the ordinary way gives, and its hold ends once, whatever comes in between.

Everything is real but the book, which lends whatever it is asked for, and the vendor, a server that plays scripts.
"""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import ModelgateError
from modelgate.core.http import Handle, HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey, Credential, PriceRow, RequestFacts, Snapshot, Upstream
from modelgate.edge.connection import Connection as ClientConnection
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.service import Service
from modelgate.formats.chat.wire_format import WireFormat, load_wire_formats
from modelgate.gateway.call import Call, CallDesk
from modelgate.gateway.callers import authenticate
from modelgate.gateway.calls import CallGateway
from modelgate.gateway.chat import chat_kinds
from modelgate.gateway.chat_inputs import FetchedImages
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.usual_calls import MAX_BODY_BYTES, MAX_MODELS, UsualCall, UsualCalls
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.metering.leases import Leases
from modelgate.metering.messages import Ask, Granted, LeaseTotals, ToBook, Totals
from modelgate.metering.meter import Meter
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.routing.health import Health
from modelgate.storage.journal import JournalBroken, JournalReader, JournalRecord
from modelgate.storage.journal_writer import JournalWriter
from modelgate.transport.client import Transport
from modelgate.transport.framing import Unchunker
from modelgate.transport.guard import GuardedFetcher
from modelgate.transport.response import UpstreamResponse

pytestmark = pytest.mark.anyio

PATIENCE_S = 30.0
QUIET_S = 0.05
"""So long nothing may happen where nothing is to happen."""
QUIET_LOOKS = 20
"""On a busy machine the last piece of an answer and the end of a quiet moment may come in one turn of the loop."""
NOON = 1_764_000_000.0  # a whole minute
SECRET = "sk-live-test"
KEY = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest=digest_of(SECRET), hint="", rpm=1_000_000_000, tpm=10_000_000_000)
HEADERS = (("authorization", f"Bearer {SECRET}"), ("content-type", "application/json"))
PRICE = PriceRow(model="m", rates={"input": "1", "cached": "0.5", "output": "2"})  # USD per million, so 1000, 500 and 2000 nanos each
CHARGE = 7 * 1000 + 3 * 500 + 5 * 2000
MUCH = 10**15

CHAT_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
OUTPUT = [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}]
ANSWERS: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": CHAT_USAGE,
    },
    "openai_completions": {
        "id": "c",
        "object": "text_completion",
        "model": "m",
        "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop", "logprobs": None}],
        "usage": CHAT_USAGE,
    },
    "openai_responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": OUTPUT,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "total_tokens": 15,
            "input_tokens_details": {"cached_tokens": 3},
            "output_tokens_details": {"reasoning_tokens": 2},
        },
    },
    "anthropic_messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 5},
    },
    "gemini_content": {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 10,
            "cachedContentTokenCount": 3,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 2,
            "totalTokenCount": 15,
        },
        "modelVersion": "m",
        "responseId": "r",
    },
}
ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": ("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}),
    "openai_completions": ("/v1/completions", {"model": "m", "prompt": "Hi"}),
    "openai_responses": ("/v1/responses", {"model": "m", "input": "Hi"}),
    "anthropic_messages": ("/v1/messages", {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}),
    "gemini_content": ("/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}),
}
CHAT = ASKS["openai_chat"][1]
ANSWER = ANSWERS["openai_chat"]
EVENT = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
LAST_EVENT = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": CHAT_USAGE}

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answering(body: Any = ANSWER, *, status: int = 200, lines: str = "", content_type: str = "application/json") -> Script:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def script(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {len(data)}\r\n{lines}\r\n"
        writer.write(head.encode() + data)

    return script


def writing(*pieces: bytes, close: bool = False) -> Script:
    """Write each piece by itself, as far as the kernel lets them be read so."""

    async def script(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        if close:
            writer.close()

    return script


async def vanishing(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


class Vendor:
    """A server that plays one script for each request; the last one again and again."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts or (answering(),))
        self.requests: list[tuple[bytes, bytes]] = []
        self.accepted = 0
        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.reader = reader
        self.open.add(writer)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(HeaderBlock(head).get(b"content-length") or 0)
                self.requests.append((head, await reader.readexactly(length)))
                await (self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0])(writer)
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):  # uvloop says RuntimeError of a closed transport
            pass
        finally:
            writer.close()
            self.open.discard(writer)


class Told:
    """Where one answer goes. Runs what is handed on as the edge does."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[HttpResponse] = loop.create_future()
        self.way = "usual"
        self.task: asyncio.Task[None] | None = None
        self.has_begun = False

    def answer(self, lines: bytes, body: bytes | bytearray) -> None:
        assert self.has_begun
        self.done.set_result(HttpResponse(status=200, headers=HeaderBlock(lines), body=body))  # a second answer fails here

    def await_answer(self, request: HttpRequest, handle: Handle) -> None:
        assert self.has_begun
        assert self.task is None
        self.way = "handed"
        self.task = asyncio.get_running_loop().create_task(self._run(request, handle))

    async def _run(self, request: HttpRequest, handle: Handle) -> None:
        try:
            self.done.set_result(await handle(request))
        except Exception as fault:  # noqa: BLE001  # of which the edge makes a 500
            self.done.set_exception(fault)


class NotedMetrics:
    def __init__(self) -> None:
        self.finished: list[dict[str, Any]] = []

    def request_finished(self, **facts: Any) -> None:
        self.finished.append(facts)


class Answer(msgspec.Struct):
    """What came of one request, and by which way: usual, handed or declined."""

    way: str
    status: int
    lines: bytes
    body: Any

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]


class World:
    """A relay's parts around one or more vendors."""

    def __init__(self, folder: Path, upstreams: list[Upstream], *, key: ApiKey, wire_formats: dict[str, WireFormat], granted: int) -> None:
        self.now = NOON
        self.key: ApiKey | None = key
        self.upstreams = upstreams
        self.asked: list[ToBook] = []
        self.faults: list[str] = []
        self.broken: list[Exception] = []
        self.lost: list[dict[str, Any]] = []
        self.metrics = NotedMetrics()
        self.headers: dict[tuple[tuple[str, str], ...], HeaderBlock] = {}
        self.requests = 0
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: self.lost.append(context))
        self.leases = Leases(clock=self.clock)
        self.journal = JournalWriter.create(folder / "journal", incarnation="inc_1")
        self.meter = Meter(
            journal=self.journal, leases=self.leases, clock=self.clock, on_broken=self.broken.append, broken_by=JournalBroken
        )
        self.leases.connected(self.lend, incarnation="inc_1", node="here")
        self.granted = granted
        self.leases.on_message(Totals(0, (LeaseTotals("key_1", "all", granted, 0),)))
        self.rates_path = folder / "rates"
        self.rates = RateCounters(self.rates_path, writer=0, writers=2)
        self.desk = CallDesk(meter=self.meter, rates=self.rates, metrics=self.metrics, clock=self.clock)  # type: ignore[arg-type]
        self.keys = KeyTable(self.look_up, clock=self.clock)
        self.transport, self.health = Transport(), Health()
        self.calls = CallGateway(
            keys=self.keys,
            desk=self.desk,
            transport=self.transport,
            health=self.health,
            configuration=lambda: self.usual.configuration,
            log_fault=lambda error, _request_id: self.faults.append(repr(error)),  # its frames would keep alive what is forgotten
        )
        self.kinds = chat_kinds(wire_formats, images=FetchedImages(GuardedFetcher(self.transport)))
        self.usual = UsualCalls(self.calls, kinds=self.kinds, keys=self.keys, desk=self.desk, transport=self.transport, health=self.health)
        self.configure()

    def clock(self) -> float:
        return self.now

    def configure(self, *prices: PriceRow) -> None:
        snapshot = Snapshot(version=1, upstreams=tuple(self.upstreams), prices=prices or (PRICE,))
        self.usual.configuration = Configuration(snapshot, providers=load_providers(), shipped=(), now=0.0)

    def lend(self, message: ToBook) -> None:
        self.asked.append(message)
        if isinstance(message, Ask):
            self.granted = max(self.granted, message.want_nanos)
            totals = LeaseTotals(message.key, message.period, self.granted, 0)
            asyncio.get_running_loop().call_soon(self.leases.on_message, Granted(message.n, 0, (totals,)))

    async def look_up(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        return (self.key if self.key is not None and self.key.digest == digest else None), "all", None

    def begin_anew(self) -> None:
        """Set the clock back, and count no request before."""
        self.now = NOON
        self.rates.close()
        self.rates_path.unlink()
        self.rates = self.desk.rates = RateCounters(self.rates_path, writer=0, writers=2)

    @property
    def free_nanos(self) -> int:
        return self.leases.take("key_1", "all", ends_at=None, amount_nanos=0)[0].free_nanos

    def request(self, body: Any = CHAT, *, dialect: str = "openai_chat", headers: Any = HEADERS, **more: Any) -> HttpRequest:
        """Return a request; a head that was sent before is the very block it was then, as on a kept connection."""
        self.requests += 1
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = more.pop("path", ASKS[dialect][0])
        block = self.headers.setdefault((("", path), *headers), HeaderBlock.of(*headers))
        fields = {"method": "POST", "id": f"req_{self.requests}", "started": self.now, "client": "10.0.0.1", **more}
        return HttpRequest(path=path, headers=block, body=data, **fields)

    def begin(self, request: HttpRequest) -> tuple[UsualCall | None, Told]:
        told = Told()
        begun = self.usual.begin(request, told)
        told.has_begun = True
        return begun, told

    async def ask(self, body: Any = CHAT, *, is_usual: bool = True, dialect: str = "openai_chat", **more: Any) -> Answer:
        """Ask as the edge does."""
        request = self.request(body, dialect=dialect, **more)
        begun, told = self.begin(request) if is_usual else (None, Told())
        if begun is None:
            response, way = await self.calls.handle(request, self.kinds[dialect]), "declined"
        else:
            response, way = await asyncio.wait_for(told.done, PATIENCE_S), told.way
        assert isinstance(response.body, bytes | bytearray)
        return Answer(way, response.status, response.headers.raw, response.body)

    async def learn_key(self) -> None:
        """Have the key remembered, as the first request does, and nothing else."""
        with suppress(ModelgateError):
            await authenticate(self.request(), keys=self.keys, clock=self.clock)

    async def warm_up(self) -> None:
        """Have the key remembered and a connection kept."""
        assert (await self.ask(is_usual=False)).status == 200
        self.requests = 100

    def records(self) -> list[JournalRecord]:
        reader = JournalReader(self.journal.directory)
        try:
            return reader.read(0, 1000)
        finally:
            reader.close()

    def ends(self, request_id: str) -> list[tuple[str, int]]:
        """Return what the journal says of a request: its kinds of records with their amounts."""
        return [(record.kind, record.amount_nanos) for record in self.records() if record.request_id == request_id]

    def facts(self, request_id: str) -> RequestFacts:
        [facts] = [record.facts for record in self.records() if record.request_id == request_id and record.kind != "hold"]
        return msgspec.msgpack.decode(facts, type=RequestFacts)

    def settle(self) -> None:
        """Check that every hold ended once, and that the lease knows."""
        records = self.records()
        holds = [record.seq for record in records if record.kind == "hold"]
        assert sorted(record.hold_seq for record in records if record.kind != "hold") == holds
        assert self.free_nanos == self.granted - sum(record.amount_nanos for record in records if record.kind == "capture")


@asynccontextmanager
async def playing(
    folder: Path,
    *vendors: Vendor,
    key: ApiKey = KEY,
    provider: str = "modelgate",
    wire_formats: dict[str, WireFormat] | None = None,
    granted: int = MUCH,
    **more: Any,
) -> AsyncIterator[World]:
    servers = [await asyncio.start_server(vendor.serve, "127.0.0.1", 0) for vendor in vendors]
    upstreams = [
        Upstream(
            id=f"up_{number}",
            name=f"up_{number}",
            provider=provider,
            base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            book="live",
            **{"models": {"m": "m"}, "credentials": (Credential(id=f"cred_{number}", secret="sk-vendor"),), **more},
        )
        for number, server in enumerate(servers)
    ]
    world = World(folder, upstreams, key=key, wire_formats=wire_formats or load_wire_formats(), granted=granted)
    try:
        yield world
        gc.collect()
        assert world.lost == []
    finally:
        await world.transport.close()
        world.rates.close()
        world.journal.close()
        for server, vendor in zip(servers, vendors, strict=True):
            server.close()
            for writer in list(vendor.open):
                writer.transport.abort()
            await until(lambda vendor=vendor: not vendor.open)  # type: ignore[misc]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # what is waited for is the kernel's doing
            await asyncio.sleep(0.001)


def without(text: bytes, request_id: str) -> bytes:
    """Return a head or an answer with the request id blotted out."""
    assert request_id.encode() in text or b"request-id" not in text.lower()
    return text.replace(request_id.encode(), b"(id)")


# The usual call is the ordinary one.


@pytest.mark.parametrize(
    ("dialect", "provider", "more"),
    [
        *((dialect, "modelgate", {}) for dialect in sorted(load_wire_formats())),
        ("openai_chat", "deepseek", {"max_completion_tokens": 9}),  # a field that is called otherwise there
        ("openai_chat", "deepseek", {"messages": [{"role": "developer", "content": "Hi"}]}),
        ("openai_chat", "groq", {"logit_bias": {"1": 1}}),  # a field that is left out, of which the answer tells
        ("openai_chat", "modelgate", {"n": 3, "max_tokens": 8}),
        ("anthropic_messages", "anthropic", {"system": "Be brief."}),
        ("gemini_content", "gemini", {}),
    ],
)
async def test_upstream_client_and_book_see_what_the_ordinary_way_gives(
    tmp_path: Path, dialect: str, provider: str, more: dict[str, Any]
) -> None:
    vendor = Vendor(answering(ANSWERS[dialect]))
    body = {**ASKS[dialect][1], **more}
    headers = (*HEADERS, ("anthropic-version", "2023-06-01"), ("anthropic-beta", "b-1"), ("user-agent", "client"))
    async with playing(tmp_path, vendor, provider=provider) as world:

        async def slowly(writer: asyncio.StreamWriter) -> None:
            world.now += 1.25
            await answering(ANSWERS[dialect])(writer)

        vendor.scripts = [slowly]
        seen = []
        for is_usual in (False, False, True, True):  # the second usual one finds its head prepared
            world.begin_anew()
            answer = await world.ask(body, is_usual=is_usual, dialect=dialect, headers=headers)
            id = f"req_{world.requests}"
            head, sent = vendor.requests[-1]
            facts = msgspec.structs.replace(world.facts(id), request_id="")
            said = (answer.status, without(answer.lines, id), without(bytes(answer.body), id))
            seen.append((without(head, id), sent, said, facts, world.ends(id), world.metrics.finished[-1]))
            assert answer.way == ("usual" if is_usual else "declined")
        _first, ordinary, *usual = seen
        assert usual == [ordinary, ordinary]
        assert ordinary[2][0] == 200
        assert (ordinary[3].at_ms, ordinary[3].total_ms) == (int(NOON * 1000), 1250)
        assert (ordinary[3].input_tokens, ordinary[3].output_tokens, ordinary[3].cached_tokens) == (10, 5, 3)
        assert ordinary[4][1] == ("capture", CHARGE)
        assert len(vendor.requests) == 4
        assert world.health.is_fine(("up_0", "cred_0", "m"))
        world.settle()


async def test_what_is_kept_of_a_request_is_no_more_than_what_the_next_one_shares(tmp_path: Path) -> None:
    """Of a vendor with ways of its own, each request has to be looked at, even if nothing of that was in the first one."""
    vendor = Vendor()
    async with playing(tmp_path, vendor, provider="deepseek") as world:
        await world.warm_up()
        for more in ({}, {"max_completion_tokens": 9}, {}, {"messages": [{"role": "developer", "content": "Hi"}]}):
            assert (await world.ask({**CHAT, **more})).way == "usual"
    _, plain, limited, again, developer = (json.loads(body) for _head, body in vendor.requests)
    assert plain == again == CHAT
    assert limited == {**CHAT, "max_tokens": 9}
    assert developer["messages"] == [{"role": "system", "content": "Hi"}]


async def test_what_a_head_says_is_kept_for_that_head_alone(tmp_path: Path) -> None:
    vendor = Vendor(answering(ANSWERS["anthropic_messages"]))
    body = ASKS["anthropic_messages"][1]
    async with playing(tmp_path, vendor) as world:
        for beta in ("b-1", "b-1", "b-2", "b-1"):
            await world.ask(body, dialect="anthropic_messages", headers=(*HEADERS, ("anthropic-beta", beta)))
    said = [HeaderBlock(head).get(b"anthropic-beta") for head, _body in vendor.requests]
    assert said == [b"b-1", b"b-1", b"b-2", b"b-1"]


async def test_a_key_without_limits_is_told_none(tmp_path: Path) -> None:
    key = msgspec.structs.replace(KEY, rpm=None, tpm=None)
    async with playing(tmp_path, Vendor(), key=key) as world:
        ordinary = await world.ask(is_usual=False)
        usual = await world.ask()
    assert (ordinary.way, usual.way) == ("declined", "usual")
    assert usual.lines == ordinary.lines
    assert b"ratelimit" not in usual.lines


async def test_tokens_count_against_the_keys_rate(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor(), key=msgspec.structs.replace(KEY, tpm=40)) as world:
        ways = [(answer.way, answer.status) for answer in [await world.ask() for _ in range(4)]]
    assert ways == [("declined", 200), ("usual", 200), ("usual", 200), ("declined", 429)]


async def test_calls_under_way_at_once_share_a_commit_and_keep_apart(tmp_path: Path) -> None:
    async def echo(writer: asyncio.StreamWriter) -> None:
        said = json.loads(vendor.requests[-1][1])["messages"][0]["content"]
        await answering({**ANSWER, "id": said})(writer)

    vendor = Vendor(echo)
    async with playing(tmp_path, vendor) as world:
        for is_usual in (False, True):
            bodies = [{"model": "m", "messages": [{"role": "user", "content": f"text {number}"}]} for number in range(8)]
            answers = await asyncio.gather(*(world.ask(body, is_usual=is_usual) for body in bodies))
            assert [json.loads(answer.body)["id"] for answer in answers] == [f"text {number}" for number in range(8)]
        assert {answer.way for answer in answers} == {"usual"}
        assert vendor.accepted == 8
        world.settle()


async def test_a_renamed_model_goes_by_each_sides_name(tmp_path: Path) -> None:
    vendor = Vendor(answering({**ANSWER, "model": "real"}))
    async with playing(tmp_path, vendor, models={"m": "real"}) as world:
        await world.warm_up()
        answers = [await world.ask(), await world.ask()]
        assert world.facts("req_101").upstream_model == "real"
        assert (world.facts("req_101").model, world.ends("req_101")[1]) == ("m", ("capture", CHARGE))
    for answer, (_head, body) in zip(answers, vendor.requests[1:], strict=True):
        assert (answer.way, json.loads(answer.body)["model"], json.loads(body)["model"]) == ("usual", "m", "real")
    assert json.loads(vendor.requests[1][1]) == {**CHAT, "model": "real"}


async def test_models_remembered_for_a_head_are_bounded(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        for number in range(MAX_MODELS + 3):
            assert (await world.ask({**CHAT, "model": f"m{number}"})).status == 404
        [known] = [block.known for block in world.headers.values()]
        assert len(known.terms) <= MAX_MODELS  # type: ignore[attr-defined]
        assert (await world.ask()).way == "usual"


# What it leaves to the ordinary way.

PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]}]
SOUND = [{"role": "user", "content": "Hi"}, {"role": "assistant", "audio": {"id": "audio_1"}}]
CHANGED = msgspec.structs.replace


@pytest.mark.parametrize(
    ("key", "more", "status"),
    [
        (KEY, {"headers": (("authorization", "Bearer sk-live-other"),)}, 401),
        (CHANGED(KEY, ips=("10.0.0.0/8",)), {}, 200),
        (CHANGED(KEY, ips=("192.0.2.0/24",)), {}, 403),
        (CHANGED(KEY, cache_s=60), {}, 200),
        (CHANGED(KEY, disabled=True), {}, 403),
        (CHANGED(KEY, expires_at=NOON), {}, 401),
        (KEY, {"headers": (*HEADERS, ("idempotency-key", "a"))}, 200),
        (KEY, {"headers": (*HEADERS, ("Modelgate-Cache", "60"))}, 200),
        (KEY, {"body": {**CHAT, "stream": True}}, 200),
        (KEY, {"body": {**CHAT, "messages": PICTURE}}, 200),
        (KEY, {"body": {**CHAT, "messages": SOUND}}, 400),
        (KEY, {"body": {**CHAT, "modalities": ["audio"], "audio": {"voice": "alloy"}}}, 200),
        (CHANGED(KEY, models=("other",)), {}, 403),
        (KEY, {"body": {**CHAT, "model": "nobody's"}}, 404),
        (KEY, {"body": {**CHAT, "user": "x" * MAX_BODY_BYTES}}, 200),
        (KEY, {"body": b'{"model":"m","messages":['}, 400),
        (KEY, {"body": {"model": "m", "messages": "Hi", "n": "many"}}, 400),
        (KEY, {"body": b'{"model":"other","model":"m","messages":[{"role":"user","content":"Hi"}]}'}, 400),
        (KEY, {"body": b'{"model":"other","m\\u006fdel":"m","messages":[{"role":"user","content":"Hi"}]}'}, 400),
        (CHANGED(KEY, rpm=0), {}, 429),
        (CHANGED(KEY, tpm=0), {}, 429),
    ],
)
async def test_what_is_not_usual_is_declined_and_leaves_no_trace(tmp_path: Path, key: ApiKey, more: dict[str, Any], status: int) -> None:
    async with playing(tmp_path, Vendor(), key=key) as world:
        await world.learn_key()
        for _ in range(2):  # the first teaches what the second knows
            begun, _told = world.begin(world.request(**more))
            assert begun is None
        assert (world.journal.last_seq, world.free_nanos, world.asked[1:]) == (0, MUCH, [])
        answer = await world.ask(**more)
        assert (answer.way, answer.status) == ("declined", status)
        if status == 200:
            assert b"x-ratelimit-remaining-requests: 999999999\r\n" in answer.lines  # this one alone was counted
        world.settle()


@pytest.mark.parametrize(
    ("vendors", "provider", "more"),
    [(2, "modelgate", {}), (1, "modelgate", {"max_concurrent": 5}), (1, "modelgate", {"credentials": ()}), (1, "anthropic", {})],
)
async def test_a_model_that_leaves_a_choice_is_declined(tmp_path: Path, vendors: int, provider: str, more: dict[str, Any]) -> None:
    scripts = [answering(ANSWERS["anthropic_messages" if provider == "anthropic" else "openai_chat"])] * vendors
    credentials = {"credentials": tuple(Credential(id=f"cred_{n}", secret="sk-vendor") for n in range(2))} if "credentials" in more else {}
    async with playing(tmp_path, *(Vendor(script) for script in scripts), provider=provider, **{**more, **credentials}) as world:
        await world.learn_key()
        assert [world.begin(world.request())[0] for _ in range(2)] == [None, None]
        assert (world.journal.last_seq, world.free_nanos) == (0, MUCH)
        answer = await world.ask()
        assert (answer.way, answer.status) == ("declined", 200)
        world.settle()


async def test_other_paths_methods_and_no_configuration_are_declined(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        for more in (
            {"method": "GET"},
            {"path": "/v1/embeddings"},
            {"path": "/chat/completions"},
            {"path": "/v1beta/models/m:countTokens"},
        ):
            assert world.begin(world.request(headers=(*HEADERS, ("x-try", str(more))), **more))[0] is None
        world.usual.configuration = None
        assert world.begin(world.request())[0] is None
        assert (await world.ask()).status == 503


async def test_no_money_in_the_lease_is_waited_for_on_the_ordinary_way(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor(), granted=0) as world:
        await world.learn_key()
        assert world.begin(world.request())[0] is None
        assert (world.journal.last_seq, world.free_nanos) == (0, 0)
        assert (await world.ask()).way == "declined"  # it is lent what it needs and some more
        assert (await world.ask()).way == "usual"
        world.settle()


async def test_a_meter_that_is_closed_takes_no_hold(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        world.meter.stop()
        answer = await world.ask()
        assert (answer.way, answer.status, world.ends("req_101")) == ("declined", 503, [])


async def test_a_key_expires_while_it_is_known(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor(), key=CHANGED(KEY, expires_at=NOON + 100)) as world:
        await world.warm_up()
        assert (await world.ask()).way == "usual"
        world.now = NOON + 99.9
        assert (await world.ask()).way == "usual"
        world.now = NOON + 100
        answer = await world.ask()
        assert (answer.way, answer.status, answer.error["code"]) == ("declined", 401, "expired_api_key")


async def test_a_place_that_failed_is_left_to_the_ordinary_way_until_it_is_well(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        world.health.note_failure(("up_9", "cred_9", "m"), world.now)  # of no concern
        assert (await world.ask()).way == "usual"
        [candidate] = [terms.candidate for block in world.headers.values() for terms in block.known.terms.values()]  # type: ignore[attr-defined]
        world.health.note_failure(candidate.place, world.now)
        assert (await world.ask()).way == "declined"  # and by its success the place is well again
        assert (await world.ask()).way == "usual"


async def test_requests_beyond_the_rate_give_their_money_back(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor(), key=CHANGED(KEY, rpm=2)) as world:
        await world.warm_up()
        assert (await world.ask()).way == "usual"
        free_nanos, last_seq = world.free_nanos, world.journal.last_seq
        assert world.begin(world.request())[0] is None
        assert (world.free_nanos, world.journal.last_seq) == (free_nanos, last_seq)
        answer = await world.ask()
        assert (answer.way, answer.status) == ("declined", 429)
        world.settle()


# What it hands on, its hold being open.


async def test_without_an_idle_connection_the_hold_goes_on_to_the_ordinary_way(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        await world.learn_key()
        world.requests = 0
        answers = [await world.ask(), await world.ask()]
        assert [answer.way for answer in answers] == ["handed", "usual"]
        assert answers[0].body == answers[1].body
        assert world.ends("req_1")[1:] == world.ends("req_2")[1:] == [("capture", CHARGE)]
        assert msgspec.structs.replace(world.facts("req_1"), request_id="req_2") == world.facts("req_2")
        assert len(vendor.requests) == 2
        world.settle()


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = json.dumps(ANSWER).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(WHOLE)
EVENTS_HEAD = CHUNKED.replace(b"application/json", b"text/event-stream")
EVENTS = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in (EVENT, LAST_EVENT)) + b"data: [DONE]\n\n"
REST_OF_EVENTS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENTS) - len(EVENTS) // 2, EVENTS[len(EVENTS) // 2 :])


@pytest.mark.parametrize(
    ("scripts", "asked"),
    [
        ((answering({"error": {"message": "oh"}}, status=500), answering()), 2),
        ((answering(status=500), answering()), 2),
        ((answering(content_type="text/event-stream"), answering()), 2),
        ((answering(b"not json"), answering()), 2),
        ((answering({"choices": []}), answering()), 2),
        ((writing(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(WHOLE), WHOLE)),), 1),
        ((writing(HEAD, WHOLE[:9], WHOLE[9:]),), 1),
        ((writing(HEAD[:30], HEAD[30:] + WHOLE),), 1),
        ((writing(b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + WHOLE),), 1),
        ((answering(lines="connection: close\r\n"),), 1),
        ((answering(EVENTS, content_type="text/event-stream"),), 1),
        ((writing(HEAD, WHOLE[:9], close=True), answering()), 2),
        ((vanishing, answering()), 2),
    ],
    ids=[
        "500",
        "500-that-looks-good",
        "events-that-are-none",
        "no-json",
        "nothing",
        "chunks",
        "pieces",
        "head-in-two",
        "interim",
        "close",
        "events",
        "cut",
        "vanished",
    ],
)
async def test_an_unusual_answer_is_dealt_with_and_charged_once(tmp_path: Path, scripts: tuple[Script, ...], asked: int) -> None:
    vendor = Vendor(answering(), *scripts)
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        answer = await world.ask()
        assert answer.status == 200
        assert json.loads(answer.body)["choices"][0]["message"]["content"] == "Hi"
        assert (len(vendor.requests) - 1, world.ends("req_101")[1]) == (asked, ("capture", CHARGE))
        assert len({body for _head, body in vendor.requests}) == 1
        assert b"x-ratelimit-remaining-requests: 999999998\r\n" in answer.lines  # one before it, and itself
        assert (world.facts("req_101").error, world.facts("req_101").estimated) == ("", False)
        world.settle()


async def test_a_kept_connection_that_the_upstream_closed_is_no_failure(tmp_path: Path) -> None:
    vendor = Vendor(answering(), vanishing, answering())
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        answer = await world.ask()
        facts = world.facts("req_101")
        assert (answer.way, answer.status, facts.attempts, facts.tried) == ("handed", 200, 1, ())
        assert (await world.ask()).way == "usual"


class Read:
    """A client that reads a stream to its end."""

    def __init__(self) -> None:
        self.over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def write(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        self.over.set_result(None)

    def fail(self, error: Exception) -> None:
        self.over.set_result(error)


@pytest.mark.parametrize(
    "script",
    [
        writing(HEAD, WHOLE[:9], WHOLE[9:]),
        writing(CHUNKED + b"%x\r\n%b\r\n0\r\n" % (len(WHOLE), WHOLE), b"\r\n"),
        writing(HEAD, WHOLE[:9], close=True),
        writing(CHUNKED, b"5\r\n{}", close=True),
        writing(EVENTS_HEAD, b"%x\r\n%b\r\n" % (len(EVENTS) // 2, EVENTS[: len(EVENTS) // 2]), REST_OF_EVENTS),
        writing(EVENTS_HEAD, b"%x\r\n%b\r\n" % (len(EVENTS), EVENTS), b"0\r\n\r\n"),
        writing(EVENTS_HEAD, b"%x\r\n%b\r\n" % (len(EVENTS) // 2, EVENTS[: len(EVENTS) // 2]), close=True),
        answering({"error": {"message": "no"}}, status=400),
        answering({"error": {"message": "no"}}, status=500),
        vanishing,
    ],
    ids=["pieces", "chunks", "cut", "cut-chunks", "events", "late-end", "cut-events", "400", "500", "vanished"],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_what_a_call_held_is_let_go_of_at_once(tmp_path: Path, script: Script, *, is_streamed: bool) -> None:
    """Calls left their bodies to the collector of cycles, which a relay runs once in thousands of them: with pictures, gigabytes."""
    vendor = Vendor(answering(), script)

    async def ask(world: World) -> None:
        request = world.request({**CHAT, "stream": is_streamed})
        begun, told = world.begin(request)
        response = await (world.calls.handle(request, world.kinds["openai_chat"]) if begun is None else told.done)
        if not isinstance(response.body, bytes | bytearray):
            reader = Read()
            response.body.start(reader)
            await reader.over

    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        gc.collect()
        gc.disable()
        try:
            before = {id(each) for each in parts_of_calls()}
            await ask(world)
            for _ in range(QUIET_LOOKS):
                await asyncio.sleep(QUIET_S)
                left = [type(each).__name__ for each in parts_of_calls() if id(each) not in before]
                if not left:
                    break
        finally:
            gc.enable()
        assert left == []


def parts_of_calls() -> list[object]:
    return [each for each in gc.get_objects() if isinstance(each, HttpRequest | UpstreamResponse | Unchunker | Call)]


async def test_a_refusal_of_the_upstream_releases_the_hold_and_is_told_in_the_dialect(tmp_path: Path) -> None:
    error = {"error": {"message": "bad temperature", "type": "invalid_request_error", "param": "temperature", "code": "invalid_value"}}
    vendor = Vendor(answering(), answering(error, status=400))
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        usual, ordinary = await world.ask(), await world.ask(is_usual=False)
        assert (usual.way, usual.status, usual.error["param"]) == ("handed", 400, "temperature")
        assert world.ends("req_101")[1:] == world.ends("req_102")[1:] == [("release", 0)]
        assert msgspec.structs.replace(world.facts("req_101"), request_id="req_102") == world.facts("req_102")
        assert without(bytes(usual.body), "req_101") == without(bytes(ordinary.body), "req_102")
        assert len(vendor.requests) == 3
        world.settle()


@pytest.mark.parametrize(
    ("usage", "note"),
    [
        (None, ""),
        ({"prompt_tokens": -1, "completion_tokens": 5}, "usage_refused"),
        ({"prompt_tokens": 1, "completion_tokens": 10**15}, "usage_refused"),
        ({"prompt_tokens": 1, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, "usage_refused"),
    ],
)
async def test_without_credible_usage_an_estimate_is_charged_and_flagged(tmp_path: Path, usage: Any, note: str) -> None:
    async with playing(tmp_path, Vendor(answering(), answering({**ANSWER, "usage": usage}))) as world:
        await world.warm_up()
        usual, ordinary = await world.ask(), await world.ask(is_usual=False)
        assert (usual.way, usual.status, usual.body) == ("handed", 200, ordinary.body)
        facts = world.facts("req_101")
        assert (facts.estimated, facts.note) == (True, note)
        assert msgspec.structs.replace(facts, request_id="req_102") == world.facts("req_102")
        [(_, held), (kind, charged)] = world.ends("req_101")
        assert (kind, charged) == world.ends("req_102")[1]
        assert 0 < charged <= held
        world.settle()


# When the journal breaks.


async def test_a_hold_that_cannot_be_written_asks_no_upstream(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        world.journal.broken = True
        answer = await world.ask()
        assert (answer.way, answer.status) == ("handed", 503)
        assert b"retry-after: 1\r\n" in answer.lines
        assert b"x-ratelimit-limit-requests" in answer.lines
        assert answer.error["message"]
        await asyncio.sleep(QUIET_S)
        assert (len(vendor.requests), len(world.broken), world.ends("req_101")) == (1, 1, [])
        [refusal] = world.desk.refusals.take()
        assert (refusal.request_id, refusal.status, refusal.model, refusal.endpoint) == ("req_101", 503, "m", "openai_chat")
        again = await world.ask()
        assert (again.way, again.status) == ("declined", 503)


async def test_an_answer_whose_charge_cannot_be_written_never_goes_out(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:

        async def breaking(writer: asyncio.StreamWriter) -> None:
            world.journal.broken = True
            await answering()(writer)

        await world.warm_up()
        vendor.scripts = [breaking]
        begun, told = world.begin(world.request())
        assert begun is not None
        await until(lambda: world.broken)
        await asyncio.sleep(QUIET_S)
        assert (told.done.done(), told.task) == (False, None)
        assert [kind for kind, _ in world.ends("req_101")] == ["hold"]


# When the server gives it up.


async def test_a_call_dropped_before_its_hold_is_durable_asks_nobody(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        begun, told = world.begin(world.request())
        assert begun is not None
        assert begun.cancel() is False
        await asyncio.sleep(QUIET_S)
        assert (len(vendor.requests), told.done.done(), told.task) == (1, False, None)
        assert [kind for kind, _ in world.ends("req_101")] == ["hold"]
        assert world.transport.connections == 1


async def test_a_call_dropped_while_the_upstream_works_takes_its_connection_along(tmp_path: Path) -> None:
    hung_up = asyncio.Event()

    async def working(_writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            assert await vendor.reader.read() == b""
        hung_up.set()

    vendor = Vendor(answering(), working)
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        begun, told = world.begin(world.request())
        assert begun is not None
        await until(lambda: len(vendor.requests) == 2)
        assert begun.cancel() is False
        await asyncio.wait_for(hung_up.wait(), PATIENCE_S)
        await until(lambda: not world.transport.connections)
        assert (told.done.done(), told.task) == (False, None)
        assert [kind for kind, _ in world.ends("req_101")] == ["hold"]


async def test_symptom_a_call_dropped_late_took_another_calls_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its upstream had answered and its charge was being written: the connection was reset all the same, which by then had been asked by
    somebody else, who never heard of it."""
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        begun, told = world.begin(world.request())
        assert begun is not None
        capture_it = world.meter.capture

        def capture(*arguments: Any, **more: Any) -> None:
            capture_it(*arguments, **more)
            assert begun.cancel() is False

        monkeypatch.setattr(world.meter, "capture", capture)
        await until(lambda: len(world.records()) == 4)
        monkeypatch.undo()
        assert (await world.ask()).way == "usual"
        assert (vendor.accepted, world.transport.connections) == (1, 1)
        assert (told.done.done(), told.task) == (False, None)
        world.settle()  # what was used is charged


async def test_a_call_dropped_after_its_answer_changes_nothing(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        begun, told = world.begin(world.request())
        assert begun is not None
        assert (await asyncio.wait_for(told.done, PATIENCE_S)).status == 200
        second, told = world.begin(world.request())
        await until(lambda: len(vendor.requests) == 3)
        assert begun.cancel() is False  # by now its connection serves the second
        assert second is not None
        assert (await asyncio.wait_for(told.done, PATIENCE_S)).status == 200
        assert (told.way, vendor.accepted) == ("usual", 1)
        world.settle()


class Wire:
    """The transport of a client's socket that keeps what was written."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.is_aborted = True

    def get_extra_info(self, _name: str) -> None:
        return None

    def set_write_buffer_limits(self, high: int, low: int) -> None: ...


def at_the_edge(world: World) -> tuple[Service, ClientConnection, Wire]:
    """Return a client's connection to the relay, and both its ends."""

    async def handle(request: HttpRequest) -> HttpResponse:
        return await world.calls.handle(request, world.kinds["openai_chat"])

    service = Service(
        handle,
        begin=world.usual.begin,
        render_error=lambda error, path, request_id: HttpResponse(status=error.status, headers=HeaderBlock()),
        log_fault=lambda fault, path, request_id: world.faults.append(repr(fault)),
        limits=EdgeLimits(),
        clock=world.clock,
        trusted_proxies=(),
        cors=True,
    )
    client, wire = ClientConnection(service, tls=False), Wire()
    client.connection_made(wire)  # type: ignore[arg-type]  # all of a transport that is needed here
    return service, client, wire


SENT = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: %d\r\n\r\n%s" % (
    len(json.dumps(CHAT)),
    json.dumps(CHAT),
)


async def test_pipelined_at_the_edge_calls_are_answered_in_turn(tmp_path: Path) -> None:
    vendor = Vendor(*(answering({**ANSWER, "id": f"c{number}"}) for number in range(4)))
    async with playing(tmp_path, vendor) as world:
        _service, client, wire = at_the_edge(world)
        client.data_received(SENT.encode() * 4)
        await until(lambda: wire.sent.count(b"HTTP/1.1 200 OK\r\n") == 4)
        places = [wire.sent.index(b'"c%d"' % number) for number in range(4)]
        assert (places, vendor.accepted, world.faults) == (sorted(places), 1, [])
        world.settle()


async def test_a_client_that_left_is_charged_all_the_same_and_forgotten_then(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        service, client, wire = at_the_edge(world)
        client.data_received(SENT.encode())
        await until(lambda: wire.sent)
        wire.sent = b""
        client.data_received(SENT.encode())
        client.connection_lost(None)
        assert (len(service.connections), service.buffered_bytes) == (1, len(json.dumps(CHAT)))
        await until(lambda: not service.connections)
        assert [record.amount_nanos for record in world.records() if record.kind == "capture"] == [CHARGE, CHARGE]
        assert (wire.sent, service.buffered_bytes, world.faults) == (b"", 0, [])
        world.settle()


async def test_a_client_that_is_cut_is_forgotten_and_its_upstream_left(tmp_path: Path) -> None:
    async def working(_writer: asyncio.StreamWriter) -> None:
        await vendor.reader.read()

    vendor = Vendor(answering(), working)
    async with playing(tmp_path, vendor) as world:
        service, client, wire = at_the_edge(world)
        client.data_received(SENT.encode())
        await until(lambda: wire.sent)
        client.data_received(SENT.encode())
        await until(lambda: len(vendor.requests) == 2)
        client.cut()
        assert wire.is_aborted
        client.connection_lost(None)
        assert (service.connections, service.buffered_bytes) == (set(), 0)
        await until(lambda: not world.transport.connections)
        assert [record.kind for record in world.records()] == ["hold", "capture", "hold"]


# What is known, and until when.


async def test_a_revoked_key_is_refused_at_the_next_request(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        assert (await world.ask()).way == "usual"
        world.key = None
        world.keys.forget(["key_1"])
        answer = await world.ask()
        assert (answer.way, answer.status) == ("declined", 401)


async def test_a_changed_key_holds_at_the_next_request(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        assert (await world.ask()).way == "usual"
        world.key = CHANGED(KEY, models=("other",))
        world.keys.forget(["key_1"])
        assert [(answer.way, answer.status) for answer in [await world.ask(), await world.ask()]] == [("declined", 403)] * 2
        world.key = KEY
        world.keys.forget()
        assert [answer.way for answer in [await world.ask(), await world.ask()]] == ["declined", "usual"]


async def test_a_changed_price_and_a_model_taken_away_hold_at_the_next_request(tmp_path: Path) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        assert (await world.ask()).way == "usual"
        world.configure(PriceRow(model="m", rates={"input": "10", "output": "20"}))
        dearer = await world.ask()
        assert dearer.way == "usual"
        assert world.ends("req_102")[1] == ("capture", 10 * 10_000 + 5 * 20_000)
        assert world.facts("req_102").price != world.facts("req_101").price
        world.upstreams = []
        world.configure()
        assert (await world.ask()).status in (404, 503)
        world.settle()


async def test_a_call_under_way_keeps_its_price(tmp_path: Path) -> None:
    vendor = Vendor()
    async with playing(tmp_path, vendor) as world:
        await world.warm_up()
        begun, told = world.begin(world.request())
        assert begun is not None
        world.configure(PriceRow(model="m", rates={"input": "10", "output": "20"}))
        world.keys.forget()
        await asyncio.wait_for(told.done, PATIENCE_S)
        assert world.ends("req_101")[1] == ("capture", CHARGE)


# Faults of our own.


class Faulty:
    """A step of a dialect that fails when told to."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step = step
        self.fails = False

    def __call__(self, *arguments: Any) -> Any:
        if self.fails:
            raise RuntimeError("a fault of ours")
        return self.step(*arguments)


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("step", ["pass_request", "pass_response"])
async def test_a_fault_of_ours_is_a_500_and_the_hold_is_released(tmp_path: Path, dialect: str, step: str) -> None:
    wire_formats = load_wire_formats()
    faulty = Faulty(getattr(wire_formats[dialect], step))
    wire_formats[dialect] = msgspec.structs.replace(wire_formats[dialect], **{step: faulty})
    body = ASKS[dialect][1]
    async with playing(tmp_path, Vendor(answering(ANSWERS[dialect])), wire_formats=wire_formats) as world:
        await world.ask(body, dialect=dialect, is_usual=False)
        faulty.fails = True
        world.requests = 100
        usual, ordinary = [await world.ask(body, dialect=dialect, is_usual=is_usual) for is_usual in (True, False)]
        assert (usual.way, usual.status) == ("handed", 500)
        assert without(bytes(usual.body), "req_101") == without(bytes(ordinary.body), "req_102")
        assert world.ends("req_101")[1:] == [("release", 0)]
        assert world.faults == ["RuntimeError('a fault of ours')"] * 2
        faulty.fails = False
        assert (await world.ask(body, dialect=dialect)).way == "usual"
        world.settle()


async def test_a_fault_in_reading_a_request_is_said_on_the_ordinary_way(tmp_path: Path) -> None:
    wire_formats = load_wire_formats()
    faulty = Faulty(wire_formats["openai_chat"].peek)
    wire_formats["openai_chat"] = msgspec.structs.replace(wire_formats["openai_chat"], peek=faulty)
    async with playing(tmp_path, Vendor(), wire_formats=wire_formats) as world:
        await world.warm_up()
        faulty.fails = True
        answer = await world.ask()
        assert (answer.way, answer.status, len(world.faults)) == ("declined", 500, 1)
        world.settle()


async def test_a_fault_in_counting_gives_the_money_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with playing(tmp_path, Vendor()) as world:
        await world.warm_up()
        faulty = Faulty(world.rates.admit)
        monkeypatch.setattr(world.rates, "admit", lambda key, now: faulty(key, now))
        faulty.fails = True
        answer = await world.ask()
        assert (answer.way, answer.status, len(world.faults)) == ("declined", 500, 1)
        world.settle()


async def test_a_fault_in_the_last_step_reaches_the_edge(tmp_path: Path) -> None:
    """The charge is written by then; whoever asked is told of the fault, and does not wait for ever."""
    wire_formats = load_wire_formats()
    anthropic = wire_formats["anthropic_messages"]
    faulty = Faulty(anthropic.rate_lines or print)
    wire_formats["anthropic_messages"] = msgspec.structs.replace(anthropic, rate_lines=faulty)
    body = ASKS["anthropic_messages"][1]
    async with playing(tmp_path, Vendor(answering(ANSWERS["anthropic_messages"])), wire_formats=wire_formats) as world:
        await world.ask(body, dialect="anthropic_messages", is_usual=False)
        faulty.fails = True
        for is_usual in (False, True):
            with pytest.raises(RuntimeError, match="a fault of ours"):
                await world.ask(body, dialect="anthropic_messages", is_usual=is_usual)
        world.settle()
