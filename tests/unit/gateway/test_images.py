"""A request for pictures that waits for its tasks, with everything around it made up."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.blobs import BlobNotFound
from modelgate.core.errors import BalanceExhausted, ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey, Credential, PriceRow, Snapshot, Task, TaskOutput, Upstream
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest
from modelgate.gateway import images as images_module
from modelgate.gateway import waiting as waiting_module
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.files import FileLinks
from modelgate.gateway.images import ImagesGateway
from modelgate.gateway.images_door import IMAGES_PATH
from modelgate.gateway.submissions import MediaDesk, Submissions
from modelgate.gateway.waiting import Waiting
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.telemetry.metrics import Metrics
from modelgate.telemetry.metrics_page import render_page

pytestmark = pytest.mark.anyio

SECRET = "sk-test-1"
NOW = 1_763_884_800.0
WAIT_S = 300.0
KEY = ApiKey(id="key_1", account="acct_1", book="test", name="k", digest=digest_of(SECRET), hint="…", rpm=100)
FLUX = Upstream(
    id="up_1",
    name="u",
    provider="bfl",
    base_url="https://vendor.example",
    book="test",
    models={"painter": "flux-dev", "gift": "flux-dev"},
    credentials=(Credential(id="cred_1", secret="s"),),
)
KLING = msgspec.structs.replace(
    FLUX, id="up_2", provider="kling", models={"many": "kling-v1"}, credentials=(Credential(id="c", secret="a|b"),)
)
PRICES = (PriceRow(model="painter", rates={"image": "0.03"}), PriceRow(model="many", rates={"image": "0.01"}))
SNAPSHOT = Snapshot(version=1, upstreams=(FLUX, KLING), prices=PRICES)


class Store:
    """Keeps tasks; each look at one moves it on as `ends` says."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.room = 100
        self.looks = asyncio.Semaphore(0)

    async def insert(self, task: Task, **_: Any) -> Task:
        if len(self.tasks) >= self.room:
            raise BalanceExhausted
        self.tasks[task.id] = task
        return task

    async def finish(self, task: Task, *, captured_nanos: int) -> Task:
        self.tasks[task.id] = task
        return task

    async def get(self, task_id: str, *, account: str | None = None) -> Task | None:
        self.looks.release()
        return self.tasks.get(task_id)


class Mover:
    """Submits, and ends each task the next time it is looked for, as the test says of the first, second …"""

    def __init__(self, store: Store, now: list[float]) -> None:
        self.store, self.now = store, now
        self.ends: list[dict[str, Any]] = []
        self.never = self.refuses = False
        self.expired = 0

    async def advance(self, task: Task) -> Task:
        if self.refuses:
            return task
        if self.now[0] >= task.deadline_at:
            self.expired += 1
            ended = msgspec.structs.replace(task, state="expired", finished_at=self.now[0])
        else:
            index = list(self.store.tasks).index(task.id)
            ended = msgspec.structs.replace(task, state="running", upstream="up_1", vendor_task=f"v{index}")
            if not self.never:
                asyncio.get_running_loop().call_soon(self._end, ended, self.ends[index] if index < len(self.ends) else {})
        self.store.tasks[task.id] = ended
        return ended

    def _end(self, task: Task, change: dict[str, Any]) -> None:
        count = msgspec.json.decode(task.request).get("n", 1)
        outputs = tuple(TaskOutput(kind="image", blob=f"{task.id}-{number}.png", size_bytes=5) for number in range(count))
        fields = {"state": "succeeded", "outputs": outputs, "finished_at": NOW, **change}
        self.store.tasks[task.id] = msgspec.structs.replace(task, **fields)


class Blobs:
    gone = False

    async def read(self, key: str, *, start: int, length: int) -> bytes:
        if self.gone:
            raise BlobNotFound
        assert (start, length) == (0, 5)
        return b"bytes"


class Inputs:
    async def store(self, request: ImageRequest, **_: Any) -> ImageRequest:
        return request

    async def discard(self, _: ImageRequest) -> None: ...


class World:
    def __init__(self, folder: Path) -> None:
        self.now = [NOW]
        self.store, self.blobs, self.metrics = Store(), Blobs(), Metrics()
        self.mover = Mover(self.store, self.now)
        providers = load_providers()
        configuration = Configuration(SNAPSHOT, providers=providers, shipped=(), now=NOW)

        async def look_up(digest: str) -> tuple[ApiKey | None, str, float | None]:
            return (KEY, "", None) if digest == KEY.digest else (None, "", None)

        desk = MediaDesk(
            keys=KeyTable(look_up),
            rates=RateCounters(folder / "rates", writer=0, writers=1),
            configuration=lambda: configuration,
            providers=providers,
            metrics=self.metrics,
            clock=lambda: self.now[0],
        )
        store: Any = self.store
        inputs: Any = Inputs()
        blobs: Any = self.blobs
        mover: Any = self.mover
        submissions = Submissions(desk, inputs=inputs, store=store, mover=mover, log_fault=lambda *_: None)
        self.gateway = ImagesGateway(
            desk,
            submissions=submissions,
            waiting=Waiting(store=store, submissions=submissions, mover=mover, clock=lambda: self.now[0]),
            blobs=blobs,
            links=FileLinks(base_url="https://gateway.example", secret=b"s", lifetime_s=60, clock=lambda: NOW),
            wait_s=WAIT_S,
        )

    async def ask(self, *, secret: str = SECRET, **fields: Any) -> HttpResponse:
        body = msgspec.json.encode({"model": "painter", "prompt": "x", **fields})
        headers = HeaderBlock.of(("authorization", f"Bearer {secret}"))
        return await self.gateway.handle(HttpRequest(method="POST", path=IMAGES_PATH, headers=headers, body=body, id="req_1"))


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(waiting_module, "FIRST_LOOK_S", 0.001)
    return World(tmp_path)


def json_of(response: HttpResponse) -> Any:
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body)


async def test_a_picture_comes_under_our_own_address(world: World) -> None:
    response = await world.ask(quality="hd")
    (task,) = world.store.tasks.values()
    answer = json_of(response)
    assert (response.status, answer["created"]) == (200, int(NOW))
    assert [one["url"].partition("?")[0] for one in answer["data"]] == [f"https://gateway.example/files/{task.id}-0.png"]
    assert response.headers.get(b"modelgate-ignored") == b"quality"
    assert response.headers.get(b"x-ratelimit-limit-requests") == b"100"
    assert (task.family, task.operation, task.deadline_at, task.request_id) == ("openai_images", "image", NOW + WAIT_S, "req_1")


async def test_a_vendor_of_one_picture_a_job_is_given_several_jobs(world: World) -> None:
    response = await world.ask(n=3, seed=7)
    tasks = list(world.store.tasks.values())
    assert [msgspec.json.decode(task.request).get("seed") for task in tasks] == [7, 8, 9]
    assert [(task.amount_nanos, task.weight) for task in tasks] == [(30_000_000, 1)] * 3
    assert len(json_of(response)["data"]) == 3


async def test_a_vendor_of_several_pictures_a_job_is_given_as_few_as_will_do(world: World) -> None:
    response = await world.ask(model="many", n=10, aspect_ratio="16:9")
    assert [(task.amount_nanos, task.weight) for task in world.store.tasks.values()] == [(90_000_000, 9), (10_000_000, 1)]
    assert len(json_of(response)["data"]) == 10


async def test_pictures_as_base64(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json_of(await world.ask(n=2, response_format="b64_json"))
    assert answer["data"] == [{"b64_json": base64.b64encode(b"bytes").decode()}] * 2

    monkeypatch.setattr(images_module, "MAX_INLINE_BYTES", 7)
    first, second = json_of(await world.ask(n=2, response_format="b64_json"))["data"]
    assert ("b64_json" in first, "url" in second) == (True, True)

    world.blobs.gone = True
    assert "url" in json_of(await world.ask(response_format="b64_json"))["data"][0], "it is paid, so it is not kept back"


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"error_code": refusals.CONTENT_REFUSED, "error_message": "no foxes"}, 400, "content_policy_violation", "no foxes"),
        ({"error_code": refusals.CONTENT_REFUSED}, 400, "content_policy_violation", "content policy"),
        ({"error_code": refusals.INVALID_REQUEST, "error_message": "width: odd"}, 400, "invalid_request", "width: odd"),
        ({"error_code": refusals.GENERATION_FAILED, "error_message": "it broke"}, 502, "generation_failed", "it broke"),
        ({"error_code": refusals.GENERATION_FAILED}, 502, "generation_failed", "Nothing was charged"),
        ({"error_code": refusals.VENDOR_UNAVAILABLE}, 502, "generation_failed", "Nothing was charged"),
        ({"error_code": refusals.RATE_LIMITED, "upstream": ""}, 503, "no_upstream", "busy"),
        ({"state": "expired", "error_code": "deadline_passed"}, 504, "upstream_timeout", "in time"),
    ],
)
async def test_a_task_that_made_nothing_is_an_error(world: World, change: dict[str, Any], status: int, code: str, words: str) -> None:
    world.mover.ends = [{"state": "failed", "outputs": (), **change}]
    response = await world.ask()
    error = json_of(response)["error"]
    assert (response.status, error["code"]) == (status, code)
    assert words in error["message"]
    assert (response.headers.get(b"x-should-retry") == b"false") is (status in (502, 504)), "such a retry would only wait as long again"


async def test_pictures_that_failed_are_missing_from_the_others(world: World) -> None:
    world.mover.ends = [{}, {"state": "failed", "outputs": (), "error_code": refusals.GENERATION_FAILED}, {}]
    answer = json_of(await world.ask(n=3))
    first, _, third = world.store.tasks
    assert [one["url"].split("/")[-1].partition("-0.png")[0] for one in answer["data"]] == [first, third]


async def test_what_is_late_expires_with_its_money(world: World) -> None:
    world.mover.never = True
    asking = asyncio.create_task(world.ask(n=2))
    for _ in range(4):
        await world.store.looks.acquire()
    assert not asking.done()
    world.now[0] += WAIT_S

    response = await asking

    assert (response.status, json_of(response)["error"]["code"]) == (504, "upstream_timeout")
    assert world.mover.expired == 2
    assert {task.state for task in world.store.tasks.values()} == {"expired"}


async def test_a_task_that_nobody_takes_is_withdrawn_before_its_time(world: World) -> None:
    """Symptom: while a vendor was down each call hung for five minutes, only to be told so then."""
    world.mover.refuses = True
    asking = asyncio.create_task(world.ask(n=2))
    await world.store.looks.acquire()
    world.now[0] += waiting_module.MAX_QUEUED_S

    response = await asking

    assert (response.status, json_of(response)["error"]["code"]) == (503, "no_upstream")
    assert response.headers.get(b"retry-after")
    assert {task.state for task in world.store.tasks.values()} == {"canceled"}


async def test_a_success_at_the_last_moment_is_given_out(world: World) -> None:
    world.mover.never = True
    asking = asyncio.create_task(world.ask())
    await world.store.looks.acquire()
    (task,) = world.store.tasks.values()
    world.now[0] += WAIT_S
    world.mover._end(task, {})
    assert (await asking).status == 200


async def test_without_money_for_all_nothing_is_made(world: World) -> None:
    world.store.room = 2
    response = await world.ask(n=3)
    assert (response.status, json_of(response)["error"]["code"]) == (429, "insufficient_quota")
    assert [task.state for task in world.store.tasks.values()] == ["canceled", "canceled"]


async def test_the_waiting_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_WAITING", 1)
    world.mover.never = True
    asking = asyncio.create_task(world.ask())
    await world.store.looks.acquire()
    assert (await world.ask()).status == 503
    world.now[0] += WAIT_S
    await asking
    world.mover.never = False
    assert (await world.ask()).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "nobody"}, 404, "model"),
        ({"model": "gift"}, 403, "model"),
        ({"prompt": ""}, 400, "prompt"),
        ({"secret": "sk-test-2"}, 401, None),
        ({"model": "many", "seed": 7}, 400, "seed"),
        ({"model": "many", "safety_tolerance": 1}, 400, "safety_tolerance"),
    ],
)
async def test_refusals_before_anybody_is_asked(world: World, fields: dict[str, Any], status: int, param: str | None) -> None:
    response = await world.ask(**fields)
    assert (response.status, json_of(response)["error"]["param"]) == (status, param)
    assert world.store.tasks == {}


async def test_requests_are_counted(world: World) -> None:
    await world.ask()
    await world.ask(n=100)
    text = render_page(world.metrics.current()).decode()
    assert 'endpoint="openai_images",model="painter",status="200"' in text
    assert 'endpoint="openai_images",model="",status="400"' in text


def test_every_error_is_one_of_ours() -> None:
    task = Task(id="t", account="a", key="k", book="test", family="f", operation="image", model="m", state="canceled", request=b"{}")
    assert isinstance(waiting_module.error_of(task), ModelgateError)
