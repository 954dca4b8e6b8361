"""The way of a media task with everything around the gateway made up; the real rooms meet in the desk's integration test."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.blobs import BlobInfo
from modelgate.core.errors import BalanceExhausted, ModelgateError, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.money import NANOS_PER_USD
from modelgate.core.records import ApiKey, Credential, PriceRow, Snapshot, Task, TaskOutput, Upstream
from modelgate.formats.kling.family import FAMILY
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.openai_videos import family as openai_videos
from modelgate.gateway import submissions as submissions_module
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.families import MediaRoutes
from modelgate.gateway.files import FileLinks, Files
from modelgate.gateway.media import MediaGateway
from modelgate.gateway.submissions import MediaDesk, Submissions
from modelgate.gateway.waiting import Waiting
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.telemetry.metrics import Metrics
from modelgate.telemetry.metrics_page import render_page

PATH = "/kling/v1/images/generations"
SECRET = "sk-test-1"
NOW = 1_763_884_800.0
KEY = ApiKey(id="key_1", account="acct_1", book="test", name="k", digest=digest_of(SECRET), hint="…", limit_nanos=7, limit_reset="monthly")
UPSTREAM = Upstream(
    id="up_1",
    name="u",
    provider="kling",
    base_url="https://vendor.example",
    book="test",
    models={"painter": "kling-v1", "gift": "kling-v1"},
    credentials=(Credential(id="cred_1", secret="a|b"),),
)
STRANGER = msgspec.structs.replace(UPSTREAM, id="up_2", provider="bfl", models={"stranger": "flux-dev"})
SNAPSHOT = Snapshot(
    version=1,
    upstreams=(UPSTREAM, STRANGER),
    prices=(PriceRow(model="painter", rates={"image": "0.01", "image:with_image": "0.02"}), PriceRow(model="stranger", free=True)),
)


class Store:
    """Keeps what it is given; `refusal` is raised instead of taking a task."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.inserted: list[dict[str, Any]] = []
        self.released: list[Task] = []
        self.refusal: ModelgateError | None = None

    async def insert(self, task: Task, **about: Any) -> Task:
        if self.refusal is not None:
            raise self.refusal
        self.inserted.append({"task": task, **about})
        self.tasks[task.id] = task
        return task

    async def get(self, task_id: str, *, account: str | None = None) -> Task | None:
        task = self.tasks.get(task_id)
        return task if task is not None and account in (None, task.account) else None

    async def save(self, task: Task, *, lease_until: float | None = None) -> Task | None:
        self.released.append(task)
        return task


class Mover:
    """Moves a task to where the test says."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {"state": "running", "vendor_task": "v1"}
        self.fault: Exception | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def advance(self, task: Task) -> Task:
        await self.may_end.wait()
        if self.fault is not None:
            raise self.fault
        return msgspec.structs.replace(task, **self.changes)


class Inputs:
    """Stores nothing, and remembers what was discarded."""

    def __init__(self) -> None:
        self.discarded: list[Any] = []

    async def store(self, request: ImageRequest, **_: Any) -> ImageRequest:
        return msgspec.structs.replace(request, inputs=tuple(MediaInput(blob="task_12345678-in0.png") for _ in request.inputs))

    async def discard(self, inputs: Any) -> None:
        self.discarded.append(inputs)


class Blobs:
    """Keeps one picture under any name."""

    async def head(self, key: str) -> BlobInfo:
        return BlobInfo(content_type="image/png", size_bytes=5, modified_at=NOW)


class World:
    """A gateway and what is around it."""

    def __init__(self, folder: Path) -> None:
        self.store, self.mover, self.inputs = Store(), Mover(), Inputs()
        self.faults: list[BaseException] = []
        self.links = FileLinks(base_url="https://gateway.example", secret=b"s", lifetime_s=60, clock=lambda: NOW)
        self.blobs = Blobs()
        self.metrics = Metrics()
        providers = load_providers()
        configuration = Configuration(SNAPSHOT, providers=providers, shipped=(), now=NOW)

        async def look_up(digest: str) -> tuple[ApiKey | None, str, float | None]:
            return (KEY, "2025-10", NOW - 1) if digest == KEY.digest else (None, "", None)

        desk = MediaDesk(
            keys=KeyTable(look_up),
            rates=RateCounters(folder / "rates", writer=0, writers=1),
            configuration=lambda: configuration,
            providers=providers,
            metrics=self.metrics,
            clock=lambda: NOW,
        )
        self.submissions = Submissions(
            desk,
            inputs=self.inputs,  # type: ignore[arg-type]
            store=self.store,  # type: ignore[arg-type]
            mover=self.mover,
            log_fault=lambda error, _: self.faults.append(error),
        )
        self.gateway = MediaGateway(
            desk,
            routes=MediaRoutes([FAMILY, openai_videos.FAMILY]),
            submissions=self.submissions,
            store=self.store,  # type: ignore[arg-type]
            links=self.links,
            files=Files(self.blobs, self.links, clock=lambda: NOW),  # type: ignore[arg-type]
            waiting=Waiting(store=self.store, submissions=self.submissions, mover=self.mover, clock=lambda: NOW),  # type: ignore[arg-type]
            wait_s=60.0,
        )

    async def ask(self, method: str = "POST", path: str = PATH, **fields: Any) -> HttpResponse:
        body = msgspec.json.encode({"model_name": "painter", "prompt": "x", **fields}) if method == "POST" else b""
        headers = HeaderBlock.of(("authorization", f"Bearer {SECRET}"))
        return await self.gateway.handle(HttpRequest(method=method, path=path, headers=headers, body=body, id="req_1", client="192.0.2.1"))


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return World(tmp_path)


def json_of(response: HttpResponse) -> Any:
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body)


@pytest.mark.anyio
async def test_a_task_is_durable_with_all_it_needs_before_anybody_is_asked(world: World) -> None:
    response = await world.ask(n=3, external_task_id="mine")

    (inserted,) = world.store.inserted
    task = inserted["task"]
    assert response.status == 200
    assert json_of(response)["data"]["task_id"] == task.id
    assert (inserted["period"], inserted["limit_nanos"]) == ("2025-11", 7), "the key was looked up last month; its limit counts this one"
    assert inserted["lease_until"] > NOW
    assert (task.account, task.key, task.book, task.family, task.operation, task.model) == (
        "acct_1",
        "key_1",
        "test",
        "kling",
        "image",
        "painter",
    )
    assert (task.state, task.amount_nanos, task.weight, task.request_id) == ("queued", 3 * NANOS_PER_USD // 100, 3, "req_1")
    assert task.deadline_at == NOW + 1800
    assert msgspec.json.decode(task.request) == {"model": "painter", "prompt": "x", "n": 3}
    assert msgspec.json.decode(task.facts) == {"external_task_id": "mine"}


@pytest.mark.anyio
async def test_a_slow_vendor_is_not_waited_for_and_not_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions_module, "SUBMIT_WAIT_S", 0.01)
    world.mover.may_end.clear()

    response = await world.ask()
    assert json_of(response)["data"]["task_status"] == "submitted"

    world.mover.may_end.set()
    await world.submissions.drain(5)
    assert world.faults == []


@pytest.mark.anyio
async def test_a_crowd_at_the_vendors_is_bounded_and_the_rest_goes_to_the_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that was answered without being moved must not keep this process's lease, or nobody moves it for minutes."""
    monkeypatch.setattr(submissions_module, "MAX_MOVING", 0)
    assert (await world.ask()).status == 200
    assert [task.id for task in world.store.released] == list(world.store.tasks)


@pytest.mark.anyio
async def test_a_fault_of_the_mover_is_logged_and_the_task_stands(world: World) -> None:
    world.mover.fault = RuntimeError("surprise")
    response = await world.ask()
    assert (response.status, json_of(response)["data"]["task_status"]) == (200, "submitted")
    assert world.faults == [world.mover.fault]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changes", "status", "code", "words"),
    [
        ({"error_code": refusals.INVALID_REQUEST, "error_message": "n is odd"}, 400, 1201, "n is odd"),
        ({"error_code": refusals.CONTENT_REFUSED, "error_message": ""}, 400, 1301, "refused this request"),
        ({"error_code": refusals.RATE_LIMITED, "error_message": "v"}, 503, 5001, "busy"),
        ({"error_code": refusals.VENDOR_UNAVAILABLE, "error_message": "v"}, 503, 5001, "busy"),
        ({"error_code": refusals.CREDENTIAL_REFUSED, "error_message": "secret account name"}, 502, 5000, "not charged"),
    ],
)
async def test_a_refusal_comes_back_at_once(world: World, changes: dict[str, str], status: int, code: int, words: str) -> None:
    world.mover.changes = {"state": "failed", **changes}
    response = await world.ask()
    assert (response.status, json_of(response)["code"]) == (status, code)
    assert words in json_of(response)["message"]
    assert "secret" not in json_of(response)["message"]


@pytest.mark.anyio
async def test_a_task_that_was_taken_and_failed_at_once_is_a_task(world: World) -> None:
    world.mover.changes = {"state": "failed", "vendor_task": "v1", "error_code": refusals.GENERATION_FAILED}
    response = await world.ask()
    assert (response.status, json_of(response)["data"]["task_status"]) == (200, "failed")


@pytest.mark.anyio
async def test_without_money_nothing_is_kept(world: World) -> None:
    world.store.refusal = BalanceExhausted()
    response = await world.ask(image="aGVsbG8=")
    assert (response.status, json_of(response)["code"]) == (403, 1102)
    assert [items[0].blob for items in world.inputs.discarded] == ["task_12345678-in0.png"]


@pytest.mark.anyio
@pytest.mark.parametrize(("model", "status", "code"), [("gift", 403, 1103), ("nobody", 404, 1203)])
async def test_a_model_needs_a_price_and_a_route(world: World, model: str, status: int, code: int) -> None:
    response = await world.ask(model_name=model)
    assert (response.status, json_of(response)["code"]) == (status, code)
    assert world.store.inserted == []


@pytest.mark.anyio
async def test_a_finished_task_shows_only_our_addresses(world: World) -> None:
    await world.ask()
    (task,) = world.store.tasks.values()
    outputs = (
        TaskOutput(kind="image", url="https://vendor.example/a.png", blob=f"{task.id}-0.png"),
        TaskOutput(kind="image", url="https://vendor.example/b.png", blob=f"{task.id}-1.png"),
    )
    world.store.tasks[task.id] = msgspec.structs.replace(task, state="succeeded", outputs=outputs)

    response = await world.ask("GET", f"{PATH}/{task.id}")

    images = json_of(response)["data"]["task_result"]["images"]
    assert [image["url"].partition("?")[0] for image in images] == [f"https://gateway.example/files/{task.id}-{n}.png" for n in (0, 1)]
    assert b"vendor.example" not in response.body  # type: ignore[operator]


@pytest.mark.anyio
async def test_files_that_are_no_longer_kept_have_no_address(world: World) -> None:
    await world.ask()
    (task,) = world.store.tasks.values()
    outputs = (TaskOutput(kind="image", blob=f"{task.id}-0.png"),)
    world.store.tasks[task.id] = msgspec.structs.replace(task, state="succeeded", outputs=outputs, finished_at=NOW - 100)
    world.links._kept_s = 101.0
    assert len(json_of(await world.ask("GET", f"{PATH}/{task.id}"))["data"]["task_result"]["images"]) == 1
    world.links._kept_s = 100.0
    assert json_of(await world.ask("GET", f"{PATH}/{task.id}"))["data"]["task_result"].get("images", []) == []


@pytest.mark.anyio
@pytest.mark.parametrize("change", [{"account": "acct_2"}, {"book": "live"}, {"operation": "music"}])
async def test_what_is_not_the_callers_is_absent(world: World, change: dict[str, Any]) -> None:
    await world.ask()
    (task,) = world.store.tasks.values()
    world.store.tasks[task.id] = msgspec.structs.replace(task, **change)
    response = await world.ask("GET", f"{PATH}/{task.id}")
    assert (response.status, json_of(response)["code"]) == (404, 1203)


@pytest.mark.anyio
async def test_a_route_may_word_errors_otherwise_than_its_family(world: World) -> None:
    """A task that is not there is 404 by `/v1/videos`, and 400 for the clients of the older path."""
    for path, status in (("/v1/videos/task_0", 404), ("/v1/video/generations/task_0", 400)):
        response = await world.ask("GET", path)
        assert (response.status, json_of(response)["code"]) == (status, "task_not_exist")


@pytest.mark.anyio
async def test_outside_of_every_family_nothing_is_said(world: World) -> None:
    with pytest.raises(UnknownPath):
        await world.ask("GET", "/mj/submit")


@pytest.mark.anyio
async def test_requests_are_counted(world: World) -> None:
    await world.ask()
    await world.ask(n=100)
    text = render_page(world.metrics.current()).decode()
    assert 'endpoint="submit_kling_image",model="painter",status="200"' in text
    assert 'endpoint="submit_kling_image",model="",status="400"' in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "field"), [({"n": 2}, "n"), ({"negative_prompt": "text"}, "negative_prompt"), ({"resolution": "2k"}, "resolution")]
)
async def test_what_a_vendor_of_another_dialect_cannot_do_is_said_and_not_dropped(world: World, fields: dict[str, Any], field: str) -> None:
    """Kling's clients may name any model that makes pictures; a prompt's negation must not vanish on the way."""
    response = await world.ask(model_name="stranger", **fields)
    assert (response.status, json_of(response)["error"]["param"]) == (400, field)
    assert world.store.inserted == []
    assert (await world.ask(model_name="stranger", aspect_ratio="16:9")).status == 200
